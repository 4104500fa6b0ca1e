/**
 * Fuzzy snapshots: written in slices while transactions are applied, read in any pieces, and completed by the log. What
 * comes back has to be the live tree, to the last field, wherever slices and transactions meet.
 */

import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compareHalves } from "#base/zxid.ts";
import { MarshallingError } from "#jute/reader.ts";
import { JuteWriter } from "#jute/writer.ts";
import { Database } from "#server/database.ts";
import type { DataTree } from "#tree/data-tree.ts";
import { TreeSnapshotSource } from "#tree/snapshot-source.ts";
import { addSystemZnodes } from "#tree/system-znodes.ts";
import { Duel } from "../support/duel.ts";
import { bushyConversation, type Step } from "../support/operations.ts";
import { tickTimeMs } from "../support/pipeline-harness.ts";
import { dumpTree, expectAclsCounted, expectCountsRight } from "../support/tree-dump.ts";
import { Bytes } from "../support/bytes.ts";
import { loadBody } from "../support/snapshot-body.ts";

/** Ends the search for a smaller counterexample. */
const timeLimitMs = 20_000;
const clock = { monotonicMs: (): number => 0, wallMs: (): number => 0 };

function newDatabase(): Database {
  return new Database(
    { hashSeed: 3, digestEnabled: true, extendedTypesEnabled: true, emulate353TtlNodes: false },
    tickTimeMs,
    clock,
  );
}

/** Every transaction of a conversation. */
function txnsOf(steps: readonly Step[]): readonly Buffer[] {
  const duel = new Duel({ extendedTypesEnabled: true });
  for (const step of steps) duel.step(step);
  duel.finish();
  return duel.harness.log.txns;
}

/** Numbers for "how many next", taken in a circle. */
class Cuts {
  readonly #numbers: readonly number[];
  #at = 0;

  constructor(numbers: readonly number[]) {
    this.#numbers = numbers;
  }

  next(): number {
    return this.#numbers[this.#at++ % this.#numbers.length]!;
  }
}

interface Snapshot {
  readonly bytes: Buffer;
  readonly zxidHigh: number;
  readonly zxidLow: number;
  readonly final: { zxidHigh: number; zxidLow: number; digestHigh: number; digestLow: number };
}

/** Applies all transactions to a fresh database; after the first `before` of them a snapshot is begun. */
function liveWithSnapshot(txns: readonly Buffer[], before: number, cuts: Cuts): { live: Database; snapshot: Snapshot } {
  const live = newDatabase();
  addSystemZnodes(live.tree);
  let applied = 0;
  const apply = (count: number): void => {
    for (const txn of txns.slice(applied, applied + count)) live.applier.apply(txn, 0, txn.length);
    applied += count;
  };
  apply(before);
  const source = sourceOf(live);
  const out = new JuteWriter(16);
  while (!source.writeSome(out, cuts.next())) apply(cuts.next() % 4);
  const { zxidHigh, zxidLow } = source;
  const snapshot = { bytes: out.toBytes(), zxidHigh, zxidLow, final: source.finalState() };
  apply(txns.length);
  return { live, snapshot };
}

function sourceOf({ tree, sessions }: Database): TreeSnapshotSource {
  return new TreeSnapshotSource(tree, (visit) => {
    for (const { idHigh, idLow, timeoutMs } of sessions.committed()) visit(idHigh, idLow, timeoutMs);
  });
}

/** Reads a snapshot in pieces, as they come from a disk. */
function load(bytes: Buffer, cuts: Cuts): Database {
  const database = newDatabase();
  const onSession = (high: number, low: number, timeoutMs: number): void =>
    void database.sessions.restore(high, low, timeoutMs);
  loadBody(database.tree, bytes, onSession, { bytes: () => cuts.next(), rows: () => 1 + (cuts.next() % 7) });
  database.tree.acls.dropUnused();
  database.tree.quotas.rebuild();
  return database;
}

/** Replays what the log has behind the snapshot's zxid; on the way the tree must pass through the snapshot's digest. */
function replay(database: Database, snapshot: Snapshot, txns: readonly Buffer[]): void {
  const { tree, applier } = database;
  tree.lastZxidHigh = snapshot.zxidHigh;
  tree.lastZxidLow = snapshot.zxidLow;
  const { final } = snapshot;
  const isBehindFinal = (): boolean =>
    compareHalves(tree.lastZxidHigh, tree.lastZxidLow, final.zxidHigh, final.zxidLow) < 0;
  applier.isFuzzy = isBehindFinal();
  if (!applier.isFuzzy) expectDigest(tree, final);
  for (const txn of txns) {
    if (compareHalves(txn.readInt32BE(12), txn.readInt32BE(16), snapshot.zxidHigh, snapshot.zxidLow) <= 0) continue;
    applier.apply(txn, 0, txn.length);
    if (!applier.isFuzzy || isBehindFinal()) continue;
    applier.isFuzzy = false;
    expectDigest(tree, final);
  }
}

function expectDigest(tree: DataTree, { digestHigh, digestLow }: Snapshot["final"]): void {
  expect([tree.digest.high, tree.digest.low]).toEqual([digestHigh, digestLow]);
}

function sessionsOf(database: Database): string[] {
  return database.sessions
    .committed()
    .map(({ idHigh, idLow, timeoutMs }) => `${idHigh} ${idLow} ${timeoutMs}`)
    .sort();
}

function ephemeralsOf({ tree }: Database): string[] {
  const owned: string[] = [];
  tree.owned.bySession.forEach((ids, high, low) => {
    for (const id of ids) owned.push(`${high} ${low} ${tree.pathOf(id)}`);
  });
  return owned.sort();
}

function expectSame(restored: Database, live: Database): void {
  // The live totals of quotas may carry what a client wrote there.
  for (const { tree } of [restored, live]) tree.quotas.rebuild();
  expect(dumpWithoutFrozenTotals(restored.tree)).toEqual(dumpWithoutFrozenTotals(live.tree));
  expect(restored.tree.quotas.paths).toEqual(live.tree.quotas.paths);
  expect(sessionsOf(restored)).toEqual(sessionsOf(live));
  expect(ephemeralsOf(restored)).toEqual(ephemeralsOf(live));
  expect([restored.tree.digest.high, restored.tree.digest.low]).toEqual([live.tree.digest.high, live.tree.digest.low]);
  expect(restored.applier.digestMismatchCount).toBe(0);
  expect(live.applier.digestMismatchCount).toBe(0);
  expectCountsRight(restored.tree);
  expectAclsCounted(restored.tree);
}

/** Totals whose quota has ended keep their last value, which no log tells. */
function dumpWithoutFrozenTotals(tree: DataTree): Record<string, string> {
  const isFrozen = (path: string): boolean =>
    path.endsWith("/zookeeper_stats") &&
    ![...tree.quotas.paths].includes(path.slice("/zookeeper/quota".length, -"/zookeeper_stats".length));
  return Object.fromEntries(Object.entries(dumpTree(tree)).filter(([path]) => !isFrozen(path)));
}

const cutsArbitrary = (max: number): fc.Arbitrary<Cuts> =>
  fc.array(fc.integer({ min: 1, max }), { minLength: 1, maxLength: 20 }).map((numbers) => new Cuts(numbers));

describe("a fuzzy snapshot and the log behind it", () => {
  test.each([1, 2, 3])("give back the live tree, seed %i", (seed) => {
    fc.assert(
      fc.property(
        bushyConversation(150),
        fc.nat(100),
        cutsArbitrary(400),
        cutsArbitrary(90),
        (steps, percentBefore, writeCuts, readCuts) => {
          const txns = txnsOf(steps);
          const before = Math.floor((txns.length * percentBefore) / 100);
          const { live, snapshot } = liveWithSnapshot(txns, before, writeCuts);
          const restored = load(snapshot.bytes, readCuts);
          replay(restored, snapshot, txns);
          expectSame(restored, live);
        },
      ),
      { seed, numRuns: 60, interruptAfterTimeLimit: timeLimitMs },
    );
  });

  test("give it back when the log is replayed from further back than need be", () => {
    fc.assert(
      fc.property(bushyConversation(60), cutsArbitrary(400), (steps, cuts) => {
        const txns = txnsOf(steps);
        const { live, snapshot } = liveWithSnapshot(txns, Math.floor(txns.length / 2), cuts);
        const restored = load(snapshot.bytes, new Cuts([snapshot.bytes.length]));
        replay(restored, { ...snapshot, zxidHigh: 0, zxidLow: 0 }, txns);
        expectSame(restored, live);
      }),
      { seed: 4, numRuns: 20, interruptAfterTimeLimit: timeLimitMs },
    );
  });
});

test("a snapshot names no ACL list that came up after its table was written", () => {
  const { tree, sessions } = newDatabase();
  addSystemZnodes(tree);
  const path = Buffer.from("/zookeeper/quota");
  const source = sourceOf({ tree, sessions } as Database);
  const out = new JuteWriter(16);
  expect(source.writeSome(out, 1)).toBe(false);
  for (const id of ["ann", "bob"]) {
    const list = new Bytes().int(1).int(31).string("digest").string(id).build();
    tree.setAcl(path, 0, path.length, tree.acls.intern(list, 0, list.length), 1);
  }
  while (!source.writeSome(out, 1));
  expect(dumpTree(tree)["/zookeeper/quota"]).toContain(" 31:digest:bob ");
  expect(dumpTree(load(out.toBytes(), new Cuts([1000])).tree)["/zookeeper/quota"]).toContain(" 31:world:anyone ");
});

describe("a snapshot of another server", () => {
  const noStat = Buffer.alloc(60);

  function stat(parts: { czxid?: bigint; cversion?: number; owner?: bigint }): Buffer {
    const bytes = Buffer.from(noStat);
    bytes.writeBigInt64BE(parts.czxid ?? 0n, 0);
    bytes.writeInt32BE(parts.cversion ?? 0, 36);
    bytes.writeBigInt64BE(parts.owner ?? 0n, 44);
    return bytes;
  }

  /** A snapshot without sessions and lists. */
  function bodyOf(...znodes: { path: string; data?: string | null; aclId?: bigint; stat?: Buffer }[]): Buffer {
    const out = new Bytes().int(0).int(0);
    for (const { path, data = "", aclId = -1n, stat: ofZnode = noStat } of znodes) {
      out
        .string(path)
        .buffer(data === null ? null : Buffer.from(data))
        .long(aclId)
        .raw(ofZnode);
    }
    return out.string("/").build();
  }

  test("may hold a path twice: it counts as it came last, and once", () => {
    const bytes = bodyOf(
      { path: "" },
      { path: "/a", data: "old", stat: stat({ czxid: 1n, owner: 7n }) },
      { path: "/a/b" },
      { path: "/a", data: "newer", aclId: 4n, stat: stat({ czxid: 2n, cversion: 3, owner: 8n }) },
    );
    const { tree } = load(bytes, new Cuts([11]));
    expect(Object.keys(dumpTree(tree))).toEqual(["/", "/a", "/a/b"]);
    expect(dumpTree(tree)["/a"]).toBe('2,0,0,0,0,5,0,8,5,1,0 "newer" 31:world:nobody ephemeral 8 3');
    expect(tree.owned.bySession.get(0, 7)).toBe(undefined);
    expectCountsRight(tree);
    expectAclsCounted(tree);
  });

  test("may hold znodes newer than itself above older ones: both are in what is written of it", () => {
    const later = stat({ czxid: 9n });
    const bytes = bodyOf(
      { path: "" },
      { path: "/a", data: "a", stat: later },
      { path: "/a/b", data: "b", stat: later },
      { path: "/a/b/c" },
      { path: "/a/b/d" },
    );
    const database = load(bytes, new Cuts([11]));
    const source = sourceOf(database);
    const out = new JuteWriter(16);
    while (!source.writeSome(out, 1));
    expect(dumpTree(load(out.toBytes(), new Cuts([1000])).tree)).toEqual(dumpTree(database.tree));
  });

  test("may hold null data, which stays null", () => {
    const { tree } = load(bodyOf({ path: "" }, { path: "/a", data: null }), new Cuts([1000]));
    expect(dumpTree(tree)["/a"]).toContain(" null ");
  });

  test.each([
    ["a name behind two slashes", bodyOf({ path: "" }, { path: "//a" })],
    ["a znode before its parent", bodyOf({ path: "" }, { path: "/a/b" }, { path: "/a" })],
    ["a path without a slash", bodyOf({ path: "" }, { path: "a" })],
    ["two lists of one number", new Bytes().int(0).int(2).long(1n).int(0).long(1n).int(0).string("/").build()],
    ["an impossible length", new Bytes().int(0).int(0).int(-2).build()],
  ])("with %s cannot be one", (_what, bytes) => {
    expect(() => load(bytes, new Cuts([1000]))).toThrow(MarshallingError);
  });
});
