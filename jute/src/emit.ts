/**
 * Turns a schema into TypeScript: a file for each module, called by the last part of the module's name, with an
 * interface, a reading and a writing function for each record.
 *
 *   byte int float double   number             ustring   string | null
 *   boolean                 boolean            buffer    Uint8Array | null
 *   long                    bigint             vector    T[] | null
 *   record                  its interface      map       Map<K, V> | null
 *
 * Always: the text depends on the schema and the options alone, every function handles its fields in wire order, and no
 * count that was read decides how much is allocated: elements are read one by one until the bytes run out.
 * Source: JRecord.genJavaCode, with other choices where Java's archives and ours differ.
 */

import { formatPosition, JuteError } from "./jute-error.ts";
import { lastPart, Names, type Helper } from "./names.ts";
import type { JuteType, Module, PrimitiveName, RecordDeclaration, Schema } from "./schema.ts";

export interface EmitOptions {
  /** Import prefix of the folder that has reader.ts and writer.ts, such as `#jute`. */
  readonly runtime: string;
  /** The command that made the file, for its header. */
  readonly command: string;
}

export interface EmittedFile {
  /** Name without folder. */
  readonly name: string;
  readonly text: string;
}

/**
 * The generated files, in the order of the schema's modules.
 * @throws JuteError when two modules would share a file or a class cannot keep its name in TypeScript.
 */
export function emit(schema: Schema, options: EmitOptions): EmittedFile[] {
  const files = new Map<string, Module>();
  for (const module of schema.modules) {
    const name = `${lastPart(module.name)}.ts`;
    const other = files.get(name);
    if (other !== undefined) {
      throw new JuteError(
        module.position,
        `modules ${other.name} (${formatPosition(other.position)}) and ${module.name} would both be written to ` +
          `${name}: expected names with different last parts`,
      );
    }
    files.set(name, module);
  }
  return [...files].map(([name, module]) => ({ name, text: emitModule(module, options) }));
}

const widthMax = 120;

const primitives: Readonly<Record<PrimitiveName, { type: string; method: string }>> = {
  byte: { type: "number", method: "Byte" },
  boolean: { type: "boolean", method: "Boolean" },
  int: { type: "number", method: "Int" },
  long: { type: "bigint", method: "BigInt" },
  float: { type: "number", method: "Float" },
  double: { type: "number", method: "Double" },
  ustring: { type: "string | null", method: "String" },
  buffer: { type: "Uint8Array | null", method: "Buffer" },
};

function emitModule(module: Module, options: EmitOptions): string {
  const names = new Names(module);
  const parts = [
    `${emitHeader(module, options)}\n${emitImports(module, options, names)}`,
    ...module.records.map((record) => emitRecord(module, record, names)),
    ...names.helpers.map((helper) => emitHelper(helper, names)),
  ];
  return parts.join("\n");
}

function emitHeader(module: Module, options: EmitOptions): string {
  const docs = module.doc.length === 0 ? [] : [...module.doc, ""];
  return emitDoc(
    [
      `The records of module ${module.name}. Generated, do not edit: change the schema, then run`,
      "",
      `  ${options.command}`,
      "",
      ...docs,
      "Readers throw MarshallingError when the bytes end early. Buffers they return are views of the bytes they were",
      "given, to be copied by whoever keeps them.",
    ],
    "",
  );
}

function emitImports(module: Module, options: EmitOptions, names: Names): string {
  const lines = [
    `import type { JuteReader } from "${options.runtime}/reader.ts";\n`,
    `import type { JuteWriter } from "${options.runtime}/writer.ts";\n`,
  ];
  for (const [otherModule, records] of foreignRecords(module)) {
    const items = records.flatMap((record) => {
      const { type, read, write } = names.ofRecord(otherModule, record);
      return [`type ${aliased(record, type)}`, aliased(`read${record}`, read), aliased(`write${record}`, write)];
    });
    const source = `"./${lastPart(otherModule)}.ts"`;
    const line = `import { ${items.join(", ")} } from ${source};\n`;
    const isWide = line.length - 1 > widthMax;
    lines.push(isWide ? `import {\n${items.map((item) => `  ${item},\n`).join("")}} from ${source};\n` : line);
  }
  return lines.join("");
}

function aliased(name: string, local: string): string {
  return name === local ? name : `${name} as ${local}`;
}

/** Records of other modules that this one uses, by module; modules and records in alphabetical order. */
function foreignRecords(module: Module): [module: string, records: string[]][] {
  const used = new Map<string, Set<string>>();
  const visit = (type: JuteType): void => {
    if (type.kind === "vector") visit(type.element);
    if (type.kind === "map") {
      visit(type.key);
      visit(type.value);
    }
    if (type.kind !== "record" || type.module === module.name) return;
    const records = used.get(type.module) ?? new Set<string>();
    used.set(type.module, records.add(type.name));
  };
  for (const record of module.records) {
    for (const field of record.fields) visit(field.type);
  }
  return [...used]
    .map(([name, records]): [string, string[]] => [name, [...records].sort()])
    .sort(([a], [b]) => (a < b ? -1 : 1));
}

function emitRecord(module: Module, record: RecordDeclaration, names: Names): string {
  const { type, read, write } = names.ofRecord(module.name, record.name);
  const fields = record.fields.map(
    (field) => `${emitDoc(field.doc, "  ")}  ${field.name}: ${typeText(field.type, names)};\n`,
  );
  const reads = record.fields.map((field) => `    ${field.name}: ${readText(field.type, names)},\n`);
  const writes = record.fields.map((field) => `  ${writeText(field.type, `value.${field.name}`, names)};\n`);
  return [
    `${emitDoc(record.doc, "")}export interface ${type} {\n${fields.join("")}}\n\n`,
    `${signature("export function", read, ["reader: JuteReader"], type)} {\n  return {\n${reads.join("")}  };\n}\n\n`,
    `${signature("export function", write, ["writer: JuteWriter", `value: ${type}`], "void")} {\n${writes.join("")}}\n`,
  ].join("");
}

function emitHelper(helper: Helper, names: Names): string {
  return helper.type.kind === "vector"
    ? emitVector(helper, helper.type.element, names)
    : emitMap(helper, helper.type.key, helper.type.value, names);
}

function emitVector(helper: Helper, element: JuteType, names: Names): string {
  const items = arrayText(element, names);
  return `${signature("function", helper.read, ["reader: JuteReader"], `${items} | null`)} {
  const count = reader.readCount();
  if (count === -1) return null;
  const items: ${items} = [];
  for (let i = 0; i < count; i++) items.push(${readText(element, names)});
  return items;
}

${signature("function", helper.write, ["writer: JuteWriter", `items: ${items} | null`], "void")} {
  if (items === null) {
    writer.writeInt(-1);
    return;
  }
  writer.writeInt(items.length);
  for (const item of items) ${writeText(element, "item", names)};
}
`;
}

function emitMap(helper: Helper, key: JuteType, value: JuteType, names: Names): string {
  const entries = mapText(key, value, names);
  return `${signature("function", helper.read, ["reader: JuteReader"], `${entries} | null`)} {
  const count = reader.readCount();
  if (count === -1) return null;
  const entries: ${entries} = new Map();
  for (let i = 0; i < count; i++) {
    const key = ${readText(key, names)};
    entries.set(key, ${readText(value, names)});
  }
  return entries;
}

${signature("function", helper.write, ["writer: JuteWriter", `entries: ${entries} | null`], "void")} {
  if (entries === null) {
    writer.writeInt(-1);
    return;
  }
  writer.writeInt(entries.size);
  for (const [key, value] of entries) {
    ${writeText(key, "key", names)};
    ${writeText(value, "value", names)};
  }
}
`;
}

function typeText(type: JuteType, names: Names): string {
  if (type.kind === "vector") return `${arrayText(type.element, names)} | null`;
  if (type.kind === "map") return `${mapText(type.key, type.value, names)} | null`;
  return type.kind === "record" ? names.ofRecord(type.module, type.name).type : primitives[type.kind].type;
}

function arrayText(element: JuteType, names: Names): string {
  const text = typeText(element, names);
  return text.endsWith("| null") ? `(${text})[]` : `${text}[]`;
}

function mapText(key: JuteType, value: JuteType, names: Names): string {
  return `Map<${typeText(key, names)}, ${typeText(value, names)}>`;
}

function readText(type: JuteType, names: Names): string {
  if (type.kind === "vector" || type.kind === "map") return `${names.ofHelper(type).read}(reader)`;
  if (type.kind === "record") return `${names.ofRecord(type.module, type.name).read}(reader)`;
  return `reader.read${primitives[type.kind].method}()`;
}

function writeText(type: JuteType, value: string, names: Names): string {
  if (type.kind === "vector" || type.kind === "map") return `${names.ofHelper(type).write}(writer, ${value})`;
  if (type.kind === "record") return `${names.ofRecord(type.module, type.name).write}(writer, ${value})`;
  return `writer.write${primitives[type.kind].method}(${value})`;
}

/** The head of a function, on several lines where one would be too wide. */
function signature(keyword: string, name: string, parameters: readonly string[], result: string): string {
  const line = `${keyword} ${name}(${parameters.join(", ")}): ${result}`;
  if (`${line} {`.length <= widthMax) return line;
  return `${keyword} ${name}(\n${parameters.map((parameter) => `  ${parameter},\n`).join("")}): ${result}`;
}

/** The lines as a documentation comment, or nothing for none. */
function emitDoc(lines: readonly string[], indent: string): string {
  const safe = lines.map((line) => line.replaceAll("*/", "*\\/"));
  if (safe.length === 0) return "";
  const single = `${indent}/** ${safe[0]} */`;
  if (safe.length === 1 && single.length <= widthMax) return `${single}\n`;
  const body = safe.map((line) => `${indent} * ${line}`.trimEnd());
  return [`${indent}/**`, ...body, `${indent} */`, ""].join("\n");
}
