/**
 * Path rules on bytes, against a twin that decodes to a string and reads the rule off it, UTF-16 unit by unit.
 */

import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { hasNul, isSpecialPath, lastSlash, parentEnd, validatePath, validatePathWeakly } from "#tree/path.ts";

const before = Buffer.from("//");
const after = Buffer.from("/.\0");

/** Judges `path` in the middle of other bytes, so that a rule that looks outside its range shows. */
function within<Result>(rule: (bytes: Uint8Array, start: number, end: number) => Result, path: Uint8Array): Result {
  return rule(Buffer.concat([before, path, after]), before.length, before.length + path.length);
}

function isValid(path: string | readonly number[]): boolean {
  return within(validatePath, typeof path === "string" ? Buffer.from(path) : Uint8Array.from(path));
}

/** The rule as the reference words it. */
function isValidByTwin(path: Uint8Array): boolean {
  const text = Buffer.from(path).toString("utf8");
  if (text === "/") return true;
  if (!text.startsWith("/") || text.endsWith("/")) return false;
  if (
    text
      .slice(1)
      .split("/")
      .some((component) => ["", ".", ".."].includes(component))
  )
    return false;
  return Array.from({ length: text.length }, (_, i) => text.charCodeAt(i)).every(
    (unit) =>
      !(unit <= 0x1f) &&
      !(unit >= 0x7f && unit <= 0x9f) &&
      !(unit >= 0xd800 && unit <= 0xf8ff) &&
      !(unit >= 0xfff0 && unit <= 0xffff),
  );
}

describe("the full rule", () => {
  test.each([
    "/",
    "/a",
    "/a/b",
    "/...",
    "/a.",
    "/.a",
    "/a..b",
    "/..a",
    "/a../b",
    "/ ",
    "/a b",
    "/\u00a0",
    "/é/漢/\uf900",
  ])("%j is a path", (path) => {
    expect(isValid(path)).toBe(true);
  });

  test.each(["", "a", "a/b", "//", "/a/", "//a", "/a//b", "/.", "/..", "/./a", "/a/.", "/a/..", "/a/../b", "/a\0b"])(
    "%j is not a path",
    (path) => {
      expect(isValid(path)).toBe(false);
    },
  );

  test("a sequence number makes a name of dots legal", () => {
    expect(isValid("/a/..")).toBe(false);
    expect(isValid("/a/..0000000003")).toBe(true);
  });

  test.each([
    ["a control character", 0x1f, 0x20],
    ["a C1 control character", 0x9f, 0xa0],
    ["a private-use character", 0xf8ff, 0xf900],
  ])("%s is the last illegal one before a legal one", (_what, illegal, legal) => {
    expect(isValid(`/${String.fromCharCode(illegal)}`)).toBe(false);
    expect(isValid(`/${String.fromCharCode(legal)}`)).toBe(true);
  });

  test.each([
    ["delete", 0x7e, 0x7f],
    ["surrogates and private use", 0xd7ff, 0xe000],
    ["specials", 0xffef, 0xfff0],
  ])("the range of %s begins right behind a legal character", (_what, legal, illegal) => {
    expect(isValid(`/${String.fromCharCode(legal)}`)).toBe(true);
    expect(isValid(`/${String.fromCharCode(illegal)}`)).toBe(false);
  });

  test("a character beyond the basic plane is illegal", () => {
    expect(isValid("/😀")).toBe(false);
    expect(isValid("/\u{10ffff}")).toBe(false);
  });

  test.each([
    ["a lone continuation byte", [0x80]],
    ["an overlong slash", [0xc0, 0xaf]],
    ["an overlong NUL", [0xc0, 0x80]],
    ["an overlong three-byte form", [0xe0, 0x9f, 0xbf]],
    ["a surrogate in three bytes", [0xed, 0xa0, 0x80]],
    ["a two-byte form cut short", [0xc3]],
    ["a three-byte form cut short", [0xe6, 0xbc]],
    ["a form cut by a slash", [0xe6, 0xbc, 0x2f, 0x61]],
    ["a byte that UTF-8 never has", [0xff]],
  ])("%s is illegal, as the U+FFFD that Java puts in its place", (_what, bytes) => {
    expect(isValid([0x2f, 0x61, ...bytes])).toBe(false);
    expect(isValid([0x2f, ...bytes, 0x61])).toBe(false);
  });

  test("agrees with the twin on every character", () => {
    const wrong: number[] = [];
    for (let point = 0; point <= 0xffff; point++) {
      if (point >= 0xd800 && point <= 0xdfff) continue;
      const path = Buffer.from(`/a${String.fromCharCode(point)}b`);
      if (validatePath(path, 0, path.length) !== isValidByTwin(path)) wrong.push(point);
    }
    expect(wrong).toEqual([]);
  });

  test("agrees with the twin on any bytes", () => {
    const pieces = ["/", "/", ".", "..", "a", "zoo", "é", "漢", "\u0080", "\u00a0", "\uf8ff", "\uf900", "\uffef", "😀"];
    const piece = fc.oneof(
      { weight: 6, arbitrary: fc.constantFrom(...pieces).map((text) => Uint8Array.from(Buffer.from(text))) },
      { weight: 1, arbitrary: fc.uint8Array({ maxLength: 4 }) },
    );
    const path = fc
      .tuple(fc.boolean(), fc.array(piece, { maxLength: 8 }))
      .map(([isRooted, parts]) => Buffer.concat(isRooted ? [Buffer.from("/"), ...parts] : parts));
    fc.assert(
      fc.property(path, (bytes) => {
        expect(within(validatePath, bytes)).toBe(isValidByTwin(bytes));
      }),
      { numRuns: 3000 },
    );
  });
});

describe("the weak rule", () => {
  test.each(["/", "a/b", "//", "/a/", "/../x", "/\uf8ff"])("%j passes", (path) => {
    expect(within(validatePathWeakly, Buffer.from(path))).toBe(true);
  });

  test.each(["", "a", "/a\0", "\0/"])("%j does not", (path) => {
    expect(within(validatePathWeakly, Buffer.from(path))).toBe(false);
  });

  test("exists refuses a NUL and nothing else", () => {
    expect(["a\0", "\0", "", "x", "//"].map((path) => within(hasNul, Buffer.from(path)))).toEqual([
      true,
      true,
      false,
      false,
      false,
    ]);
  });
});

function parentText(path: string): string | null {
  const bytes = Buffer.concat([before, Buffer.from(path), after]);
  const end = parentEnd(bytes, before.length, before.length + path.length);
  return end === -1 ? null : bytes.toString("utf8", before.length, end);
}

describe("parents", () => {
  test.each([
    ["/a/b/c", "/a/b"],
    ["/a/b", "/a"],
    ["/a", "/"],
    ["/", "/"],
    ["/a/", "/a"],
    ["a/b", "a"],
    ["abc", null],
    ["", null],
  ])("the parent of %j is %j", (path, parent) => {
    expect(parentText(path)).toBe(parent);
  });

  test("the last slash is looked for inside the range only", () => {
    expect(within(lastSlash, Buffer.from("abc"))).toBe(-1);
    expect(within(lastSlash, Buffer.from("/a"))).toBe(before.length);
    expect(within(lastSlash, Buffer.from("/a/b"))).toBe(before.length + 2);
  });
});

describe("special paths", () => {
  test.each(["/", "/zookeeper", "/zookeeper/quota", "/zookeeper/config"])("%s cannot be deleted", (path) => {
    expect(within(isSpecialPath, Buffer.from(path))).toBe(true);
  });

  test.each([
    "",
    "a",
    "/zookeepeR",
    "/zookeepers",
    "/zookeeper/",
    "/zookeeper/quotA",
    "/zookeeper/confiG",
    "/zoo/quota",
  ])("%j is not special", (path) => {
    expect(within(isSpecialPath, Buffer.from(path))).toBe(false);
  });
});
