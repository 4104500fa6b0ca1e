/** The end of a session whose ephemerals are too many to be listed: the transaction is one that a ZooKeeper can still read. */

import { describe, expect, test } from "vitest";
import { type HarnessConnection, PipelineHarness } from "../support/pipeline-harness.ts";
import { openAcl } from "../support/wire-client.ts";

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
});
