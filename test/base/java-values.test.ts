import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import {
  decodeJavaInt,
  decodeJavaLong,
  javaPath,
  javaSplit,
  javaTrim,
  parseJavaBoolean,
  parseJavaDouble,
  parseJavaInt,
  parseJavaLong,
} from "#base/java-values.ts";

type Text = string | null;
type Oracle = [
  text: string,
  int: Text,
  decodedInt: Text,
  long: Text,
  decodedLong: Text,
  double: Text,
  string,
  string[],
];

const oracles = readFileSync(new URL("fixtures/java-numbers.jsonl", import.meta.url), "utf8")
  .trimEnd()
  .split("\n")
  .map((line) => JSON.parse(line) as Oracle);

const asNumber = (text: Text): number | null => (text === null ? null : Number(text));

describe("values as Java reads them", () => {
  it("takes and refuses the numbers that Java takes and refuses", () => {
    expect(oracles.length).toBeGreaterThan(60);
    for (const [text, int, decodedInt, long, decodedLong, double] of oracles) {
      expect(parseJavaInt(text), text).toBe(asNumber(int));
      expect(decodeJavaInt(text), text).toBe(asNumber(decodedInt));
      expect(parseJavaLong(text), text).toBe(long === null ? null : BigInt(long));
      expect(decodeJavaLong(text), text).toBe(asNumber(decodedLong));
      expect(parseJavaDouble(text), text).toBe(asNumber(double));
    }
  });

  it("trims and splits as Java does", () => {
    for (const [text, , , , , , trimmed, pieces] of oracles) {
      expect(javaTrim(text)).toBe(trimmed);
      expect(javaSplit(text, ":"), text).toEqual(pieces);
    }
  });

  // As java.util.regex.Pattern.split on OpenJDK 17 has it.
  it.each([
    ["", [""]],
    [",", []],
    [",;,", []],
    ["a", ["a"]],
    ["a,", ["a"]],
    [",a", ["", "a"]],
    ["a,,b;,", ["a", "b"]],
  ])("splits %j at runs of separators into %j", (text, pieces) => {
    expect(javaSplit(text, /[,;]+/)).toEqual(pieces);
  });

  it("takes true in any case for true, and nothing else", () => {
    expect(["true", "TRUE", "True", "yes", "1", " true", ""].map((text) => parseJavaBoolean(text))).toEqual([
      true,
      true,
      true,
      false,
      false,
      false,
      false,
    ]);
  });

  it("normalises slashes of a path, and nothing else", () => {
    expect(["/data/", "//a///b//", "/", "./a/../b", "a"].map((path) => javaPath(path))).toEqual([
      "/data",
      "/a/b",
      "/",
      "./a/../b",
      "a",
    ]);
  });
});
