import { describe, expect, test } from "vitest";
import { purge, type PurgeOptions } from "#storage/purge.ts";
import { recover } from "#storage/recovery.ts";
import { scanSnapshot } from "#storage/snapshot-reader.ts";
import { MemoryDisk } from "../support/memory-disk.ts";
import {
  ItemScanner,
  ItemSink,
  logFile,
  MemoryLogger,
  range,
  settled,
  snapshotFile,
  TickingClock,
} from "./builders.ts";

const folder = "/data/version-2";
const snapshots = [0x25n, 0x60n, 0x100n, 0x140n];
const logs = [0x1n, 0x40n, 0x90n, 0x130n];

function fullDisk(): MemoryDisk {
  const disk = new MemoryDisk();
  for (const zxid of snapshots) disk.put(`${folder}/snapshot.${zxid.toString(16)}`, snapshotFile([Buffer.from([1])]));
  logs.forEach((zxid, index) => {
    disk.put(`${folder}/log.${zxid.toString(16)}`, logFile(range(zxid, (logs[index + 1] ?? 0x150n) - 1n)));
  });
  return disk;
}

function run(disk: MemoryDisk, options: Partial<PurgeOptions> = {}): Promise<string[]> {
  const logger = new MemoryLogger();
  return purge({
    disk,
    logger,
    snapshotFolder: folder,
    logFolder: folder,
    snapRetainCount: 3,
    openLogPath: null,
    ...options,
  });
}

async function lastZxidOf(disk: MemoryDisk): Promise<number> {
  const result = await recover({
    disk,
    dataDir: "/data",
    dataLogDir: "/data",
    isDatadirAutocreate: false,
    isDbAutocreate: true,
    isEmptySnapshotTrusted: false,
    clock: new TickingClock(),
    logger: new MemoryLogger(),
    newSink: () => new ItemSink(),
    scan: (path) => scanSnapshot(disk, path, new ItemScanner()),
    onSnapshot: () => {},
    onTxn: () => {},
  });
  return result.lastZxidLow;
}

describe("a purge", () => {
  test("keeps the newest valid snapshots and the logs from the one that reaches into the oldest of them", async () => {
    const disk = fullDisk();
    expect(await run(disk)).toEqual([`${folder}/snapshot.25`, `${folder}/log.1`]);
    expect(disk.names(folder)).toEqual(["log.130", "log.40", "log.90", "snapshot.100", "snapshot.140", "snapshot.60"]);
    expect(disk.crash(() => false).names(folder)).toEqual(disk.names(folder));
    expect(await run(disk)).toEqual([]);
  });

  test("never keeps fewer than three", async () => {
    const disk = fullDisk();
    await run(disk, { snapRetainCount: 1 });
    expect(disk.names(folder)).toHaveLength(6);
    const four = fullDisk();
    expect(await run(four, { snapRetainCount: 4 })).toEqual([]);
  });

  test("counts only snapshots that are whole, and leaves the newer broken ones", async () => {
    const disk = fullDisk();
    for (const name of ["snapshot.150", "snapshot.160", "snapshot.170"])
      disk.put(`${folder}/${name}`, Buffer.alloc(40));
    expect(await run(disk)).toEqual([`${folder}/snapshot.25`, `${folder}/log.1`]);
    expect(disk.names(folder)).toContain("snapshot.160");
    expect(await lastZxidOf(disk)).toBe(0x14f);
  });

  test("does nothing without a valid snapshot", async () => {
    const disk = new MemoryDisk();
    disk.put(`${folder}/snapshot.5`, Buffer.alloc(40));
    disk.put(`${folder}/log.1`, logFile([1n]));
    expect(await run(disk)).toEqual([]);
  });

  test("never removes the open log file, nor names that are not ours", async () => {
    const disk = fullDisk();
    for (const name of ["log.old", "snapshot.backup", "currentEpoch", "tmp.snapshot.1"])
      disk.put(`${folder}/${name}`, Buffer.alloc(1));
    expect(await run(disk, { openLogPath: `${folder}/log.1` })).toEqual([`${folder}/snapshot.25`]);
    expect(disk.names(folder)).toEqual(expect.arrayContaining(["log.1", "log.old", "snapshot.backup", "currentEpoch"]));
  });

  test("interrupted at any call to the disk leaves folders that start with the same state", async () => {
    for (let dieAt = 0; dieAt < 30; dieAt++) {
      const disk = fullDisk();
      disk.onCall = (_action, _path, index) => (index === dieAt ? "die" : "ok");
      void run(disk);
      await settled();
      for (const isKept of [false, true]) expect(await lastZxidOf(disk.crash(() => isKept))).toBe(0x14f);
    }
  });
});
