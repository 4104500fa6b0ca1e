/** Which digests are kept, and how many. */

import { describe, expect, test } from "vitest";
import { DigestLog } from "#server/digest-log.ts";
import { DigestSum } from "#tree/tree-digest.ts";

/** Applies transactions with these counters; the digest of each is made from its counter. */
function applied(log: DigestLog, lows: Iterable<number>, zxidHigh = 0): void {
  const digest = new DigestSum();
  for (const low of lows) {
    digest.set(~low, low * 3);
    log.applied(zxidHigh, low, digest);
  }
}

function* range(from: number, to: number): Generator<number> {
  for (let i = from; i <= to; i++) yield i;
}

describe("the log of digests", () => {
  test("keeps the digest after every 128th zxid and no other", () => {
    const log = new DigestLog();
    applied(log, range(1, 400));
    expect(log.entries.map(({ zxidLow }) => zxidLow)).toEqual([128, 256, 384]);
  });

  test("keeps a digest as it was, whatever becomes of the tree afterwards", () => {
    const log = new DigestLog();
    const digest = new DigestSum();
    digest.set(7, -8);
    log.applied(3, 128, digest);
    digest.add(1000);
    digest.set(0, 0);
    expect(log.entries).toEqual([{ zxidHigh: 3, zxidLow: 128, digestHigh: 7, digestLow: -8 }]);
  });

  test("goes by the whole zxid: a new epoch's own zxid is a multiple, and so is one in a counter's upper half", () => {
    const log = new DigestLog();
    applied(log, [0, 1, 127, 0x80000000 | 0, -128, -1], 5);
    expect(log.entries.map(({ zxidLow }) => zxidLow >>> 0)).toEqual([0, 0x80000000, 0xffffff80]);
  });

  test("holds the last 1024, oldest first", () => {
    const log = new DigestLog();
    applied(log, range(1, 128 * 1024));
    expect(log.entries.length).toBe(1024);
    expect(log.entries[0]!.zxidLow).toBe(128);
    applied(log, range(128 * 1024 + 1, 128 * 1026));
    expect(log.entries.map(({ zxidLow }) => zxidLow)).toEqual([...range(3, 1026)].map((count) => count * 128));
  });
});
