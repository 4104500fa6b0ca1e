/**
 * One role, and the test as its peer: what is said, in which order, and what must be on the disk before. Packets are written
 * as `ACK 200000000`; what a role asks of its driver stands in brackets, before the packets of the same turn.
 */

import { describe, expect, it } from "vitest";
import { highOf, longOf, lowOf } from "#base/zxid.ts";
import { JuteWriter } from "#jute/writer.ts";
import { PacketView, packetName } from "#protocol/quorum-packet.ts";
import { asDurable } from "#quorum/durable.ts";
import type { LearnerHandler } from "#quorum/learner-handler.ts";
import { Leading } from "#quorum/leading.ts";
import { Learning } from "#quorum/learning.ts";
import type { QuorumLink } from "#quorum/quorum-link.ts";
import { TxnWindow } from "#quorum/txn-window.ts";
import { Bytes } from "../support/bytes.ts";
import { memberLines, txn, viewsOf } from "./support.ts";

/** Everything in the order in which it happened; disk work waits in `pending` until the test lets it finish. */
class Stage {
  readonly said: string[] = [];
  readonly pending: (() => void)[] = [];

  /** What was said since the last time. */
  take(): string[] {
    return this.said.splice(0);
  }

  disk(what: string, done: () => void): void {
    this.said.push(`[${what}]`);
    this.pending.push(done);
  }

  finish(): void {
    this.pending.shift()!();
  }
}

class FakeLink implements QuorumLink {
  readonly remote = "peer";
  readonly #stage: Stage;
  readonly #name: string;
  #out = new JuteWriter();
  isPaused = false;

  constructor(stage: Stage, name = "") {
    this.#stage = stage;
    this.#name = name;
  }

  open(): JuteWriter {
    return this.#out;
  }

  /** Packets written since the last time, said one by one. */
  flush(): void {
    const view = new PacketView();
    const { bytes, length } = this.#out;
    for (let at = 0; at < length && view.read(bytes, at, length, 1 << 20); at = view.end) {
      const data = view.dataStart === -1 ? "" : ` ${bytes.toString("hex", view.dataStart, view.dataEnd)}`;
      const zxid = BigInt.asUintN(64, longOf(view.zxidHigh, view.zxidLow)).toString(16);
      this.#stage.said.push(`${this.#name}${packetName(view.type)} ${zxid}${view.dataBytes > 24 ? "" : data}`);
    }
    this.#out.length = 0;
  }

  flushPiece(): boolean {
    throw new Error("nothing is long here");
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }

  close(): void {
    this.#stage.said.push(`${this.#name}closed`);
  }
}

function packet(type: number, zxid: bigint, data: Buffer | null = null): PacketView {
  const bytes = new Bytes().int(type).long(zxid).buffer(data).int(-1).build();
  const view = new PacketView();
  expect(view.read(bytes, 0, bytes.length, 1 << 20)).toBe(true);
  return view;
}

const version = new Bytes().int(0x10000).build();
const [proposal, ack, commit, ping] = [2, 3, 4, 5] as const;
const [newLeader, followerInfo, upToDate, diff, trunc, snap] = [10, 11, 12, 13, 14, 15] as const;
const [leaderInfo, ackEpoch, inform] = [17, 18, 8] as const;

class LearnerStage extends Stage {
  /** Of the tree that is still to come. */
  treeBytes = 6;
  readonly link = new FakeLink(this);
  readonly window = new TxnWindow({ committedCountMin: 10, committedBytesMax: 1 << 20 });
  readonly learning: Learning;

  constructor(options: { isObserver?: boolean; acceptedEpoch?: bigint } = {}) {
    super();
    const { window } = this;
    this.learning = new Learning({
      sid: 2n,
      isObserver: options.isObserver ?? false,
      configVersion: 0n,
      acceptedEpoch: options.acceptedEpoch ?? 1n,
      currentEpoch: 1n,
      lastZxid: 0x100000005n,
      window,
      limits: { initTimeoutMs: 1000, syncTimeoutMs: 500 },
      link: this.link,
      nowMs: 0,
      output: {
        storeAcceptedEpoch: (epoch, done) => this.disk(`acceptedEpoch ${epoch}`, () => done(asDurable(epoch), 0)),
        storeCurrentEpoch: (epoch, _, done) => this.disk(`currentEpoch ${epoch}`, () => done(asDurable(epoch), 0)),
        truncate: (zxid, done) => this.disk(`truncate ${zxid.toString(16)}`, () => done(true, 0)),
        beginTree: (zxid) => {
          this.said.push(`[tree ${zxid.toString(16)}]`);
          window.clear();
        },
        takeTree: (_, start, end) => {
          const taken = Math.min(end - start, this.treeBytes);
          this.treeBytes -= taken;
          return { taken, isComplete: this.treeBytes === 0 };
        },
        log: (bytes, start, end) => {
          window.append(bytes, start, end);
          this.said.push("[log]");
        },
        commit: (zxidHigh, zxidLow) => {
          window.commit(zxidHigh, zxidLow);
          this.said.push(`[commit ${longOf(zxidHigh, zxidLow).toString(16)}]`);
        },
        persist: (mode, done) => this.disk(`persist ${mode}`, () => done(asDurable("history"), 0)),
        serve: (epoch) => this.said.push(`[serve ${epoch}]`),
        received: ({ type }) => this.said.push(`[received ${packetName(type)}]`),
        touchedSessions: () => Buffer.alloc(0),
        over: (reason) => this.said.push(`[over: ${reason}]`),
      },
    });
    this.link.flush();
  }

  hear(type: number, zxid: bigint, data: Buffer | null = null): void {
    this.learning.take(packet(type, zxid, data), 0);
    this.link.flush();
  }

  override finish(): void {
    super.finish();
    this.link.flush();
  }

  propose(zxid: bigint): void {
    this.hear(proposal, zxid, txn(zxid));
  }

  logged(zxid: bigint): void {
    this.learning.logged(asDurable({ zxidHigh: highOf(zxid), zxidLow: lowOf(zxid) }));
    this.link.flush();
  }

  /** Up to DIFF. */
  discover(): this {
    this.hear(leaderInfo, 0x200000000n, version);
    this.finish();
    this.take();
    return this;
  }

  /** A follower that is served. */
  serve(): this {
    this.discover();
    this.hear(diff, 0x100000005n);
    this.hear(newLeader, 0x200000000n);
    this.finish();
    this.finish();
    this.hear(upToDate, -1n);
    this.take();
    return this;
  }
}

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
    expect(stage.take()).toEqual(["[log]", "[commit 100000006]", "[log]", "[persist diff]"]);
    stage.finish();
    expect(stage.take()).toEqual(["[currentEpoch 2]"]);
    stage.finish();
    expect(stage.take()).toEqual(["ACK 200000000"]);
  });

  it("acknowledges what is not committed yet once it serves, and not what was", () => {
    const stage = new LearnerStage().discover();
    stage.hear(diff, 0x100000007n);
    stage.propose(0x100000006n);
    stage.hear(commit, 0x100000006n);
    stage.propose(0x200000001n);
    stage.hear(newLeader, 0x200000000n);
    stage.finish();
    stage.finish();
    stage.logged(0x200000001n);
    stage.take();
    stage.hear(upToDate, -1n);
    expect(stage.take()).toEqual(["[serve 2]", "ACK 200000000", "ACK 200000001"]);
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
    expect(stage.take()).toEqual(["[log]", "ACK 200000001", "[commit 200000001]"]);
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

class LeaderStage extends Stage {
  readonly window = new TxnWindow({ committedCountMin: 10, committedBytesMax: 1 << 20 });
  readonly leading: Leading;
  readonly links = new Map<number, { link: FakeLink; handler: LearnerHandler }>();
  treeDone: (() => void) | null = null;

  constructor(voters = 3, observers = 0) {
    super();
    const { window } = this;
    for (const zxid of [0x100000004n, 0x100000005n]) {
      window.append(txn(zxid), 0, txn(zxid).length);
      window.commit(1, lowOf(zxid));
    }
    this.leading = new Leading({
      sid: 1n,
      views: viewsOf(memberLines(voters, observers)),
      window,
      history: { currentEpoch: 1n, lastZxid: 0x100000005n },
      hasDigests: true,
      limits: {
        tickTimeMs: 100,
        initLimit: 10,
        syncLimit: 5,
        isSnapshotSyncForced: false,
        isLogSyncEnabled: false,
        treeSyncsMax: 1,
        txnSyncsMax: 2,
      },
      nowMs: 0,
      output: {
        storeAcceptedEpoch: (epoch, done) => this.disk(`acceptedEpoch ${epoch}`, () => done(asDurable(epoch), 0)),
        storeCurrentEpoch: (epoch, done) => this.disk(`currentEpoch ${epoch}`, () => done(asDurable(epoch), 0)),
        serve: (epoch) => this.said.push(`[serve ${epoch}]`),
        committed: (zxidHigh, zxidLow) => this.said.push(`[committed ${longOf(zxidHigh, zxidLow).toString(16)}]`),
        sendTree: (_, done) => {
          this.treeDone = () => done(0);
          return 0x100000005n;
        },
        sendLog: () => undefined,
        received: (_, { type }) => this.said.push(`[received ${packetName(type)}]`),
        learnerSyncing: () => {},
        learnerGone: ({ sid }, reason) => this.said.push(`[${sid} gone: ${reason}]`),
        over: (reason) => this.said.push(`[over: ${reason}]`),
      },
    });
    this.leading.start(1n);
  }

  override take(): string[] {
    this.flush();
    return super.take();
  }

  flush(): void {
    for (const { link } of this.links.values()) link.flush();
  }

  override finish(): void {
    super.finish();
    this.flush();
  }

  hear(sid: number, type: number, zxid: bigint, data: Buffer | null = null): void {
    const { handler } = this.links.get(sid)!;
    this.leading.take(handler, packet(type, zxid, data), 0);
    this.leading.broadcast.settle();
    this.flush();
  }

  connect(sid: number, acceptedEpoch = 1n, type: number = followerInfo): void {
    const link = new FakeLink(this, `${sid}:`);
    this.links.set(sid, { link, handler: this.leading.connected(link, 0) });
    this.hear(sid, type, acceptedEpoch << 32n, new Bytes().long(BigInt(sid)).int(0x10000).long(0n).build());
  }

  acceptEpoch(sid: number, zxid = 0x100000005n, currentEpoch = 1): void {
    this.hear(sid, ackEpoch, zxid, new Bytes().int(currentEpoch).build());
  }

  /** Serving, with learner 2 in step. */
  serve(): this {
    this.connect(2);
    this.finish();
    this.acceptEpoch(2);
    this.finish();
    this.hear(2, ack, 0x200000000n);
    this.take();
    return this;
  }

  propose(zxid: bigint): void {
    const bytes = txn(zxid, Buffer.from("a body and digest"));
    this.leading.broadcast.propose(bytes, 0, bytes.length, 0);
    this.flush();
  }

  ackOwn(zxid: bigint): void {
    this.leading.broadcast.ackOwn(asDurable({ zxidHigh: highOf(zxid), zxidLow: lowOf(zxid) }));
    this.leading.broadcast.settle();
    this.flush();
  }
}

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
    const whole = txn(0x200000001n, Buffer.from("a body and digest")).length;
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

  it("gives up when no quorum comes", () => {
    const stage = new LeaderStage();
    stage.leading.halfTick(1000);
    expect(stage.take()).toEqual([]);
    stage.leading.halfTick(1050);
    expect(stage.take()).toEqual(["[over: Timeout while waiting for epoch from quorum]"]);
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
