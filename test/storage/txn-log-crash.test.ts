/**
 * A log is written, the machine dies at one call to the disk, and some of what was not synced is lost. Then the log is
 * read, and written on. What was reported durable must be there, what is there must be a prefix of what was written,
 * and ZooKeeper's own reader, of which a strict twin stands below, must be able to read every file.
 */

import { describe, expect, test } from "vitest";
import { SeededRandom } from "#base/prng.ts";
import { readTxnLog } from "#storage/txn-log-reader.ts";
import { TxnLog } from "#storage/txn-log.ts";
import { MemoryDisk, type PendingChange } from "../support/memory-disk.ts";
import { MemoryLogger, payload, range, settled, slowAdler32, TickingClock, zxidOfPayload } from "./builders.ts";

const folder = "/data/version-2";

function bodyBytesOf(zxid: bigint): number {
  return zxid % 4n === 0n ? 1500 : Number(zxid % 3n) * 90 + 4;
}

function openLog(disk: MemoryDisk, durable: bigint[]): TxnLog {
  return new TxnLog({
    disk,
    folder,
    preAllocSizeKb: 8,
    forceSync: true,
    txnLogSizeLimitKb: -1,
    fsyncWarningThresholdMs: 1000,
    clock: new TickingClock(),
    logger: new MemoryLogger(),
    onDurable(batch) {
      for (let at = 0; at < batch.length; at += 13 + batch.bytes.readInt32BE(at + 8)) {
        durable.push(zxidOfPayload(batch.bytes, at + 12));
      }
    },
    onFailure(error) {
      throw error;
    },
    onFsync: () => {},
  });
}

/** Writes zxids from `first` on in batches of changing size, with rolls. */
async function write(log: TxnLog, first: bigint, count: number, isDone: () => boolean): Promise<void> {
  for (let index = 0; index < count && !isDone(); index++) {
    const zxid = first + BigInt(index);
    const bytes = payload(zxid, bodyBytesOf(zxid));
    log.beginRecord().writeRaw(bytes, 0, bytes.length);
    log.endRecord(0, Number(zxid));
    if (index % 13 === 12) log.roll();
    if (index % 5 === 0) log.flush();
    if (index % 7 === 6) await settled();
  }
}

async function readAll(disk: MemoryDisk): Promise<bigint[]> {
  const zxids: bigint[] = [];
  await readTxnLog({
    disk,
    folder,
    logger: new MemoryLogger(),
    afterHigh: 0,
    afterLow: 0,
    onRecord(bytes, start, end) {
      const zxid = zxidOfPayload(bytes, start);
      expect(bytes.subarray(start, end).equals(payload(zxid, bodyBytesOf(zxid)))).toBe(true);
      zxids.push(zxid);
    },
  });
  return zxids;
}

/** FileTxnIterator's rules, without mercy: what makes ZooKeeper refuse is an error here. */
function readAsZooKeeper(disk: MemoryDisk): bigint[] {
  const zxids: bigint[] = [];
  const names = disk.names(folder).sort((a, b) => Number.parseInt(a.slice(4), 16) - Number.parseInt(b.slice(4), 16));
  for (const name of names) {
    const bytes = disk.get(`${folder}/${name}`);
    if (bytes.toString("latin1", 0, 4) !== "ZKLG") throw new Error(`${name} has no header`);
    for (let at = 16; at + 12 < bytes.length;) {
      const length = bytes.readInt32BE(at + 8);
      if (length === 0) break;
      if (length < 0 || length > 0xfffff * 2) throw new Error(`${name}: unreasonable length ${length} at ${at}`);
      const body = bytes.subarray(at + 12, at + 12 + length);
      if (at + 13 + length > bytes.length || bytes[at + 12 + length] !== 0x42) break;
      if (bytes.readBigInt64BE(at) !== slowAdler32(body)) throw new Error(`${name}: CRC check failed at ${at}`);
      zxids.push(zxidOfPayload(body, 0));
      at += 13 + length;
    }
  }
  return zxids;
}

async function checkCrash(
  disk: MemoryDisk,
  written: number,
  durable: readonly bigint[],
  keep: (c: PendingChange) => boolean,
): Promise<void> {
  const crashed = disk.crash(keep);
  const found = await readAll(crashed);
  expect(found).toEqual(range(1n, BigInt(found.length)));
  expect(found.length).toBeGreaterThanOrEqual(durable.length);
  expect(found.length).toBeLessThanOrEqual(written);
  expect(readAsZooKeeper(crashed)).toEqual(found);
  const next = openLog(crashed, []);
  await write(next, BigInt(found.length + 1), 4, () => false);
  await next.close();
  expect(readAsZooKeeper(crashed)).toEqual(range(1n, BigInt(found.length + 4)));
  expect(await readAll(crashed)).toEqual(range(1n, BigInt(found.length + 4)));
}

describe("a power cut", () => {
  test.each([false, true])(
    "at any call to the disk loses nothing that was reported durable (O_DSYNC: %s)",
    async (isDurableOnWrite) => {
      const whole = new MemoryDisk(isDurableOnWrite);
      await whole.makeFolder(folder);
      const all: bigint[] = [];
      const log = openLog(whole, all);
      await write(log, 1n, 40, () => false);
      await log.close();
      expect(all).toEqual(range(1n, 40n));

      const random = new SeededRandom(42);
      for (let dieAt = 1; dieAt < whole.calls; dieAt++) {
        const disk = new MemoryDisk(isDurableOnWrite);
        await disk.makeFolder(folder);
        disk.onCall = (_action, _path, index) => (index === dieAt ? "die" : "ok");
        const durable: bigint[] = [];
        const dying = openLog(disk, durable);
        await write(dying, 1n, 40, () => disk.isDead);
        await settled();
        await checkCrash(disk, 40, durable, () => false);
        await checkCrash(disk, 40, durable, () => true);
        for (let round = 0; round < 6; round++) {
          const kept = random.next();
          await checkCrash(disk, 40, durable, () => random.next() < kept);
        }
      }
    },
  );
});
