import * as fc from "fast-check";
import { expect, test } from "vitest";

import { JuteWriter } from "#jute/writer.ts";

import { Bytes } from "../support/bytes.ts";

function check(write: (writer: JuteWriter) => void, expected: Bytes): void {
  for (const capacityBytes of [0, 1, 7, 1024]) {
    const writer = new JuteWriter(capacityBytes);
    write(writer);
    expect(writer.toBytes()).toEqual(expected.build());
    expect(writer.length).toBe(expected.build().length);
  }
}

test("numbers are written big-endian at their full width", () => {
  check((writer) => writer.writeInt(-2), new Bytes().hex("fffffffe"));
  check((writer) => writer.writeInt(0x01020304), new Bytes().hex("01020304"));
  check((writer) => writer.writeByte(-1), new Bytes().hex("ff"));
  check((writer) => writer.writeBigInt(-(2n ** 63n)), new Bytes().hex("8000000000000000"));
  check((writer) => writer.writeFloat(1), new Bytes().hex("3f800000"));
  check((writer) => writer.writeDouble(-2), new Bytes().hex("c000000000000000"));
});

test("a boolean is one byte, 0 or 1", () => {
  check((writer) => writer.writeBoolean(true), new Bytes().hex("01"));
  check((writer) => writer.writeBoolean(false), new Bytes().hex("00"));
});

test("a long is the same from two halves and from a bigint", () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (value) => {
      const high = Number(BigInt.asIntN(32, value >> 32n));
      const low = Number(BigInt.asIntN(32, value));
      check((writer) => writer.writeBigInt(value), new Bytes().long(value));
      check((writer) => writer.writeLong(high, low), new Bytes().long(value));
      check((writer) => writer.writeLong(high >>> 0, low >>> 0), new Bytes().long(value));
    }),
  );
});

test("null and empty are different strings and different buffers", () => {
  check((writer) => writer.writeString(null), new Bytes().hex("ffffffff"));
  check((writer) => writer.writeString(""), new Bytes().hex("00000000"));
  check((writer) => writer.writeBuffer(null), new Bytes().hex("ffffffff"));
  check((writer) => writer.writeBuffer(new Uint8Array(0)), new Bytes().hex("00000000"));
});

test("a character outside the basic plane leaves as two three-byte units", () => {
  check((writer) => writer.writeString("/😀"), new Bytes().hex("00000007 2f eda0bd edb880"));
  check((writer) => writer.writeString("\udc00"), new Bytes().hex("00000003 edb080"));
});

test("any string of UTF-16 units is written as the slow builder writes it", () => {
  const unit = fc.oneof(
    fc.integer({ min: 0, max: 0x7f }),
    fc.integer({ min: 0x80, max: 0x7ff }),
    fc.integer({ min: 0x800, max: 0xffff }),
    fc.integer({ min: 0xd800, max: 0xdfff }),
  );
  fc.assert(
    fc.property(fc.array(unit), (units) => {
      const text = String.fromCharCode(...units);
      check((writer) => writer.writeString(text), new Bytes().javaString(text));
    }),
  );
});

test("buffers and raw bytes of every size around the copying limit are copied whole", () => {
  for (const size of [1, 47, 48, 49, 4096]) {
    const bytes = Uint8Array.from({ length: size }, (_, index) => index);
    check((writer) => writer.writeBuffer(bytes), new Bytes().int(size).raw(bytes));
    check((writer) => writer.writeRaw(bytes, 1, size), new Bytes().raw(bytes.subarray(1)));
  }
});

test("what was written before the buffer grew stays written", () => {
  const writer = new JuteWriter(1);
  const expected = new Bytes();
  for (let i = 0; i < 1000; i++) {
    writer.writeInt(i);
    expected.int(i);
  }
  expect(writer.toBytes()).toEqual(expected.build());
});

test("setting the length back rewinds, and the copy taken before stays as it was", () => {
  const writer = new JuteWriter();
  writer.writeInt(1);
  const copy = writer.toBytes();
  writer.length = 0;
  writer.writeInt(2);
  expect(copy).toEqual(new Bytes().int(1).build());
  expect(writer.toBytes()).toEqual(new Bytes().int(2).build());
});
