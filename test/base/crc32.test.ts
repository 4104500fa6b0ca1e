/** The table-driven loop against zlib, whole, cut anywhere, and in the middle of other bytes. */

import { crc32 as zlibCrc32 } from "node:zlib";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { crc32 } from "#base/crc32.ts";
import { patterned } from "../support/patterned.ts";

/** Around the eight bytes of a step and the length from which zlib does the work. */
const edgeLengths = [0, 1, 7, 8, 9, 15, 16, 17, 504, 511, 512, 513, 520, 1024, 1025];

/** The checksum of bytes that lie amid others. */
function unsignedCrc(bytes: Uint8Array): number {
  const around = Buffer.alloc(bytes.length + 6, 0xdb);
  around.set(bytes, 3);
  return crc32(0, around, 3, 3 + bytes.length) >>> 0;
}

describe("a CRC-32", () => {
  test("of the nine digits is the check value that the algorithm is known by", () => {
    expect(unsignedCrc(Buffer.from("123456789"))).toBe(0xcbf43926);
  });

  test("of no bytes is zero, and no bytes change none", () => {
    expect(crc32(0, Buffer.alloc(0), 0, 0)).toBe(0);
    expect(crc32(-2, Buffer.alloc(5), 5, 5)).toBe(-2);
  });

  test("is an int32, so that it can be kept in an Int32Array", () => {
    for (const length of edgeLengths) {
      const crc = crc32(0, patterned(length), 0, length);
      expect(crc, `${length} bytes`).toBe(crc | 0);
    }
  });

  test("is that of zlib at every length around a threshold", () => {
    for (const length of edgeLengths) {
      expect(unsignedCrc(patterned(length)), `${length} bytes`).toBe(zlibCrc32(patterned(length)));
    }
  });

  test("is that of zlib for any bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 1200, size: "max" }), (bytes) => {
        expect(unsignedCrc(bytes)).toBe(zlibCrc32(bytes));
      }),
      { seed: 1, numRuns: 300 },
    );
  });

  test("goes on from where it was left, wherever that is", () => {
    const bytes = patterned(1100);
    const whole = zlibCrc32(bytes);
    for (let at = 0; at <= bytes.length; at++) {
      const first = crc32(0, bytes, 0, at);
      expect(crc32(first, bytes, at, bytes.length) >>> 0, `cut at ${at}`).toBe(whole);
    }
  });

  test("may be continued from a signed or an unsigned state", () => {
    const bytes = patterned(2000);
    for (const at of [10, 100, 1000, 1900]) {
      const first = crc32(0, bytes, 0, at);
      expect(crc32(first >>> 0, bytes, at, 2000)).toBe(crc32(first | 0, bytes, at, 2000));
    }
  });
});
