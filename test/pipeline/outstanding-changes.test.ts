/**
 * Changes in flight whose paths have the same hash: whatever is created, changed, removed and taken back, each path keeps
 * its own latest state. (That the view is right otherwise is what model.test.ts shows.)
 */

import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type ChangeRecord, OutstandingChanges } from "#pipeline/outstanding-changes.ts";
import { DataTree } from "#tree/data-tree.ts";
import { PathIndex } from "#tree/path-index.ts";
import { addSystemZnodes } from "#tree/system-znodes.ts";
import { ZnodeStore } from "#tree/znode-store.ts";
import { collidingPaths } from "../support/colliding-paths.ts";
import { Duel } from "../support/duel.ts";
import { addresses, type Step } from "../support/operations.ts";
import { PipelineHarness } from "../support/pipeline-harness.ts";
import type { WriteRequest } from "../support/requests.ts";
import { openAcl } from "../support/wire-frames.ts";

const hashSeed = 9;
const paths = collidingPaths(new PathIndex(new ZnodeStore(), hashSeed), 2).flat();

const path = fc.constantFrom(...paths);
const version = fc.constantFrom(-1, 0, 1);
const write: fc.Arbitrary<WriteRequest> = fc.oneof(
  fc.record({
    op: fc.constant("create" as const),
    type: fc.constant(15 as const),
    path,
    data: fc.constantFrom("x", null),
    acl: fc.constant(openAcl),
    flags: fc.constantFrom(0, 1, 2),
    ttlMs: fc.constant(0n),
  }),
  fc.record({ op: fc.constant("delete" as const), path, version }),
  fc.record({ op: fc.constant("setData" as const), path, data: fc.constantFrom("yy", ""), version }),
);
const check = fc.record({ op: fc.constant("check" as const), path, version });
const request = fc.oneof(
  { weight: 3, arbitrary: write },
  {
    weight: 1,
    arbitrary: fc.record({
      op: fc.constant("multi" as const),
      parts: fc.array(fc.oneof(write, check), { minLength: 1, maxLength: 4 }),
    }),
  },
);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: fc.constant("send" as const), client: fc.nat(2), request }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("durable" as const), count: fc.integer({ min: 1, max: 6 }) }) },
);

describe("changes in flight", () => {
  test("to paths with the same hash are told apart", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60, size: "max" }), (steps) => {
        const duel = new Duel({ hashSeed });
        addresses.forEach((_, client) => duel.step({ do: "open", client }));
        duel.step({ do: "durable", count: addresses.length });
        for (const each of steps) duel.step(each);
        duel.finish();
      }),
      { seed: 1, numRuns: 150, interruptAfterTimeLimit: 20_000 },
    );
  });

  test("are forgotten with the transaction they belong to, and no sooner", () => {
    const harness = new PipelineHarness();
    const connection = harness.connected();
    const { changes } = harness.writes.preparer;
    const create = (at: string): number =>
      harness.request(connection, { op: "create", type: 1, path: at, data: "", acl: openAcl, flags: 0, ttlMs: 0n });
    create("/a");
    create("/a/b");
    expect(changes.length).toBe(4); // each create changes its parent as well
    harness.durable(1);
    expect(changes.length).toBe(2);
    harness.durable();
    expect(changes.length).toBe(0);
    create("/none/a");
    expect(changes.length).toBe(0);
  });

  test("carry the digest of the tree after all of them", () => {
    const harness = new PipelineHarness();
    const connection = harness.connected();
    const { digest } = harness.database.tree;
    for (const at of ["/a", "/a/b", "/a/c"]) {
      harness.request(connection, { op: "create", type: 1, path: at, data: "", acl: openAcl, flags: 1, ttlMs: 0n });
    }
    harness.request(connection, { op: "setData", path: "/", data: "root", version: -1 });
    harness.request(connection, { op: "closeSession" });
    const { high, low } = harness.writes.preparer.changes.digest;
    expect([digest.high, digest.low]).not.toEqual([high, low]);
    harness.durable();
    expect([digest.high, digest.low]).toEqual([high, low]);
  });
});

test("a znode that a transaction changes again and again has one record for it, which counts as many changes", () => {
  const tree = new DataTree({ hashSeed, digestEnabled: true, extendedTypesEnabled: false, emulate353TtlNodes: false });
  addSystemZnodes(tree);
  const changes = new OutstandingChanges(tree);
  const bytes = Buffer.from("/zookeeper");
  const change = (zxidLow: number): ChangeRecord => changes.derive(changes.get(bytes, 0, bytes.length)!, 0, zxidLow);
  const first = change(1);
  expect(change(1)).toBe(first);
  expect([changes.length, changes.changeCount]).toEqual([1, 2]);
  const second = change(2);
  expect(second).not.toBe(first);
  expect([changes.length, changes.changeCount]).toEqual([2, 3]);
  changes.applied(0, 1);
  expect([changes.length, changes.changeCount]).toEqual([1, 1]);
  expect(changes.get(bytes, 0, bytes.length)).toBe(second);
  changes.rollBack(0, 0, 0);
  expect([changes.length, changes.changeCount]).toEqual([0, 0]);
});
