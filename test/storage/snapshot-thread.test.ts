/** A snapshot that is read on two threads: both ends within this one, and then for real. */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { CorruptionError, DiskError } from "#base/errors.ts";
import { nodeThreads } from "#host/node/threads.ts";
import { nodeTimers } from "#host/node/timers.ts";
import type { Threads } from "#host/threads.ts";
import { readSnapshot } from "#storage/snapshot-reader.ts";
import { scanOnThread, serveScan } from "#storage/snapshot-thread.ts";
import { DataTree } from "#tree/data-tree.ts";
import { TreeSnapshotSink } from "#tree/snapshot-sink.ts";
import { TreeSnapshotSource } from "#tree/snapshot-source.ts";
import { addSystemZnodes } from "#tree/system-znodes.ts";
import { writeSnapshot } from "#storage/snapshot-file.ts";
import { FakeThreads } from "../support/fake-threads.ts";
import { MemoryDisk } from "../support/memory-disk.ts";
import { dumpTree } from "../support/tree-dump.ts";
import { failureOf, ItemScanner, ItemSink, ItemSource, settled } from "./builders.ts";

const path = "/data/version-2/snapshot.5";
const mainUrl = new URL("../../src/main.ts", import.meta.url).href;
const folder = mkdtempSync(join(tmpdir(), "nodekeeper-thread-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function threadsOn(disk: MemoryDisk): FakeThreads {
  return new FakeThreads((program, task, port) => {
    expect([program, task]).toEqual(["snapshot-thread", { path, scannerOptions: null }]);
    return serveScan(disk, path, new ItemScanner(), port);
  });
}

async function diskWith(items: readonly Buffer[]): Promise<MemoryDisk> {
  const disk = new MemoryDisk();
  const options = { disk, folder: "/data/version-2", compression: "none", hasDigest: true, hasLastZxid: true } as const;
  await disk.makeFolder(options.folder);
  await writeSnapshot(new ItemSource(5n, items), options);
  return disk;
}

async function read(threads: Threads): Promise<Buffer[]> {
  const sink = new ItemSink();
  await readSnapshot(path, scanOnThread(threads, nodeTimers, { path, scannerOptions: null }), sink);
  return sink.items;
}

describe("between the two ends", () => {
  test("slices go in order, a few at a time, whatever their size", async () => {
    const sizes = [...Array.from({ length: 9000 }, (_, index) => 1 + (index % 900)), 3_000_000, 1, 1_500_000];
    const items = sizes.map((size, index) => Buffer.alloc(size, index % 251));
    const threads = threadsOn(await diskWith(items));
    const found = await read(threads);
    expect(Buffer.concat(found).equals(Buffer.concat(items))).toBe(true);
    expect(threads.mostUnderWay).toBeGreaterThan(1);
    expect(threads.mostUnderWay).toBeLessThanOrEqual(4);
    expect(threads.isStopped).toBe(true);
  });

  test("damage is reported as if it had been found here", async () => {
    const disk = await diskWith([Buffer.alloc(500_000, 1), Buffer.alloc(500_000, 2)]);
    const bytes = Buffer.from(disk.get(path));
    bytes[600_000]! ^= 1;
    disk.put(path, bytes);
    const threads = threadsOn(disk);
    const error = await failureOf(read(threads));
    expect(error).toBeInstanceOf(CorruptionError);
    expect((error as CorruptionError).facts).toMatchObject({ path, expected: expect.stringContaining("the seal") });
    expect(threads.isStopped).toBe(true);
    await settled();
    expect(disk.openFiles).toBe(0);
  });

  test("so is a failing disk, and a scanner that broke", async () => {
    const disk = await diskWith([Buffer.alloc(10)]);
    disk.onCall = (action) => (action === "read" ? { code: "EIO" } : "ok");
    const failure = await failureOf(read(threadsOn(disk)));
    expect(failure).toBeInstanceOf(DiskError);
    expect((failure as DiskError).message).toBe(`${path}: read failed: EIO: read`);
    disk.onCall = () => {
      throw new RangeError("broken");
    };
    expect(await failureOf(read(threadsOn(disk)))).toBeInstanceOf(RangeError);
  });

  test("whoever loses interest ends the thread", async () => {
    const items = Array.from({ length: 8000 }, () => Buffer.alloc(500));
    const threads = threadsOn(await diskWith(items));
    for await (const slice of scanOnThread(threads, nodeTimers, { path, scannerOptions: null })) {
      expect(slice.count).toBeGreaterThan(0);
      break;
    }
    expect(threads.isStopped).toBe(true);
  });
});

/** A snapshot of a tree, with one session, as a file on a real disk. */
async function fileWith(tree: DataTree): Promise<string> {
  const disk = new MemoryDisk();
  await disk.makeFolder("/s");
  const source = new TreeSnapshotSource(tree, (visit) => visit(1, 2, 5000));
  const written = await writeSnapshot(source, {
    disk,
    folder: "/s",
    compression: "gz",
    hasDigest: true,
    hasLastZxid: true,
  });
  const file = join(folder, "snapshot.0.gz");
  writeFileSync(file, disk.get(written.path));
  return file;
}

describe("a real thread", () => {
  const options = { hashSeed: 7, digestEnabled: true, extendedTypesEnabled: true, emulate353TtlNodes: false };

  test("reads a tree as this one wrote it", async () => {
    const tree = new DataTree(options);
    addSystemZnodes(tree);
    const file = await fileWith(tree);
    const copy = new DataTree(options);
    const sessions: number[][] = [];
    const sink = new TreeSnapshotSink(copy, (...session) => void sessions.push(session));
    const slices = scanOnThread(nodeThreads(mainUrl), nodeTimers, { path: file, scannerOptions: options });
    const { digest } = await readSnapshot(file, slices, sink);
    expect(digest?.digestLow).toBe(0);
    expect(sessions).toEqual([[1, 2, 5000]]);
    expect(dumpTree(copy)).toEqual(dumpTree(tree));
    expect(copy.digest).toEqual(tree.digest);
  });

  test("says which file it could not open", async () => {
    const missing = join(folder, "snapshot.9");
    const slices = scanOnThread(nodeThreads(mainUrl), nodeTimers, { path: missing, scannerOptions: options });
    const error = await failureOf(readSnapshot(missing, slices, new ItemSink()));
    expect(error).toBeInstanceOf(DiskError);
    expect((error as DiskError).facts).toEqual({ path: missing, action: "open" });
  });

  test("that cannot start is an error", async () => {
    const threads = nodeThreads("file:///nowhere/main.js");
    const task = { path, scannerOptions: options };
    const error = await failureOf(readSnapshot(path, scanOnThread(threads, nodeTimers, task), new ItemSink()));
    expect(String(error)).toMatch(/snapshot-thread\.js/);
  });
});
