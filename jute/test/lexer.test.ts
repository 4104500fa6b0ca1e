import { expect, test } from "vitest";

import { tokenize, type Token } from "../src/lexer.ts";

function kindsAndTexts(text: string): string[] {
  return tokenize("a.jute", text).map((token) =>
    token.kind === token.text ? token.kind : `${token.kind}:${token.text}`,
  );
}

/** Places of the tokens as line:column. */
function places(text: string): string[] {
  return tokenize("a.jute", text).map(({ position }) => `${position.line}:${position.column}`);
}

/** The tokens that have comments, by their texts. */
function comments(text: string): Record<string, Pick<Token, "leading" | "trailing">> {
  return Object.fromEntries(
    tokenize("a.jute", text)
      .filter(({ leading, trailing }) => leading.length + trailing.length > 0)
      .map(({ text: word, leading, trailing }) => [word, { leading, trailing }]),
  );
}

test("words, marks and quoted file names are tokens, and a file ends with an end", () => {
  expect(kindsAndTexts('include "a b.jute" module x.y1_{vector<int>z;}')).toEqual(
    [
      "word:include",
      "quoted:a b.jute",
      "word:module",
      "word:x",
      ".",
      "word:y1_",
      "{",
      "word:vector",
      "<",
      "word:int",
    ].concat([">", "word:z", ";", "}", "end:"]),
  );
  expect(kindsAndTexts("")).toEqual(["end:"]);
});

test("a keyword at the beginning of a longer word is not a keyword", () => {
  expect(kindsAndTexts("byteCount integer")).toEqual(["word:byteCount", "word:integer", "end:"]);
});

test("lines end with LF, CR or CRLF, and a tab is one column", () => {
  expect(places("a\nb\rc\r\n\td")).toEqual(["1:1", "2:1", "3:1", "4:2", "4:3"]);
});

test("comments of any kind stand between tokens and count into their places", () => {
  expect(places("a/* x\n * y */b // c\n/**/d/***/e")).toEqual(["1:1", "2:8", "3:5", "3:11", "3:12"]);
  expect(kindsAndTexts("int/* */x")).toEqual(["word:int", "word:x", "end:"]);
  expect(kindsAndTexts("/* a /* b */ c // d")).toEqual(["word:c", "end:"]);
});

test("a comment belongs to the token that follows it", () => {
  expect(comments("// one\n// two\nx")).toEqual({ x: { leading: ["one", "two"], trailing: [] } });
  expect(comments("/* one */ x")).toEqual({ x: { leading: ["one"], trailing: [] } });
  expect(comments("a; /* of b */ b")).toEqual({ b: { leading: ["of b"], trailing: [] } });
});

test("a comment that ends its line belongs to the token before it", () => {
  expect(comments("a // one\nb")).toEqual({ a: { leading: [], trailing: ["one"] } });
  expect(comments("a // one")).toEqual({ a: { leading: [], trailing: ["one"] } });
  expect(comments("a // one\n// two\nb")).toEqual({
    a: { leading: [], trailing: ["one"] },
    b: { leading: ["two"], trailing: [] },
  });
});

test("a comment with a blank line below it belongs to nothing", () => {
  expect(comments("/* licence */\n\nx")).toEqual({});
  expect(comments("// far\n\n// near\nx")).toEqual({ x: { leading: ["near"], trailing: [] } });
});

test("a block comment loses its marks, its margin and the blank lines at its ends, and keeps its indentation", () => {
  const lines = ["text", "  - indented", "", "last"];
  expect(comments("/**\n * text\n *   - indented\n *\n * last\n */\nx")).toEqual({
    x: { leading: lines, trailing: [] },
  });
  expect(comments("/*\n    text\n      - indented\n\n    last\n*/\nx")).toEqual({
    x: { leading: lines, trailing: [] },
  });
  expect(comments("/* text\n   last */ x")).toEqual({ x: { leading: ["text", "last"], trailing: [] } });
  expect(comments("/**/ /* \n */ // \nx")).toEqual({});
});

test("a comment or file name that does not end is an error at its first character", () => {
  expect(() => tokenize("a.jute", "x\n  /* y\n*")).toThrow('a.jute:2:3: this comment does not end: expected "*/"');
  expect(() => tokenize("a.jute", "/*/")).toThrow("a.jute:1:1: this comment does not end");
  expect(() => tokenize("a.jute", '\n "b.jute')).toThrow(
    "a.jute:2:2: this file name does not end: expected a closing '\"'",
  );
  expect(() => tokenize("a.jute", 'include ""')).toThrow("a.jute:1:9: expected a file name between the quotes");
});

test("a character that begins no token is an error that says what would", () => {
  expect(() => tokenize("a.jute", "int _x;")).toThrow(
    'a.jute:1:5: unexpected character "_": a name begins with a letter A-Z or a-z, and the marks are { } < > ; , .',
  );
  expect(() => tokenize("a.jute", "a\n1")).toThrow('a.jute:2:1: unexpected character "1"');
  expect(() => tokenize("a.jute", "a /")).toThrow('a.jute:1:3: unexpected character "/"');
  expect(() => tokenize("a.jute", "é")).toThrow("a.jute:1:1: unexpected character U+00E9");
  expect(() => tokenize("a.jute", "a \f")).toThrow("a.jute:1:3: unexpected character U+000C");
  expect(() => tokenize("a.jute", "😀")).toThrow("a.jute:1:1: unexpected character U+1F600");
});
