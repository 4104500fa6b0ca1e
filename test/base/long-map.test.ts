/** The map of halves against a Map of BigInt. */

import * as fc from "fast-check";
import { expect, test } from "vitest";
import { LongMap } from "#base/long-map.ts";
import { highOf, longOf, lowOf } from "#base/zxid.ts";

const key = fc.constantFrom(
  0n,
  1n,
  -1n,
  0x80000000n,
  -0x80000000n,
  0x100000000n,
  0x1ffffffffn,
  -(2n ** 63n),
  2n ** 63n - 1n,
);
const move = fc.record({ do: fc.constantFrom("set", "delete", "get"), key, value: fc.nat() });

test("does what a Map with 64-bit keys does", () => {
  fc.assert(
    fc.property(fc.array(move, { maxLength: 60 }), (moves) => {
      const map = new LongMap<number>();
      const twin = new Map<bigint, number>();
      for (const { do: what, key, value } of moves) {
        const [high, low] = [highOf(key), lowOf(key)];
        if (what === "set") {
          map.set(high, low, value);
          twin.set(key, value);
        } else if (what === "delete") {
          expect(map.delete(high, low)).toBe(twin.delete(key));
        }
        expect(map.get(high, low)).toBe(twin.get(key));
        expect(map.has(high, low)).toBe(twin.has(key));
        expect(map.size).toBe(twin.size);
      }
      const seen = new Map<bigint, number>();
      map.forEach((value, high, low) => seen.set(longOf(high, low), value));
      expect(seen).toEqual(twin);
    }),
    { seed: 1, numRuns: 300 },
  );
});

test("a half may be given signed or unsigned", () => {
  const map = new LongMap<string>();
  map.set(0xffffffff, 0x80000000, "here");
  expect(map.get(-1, -0x80000000)).toBe("here");
  expect(map.delete(-1, 0x80000000)).toBe(true);
  expect(map.size).toBe(0);
});

test("an entry may be removed while all are visited", () => {
  const map = new LongMap<number>();
  for (let low = 0; low < 10; low++) map.set(7, low, low);
  const seen: number[] = [];
  map.forEach((value, high, low) => {
    seen.push(value);
    map.delete(high, low);
  });
  expect(seen).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  expect(map.size).toBe(0);
});
