/** What counts as a share of a turn, and what becomes of reads that wait when it is spent. */

import { expect, test } from "vitest";
import { ProviderRegistry } from "#auth/provider-registry.ts";
import { Effort } from "#pipeline/effort.ts";
import { type HarnessConnection, PipelineHarness } from "../support/pipeline-harness.ts";
import type { Request } from "../support/requests.ts";
import { openAcl } from "../support/wire-frames.ts";

const guarded = Array.from({ length: 4000 }, (_, i) => ({ perms: 31, scheme: "digest", id: `user-${i}:hash` }));

function create(path: string, acl = openAcl): Request {
  return { op: "create", type: 1, path, data: "", acl, flags: 0, ttlMs: 0n };
}

/** A server with a znode whose ACL is long, and someone with many identities, none of which it allows. */
function withGuarded(): { harness: PipelineHarness; connection: HarnessConnection } {
  const harness = new PipelineHarness();
  const connection = harness.connected();
  harness.request(connection, create("/guarded", guarded));
  harness.durable();
  connection.client.identities = Array.from({ length: 100 }, (_, i) => ({ scheme: "digest", id: `other-${i}:hash` }));
  return { harness, connection };
}

function xidsOf(connection: HarnessConnection): number[] {
  return connection.transcript.slice(1).map((line) => Number.parseInt(line, 10));
}

test("a chunk full of ordinary reads, or of writes, spends no share", () => {
  const effort = new Effort(new ProviderRegistry());
  for (let i = 0; i < 2500; i++) effort.addRead(26, 200);
  expect(effort.isSpent).toBe(false);
  effort.begin();
  for (let i = 0; i < 1000; i++) effort.addWrite(64);
  expect(effort.isSpent).toBe(false);
});

test("a look through a long ACL by one of many identities spends it, and so do a million znodes that are gone through", () => {
  const { harness, connection } = withGuarded();
  harness.request(connection, { op: "getData", path: "/guarded", watch: false });
  expect(connection.transcript.at(-1)).toBe("2 zxid=2 err=-102");
  expect(harness.pipeline.effort.isSpent).toBe(true);
  harness.pipeline.effort.begin();
  expect(harness.pipeline.effort.isSpent).toBe(false);
  harness.pipeline.effort.addSteps(1_000_000);
  expect(harness.pipeline.effort.isSpent).toBe(true);
});

test("reads behind a write are answered a share at a time, and before the next write", () => {
  const { harness, connection } = withGuarded();
  const read = { op: "getData", path: "/guarded", watch: false } as const;
  for (const request of [create("/a"), read, read, read, create("/b"), read]) harness.request(connection, request);
  harness.durable(1);
  expect([xidsOf(connection), connection.isResting, harness.pipeline.mustRest]).toEqual([[1, 2, 3], true, true]);
  nextTurn(harness, connection);
  expect([xidsOf(connection), connection.isResting, harness.pipeline.mustRest]).toEqual([[1, 2, 3, 4], true, true]);
  nextTurn(harness, connection);
  expect([xidsOf(connection), connection.isResting, harness.pipeline.mustRest]).toEqual([
    [1, 2, 3, 4, 5],
    false,
    false,
  ]);
  harness.durable();
  expect(xidsOf(connection)).toEqual([1, 2, 3, 4, 5, 6, 7]);
});

test("what is applied next waits for nobody who does not take what they are sent", () => {
  const { harness, connection } = withGuarded();
  const read = { op: "getData", path: "/guarded", watch: false } as const;
  for (const request of [create("/a"), read, create("/b")]) harness.request(connection, request);
  connection.isHeldBack = true;
  harness.durable(1);
  expect([xidsOf(connection), harness.pipeline.mustRest]).toEqual([[1, 2], false]);
});

test("a client that runs far ahead of its own writes is read no further until half of what waits is answered", () => {
  const harness = new PipelineHarness();
  const connection = harness.connected();
  harness.request(connection, create("/a"));
  const read = { op: "exists", path: "/a", watch: false } as const;
  for (let i = 0; i < 127; i++) harness.request(connection, read);
  expect(connection.isFull).toBe(false);
  harness.request(connection, read);
  expect(connection.isFull).toBe(true);
  harness.durable();
  expect([connection.isFull, xidsOf(connection).length]).toEqual([false, 129]);
});

test("a client that takes nothing stays full until it does", () => {
  const harness = new PipelineHarness();
  const connection = harness.connected();
  harness.request(connection, create("/a"));
  for (let i = 0; i < 128; i++) harness.request(connection, { op: "exists", path: "/a", watch: false });
  connection.isHeldBack = true;
  harness.durable();
  expect([connection.isFull, xidsOf(connection).length]).toEqual([true, 1]);
  nextTurn(harness, connection);
  expect([connection.isFull, xidsOf(connection).length]).toEqual([false, 129]);
});

/** The connection has rested. */
function nextTurn(harness: PipelineHarness, connection: HarnessConnection): void {
  connection.isHeldBack = false;
  connection.isResting = false;
  harness.pipeline.effort.begin();
  harness.pipeline.runParked(connection.client, harness.nowMs);
  harness.pipeline.outbox.flush();
}
