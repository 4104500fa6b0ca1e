/**
 * Null where a text belongs. Clients do not send it, but what comes of it is ZooKeeper's, and it trips late: over the first
 * null that it looks up, with what came before already done.
 */

import { describe, expect, test } from "vitest";
import { OpCode } from "#protocol/op-code.ts";
import { Bytes } from "../support/bytes.ts";
import { type HarnessConnection, PipelineHarness } from "../support/pipeline-harness.ts";
import { op, openAcl, requestFrame } from "../support/wire-frames.ts";
import type { CreateRequest, WriteRequest } from "../support/requests.ts";

function create(path: string, more: Partial<CreateRequest> = {}): CreateRequest {
  return { op: "create", type: 1, path, data: "d", acl: openAcl, flags: 0, ttlMs: 0n, ...more };
}

/** Sends a body of any kind; its reply's line shows header and remaining bytes only. */
function ask(harness: PipelineHarness, connection: HarnessConnection, type: number, body: Bytes): string[] {
  const from = connection.transcript.length;
  connection.frame({ op: "unknown", type }, 77);
  harness.receive(connection, requestFrame(77, type, body.build()).subarray(4));
  harness.pipeline.outbox.flush();
  return connection.transcript.slice(from);
}

function list(bytes: Bytes, paths: readonly (string | null)[] | null): void {
  bytes.int(paths === null ? -1 : paths.length);
  for (const path of paths ?? []) bytes.string(path);
}

type Paths = readonly (string | null)[] | null;

function setWatches(data: Paths, exist: Paths, child: Paths): Bytes {
  const bytes = new Bytes().long(1n << 40n);
  for (const paths of [data, exist, child]) list(bytes, paths);
  return bytes;
}

/** A persistent watch. */
function addWatch(path: string | null): Bytes {
  return new Bytes().string(path).int(0);
}

/** The question after a persistent watch. */
function checkWatches(path: string | null): Bytes {
  return new Bytes().string(path).int(4);
}

describe("setWatches with a null", () => {
  test.each([
    ["path", ["/none", null, "/gone"] as const],
    ["list", null],
  ])("%s tells what stands before it and nothing behind it", (_what, child) => {
    const harness = new PipelineHarness();
    const connection = harness.connected();
    const lines = ask(harness, connection, op.setWatches, setWatches(["/none"], ["/"], child));
    const told = child === null ? 2 : 3;
    expect(lines).toHaveLength(told + 1);
    for (const line of lines.slice(0, told)) expect(line).toMatch(/^event /);
    expect(lines.at(-1)).toContain("err=-5");
  });

  test("among persistent watches registers a path that no znode has, and the empty path is another", () => {
    const harness = new PipelineHarness();
    const connection = harness.connected();
    ask(harness, connection, op.addWatch, addWatch(""));
    expect(ask(harness, connection, OpCode.checkWatches, checkWatches(null))[0]).toContain("err=-121");
    ask(harness, connection, op.addWatch, addWatch(null));
    expect(ask(harness, connection, OpCode.checkWatches, checkWatches(null))[0]).toContain("err=0");
  });
});

test("a multiRead that meets a null path fails with what it has read", () => {
  const harness = new PipelineHarness();
  const connection = harness.connected();
  const lines = [[null], ["/none", null, "/"]].map((paths) => {
    const bytes = new Bytes();
    for (const path of paths) bytes.int(op.getData).bool(false).int(-1).string(path).bool(false);
    return ask(harness, connection, op.multiRead, bytes.int(-1).bool(true).int(-1))[0];
  });
  // The end of an envelope takes 9 bytes, an error before it 13.
  expect(lines).toEqual(["77 zxid=1 err=-5  and 9 bytes more", "77 zxid=1 err=-5  and 22 bytes more"]);
});

test("a null id in the ACL of a part ends a multi as a whole, after a part was prepared, and leaves nothing behind", () => {
  const harness = new PipelineHarness();
  const connection = harness.connected();
  const withoutId = [{ perms: 31, scheme: "digest", id: null }] as unknown as CreateRequest["acl"];
  const parts: WriteRequest[] = [create("/a"), create("/b", { acl: withoutId }), create("/c")];
  harness.request(connection, { op: "multi", parts });
  harness.request(connection, create("/a"));
  harness.durable();
  expect(connection.transcript.slice(1)).toEqual(["1 zxid=2 err=-5", "2 zxid=3 err=0 /a"]);
});

test("a createTTL without an ACL list is a part like any other", () => {
  const harness = new PipelineHarness();
  const connection = harness.connected();
  const ttl = create("/t", { type: 21, flags: 5, ttlMs: 1000n, acl: null });
  harness.request(connection, { op: "multi", parts: [create("/none/x"), ttl] });
  harness.durable();
  expect(connection.transcript.at(-1)).toMatch(/^1 zxid=2 err=0 .*-101.*-2/);
});

test("a create without an ACL list ends a multi without a zxid, whatever its flag, unless that is no flag at all", () => {
  const harness = new PipelineHarness();
  const connection = harness.connected();
  for (const flags of [0, 5, 9]) {
    harness.request(connection, { op: "multi", parts: [create("/a", { acl: null, flags })] });
    harness.durable();
  }
  expect(connection.transcript.slice(1)).toEqual(["1 zxid=1 err=-5", "2 zxid=1 err=-5", "3 zxid=2 err=-5"]);
});
