/**
 * The names that a generated file gives to things. A record X of the file's own module is always X, readX and writeX.
 * Records of other modules are imported under their own names, or, where such a name is taken, under one that begins
 * with their module's last part. Vectors and maps get a private pair of functions each, named for the type:
 * `vector<map<ustring, Id>>` is read by readVectorOfMapOfUstringToId. A name that is taken grows an underscore.
 */

import { JuteError } from "./jute-error.ts";
import type { JuteType, Module, RecordDeclaration } from "./schema.ts";

/** What a record is called inside a generated file. */
export interface RecordNames {
  readonly type: string;
  readonly read: string;
  readonly write: string;
}

/** A vector or map type and the functions that move it. */
export interface Helper {
  readonly type: JuteType & { readonly kind: "vector" | "map" };
  readonly read: string;
  readonly write: string;
}

/** Class names that would be a reserved word, a type that the output needs, or (er, r) hide a parameter. */
const refused: ReadonlySet<string> = new Set(
  `any as async await bigint boolean break case catch class const continue debugger default delete do else enum er
  export extends false finally for function if import in instanceof interface Infinity JuteReader JuteWriter let Map
  never new null number object package private protected public r return static string super switch symbol this throw
  true try type typeof Uint8Array undefined unknown var void while with yield`.split(/\s+/),
);

export class Names {
  readonly #taken: Set<string> = new Set();
  readonly #records = new Map<string, RecordNames>();
  readonly #helpers = new Map<string, Helper>();

  /**
   * Gives out the names that the file of `module` needs.
   * @throws JuteError when a class cannot keep its name in TypeScript.
   */
  constructor(module: Module) {
    for (const record of module.records) this.#nameOwn(module, record);
    for (const type of compositeAndRecordTypes(module)) {
      if (type.kind === "record" && type.module !== module.name) this.#nameForeign(type.module, type.name);
    }
    for (const type of compositeAndRecordTypes(module)) {
      if (type.kind === "vector" || type.kind === "map") this.#nameHelper(type);
    }
  }

  /** Helpers in the order in which the module first needs them. */
  get helpers(): readonly Helper[] {
    return [...this.#helpers.values()];
  }

  ofRecord(module: string, name: string): RecordNames {
    return this.#records.get(`${module}.${name}`)!;
  }

  ofHelper(type: JuteType): Helper {
    return this.#helpers.get(keyOf(type))!;
  }

  #nameOwn(module: Module, record: RecordDeclaration): void {
    if (refused.has(record.name)) {
      throw new JuteError(
        record.position,
        `class name ${record.name} has another meaning in the generated TypeScript: expected a different name`,
      );
    }
    this.#claim(module.name, record.name, record.name);
  }

  #nameForeign(module: string, name: string): void {
    if (this.#records.has(`${module}.${name}`)) return;
    const isFree = (candidate: string): boolean => namesOf(candidate).every((each) => !this.#taken.has(each));
    let local = name;
    if (!isFree(local)) local = capitalize(lastPart(module)) + name;
    while (!isFree(local)) local += "_";
    this.#claim(module, name, local);
  }

  #claim(module: string, name: string, local: string): void {
    const [type, read, write] = namesOf(local);
    for (const each of [type, read, write]) this.#taken.add(each);
    this.#records.set(`${module}.${name}`, { type, read, write });
  }

  #nameHelper(type: Helper["type"]): void {
    if (this.#helpers.has(keyOf(type))) return;
    let suffix = this.#describe(type);
    while (this.#taken.has(`read${suffix}`) || this.#taken.has(`write${suffix}`)) suffix += "_";
    this.#taken.add(`read${suffix}`).add(`write${suffix}`);
    this.#helpers.set(keyOf(type), { type, read: `read${suffix}`, write: `write${suffix}` });
  }

  #describe(type: JuteType): string {
    if (type.kind === "vector") return `VectorOf${this.#describe(type.element)}`;
    if (type.kind === "map") return `MapOf${this.#describe(type.key)}To${this.#describe(type.value)}`;
    return type.kind === "record" ? this.ofRecord(type.module, type.name).type : capitalize(type.kind);
  }
}

/** Last part of a module's name: the generated file is called so. */
export function lastPart(moduleName: string): string {
  return moduleName.slice(moduleName.lastIndexOf(".") + 1);
}

/** The type as jute writes it, records by full name: equal for equal types. */
function keyOf(type: JuteType): string {
  if (type.kind === "vector") return `vector<${keyOf(type.element)}>`;
  if (type.kind === "map") return `map<${keyOf(type.key)},${keyOf(type.value)}>`;
  return type.kind === "record" ? `${type.module}.${type.name}` : type.kind;
}

/** Every record, vector and map type that the module's fields mention, inner types before those that hold them. */
function* compositeAndRecordTypes(module: Module): Generator<JuteType> {
  for (const record of module.records) {
    for (const field of record.fields) yield* withParts(field.type);
  }
}

function* withParts(type: JuteType): Generator<JuteType> {
  if (type.kind === "vector") yield* withParts(type.element);
  if (type.kind === "map") {
    yield* withParts(type.key);
    yield* withParts(type.value);
  }
  yield type;
}

function namesOf(local: string): [type: string, read: string, write: string] {
  return [local, `read${local}`, `write${local}`];
}

function capitalize(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}
