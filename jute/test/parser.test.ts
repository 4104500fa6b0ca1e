import * as fc from "fast-check";
import { expect, test } from "vitest";

import { JuteError } from "../src/jute-error.ts";
import { parseSchema } from "../src/parser.ts";
import type { JuteType, Schema } from "../src/schema.ts";
import { printShape, shapeOf, shapes } from "./support/print-schema.ts";

function parse(text: string, others: Readonly<Record<string, string>> = {}): Schema {
  return parseSchema("a.jute", (file) => {
    const found = file === "a.jute" ? text : others[file];
    if (found === undefined) throw new Error(`no such file: ${file}`);
    return found;
  });
}

/** Parsing `text` fails with just this message. */
function checkError(text: string, message: string, others: Readonly<Record<string, string>> = {}): void {
  let found: unknown;
  try {
    parse(text, others);
  } catch (error) {
    found = error;
  }
  expect(found).toBeInstanceOf(JuteError);
  expect((found as JuteError).message).toBe(message);
}

function typeOfFirstField(typeText: string): JuteType {
  const schema = parse(
    `module other.m { class P { int x; } } module m { class Q { int x; } class R { ${typeText} f; } }`,
  );
  return schema.modules[1]!.records[1]!.fields[0]!.type;
}

const types =
  "byte, boolean, int, long, float, double, ustring, buffer, vector<...>, map<..., ...> or a class declared above";

test("a schema has its modules, records and fields in the order of the text", () => {
  const schema = parse("module b.c { class Z { int z; long a; } class Y { Z z; } }\nmodule a { class X { b.c.Z z; } }");
  expect(shapeOf(schema)).toEqual({
    modules: [
      {
        name: "b.c",
        doc: [],
        records: [
          {
            name: "Z",
            doc: [],
            fields: [
              { name: "z", type: { kind: "int" }, doc: [] },
              { name: "a", type: { kind: "long" }, doc: [] },
            ],
          },
          { name: "Y", doc: [], fields: [{ name: "z", type: { kind: "record", module: "b.c", name: "Z" }, doc: [] }] },
        ],
      },
      {
        name: "a",
        doc: [],
        records: [
          { name: "X", doc: [], fields: [{ name: "z", type: { kind: "record", module: "b.c", name: "Z" }, doc: [] }] },
        ],
      },
    ],
  });
});

test("types nest to any depth, with or without spaces", () => {
  expect(typeOfFirstField("vector<vector<byte>>")).toEqual({
    kind: "vector",
    element: { kind: "vector", element: { kind: "byte" } },
  });
  expect(typeOfFirstField("map < ustring , map<Q,vector<other.m.P>> >")).toEqual({
    kind: "map",
    key: { kind: "ustring" },
    value: {
      kind: "map",
      key: { kind: "record", module: "m", name: "Q" },
      value: { kind: "vector", element: { kind: "record", module: "other.m", name: "P" } },
    },
  });
});

test("a module that is opened again goes on with its records", () => {
  const schema = parse("module m { class A { int x; } } module n { class B { m.A a; } } module m { class C { A a; } }");
  expect(schema.modules.map(({ name, records }) => [name, ...records.map((record) => record.name)])).toEqual([
    ["m", "A", "C"],
    ["n", "B"],
  ]);
});

test("comments beside declarations become their documentation", () => {
  const schema = parse(`/* Licence. */

// The module.
module m { // More.
  // The class.
  class A {
    // Before.
    int x; // After.
    int y; /* Of y. */ // And more.
    // Of nothing.
  } // Of nothing.
}`);
  expect(schema.modules[0]).toMatchObject({
    doc: ["The module.", "More."],
    records: [{ doc: ["The class."], fields: [{ doc: ["Before.", "After."] }, { doc: ["Of y.", "And more."] }] }],
  });
});

test("included files are read from the folder of the file that includes them, with or without a semicolon", () => {
  const others = {
    "in/b.jute": 'include "../c.jute" module b { class B { c.C c; } }',
    "c.jute": "module c { class C { int x; } }",
  };
  const schema = parse('include "in/b.jute"; include "c.jute" module a { class A { b.B b; c.C c; } }', others);
  expect(schema.modules.map((module) => module.name)).toEqual(["c", "b", "a"]);
});

test("errors in an included file name that file", () => {
  checkError(
    'include "in/b.jute" module a { class A { int x; } }',
    'in/b.jute:2:1: expected "module" or "include", found "x"',
    {
      "in/b.jute": "\nx",
    },
  );
});

test("an include that leads back to an open file is an error that shows the circle", () => {
  const others = { "b.jute": '\n include "a.jute"' };
  checkError(
    'include "b.jute"',
    "b.jute:2:10: cyclic include: a.jute -> b.jute -> a.jute; a file may not include itself, directly or not",
    others,
  );
  checkError(
    'include "./a.jute"',
    "a.jute:1:9: cyclic include: a.jute -> a.jute; a file may not include itself, directly or not",
  );
});

test("an included file that cannot be read is an error at the include", () => {
  checkError('include "b.jute"', 'a.jute:1:9: expected a readable file at "b.jute": no such file: b.jute');
});

test("an unknown type is an error that lists what would be valid and guesses what was meant", () => {
  checkError("module m { class A {\n  ustrng s; } }", `a.jute:2:3: unknown type ustrng: expected ${types}`);
  checkError(
    "module x.n { class B { int x; } } module m { class A { vector<B> b; } }",
    `a.jute:1:63: unknown type B: expected ${types}; did you mean x.n.B?`,
  );
  checkError("module m { class A { n.B b; } }", `a.jute:1:22: unknown type n.B: expected ${types}`);
});

test("a record that is used above its declaration is an error that says so", () => {
  checkError(
    "module m { class A { B b; } class B { int x; } }",
    "a.jute:1:22: type B is declared below: expected a type declared before it is used",
  );
});

test("a record that contains itself is an error, through a vector and by full name too", () => {
  const message = "class m.A contains itself: expected a type declared before it";
  checkError("module m { class A { A a; } }", `a.jute:1:22: ${message}`);
  checkError("module m { class A { int x; vector<m.A> a; } }", `a.jute:1:36: ${message}`);
});

test("a class or field that is declared twice is an error that names the first place", () => {
  checkError(
    "module m { class A { int x; }\n class A { int x; } }",
    "a.jute:2:8: class m.A is already declared at a.jute:1:18",
  );
  checkError("module m { class A { int x;\n long x; } }", "a.jute:2:7: field x is already declared at a.jute:1:26");
  expect(parse("module m { class A { int x; } } module n { class A { int x; } }").modules).toHaveLength(2);
});

test.each([
  ["", '1:1: expected "module" or "include", found the end of the file'],
  ["class A { int x; }", '1:1: expected "module" or "include", found the keyword "class"'],
  ["include b", '1:9: expected a file name such as "other.jute", found "b"'],
  ["module {", '1:8: expected a module name such as org.example.data, found "{"'],
  ["module a..b {", '1:10: expected a name after ".", found "."'],
  ["module a.map {", '1:10: expected a name after ".", found the keyword "map"'],
  ["module a;", '1:9: expected "{" after the module name, found ";"'],
  ["module a { }", '1:12: expected "class" (a module has at least one class), found "}"'],
  ["module a { class A { int x; };", '1:30: expected "class", or "}" at the end of the module, found ";"'],
  [
    "module a { class A { int x; }",
    '1:30: expected "class", or "}" at the end of the module, found the end of the file',
  ],
  ["module a { class int {", '1:18: expected a class name, found the keyword "int"'],
  ["module a { class A int", '1:20: expected "{" after the class name, found the keyword "int"'],
  ["module a { class A { }", `1:22: expected a type (${types}), found "}"`],
  ["module a { class A { module x; } }", `1:22: expected a type (${types}), found the keyword "module"`],
  ["module a { class A { int x; ; } }", `1:29: expected a type (${types}), or "}" at the end of the class, found ";"`],
  ["module a { class A { int; } }", '1:25: expected a field name, found ";"'],
  ["module a { class A { int long; } }", '1:26: expected a field name, found the keyword "long"'],
  ['module a { class A { int "x"; } }', '1:26: expected a field name, found the quoted text "x"'],
  ["module a { class A { int x } }", '1:28: expected ";" after the field name, found "}"'],
  ["module a { class A { int x, int y; } }", '1:27: expected ";" after the field name, found ","'],
  ["module a { class A { vector int x; } }", '1:29: expected "<" after vector, found the keyword "int"'],
  ["module a { class A { vector<int x; } }", '1:33: expected ">" after the element type, found "x"'],
  ["module a { class A { map int x; } }", '1:26: expected "<" after map, found the keyword "int"'],
  ["module a { class A { map<int> x; } }", '1:29: expected "," between the key type and the value type, found ">"'],
  ["module a { class A { map<int, int x; } }", '1:35: expected ">" after the value type, found "x"'],
  ["module a { class A { map<int, > x; } }", `1:31: expected a type (${types}), found ">"`],
])("%j is an error at the token that does not fit", (text, message) => {
  checkError(text, `a.jute:${message}`);
});

test("what is printed from a schema parses to that schema, comments included", () => {
  fc.assert(
    fc.property(shapes, (shape) => {
      expect(shapeOf(parse(printShape(shape)))).toEqual(shape);
    }),
  );
});

test("no text makes the parser fail in any other way than a JuteError with a place in the text", () => {
  const pieces = 'module class include int vector map < > { } ; , . a b "x" // \n /* */ ustring'.split(" ");
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...pieces), { maxLength: 30 }), (words) => {
      const text = words.join(" ");
      try {
        parse(text);
      } catch (error) {
        expect(error).toBeInstanceOf(JuteError);
        const { line, column } = (error as JuteError).facts.position;
        expect(column).toBeGreaterThan(0);
        expect(column).toBeLessThanOrEqual((text.split("\n")[line - 1] ?? "").length + 1);
      }
    }),
  );
});
