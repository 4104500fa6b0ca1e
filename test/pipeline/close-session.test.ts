/** The end of a session whose ephemerals are too many to be listed: the transaction is one that a ZooKeeper can still read. */

import { describe, expect, test } from "vitest";
import { type HarnessConnection, PipelineHarness } from "../support/pipeline-harness.ts";
import { openAcl } from "../support/wire-frames.ts";

const headerBytes = 32;

function withEphemerals(count: number, juteMaxBufferBytes: number): [PipelineHarness, HarnessConnection] {
  const harness = new PipelineHarness({ juteMaxBufferBytes });
  const connection = harness.connected();
  for (let i = 0; i < count; i++) {
    const path = `/ephemeral-${i}`;
    harness.request(connection, { op: "create", type: 1, path, data: "", acl: openAcl, flags: 1, ttlMs: 0n });
  }
  harness.durable();
  return [harness, connection];
}

/** Longer than V8 hashes (base/map-key.ts). */
function longPath(index: number): string {
  return `/${"e".repeat(17_000)}${index}`;
}

describe("the end of a session", () => {
  test.each([
    { juteMaxBufferBytes: 10_000, bytes: headerBytes + 4 + 10 * 16 + 12 },
    { juteMaxBufferBytes: 100, bytes: headerBytes },
  ])("is logged with what it owned, where $juteMaxBufferBytes bytes hold it", ({ juteMaxBufferBytes, bytes }) => {
    const [harness, connection] = withEphemerals(10, juteMaxBufferBytes);
    const nodesBefore = harness.database.tree.nodeCount;
    harness.request(connection, { op: "closeSession" });
    expect(harness.log.txns.at(-1)).toHaveLength(bytes);
    harness.durable();
    const { tree, applier } = harness.database;
    expect(tree.nodeCount).toBe(nodesBefore - 10);
    expect(harness.writes.preparer.changes.digest).toEqual(tree.digest);
    // The next transaction carries a digest again, and it is right.
    const other = harness.connected();
    harness.request(other, { op: "create", type: 1, path: "/a", data: "", acl: openAcl, flags: 0, ttlMs: 0n });
    harness.durable();
    expect(applier.digestMismatchCount).toBe(0);
  });

  test("takes what is in flight into account, and names that are too long to be keys", () => {
    const harness = new PipelineHarness();
    const connection = harness.connected();
    const nodesBefore = harness.database.tree.nodeCount;
    const create = (i: number): number =>
      harness.request(connection, {
        op: "create",
        type: 1,
        path: longPath(i),
        data: "",
        acl: openAcl,
        flags: 1,
        ttlMs: 0n,
      });
    for (let i = 0; i < 3; i++) create(i);
    harness.durable();
    harness.request(connection, { op: "delete", path: longPath(1), version: -1 });
    create(3);
    harness.request(connection, { op: "closeSession" });
    // Three of the four that there ever were.
    expect(harness.log.txns.at(-1)).toHaveLength(headerBytes + 4 + 3 * (4 + longPath(0).length) + 12);
    harness.durable();
    expect(harness.database.tree.nodeCount).toBe(nodesBefore);
    expect(harness.database.applier.digestMismatchCount).toBe(0);
  });
});
