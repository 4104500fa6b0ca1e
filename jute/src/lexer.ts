/**
 * Cuts a .jute file into words, marks and quoted file names, and hands each comment to the token it speaks of.
 *
 *   word     letter (letter | digit | "_")*           names and keywords alike; the parser tells them apart
 *   quoted   '"' any character but '"', once or more '"'
 *   mark     { } < > ; , .
 *   between  space, tab, line feed, carriage return, // to the end of the line, / * to * /
 *
 * Comments mean nothing to jute. We keep them because they become documentation: a comment that ends its line after a
 * token is `trailing` of that token; any other belongs to the token that follows it, and counts as `leading` only if no
 * blank line stands between them, so that a licence at the top of a file documents nothing.
 * Source: the token rules of rcc.jj.
 */

import { JuteError, type Position } from "./jute-error.ts";

const marks = ["{", "}", "<", ">", ";", ",", "."] as const;
type Mark = (typeof marks)[number];

export interface Token {
  readonly kind: "word" | "quoted" | Mark | "end";
  /** As written, but a quoted name without its quotes; empty at the end of the file. */
  readonly text: string;
  readonly position: Position;
  /** Lines of the comments directly before this token. */
  readonly leading: readonly string[];
  /** Lines of the comments after this token that end its line. */
  readonly trailing: readonly string[];
}

/**
 * The tokens of `text`; the last one has kind "end".
 * @throws JuteError for a comment or file name that does not end and for a character that begins no token.
 */
export function tokenize(file: string, text: string): Token[] {
  return new Lexer(file, text).run();
}

interface Comment {
  readonly lines: readonly string[];
  readonly firstLine: number;
  readonly lastLine: number;
}

const wordPattern = /[A-Za-z][A-Za-z0-9_]*/y;

class Lexer {
  readonly #file: string;
  readonly #text: string;
  readonly #tokens: Token[] = [];
  #offset = 0;
  #line = 1;
  #lineStart = 0;
  #comments: Comment[] = [];
  #previousLine = 0;

  constructor(file: string, text: string) {
    this.#file = file;
    this.#text = text;
  }

  run(): Token[] {
    for (;;) {
      this.#skipBetween();
      const position = this.#position();
      if (this.#offset === this.#text.length) {
        this.#push("end", "", position);
        return this.#tokens;
      }
      this.#readToken(position);
    }
  }

  #position(): Position {
    return { file: this.#file, line: this.#line, column: this.#offset - this.#lineStart + 1 };
  }

  #skipBetween(): void {
    for (;;) {
      const char = this.#text[this.#offset];
      if (char === " " || char === "\t") this.#offset++;
      else if (char === "\n" || char === "\r") this.#newLine();
      else if (this.#text.startsWith("//", this.#offset)) this.#lineComment();
      else if (this.#text.startsWith("/*", this.#offset)) this.#blockComment();
      else return;
    }
  }

  #newLine(): void {
    this.#offset += this.#text.startsWith("\r\n", this.#offset) ? 2 : 1;
    this.#line++;
    this.#lineStart = this.#offset;
  }

  #advanceTo(offset: number): void {
    while (this.#offset < offset) {
      const char = this.#text[this.#offset];
      if (char === "\n" || char === "\r") this.#newLine();
      else this.#offset++;
    }
  }

  #lineComment(): void {
    const start = this.#offset;
    while (this.#offset < this.#text.length && !"\r\n".includes(this.#text[this.#offset]!)) this.#offset++;
    const line = this.#text
      .slice(start, this.#offset)
      .replace(/^\/+ ?/, "")
      .trimEnd();
    this.#comments.push({ lines: line === "" ? [] : [line], firstLine: this.#line, lastLine: this.#line });
  }

  #blockComment(): void {
    const start = this.#offset;
    const stop = this.#text.indexOf("*/", start + 2);
    if (stop < 0) throw new JuteError(this.#position(), 'this comment does not end: expected "*/"');
    const firstLine = this.#line;
    this.#advanceTo(stop + 2);
    this.#comments.push({ lines: linesOfBlock(this.#text.slice(start, stop)), firstLine, lastLine: this.#line });
  }

  #readToken(position: Position): void {
    const char = this.#text[this.#offset]!;
    const mark = marks.find((candidate) => candidate === char);
    if (mark !== undefined) {
      this.#offset++;
      this.#push(mark, mark, position);
      return;
    }
    if (char === '"') {
      this.#readQuoted(position);
      return;
    }
    wordPattern.lastIndex = this.#offset;
    const word = wordPattern.exec(this.#text)?.[0];
    if (word === undefined) throw new JuteError(position, describeStray(this.#text.codePointAt(this.#offset)!));
    this.#offset += word.length;
    this.#push("word", word, position);
  }

  #readQuoted(position: Position): void {
    const stop = this.#text.indexOf('"', this.#offset + 1);
    if (stop < 0) throw new JuteError(position, "this file name does not end: expected a closing '\"'");
    const name = this.#text.slice(this.#offset + 1, stop);
    if (name === "") throw new JuteError(position, "expected a file name between the quotes");
    this.#advanceTo(stop + 1);
    this.#push("quoted", name, position);
  }

  #push(kind: Token["kind"], text: string, position: Position): void {
    const comments = this.#comments;
    this.#comments = [];
    const trailing: string[] = [];
    const stopLine = kind === "end" ? Infinity : position.line;
    while (comments[0]?.firstLine === this.#previousLine && comments[0].lastLine < stopLine) {
      trailing.push(...comments.shift()!.lines);
    }
    const previous = this.#tokens.pop();
    if (previous !== undefined) this.#tokens.push(trailing.length === 0 ? previous : { ...previous, trailing });
    this.#tokens.push({ kind, text, position, leading: adjacentLines(comments, position.line), trailing: [] });
    this.#previousLine = this.#line;
  }
}

/** Lines of the last comments that reach `line` without a blank line between them. */
function adjacentLines(comments: readonly Comment[], line: number): string[] {
  let first = comments.length;
  let below = line;
  while (first > 0 && comments[first - 1]!.lastLine >= below - 1) {
    first--;
    below = comments[first]!.firstLine;
  }
  return comments.slice(first).flatMap((comment) => comment.lines);
}

/** The text of a block comment, without its marks, the asterisks down its side and blank lines at its ends. */
function linesOfBlock(block: string): string[] {
  const lines = block
    .replace(/^\/\*+/, "")
    .replace(/\*+$/, "")
    .split(/\r\n|\r|\n/)
    .map((line, index) => (index === 0 ? line : line.replace(/^\s*\*+ ?/, "")).trimEnd());
  const indent = Math.min(
    ...lines
      .slice(1)
      .filter((line) => line !== "")
      .map((line) => line.search(/\S/)),
  );
  const text = lines.map((line, index) => (index === 0 ? line.trimStart() : line.slice(Math.min(indent, line.length))));
  while (text[0] === "") text.shift();
  while (text.at(-1) === "") text.pop();
  return text;
}

function describeStray(codePoint: number): string {
  const code = codePoint.toString(16).toUpperCase().padStart(4, "0");
  const char = codePoint > 0x20 && codePoint < 0x7f ? `"${String.fromCodePoint(codePoint)}"` : `U+${code}`;
  return `unexpected character ${char}: a name begins with a letter A-Z or a-z, and the marks are ${marks.join(" ")}`;
}
