/** The packed table against plain sets, mode by mode. */

import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { nullPathKey, pathTextOf, WatchMode, WatchTable } from "#tree/watch-table.ts";

/** Too long to be a key, and another one of its length; both have ancestors. */
const long = `/a/b/${"l".repeat(20_000)}`;
const paths = ["/", "/a", "/a/b", "/a/b/c", "/ab", "", long, `${long.slice(0, -1)}m`, `${long}/c`];
const modes = [WatchMode.standard, WatchMode.persistent, WatchMode.recursive];

/** path -> connection -> modes, the long way. */
class Twin {
  readonly watches: { path: string; connection: number; mode: number }[] = [];

  add(path: string, connection: number, mode: number): void {
    if (!this.#has(path, connection, mode)) this.watches.push({ path, connection, mode });
  }

  remove(isGone: (watch: { path: string; connection: number; mode: number }) => boolean): boolean {
    const kept = this.watches.filter((watch) => !isGone(watch));
    return this.watches.splice(0, this.watches.length, ...kept).length > kept.length;
  }

  collect(path: string): number[] {
    const isAbove = (top: string): boolean => top === "/" || (top !== "" && path.startsWith(`${top}/`));
    const hits = this.watches.filter(
      (watch) => watch.path === path || (watch.mode === WatchMode.recursive && path !== "" && isAbove(watch.path)),
    );
    this.remove((watch) => watch.path === path && watch.mode === WatchMode.standard);
    return [...new Set(hits.map(({ connection }) => connection))].sort((a, b) => a - b);
  }

  modesOf(path: string, connection: number): number {
    return this.watches
      .filter((watch) => watch.path === path && watch.connection === connection)
      .reduce((sum, { mode }) => sum | mode, 0);
  }

  get pairs(): string[] {
    return [...new Set(this.watches.map(({ path, connection }) => `${path} ${connection}`))].sort();
  }

  #has(path: string, connection: number, mode: number): boolean {
    return (this.modesOf(path, connection) & mode) !== 0;
  }
}

const move = fc.record({
  do: fc.constantFrom("add", "add", "add", "remove", "collect", "forget"),
  path: fc.constantFrom(...paths),
  connection: fc.nat(3),
  mode: fc.constantFrom(...modes),
});

describe("a table of watches", () => {
  test("does what plain sets do, and its counts are theirs", () => {
    fc.assert(
      fc.property(fc.array(move, { maxLength: 50 }), (moves) => {
        const table = new WatchTable();
        const twin = new Twin();
        for (const { do: what, path, connection, mode } of moves) {
          if (what === "add") {
            table.add(path, connection, mode);
            twin.add(path, connection, mode);
          } else if (what === "remove") {
            const isTwinHit = twin.remove((w) => w.path === path && w.connection === connection && w.mode === mode);
            expect(table.remove(path, connection, mode)).toBe(isTwinHit);
          } else if (what === "collect") {
            const hits: number[] = [];
            table.collect(path, hits);
            expect(hits.sort((a, b) => a - b)).toEqual(twin.collect(path));
          } else {
            table.removeSome(connection, Infinity);
            twin.remove((watch) => watch.connection === connection);
          }
          expectSame(table, twin);
        }
      }),
      { seed: 1, numRuns: 300 },
    );
  });

  test("keeps a watcher's other modes when an event spends the standard one", () => {
    const table = new WatchTable();
    for (const mode of modes) table.add("/a", 3, mode);
    const hits: number[] = [];
    table.collect("/a", hits);
    expect(hits).toEqual([3]);
    expect(table.modesOf("/a", 3)).toBe(WatchMode.persistent | WatchMode.recursive);
    expect(table.remove("/a", 3, WatchMode.standard)).toBe(false);
  });

  test("goes back to nothing", () => {
    const table = new WatchTable();
    for (let connection = 0; connection < 50; connection++) table.add("/a", connection, WatchMode.recursive);
    expect(table.hasRecursive).toBe(true);
    for (let connection = 0; connection < 50; connection++) table.removeSome(connection, Infinity);
    expect(table.hasRecursive).toBe(false);
    expect([table.size, table.pathCount, table.connectionCount]).toEqual([0, 0, 0]);
  });

  test("counts a connection whose watches have fired, until it removes one or ends", () => {
    const table = new WatchTable();
    for (const connection of [1, 2]) table.add("/a", connection, WatchMode.standard);
    table.collect("/a", []);
    expect([table.size, table.pathCount, table.connectionCount]).toEqual([0, 0, 2]);
    table.removeSome(1, Infinity);
    expect(table.connectionCount).toBe(1);
    table.add("/b", 2, WatchMode.persistent);
    expect(table.remove("/b", 2, WatchMode.persistent)).toBe(true);
    expect(table.connectionCount).toBe(0);
  });

  test("forgets a connection in slices, and spends what is left meanwhile", () => {
    const table = new WatchTable();
    for (let i = 0; i < 10; i++) table.add(`/${i}`, 1, WatchMode.standard);
    table.add("/9", 2, WatchMode.standard);
    expect([table.removeSome(1, 4), table.size]).toEqual([false, 7]);
    table.collect("/9", []);
    expect([table.removeSome(1, 4), table.size]).toEqual([false, 1]);
    expect([table.removeSome(1, 4), table.size, table.connectionCount]).toEqual([true, 0, 1]);
    expect(table.removeSome(1, 4)).toBe(true);
  });

  test("shows its paths as text, and null as Java shows it", () => {
    expect(pathTextOf(Buffer.from("/é").toString("latin1"))).toBe("/é");
    expect(pathTextOf(nullPathKey)).toBe("null");
  });
});

function expectSame(table: WatchTable, twin: Twin): void {
  const pairs = [...table.paths()].flatMap(({ path, connections }) => connections.map((each) => `${path} ${each}`));
  expect(pairs.sort()).toEqual(twin.pairs);
  const back = [...table.connections()].flatMap(({ connection, paths }) =>
    [...paths].map((path) => `${path} ${connection}`),
  );
  expect(back.sort()).toEqual(twin.pairs);
  expect(table.size).toBe(twin.pairs.length);
  expect(table.hasRecursive).toBe(twin.watches.some(({ mode }) => mode === WatchMode.recursive));
  for (const path of paths) {
    for (let connection = 0; connection < 4; connection++) {
      expect(table.modesOf(path, connection)).toBe(twin.modesOf(path, connection));
    }
  }
}
