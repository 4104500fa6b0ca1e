import { readFileSync } from "node:fs";
import { array, assert, constantFrom, integer, property, string, tuple, uint8Array } from "fast-check";
import { describe, expect, it } from "vitest";
import { ConfigError } from "#base/errors.ts";
import { parseJavaProperties } from "#base/java-properties.ts";

interface Oracle {
  readonly input: string;
  readonly entries?: readonly [key: string, value: string][];
  readonly error?: string;
}

const oracles = readFileSync(new URL("fixtures/java-properties.jsonl", import.meta.url), "utf8")
  .trimEnd()
  .split("\n")
  .map((line) => JSON.parse(line) as Oracle);

function parse(text: string): { key: string; value: string; line: number }[] {
  return parseJavaProperties(Buffer.from(text, "latin1"), "zoo.cfg");
}

function checkLines(text: string, expected: [key: string, line: number][]): void {
  expect(parse(text).map(({ key, line }) => [key, line])).toEqual(expected);
}

describe("the properties grammar", () => {
  it("reads every recorded file as java.util.Properties does", () => {
    expect(oracles.length).toBeGreaterThan(900);
    for (const { input, entries, error } of oracles) {
      if (error === undefined) {
        const found = new Map(parse(input).map(({ key, value }) => [key, value]));
        expect(found, JSON.stringify(input)).toEqual(new Map(entries));
      } else {
        expect(() => parse(input), JSON.stringify(input)).toThrow(error);
      }
    }
  });

  it("reads back whatever a writer escapes", () => {
    const text = string({ unit: integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)) });
    assert(
      property(array(tuple(text, text), { maxLength: 5 }), constantFrom("\n", "\r", "\r\n"), (pairs, end) => {
        const file = pairs.map(([key, value]) => `${escapeAll(key)}=${escapeAll(value)}${end}`).join("");
        expect(parse(file).map(({ key, value }) => [key, value])).toEqual(pairs);
      }),
    );
  });

  it("never fails but for a malformed unicode escape, and numbers the lines in order", () => {
    assert(
      property(uint8Array({ maxLength: 60 }), (bytes) => {
        if (Buffer.from(bytes).includes("\\u")) return;
        const lines = parseJavaProperties(bytes, "zoo.cfg").map(({ line }) => line);
        expect(lines).toEqual([...lines].sort((a, b) => a - b));
      }),
    );
  });

  it("gives a key the line on which it begins", () => {
    checkLines("# one\n\na=1\r\nb=2\\\n  more\rc=3", [
      ["a", 3],
      ["b", 4],
      ["c", 6],
    ]);
  });

  it("keeps both of two equal keys, in file order", () => {
    checkLines("a=1\na=2\n", [
      ["a", 1],
      ["a", 2],
    ]);
  });

  it("names file and line of a malformed unicode escape, and what would be valid", () => {
    expect(() => parse("a=1\ndataDir=C:\\users")).toThrow(ConfigError);
    expect(() => parse("a=1\ndataDir=C:\\users")).toThrow(
      "zoo.cfg:2: Error processing zoo.cfg: Malformed \\uxxxx encoding. Valid is \\u and four hexadecimal digits; " +
        "a backslash of a path is written twice",
    );
  });
});

function escapeAll(text: string): string {
  return [...Array(text.length).keys()].map((i) => `\\u${text.charCodeAt(i).toString(16).padStart(4, "0")}`).join("");
}
