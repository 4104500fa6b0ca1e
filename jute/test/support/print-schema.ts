/**
 * Writes a schema as jute text and makes up schemas: the other half of the property that what is printed parses to what
 * was printed.
 */

import * as fc from "fast-check";

import { primitiveNames, type Field, type JuteType, type RecordDeclaration, type Schema } from "../../src/schema.ts";

/** A schema without the places of its declarations. */
export interface Shape {
  readonly modules: readonly {
    readonly name: string;
    readonly doc: readonly string[];
    readonly records: readonly {
      readonly name: string;
      readonly doc: readonly string[];
      readonly fields: readonly { readonly name: string; readonly type: JuteType; readonly doc: readonly string[] }[];
    }[];
  }[];
}

export function shapeOf(schema: Schema): Shape {
  return {
    modules: schema.modules.map((module) => ({
      name: module.name,
      doc: module.doc,
      records: module.records.map((record: RecordDeclaration) => ({
        name: record.name,
        doc: record.doc,
        fields: record.fields.map(({ name, type, doc }: Field) => ({ name, type, doc })),
      })),
    })),
  };
}

export function printShape(shape: Shape): string {
  return shape.modules
    .map(({ name, doc, records }) => {
      const classes = records.map((record) => printRecord(name, record)).join("\n");
      return `${printDoc(doc, "")}module ${name} {\n${classes}}\n`;
    })
    .join("\n");
}

function printRecord(module: string, record: Shape["modules"][number]["records"][number]): string {
  const fields = record.fields.map(
    ({ name, type, doc }) => `${printDoc(doc, "    ")}    ${printType(module, type)} ${name};\n`,
  );
  return `${printDoc(record.doc, "  ")}  class ${record.name} {\n${fields.join("")}  }\n`;
}

function printDoc(lines: readonly string[], indent: string): string {
  if (lines.length === 1) return `${indent}// ${lines[0]}\n`;
  if (lines.length === 0) return "";
  return `${indent}/**\n${lines.map((line) => `${indent} * ${line}\n`).join("")}${indent} */\n`;
}

function printType(module: string, type: JuteType): string {
  if (type.kind === "vector") return `vector<${printType(module, type.element)}>`;
  if (type.kind === "map") return `map<${printType(module, type.key)}, ${printType(module, type.value)}>`;
  if (type.kind !== "record") return type.kind;
  return type.module === module ? type.name : `${type.module}.${type.name}`;
}

interface Known {
  readonly module: string;
  readonly name: string;
}

const docLine = fc.stringMatching(/^[A-Za-z0-9][ -~]{0,20}$/).map((line) => line.replaceAll("*/", "").trimEnd());
const doc = fc.array(docLine, { maxLength: 3 });
const word = fc.stringMatching(/^[A-Za-z][A-Za-z0-9_]{0,6}$/).map((text) => `${text}_`);

/** Any schema that the grammar can spell. */
export const shapes: fc.Arbitrary<Shape> = fc.gen().map((g): Shape => {
  const known: Known[] = [];
  const distinct = (min: number): string[] =>
    g(() => fc.uniqueArray(word, { minLength: min, maxLength: 3 })).map((text) => text);
  const typeOf = (depth: number): JuteType => {
    const kind = g(() => fc.constantFrom(...primitiveNames, "vector" as const, "map" as const, "record" as const));
    if (kind === "record") {
      return known.length === 0 ? { kind: "int" } : { kind, ...known[g(() => fc.nat({ max: known.length - 1 }))]! };
    }
    if (kind !== "vector" && kind !== "map") return { kind };
    if (depth === 0) return { kind: "ustring" };
    if (kind === "vector") return { kind, element: typeOf(depth - 1) };
    return { kind, key: typeOf(depth - 1), value: typeOf(depth - 1) };
  };
  const modules = distinct(1).map((lastPart) => {
    const module = [...g(() => fc.array(word, { maxLength: 2 })), lastPart].join(".");
    const records = distinct(1).map((name) => {
      const fields = distinct(1).map((field) => ({ name: field, type: typeOf(3), doc: g(() => doc) }));
      known.push({ module, name });
      return { name, doc: g(() => doc), fields };
    });
    return { name: module, doc: g(() => doc), records };
  });
  return { modules };
});
