/** Numbers from a seed: always the same, and spread. */

import { describe, expect, test } from "vitest";
import { SeededRandom } from "#base/prng.ts";

function numbers(seed: number, count: number): number[] {
  const random = new SeededRandom(seed);
  return Array.from({ length: count }, () => random.next());
}

describe("a seeded generator", () => {
  test("gives the same numbers for the same seed, and others for another", () => {
    expect(numbers(42, 100)).toEqual(numbers(42, 100));
    expect(numbers(42, 5)).not.toEqual(numbers(43, 5));
  });

  test("gives the numbers that are known for seeds 0 and 1, so that old runs can be repeated", () => {
    expect(numbers(0, 3)).toEqual([0.26642920868471265, 0.0003297457005828619, 0.2232720274478197]);
    expect(numbers(1, 3)).toEqual([0.6270739405881613, 0.002735721180215478, 0.5274470399599522]);
  });

  test("gives numbers from 0 up to and without 1, for any seed", () => {
    for (const seed of [0, 1, -1, 2 ** 31, 2 ** 32 - 1, 1.5, Number.MAX_SAFE_INTEGER]) {
      for (const number of numbers(seed, 2000)) {
        expect(number).toBeGreaterThanOrEqual(0);
        expect(number).toBeLessThan(1);
      }
    }
  });

  test("spreads its numbers evenly: each tenth gets about a tenth", () => {
    const tenths: number[] = Array(10).fill(0);
    for (const number of numbers(7, 20_000)) tenths[Math.floor(number * 10)]!++;
    expect(Math.min(...tenths)).toBeGreaterThan(1800);
    expect(Math.max(...tenths)).toBeLessThan(2200);
  });
});
