import { readFileSync } from "node:fs";

import * as fc from "fast-check";
import { expect, test } from "vitest";

import { decodeUtf8, JuteReader, MarshallingError } from "#jute/reader.ts";

import { Bytes } from "../support/bytes.ts";

const long = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });

/** Reads the whole of `bytes`, lying in the middle of other bytes. */
function check<Value>(bytes: Bytes, read: (reader: JuteReader) => Value, expected: Value): void {
  const window = bytes.build();
  const reader = new JuteReader(Buffer.concat([Buffer.alloc(3, 0xaa), window, Buffer.alloc(9)]), 3, 3 + window.length);
  expect(read(reader)).toEqual(expected);
  expect(reader.remaining).toBe(0);
}

function decode(hex: string): string {
  const bytes = new Bytes().raw([0xed]).hex(hex).raw([0xa0, 0x80]).build();
  return decodeUtf8(bytes, 1, bytes.length - 2);
}

test("primitives are read as the slow builder wrote them", () => {
  fc.assert(
    fc.property(fc.integer({ min: -128, max: 127 }), fc.integer(), long, fc.double(), (byte, int, long, double) => {
      check(new Bytes().byte(byte), (reader) => reader.readByte(), byte);
      check(new Bytes().int(int), (reader) => reader.readInt(), int);
      check(new Bytes().long(long), (reader) => reader.readBigInt(), long);
      check(new Bytes().double(double), (reader) => reader.readDouble(), double);
      check(new Bytes().float(double), (reader) => reader.readFloat(), Math.fround(double));
    }),
  );
});

test("any byte but zero is true", () => {
  check(new Bytes().hex("00"), (reader) => reader.readBoolean(), false);
  check(new Bytes().hex("01"), (reader) => reader.readBoolean(), true);
  check(new Bytes().hex("80"), (reader) => reader.readBoolean(), true);
});

test("length -1 is null and length 0 is empty", () => {
  check(new Bytes().int(-1), (reader) => reader.readString(), null);
  check(new Bytes().int(0), (reader) => reader.readString(), "");
  check(new Bytes().int(-1), (reader) => reader.readBuffer(), null);
  check(new Bytes().int(0), (reader) => reader.readBuffer(), Buffer.alloc(0));
});

test("count -1 is null and any other negative count is an empty vector", () => {
  check(new Bytes().int(-1), (reader) => reader.readCount(), -1);
  check(new Bytes().int(-2), (reader) => reader.readCount(), 0);
  check(new Bytes().int(-0x80000000), (reader) => reader.readCount(), 0);
  check(new Bytes().int(0x7fffffff), (reader) => reader.readCount(), 0x7fffffff);
});

test("a buffer is a view of the bytes that were given", () => {
  const bytes = new Bytes().buffer([1, 2, 3]).build();
  const buffer = new JuteReader(bytes).readBuffer();
  bytes[4] = 9;
  expect(buffer).toEqual(Buffer.from([9, 2, 3]));
});

test("a Uint8Array that is no Buffer is read in place", () => {
  const memory = new Uint8Array([0xff, 0, 0, 0, 7, 0xff]);
  expect(new JuteReader(memory.subarray(1, 5)).readInt()).toBe(7);
});

test("skipping passes over just what reading would have read", () => {
  for (const value of [null, "", "text"]) {
    const reader = new JuteReader(new Bytes().string(value).int(7).build());
    reader.skipBuffer();
    expect(reader.readInt()).toBe(7);
  }
});

test("a range is where the bytes of a string or buffer lie, and starts at -1 for null", () => {
  const reader = new JuteReader(new Bytes().string("text").string(null).string("").int(7).build());
  const ranges = [0, 1, 2].map(() => {
    reader.readRange();
    return [reader.rangeStart, reader.rangeEnd];
  });
  expect(ranges).toEqual([
    [4, 8],
    [-1, 12],
    [16, 16],
  ]);
  expect(reader.readInt()).toBe(7);
});

const readers: readonly [name: string, bytes: Bytes, read: (reader: JuteReader) => void][] = [
  ["byte", new Bytes().byte(1), (reader) => reader.readByte()],
  ["boolean", new Bytes().byte(1), (reader) => reader.readBoolean()],
  ["int", new Bytes().int(1), (reader) => reader.readInt()],
  ["long", new Bytes().long(1n), (reader) => reader.readBigInt()],
  ["float", new Bytes().float(1), (reader) => reader.readFloat()],
  ["double", new Bytes().double(1), (reader) => reader.readDouble()],
  ["ustring", new Bytes().string("text"), (reader) => reader.readString()],
  ["buffer", new Bytes().buffer([1, 2, 3]), (reader) => reader.readBuffer()],
  ["count", new Bytes().int(1), (reader) => reader.readCount()],
  ["range", new Bytes().string("text"), (reader) => reader.readRange()],
  ["skipped buffer", new Bytes().buffer([1, 2, 3]), (reader) => reader.skipBuffer()],
];

test.each(readers)(
  "a %s that is cut at any offset is a MarshallingError, more bytes behind the window or not",
  (_, b, read) => {
    const bytes = b.build();
    for (let end = 0; end < bytes.length; end++) {
      expect(() => read(new JuteReader(bytes.subarray(0, end)))).toThrow(MarshallingError);
      expect(() => read(new JuteReader(bytes, 0, end))).toThrow(MarshallingError);
    }
  },
);

test.each([-2, -0x80000000, 0x7fffffff, 4])(
  "length %i before three bytes is a MarshallingError and allocates nothing",
  (length) => {
    const bytes = new Bytes().int(length).raw([1, 2, 3]).build();
    const before = process.memoryUsage().arrayBuffers;
    for (const read of [
      (reader: JuteReader) => reader.readString(),
      (reader: JuteReader) => reader.readBuffer(),
      (reader: JuteReader) => reader.skipBuffer(),
    ]) {
      expect(() => read(new JuteReader(bytes))).toThrow(MarshallingError);
    }
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1 << 20);
  },
);

test("an error names the offset and how many bytes were missing", () => {
  const reader = new JuteReader(new Bytes().int(5).raw([1]).build());
  expect(() => reader.readBuffer()).toThrow("5 bytes expected at offset 4, 1 left");
  expect(() => new JuteReader(new Bytes().int(-9).build()).readString()).toThrow("unreasonable length -9 at offset 0");
});

test("malformed UTF-8 is decoded as the JDK decodes it", () => {
  const lines = readFileSync(new URL("../fixtures/jute/utf8.txt", import.meta.url), "utf8")
    .trim()
    .split("\n");
  expect(lines.length).toBeGreaterThan(1000);
  const wrong = lines.filter((line) => {
    const [hex, units] = line.split(" ");
    const expected = String.fromCharCode(...units!.match(/..../g)!.map((unit) => Number.parseInt(unit, 16)));
    return decode(hex!) !== expected;
  });
  expect(wrong).toEqual([]);
});

test("each three-byte surrogate becomes one replacement character, so CESU-8 does not come back", () => {
  expect(decode("2f eda0bd edb880")).toBe("/\ufffd\ufffd");
});

test("a surrogate without its third byte becomes one replacement character, and what follows is kept", () => {
  expect(decode("eda0 41")).toBe("\ufffdA");
  expect(decode("41 eda0")).toBe("A\ufffd");
});

test("well-formed UTF-8 comes back as it was, replacement characters included", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      expect(decode(Buffer.from(`${text}\ufffd\ufffd\ufffd`).toString("hex"))).toBe(`${text}\ufffd\ufffd\ufffd`);
    }),
  );
});
