/** Copies of short and long runs against Uint8Array's own. */

import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { copyBytes } from "#base/copy-bytes.ts";

function patterned(length: number): Buffer {
  return Buffer.from(Array.from({ length }, (_, i) => (i * 37 + 1) & 0xff));
}

/** Copies within filler bytes and compares the whole target, so that a byte too many shows. */
function check(source: Uint8Array, start: number, end: number, at: number): void {
  const target = Buffer.alloc(at + (end - start) + 5, 0xdb);
  const twin = Buffer.from(target);
  const before = Buffer.from(source);
  copyBytes(source, start, end, target, at);
  twin.set(source.subarray(start, end), at);
  expect(target).toEqual(twin);
  expect(Buffer.from(source)).toEqual(before);
}

describe("a run of bytes", () => {
  test("is copied whole and alone at every length around the threshold", () => {
    const source = patterned(64);
    for (let length = 0; length <= 40; length++) check(source, 7, 7 + length, 3);
  });

  test("is copied from anywhere to anywhere", () => {
    const source = patterned(200);
    fc.assert(
      fc.property(fc.nat(100), fc.nat(100), fc.nat(50), (start, length, at) =>
        check(source, start, start + length, at),
      ),
      { seed: 1, numRuns: 300 },
    );
  });

  test("may lie in a plain Uint8Array, and go into one", () => {
    for (const length of [3, 100]) {
      const source = new Uint8Array(patterned(120));
      const target = new Uint8Array(110);
      copyBytes(source, 5, 5 + length, target, 2);
      expect([...target.subarray(2, 2 + length)]).toEqual([...source.subarray(5, 5 + length)]);
      expect(target[1]! + target[2 + length]!).toBe(0);
    }
  });

  test("that lies in a part of a larger memory is read from that part", () => {
    for (const length of [3, 100]) check(patterned(300).subarray(50), 10, 10 + length, 4);
  });
});
