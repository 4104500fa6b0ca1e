/**
 * Data folders that ZooKeeper 3.9.5 wrote (test/fixtures/disk), loaded by the code that a start runs, and compared with
 * what ZooKeeper itself found in them: every znode with its Stat and ACL, the sessions, the digest. Then the tree is
 * written as a snapshot of ours and read back: nothing may differ.
 */

import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, test } from "vitest";
import type { Acl } from "#auth/acl.ts";
import { hexOfHalves } from "#base/zxid.ts";
import { nodeClock } from "#host/node/clock.ts";
import { nodeTimers } from "#host/node/timers.ts";
import { NodeDisk } from "#host/node/disk.ts";
import type { Logger } from "#host/logger.ts";
import type { ThreadPort, Threads } from "#host/threads.ts";
import { JuteReader } from "#jute/reader.ts";
import { JuteWriter } from "#jute/writer.ts";
import { readStat } from "#jute/records/data.ts";
import { Database, loadDatabase, threadedSnapshotBytesMin } from "#server/database.ts";
import { TxnHeader } from "#protocol/txn-header.ts";
import { writeSnapshot } from "#storage/snapshot-file.ts";
import { type ScanTask, serveScan } from "#storage/snapshot-thread.ts";
import type { DataTree } from "#tree/data-tree.ts";
import { type ScannerOptions, TreeSnapshotScanner } from "#tree/snapshot-scanner.ts";
import { TreeSnapshotSource } from "#tree/snapshot-source.ts";
import type { SnapshotSource } from "#tree/snapshot-stream.ts";
import { addSystemZnodes } from "#tree/system-znodes.ts";
import { TreeWalker } from "#tree/tree-walker.ts";
import { rootId, StatField, ZnodeFlag } from "#tree/znode-store.ts";
import { logHeader, MemoryLogger, record } from "../storage/builders.ts";
import { Bytes } from "../support/bytes.ts";
import { FakeThreads } from "../support/fake-threads.ts";
import { MemoryDisk } from "../support/memory-disk.ts";
import { loadBody } from "../support/snapshot-body.ts";

const fixtures = fileURLToPath(new URL("../fixtures/disk/", import.meta.url));
const names = readdirSync(fixtures, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);

type Znode = {
  readonly path: string;
  readonly data: string | null;
  readonly acl: readonly string[];
  readonly stat: Stat;
};
type Stat = Readonly<Record<string, string | number>>;

interface Expected {
  readonly zxid: string;
  /** The digest after the last record that carries one; null when none does. */
  readonly digest: { readonly zxid: string; readonly digest: string } | null;
  readonly tree: readonly Znode[];
  readonly sessions: readonly { readonly id: string; readonly timeoutMs: number }[];
}

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** Digests are on: a folder written without them has none to compare with. */
const treeOptions = { hashSeed: 7, digestEnabled: true, extendedTypesEnabled: true, emulate353TtlNodes: false };

const logger: Logger = { debug() {}, info() {}, warn() {}, error() {} };

async function load(name: string): Promise<Database> {
  const folder = mkdtempSync(`${tmpdir()}/nodekeeper-fixture-`);
  folders.push(folder);
  cpSync(`${fixtures}${name}`, folder, { recursive: true });
  const { database } = await loadDatabase({
    disk: new NodeDisk(),
    clock: nodeClock,
    timers: nodeTimers,
    threads: null,
    logger,
    dataDir: folder,
    dataLogDir: folder,
    isDatadirAutocreate: true,
    isEmptySnapshotTrusted: true,
    isDbAutocreate: true,
    tickTimeMs: 2000,
    tree: treeOptions,
  });
  return database;
}

/** Every znode, sorted by path, in the shape of expected.json. */
function dump({ tree }: Database): Znode[] {
  const { store } = tree;
  const znodes: Znode[] = [];
  const walker = new TreeWalker(tree, rootId);
  for (let id = walker.next(); id !== 0; id = walker.next()) {
    const out = new JuteWriter();
    store.copyStat(id, out);
    const at = store.dataOffset(id);
    const length = store.stat(id, StatField.dataLength);
    const data = store.hasFlag(id, ZnodeFlag.nullData)
      ? null
      : store.nameBuffer(id).toString("base64", at, at + length);
    const acl = tree.aclOf(id).list.map(({ perms, scheme, id: who }: Acl) => `${perms}:${scheme}:${who}`);
    const path = tree.pathOf(id) === "" ? "/" : tree.pathOf(id);
    znodes.push({ path, data, acl, stat: plainStat(readStat(new JuteReader(out.toBytes()))) });
  }
  walker.close();
  return sorted(znodes);
}

function sorted(znodes: readonly Znode[]): Znode[] {
  return znodes.toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

/** zxids and owners in hexadecimal, everything else as a number. */
function plainStat(stat: ReturnType<typeof readStat>): Stat {
  const entries = Object.entries(stat).map(([field, value]) => {
    const isHex = field.endsWith("zxid") || field === "ephemeralOwner";
    return [field, isHex ? `0x${BigInt.asUintN(64, BigInt(value)).toString(16)}` : Number(value)] as const;
  });
  return Object.fromEntries(entries);
}

function sessionsOf(database: Database): { id: string; timeoutMs: number }[] {
  return database.sessions
    .committed()
    .map(({ idHigh, idLow, timeoutMs }) => ({ id: `0x${hexOfHalves(idHigh, idLow)}`, timeoutMs }));
}

describe.each(names)("a folder of ZooKeeper's: %s", (name) => {
  const expected = JSON.parse(readFileSync(`${fixtures}${name}/expected.json`, "utf8")) as Expected;

  test("is loaded as ZooKeeper loads it: znodes, sessions, zxid, digests", async () => {
    const database = await load(name);
    const { tree, applier } = database;
    expect(`0x${hexOfHalves(tree.lastZxidHigh, tree.lastZxidLow)}`).toBe(expected.zxid);
    expect(dump(database)).toEqual(sorted(expected.tree));
    // The recorder lists the sessions it held on purpose; the one it wrote with may be there as well.
    for (const { id, timeoutMs } of expected.sessions) expect(sessionsOf(database)).toContainEqual({ id, timeoutMs });
    expect(applier.digestMismatchCount).toBe(0);
    if (expected.digest !== null)
      expect(`0x${hexOfHalves(tree.digest.high, tree.digest.low)}`).toBe(expected.digest.digest);
  });

  test("comes back unchanged from a snapshot of ours, taken and read in small pieces", async () => {
    const database = await load(name);
    const copy = new Database(treeOptions, 2000, nodeClock);
    const onSession = (high: number, low: number, timeoutMs: number): void =>
      void copy.sessions.restore(high, low, timeoutMs);
    const source = new TreeSnapshotSource(database.tree, (visit) => {
      for (const { idHigh, idLow, timeoutMs } of database.sessions.committed()) visit(idHigh, idLow, timeoutMs);
    });
    const body = new JuteWriter();
    while (!source.writeSome(body, 100));
    loadBody(copy.tree, body.toBytes(), onSession, { bytes: () => 7, rows: () => 1 });
    expect(dump(copy)).toEqual(dump(database));
    expect(sessionsOf(copy)).toEqual(sessionsOf(database));
    expect(copy.tree.digest).toEqual(database.tree.digest);
  });
});

/** Writes one snapshot and loads it, with a log from zxid 10 on. */
async function loadFrom(source: SnapshotSource, hasDigest: boolean, log: Buffer = logHeader): Promise<Database> {
  const disk = new MemoryDisk();
  const folder = "/d/version-2";
  await disk.makeFolder(folder);
  disk.put(`${folder}/log.a`, log);
  await writeSnapshot(source, { disk, folder, compression: "none", hasDigest, hasLastZxid: hasDigest });
  const folders = { dataDir: "/d", dataLogDir: "/d", isDatadirAutocreate: true };
  const trust = { isEmptySnapshotTrusted: false, isDbAutocreate: true };
  const host = { disk, clock: nodeClock, timers: nodeTimers, threads: null, logger };
  const { database } = await loadDatabase({ ...host, ...folders, ...trust, tickTimeMs: 2000, tree: treeOptions });
  return database;
}

test("a snapshot of before 3.5 has no /zookeeper/config, and none is added", async () => {
  const { tree } = new Database(treeOptions, 2000, nodeClock);
  const database = await loadFrom(new TreeSnapshotSource(tree, () => {}), false);
  expect(dump(database).map(({ path }) => path)).toEqual(["/"]);
});

/** A createSession, which leaves the tree as it is, and the tree's digest behind it. */
function sessionTxn(zxid: bigint, digest: bigint): Buffer {
  const header = new Bytes().long(7n).int(0).long(zxid).long(0n).int(-10).int(30_000).build();
  return record(new Bytes().raw(header).int(2).long(digest).build());
}

test.each([
  { where: "nowhere", zxid: 9n, inSnapshot: 0, inLog: 0n, count: 0 },
  { where: "in a snapshot", zxid: 9n, inSnapshot: 1, inLog: 0n, count: 1 },
  { where: "in a fuzzy snapshot", zxid: 10n, inSnapshot: 1, inLog: 0n, count: 1 },
  { where: "in a fuzzy snapshot and its transaction", zxid: 10n, inSnapshot: 1, inLog: 1n, count: 2 },
  { where: "before a fuzzy snapshot ended", zxid: 11n, inSnapshot: 0, inLog: 1n, count: 0 },
])("digests that differ $where are counted", async ({ zxid, inSnapshot, inLog, count }) => {
  const { tree } = new Database(treeOptions, 2000, nodeClock);
  addSystemZnodes(tree);
  tree.lastZxidLow = 9;
  const whole = new TreeSnapshotSource(tree, () => {});
  const { zxidHigh, zxidLow, digestHigh, digestLow } = whole.finalState();
  const source: SnapshotSource = {
    zxidHigh,
    zxidLow,
    writeSome: (out, bytesMax) => whole.writeSome(out, bytesMax),
    finalState: () => ({ zxidHigh, zxidLow: Number(zxid), digestHigh, digestLow: digestLow + inSnapshot }),
    close: () => whole.close(),
  };
  const digest = 0x51c6d660n;
  const log = Buffer.concat([logHeader, sessionTxn(10n, digest + inLog), sessionTxn(11n, digest)]);
  const { applier } = await loadFrom(source, true, log);
  expect(applier.digestMismatchCount).toBe(count);
});

/** The other end of a scan, on this disk. */
function scan(disk: MemoryDisk, task: unknown, port: ThreadPort): Promise<void> {
  const { path, scannerOptions } = task as ScanTask<ScannerOptions>;
  return serveScan(disk, path, new TreeSnapshotScanner(scannerOptions), port);
}

describe("a snapshot that is large enough for a second thread", () => {
  const data = Buffer.alloc(1 << 20, 5);
  const snapshotFolder = "/d/version-2";

  /** A disk with nothing but a snapshot of nine znodes, a mebibyte each. */
  async function diskWithSnapshot(): Promise<MemoryDisk> {
    const { tree } = new Database(treeOptions, 2000, nodeClock);
    addSystemZnodes(tree);
    const txn = new TxnHeader();
    for (let i = 1; i <= 9; i++) {
      const path = Buffer.from(`/z${i}`);
      txn.zxidLow = i;
      tree.create(txn, path, 0, 1, path.length, data, 0, data.length, tree.acls.open, 0, 0, -1);
    }
    tree.lastZxidLow = 9;
    const disk = new MemoryDisk();
    await disk.makeFolder(snapshotFolder);
    const source = new TreeSnapshotSource(tree, () => {});
    const options = { compression: "none", hasDigest: true, hasLastZxid: true } as const;
    const { sizeBytes } = await writeSnapshot(source, { disk, folder: snapshotFolder, ...options });
    expect(sizeBytes).toBeGreaterThan(threadedSnapshotBytesMin);
    return disk;
  }

  async function loadWith(threadsOn: (disk: MemoryDisk) => Threads): Promise<{ tree: DataTree; logger: MemoryLogger }> {
    const disk = await diskWithSnapshot();
    const logger = new MemoryLogger();
    const threads = threadsOn(disk);
    const folders = { dataDir: "/d", dataLogDir: "/d", isDatadirAutocreate: true };
    const trust = { isEmptySnapshotTrusted: true, isDbAutocreate: true };
    const host = { disk, clock: nodeClock, timers: nodeTimers, threads, logger };
    const { database } = await loadDatabase({ ...host, ...folders, ...trust, tickTimeMs: 2000, tree: treeOptions });
    return { tree: database.tree, logger };
  }

  function expectWhole(tree: DataTree): void {
    for (let i = 1; i <= 9; i++) {
      const path = Buffer.from(`/z${i}`);
      const id = tree.find(path, 0, path.length);
      const at = tree.store.dataOffset(id);
      expect(tree.store.nameBuffer(id).compare(data, 0, data.length, at, at + data.length)).toBe(0);
    }
  }

  test("is read by one", async () => {
    let isStarted = false;
    const { tree, logger } = await loadWith(
      (disk) =>
        new FakeThreads((program, task, port) => {
          isStarted = true;
          expect(program).toBe("snapshot-thread");
          return scan(disk, task, port);
        }),
    );
    expect(isStarted).toBe(true);
    expect(logger.warnings()).toEqual([]);
    expectWhole(tree);
  });

  test("is read on this one where the system has no other to give", async () => {
    const { tree, logger } = await loadWith(() => ({
      start: () => {
        throw new Error("EAGAIN");
      },
    }));
    expect(logger.warnings()).toEqual(["No second thread to read the snapshot; reading on one"]);
    expectWhole(tree);
  });

  test("is not read again here when the thread breaks half-way", async () => {
    const loading = loadWith(
      (disk) =>
        new FakeThreads((_program, task, port) => {
          let slices = 0;
          const post = (message: unknown): void => {
            if (slices++ > 0) throw new Error("out of memory");
            port.post(message);
          };
          return scan(disk, task, { ...port, post });
        }),
    );
    await expect(loading).rejects.toThrow("out of memory");
  });
});
