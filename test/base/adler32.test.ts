/** The unrolled sum against zlib, whose deflate streams end with it, and against the RFC's words. */

import { deflateSync } from "node:zlib";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { adler32, adler32Start } from "#base/adler32.ts";
import { patterned } from "../support/patterned.ts";

/** Around a step of each loop, the shortest run that is read in words, and the longest without a reduction. */
const edgeLengths = [0, 1, 7, 8, 9, 2047, 2048, 2049, 2079, 2080, 2081, 5535, 5536, 5551, 5552, 5568, 11_105, 70_000];

/** The trailer of a zlib stream, stored without compression. */
function zlibAdler32(bytes: Uint8Array): number {
  const stream = deflateSync(bytes, { level: 0 });
  return stream.readUInt32BE(stream.length - 4);
}

/** The checksum of bytes that lie amid others. */
function sumOf(bytes: Uint8Array): number {
  const around = Buffer.alloc(bytes.length + 6, 0xdb);
  around.set(bytes, 3);
  return adler32(adler32Start, around, 3, 3 + bytes.length);
}

describe("an Adler-32", () => {
  test("of a text is the number that is published for it", () => {
    expect(sumOf(Buffer.from("Wikipedia"))).toBe(0x11e60398);
  });

  test("of no bytes is the start, and no bytes change none", () => {
    expect(adler32(adler32Start, Buffer.alloc(0), 0, 0)).toBe(1);
    expect(adler32(0xfff0fff0, Buffer.alloc(5), 5, 5)).toBe(0xfff0fff0);
  });

  test("is that of zlib at every length around a threshold", () => {
    for (const length of edgeLengths) {
      expect(sumOf(patterned(length)), `${length} bytes`).toBe(zlibAdler32(patterned(length)));
    }
  });

  test("is that of zlib for bytes that make the sums as large as they get", () => {
    for (const length of edgeLengths) {
      const largest = Buffer.alloc(length, 0xff);
      expect(sumOf(largest), `${length} bytes`).toBe(zlibAdler32(largest));
    }
  });

  test("loses nothing when it goes on from the largest state over the largest bytes", () => {
    const bytes = Buffer.alloc(6000, 0xff);
    let [a, b] = [65_520, 65_520];
    for (const byte of bytes) {
      a = (a + byte) % 65_521;
      b = (b + a) % 65_521;
    }
    expect(adler32(0xfff0fff0, bytes, 0, bytes.length)).toBe(b * 65_536 + a);
  });

  test("is that of zlib for any bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 5000, size: "max" }), (bytes) => {
        expect(sumOf(bytes)).toBe(zlibAdler32(bytes));
      }),
      { seed: 1, numRuns: 300 },
    );
  });

  test("goes on from where it was left, however often and wherever that is", () => {
    const bytes = patterned(12_000);
    const whole = zlibAdler32(bytes);
    fc.assert(
      fc.property(fc.array(fc.nat(bytes.length), { maxLength: 8 }), (cuts) => {
        let sum = adler32Start;
        let from = 0;
        for (const to of [...cuts.sort((a, b) => a - b), bytes.length]) {
          sum = adler32(sum, bytes, from, to);
          from = to;
        }
        expect(sum).toBe(whole);
      }),
      { seed: 1, numRuns: 200 },
    );
  });

  test("goes on from every offset around a step of the loop", () => {
    const bytes = patterned(4200);
    const whole = zlibAdler32(bytes);
    for (let at = 0; at <= bytes.length; at++) {
      const sum = adler32(adler32(adler32Start, bytes, 0, at), bytes, at, bytes.length);
      expect(sum, `cut at ${at}`).toBe(whole);
    }
  });
});
