import * as fc from "fast-check";
import { compress } from "snappyjs";
import { describe, expect, it } from "vitest";
import { expandSnappyBlock } from "#storage/snappy-block.ts";

const bytesMax = 1 << 20;

/** Few different bytes, so that there is something to copy. */
const repetitive = fc
  .array(fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 70 }), fc.integer({ min: 1, max: 60 })))
  .map((runs) =>
    Buffer.concat(runs.flatMap(([bytes, times]) => Array.from({ length: times }, () => Buffer.from(bytes)))),
  );

function expanded(...bytes: readonly number[]): string {
  return expandSnappyBlock(Buffer.from(bytes), bytesMax).toString("latin1");
}

const [a, b] = [0x61, 0x62];

describe("a snappy block", () => {
  it("is what was compressed", () => {
    fc.assert(
      fc.property(repetitive, (bytes) => {
        expect(expandSnappyBlock(compress(bytes), bytesMax)).toEqual(bytes);
      }),
    );
  });

  it("has literals, and copies of three kinds, which may repeat what they write", () => {
    expect(expanded(0)).toBe("");
    expect(expanded(2, 1 << 2, a, b)).toBe("ab");
    expect(expanded(9, 1 << 2, a, b, (3 << 2) | 1, 2)).toBe("ababababa");
    expect(expanded(5, 1 << 2, a, b, (2 << 2) | 2, 1, 0)).toBe("abbbb");
    expect(expanded(4, 1 << 2, a, b, (1 << 2) | 3, 2, 0, 0, 0)).toBe("abab");
    const long = Array.from({ length: 300 }, () => a);
    expect(expanded(0xac, 2, 61 << 2, 0x2b, 1, ...long)).toBe("a".repeat(300));
    // Eleven bits of an offset, three of them in the tag.
    expect(expanded(0xb0, 2, 61 << 2, 0x2b, 1, ...long, (1 << 5) | 1, 0x2c)).toBe("a".repeat(304));
  });

  it("that is damaged is refused", () => {
    const wrong: readonly (readonly [string, readonly number[]])[] = [
      ["wrong at 0", []],
      ["wrong at 0", [0x80]],
      ["wrong at 0", [0x80, 0x80, 0x80, 0x80, 0x80, 1]],
      ["of 1048577 bytes, of 1048576 at most", [0x81, 0x80, 0x40]],
      ["of 1 bytes that has 0", [1]],
      ["wrong at 1", [2, 1 << 2, a]],
      ["wrong at 1", [1, 1 << 2, a, b]],
      ["wrong at 1", [1, 60 << 2]],
      // The highest bit of a length: not a negative number.
      ["wrong at 1", [1, 63 << 2, 0xff, 0xff, 0xff, 0xff, a]],
      ["wrong at 1", [1, 63 << 2, 0xf9, 0xff, 0xff, 0xff, a]],
      ["wrong at 3", [5, 0, a, (0 << 2) | 1]],
      ["wrong at 3", [5, 0, a, (0 << 2) | 1, 0]],
      ["wrong at 3", [5, 0, a, (0 << 2) | 1, 2]],
      ["wrong at 3", [4, 0, a, (0 << 2) | 1, 1]],
      ["wrong at 3", [9, 0, a, (0 << 2) | 2, 1]],
      ["wrong at 3", [9, 0, a, (0 << 2) | 3, 1, 0, 0]],
    ];
    for (const [message, bytes] of wrong) {
      expect(() => expanded(...bytes), bytes.join()).toThrow(message);
    }
  });

  it("of whatever bytes is expanded or refused", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        try {
          expect(expandSnappyBlock(Buffer.from(bytes), bytesMax).length).toBeLessThanOrEqual(bytesMax);
        } catch (error) {
          expect((error as Error).message).toMatch(/^a snappy block /);
        }
      }),
    );
  });
});
