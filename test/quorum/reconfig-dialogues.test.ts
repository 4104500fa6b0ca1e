/** A change of the members, as a learner hears it and as a leader brings it about. */

import { describe, expect, it } from "vitest";
import { PacketType } from "#protocol/quorum-packet.ts";
import type { QuorumVerifier } from "#quorum/quorum-verifier.ts";
import { Bytes } from "../support/bytes.ts";
import { LeaderStage, LearnerStage } from "./stages.ts";
import { memberLines, txn, verifierOf } from "./support.ts";

const { ack, commitAndActivate, diff, informAndActivate, newLeader, observerInfo, proposal, upToDate } = PacketType;
const reconfigType = 16;

function reconfigTxn(zxid: bigint, text: string): Buffer {
  const body = new Bytes().string("/zookeeper/config").buffer(Buffer.from(text)).int(-1).build();
  return txn(zxid, body, reconfigType);
}

function leaderId(sid: bigint): Buffer {
  return new Bytes().long(sid).build();
}

describe("a learner", () => {
  it("has seen a configuration when it is proposed, and makes it count when it is committed", () => {
    const stage = new LearnerStage().serve();
    stage.hear(proposal, 0x200000001n, reconfigTxn(0x200000001n, "new"));
    expect(stage.take()).toEqual(["[proposed new]", "[log]"]);
    stage.hear(commitAndActivate, 0x200000001n, leaderId(1n));
    expect(stage.take()).toEqual(["[commit 200000001]", "[activate new 1 200000001]"]);
    expect(stage.learning.state).toBe("Serving");
  });

  it("ends the connection when it has another role or another leader then", () => {
    const stage = new LearnerStage().serve();
    stage.isMajor = true;
    stage.hear(proposal, 0x200000001n, reconfigTxn(0x200000001n, "new"));
    stage.hear(commitAndActivate, 0x200000001n, leaderId(3n));
    expect(stage.take().slice(2)).toEqual([
      "[commit 200000001]",
      "[activate new 3 200000001]",
      "closed",
      "[over: changes proposed in reconfig]",
    ]);
  });

  it("that observes is told by the transaction itself", () => {
    const stage = new LearnerStage({ isObserver: true }).serve();
    const data = Buffer.concat([leaderId(1n), reconfigTxn(0x200000001n, "new")]);
    stage.hear(informAndActivate, 0x200000001n, data);
    expect(stage.take()).toEqual(["[log]", "[commit 200000001]", "[activate new 1 200000001]"]);
    stage.hear(informAndActivate, 0x200000001n, data);
    expect(stage.take()).toEqual([]);
  });

  it("acknowledges NEWLEADER when its configuration is on the disk, and makes it count with UPTODATE", () => {
    const stage = new LearnerStage().discover();
    stage.isStoringConfig = true;
    stage.hear(diff, 0x100000005n);
    stage.hear(newLeader, 0x200000000n, Buffer.from("new"));
    expect(stage.take()).toEqual(["[leader's new]"]);
    stage.finish();
    expect(stage.take()).toEqual(["[persist diff]"]);
    stage.finish();
    stage.finish();
    stage.hear(upToDate, -1n);
    expect(stage.take()).toEqual([
      "[currentEpoch 2]",
      "ACK 200000000",
      "[activate new null 200000000]",
      "[serve 2]",
      "ACK 200000000",
    ]);
  });

  it("goes on when a commit with a configuration comes twice, and ends when it comes without one", () => {
    const stage = new LearnerStage().serve();
    stage.hear(proposal, 0x200000001n, reconfigTxn(0x200000001n, "new"));
    stage.hear(commitAndActivate, 0x200000001n, leaderId(1n));
    stage.take();
    stage.hear(commitAndActivate, 0x200000001n, leaderId(1n));
    expect(stage.take()).toEqual([]);
    stage.hear(commitAndActivate, 0x200000002n, leaderId(1n));
    expect(stage.take()).toEqual(["closed", "[over: Committing 0x200000002 without seeing txn]"]);
  });

  it.each([
    ["no leader", commitAndActivate, Buffer.alloc(4), "COMMITANDACTIVATE of 4 bytes"],
    ["no transaction", informAndActivate, leaderId(1n), "a transaction of 0 bytes"],
  ])("ends at a packet with %s", (_, type, data, reason) => {
    const stage = new LearnerStage({ isObserver: type === informAndActivate }).serve();
    if (type === commitAndActivate) stage.hear(proposal, 0x200000001n, reconfigTxn(0x200000001n, "new"));
    stage.hear(type, 0x200000001n, data);
    expect(stage.take().slice(-2)).toEqual(["closed", `[over: ${reason}]`]);
  });

  it("ends at a proposal that does not decode", () => {
    const stage = new LearnerStage().serve();
    stage.hear(proposal, 0x200000001n, txn(0x200000001n, Buffer.from("?"), reconfigType));
    expect(stage.take().at(-1)).toMatch(/^\[over: a reconfiguration that does not decode/);
  });
});

/** Serving with learner 2 in step, three members of whom the configuration is the first that is agreed on. */
function leaderStage(): LeaderStage {
  return new LeaderStage(3, 0, { storeSeen: storeAtOnce, activated: () => {} }).serve();
}

function storeAtOnce(_: QuorumVerifier, done: () => void): void {
  done();
}

function reconfigure(stage: LeaderStage, zxid: bigint, lines: string): void {
  const config = verifierOf(lines, zxid);
  stage.leading.proposing(config);
  const bytes = reconfigTxn(zxid, config.text);
  stage.leading.broadcast.propose(bytes, 0, bytes.length, 0);
  stage.flush();
}

describe("a leader", () => {
  it("gives the first configuration its epoch for a version", () => {
    const { committed, lastSeen } = leaderStage().configs.views;
    expect([committed.version, lastSeen.version]).toEqual([0x200000000n, 0x200000000n]);
  });

  it("commits a change with quorums of both configurations, and tells who leads", () => {
    const stage = leaderStage();
    reconfigure(stage, 0x200000001n, memberLines(5));
    stage.ackOwn(0x200000001n);
    stage.take();
    stage.hear(2, ack, 0x200000001n);
    expect(stage.take()).toEqual([]);
    stage.connect(4);
    stage.acceptEpoch(4);
    stage.take();
    stage.hear(4, ack, 0x200000000n);
    expect(stage.take()).toEqual([]);
    stage.hear(4, ack, 0x200000001n);
    expect(stage.take()).toEqual([
      "[activate 200000001, 1 leads]",
      "[committed 200000001]",
      "2:COMMITANDACTIVATE 200000001 0000000000000001",
      "4:COMMITANDACTIVATE 200000001 0000000000000001",
      // Not before: UPTODATE would have made it count for server 4, whether it was ever committed or not.
      "4:UPTODATE ffffffffffffffff",
    ]);
  });

  it("that is no member any more names the one that has most, and commits nothing behind that", () => {
    const stage = leaderStage();
    stage.join(3);
    reconfigure(stage, 0x200000001n, memberLines(4).split("\n").slice(1).join("\n"));
    stage.propose(0x200000002n);
    stage.ackOwn(0x200000002n);
    stage.take();
    stage.hear(3, ack, 0x200000002n);
    stage.hear(2, ack, 0x200000001n);
    expect(stage.take()).toEqual([
      "[activate 200000001, 3 leads]",
      "[committed 200000001]",
      "2:COMMITANDACTIVATE 200000001 0000000000000003",
      "3:COMMITANDACTIVATE 200000001 0000000000000003",
    ]);
    stage.hear(2, ack, 0x200000002n);
    expect(stage.take()).toEqual([]);
    stage.links.get(3)!.handler.close("closed");
    expect(stage.take().at(-1)).toBe("[over: another server leads now]");
  });

  it("informs observers of a change with the transaction", () => {
    const stage = leaderStage();
    stage.join(4, observerInfo);
    reconfigure(stage, 0x200000001n, `${memberLines(3)}\nserver.4=h4:2888:3888:observer`);
    stage.ackOwn(0x200000001n);
    stage.take();
    stage.hear(2, ack, 0x200000001n);
    expect(stage.take().slice(2)).toEqual([
      "2:COMMITANDACTIVATE 200000001 0000000000000001",
      "4:INFORMANDACTIVATE 200000001",
    ]);
  });

  it("commits what lies behind a change with the new members alone", () => {
    const stage = leaderStage();
    reconfigure(stage, 0x200000001n, "server.1=h1:2888:3888\nserver.2=h2:2888:3888");
    stage.propose(0x200000002n);
    stage.ackOwn(0x200000002n);
    stage.take();
    stage.hear(2, ack, 0x200000002n);
    expect(stage.take()).toEqual([
      "[activate 200000001, 1 leads]",
      "[committed 200000001]",
      "[committed 200000002]",
      "2:COMMITANDACTIVATE 200000001 0000000000000001",
      "2:COMMIT 200000002",
    ]);
  });
});
