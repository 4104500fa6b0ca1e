/** A walk in pre-order, while the tree changes under it. */

import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { TreeWalker } from "#tree/tree-walker.ts";
import type { DataTree } from "#tree/data-tree.ts";
import { rootId } from "#tree/znode-store.ts";
import { PipelineHarness, type HarnessConnection } from "../support/pipeline-harness.ts";
import { openAcl } from "../support/wire-frames.ts";

/** A tree that is changed through a server, a write at a time. */
class Garden {
  readonly harness: PipelineHarness = new PipelineHarness();
  readonly connection: HarnessConnection = this.harness.connected();

  get tree(): DataTree {
    return this.harness.database.tree;
  }

  create(path: string): void {
    this.harness.request(this.connection, { op: "create", type: 1, path, data: "", acl: openAcl, flags: 0, ttlMs: 0n });
    this.harness.durable();
  }

  delete(path: string): void {
    this.harness.request(this.connection, { op: "delete", path, version: -1 });
    this.harness.durable();
  }

  has(path: string): boolean {
    const bytes = Buffer.from(path);
    return this.tree.find(bytes, 0, bytes.length) !== 0;
  }

  walker(path = ""): TreeWalker {
    const bytes = Buffer.from(path);
    return new TreeWalker(this.tree, this.tree.find(bytes, 0, bytes.length));
  }

  next(walker: TreeWalker): string | null {
    const id = walker.next();
    return id === 0 ? null : this.tree.pathOf(id);
  }

  rest(walker: TreeWalker): string[] {
    const seen: string[] = [];
    for (let path = this.next(walker); path !== null; path = this.next(walker)) seen.push(path);
    return seen;
  }
}

function planted(...paths: string[]): Garden {
  const garden = new Garden();
  for (const path of paths) garden.create(path);
  return garden;
}

const system = ["/zookeeper", "/zookeeper/quota", "/zookeeper/config"];

describe("a walk", () => {
  test("comes to every znode, parents first, siblings in the order of their creation", () => {
    const garden = planted("/b", "/a", "/b/z", "/b/y", "/b/z/1");
    expect(garden.rest(garden.walker())).toEqual(["", ...system, "/b", "/b/z", "/b/z/1", "/b/y", "/a"]);
  });

  test("of a subtree stays inside it", () => {
    const garden = planted("/a", "/a/b", "/a/b/c", "/c");
    expect(garden.rest(garden.walker("/a"))).toEqual(["/a", "/a/b", "/a/b/c"]);
    expect(garden.rest(garden.walker("/c"))).toEqual(["/c"]);
  });

  test("moves on when the znode it stands before is removed", () => {
    const garden = planted("/a", "/a/b", "/a/c", "/d");
    const walker = garden.walker("/a");
    expect(garden.next(walker)).toBe("/a");
    garden.delete("/a/b");
    garden.delete("/a/c");
    expect(garden.next(walker)).toBe(null);
  });

  test("moves up to the next sibling of an ancestor when the last of a branch is removed", () => {
    const garden = planted("/a", "/a/b", "/a/b/c", "/d");
    const walker = garden.walker();
    while (garden.next(walker) !== "/a/b");
    garden.delete("/a/b/c");
    garden.delete("/a/b");
    expect(garden.rest(walker)).toEqual(["/d"]);
  });

  test("ends when the top of its subtree is removed, also when its number comes out again", () => {
    const garden = planted("/a");
    const walker = garden.walker("/a");
    garden.delete("/a");
    garden.create("/b");
    expect(garden.rest(walker)).toEqual([]);
  });

  test("is not told of changes after it was closed", () => {
    const garden = planted("/a");
    const walker = garden.walker();
    walker.close();
    garden.delete("/a");
    expect(walker.next()).toBe(0);
  });

  test("meets every znode that was there all the time exactly once, and none that was removed before its turn", () => {
    const names = ["/a", "/b", "/a/a", "/a/b", "/b/a", "/a/a/a", "/a/a/b", "/b/a/a"];
    const change = fc.record({ path: fc.constantFrom(...names), steps: fc.nat(2) });
    fc.assert(
      fc.property(fc.subarray(names), fc.array(change, { maxLength: 30 }), (present, changes) => {
        const garden = planted(...present);
        const walker = new TreeWalker(garden.tree, rootId);
        const seen: string[] = [];
        const constant = new Set(names.filter((path) => garden.has(path)));
        for (const { path, steps } of changes) {
          for (let i = 0; i < steps; i++) {
            const at = garden.next(walker);
            if (at === null) break;
            expect(garden.has(at)).toBe(true);
            seen.push(at);
          }
          if (garden.has(path)) garden.delete(path);
          else garden.create(path);
          if (!garden.has(path)) constant.delete(path);
        }
        seen.push(...garden.rest(walker));
        walker.close();
        for (const path of constant)
          expect(
            seen.filter((each) => each === path),
            path,
          ).toHaveLength(1);
      }),
      { seed: 1, numRuns: 150 },
    );
  });
});
