/**
 * The index against a map from texts to ids, on a store that holds names and links and nothing else.
 */

import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { PathIndex } from "#tree/path-index.ts";
import { Field, rootId, ZnodeStore } from "#tree/znode-store.ts";
import { collidingPaths } from "../support/colliding-paths.ts";

class Twin {
  readonly store: ZnodeStore = new ZnodeStore();
  readonly index: PathIndex;
  readonly ids: Map<string, number> = new Map();

  constructor(seed: number) {
    this.store.allocate();
    this.index = new PathIndex(this.store, seed);
  }

  add(path: string): void {
    const bytes = Buffer.from(path);
    const nameStart = bytes.lastIndexOf(0x2f) + 1;
    const parent = path.slice(0, path.lastIndexOf("/"));
    const id = this.store.allocate();
    this.store.setContent(id, bytes, nameStart, bytes.length, bytes, 0, 0);
    this.store.linkChild(parent === "" ? rootId : this.ids.get(parent)!, id);
    this.index.insert(this.index.hash(bytes, 0, bytes.length), id);
    this.ids.set(path, id);
  }

  remove(path: string): void {
    const bytes = Buffer.from(path);
    const id = this.ids.get(path)!;
    this.index.remove(this.index.hash(bytes, 0, bytes.length), id);
    this.store.unlinkChild(id);
    this.store.release(id);
    this.ids.delete(path);
  }

  /** Looks a path up in the middle of other bytes. */
  find(path: string): number {
    const bytes = Buffer.from(`//${path}/.`);
    const end = bytes.length - 2;
    return this.index.find(this.index.hash(bytes, 2, end), bytes, 2, end);
  }

  expectRight(paths: Iterable<string> = this.ids.keys()): void {
    for (const path of paths) expect(this.find(path), path).toBe(this.ids.get(path) ?? 0);
  }
}

describe("paths", () => {
  test("are found as long as they are there, through growth and removal", () => {
    const name = fc.nat(400);
    fc.assert(
      fc.property(fc.integer(), fc.array(name, { maxLength: 900, size: "max" }), (seed, names) => {
        const twin = new Twin(seed);
        for (const number of names) {
          const path = `/${number}`;
          if (twin.ids.has(path)) twin.remove(path);
          else twin.add(path);
        }
        twin.expectRight(names.map((number) => `/${number}`));
      }),
      { seed: 1, numRuns: 40 },
    );
  });

  test("are found by the thousand, and none that was removed", () => {
    const twin = new Twin(42);
    const paths = Array.from({ length: 30_000 }, (_, i) => `/node-${i}`);
    for (const path of paths) twin.add(path);
    for (const path of paths.filter((_, i) => i % 3 !== 0)) twin.remove(path);
    const wrong = paths.filter((path) => twin.find(path) !== (twin.ids.get(path) ?? 0));
    expect(wrong).toEqual([]);
  });

  test("leave no room behind when they have gone, and come back", () => {
    const twin = new Twin(3);
    const emptyBytes = twin.index.reservedBytes;
    const paths = Array.from({ length: 50_000 }, (_, i) => `/n${i}`);
    for (const path of paths) twin.add(path);
    const fullBytes = twin.index.reservedBytes;
    expect(fullBytes).toBeGreaterThan(50_000 * 8);
    for (const path of paths.slice(500)) twin.remove(path);
    expect(twin.index.reservedBytes).toBeLessThan(fullBytes / 8);
    twin.expectRight(paths.slice(0, 1000));
    for (const path of paths.slice(0, 500)) twin.remove(path);
    expect(twin.index.reservedBytes).toBe(emptyBytes);
    for (const path of paths) twin.add(path);
    expect(twin.index.reservedBytes).toBe(fullBytes);
    twin.expectRight(paths);
  });

  test("are compared name by name up to the root", () => {
    const twin = new Twin(1);
    for (const path of ["/a", "/a/b", "/a/b/c", "/ab", "/b", "/b/c", "/é"]) twin.add(path);
    twin.expectRight();
    twin.expectRight([
      "/",
      "",
      "a",
      "/c",
      "/a/c",
      "/a/b/",
      "//a",
      "/a//b",
      "/a/b/c/d",
      "b/c",
      "/ab/c",
      "/\u00c3",
      "/a\0",
    ]);
  });
});

const seed = 9;
const groups = collidingPaths(new PathIndex(new ZnodeStore(), seed), 6);

describe("paths with the same hash", () => {
  test("exist, and are told apart", () => {
    expect(groups.length).toBe(6);
    const twin = new Twin(seed);
    for (const [first] of groups) twin.add(first);
    twin.expectRight(groups.flat());
    for (const [, second] of groups) twin.add(second);
    twin.expectRight(groups.flat());
  });

  test("are removed one without the other, whichever came first", () => {
    for (const which of [0, 1] as const) {
      const twin = new Twin(seed);
      for (const path of groups.flat()) twin.add(path);
      for (const group of groups) twin.remove(group[which]);
      twin.expectRight(groups.flat());
    }
  });
});

test("paths that collide under one seed do not under another, though the seeds differ in one bit", () => {
  for (let bit = 0; bit < 32; bit++) {
    const index = new PathIndex(new ZnodeStore(), seed ^ (1 << bit));
    const hashOf = (path: string): number => index.hash(Buffer.from(path), 0, path.length);
    expect(groups.filter(([a, b]) => hashOf(a) === hashOf(b)).length, `bit ${bit}`).toBe(0);
  }
});

test("a run of slots that wraps around the end of its table is closed up after a removal", () => {
  const twin = new Twin(5);
  // A table begins with sixteen slots: names whose hashes want the last ones of the same table run over its end.
  const crowded: string[] = [];
  for (let i = 0; crowded.length < 10; i++) {
    const bytes = Buffer.from(`/${i}`);
    const hash = twin.index.hash(bytes, 0, bytes.length);
    if (hash >>> 24 === 7 && (hash & 15) >= 13) crowded.push(`/${i}`);
  }
  for (const path of crowded) twin.add(path);
  for (const path of crowded.slice(0, 9)) {
    twin.remove(path);
    twin.expectRight(crowded);
  }
  expect(twin.store.get(twin.ids.get(crowded[9]!)!, Field.parent)).toBe(rootId);
});
