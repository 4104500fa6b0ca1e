import { readFileSync } from "node:fs";

import * as fc from "fast-check";
import { expect, test } from "vitest";

import { JuteReader, MarshallingError } from "../../src/jute/reader.ts";
import { JuteWriter } from "../../src/jute/writer.ts";
import { Bytes } from "../../test/support/bytes.ts";
import {
  readCollections,
  readNested,
  readScalars,
  writeCollections,
  writeNested,
  writeScalars,
  type Collections,
  type Nested,
  type Scalars,
} from "./golden/every.ts";

type Read<Value> = (reader: JuteReader) => Value;
type Write<Value> = (writer: JuteWriter, value: Value) => void;

function encode<Value>(write: Write<Value>, value: Value): Buffer {
  const writer = new JuteWriter(16);
  write(writer, value);
  return writer.toBytes();
}

function check<Value>(bytes: Buffer, read: Read<Value>, write: Write<Value>, value: Value): void {
  const reader = new JuteReader(bytes);
  expect(read(reader)).toEqual(value);
  expect(reader.remaining).toBe(0);
  expect(encode(write, value).toString("hex")).toBe(bytes.toString("hex"));
}

function fromJava(name: string): Buffer {
  const text = readFileSync(new URL("../../test/fixtures/jute/types.txt", import.meta.url), "utf8");
  return new Bytes().hex(new RegExp(`^${name} (.*)$`, "m").exec(text)![1]!).build();
}

const ustring = fc.option(fc.string({ unit: fc.constantFrom("a", "é", "€", "\uffff", "\0") }));
const buffer = fc.option(fc.uint8Array().map((bytes): Uint8Array => Buffer.from(bytes)));
const int = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const long = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const scalars: fc.Arbitrary<Scalars> = fc.record({
  tiny: fc.integer({ min: -128, max: 127 }),
  flag: fc.boolean(),
  number: int,
  big: long,
  single: fc.float(),
  wide: fc.double(),
  text: ustring,
  bytes: buffer,
});
const label = fc.record({ name: ustring });
const point = fc.record({ x: int, y: int });
const nested: fc.Arbitrary<Nested> = fc.record({ scalars, tag: fc.record({ value: long }), label, point });

function vectors<Item>(item: fc.Arbitrary<Item>): fc.Arbitrary<Item[] | null> {
  return fc.option(fc.array(item, { maxLength: 3 }));
}

function maps<Key, Value>(key: fc.Arbitrary<Key>, value: fc.Arbitrary<Value>): fc.Arbitrary<Map<Key, Value> | null> {
  return fc.option(fc.array(fc.tuple(key, value), { maxLength: 3 }).map((entries) => new Map(entries)));
}

const collections: fc.Arbitrary<Collections> = fc.record({
  flags: vectors(fc.boolean()),
  names: vectors(ustring),
  chunks: vectors(buffer),
  weights: vectors(fc.double()),
  matrix: vectors(vectors(int)),
  points: vectors(point),
  nested: vectors(nested),
  sizes: maps(ustring, long),
  byNumber: maps(int, vectors(ustring)),
  labels: maps(ustring, label),
  history: vectors(maps(ustring, buffer)),
});

test("the bytes of every primitive type are those that Java writes", () => {
  const bytes = fromJava("Scalars");
  const value: Scalars = {
    tiny: -128,
    flag: true,
    number: -(2 ** 31),
    big: -(2n ** 63n) + 1n,
    single: Math.fround(1.5e-40),
    wide: -1 / 3,
    text: "ü😀",
    bytes: Buffer.from([0, 127, 128]),
  };
  expect(encode(writeScalars, value).toString("hex")).toBe(bytes.toString("hex"));
  expect(readScalars(new JuteReader(bytes))).toEqual({ ...value, text: "ü\ufffd\ufffd" });
});

test("the bytes of vectors and maps are those that Java writes", () => {
  check(fromJava("Collections"), readCollections, writeCollections, {
    flags: [true, false],
    names: null,
    chunks: [null, Buffer.alloc(0)],
    weights: [Number.MIN_VALUE, -Infinity],
    matrix: [null, [-7]],
    points: [],
    nested: null,
    sizes: new Map([
      ["", -1n],
      ["b", 2n ** 63n - 1n],
    ]),
    byNumber: new Map(),
    labels: new Map(),
    history: [],
  });
});

test("records in records are written field after field by the slow builder too", () => {
  fc.assert(
    fc.property(nested, (value) => {
      const { tiny, flag, number, big, single, wide, text, bytes } = value.scalars;
      const expected = new Bytes().byte(tiny).bool(flag).int(number).long(big).float(single).double(wide);
      expected.string(text).buffer(bytes).long(value.tag.value).string(value.label.name);
      expected.int(value.point.x).int(value.point.y);
      check(expected.build(), readNested, writeNested, value);
    }),
  );
});

test("every type comes back from its bytes, and is a MarshallingError when they are cut anywhere", () => {
  fc.assert(
    fc.property(collections, (value) => {
      const bytes = encode(writeCollections, value);
      check(bytes, readCollections, writeCollections, value);
      for (let end = 0; end < bytes.length; end++) {
        expect(() => readCollections(new JuteReader(bytes, 0, end))).toThrow(MarshallingError);
      }
    }),
    { numRuns: 50 },
  );
});

test("a map with count -1 is null, and one with another negative count is empty", () => {
  const nulls = new Bytes();
  for (let field = 0; field < 11; field++) nulls.int(-1);
  const empties = new Bytes();
  for (let field = 0; field < 11; field++) empties.int(-2);
  expect(Object.values(readCollections(new JuteReader(nulls.build())))).toEqual(Array(11).fill(null));
  const sizes = Object.values(readCollections(new JuteReader(empties.build()))).map((each) => [...each!].length);
  expect(sizes).toEqual(Array(11).fill(0));
});

test("a map whose key comes twice keeps the last value", () => {
  const bytes = new Bytes();
  for (let field = 0; field < 7; field++) bytes.int(-1);
  bytes.int(2).string("k").long(1n).string("k").long(2n).int(-1).int(-1).int(-1);
  expect(readCollections(new JuteReader(bytes.build())).sizes).toEqual(new Map([["k", 2n]]));
});
