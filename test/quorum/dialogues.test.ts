/** The dialogues of a learner and of a leader, one packet at a time: see stages.ts. */

import { describe, expect, it } from "vitest";
import { PacketType } from "#protocol/quorum-packet.ts";
import { Bytes } from "../support/bytes.ts";
import { FakeLink, LeaderStage, LearnerStage, setDataWithDigest, version } from "./stages.ts";
import { txn } from "./support.ts";

const { ack, commit, ping, newLeader, followerInfo, upToDate, diff, trunc, snap } = PacketType;
const { leaderInfo, inform } = PacketType;

describe("a learner", () => {
  it("introduces itself with the epoch that it accepted last", () => {
    const info = ["0000000000000002", "00010000", "0000000000000000"].join("");
    expect(new LearnerStage().take()).toEqual([`FOLLOWERINFO 100000000 ${info}`]);
    expect(new LearnerStage({ isObserver: true }).take()).toEqual([`OBSERVERINFO 100000000 ${info}`]);
  });

  it("accepts a newer epoch on its disk before it says so", () => {
    const stage = new LearnerStage();
    stage.take();
    stage.hear(leaderInfo, 0x200000000n, version);
    expect(stage.take()).toEqual(["[acceptedEpoch 2]"]);
    expect(stage.link.isPaused).toBe(true);
    stage.finish();
    expect(stage.take()).toEqual(["ACKEPOCH 100000005 00000001"]);
    expect(stage.link.isPaused).toBe(false);
  });

  it("does not count twice for an epoch that it has accepted before", () => {
    const stage = new LearnerStage({ acceptedEpoch: 2n });
    stage.take();
    stage.hear(leaderInfo, 0x200000000n, version);
    expect(stage.take()).toEqual(["ACKEPOCH 100000005 ffffffff"]);
  });

  it("leaves a leader of an older epoch", () => {
    const stage = new LearnerStage({ acceptedEpoch: 3n });
    stage.take();
    stage.hear(leaderInfo, 0x200000000n, version);
    expect(stage.take()).toEqual(["closed", "[over: Leaders epoch, 2 is less than accepted epoch, 3]"]);
  });

  it("acknowledges NEWLEADER when the transactions, and then the epoch, are on its disk", () => {
    const stage = new LearnerStage().discover();
    stage.hear(diff, 0x100000007n);
    stage.propose(0x100000006n);
    stage.hear(commit, 0x100000006n);
    stage.propose(0x200000001n);
    stage.hear(newLeader, 0x200000000n, Buffer.from("version=0"));
    const isPersisting = ["[log]", "[commit 100000006]", "[log]", "[leader's version=0]", "[persist diff]"];
    expect(stage.take()).toEqual(isPersisting);
    stage.finish();
    expect(stage.take()).toEqual(["[currentEpoch 2]"]);
    stage.finish();
    expect(stage.take()).toEqual(["ACK 200000000"]);
  });

  it("acknowledges what is not committed yet once it is in step, and not what was", () => {
    const stage = new LearnerStage().discover();
    stage.hear(diff, 0x100000007n);
    stage.propose(0x100000006n);
    stage.hear(commit, 0x100000006n);
    stage.propose(0x200000001n);
    stage.hear(newLeader, 0x200000000n);
    stage.finish();
    stage.finish();
    stage.take();
    stage.logged(0x200000001n);
    expect(stage.take()).toEqual(["ACK 200000001"]);
    stage.hear(upToDate, -1n);
    expect(stage.take()).toEqual(["[serve 2]", "ACK 200000000"]);
    stage.propose(0x200000002n);
    stage.propose(0x200000003n);
    stage.logged(0x200000003n);
    expect(stage.take()).toEqual(["[log]", "[log]", "ACK 200000002", "ACK 200000003"]);
  });

  it("truncates before it goes on", () => {
    const stage = new LearnerStage().discover();
    stage.hear(trunc, 0x100000003n);
    expect([stage.take(), stage.link.isPaused, stage.learning.isTreeBroken]).toEqual([
      ["[truncate 100000003]"],
      true,
      true,
    ]);
    stage.finish();
    expect([stage.link.isPaused, stage.learning.isTreeBroken]).toEqual([false, false]);
    stage.propose(0x100000004n);
    expect(stage.take()).toEqual(["[log]"]);
  });

  it("takes a tree until it ends, and calls it its own when it is on the disk", () => {
    const stage = new LearnerStage().discover();
    stage.hear(snap, 0x200000004n);
    expect(stage.learning.takeTree(Buffer.alloc(3), 0, 3, 0)).toBe(3);
    expect(stage.learning.state).toBe("ReceivingTree");
    expect(stage.learning.takeTree(Buffer.alloc(9), 0, 9, 0)).toBe(3);
    stage.propose(0x200000004n);
    stage.hear(commit, 0x200000004n);
    stage.propose(0x200000005n);
    stage.hear(newLeader, 0x200000000n);
    expect(stage.take()).toEqual(["[tree 200000004]", "[log]", "[persist snap]"]);
    expect(stage.learning.isTreeBroken).toBe(true);
    stage.finish();
    expect(stage.learning.isTreeBroken).toBe(false);
  });

  it("answers a ping with an empty buffer, never with none", () => {
    const stage = new LearnerStage().serve();
    stage.hear(ping, 0x200000007n);
    expect(stage.take()).toEqual(["PING 200000007 "]);
  });

  it("answers no ping before it serves", () => {
    const stage = new LearnerStage().discover();
    stage.hear(diff, 0x100000005n);
    stage.hear(ping, 0x100000005n);
    expect(stage.take()).toEqual([]);
  });

  it("ends at a gap, and at a commit out of order", () => {
    const gap = new LearnerStage().serve();
    gap.propose(0x200000001n);
    gap.propose(0x200000003n);
    expect(gap.take()).toEqual(["[log]", "closed", "[over: got proposal 0x200000003, last queued 0x200000001]"]);
    const wrong = new LearnerStage().serve();
    wrong.propose(0x200000001n);
    wrong.propose(0x200000002n);
    wrong.take();
    wrong.hear(commit, 0x200000002n);
    expect(wrong.take()).toEqual(["closed", "[over: Committing zxid 0x200000002 but next pending txn 0x200000001]"]);
    const early = new LearnerStage().serve();
    early.hear(commit, 0x200000001n);
    expect(early.take()).toEqual(["closed", "[over: Committing 0x200000001 without seeing txn]"]);
  });

  it("survives a leader that proposes a zxid twice", () => {
    const stage = new LearnerStage().serve();
    stage.propose(0x200000001n);
    stage.propose(0x200000001n);
    stage.hear(commit, 0x200000001n);
    stage.hear(commit, 0x200000001n);
    expect(stage.take()).toEqual(["[log]", "[commit 200000001]"]);
    stage.logged(0x200000001n);
    expect(stage.take()).toEqual(["ACK 200000001"]);
    stage.propose(0x200000001n);
    expect(stage.take()).toEqual(["ACK 200000001"]);
  });

  it("leaves a leader that sends something of a later epoch than its own", () => {
    const later = "a transaction of epoch 3 from a leader of epoch 2";
    const stage = new LearnerStage().discover();
    stage.hear(diff, 0x100000005n);
    stage.propose(0x300000001n);
    expect(stage.take()).toEqual(["closed", `[over: ${later}]`]);
    const tree = new LearnerStage().discover();
    tree.hear(snap, 0x300000001n);
    expect(tree.take()).toEqual(["closed", `[over: ${later}]`]);
    // Beyond the last epoch that there is.
    const negative = new LearnerStage().discover();
    negative.hear(snap, -0x1fffffffbn);
    expect(negative.take()).toEqual(["closed", "[over: a transaction of epoch -2 from a leader of epoch 2]"]);
  });

  it("that observes logs and commits what it is informed of, and acknowledges nothing", () => {
    const stage = new LearnerStage({ isObserver: true }).serve();
    stage.hear(inform, 0x200000001n, txn(0x200000001n));
    stage.logged(0x200000001n);
    stage.hear(commit, 0x200000001n);
    expect(stage.take()).toEqual(["[log]", "[commit 200000001]"]);
  });

  it("is patient for initLimit at first, and for syncLimit when it is in step", () => {
    const stage = new LearnerStage().discover();
    expect([stage.learning.isTimedOut(1000), stage.learning.isTimedOut(1001)]).toEqual([false, true]);
    const serving = new LearnerStage().serve();
    expect([serving.learning.isTimedOut(500), serving.learning.isTimedOut(501)]).toEqual([false, true]);
  });
});

describe("a leader", () => {
  it("has each epoch on its disk before the step that rests on it", () => {
    const stage = new LeaderStage();
    stage.connect(2);
    expect(stage.take()).toEqual(["[acceptedEpoch 2]"]);
    stage.finish();
    expect(stage.take()).toEqual(["2:LEADERINFO 200000000 00010000"]);
    stage.acceptEpoch(2);
    expect(stage.take()).toEqual(["[currentEpoch 2]"]);
    stage.finish();
    expect(stage.take()).toEqual(["2:DIFF 100000005", "2:NEWLEADER 200000000"]);
    stage.hear(2, ack, 0x200000000n);
    expect(stage.take()).toEqual(["[serve 2]", "2:UPTODATE ffffffffffffffff"]);
  });

  it("begins to serve once, though an acknowledgement lies there before anything was sent", () => {
    const stage = new LeaderStage();
    stage.connect(2);
    stage.finish();
    const { link } = stage.links.get(2)!;
    link.resume = () => {
      link.resume = () => {};
      stage.hear(2, ack, 0x200000000n);
    };
    stage.acceptEpoch(2);
    stage.take();
    stage.finish();
    expect(stage.take().filter((line) => line === "[serve 2]")).toHaveLength(1);
  });

  it("closes on whoever has accepted the last epoch that there is, and goes on to its own", () => {
    const stage = new LeaderStage();
    stage.connect(2, 0x7fff_ffffn);
    expect(stage.take()).toEqual(["2:closed", "[2 gone: no epoch follows 2147483647, which it has accepted]"]);
    stage.connect(3);
    expect(stage.take()).toEqual(["[acceptedEpoch 2]"]);
  });

  it("commits what a quorum has, whoever is in it, in order", () => {
    const stage = new LeaderStage().serve();
    stage.propose(0x200000001n);
    stage.propose(0x200000002n);
    expect(stage.take()).toEqual(["2:PROPOSAL 200000001", "2:PROPOSAL 200000002"]);
    stage.hear(2, ack, 0x200000002n);
    expect(stage.take()).toEqual([]);
    stage.ackOwn(0x200000001n);
    expect(stage.take()).toEqual(["[committed 200000001]", "2:COMMIT 200000001"]);
    stage.ackOwn(0x200000002n);
    expect(stage.take()).toEqual(["[committed 200000002]", "2:COMMIT 200000002"]);
  });

  it("may commit before its own disk is done", () => {
    const stage = new LeaderStage().serve();
    stage.connect(3);
    stage.acceptEpoch(3);
    stage.hear(3, ack, 0x200000000n);
    stage.propose(0x200000001n);
    stage.take();
    stage.hear(2, ack, 0x200000001n);
    stage.hear(3, ack, 0x200000001n);
    expect(stage.take()).toEqual(["[committed 200000001]", "2:COMMIT 200000001", "3:COMMIT 200000001"]);
  });

  it("brings a learner into the middle of its traffic", () => {
    const stage = new LeaderStage().serve();
    stage.propose(0x200000001n);
    stage.hear(2, ack, 0x200000001n);
    stage.ackOwn(0x200000001n);
    stage.propose(0x200000002n);
    stage.connect(3);
    stage.take();
    stage.acceptEpoch(3, 0x100000004n);
    expect(stage.take()).toEqual([
      "3:DIFF 200000001",
      "3:PROPOSAL 100000005",
      "3:COMMIT 100000005",
      "3:PROPOSAL 200000001",
      "3:COMMIT 200000001",
      "3:PROPOSAL 200000002",
      "3:NEWLEADER 200000000",
    ]);
  });

  it("brings no more observers up to date at once than it may, and lets the next one try again", () => {
    const stage = new LeaderStage(3, 3).serve();
    for (const sid of [4, 5, 6]) stage.connect(sid, 1n, 16);
    stage.take();
    for (const sid of [4, 5]) stage.acceptEpoch(sid);
    expect(stage.take().filter((line) => line.includes("DIFF"))).toHaveLength(2);
    stage.acceptEpoch(6);
    expect(stage.take()).toEqual(["6:closed", "[6 gone: too many learners are sent transactions at once]"]);
    stage.hear(4, ack, 0x200000000n);
    stage.connect(6, 1n, 16);
    stage.acceptEpoch(6);
    expect(stage.take()).toContain("6:NEWLEADER 200000000");
  });

  it("sends an observer nothing that is not committed", () => {
    const stage = new LeaderStage(3, 1).serve();
    stage.propose(0x200000001n);
    stage.connect(4, 1n, 16);
    stage.acceptEpoch(4);
    expect(stage.take().slice(1)).toEqual([
      "4:LEADERINFO 200000000 00010000",
      "4:DIFF 100000005",
      "4:NEWLEADER 200000000",
    ]);
    stage.hear(4, ack, 0x200000000n);
    stage.take();
    stage.hear(2, ack, 0x200000001n);
    stage.ackOwn(0x200000001n);
    expect(stage.take()).toEqual(["[committed 200000001]", "2:COMMIT 200000001", "4:INFORM 200000001"]);
  });

  it("holds back traffic while a tree is on its way, and sends it without digests", () => {
    const stage = new LeaderStage().serve();
    stage.connect(3);
    stage.take();
    stage.acceptEpoch(3, 0x100000009n, 0);
    stage.take();
    stage.connect(3);
    stage.acceptEpoch(3, 0n);
    stage.take();
    stage.propose(0x200000001n);
    const whole = txn(0x200000001n, setDataWithDigest).length;
    expect(stage.take()).toEqual(["2:PROPOSAL 200000001"]);
    stage.treeDone!();
    const out = stage.links.get(3)!.link.open();
    expect(out.bytes.toString("latin1", 4, 14)).toBe("BenWasHere");
    expect(out.bytes.readInt32BE(14 + 12)).toBe(whole - 12);
  });

  it.each([
    ["a later epoch", 0x100000005n, 2],
    ["a later zxid", 0x100000006n, 1],
  ])("does not take a learner with %s than its own", (_, zxid, currentEpoch) => {
    const stage = new LeaderStage();
    stage.connect(2);
    stage.finish();
    stage.take();
    stage.acceptEpoch(2, zxid, currentEpoch);
    expect(stage.take()).toEqual(["2:closed", "[2 gone: Follower is ahead of the leader]"]);
  });

  it.each([
    ["that begins with something else", ack, null],
    ["of before 3.4", followerInfo, new Bytes().long(2n).build()],
    ["with a newer configuration", followerInfo, new Bytes().long(2n).int(0x10000).long(1n).build()],
  ])("closes a connection %s", (_, type, data) => {
    const stage = new LeaderStage();
    const link = new FakeLink(stage, "2:");
    stage.links.set(2, { link, handler: stage.leading.connected(link, 0) });
    stage.hear(2, type, 0n, data);
    expect(stage.take()[0]).toBe("2:closed");
  });

  it("counts an acknowledgement that overtakes the one of NEWLEADER as what it is", () => {
    const stage = new LeaderStage().serve();
    stage.propose(0x200000001n);
    stage.connect(3);
    stage.acceptEpoch(3);
    stage.ackOwn(0x200000001n);
    stage.take();
    stage.hear(3, ack, 0x200000001n);
    expect(stage.take()).toEqual(["[committed 200000001]", "2:COMMIT 200000001", "3:COMMIT 200000001"]);
    stage.hear(3, ack, 0x200000000n);
    expect(stage.take()).toEqual(["3:UPTODATE ffffffffffffffff"]);
  });

  it("answers a sync when all that was proposed before it is committed, in order", () => {
    const stage = new LeaderStage().serve();
    const { subscriber } = stage.links.get(2)!.handler;
    stage.leading.broadcast.sync(subscriber);
    expect(stage.take()).toEqual(["2:SYNC 0"]);
    stage.propose(0x200000001n);
    stage.leading.broadcast.sync(subscriber);
    stage.propose(0x200000002n);
    stage.take();
    stage.hear(2, ack, 0x200000002n);
    stage.ackOwn(0x200000002n);
    expect(stage.take()).toEqual(["[committed 200000002]", "2:COMMIT 200000001", "2:SYNC 0", "2:COMMIT 200000002"]);
  });

  it("pings every half tick, and steps down without a quorum", () => {
    const stage = new LeaderStage().serve();
    let nowMs = 0;
    const halfTick = (): string[] => {
      stage.leading.halfTick((nowMs += 50));
      return stage.take();
    };
    expect(halfTick()).toEqual(["2:PING 200000000"]);
    for (let i = 0; i < 9; i++) halfTick();
    const end = [...halfTick(), ...halfTick()];
    expect(end.at(-1)).toBe("[over: Not sufficient followers synced, only synced with sids: [ 1 ]]");
    expect(end).toContain("[2 gone: Read timed out]");
  });

  it("ends the epoch before its numbers are used up", () => {
    const nearlyLast = 0xfffffffe - 2 ** 24;
    const stage = new LeaderStage(3, 0, undefined, nearlyLast).serve();
    stage.leading.halfTick(50);
    expect(stage.take()).toEqual(["2:PING 2fefffffe"]);
    stage.propose(0x2feffffffn);
    stage.leading.halfTick(100);
    expect(stage.take().at(-1)).toBe("[over: the zxids of this epoch are nearly used up: the next one begins]");
  });

  it("gives up when no quorum comes", () => {
    const stage = new LeaderStage();
    stage.leading.halfTick(1000);
    expect(stage.take()).toEqual([]);
    stage.leading.halfTick(1050);
    expect(stage.take()).toEqual(["[over: Timeout while waiting for epoch from quorum]"]);
  });

  it("gives up sooner when a voter of its own looks elsewhere, where it was told to, and only for the epoch's sake", () => {
    const patient = new LeaderStage();
    patient.leading.deserted(false, 999);
    expect(patient.take()).toEqual([]);
    const hasty = new LeaderStage(3, 0, undefined, 0, 1n, 300);
    hasty.leading.deserted(false, 300);
    expect(hasty.take()).toEqual([]);
    hasty.leading.deserted(false, 301);
    expect(hasty.take()).toEqual(["[deserted]", "[over: Quit leading due to voter changed mind.]"]);
    const settled = new LeaderStage(3, 0, undefined, 0, 1n, 300);
    settled.connect(2);
    settled.take();
    settled.leading.deserted(false, 301);
    settled.leading.deserted(true, 302);
    expect(settled.take()).toEqual([]);
  });

  it("gives up at once when those that still vote for it are no quorum", () => {
    const stage = new LeaderStage();
    stage.leading.deserted(true, 1);
    expect(stage.take()).toEqual(["[deserted]", "[over: Quit leading due to voter changed mind.]"]);
  });

  it("does not begin an epoch behind the last one, and says why", () => {
    const stage = new LeaderStage(3, 0, undefined, 0, 0x7fff_ffffn);
    stage.connect(2);
    stage.connect(3);
    expect(stage.take()).toEqual([]);
    stage.leading.halfTick(1050);
    expect(stage.take()).toContain("[over: no epoch follows 2147483647, which this server has accepted]");
  });

  it("keeps a learner that has nothing to acknowledge, whatever it joined in the middle of", () => {
    const stage = new LeaderStage().serve();
    stage.propose(0x200000001n);
    stage.hear(2, ack, 0x200000001n);
    stage.ackOwn(0x200000001n);
    stage.connect(3);
    stage.acceptEpoch(3, 0x100000004n);
    stage.hear(3, ack, 0x200000000n);
    // UPTODATE is acknowledged by the epoch's zxid, which is less than what it was brought up to date with.
    stage.hear(3, ack, 0x200000000n);
    stage.take();
    for (let nowMs = 50; nowMs <= 1500; nowMs += 50) {
      for (const sid of [2, 3]) {
        stage.hear(sid, ping, -1n);
        stage.links.get(sid)!.handler.heardMs = nowMs;
      }
      stage.leading.halfTick(nowMs);
    }
    expect(stage.take().filter((line) => /closed|gone|over/.test(line))).toEqual([]);
  });

  it("closes a learner that does not acknowledge", () => {
    const stage = new LeaderStage().serve();
    stage.propose(0x200000001n);
    for (let nowMs = 50; nowMs <= 500; nowMs += 50) {
      stage.links.get(2)!.handler.heardMs = nowMs;
      stage.leading.halfTick(nowMs);
    }
    expect(stage.take()).not.toContain("2:closed");
    stage.links.get(2)!.handler.heardMs = 550;
    stage.leading.halfTick(550);
    expect(stage.take()).toContain("[2 gone: Closing connection to peer due to transaction timeout.]");
  });
});
