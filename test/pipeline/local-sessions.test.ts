/** Sessions that only their server knows: what they cost, what they may do, and how they become the ensemble's. */

import { describe, expect, test } from "vitest";
import { JuteReader } from "#jute/reader.ts";
import { LeaderAndLearner } from "../support/leader-and-learner.ts";
import { firstSessionId, type HarnessConnection, passwordOf, PipelineHarness } from "../support/pipeline-harness.ts";
import { line, type Request, type WriteRequest } from "../support/requests.ts";
import { openAcl } from "../support/wire-frames.ts";

const learnersFirstId = 0x0200_0000_0000_0000n;
const invalid = line.session(0n, 0);

function create(path: string, flags = 0): WriteRequest {
  return { op: "create", type: 1, path, data: "", acl: openAcl, flags, ttlMs: 0n };
}

const ephemeral = (path: string): WriteRequest => create(path, 1);
const multi = (...parts: WriteRequest[]): Request => ({ op: "multi", parts });

/** The lines behind the handshake's. */
function heard(connection: HarnessConnection): string[] {
  return connection.transcript.slice(1);
}

/** What a leader says to a delete that a learner sends on for a session. */
function errorOf({ leader }: LeaderAndLearner, id: bigint): number {
  const body = Buffer.from("000000022f610000ffff", "hex");
  const request = { idHigh: Number(id >> 32n), idLow: 0, xid: 9, type: 2, identities: [], sessionTimeoutMs: 0 };
  const { sessions } = leader.database;
  leader.writes.submitForLearner({ ...request, reader: new JuteReader(body), owner: {} }, sessions, 0, 0);
  return leader.log.txns.at(-1)!.readInt32BE(32);
}

describe("a local session", () => {
  test("is there at once, without a transaction", () => {
    const harness = new PipelineHarness({ localSessions: "fixed" });
    const connection = harness.connect("127.0.0.1", { timeoutMs: 5_000 });
    expect(connection.transcript).toEqual([line.session(firstSessionId, 5_000)]);
    expect(connection.client.isAttached).toBe(true);
    expect(harness.log.txns).toEqual([]);
    expect(harness.database.sessions.committed()).toEqual([]);
  });

  test("reads and writes", () => {
    const harness = new PipelineHarness({ localSessions: "fixed" });
    const connection = harness.connect("127.0.0.1");
    harness.request(connection, create("/a"));
    harness.request(connection, { op: "exists", path: "/b", watch: false });
    harness.durable();
    expect(heard(connection)).toHaveLength(2);
    expect(harness.log.txns).toHaveLength(1);
  });

  test("is taken up again at its own server, and by whoever has its password", () => {
    const harness = new PipelineHarness({ localSessions: "fixed" });
    const old = harness.connect("127.0.0.1");
    const wrong = harness.connect("127.0.0.1", { sessionId: firstSessionId, password: Buffer.alloc(16) });
    expect(wrong.transcript).toEqual([invalid]);
    expect(old.client.isClosed).toBe(false);
    const password = passwordOf(firstSessionId);
    const again = harness.connect("127.0.0.1", { sessionId: firstSessionId, password, timeoutMs: 7_000 });
    expect(again.transcript).toEqual([line.session(firstSessionId, 7_000)]);
    expect(old.client.isClosed).toBe(true);
  });

  test("ends behind the writes before it, without a transaction", () => {
    const harness = new PipelineHarness({ localSessions: "fixed" });
    const connection = harness.connect("127.0.0.1");
    harness.request(connection, create("/a"));
    harness.request(connection, { op: "closeSession" });
    expect(heard(connection)).toEqual([]);
    harness.durable();
    expect(heard(connection)).toHaveLength(2);
    expect(heard(connection)[1]).toBe(line.reply(2, 1n, 0));
    expect(connection.client.isClosed).toBe(true);
    expect(harness.log.txns).toHaveLength(1);
    const password = passwordOf(firstSessionId);
    expect(harness.connect("127.0.0.1", { sessionId: firstSessionId, password }).transcript).toEqual([invalid]);
  });

  test("is over when it is to end, and what comes behind that makes it no session of the ensemble", () => {
    const harness = new PipelineHarness({ localSessions: "upgradable" });
    const connection = harness.connect("127.0.0.1");
    harness.request(connection, create("/a"));
    harness.request(connection, { op: "closeSession" });
    harness.request(connection, ephemeral("/e"));
    harness.durable();
    expect(heard(connection)).toHaveLength(2);
    expect(heard(connection)[1]).toContain("err=0");
    expect(connection.client.isClosed).toBe(true);
    expect(harness.log.txns).toHaveLength(1);
    expect(harness.database.sessions.committed()).toEqual([]);
  });

  test("expires when it is not heard of, and its requests are dropped from then on", () => {
    const harness = new PipelineHarness({ localSessions: "fixed" });
    const connection = harness.connect("127.0.0.1", { timeoutMs: 5_000 });
    harness.nowMs += 20_000;
    const [expired] = harness.localSessions!.expire(harness.nowMs);
    expect(expired).toBe(connection.client.session);
    harness.request(connection, { op: "ping" });
    expect(heard(connection)).toEqual([]);
  });
});

describe("an ephemeral znode of a local session", () => {
  test("is refused where sessions stay local, alone and in a multi; the refusal takes a zxid", () => {
    const harness = new PipelineHarness({ localSessions: "fixed" });
    const connection = harness.connect("127.0.0.1");
    harness.request(connection, ephemeral("/e"));
    harness.request(connection, create("/e2", 3));
    harness.request(connection, multi(create("/a"), ephemeral("/e")));
    harness.durable();
    expect(harness.log.txns).toHaveLength(3);
    expect(heard(connection)[0]).toContain("-120");
    expect(heard(connection)[1]).toContain("-120");
    expect(heard(connection)[2]).toContain("-120");
    expect(connection.client.session!.isLocal).toBe(true);
  });

  test.each([
    ["alone", ephemeral("/e")],
    ["in a multi", multi(create("/a"), ephemeral("/e"))],
  ] as const)("%s, makes the session the ensemble's first, where it may be", (_name, request) => {
    const harness = new PipelineHarness({ localSessions: "upgradable" });
    const connection = harness.connect("127.0.0.1");
    harness.request(connection, create("/first"));
    harness.request(connection, request);
    expect(connection.client.session!.isLocal).toBe(false);
    harness.durable();
    expect(harness.log.txns).toHaveLength(3);
    expect(heard(connection)).toHaveLength(2);
    expect(harness.localSessions!.size).toBe(0);
    expect(harness.database.sessions.committed()).toEqual([connection.client.session]);
    expect(harness.database.tree.owned.ephemeralCount).toBe(1);
    expect(harness.database.applier.digestMismatchCount).toBe(0);
    // And ends with a transaction, which takes the znode along.
    harness.request(connection, { op: "closeSession" });
    harness.durable();
    expect(harness.log.txns).toHaveLength(4);
    expect(harness.database.tree.owned.ephemeralCount).toBe(0);
  });

  test("that does not decode changes nothing of its session", () => {
    const harness = new PipelineHarness({ localSessions: "upgradable" });
    const connection = harness.connect("127.0.0.1");
    harness.request(connection, { op: "broken", type: 1 });
    harness.request(connection, { op: "broken", type: 14 });
    harness.durable();
    expect(connection.client.session!.isLocal).toBe(true);
  });
});

describe("at a learner, a local session", () => {
  test("writes through the leader, which has never heard of it", () => {
    const pair = new LeaderAndLearner({ localSessions: "fixed" });
    const connection = pair.learner.connect("127.0.0.1");
    expect(connection.transcript).toEqual([line.session(learnersFirstId, 30_000)]);
    pair.learner.request(connection, create("/a"));
    pair.learner.request(connection, multi(create("/b"), create("/c")));
    pair.commit();
    expect(pair.leader.log.txns).toHaveLength(2);
    expect(heard(connection)).toHaveLength(2);
    expect(heard(connection).join()).not.toMatch(/-1\d\d/);
    expect(pair.leader.database.sessions.size).toBe(0);
  });

  test("that may own nothing hears so, and in a multi what the leader says; both take a zxid", () => {
    const pair = new LeaderAndLearner({ localSessions: "fixed" });
    const connection = pair.learner.connect("127.0.0.1");
    pair.learner.request(connection, ephemeral("/e"));
    pair.learner.request(connection, multi(create("/a"), ephemeral("/e")));
    pair.commit();
    expect(pair.leader.log.txns).toHaveLength(2);
    expect(heard(connection)[0]).toContain("-120");
    expect(heard(connection)[1]).toContain("-112");
  });

  test("becomes the ensemble's under the same id, in front of its first ephemeral znode", () => {
    const pair = new LeaderAndLearner({ localSessions: "upgradable" });
    const connection = pair.learner.connect("127.0.0.1", { timeoutMs: 8_000 });
    pair.learner.request(connection, ephemeral("/e"));
    pair.commit();
    expect(pair.leader.log.txns).toHaveLength(2);
    const { sessions } = pair.leader.database;
    expect(sessions.get(Number(learnersFirstId >> 32n), 0)).toMatchObject({ isCommitted: true, timeoutMs: 8_000 });
    expect(pair.learner.database.sessions.committed()).toEqual([connection.client.session]);
    expect(pair.learner.localSessions!.size).toBe(0);
    expect(heard(connection)).toHaveLength(1);
    expect(pair.learner.database.tree.owned.ephemeralCount).toBe(1);
  });

  test("is not asked about at the leader when its client comes back", () => {
    const pair = new LeaderAndLearner({ localSessions: "fixed" });
    pair.learner.connect("127.0.0.1");
    const password = passwordOf(learnersFirstId);
    const again = pair.learner.connect("127.0.0.1", { sessionId: learnersFirstId, password });
    expect(again.transcript).toEqual([line.session(learnersFirstId, 30_000)]);
    expect(pair.learner.revalidating).toEqual([]);
  });

  test("that became the ensemble's, and has ended, is not taken for one again", () => {
    const pair = new LeaderAndLearner({ localSessions: "upgradable" });
    expect(errorOf(pair, learnersFirstId)).toBe(-101);
    pair.commit();
    const connection = pair.learner.connect("127.0.0.1");
    pair.learner.request(connection, ephemeral("/e"));
    pair.learner.request(connection, { op: "closeSession" });
    pair.commit();
    expect(pair.leader.database.sessions.size).toBe(0);
    expect(errorOf(pair, learnersFirstId)).toBe(-112);
  });

  test("with an id of the leader's own is one that has ended there", () => {
    expect(errorOf(new LeaderAndLearner({ localSessions: "fixed" }), firstSessionId)).toBe(-112);
  });
});

describe("a read-only server", () => {
  const readOnly = { readOnly: true };

  test("lets in who says that it wants one, and answers so", () => {
    const harness = new PipelineHarness({ localSessions: "fixed", isReadOnly: true });
    expect(harness.connect("127.0.0.1", readOnly).transcript).toEqual([line.session(firstSessionId, 30_000, true)]);
    expect(harness.connect("127.0.0.1", { readOnly: false }).client.isClosed).toBe(true);
    expect(harness.connect("127.0.0.1", { readOnly: null }).client.isClosed).toBe(true);
  });

  test("without local sessions lets nobody in", () => {
    const harness = new PipelineHarness({ isReadOnly: true });
    expect(harness.connect("127.0.0.1", readOnly).transcript).toEqual([]);
    const password = passwordOf(5n);
    const old = harness.connect("127.0.0.1", { ...readOnly, sessionId: 5n, password });
    expect([old.transcript, old.client.isClosed]).toEqual([[], true]);
  });

  test("refuses a session of the ensemble without a word, and tells others that they have expired", () => {
    const harness = new PipelineHarness({ localSessions: "fixed", isReadOnly: true });
    harness.database.sessions.restore(0, 5, 30_000);
    const alive = harness.connect("127.0.0.1", { ...readOnly, sessionId: 5n, password: passwordOf(5n) });
    expect([alive.transcript, alive.client.isClosed]).toEqual([[], true]);
    const unknown = harness.connect("127.0.0.1", { ...readOnly, sessionId: 6n, password: passwordOf(6n) });
    expect(unknown.transcript).toEqual([line.session(0n, 0, true)]);
  });

  test("answers reads, refuses writes and syncs, and lets its sessions end", () => {
    const harness = new PipelineHarness({ localSessions: "fixed", isReadOnly: true });
    const connection = harness.connect("127.0.0.1", readOnly);
    const refused: Request[] = [create("/a"), multi(), multi(create("/a")), { op: "sync", path: "/" }];
    for (const request of refused) harness.request(connection, request);
    expect(heard(connection).map((text) => text.includes("-119"))).toEqual(refused.map(() => true));
    harness.request(connection, { op: "getData", path: "/zookeeper", watch: true });
    harness.request(connection, { op: "closeSession" });
    expect(heard(connection).slice(refused.length).join()).not.toContain("-119");
    expect(connection.client.isClosed).toBe(true);
    expect(harness.localSessions!.size).toBe(0);
    expect(harness.log.txns).toEqual([]);
  });
});
