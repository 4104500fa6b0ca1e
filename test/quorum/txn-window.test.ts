import { describe, expect, it } from "vitest";
import { SeededRandom } from "#base/prng.ts";
import { highOf, longOf, lowOf } from "#base/zxid.ts";
import { TxnWindow } from "#quorum/txn-window.ts";
import { patterned } from "../support/patterned.ts";
import { txn } from "./support.ts";

function windowOf(
  zxids: readonly bigint[],
  options = { committedCountMin: 100, committedBytesMax: 1 << 20 },
): TxnWindow {
  const window = new TxnWindow(options);
  for (const zxid of zxids) append(window, zxid);
  return window;
}

function append(window: TxnWindow, zxid: bigint, bodyBytes = 10): void {
  const bytes = Buffer.concat([Buffer.alloc(3), txn(zxid, patterned(bodyBytes)), Buffer.alloc(5)]);
  window.append(bytes, 3, bytes.length - 5);
}

function zxids(window: TxnWindow): bigint[] {
  return Array.from({ length: window.length }, (_, i) => longOf(window.at(i).zxidHigh, window.at(i).zxidLow));
}

function commit(window: TxnWindow, zxid: bigint): void {
  window.commit(highOf(zxid), lowOf(zxid));
}

function trim(window: TxnWindow, zxid: bigint): void {
  window.trim(highOf(zxid), lowOf(zxid));
}

describe("a window of transactions", () => {
  it("finds what lies behind a zxid, in it or not", () => {
    const window = windowOf([0x100000005n, 0x100000006n, 0x200000001n]);
    const behind = (zxid: bigint): number => window.indexBehind(highOf(zxid), lowOf(zxid));
    expect([0n, 0x100000005n, 0x100000006n, 0x100000009n, 0x200000000n, 0x200000001n].map(behind)).toEqual([
      0, 1, 2, 2, 2, 3,
    ]);
  });

  it("compares counters without a sign", () => {
    const window = windowOf([0x17fffffffn, 0x180000000n, 0x180000001n]);
    expect(window.indexBehind(1, 0x80000000 | 0)).toBe(2);
  });

  it("knows how many are committed", () => {
    const window = windowOf([1n, 2n, 3n]);
    commit(window, 2n);
    expect(window.committedCount).toBe(2);
    commit(window, 2n);
    expect(() => commit(window, 1n)).toThrow();
  });

  it("takes no gap within an epoch, and nothing older", () => {
    const window = windowOf([0x100000005n]);
    for (const zxid of [0x100000007n, 0x100000005n, 0x100000004n, 9n]) expect(() => append(window, zxid)).toThrow();
    append(window, 0x100000006n);
    append(window, 0x300000001n);
  });

  it("drops the oldest that are committed and applied, down to what is to be kept", () => {
    const window = windowOf([1n, 2n, 3n, 4n, 5n, 6n], { committedCountMin: 2, committedBytesMax: 1 << 20 });
    commit(window, 5n);
    trim(window, 2n);
    expect(zxids(window)).toEqual([3n, 4n, 5n, 6n]);
    trim(window, 6n);
    expect(zxids(window)).toEqual([4n, 5n, 6n]);
    expect(window.committedCount).toBe(2);
  });

  it("keeps fewer when they are large", () => {
    const window = new TxnWindow({ committedCountMin: 10, committedBytesMax: 3000 });
    for (const zxid of [1n, 2n, 3n, 4n]) append(window, zxid, 1000);
    commit(window, 4n);
    trim(window, 4n);
    expect(zxids(window)).toEqual([3n, 4n]);
  });

  it("keeps bytes as they came, whatever comes and goes around them", () => {
    const random = new SeededRandom(1);
    const window = new TxnWindow({ committedCountMin: 5, committedBytesMax: 1 << 20, segmentBytes: 1000 });
    const lengths = new Map<bigint, number>();
    for (let zxid = 1n; zxid <= 2000n; zxid++) {
      const length = Math.floor(random.next() ** 4 * 3000);
      lengths.set(zxid, length);
      append(window, zxid, length);
      if (random.next() < 0.3) commit(window, zxid - BigInt(Math.floor(random.next() * 2)));
      if (random.next() < 0.2) trim(window, zxid);
      if (zxid % 97n !== 0n) continue;
      for (let i = 0; i < window.length; i++) {
        const { bytes, start, end, zxidLow } = window.at(i);
        const expected = txn(BigInt(zxidLow), patterned(lengths.get(BigInt(zxidLow))!));
        expect(bytes.subarray(start, end).equals(expected)).toBe(true);
      }
    }
  });

  it("is empty when it was cleared, and starts anywhere", () => {
    const window = windowOf([1n, 2n]);
    commit(window, 1n);
    window.clear();
    expect([window.length, window.committedCount]).toEqual([0, 0]);
    append(window, 77n);
    expect(zxids(window)).toEqual([77n]);
  });
});
