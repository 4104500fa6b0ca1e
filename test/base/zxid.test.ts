/** Halves of 64-bit numbers against BigInt. */

import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compareHalves, hexOfHalves, highOf, highOfNumber, longOf, lowOf, lowOfNumber, numberOf } from "#base/zxid.ts";

const longMin = -(2n ** 63n);
const longMax = 2n ** 63n - 1n;
const edges = [0n, 1n, -1n, 0x7fffffffn, 0x80000000n, 0xffffffffn, 0x100000000n, -0x100000000n, longMin, longMax];
const long = fc.oneof(fc.constantFrom(...edges), fc.bigInt({ min: longMin, max: longMax }));
/** What a time or a TTL may be. */
const whole = fc.oneof(
  fc.constantFrom(0, 1, 0x7fffffff, 0x80000000, 0xffffffff, 0x100000000, Number.MAX_SAFE_INTEGER),
  fc.maxSafeNat(),
);
const options = { seed: 1, numRuns: 500 };

describe("two halves", () => {
  test("are int32 and spell the number they were taken from", () => {
    fc.assert(
      fc.property(long, (value) => {
        const [high, low] = [highOf(value), lowOf(value)];
        expect([high, low]).toEqual([high | 0, low | 0]);
        expect(longOf(high, low)).toBe(value);
      }),
      options,
    );
  });

  test("lie big-endian where a DataView writes a long", () => {
    const view = new DataView(new ArrayBuffer(8));
    for (const value of edges) {
      view.setBigInt64(0, value);
      expect([highOf(value), lowOf(value)]).toEqual([view.getInt32(0), view.getInt32(4)]);
    }
  });

  test("mean the same whether they are given signed or unsigned", () => {
    fc.assert(
      fc.property(long, long, (a, b) => {
        const [aHigh, aLow, bHigh, bLow] = [highOf(a), lowOf(a), highOf(b), lowOf(b)];
        expect(longOf(aHigh >>> 0, aLow >>> 0)).toBe(a);
        expect(numberOf(aHigh >>> 0, aLow >>> 0)).toBe(numberOf(aHigh, aLow));
        expect(hexOfHalves(aHigh >>> 0, aLow >>> 0)).toBe(hexOfHalves(aHigh, aLow));
        expect(compareHalves(aHigh >>> 0, aLow >>> 0, bHigh, bLow)).toBe(compareHalves(aHigh, aLow, bHigh, bLow));
      }),
      options,
    );
  });

  test("of a zxid are its epoch and its counter", () => {
    expect([highOf(0x5_0000_0003n), lowOf(0x5_0000_0003n)]).toEqual([5, 3]);
  });
});

describe("a number below 2^53", () => {
  test("has the halves of the same long, and comes back from them", () => {
    fc.assert(
      fc.property(whole, (value) => {
        const [high, low] = [highOfNumber(value), lowOfNumber(value)];
        expect([high, low]).toEqual([highOf(BigInt(value)), lowOf(BigInt(value))]);
        expect(numberOf(high, low)).toBe(value);
      }),
      options,
    );
  });

  test("may be negative where halves are read", () => {
    for (const value of [-1, -2, -0x80000000, -0x100000001, Number.MIN_SAFE_INTEGER]) {
      expect(numberOf(highOf(BigInt(value)), lowOf(BigInt(value)))).toBe(value);
    }
  });
});

describe("a comparison", () => {
  test("orders halves as signed 64-bit numbers are ordered", () => {
    fc.assert(
      fc.property(long, long, (a, b) => {
        const expected = a < b ? -1 : a > b ? 1 : 0;
        expect(Math.sign(compareHalves(highOf(a), lowOf(a), highOf(b), lowOf(b)))).toBe(expected);
      }),
      options,
    );
  });

  test("of equal highs goes by the low half without its sign", () => {
    expect(compareHalves(1, -1, 1, 1)).toBeGreaterThan(0);
    expect(compareHalves(1, 0x7fffffff, 1, -0x80000000)).toBeLessThan(0);
    expect(compareHalves(-1, 5, -1, 5)).toBe(0);
  });
});

describe("hexadecimal", () => {
  test("is what Java's Long.toHexString prints", () => {
    fc.assert(
      fc.property(long, (value) => {
        expect(hexOfHalves(highOf(value), lowOf(value))).toBe(BigInt.asUintN(64, value).toString(16));
      }),
      options,
    );
  });

  test("pads the low half below a high one, and nothing else", () => {
    expect([hexOfHalves(0, 0), hexOfHalves(0, 0xab), hexOfHalves(5, 3), hexOfHalves(-1, -1)]).toEqual([
      "0",
      "ab",
      "500000003",
      "ffffffffffffffff",
    ]);
  });
});
