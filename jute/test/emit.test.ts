import { expect, test } from "vitest";

import { emit } from "../src/emit.ts";
import { parseSchema } from "../src/parser.ts";

function generate(text: string): Map<string, string> {
  const schema = parseSchema("a.jute", () => text);
  return new Map(emit(schema, { runtime: "#jute", command: "make records" }).map((file) => [file.name, file.text]));
}

/** The lines of `text` that contain `part`. */
function linesWith(text: string | undefined, part: string): string[] {
  return text!.split("\n").filter((line) => line.includes(part));
}

test("a small module becomes an interface, a reading and a writing function, in wire order", () => {
  const files = generate(`// Pairs.
module org.example.pair {
  // A name and its numbers.
  class Pair {
    ustring name; // may be null
    vector<long> numbers;
  }
}`);
  expect([...files]).toEqual([
    [
      "pair.ts",
      `/**
 * The records of module org.example.pair. Generated, do not edit: change the schema, then run
 *
 *   make records
 *
 * Pairs.
 *
 * Readers throw MarshallingError when the bytes end early. Buffers they return are views of the bytes they were
 * given, to be copied by whoever keeps them.
 */

import type { JuteReader } from "#jute/reader.ts";
import type { JuteWriter } from "#jute/writer.ts";

/** A name and its numbers. */
export interface Pair {
  /** may be null */
  name: string | null;
  numbers: bigint[] | null;
}

export function readPair(reader: JuteReader): Pair {
  return {
    name: reader.readString(),
    numbers: readVectorOfLong(reader),
  };
}

export function writePair(writer: JuteWriter, value: Pair): void {
  writer.writeString(value.name);
  writeVectorOfLong(writer, value.numbers);
}

function readVectorOfLong(reader: JuteReader): bigint[] | null {
  const count = reader.readCount();
  if (count === -1) return null;
  const items: bigint[] = [];
  for (let i = 0; i < count; i++) items.push(reader.readBigInt());
  return items;
}

function writeVectorOfLong(writer: JuteWriter, items: bigint[] | null): void {
  if (items === null) {
    writer.writeInt(-1);
    return;
  }
  writer.writeInt(items.length);
  for (const item of items) writer.writeBigInt(item);
}
`,
    ],
  ]);
});

test("imports are sorted by file and record, whatever the order of use", () => {
  const files = generate(`module z { class B { int x; } class A { int x; } } module y { class C { int x; } }
    module m { class M { z.B b; vector<y.C> c; map<int, z.A> a; } }`);
  expect(linesWith(files.get("m.ts"), "import {")).toEqual([
    'import { type C, readC, writeC } from "./y.ts";',
    'import { type A, readA, writeA, type B, readB, writeB } from "./z.ts";',
  ]);
});

test("an import or signature that does not fit in 120 columns is broken", () => {
  const long = "AVeryLongNameThatFillsMostOfTheLineAllByItself";
  const files = generate(`module y { class ${long} { int x; } } module m { class M { vector<y.${long}> x; } }`);
  for (const text of files.values()) expect(text.split("\n").filter((line) => line.length > 120)).toEqual([]);
  expect(files.get("m.ts")).toContain(`import {\n  type ${long},\n  read${long},\n  write${long},\n} from "./y.ts";\n`);
  expect(files.get("m.ts")).toContain(
    `function writeVectorOf${long}(\n  writer: JuteWriter,\n  items: ${long}[] | null,\n): void {`,
  );
});

test("a foreign record with a name that is taken is imported under one with its module's name before it", () => {
  const files = generate(`module x.y { class A { int x; } } module y.z { class A { int x; } }
    module m { class A { x.y.A a; y.z.A b; } class ZA { int x; } }`);
  expect(linesWith(files.get("m.ts"), "import {")).toEqual([
    'import { type A as YA, readA as readYA, writeA as writeYA } from "./y.ts";',
    'import { type A as ZA_, readA as readZA_, writeA as writeZA_ } from "./z.ts";',
  ]);
});

test("a helper whose name a record has taken grows an underscore", () => {
  const files = generate(
    "module m { class VectorOfInt { vector<int> x; } class B { vector<VectorOfInt> y; vector<vector<int>> z; } }",
  );
  expect(linesWith(files.get("m.ts"), "function readVectorOf").map((line) => line.replace(/\(.*/, ""))).toEqual([
    "export function readVectorOfInt",
    "function readVectorOfInt_",
    "function readVectorOfVectorOfInt",
    "function readVectorOfVectorOfInt_",
  ]);
});

test("a comment cannot end the documentation it becomes", () => {
  const files = generate("module m {\n// a */ b\nclass A { int x; } }");
  expect(linesWith(files.get("m.ts"), "a *")).toEqual(["/** a *\\/ b */"]);
});

test("a documentation line that is too wide for one line gets lines of its own", () => {
  const wide = "w".repeat(115);
  const files = generate(`module m {\n// ${wide}\nclass A { int x; } }`);
  expect(files.get("m.ts")).toContain(`/**\n * ${wide}\n */\nexport interface A {`);
});

test("two modules with the same last part are an error at the second", () => {
  expect(() => generate("module a.m { class A { int x; } }\nmodule b.m { class A { int x; } }")).toThrow(
    "a.jute:2:1: modules a.m (a.jute:1:1) and b.m would both be written to m.ts: expected names with different last parts",
  );
});

test.each(["string", "Map", "JuteReader", "default", "r"])("a class called %s is an error at its name", (name) => {
  expect(() => generate(`module m {\n  class ${name} { int x; } }`)).toThrow(
    `a.jute:2:9: class name ${name} has another meaning in the generated TypeScript: expected a different name`,
  );
});
