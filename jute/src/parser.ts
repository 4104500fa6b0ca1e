/**
 * Reads .jute files, their includes with them, and resolves every type name.
 *
 *   input    (include | module)+
 *   include  "include" quoted [";"]                   relative to the folder of the including file
 *   module   "module" name "{" class+ "}"
 *   class    "class" word "{" (type word ";")+ "}"
 *   type     primitive | "vector" "<" type ">" | "map" "<" type "," type ">" | name
 *   name     word ("." word)*
 *
 * A name without a dot means a record of the module it stands in; a record of another module is written with its full
 * name, wherever it was declared. As in jute, a record is declared before it is used: that is what rules out records
 * that contain themselves. Beyond jute: a semicolon after an include is allowed, a file that several others include is
 * read once, and a class or field declared twice and an include that leads back to itself are errors (rcc lets the
 * last class win, leaves the fields to javac and recurses until its stack is full).
 * Source: the productions of rcc.jj.
 */

import { dirname, join, normalize } from "node:path";

import { formatPosition, JuteError, type Position } from "./jute-error.ts";
import { tokenize, type Token } from "./lexer.ts";
import { primitiveNames, type Field, type JuteType, type PrimitiveName, type Schema } from "./schema.ts";

const keywords: ReadonlySet<string> = new Set([...primitiveNames, "module", "class", "include", "vector", "map"]);

/**
 * The schema that `file` and its includes spell.
 * @param readText gives the text of a file; what it throws for an included file becomes a JuteError at the include.
 * @throws JuteError at the first mistake.
 */
export function parseSchema(file: string, readText: (file: string) => string): Schema {
  const world: World = { readText, modules: new Map(), declared: new Map(), filesDone: new Set(), filesOpen: [] };
  parseFile(world, normalize(file), readText(file));
  return { modules: [...world.modules.values()] };
}

interface OpenRecord {
  readonly name: string;
  readonly fields: Field[];
  readonly doc: readonly string[];
  readonly position: Position;
}

interface OpenModule {
  readonly name: string;
  readonly records: OpenRecord[];
  readonly doc: string[];
  readonly position: Position;
}

/** What all files of one run share. */
interface World {
  readonly readText: (file: string) => string;
  readonly modules: Map<string, OpenModule>;
  /** Records by full name, each with the place of its declaration. */
  readonly declared: Map<string, Position>;
  readonly filesDone: Set<string>;
  readonly filesOpen: string[];
}

function parseFile(world: World, file: string, text: string): void {
  world.filesOpen.push(file);
  new Parser(world, file, tokenize(file, text)).input();
  world.filesOpen.pop();
  world.filesDone.add(file);
}

class Parser {
  readonly #world: World;
  readonly #file: string;
  readonly #tokens: readonly Token[];
  #next = 0;
  /** Full names of the module and of the class being read. */
  #module = "";
  #class = "";

  constructor(world: World, file: string, tokens: readonly Token[]) {
    this.#world = world;
    this.#file = file;
    this.#tokens = tokens;
  }

  input(): void {
    do {
      if (this.#isWord("include")) this.#include();
      else if (this.#isWord("module")) this.#parseModule();
      else throw this.#expected('"module" or "include"');
    } while (this.#peek().kind !== "end");
  }

  #include(): void {
    this.#take();
    const { text: name, position } = this.#expect("quoted", 'a file name such as "other.jute"');
    if (this.#peek().kind === ";") this.#take();
    const file = join(dirname(this.#file), name);
    const start = this.#world.filesOpen.indexOf(file);
    if (start >= 0) {
      const circle = [...this.#world.filesOpen.slice(start), file].join(" -> ");
      throw new JuteError(position, `cyclic include: ${circle}; a file may not include itself, directly or not`);
    }
    if (this.#world.filesDone.has(file)) return;
    parseFile(this.#world, file, this.#readIncluded(file, position));
  }

  #readIncluded(file: string, position: Position): string {
    try {
      return this.#world.readText(file);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new JuteError(position, `expected a readable file at "${file}": ${reason}`);
    }
  }

  #parseModule(): void {
    const { leading, position } = this.#take();
    this.#module = this.#qualifiedName("a module name such as org.example.data");
    const open = this.#expect("{", '"{" after the module name');
    let module = this.#world.modules.get(this.#module);
    if (module === undefined) {
      module = { name: this.#module, records: [], doc: [], position };
      this.#world.modules.set(this.#module, module);
    }
    module.doc.push(...leading, ...open.trailing);
    if (!this.#isWord("class")) throw this.#expected('"class" (a module has at least one class)');
    while (this.#isWord("class")) module.records.push(this.#parseClass());
    this.#expect("}", '"class", or "}" at the end of the module');
  }

  #parseClass(): OpenRecord {
    const { leading } = this.#take();
    const { text: name, position } = this.#expectName("a class name");
    this.#class = `${this.#module}.${name}`;
    const first = this.#world.declared.get(this.#class);
    if (first !== undefined) {
      throw new JuteError(position, `class ${this.#class} is already declared at ${formatPosition(first)}`);
    }
    const open = this.#expect("{", '"{" after the class name');
    const fields: Field[] = [];
    do fields.push(this.#parseField(fields));
    while (this.#peek().kind !== "}");
    this.#take();
    this.#world.declared.set(this.#class, position);
    return { name, fields, doc: [...leading, ...open.trailing], position };
  }

  #parseField(earlier: readonly Field[]): Field {
    const { leading } = this.#peek();
    const type = this.#parseType(earlier.length === 0 ? "" : ', or "}" at the end of the class');
    const { text: name, position } = this.#expectName("a field name");
    const twin = earlier.find((field) => field.name === name);
    if (twin !== undefined) {
      throw new JuteError(position, `field ${name} is already declared at ${formatPosition(twin.position)}`);
    }
    const { trailing } = this.#expect(";", '";" after the field name');
    return { name, type, doc: [...leading, ...trailing], position };
  }

  #parseType(orElse: string): JuteType {
    const token = this.#peek();
    if (token.kind !== "word") throw this.#expected(`a type (${typesAllowed})${orElse}`);
    const primitive = primitiveNames.find((name): name is PrimitiveName => name === token.text);
    if (primitive !== undefined) {
      this.#take();
      return { kind: primitive };
    }
    if (token.text === "vector") return this.#parseVector();
    if (token.text === "map") return this.#parseMap();
    if (keywords.has(token.text)) throw this.#expected(`a type (${typesAllowed})${orElse}`);
    return this.#parseRecordType();
  }

  #parseVector(): JuteType {
    this.#take();
    this.#expect("<", '"<" after vector');
    const element = this.#parseType("");
    this.#expect(">", '">" after the element type');
    return { kind: "vector", element };
  }

  #parseMap(): JuteType {
    this.#take();
    this.#expect("<", '"<" after map');
    const key = this.#parseType("");
    this.#expect(",", '"," between the key type and the value type');
    const value = this.#parseType("");
    this.#expect(">", '">" after the value type');
    return { kind: "map", key, value };
  }

  #parseRecordType(): JuteType {
    const { position } = this.#peek();
    const written = this.#qualifiedName("a type");
    const fullName = written.includes(".") ? written : `${this.#module}.${written}`;
    if (!this.#world.declared.has(fullName)) throw new JuteError(position, this.#describeUnknown(written, fullName));
    const dot = fullName.lastIndexOf(".");
    return { kind: "record", module: fullName.slice(0, dot), name: fullName.slice(dot + 1) };
  }

  #describeUnknown(written: string, fullName: string): string {
    if (fullName === this.#class) return `class ${fullName} contains itself: expected a type declared before it`;
    const simpleName = fullName.slice(fullName.lastIndexOf(".") + 1);
    const isBelow = this.#tokens.some(
      (token, at) => at >= this.#next && token.text === simpleName && this.#tokens[at - 1]?.text === "class",
    );
    if (isBelow) return `type ${written} is declared below: expected a type declared before it is used`;
    const namesakes = [...this.#world.declared.keys()].filter((name) => name.endsWith(`.${simpleName}`));
    const hint = namesakes.length === 0 ? "" : `; did you mean ${namesakes.join(" or ")}?`;
    return `unknown type ${written}: expected ${typesAllowed}${hint}`;
  }

  #qualifiedName(what: string): string {
    let name = this.#expectName(what).text;
    while (this.#peek().kind === ".") {
      this.#take();
      name += `.${this.#expectName('a name after "."').text}`;
    }
    return name;
  }

  #expectName(what: string): Token {
    const token = this.#peek();
    if (token.kind !== "word" || keywords.has(token.text)) throw this.#expected(what);
    return this.#take();
  }

  #expect(kind: Token["kind"], what: string): Token {
    if (this.#peek().kind !== kind) throw this.#expected(what);
    return this.#take();
  }

  #isWord(word: string): boolean {
    const token = this.#peek();
    return token.kind === "word" && token.text === word;
  }

  #peek(): Token {
    return this.#tokens[this.#next]!;
  }

  #take(): Token {
    return this.#tokens[this.#next++]!;
  }

  #expected(what: string): JuteError {
    const token = this.#peek();
    return new JuteError(token.position, `expected ${what}, found ${describeToken(token)}`);
  }
}

const typesAllowed = `${primitiveNames.join(", ")}, vector<...>, map<..., ...> or a class declared above`;

function describeToken(token: Token): string {
  if (token.kind === "end") return "the end of the file";
  if (token.kind === "quoted") return `the quoted text "${token.text}"`;
  return token.kind === "word" && keywords.has(token.text) ? `the keyword "${token.text}"` : `"${token.text}"`;
}
