/**
 * When snapshots are due and when one begins, with the dice and the time in the test's hand and a disk in memory. A roll
 * shows as the log file that the next transaction opens, a snapshot as its file.
 */

import { describe, expect, test } from "vitest";
import { DiskError } from "#base/errors.ts";
import { ServerMetrics } from "#base/metrics.ts";
import { SeededRandom } from "#base/prng.ts";
import { Database } from "#server/database.ts";
import { SnapshotTaker } from "#server/snapshot-taker.ts";
import { readSnapshot, scanSnapshot } from "#storage/snapshot-reader.ts";
import { TxnLog } from "#storage/txn-log.ts";
import { TreeSnapshotScanner } from "#tree/snapshot-scanner.ts";
import { TreeSnapshotSink } from "#tree/snapshot-sink.ts";
import { addSystemZnodes } from "#tree/system-znodes.ts";
import { MemoryLogger, payload, settled } from "../storage/builders.ts";
import { MemoryDisk } from "../support/memory-disk.ts";

const folder = "/data/version-2";
const treeOptions = { hashSeed: 7, digestEnabled: true, extendedTypesEnabled: true, emulate353TtlNodes: false };
const tooBusy = "Too busy to snap, skipping";

interface Settings {
  readonly snapCount?: number;
  readonly snapSizeLimitKb?: number;
  /** What the dice show, one after the other; then zeros. */
  readonly dice?: readonly number[];
}

class Bench {
  readonly disk: MemoryDisk = new MemoryDisk();
  readonly logger: MemoryLogger = new MemoryLogger();
  readonly metrics: ServerMetrics = new ServerMetrics(new SeededRandom(1));
  readonly failures: unknown[] = [];
  readonly database: Database;
  readonly log: TxnLog;
  readonly taker: SnapshotTaker;
  nowMs = 1_000;
  /** How long the writing of a snapshot takes. */
  snapshotMs = 0;
  zxid = 0;

  constructor(settings: Settings = {}) {
    const clock = { monotonicMs: (): number => this.nowMs, wallMs: (): number => 0 };
    const dice = [...(settings.dice ?? [])];
    this.disk.put(`${folder}/placeholder`, Buffer.alloc(0));
    this.disk.onCall = (action, path) => {
      if (action === "rename" && path.includes("snapshot")) this.nowMs += this.snapshotMs;
      return "ok";
    };
    this.database = new Database(treeOptions, 2000, clock);
    addSystemZnodes(this.database.tree);
    this.log = new TxnLog({
      disk: this.disk,
      folder,
      preAllocSizeKb: 64,
      forceSync: false,
      txnLogSizeLimitKb: 0,
      fsyncWarningThresholdMs: 1_000,
      clock,
      logger: this.logger,
      onDurable: (batch) => this.log.release(batch),
      onFailure: (error) => this.failures.push(error),
      onFsync: () => {},
    });
    this.taker = new SnapshotTaker({
      database: this.database,
      log: this.log,
      write: { disk: this.disk, folder, compression: "none", hasDigest: true, hasLastZxid: true },
      snapCount: settings.snapCount ?? 10,
      snapSizeLimitKb: settings.snapSizeLimitKb ?? 0,
      random: { next: () => dice.shift() ?? 0 },
      clock,
      logger: this.logger,
      metrics: this.metrics,
      onFailure: (error) => this.failures.push(error),
    });
  }

  /** Hands transactions to the log, all in one turn. */
  logTxns(count: number): void {
    for (let i = 0; i < count; i++) {
      this.#append(4);
      this.taker.txnLogged();
    }
  }

  /** Hands a transaction over once it is on the disk. @returns the log's size before, and whether it was rolled. */
  async logLarge(bodyBytes: number): Promise<{ sizeBytes: number; isRolled: boolean }> {
    this.#append(bodyBytes);
    await this.everythingDone();
    const sizeBytes = this.log.totalBytes;
    this.taker.txnLogged();
    return { sizeBytes, isRolled: this.log.totalBytes === 0 };
  }

  #append(bodyBytes: number): void {
    this.zxid++;
    const bytes = payload(BigInt(this.zxid), bodyBytes);
    this.log.beginRecord().writeRaw(bytes, 0, bytes.length);
    this.log.endRecord(0, this.zxid);
    this.database.tree.lastZxidLow = this.zxid;
  }

  async everythingDone(): Promise<void> {
    this.log.flush();
    await this.taker.settled();
    await settled();
  }

  /** Zxids in the names of these files, in order. */
  zxids(kind: "log" | "snapshot"): number[] {
    const names = this.disk.names(folder).filter((name) => name.startsWith(`${kind}.`));
    return names.map((name) => Number.parseInt(name.split(".")[1]!, 16)).sort((a, b) => a - b);
  }
}

describe("by the number of transactions", () => {
  test("a snapshot is due after more than half of snapCount, and the log is rolled", async () => {
    const bench = new Bench({ snapCount: 10 });
    bench.logTxns(5);
    await bench.everythingDone();
    expect([bench.zxids("log"), bench.zxids("snapshot")]).toEqual([[1], []]);
    bench.logTxns(2);
    await bench.everythingDone();
    expect([bench.zxids("log"), bench.zxids("snapshot")]).toEqual([[1, 7], [6]]);
  });

  test("the dice add up to half of snapCount, anew each time", async () => {
    const bench = new Bench({ snapCount: 10, dice: [0.99, 0.2, 0] });
    for (let i = 0; i < 30; i++) {
      bench.logTxns(1);
      await bench.everythingDone();
    }
    // More than 5 + 4, then more than 5 + 1, then more than 5.
    expect(bench.zxids("snapshot")).toEqual([10, 17, 23, 29]);
    expect(bench.zxids("log")).toEqual([1, 11, 18, 24, 30]);
  });
});

describe("by the size of the log", () => {
  test("a snapshot is due beyond half of the limit and what the dice add", async () => {
    const bench = new Bench({ snapCount: 100_000, snapSizeLimitKb: 256, dice: [0, 0.5, 0, 0] });
    const limitsBytes = [192 * 1024, 128 * 1024, 128 * 1024];
    const due: number[] = [];
    while (due.length < limitsBytes.length) {
      const { sizeBytes, isRolled } = await bench.logLarge(30_000);
      expect(isRolled, `${sizeBytes} bytes`).toBe(sizeBytes > limitsBytes[due.length]!);
      if (isRolled) due.push(bench.zxid);
    }
    await bench.everythingDone();
    expect(bench.zxids("snapshot")).toEqual(due);
  });

  test.each([0, -1])("a limit of %i is none", async (snapSizeLimitKb) => {
    const bench = new Bench({ snapCount: 100_000, snapSizeLimitKb });
    for (let i = 0; i < 20; i++) expect((await bench.logLarge(50_000)).isRolled).toBe(false);
    expect(bench.zxids("snapshot")).toEqual([]);
  });
});

describe("a server that is busy", () => {
  test("begins no snapshot while one is being written, but rolls its log at each due moment", async () => {
    const bench = new Bench({ snapCount: 10 });
    bench.logTxns(19);
    expect(bench.logger.warnings()).toEqual([tooBusy, tooBusy]);
    await bench.everythingDone();
    expect(bench.zxids("snapshot")).toEqual([6]);
    expect(bench.zxids("log")).toEqual([1, 7, 13, 19]);
  });

  test("begins none within four times what the last one took", async () => {
    const bench = new Bench({ snapCount: 10 });
    bench.snapshotMs = 50;
    bench.logTxns(6);
    await bench.everythingDone();
    const endMs = bench.nowMs;
    bench.nowMs = endMs + 4 * 50 - 1;
    bench.logTxns(7);
    await bench.everythingDone();
    expect([bench.zxids("log"), bench.zxids("snapshot")]).toEqual([[1, 7, 13], [6]]);
    expect(bench.logger.warnings()).toEqual([tooBusy]);
    bench.nowMs = endMs + 4 * 50;
    bench.logTxns(5);
    await bench.everythingDone();
    expect(bench.zxids("snapshot")).toEqual([6, 18]);
    expect(bench.logger.warnings()).toEqual([tooBusy]);
  });

  test("is not kept from a snapshot that is asked for", async () => {
    const bench = new Bench();
    bench.snapshotMs = 50;
    bench.logTxns(6);
    await bench.everythingDone();
    bench.logTxns(1);
    await bench.taker.take();
    expect(bench.zxids("snapshot")).toEqual([6, 7]);
  });
});

describe("a snapshot", () => {
  test("holds the znodes and the committed sessions, and its time is measured", async () => {
    const bench = new Bench();
    bench.snapshotMs = 40;
    bench.database.sessions.restore(1, 2, 5_000);
    bench.database.tree.lastZxidLow = 9;
    await bench.taker.take();
    const copy = new Database(treeOptions, 2000, { monotonicMs: () => 0, wallMs: () => 0 });
    const sessions: number[][] = [];
    const sink = new TreeSnapshotSink(copy.tree, (...session) => void sessions.push(session));
    const path = `${folder}/snapshot.9`;
    const slices = scanSnapshot(bench.disk, path, new TreeSnapshotScanner(treeOptions));
    const trailer = await readSnapshot(path, slices, sink);
    expect(sessions).toEqual([[1, 2, 5_000]]);
    expect(copy.tree.digest).toEqual(bench.database.tree.digest);
    expect(copy.tree.nodeCount).toBe(bench.database.tree.nodeCount);
    expect(trailer.lastZxid).toEqual({ zxidHigh: 0, zxidLow: 9 });
    expect([bench.metrics.snapshottime.count, bench.metrics.snapshottime.sum]).toEqual([1, 40]);
  });

  test("that cannot be written is reported, leaves no file, and is not counted as taken", async () => {
    const bench = new Bench();
    bench.disk.onCall = (action, path) => (action === "write" && path.includes("snapshot") ? { code: "ENOSPC" } : "ok");
    bench.logTxns(6);
    await bench.everythingDone();
    expect(bench.failures).toEqual([expect.any(DiskError)]);
    expect(bench.disk.names(folder).filter((name) => name.includes("snapshot"))).toEqual([]);
    expect(bench.metrics.snapshottime.count).toBe(0);
  });

  test("is durable, name and all, when whoever waits for it is told", async () => {
    const bench = new Bench();
    bench.logTxns(6);
    await bench.taker.settled();
    expect(bench.disk.crash(() => false).names(folder)).toContain("snapshot.6");
  });
});
