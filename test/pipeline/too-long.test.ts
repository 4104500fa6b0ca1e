/** A transaction that would be longer than any ZooKeeper reads is never made: what it would have done is taken back. */

import { expect, test } from "vitest";
import { PipelineHarness } from "../support/pipeline-harness.ts";
import type { Request, WriteRequest } from "../support/requests.ts";
import { openAcl } from "../support/wire-frames.ts";

function create(path: string, bytes: number): WriteRequest {
  return { op: "create", type: 1, path, data: "x".repeat(bytes), acl: openAcl, flags: 0, ttlMs: 0n };
}

const tooLong: readonly [string, Request][] = [
  ["a create", create("/long", 400)],
  ["a multi", { op: "multi", parts: [create("/a", 150), create("/a/b", 150)] }],
];

test.each(tooLong)("%s that is too long is refused, and leaves nothing", (_, request) => {
  const harness = new PipelineHarness({ juteMaxBufferBytes: 200, juteMaxBufferExtraBytes: 200 });
  const connection = harness.connected();
  harness.request(connection, create("/before", 10));
  harness.request(connection, request);
  harness.request(connection, create("/a", 10));
  harness.durable();
  expect(connection.transcript.slice(1)).toEqual(["1 zxid=2 err=0 /before", "2 zxid=3 err=-5", "3 zxid=4 err=0 /a"]);
  const { tree, applier } = harness.database;
  expect(applier.digestMismatchCount).toBe(0);
  expect(harness.writes.preparer.changes.digest).toEqual(tree.digest);
  harness.request(connection, { op: "getChildren", path: "/", watch: false });
  expect(connection.transcript.at(-1)).toBe("4 zxid=4 err=0 [a|before|zookeeper]");
});

test("a multi whose lists grow is given up at the part with which it is too long", () => {
  const harness = new PipelineHarness({ juteMaxBufferBytes: 2000, juteMaxBufferExtraBytes: 2000 });
  const connection = harness.connected();
  connection.client.identities = Array.from({ length: 100 }, (_, i) => ({ scheme: "digest", id: `user-${i}:hash` }));
  const acl = [{ perms: 31, scheme: "auth", id: "" }];
  const parts = Array.from({ length: 50 }, (_, i) => ({ ...create(`/n${i}`, 0), acl }));
  harness.request(connection, { op: "multi", parts });
  harness.durable();
  expect(connection.transcript.slice(1)).toEqual(["1 zxid=2 err=-5"]);
  // One part more than the limit, and what a writer doubles to: all of them would take 150,000.
  expect(harness.log.roomBytes).toBeLessThan(20_000);
});
