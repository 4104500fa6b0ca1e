import { describe, expect, test } from "vitest";
import type { DiskError } from "#base/errors.ts";
import { grownSizeBytes } from "#storage/txn-log-file.ts";
import { type LogBatch, TxnLog, type TxnLogOptions } from "#storage/txn-log.ts";
import { MemoryDisk } from "../support/memory-disk.ts";
import {
  logFile,
  logHeader,
  MemoryLogger,
  payload,
  range,
  record,
  settled,
  TickingClock,
  zxidOfPayload,
} from "./builders.ts";

const folder = "/data/version-2";

interface Setup {
  readonly disk: MemoryDisk;
  readonly log: TxnLog;
  readonly logger: MemoryLogger;
  readonly clock: TickingClock;
  readonly durable: bigint[];
  readonly batches: number[];
  readonly failures: DiskError[];
  readonly fsyncs: number[];
}

async function open(options: Partial<TxnLogOptions> = {}, disk: MemoryDisk = new MemoryDisk()): Promise<Setup> {
  await disk.makeFolder(folder);
  const durable: bigint[] = [];
  const batches: number[] = [];
  const failures: DiskError[] = [];
  const fsyncs: number[] = [];
  const logger = new MemoryLogger();
  const clock = new TickingClock();
  const log = new TxnLog({
    disk,
    folder,
    preAllocSizeKb: 0,
    forceSync: true,
    txnLogSizeLimitKb: -1,
    fsyncWarningThresholdMs: 1000,
    clock,
    logger,
    onDurable(batch) {
      let at = 0;
      for (let count = 0; count < batch.recordCount; count++) {
        durable.push(zxidOfPayload(batch.bytes, at + 12));
        at += 13 + batch.bytes.readInt32BE(at + 8);
      }
      expect(at).toBe(batch.length);
      batches.push(batch.recordCount);
    },
    onFailure: (error) => failures.push(error),
    onFsync: (ms) => fsyncs.push(ms),
    ...options,
  });
  return { disk, log, logger, clock, durable, batches, failures, fsyncs };
}

function append(log: TxnLog, zxid: bigint, bodyBytes = 4): void {
  const bytes = payload(zxid, bodyBytes);
  log.beginRecord().writeRaw(bytes, 0, bytes.length);
  log.endRecord(Number(zxid >> 32n), Number(BigInt.asIntN(32, zxid)));
}

describe("the bytes of a log file", () => {
  test("a record is checksum, length, payload and end mark: the createSession that ZooKeeper wrote", async () => {
    const { log, disk } = await open();
    const out = log.beginRecord();
    const text =
      "010000101840000000000000000000000000000100000000000000 02fffffff6000075300000000200000000 51c6d660".replaceAll(
        " ",
        "",
      );
    out.writeRaw(Buffer.from(text, "hex"), 0, text.length / 2);
    log.endRecord(0, 1);
    await log.close();
    expect(disk.get(`${folder}/log.1`).subarray(16).toString("hex")).toBe(`0000000069fe075400000030${text}42`);
  });

  test("a file is named by the zxid of its first record and begins with ZKLG, version 2, dbId 0", async () => {
    const { log, disk } = await open();
    append(log, 0x500000003n);
    append(log, 0x500000004n);
    await log.close();
    expect(disk.names(folder)).toEqual(["log.500000003"]);
    expect(disk.get(`${folder}/log.500000003`)).toEqual(logFile([0x500000003n, 0x500000004n]));
  });

  test("an aborted record leaves no trace", async () => {
    const { log, disk } = await open();
    append(log, 1n);
    log.beginRecord().writeString("half a transaction");
    log.abortRecord();
    append(log, 2n);
    log.beginRecord().writeString("another");
    log.abortRecord();
    await log.close();
    expect(disk.get(`${folder}/log.1`)).toEqual(logFile([1n, 2n]));
  });

  test("a record of many megabytes is written like any other", async () => {
    const { log, disk, durable } = await open({ preAllocSizeKb: 64 });
    append(log, 1n, 5_000_000);
    append(log, 2n);
    log.flush();
    await settled();
    append(log, 3n);
    await log.close();
    expect(durable).toEqual([1n, 2n, 3n]);
    const expected = Buffer.concat([
      logHeader,
      record(payload(1n, 5_000_000)),
      record(payload(2n)),
      record(payload(3n)),
    ]);
    const found = disk.get(`${folder}/log.1`);
    expect(found.subarray(0, expected.length).equals(expected)).toBe(true);
    expect(found.subarray(expected.length).every((byte) => byte === 0)).toBe(true);
  });

  test("a zxid that does not rise is appended all the same, with a warning", async () => {
    const { log, logger, durable } = await open();
    append(log, 5n);
    append(log, 4n);
    await log.close();
    expect(durable).toEqual([5n, 4n]);
    expect(logger.warnings()).toEqual(["Current zxid 0x4 is <= 0x5"]);
  });
});

describe("preallocation", () => {
  test("the size grows by ZooKeeper's rule", () => {
    const mib = 1 << 20;
    expect(grownSizeBytes(16, 16, 64 * mib)).toBe(16 + 64 * mib);
    expect(grownSizeBytes(64 * mib - 4081, 16 + 64 * mib, 64 * mib)).toBe(16 + 64 * mib);
    expect(grownSizeBytes(64 * mib - 4080, 16 + 64 * mib, 64 * mib)).toBe(16 + 128 * mib);
    expect(grownSizeBytes(70 * mib, 16 + 64 * mib, 64 * mib)).toBe(128 * mib);
    expect(grownSizeBytes(16, 16, 0)).toBe(16);
    expect(grownSizeBytes(16, 16, -1024)).toBe(16);
  });

  test("a file is padded with zeros to its preallocated end, which close keeps", async () => {
    const { log, disk } = await open({ preAllocSizeKb: 64 });
    append(log, 1n);
    await log.close();
    expect(disk.get(`${folder}/log.1`)).toEqual(logFile([1n], { zeros: 65536 - record(payload(1n)).length }));
  });

  test("many small flushes give the bytes of one big one", async () => {
    const { log, disk } = await open({ preAllocSizeKb: 16 });
    for (const zxid of range(1n, 900n)) {
      append(log, zxid, Number(zxid % 90n) + 1);
      log.flush();
      await settled();
    }
    await log.close();
    const records = range(1n, 900n).map((zxid) => record(payload(zxid, Number(zxid % 90n) + 1)));
    const expected = Buffer.concat([logHeader, ...records]);
    const found = disk.get(`${folder}/log.1`);
    expect(found.subarray(0, expected.length).equals(expected)).toBe(true);
    expect(found.subarray(expected.length).every((byte) => byte === 0)).toBe(true);
    expect((found.length - 16) % (16 * 1024)).toBe(0);
  });
});

describe("group commit", () => {
  test("nothing is written before a flush, and what arrives during one shares the next", async () => {
    const { log, disk, durable, batches } = await open();
    append(log, 1n);
    await settled();
    expect(disk.names(folder)).toEqual([]);
    log.flush();
    for (const zxid of range(2n, 9n)) {
      append(log, zxid);
      log.flush();
    }
    expect(durable).toEqual([]);
    await settled();
    expect(durable).toEqual(range(1n, 9n));
    expect(batches).toEqual([1, 8]);
    await log.close();
  });

  test("what is held is not written, and what was being written is", async () => {
    const { log, durable } = await open();
    append(log, 1n);
    log.flush();
    log.isHeld = true;
    append(log, 2n);
    log.flush();
    await settled();
    expect(durable).toEqual([1n]);
    log.isHeld = false;
    log.flush();
    await settled();
    expect(durable).toEqual([1n, 2n]);
  });

  test("a batch costs one write and one datasync, and no datasync where writes are durable", async () => {
    for (const isDurableOnWrite of [false, true]) {
      const { log, disk, durable } = await open({}, new MemoryDisk(isDurableOnWrite));
      append(log, 1n);
      log.flush();
      await settled();
      const actions: string[] = [];
      disk.onCall = (action) => (actions.push(action), "ok");
      for (const zxid of range(2n, 500n)) append(log, zxid);
      log.flush();
      await settled();
      expect(actions).toEqual(isDurableOnWrite ? ["write"] : ["write", "datasync"]);
      expect(durable).toEqual(range(1n, 500n));
      await log.close();
    }
  });

  test("a new file's header and name are durable before its first record is written", async () => {
    const { log, disk } = await open();
    const actions: string[] = [];
    disk.onCall = (action) => (actions.push(action), "ok");
    append(log, 1n);
    log.flush();
    await settled();
    expect(actions).toEqual(["open", "write", "datasync", "syncFolder", "write", "datasync"]);
    await log.close();
  });

  test("a consumer may begin and flush records while it is told of a batch", async () => {
    const seen: bigint[][] = [];
    const setup = await open({
      onDurable(batch) {
        const first = zxidOfPayload(batch.bytes, 12);
        if (first === 1n) {
          append(setup.log, 2n);
          setup.log.flush();
          append(setup.log, 3n);
        }
        expect(zxidOfPayload(batch.bytes, 12)).toBe(first);
        seen.push([first, BigInt(batch.recordCount)]);
      },
    });
    append(setup.log, 1n);
    setup.log.flush();
    await settled();
    await setup.log.close();
    expect(seen).toEqual([
      [1n, 1n],
      [2n, 1n],
      [3n, 1n],
    ]);
    expect(setup.disk.get(`${folder}/log.1`)).toEqual(logFile([1n, 2n, 3n]));
  });

  test("a batch keeps its bytes until it is released, and is filled again afterwards", async () => {
    const lent: LogBatch[] = [];
    const setup = await open({ onDurable: (batch) => void lent.push(batch) });
    for (let zxid = 1n; zxid <= 3n; zxid++) {
      append(setup.log, zxid);
      setup.log.flush();
      await settled();
    }
    expect(lent.map((batch) => zxidOfPayload(batch.bytes, 12))).toEqual([1n, 2n, 3n]);
    setup.log.release(lent[0]!);
    append(setup.log, 4n);
    setup.log.flush();
    append(setup.log, 5n);
    setup.log.flush();
    await settled();
    expect(lent.slice(1).map((batch) => zxidOfPayload(batch.bytes, 12))).toEqual([2n, 3n, 4n, 5n]);
    expect(lent.indexOf(lent[0]!, 1)).toBeGreaterThan(0);
    await setup.log.close();
  });

  test("pending bytes count what is not durable yet", async () => {
    const { log } = await open();
    const recordBytes = record(payload(1n)).length;
    append(log, 1n);
    log.flush();
    append(log, 2n);
    expect(log.pendingBytes).toBe(2 * recordBytes);
    await settled();
    expect(log.pendingBytes).toBe(0);
    await log.close();
  });

  test("closing makes durable what was collected, and closes every file", async () => {
    const { log, disk, durable } = await open();
    append(log, 1n);
    log.flush();
    append(log, 2n);
    await log.close();
    expect(durable).toEqual([1n, 2n]);
    expect(disk.openFiles).toBe(0);
  });

  test("a log that was never written to closes and leaves no file", async () => {
    const { log, disk } = await open();
    log.flush();
    await log.close();
    expect(disk.names(folder)).toEqual([]);
  });

  test("a slow fsync is reported and warned of", async () => {
    const { log, clock, logger, fsyncs } = await open({ fsyncWarningThresholdMs: 1000 });
    clock.stepMs = 1500;
    append(log, 1n);
    await log.close();
    expect(fsyncs).toEqual([1500]);
    expect(logger.warnings()[0]).toContain("took 1500ms which will adversely effect operation latency");
  });

  test("with forceSync=no nothing is synced", async () => {
    const { log, disk, durable } = await open({ forceSync: false }, new MemoryDisk(true));
    const actions: string[] = [];
    disk.onCall = (action) => (actions.push(action), "ok");
    append(log, 1n);
    await log.close();
    expect(durable).toEqual([1n]);
    expect(actions).toEqual(["open", "write", "write", "close"]);
    expect(disk.crash(() => false).names(folder)).toEqual([]);
  });
});

describe("rolling", () => {
  test("records begun after a roll go to a file of their own", async () => {
    const { log, disk, durable } = await open({ preAllocSizeKb: 4 });
    append(log, 1n);
    append(log, 2n);
    log.roll();
    log.roll();
    append(log, 3n);
    log.roll();
    append(log, 4n);
    await log.close();
    expect(disk.names(folder)).toEqual(["log.1", "log.3", "log.4"]);
    const recordBytes = record(payload(1n)).length;
    expect(disk.get(`${folder}/log.1`)).toEqual(logFile([1n, 2n], { zeros: 4096 - 2 * recordBytes }));
    expect(disk.get(`${folder}/log.3`)).toEqual(logFile([3n], { zeros: 4096 - recordBytes }));
    expect(disk.get(`${folder}/log.4`)).toEqual(logFile([4n], { zeros: 4096 - recordBytes }));
    expect(durable).toEqual([1n, 2n, 3n, 4n]);
  });

  test("a roll while a batch is in flight keeps that batch in the old file", async () => {
    const { log, disk } = await open();
    append(log, 1n);
    log.flush();
    append(log, 2n);
    log.roll();
    append(log, 3n);
    await log.close();
    expect(disk.get(`${folder}/log.1`)).toEqual(logFile([1n, 2n]));
    expect(disk.get(`${folder}/log.3`)).toEqual(logFile([3n]));
  });

  test("a file beyond the size limit, padding included, is rolled after the flush", async () => {
    const { log, disk } = await open({ txnLogSizeLimitKb: 8, preAllocSizeKb: 4 });
    for (const zxid of range(1n, 4n)) {
      append(log, zxid, 3000);
      log.flush();
      await settled();
    }
    await log.close();
    expect(disk.names(folder)).toEqual(["log.1", "log.3"]);
  });

  test("total bytes add up the files since they were reset, padding included", async () => {
    const { log } = await open({ preAllocSizeKb: 8 });
    append(log, 1n);
    log.flush();
    await settled();
    expect(log.totalBytes).toBe(16 + 8192);
    log.roll();
    expect(log.totalBytes).toBe(16 + 8192);
    append(log, 2n);
    log.flush();
    await settled();
    expect(log.totalBytes).toBe(2 * (16 + 8192));
    log.resetTotalBytes();
    expect(log.totalBytes).toBe(16 + 8192);
    expect(log.openPath).toBe(`${folder}/log.2`);
    await log.close();
  });
});

describe("failure", () => {
  test.each(["open", "write", "datasync", "syncFolder", "close"])(
    "a failed %s is reported once, and nothing is acknowledged or written after it",
    async (failing) => {
      const { log, disk, durable, failures } = await open();
      append(log, 1n);
      log.flush();
      await settled();
      let callsAfter = 0;
      disk.onCall = (action) => {
        if (failures.length > 0) callsAfter++;
        return action === failing ? { code: "EIO" } : "ok";
      };
      log.roll();
      append(log, 2n);
      log.flush();
      append(log, 3n);
      await settled();
      disk.onCall = () => (callsAfter++, "ok");
      log.flush();
      append(log, 4n);
      log.flush();
      await settled();
      expect(failures.map((error) => error.code)).toEqual(["DISK"]);
      expect(durable).toEqual([1n]);
      expect(callsAfter).toBeLessThanOrEqual(1);
      await log.close();
      expect(durable).toEqual([1n]);
      expect(failures).toHaveLength(1);
    },
  );

  test("a full disk stops the log in the middle of a batch that grows the file", async () => {
    const { log, disk, durable, failures } = await open({ preAllocSizeKb: 8 });
    disk.onCall = (action, _path, index) => (action === "write" && index > 8 ? { code: "ENOSPC" } : "ok");
    for (const zxid of range(1n, 5n)) {
      append(log, zxid, 3000);
      log.flush();
      await settled();
    }
    expect(failures).toHaveLength(1);
    expect(failures[0]!.facts).toEqual({ path: `${folder}/log.1`, action: "write" });
    expect(durable).toEqual([1n]);
    await log.close();
  });
});
