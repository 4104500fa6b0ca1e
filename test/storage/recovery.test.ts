import { describe, expect, test } from "vitest";
import { CorruptionError } from "#base/errors.ts";
import { DatadirError, prepareDatadir } from "#storage/datadir.ts";
import { recover, type Recovery, RecoveryError, type RecoveryOptions } from "#storage/recovery.ts";
import { writeSnapshot } from "#storage/snapshot-file.ts";
import { scanSnapshot } from "#storage/snapshot-reader.ts";
import { MemoryDisk } from "../support/memory-disk.ts";
import {
  failureOf,
  ItemScanner,
  ItemSink,
  ItemSource,
  logFile,
  logHeader,
  MemoryLogger,
  range,
  settled,
  snapshotFile,
  TickingClock,
  zxidOfPayload,
} from "./builders.ts";

const folder = "/data/version-2";

function itemsOf(zxid: bigint): Buffer[] {
  return [Buffer.from(`tree at ${zxid}`), Buffer.alloc(700, 9)];
}

function snapshotAt(zxid: bigint): Buffer {
  return snapshotFile(itemsOf(zxid), { digest: { zxid, digest: 1n }, lastZxid: zxid });
}

function damagedAt(zxid: bigint): Buffer {
  const bytes = snapshotAt(zxid);
  bytes[40]! ^= 4;
  return bytes;
}

interface Outcome {
  readonly result: Recovery;
  /** What the tree was loaded from, and the zxids that were replayed over it. */
  readonly tree: string | null;
  readonly zxids: bigint[];
  readonly logger: MemoryLogger;
}

async function start(disk: MemoryDisk, options: Partial<RecoveryOptions<ItemSink>> = {}): Promise<Outcome> {
  const logger = new MemoryLogger();
  const zxids: bigint[] = [];
  let tree: string | null = null;
  const result = await recover({
    disk,
    dataDir: "/data",
    dataLogDir: "/data",
    isDatadirAutocreate: true,
    isDbAutocreate: true,
    isEmptySnapshotTrusted: false,
    clock: new TickingClock(),
    logger,
    newSink: () => new ItemSink(),
    scan: (path) => scanSnapshot(disk, path, new ItemScanner()),
    onSnapshot(sink) {
      expect(zxids).toEqual([]);
      tree = sink.items[0]?.toString() ?? "";
    },
    onTxn: (bytes, start) => zxids.push(zxidOfPayload(bytes, start)),
    ...options,
  });
  expect(disk.openFiles).toBe(0);
  return { result, tree, zxids, logger };
}

function diskWith(files: Record<string, Uint8Array>): MemoryDisk {
  const disk = new MemoryDisk();
  for (const [name, bytes] of Object.entries(files)) disk.put(name.startsWith("/") ? name : `${folder}/${name}`, bytes);
  return disk;
}

describe("a start", () => {
  test("loads the newest snapshot and replays the log above it", async () => {
    const disk = diskWith({
      "snapshot.0": snapshotAt(0n),
      "snapshot.4": snapshotAt(4n),
      "log.1": logFile(range(1n, 5n)),
      "log.6": logFile(range(6n, 9n)),
    });
    const { result, tree, zxids } = await start(disk);
    expect(tree).toBe("tree at 4");
    expect(zxids).toEqual(range(5n, 9n));
    expect(result).toMatchObject({
      kind: "restored",
      lastZxidHigh: 0,
      lastZxidLow: 9,
      txnsReplayed: 5,
      snapshot: { path: `${folder}/snapshot.4`, zxidLow: 4, trailer: { lastZxid: { zxidLow: 4 } } },
      tornTail: null,
      snapshotFolder: folder,
      logFolder: folder,
    });
    expect(result.ms).toBeGreaterThan(0);
  });

  test("goes by the zxid in a snapshot's name, an epoch without transactions included", async () => {
    const disk = diskWith({ "snapshot.200000000": snapshotAt(0x200000000n), "log.1": logFile([1n, 2n]) });
    const { result, zxids } = await start(disk);
    expect(zxids).toEqual([]);
    expect(result).toMatchObject({ lastZxidHigh: 2, lastZxidLow: 0 });
  });

  test("passes over files that are visibly no whole snapshots", async () => {
    const disk = diskWith({
      "snapshot.3": snapshotAt(3n),
      "snapshot.7": snapshotAt(7n).subarray(0, 300),
      "snapshot.8": Buffer.alloc(0),
      "log.1": logFile(range(1n, 5n)),
    });
    const { tree, zxids } = await start(disk);
    expect(tree).toBe("tree at 3");
    expect(zxids).toEqual([4n, 5n]);
  });

  test("reports where it cut a torn log", async () => {
    const disk = diskWith({ "snapshot.0": snapshotAt(0n), "log.1": logFile([1n, 2n]).subarray(0, -1) });
    const { result, zxids } = await start(disk);
    expect(zxids).toEqual([1n]);
    expect(result.tornTail?.path).toBe(`${folder}/log.1`);
  });

  test("removes an interrupted snapshot of ours and nothing else", async () => {
    const disk = diskWith({
      "snapshot.0": snapshotAt(0n),
      "tmp.snapshot.5": snapshotAt(5n),
      "tmp.snapshot.6.gz": Buffer.alloc(3),
      "currentEpoch.tmp": Buffer.from("1"),
      "tmp.notes": Buffer.alloc(1),
    });
    const { tree } = await start(disk);
    expect(tree).toBe("tree at 0");
    expect(disk.names(folder)).toEqual(["currentEpoch.tmp", "snapshot.0", "tmp.notes"]);
  });
});

describe("a damaged snapshot", () => {
  test("is passed over for an older one when the log goes from that one beyond it", async () => {
    const disk = diskWith({
      "snapshot.2": snapshotAt(2n),
      "snapshot.5": damagedAt(5n),
      "log.1": logFile(range(1n, 4n)),
      "log.5": logFile(range(5n, 6n)),
    });
    const { tree, zxids, logger } = await start(disk);
    expect(tree).toBe("tree at 2");
    expect(zxids).toEqual([3n, 4n, 5n, 6n]);
    expect(logger.warnings()).toHaveLength(1);
    expect(logger.warnings()[0]).toContain(`problem reading snap file ${folder}/snapshot.5: `);
    expect(logger.lines.find((line) => line.level === "warn")!.facts).toHaveProperty("offset");
  });

  test("is passed over when the disk cannot read it", async () => {
    const disk = diskWith({ "snapshot.0": snapshotAt(0n), "snapshot.1": snapshotAt(1n), "log.1": logFile([1n]) });
    disk.onCall = (action, path) => (action === "read" && path.endsWith("snapshot.1") ? { code: "EIO" } : "ok");
    expect((await start(disk)).tree).toBe("tree at 0");
  });

  test.each([
    ["begins after the older one", { "log.4": logFile(range(4n, 9n)) }],
    ["begins in a later epoch", { "log.100000001": logFile([0x100000001n]) }],
    ["does not reach it", { "log.1": logFile(range(1n, 4n)) }],
    ["is missing", {}],
  ])("stops the start when the log %s", async (_what, logs) => {
    const disk = diskWith({ "snapshot.2": snapshotAt(2n), "snapshot.5": damagedAt(5n), ...logs });
    const error = await failureOf(start(disk));
    expect(error).toBeInstanceOf(CorruptionError);
    expect((error as CorruptionError).facts.path).toBe(`${folder}/snapshot.5`);
    expect(disk.names(folder)).toContain("snapshot.5");
  });

  test("that ZooKeeper had not finished writing owes the log nothing", async () => {
    const disk = diskWith({
      "snapshot.2": snapshotAt(2n),
      "snapshot.5.tmp": damagedAt(5n),
      "log.1": logFile([1n, 2n, 3n]),
    });
    expect((await start(disk)).zxids).toEqual([3n]);
  });

  test("stops the start when there is no other", async () => {
    const error = await failureOf(start(diskWith({ "snapshot.2": damagedAt(2n), "log.1": logFile([1n]) })));
    expect(error).toBeInstanceOf(RecoveryError);
    expect((error as Error).message).toContain("Not able to find valid snapshots in");
  });
});

describe("an empty database", () => {
  test("is trusted by default and asks for snapshot.0", async () => {
    const { result, tree } = await start(new MemoryDisk());
    expect(result).toMatchObject({ kind: "empty", lastZxidHigh: 0, lastZxidLow: 0, snapshot: null });
    expect(tree).toBeNull();
  });

  test("has zxid -1 when neither the configuration nor a marker trusts it", async () => {
    const { result, logger } = await start(new MemoryDisk(), { isDbAutocreate: false });
    expect(result).toMatchObject({ kind: "distrusted", lastZxidHigh: -1, lastZxidLow: -1 });
    expect(logger.warnings()).toEqual(["Unexpected empty data tree, setting zxid to -1"]);
  });

  test.each(["/data/initialize", "/logs/initialize"])("is trusted once by %s", async (marker) => {
    const disk = diskWith({ [marker]: Buffer.alloc(0) });
    const options = { dataLogDir: "/logs", isDbAutocreate: false };
    expect((await start(disk, options)).result.kind).toBe("empty");
    expect((await start(disk, options)).result.kind).toBe("distrusted");
  });

  test("with a log is refused, even when the log holds no record", async () => {
    for (const log of [logFile([1n]), logHeader]) {
      const error = await failureOf(start(diskWith({ "log.1": log })));
      expect(error).toBeInstanceOf(RecoveryError);
      expect((error as Error).message).toContain("No snapshot found, but there are log entries. Something is broken!");
    }
  });

  test("with a log that an operator vouches for is replayed from wherever the log begins", async () => {
    const options = { isEmptySnapshotTrusted: true };
    const { result, zxids } = await start(diskWith({ "log.5": logFile([5n, 6n]) }), options);
    expect(zxids).toEqual([5n, 6n]);
    expect(result).toMatchObject({ kind: "log-only", lastZxidLow: 6, txnsReplayed: 2 });
    const none = await start(diskWith({ "log.5": logHeader }), options);
    expect(none.result).toMatchObject({ kind: "log-only", lastZxidHigh: 0, lastZxidLow: 0 });
  });
});

describe("the data folders", () => {
  const options = { dataDir: "/data", dataLogDir: "/logs", isDatadirAutocreate: true };

  async function refusal(disk: MemoryDisk, isDatadirAutocreate = true): Promise<string> {
    const error = await failureOf(prepareDatadir({ disk, ...options, isDatadirAutocreate }));
    expect(error).toBeInstanceOf(DatadirError);
    return (error as DatadirError).message;
  }

  test("are made where they are missing", async () => {
    const disk = new MemoryDisk();
    expect(await prepareDatadir({ disk, ...options })).toEqual({
      snapshotFolder: folder,
      logFolder: "/logs/version-2",
    });
    expect((await disk.stat("/logs/version-2"))?.isFolder).toBe(true);
    expect((await disk.stat(folder))?.isFolder).toBe(true);
  });

  test("are refused in ZooKeeper's words", async () => {
    expect(await refusal(new MemoryDisk(), false)).toBe(
      "Missing data directory /logs/version-2, automatic data directory creation is disabled " +
        "(zookeeper.datadir.autocreate is false). Please create this directory manually.",
    );
    const logsOnly = diskWith({ "/logs/version-2/.keep": Buffer.alloc(0) });
    expect(await refusal(logsOnly, false)).toBe(
      "Missing snap directory /data/version-2, automatic data directory creation is disabled " +
        "(zookeeper.datadir.autocreate is false).Please create this directory manually.",
    );
    const failing = new MemoryDisk();
    failing.onCall = (action) => (action === "makeFolder" ? { code: "EACCES" } : "ok");
    expect(await refusal(failing)).toBe("Unable to create data directory /logs/version-2");
    const readOnly = new MemoryDisk();
    readOnly.readOnlyFolders.add(folder);
    expect(await refusal(readOnly)).toBe("Cannot write to snap directory /data/version-2");
  });

  test("are refused when one holds files of the other kind, unless they are one folder", async () => {
    expect(await refusal(diskWith({ "/logs/version-2/snapshot.1": Buffer.alloc(0) }))).toBe(
      "Log directory has snapshot files. Check if dataLogDir and dataDir configuration is correct.",
    );
    expect(await refusal(diskWith({ "log.any": Buffer.alloc(0) }))).toBe(
      "Snapshot directory has log files. Check if dataLogDir and dataDir configuration is correct.",
    );
    const both = diskWith({ "log.1": logHeader, "snapshot.1": snapshotAt(1n) });
    const one = { disk: both, dataDir: "/data", dataLogDir: "/data", isDatadirAutocreate: false };
    expect(await prepareDatadir(one)).toEqual({ snapshotFolder: folder, logFolder: folder });
  });

  test("may be two: snapshots from one, logs from the other", async () => {
    const disk = diskWith({ "snapshot.1": snapshotAt(1n), "/logs/version-2/log.1": logFile([1n, 2n]) });
    const { tree, zxids } = await start(disk, { dataLogDir: "/logs" });
    expect(tree).toBe("tree at 1");
    expect(zxids).toEqual([2n]);
  });
});

describe("a crash while a snapshot is written", () => {
  test("at any call to the disk leaves folders that start again with the same state", async () => {
    for (let dieAt = 0; dieAt < 12; dieAt++) {
      const disk = diskWith({ "snapshot.0": snapshotAt(0n), "log.1": logFile(range(1n, 6n)) });
      disk.onCall = (_action, _path, index) => (index === dieAt ? "die" : "ok");
      const source = new ItemSource(4n, itemsOf(4n));
      void writeSnapshot(source, { disk, folder, compression: "none", hasDigest: true, hasLastZxid: true });
      await settled();
      for (let choice = 0; choice < 4; choice++) {
        const crashed = disk.crash(({ kind }) => (kind === "name" ? choice % 2 === 1 : choice > 1));
        const { tree, zxids, result } = await start(crashed);
        expect(result.lastZxidLow).toBe(6);
        expect(zxids).toEqual(tree === "tree at 4" ? [5n, 6n] : range(1n, 6n));
        expect(crashed.names(folder).filter((name) => name.startsWith("tmp."))).toEqual([]);
      }
    }
  });
});
