/**
 * Clients at a learner, whose writes go to a leader and come back as transactions: they must hear what they would hear from
 * a server on its own. Both pipelines are the real ones; the packets between them are objects.
 */

import * as fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { JuteReader } from "#jute/reader.ts";
import { findMultiFault } from "#pipeline/multi-frame.ts";
import { WriteOp } from "#pipeline/write-op.ts";
import { OpCode } from "#protocol/op-code.ts";
import { LeaderAndLearner } from "../support/leader-and-learner.ts";
import { clientCount, conversation, type Step } from "../support/operations.ts";
import { type HarnessConnection, PipelineHarness } from "../support/pipeline-harness.ts";
import { frameOf, type Request } from "../support/requests.ts";
import { dumpTree } from "../support/tree-dump.ts";
import { openAcl } from "../support/wire-frames.ts";

/** What every server of an ensemble treats alike, in the same zxids. */
function isForBoth(request: Request): boolean {
  if (request.op === "broken" || request.op === "unknown" || request.op === "deleteContainer") return false;
  if (request.op === "closeSession" || request.op === "reconfig") return false;
  if (request.op !== "multi") return true;
  const frame = frameOf(request, 1);
  return findMultiFault(new JuteReader(frame, 12), new WriteOp()) === null;
}

class Players {
  readonly single = new PipelineHarness();
  readonly pair = new LeaderAndLearner();
  readonly #seats: { single: HarnessConnection; learner: HarnessConnection }[] = [];

  constructor() {
    for (let i = 0; i < clientCount; i++) this.#seats.push(this.#open());
  }

  #open(): { single: HarnessConnection; learner: HarnessConnection } {
    const seat = { single: this.single.connect("127.0.0.1"), learner: this.pair.learner.connect("127.0.0.1") };
    this.#settle();
    return seat;
  }

  #settle(count?: number): void {
    this.single.durable(count);
    this.pair.commit(count);
    while (this.pair.syncsAsked > 0) {
      this.pair.syncsAsked--;
      this.pair.answerSync();
    }
  }

  step(step: Step): void {
    if (step.do === "durable") {
      this.#settle(step.count);
    } else if (step.do === "send" && isForBoth(step.request)) {
      const seat = this.#seats[step.client]!;
      if (seat.single.client.isClosed) return;
      // A server on its own answers a sync at once, behind earlier writes; so the others have to wait for it here too.
      if (step.request.op === "sync") this.#settle();
      this.single.request(seat.single, step.request);
      this.pair.learner.request(seat.learner, step.request);
      if (step.request.op === "sync") this.#settle();
    } else if (step.do === "drop") {
      const seat = this.#seats[step.client]!;
      seat.single.closeNow();
      seat.learner.closeNow();
      this.#seats[step.client] = this.#open();
    }
  }

  finish(): void {
    this.#settle();
    for (const { single, learner } of this.#seats) {
      expect(learner.transcript.map(withoutSession)).toEqual(single.transcript.map(withoutSession));
    }
    const trees = [this.single, this.pair.leader, this.pair.learner].map(({ database }) => dumpTree(database.tree));
    expect(trees[1]).toEqual(trees[0]);
    expect(trees[2]).toEqual(trees[0]);
    expect(this.pair.learner.pipeline.inProcess).toBe(0);
    expect(this.pair.leader.pipeline.inProcess).toBe(0);
  }
}

function withoutSession(line: string): string {
  return line.replace(/^session.*/, "session");
}

function create(path: string, flags = 0): Request {
  return { op: "create", type: 1, path, data: "", acl: openAcl, flags, ttlMs: 0n };
}

describe("a client at a learner", () => {
  it("hears what it would hear from a server on its own", () => {
    fc.assert(
      fc.property(conversation(60), (steps) => {
        const players = new Players();
        for (const step of steps) players.step(step);
        players.finish();
      }),
      { numRuns: 200 },
    );
  });

  test("gets its replies in the order of its requests, whoever else's transactions come between", () => {
    const pair = new LeaderAndLearner();
    const here = pair.learner.connect("127.0.0.1");
    pair.commit();
    const there = pair.leader.connected();
    for (const [i, path] of ["/a", "/b"].entries()) {
      pair.leader.request(there, create(`/x${i}`));
      pair.learner.request(here, create(path));
      pair.learner.request(here, { op: "exists", path, watch: false });
    }
    pair.commit();
    expect(here.transcript.slice(1).map((line) => line.split(" ")[0])).toEqual(["1", "2", "3", "4"]);
    expect(here.transcript.slice(1).every((line) => line.includes("err=0"))).toBe(true);
  });

  test("that comes from another server is not told what it asked for there, though it counts its xids anew", () => {
    const pair = new LeaderAndLearner();
    const { leader, learner } = pair;
    const here = learner.connect("127.0.0.1");
    pair.commit();
    const { idHigh, idLow } = here.client.session!;
    const { sessions } = leader.database;
    const { owner } = sessions.get(idHigh, idLow)!;
    const asked = { idHigh, idLow, xid: 1, type: 1, identities: [], sessionTimeoutMs: 0 };
    const reader = new JuteReader(frameOf(create("/there"), 1), 12);
    leader.writes.submitForLearner({ ...asked, reader, owner: owner! }, sessions, leader.nowMs, leader.nowMs);
    const [there] = leader.log.held as [Buffer];
    learner.newest = { zxidHigh: there.readInt32BE(12), zxidLow: there.readInt32BE(16) };
    learner.request(here, create("/here"));
    pair.commit(1);
    expect(here.transcript).toHaveLength(1);
    pair.commit();
    expect(here.transcript.slice(1)).toEqual([expect.stringMatching(/^1 zxid=3 err=0 .*\/here/)]);
  });

  test("has its sync answered when what the leader had committed is applied here, and not before", () => {
    const pair = new LeaderAndLearner();
    const here = pair.learner.connect("127.0.0.1");
    pair.commit();
    const there = pair.leader.connected();
    pair.apply(pair.leader.log.txns.at(-1)!);
    pair.leader.request(there, create("/a"));
    pair.leader.durable();
    pair.learner.request(here, { op: "sync", path: "/a" });
    pair.learner.request(here, { op: "exists", path: "/a", watch: false });
    pair.answerSync();
    expect(here.transcript).toHaveLength(1);
    pair.apply(pair.leader.log.txns.at(-1)!);
    pair.answerSync();
    expect(here.transcript.slice(1).map((line) => line.split(" ").slice(0, 3).join(" "))).toEqual([
      "1 zxid=3 err=0",
      "2 zxid=3 err=0",
    ]);
  });

  test("is closed when its session ends elsewhere", () => {
    const pair = new LeaderAndLearner();
    const here = pair.learner.connect("127.0.0.1");
    pair.commit();
    const { idHigh, idLow } = here.client.session!;
    pair.leader.expire(pair.leader.database.sessions.get(idHigh, idLow)!);
    pair.commit();
    expect(here.client.isClosed).toBe(true);
  });

  test("that uses xid 0 does not take the end of its session for an answer", () => {
    const pair = new LeaderAndLearner();
    const here = pair.learner.connect("127.0.0.1");
    pair.commit();
    const { idHigh, idLow } = here.client.session!;
    pair.leader.expire(pair.leader.database.sessions.get(idHigh, idLow)!);
    pair.learner.receive(here, here.frame(create("/a"), 0));
    pair.commit();
    expect(here.client.isClosed).toBe(true);
    expect(pair.learner.pipeline.inProcess).toBe(0);
  });
});

describe("a leader", () => {
  const garbage = { xid: 9, sessionTimeoutMs: 0, identities: [] };

  /** What the leader makes of a request that some other server has let through. */
  function errorOf(type: number, body: Buffer, owner?: object): number {
    const pair = new LeaderAndLearner();
    const here = pair.learner.connect("127.0.0.1");
    pair.commit();
    const { idHigh, idLow } = here.client.session!;
    const { leader } = pair;
    const { sessions } = leader.database;
    const session = sessions.get(idHigh, idLow)!;
    const request = { ...garbage, idHigh, idLow, type, reader: new JuteReader(body), owner: owner ?? session.owner! };
    leader.writes.submitForLearner(request, sessions, leader.nowMs, leader.nowMs);
    const txn = leader.log.txns.at(-1)!;
    leader.durable();
    expect([txn.readBigInt64BE(12), txn.readInt32BE(28)]).toEqual([2n, -1]);
    expect(leader.pipeline.inProcess).toBe(0);
    return txn.readInt32BE(32);
  }

  test("answers every request by a transaction of its own, whatever it is", () => {
    expect(errorOf(OpCode.create, Buffer.alloc(3))).toBe(-5);
    expect(errorOf(OpCode.multi, Buffer.alloc(3))).toBe(-5);
    expect(errorOf(OpCode.check, Buffer.alloc(12))).toBe(-6);
    expect(errorOf(OpCode.deleteContainer, Buffer.alloc(12))).toBe(-6);
    expect(errorOf(42, Buffer.alloc(0))).toBe(-6);
  });

  test("refuses what comes late from the server that a session has left for the leader itself", () => {
    const pair = new LeaderAndLearner();
    const { leader } = pair;
    const client = leader.connect("127.0.0.1").client;
    leader.durable();
    const { sessions } = leader.database;
    const { idHigh, idLow } = client.session!;
    const body = frameOf({ op: "delete", path: "/a", version: -1 }, 1).subarray(12);
    const request = { ...garbage, idHigh, idLow, type: OpCode.delete, reader: new JuteReader(body), owner: {} };
    leader.writes.submitForLearner(request, sessions, leader.nowMs, leader.nowMs);
    expect(leader.log.txns.at(-1)!.readInt32BE(32)).toBe(-118);
  });

  test("refuses a session that has moved to another server", () => {
    const body = frameOf({ op: "delete", path: "/a", version: -1 }, 1).subarray(12);
    expect(errorOf(OpCode.delete, body, {})).toBe(-118);
  });

  test("finds out before whether members may change at all", () => {
    expect(errorOf(OpCode.reconfig, Buffer.alloc(20), {})).toBe(-123);
  });
});
