/** What is carried against a plain list of bytes, and when room is kept, made, handed on and given up. */

import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CarriedBytes, CarriedBytesPool } from "#base/carried-bytes.ts";

/** Appends a piece that lies in the middle of others, which are gone after the call. */
function append(carried: CarriedBytes, piece: readonly number[]): void {
  const chunk = Buffer.from([0xdb, ...piece, 0xdb]);
  carried.append(chunk, 1, 1 + piece.length);
  chunk.fill(0xdb);
}

function contentOf({ bytes, start, end }: CarriedBytes): number[] {
  return [...bytes.subarray(start, end)];
}

describe("carried bytes", () => {
  test("are what was appended and not dropped", () => {
    const byte = fc.integer({ min: 0, max: 255 });
    const step = fc.record({ piece: fc.array(byte, { maxLength: 40 }), drop: fc.nat(60) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const carried = new CarriedBytes();
        let model: number[] = [];
        for (const { piece, drop } of steps) {
          append(carried, piece);
          model.push(...piece);
          const count = Math.min(drop, model.length);
          carried.drop(count);
          model = model.slice(count);
          expect(contentOf(carried)).toEqual(model);
          expect(carried.length).toBe(model.length);
        }
      }),
      { seed: 1, numRuns: 300 },
    );
  });

  test("grow by doubling, and stay where they are while the room does", () => {
    const carried = new CarriedBytes();
    const sizes = [3, 0, 5, 1, 40, 2].map((length) => {
      append(
        carried,
        Array.from({ length }, (_, i) => i),
      );
      return carried.bytes.length;
    });
    expect(sizes).toEqual([3, 3, 8, 16, 49, 98]);
  });

  test("move to the front rather than grow", () => {
    const carried = new CarriedBytes();
    append(carried, [1, 2, 3, 4, 5, 6]);
    carried.drop(4);
    const { bytes } = carried;
    append(carried, [7, 8, 9]);
    expect(carried.bytes).toBe(bytes);
    expect(contentOf(carried)).toEqual([5, 6, 7, 8, 9]);
  });

  test("keep their room when all is dropped, unless it is more than a megabyte", () => {
    const carried = new CarriedBytes();
    const large = Buffer.alloc(1 << 20);
    carried.append(large, 0, large.length);
    carried.drop(large.length);
    expect([carried.start, carried.end, carried.bytes.length]).toEqual([0, 0, large.length]);
    carried.append(large, 0, large.length);
    carried.append(large, 0, 1);
    carried.drop(large.length + 1);
    expect([carried.start, carried.end, carried.bytes.length]).toEqual([0, 0, 0]);
  });

  test("are not dropped beyond their end", () => {
    const carried = new CarriedBytes();
    append(carried, [1]);
    expect(() => carried.drop(2)).toThrow("no more is dropped than is carried");
  });
});

describe("a pool", () => {
  test("hands on what it was given, emptied, and the last one first", () => {
    const pool = new CarriedBytesPool();
    const [one, two] = [pool.take(), pool.take()];
    expect(one).not.toBe(two);
    append(one, [1, 2, 3]);
    append(two, [4]);
    pool.give(two);
    pool.give(one);
    expect(pool.take()).toBe(one);
    expect(one.length).toBe(0);
    expect(one.bytes.length).toBe(3);
    expect(pool.take()).toBe(two);
  });

  test("keeps sixteen", () => {
    const pool = new CarriedBytesPool();
    const given = Array.from({ length: 20 }, () => new CarriedBytes());
    for (const one of given) pool.give(one);
    const taken = Array.from({ length: 20 }, () => pool.take());
    expect(taken.filter((one) => given.includes(one))).toHaveLength(16);
  });
});
