/**
 * What is let in, and what is left over once everything is answered: the cases that the comparison with the model
 * (model.test.ts) does not reach, because they need a slow socket, a limit or a frame that no client sends.
 */

import { describe, expect, test } from "vitest";
import { type HarnessConnection, PipelineHarness } from "../support/pipeline-harness.ts";
import type { Request } from "../support/requests.ts";
import { body, op, openAcl, requestFrame } from "../support/wire-frames.ts";

function create(path: string, data = ""): Request {
  return { op: "create", type: 1, path, data, acl: openAcl, flags: 0, ttlMs: 0n };
}

function getData(path: string, watch = false): Request {
  return { op: "getData", path, watch };
}

/** The xids of the replies so far, the handshake's line left out. */
function xidsOf(connection: HarnessConnection): number[] {
  return connection.transcript.slice(1).map((line) => Number.parseInt(line, 10));
}

describe("what is in process", () => {
  test("is nothing once a request of unknown type has waited for its turn and closed its connection", () => {
    const harness = new PipelineHarness();
    const connection = harness.connected();
    harness.request(connection, create("/a"));
    harness.request(connection, { op: "unknown", type: 42 });
    harness.request(connection, { op: "ping" });
    harness.durable();
    expect(connection.transcript.at(-1)).toBe("2 zxid=-1 err=-6");
    expect(connection.client.isClosed).toBe(true);
    expect(harness.pipeline.inProcess).toBe(0);
  });

  test("is nothing once a connection with waiting reads has gone and its writes are applied", () => {
    const harness = new PipelineHarness();
    const connection = harness.connected();
    for (const request of [create("/a"), getData("/a"), getData("/a"), create("/b")])
      harness.request(connection, request);
    expect(harness.pipeline.inProcess).toBe(4);
    connection.closeNow();
    expect(harness.pipeline.inProcess).toBe(2);
    harness.durable();
    expect(harness.pipeline.inProcess).toBe(0);
  });
});

describe("requests that only a multi may hold", () => {
  test("a check of its own is refused as unknown, and the connection closed, with nothing logged", () => {
    const harness = new PipelineHarness();
    const connection = harness.connected();
    connection.frame({ op: "unknown", type: op.check }, 1);
    harness.receive(connection, requestFrame(1, op.check, body.versioned("/zookeeper")).subarray(4));
    harness.durable();
    expect(connection.transcript.at(-1)).toBe("1 zxid=-1 err=-6");
    expect(connection.client.isClosed).toBe(true);
    expect(harness.log.txns).toHaveLength(1);
  });
});

describe("getEphemerals", () => {
  test("looks at its prefix once, however long: a megabyte of blanks is not all paths if anything follows", () => {
    const harness = new PipelineHarness();
    const connection = harness.connected();
    harness.request(connection, { op: "create", type: 1, path: "/e", data: "", acl: openAcl, flags: 1, ttlMs: 0n });
    harness.durable();
    harness.request(connection, { op: "getEphemerals", path: `${" ".repeat(1 << 20)}x` });
    expect(connection.transcript.at(-1)).not.toContain("/e");
    for (const path of ["", " / ", "/", "/e"]) {
      harness.request(connection, { op: "getEphemerals", path });
      expect(connection.transcript.at(-1)).toContain("/e");
    }
  });
});

describe("forced authentication", () => {
  test("refuses everything from a connection without the scheme, ping and closeSession too", () => {
    for (const request of [getData("/"), { op: "ping" } as const, { op: "closeSession" } as const]) {
      const harness = new PipelineHarness({ enforcedAuthSchemes: ["digest"] });
      const connection = harness.connected();
      const xid = harness.request(connection, request);
      expect(connection.transcript.at(-1)).toBe(`${xid} zxid=0 err=-124`);
      expect(connection.client.isClosed).toBe(true);
    }
  });

  test("lets in whoever has proven the scheme", () => {
    const harness = new PipelineHarness({ enforcedAuthSchemes: ["digest"] });
    const connection = harness.connected();
    harness.request(connection, { op: "auth", credentials: "ann:1" });
    harness.request(connection, { op: "ping" });
    expect(connection.transcript.slice(1)).toEqual(["-4 zxid=0 err=0", "-2 zxid=1 err=0"]);
  });
});

describe("limits on what is in flight", () => {
  test("a connection that sends more than the server has room for is not read until some of it is answered", () => {
    const harness = new PipelineHarness({ globalOutstandingLimit: 2 });
    const connection = harness.connected();
    for (const path of ["/a", "/b", "/c", "/d"]) harness.request(connection, create(path));
    expect(connection.client.isPaused).toBe(true);
    harness.durable();
    harness.pipeline.resumeIfIdle();
    expect(connection.client.isPaused).toBe(false);
  });

  test("reads that wait for a client that is slow to take them stop nobody else", () => {
    const harness = new PipelineHarness({ globalOutstandingLimit: 2 });
    const [slow, other] = [harness.connected(), harness.connected()];
    for (const request of [create("/a"), ...Array.from({ length: 9 }, () => getData("/a"))])
      harness.request(slow, request);
    slow.isHeldBack = true;
    harness.durable();
    harness.pipeline.resumeIfIdle();
    expect(harness.pipeline.outstanding).toBe(9);
    expect(slow.client.isPaused).toBe(false);
    harness.request(other, create("/b"));
    expect(other.client.isPaused).toBe(false);
    slow.isHeldBack = false;
    harness.pipeline.runParked(slow.client, harness.nowMs);
    harness.pipeline.outbox.flush();
    harness.durable();
    expect(xidsOf(slow)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect([harness.pipeline.inProcess, harness.pipeline.outstanding]).toEqual([0, 0]);
  });

  test("a slow client that goes while reads of its wait leaves the count as it was", () => {
    const harness = new PipelineHarness();
    const slow = harness.connected();
    for (const request of [create("/a"), getData("/a"), getData("/a")]) harness.request(slow, request);
    slow.isHeldBack = true;
    harness.durable();
    slow.closeNow();
    expect([harness.pipeline.inProcess, harness.pipeline.outstanding]).toEqual([0, 0]);
  });

  test("what waits in the throttle's queue counts: whoever fills it is not read until it has emptied", () => {
    const throttle = { maxRequests: 1, dropStale: true, staleConnectionCheck: true, staleLatencyCheck: false };
    const harness = new PipelineHarness({ requestThrottle: throttle, globalOutstandingLimit: 3 });
    const connection = harness.connected();
    for (const path of ["/a", "/b", "/c", "/d"]) harness.request(connection, create(path));
    expect(connection.client.isPaused).toBe(false);
    harness.request(connection, create("/e"));
    expect(connection.client.isPaused).toBe(true);
    while (harness.log.held.length > 0) {
      harness.durable();
      harness.pipeline.drainQueue(harness.nowMs);
      harness.pipeline.resumeIfIdle();
    }
    expect(connection.client.isPaused).toBe(false);
  });

  test("a multiRead of more than a reply can hold is refused", () => {
    const harness = new PipelineHarness({ juteMaxBufferBytes: 64 << 20 });
    const connection = harness.connected();
    harness.request(connection, create("/a", "x".repeat(33 << 20)));
    harness.durable();
    const items = Array.from({ length: 8 }, () => ({ op: "getData", path: "/a" }) as const);
    harness.request(connection, { op: "multiRead", items });
    expect(connection.transcript.at(-1)).toBe("2 zxid=2 err=-5");
  });

  test("a large request beyond the budget closes its connection, and answered ones give theirs back", () => {
    const harness = new PipelineHarness({ largeRequestThresholdBytes: 100, largeRequestMaxBytes: 400 });
    const [first, second] = [harness.connected(), harness.connected()];
    harness.request(first, create("/a", "x".repeat(200)));
    harness.request(second, create("/b", "x".repeat(200)));
    expect(second.client.isClosed).toBe(true);
    harness.durable();
    harness.request(first, create("/b", "x".repeat(200)));
    harness.durable();
    expect(xidsOf(first)).toEqual([1, 2]);
  });

  test("the throttle's queue lets requests in as others are answered, in their order", () => {
    const throttle = { maxRequests: 2, dropStale: true, staleConnectionCheck: true, staleLatencyCheck: false };
    const harness = new PipelineHarness({ requestThrottle: throttle });
    const connection = harness.connected();
    for (const path of ["/a", "/b", "/c", "/d", "/e"]) harness.request(connection, create(path));
    expect(harness.log.held).toHaveLength(2);
    expect(harness.pipeline.outstanding).toBe(5);
    while (harness.log.held.length > 0) {
      harness.durable();
      harness.pipeline.drainQueue(harness.nowMs);
    }
    expect(xidsOf(connection)).toEqual([1, 2, 3, 4, 5]);
    expect(harness.pipeline.outstanding).toBe(0);
  });

  test("a request that waited too long in the queue is answered with ThrottledOp, in its turn", () => {
    const throttle = { maxRequests: 1, dropStale: true, staleConnectionCheck: true, staleLatencyCheck: false };
    const harness = new PipelineHarness({ requestThrottle: throttle, throttledOpWaitTimeMs: 100 });
    const connection = harness.connected();
    for (const path of ["/a", "/b"]) harness.request(connection, create(path));
    harness.nowMs += 101;
    harness.durable();
    harness.pipeline.drainQueue(harness.nowMs);
    harness.pipeline.outbox.flush();
    expect(connection.transcript.slice(1)).toEqual(["1 zxid=2 err=0 /a", "2 zxid=2 err=-127"]);
  });
});
