/** The handshake: new sessions, renewed ones, and those that are told that they are no more. */

import { describe, expect, test } from "vitest";
import { firstSessionId, type HarnessConnection, passwordOf, PipelineHarness } from "../support/pipeline-harness.ts";
import { line } from "../support/requests.ts";
import { openAcl } from "../support/wire-frames.ts";

const invalid = line.session(0n, 0);

function idOf(connection: HarnessConnection): bigint {
  const { idHigh, idLow } = connection.client.session!;
  return (BigInt(idHigh) << 32n) | BigInt(idLow >>> 0);
}

describe("a new session", () => {
  test("is told of when its transaction is durable, and not before", () => {
    const harness = new PipelineHarness();
    const connection = harness.connect("127.0.0.1", { timeoutMs: 5_000 });
    expect(connection.transcript).toEqual([]);
    expect(connection.client.isAttached).toBe(false);
    harness.durable();
    expect(connection.transcript).toEqual([line.session(firstSessionId, 5_000)]);
    expect(connection.client.isAttached).toBe(true);
  });

  test("gets an id that no session has, though the clock that ids come from was set back", () => {
    const harness = new PipelineHarness();
    harness.database.sessions.restore(0x01000000, 0, 5_000);
    harness.database.sessions.restore(0x01000000, 1, 5_000);
    expect(harness.connected().transcript).toEqual([line.session(firstSessionId + 2n, 30_000)]);
  });

  test("is refused without a word to a client that has seen more than this server", () => {
    const harness = new PipelineHarness();
    const connection = harness.connect("127.0.0.1", { lastZxidSeen: 1n });
    expect(connection.client.isClosed).toBe(true);
    expect(harness.log.txns).toEqual([]);
    expect(harness.connect("127.0.0.1", { lastZxidSeen: -1n }).client.isClosed).toBe(false);
  });

  test("whose client has gone before it was durable is there all the same, until it expires", () => {
    const harness = new PipelineHarness();
    const connection = harness.connect("127.0.0.1");
    connection.closeNow();
    harness.durable();
    expect(connection.transcript).toEqual([]);
    expect(harness.database.sessions.committed()).toHaveLength(1);
  });
});

describe("a renewal", () => {
  test("is answered at once with the timeout negotiated now, which the session does not keep", () => {
    const harness = new PipelineHarness();
    const old = harness.connected();
    const again = harness.connect("127.0.0.1", {
      sessionId: idOf(old),
      password: passwordOf(idOf(old)),
      timeoutMs: 7_000,
    });
    expect(again.transcript).toEqual([line.session(idOf(old), 7_000)]);
    expect(again.client.timeoutMs).toBe(7_000);
    expect(again.client.session!.timeoutMs).toBe(30_000);
    expect(harness.log.txns).toHaveLength(1);
  });

  test("closes the connection that the session had, and its watches are gone", () => {
    const harness = new PipelineHarness();
    const old = harness.connected();
    harness.request(old, { op: "exists", path: "/a", watch: true });
    harness.connect("127.0.0.1", { sessionId: idOf(old), password: passwordOf(idOf(old)) });
    expect(old.client.isClosed).toBe(true);
    expect(harness.database.tree.watches.size).toBe(0);
  });

  test("with a wrong password is told that the session is no more, and disturbs nobody", () => {
    const harness = new PipelineHarness();
    const old = harness.connected();
    const stranger = harness.connect("10.0.0.1", { sessionId: idOf(old), password: Buffer.alloc(16, 1) });
    expect(stranger.transcript).toEqual([invalid]);
    expect(stranger.client.isClosed).toBe(true);
    expect(old.client.isClosed).toBe(false);
  });

  test.each([
    ["unknown", (_harness: PipelineHarness, _old: HarnessConnection): void => {}, 0x0100_0000_0000_0099n],
    [
      "closing",
      (harness: PipelineHarness, old: HarnessConnection): void => void harness.request(old, { op: "closeSession" }),
      firstSessionId,
    ],
    [
      "closed",
      (harness: PipelineHarness, old: HarnessConnection): void => {
        harness.request(old, { op: "closeSession" });
        harness.durable();
      },
      firstSessionId,
    ],
  ])("of a session that is %s is told that it is no more", (_what, happen, id) => {
    const harness = new PipelineHarness();
    const old = harness.connected();
    happen(harness, old);
    const again = harness.connect("127.0.0.1", { sessionId: id, password: passwordOf(id) });
    expect(again.transcript).toEqual([invalid]);
    expect(again.client.isClosed).toBe(true);
  });

  test("of a session whose transaction is not durable yet is told that there is none", () => {
    const harness = new PipelineHarness();
    const first = harness.connect("127.0.0.1");
    const again = harness.connect("127.0.0.1", { sessionId: idOf(first), password: passwordOf(idOf(first)) });
    expect(again.transcript).toEqual([invalid]);
    harness.durable();
    expect(first.transcript).toHaveLength(1);
  });

  test("finds the ephemerals of the session where they were", () => {
    const harness = new PipelineHarness();
    const old = harness.connected();
    harness.request(old, { op: "create", type: 1, path: "/e", data: "", acl: openAcl, flags: 1, ttlMs: 0n });
    harness.durable();
    const again = harness.connect("127.0.0.1", { sessionId: idOf(old), password: passwordOf(idOf(old)) });
    harness.request(again, { op: "getEphemerals", path: "/" });
    expect(again.transcript.at(-1)).toBe("1 zxid=2 err=0 [/e]");
  });

  test("at a learner, ends the earlier connection before the leader is asked, so that nothing of it follows", () => {
    const asked: number[] = [];
    const harness = new PipelineHarness({}, ({ xid }) => void asked.push(xid));
    const old = harness.connect("127.0.0.1");
    const again = harness.connect("127.0.0.1", { sessionId: idOf(old), password: passwordOf(idOf(old)) });
    expect(harness.revalidating).toEqual([again.client]);
    expect(old.client.isClosed).toBe(true);
    const { idHigh, idLow } = old.client.session!;
    harness.gate.revalidated(again.client, idHigh, idLow, true, harness.nowMs);
    harness.pipeline.outbox.flush();
    expect(again.transcript).toHaveLength(1);
    expect(again.client.isClosed).toBe(false);
  });

  test("keeps the session alive", () => {
    const harness = new PipelineHarness();
    const old = harness.connected();
    harness.nowMs += 29_000;
    harness.connect("127.0.0.1", { sessionId: idOf(old), password: passwordOf(idOf(old)) });
    harness.nowMs += 29_000;
    expect(harness.database.sessions.expire(harness.nowMs)).toEqual([]);
    harness.nowMs += 5_000;
    expect(harness.database.sessions.expire(harness.nowMs)).toHaveLength(1);
  });
});
