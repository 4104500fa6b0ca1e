/** The order of what leaves a server, and who is told of the end of a session. */

import { describe, expect, test } from "vitest";
import { type HarnessConnection, PipelineHarness } from "../support/pipeline-harness.ts";
import type { Request } from "../support/requests.ts";
import { openAcl } from "../support/wire-frames.ts";

function create(path: string): Request {
  return { op: "create", type: 1, path, data: "", acl: openAcl, flags: 0, ttlMs: 0n };
}

function getData(path: string): Request {
  return { op: "getData", path, watch: false };
}

/** The xids of the replies so far, the handshake's line left out. */
function xidsOf(connection: HarnessConnection): number[] {
  return connection.transcript.slice(1).map((line) => Number.parseInt(line, 10));
}

describe("replies leave in the order of their requests", () => {
  test("a read behind a write waits for it, and a write behind the read waits for the read", () => {
    const harness = new PipelineHarness();
    const connection = harness.connected();
    for (const request of [create("/a"), getData("/a"), create("/b"), getData("/b")])
      harness.request(connection, request);
    expect(xidsOf(connection)).toEqual([]);
    harness.durable(1);
    expect(xidsOf(connection)).toEqual([1, 2]);
    harness.durable();
    expect(xidsOf(connection)).toEqual([1, 2, 3, 4]);
  });

  test("a read waits for no write of another connection", () => {
    const harness = new PipelineHarness();
    const [writer, reader] = [harness.connected(), harness.connected()];
    harness.request(writer, create("/a"));
    harness.request(reader, { op: "exists", path: "/a", watch: true });
    expect(reader.transcript.at(-1)).toBe("1 zxid=2 err=-101");
    harness.durable();
    expect(reader.transcript.at(-1)).toBe("event 1 /a zxid=3");
  });

  test("a write is not answered before a read that waits until its client takes more", () => {
    const harness = new PipelineHarness();
    const connection = harness.connected();
    for (const request of [create("/a"), getData("/a"), create("/b"), getData("/b")])
      harness.request(connection, request);
    connection.isHeldBack = true;
    harness.durable();
    connection.isHeldBack = false;
    harness.pipeline.runParked(connection.client, harness.nowMs);
    harness.pipeline.outbox.flush();
    expect(xidsOf(connection)).toEqual([1, 2, 3, 4]);
  });
});

describe("the end of a session", () => {
  test("answers what came before the close, drops what came behind it, and closes", () => {
    const harness = new PipelineHarness();
    const connection = harness.connected();
    for (const request of [create("/a"), { op: "closeSession" } as const, create("/b"), getData("/a")])
      harness.request(connection, request);
    harness.durable();
    expect(connection.transcript.slice(1)).toEqual(["1 zxid=2 err=0 /a", "2 zxid=3 err=0"]);
    expect(connection.client.isClosed).toBe(true);
    expect(harness.database.sessions.size).toBe(0);
  });

  test("that has expired closes its connection without a frame", () => {
    const harness = new PipelineHarness();
    const connection = harness.connected();
    const session = connection.client.session!;
    harness.expire(session);
    expect(connection.client.isClosed).toBe(false);
    harness.durable();
    expect(connection.client.isClosed).toBe(true);
    expect(connection.transcript).toHaveLength(1);
  });
});
