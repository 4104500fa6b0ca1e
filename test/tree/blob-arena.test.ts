/**
 * The arena against a list of what was put where: no two blobs share a byte, and what nobody uses goes back to the pool.
 */

import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { AssertionError } from "#base/assert.ts";
import { BlobArena } from "#tree/blob-arena.ts";

const pageBytes = 65_536;
const slotBytesMax = 16_384;
const pooledPagesMax = 64;

interface Blob {
  readonly ref: number;
  readonly size: number;
  readonly mark: number;
}

function put(arena: BlobArena, size: number, mark: number): Blob {
  const ref = arena.allocate(size);
  const at = arena.offsetOf(ref);
  arena.bufferOf(ref).fill(mark, at, at + size);
  return { ref, size, mark };
}

function expectWhole(arena: BlobArena, { ref, size, mark }: Blob): void {
  const at = arena.offsetOf(ref);
  const bytes = arena.bufferOf(ref).subarray(at, at + size);
  expect(bytes.length).toBe(size);
  expect(bytes.every((byte) => byte === mark)).toBe(true);
}

const size = fc.oneof(
  fc.integer({ min: 1, max: 64 }),
  fc.integer({ min: 65, max: 600 }),
  fc.integer({ min: 500, max: slotBytesMax + 10 }),
  fc.constantFrom(1, 8, 9, 512, 513, 576, 577, 1024, 1025, slotBytesMax, slotBytesMax + 1, 100_000),
);
/** A size to allocate, or which of the live blobs to give back. */
const moves = fc.array(
  fc.oneof({ weight: 5, arbitrary: size }, { weight: 4, arbitrary: fc.nat(1000).map((n) => -n - 1) }),
  {
    maxLength: 250,
    size: "max",
  },
);

describe("blobs", () => {
  test("keep their bytes, whatever is allocated and given back around them", () => {
    fc.assert(
      fc.property(moves, (all) => {
        const arena = new BlobArena();
        const live: Blob[] = [];
        all.forEach((move, i) => {
          if (move > 0) {
            live.push(put(arena, move, (i % 255) + 1));
          } else if (live.length > 0) {
            const [blob] = live.splice(-move % live.length, 1);
            expectWhole(arena, blob!);
            arena.release(blob!.ref, blob!.size);
          }
        });
        for (const blob of live) expectWhole(arena, blob);
        for (const { ref, size } of live) arena.release(ref, size);
        // Nothing is in use: what is still reserved are pooled pages, whole ones.
        expect(arena.reservedBytes % pageBytes).toBe(0);
        expect(arena.reservedBytes).toBeLessThanOrEqual(pooledPagesMax * pageBytes);
      }),
      { seed: 1, numRuns: 100 },
    );
  });

  test("of every size are given back with that size and take no more than an eighth more, or seven bytes", () => {
    const arena = new BlobArena();
    for (let size = 1; size <= slotBytesMax; size += size < 700 ? 1 : 61) {
      const blobs = [put(arena, size, 1), put(arena, size, 2)];
      const apart = Math.abs(arena.offsetOf(blobs[0]!.ref) - arena.offsetOf(blobs[1]!.ref));
      if (arena.bufferOf(blobs[0]!.ref) === arena.bufferOf(blobs[1]!.ref)) {
        expect(apart).toBeGreaterThanOrEqual(size);
        expect(apart).toBeLessThanOrEqual(Math.max(size + 7, Math.ceil((size * 9) / 8)));
      }
      for (const blob of blobs) expectWhole(arena, blob);
      for (const { ref } of blobs) arena.release(ref, size);
    }
  });

  test("of no bytes are ref 0, which may be given back", () => {
    const arena = new BlobArena();
    expect(arena.allocate(0)).toBe(0);
    arena.release(0, 0);
    expect(arena.reservedBytes).toBe(0);
  });

  test("cannot be given back with a size of another class", () => {
    const arena = new BlobArena();
    const ref = arena.allocate(8);
    expect(() => arena.release(ref, 9)).toThrow(AssertionError);
  });

  test("may stay where they are only within their class", () => {
    const arena = new BlobArena();
    const ref = arena.allocate(9);
    expect(arena.fits(ref, 9, 16)).toBe(true);
    expect(arena.fits(ref, 9, 17)).toBe(false);
    expect(arena.fits(ref, 9, 8)).toBe(false);
    expect(arena.fits(ref, 9, 0)).toBe(false);
    expect(arena.fits(0, 0, 0)).toBe(false);
    const large = arena.allocate(slotBytesMax + 1);
    expect(arena.fits(large, slotBytesMax + 1, slotBytesMax)).toBe(false);
    expect(arena.fits(large, slotBytesMax + 1, slotBytesMax + 4096)).toBe(true);
    expect(arena.fits(large, slotBytesMax + 1, slotBytesMax + 4097)).toBe(false);
    expect(arena.fits(ref, 9, slotBytesMax + 1)).toBe(false);
    expect(arena.bufferOf(large)).toHaveLength(slotBytesMax + 4096);
  });
});

describe("memory", () => {
  test("of emptied pages serves another size", () => {
    const arena = new BlobArena();
    const small = Array.from({ length: pageBytes / 8 }, () => arena.allocate(8));
    expect(arena.reservedBytes).toBe(pageBytes);
    for (const ref of small) arena.release(ref, 8);
    for (let i = 0; i < pageBytes / 1024; i++) arena.allocate(1024);
    expect(arena.reservedBytes).toBe(pageBytes);
  });

  test("beyond the pool goes back to the operating system", () => {
    const arena = new BlobArena();
    const refs = Array.from({ length: (pooledPagesMax + 20) * 4 }, () => arena.allocate(slotBytesMax));
    expect(arena.reservedBytes).toBe((pooledPagesMax + 20) * pageBytes);
    for (const ref of refs) arena.release(ref, slotBytesMax);
    expect(arena.reservedBytes).toBe(pooledPagesMax * pageBytes);
    const blob = put(arena, 100, 7);
    expectWhole(arena, blob);
  });

  test("of a large blob goes back at once", () => {
    const arena = new BlobArena();
    const ref = arena.allocate(1_000_000);
    expect(arena.reservedBytes).toBe(245 * 4096);
    arena.release(ref, 1_000_000);
    expect(arena.reservedBytes).toBe(0);
    expect(arena.allocate(500_000)).toBe(ref);
  });

  test("of a full page is used again as soon as one of its slots is free", () => {
    const arena = new BlobArena();
    const refs = Array.from({ length: pageBytes / 512 }, () => arena.allocate(512));
    arena.release(refs[50]!, 512);
    expect(arena.allocate(512)).toBe(refs[50]);
    expect(arena.reservedBytes).toBe(pageBytes);
  });
});
