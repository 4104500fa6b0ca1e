/** Verdicts that no client's request asks for: those on the server's own (model.test.ts has the others). */

import { describe, expect, test } from "vitest";
import { PipelineHarness } from "../support/pipeline-harness.ts";
import { openAcl } from "../support/wire-frames.ts";

describe("the reaper's removal of a container", () => {
  test("spares a persistent znode that takes the container's place while both are in flight", () => {
    const harness = new PipelineHarness();
    const connection = harness.connected();
    harness.request(connection, { op: "create", type: 19, path: "/c", data: "", acl: openAcl, flags: 4, ttlMs: 0n });
    harness.durable();
    harness.request(connection, { op: "delete", path: "/c", version: -1 });
    harness.request(connection, { op: "create", type: 1, path: "/c", data: "", acl: openAcl, flags: 0, ttlMs: 0n });
    harness.reap("/c");
    harness.durable();
    expect(harness.database.tree.find(Buffer.from("/c"), 0, 2)).not.toBe(0);
  });
});
