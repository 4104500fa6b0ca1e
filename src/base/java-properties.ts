/**
 * The grammar of `zoo.cfg`, and of configurations that servers send each other: java.util.Properties, to the byte, with the line of each key kept.
 *
 *   file       ISO-8859-1; lines end in LF, CR or CR LF; blank is a space, tab or form feed
 *   comment    a line whose first character after blanks is # or !  (a later # belongs to the value)
 *   logical    natural lines joined wherever one ends in an odd number of backslashes; the backslash and the blanks
 *              that lead the next line are dropped. A comment or empty line is never continued.
 *   entry      key [blanks] [ = or : ] [blanks] value
 *   key        up to the first = : or blank that no backslash escapes; may be empty, as may the value
 *   escape     \t \n \r \f | \u and four hex digits | \x is x for every other character x
 *
 * Always: blanks at the end of a value stay; a key given twice stays twice (the caller lets the last one win, as a
 * hash table does). Quirk kept: a natural line that holds nothing but a backslash leaves the logical line empty, so a
 * comment after it is a comment, although it continues a line.
 * Source: java.util.Properties.LineReader and loadConvert (JDK 17); test/base/fixtures has its own words on it.
 */

import { IllegalArgumentError } from "./errors.ts";

/** One key and its value, unescaped, neither of them trimmed. */
export interface PropertyEntry {
  readonly key: string;
  readonly value: string;
  /** The natural line, 1-based, on which the key begins, and the one on which the value ends. */
  readonly line: number;
  readonly lastLine: number;
}

interface LogicalLine {
  readonly text: string;
  readonly line: number;
  readonly lastLine: number;
}

/**
 * Parses a properties file.
 * @param file its name, for the error only.
 * @returns entries in file order, keys that are given twice included.
 * @throws IllegalArgumentError for a `\u` that four hex digits do not follow.
 */
export function parseJavaProperties(bytes: Uint8Array, file: string): PropertyEntry[] {
  return parseJavaPropertiesText(
    Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1"),
    file,
  );
}

/** The same for what is text already, and may have characters that a file would have to escape. */
export function parseJavaPropertiesText(text: string, file: string): PropertyEntry[] {
  return logicalLines(text).map((logical) => parseEntry(logical, file));
}

function logicalLines(text: string): LogicalLine[] {
  const result: LogicalLine[] = [];
  let at = 0;
  let naturalLine = 1;
  let pending = "";
  let pendingLine = 0;
  let isContinuation = false;
  let continuedAt = 0;
  while (at < text.length) {
    const start = skipBlanks(text, at);
    const end = endOfNaturalLine(text, start);
    const content = text.slice(start, end);
    const isComment = pending === "" && (content.startsWith("#") || content.startsWith("!"));
    if (!isComment && (content !== "" || isContinuation)) {
      if (pending === "") pendingLine = naturalLine;
      isContinuation = endsInOpenBackslash(content);
      if (isContinuation) continuedAt = end - 1;
      pending += isContinuation ? content.slice(0, -1) : content;
      if (!isContinuation) {
        if (pending !== "") result.push({ text: pending, line: pendingLine, lastLine: naturalLine });
        pending = "";
      }
    }
    at = text.startsWith("\r\n", end) ? end + 2 : end + 1;
    naturalLine++;
  }
  // Quirk: a lone backslash that ends the file (one line end may follow) is an entry with an empty key and value.
  const isLoneBackslash = isContinuation && pending === "" && continuedAt >= text.length - 2;
  if (pending !== "" || isLoneBackslash) {
    result.push({ text: pending, line: pendingLine, lastLine: naturalLine - 1 });
  }
  return result;
}

function parseEntry({ text, line, lastLine }: LogicalLine, file: string): PropertyEntry {
  const keyEnd = endOfKey(text);
  let valueStart = skipBlanks(text, keyEnd);
  if (text[valueStart] === "=" || text[valueStart] === ":") valueStart = skipBlanks(text, valueStart + 1);
  const key = unescape(text.slice(0, keyEnd), line, file);
  return { key, value: unescape(text.slice(valueStart), line, file), line, lastLine };
}

function endOfKey(text: string): number {
  for (let i = 0; i < text.length; i++) {
    if (text[i] === "\\") i++;
    else if (text[i] === "=" || text[i] === ":" || isBlank(text[i])) return i;
  }
  return text.length;
}

function unescape(text: string, line: number, file: string): string {
  if (!text.includes("\\")) return text;
  let result = "";
  for (let i = 0; i < text.length; i++) {
    if (text[i] !== "\\") {
      result += text[i]!;
      continue;
    }
    i++;
    const escaped = text[i] ?? "";
    if (escaped === "u") {
      result += String.fromCharCode(codeUnit(text.slice(i + 1, i + 5), line, file));
      i += 4;
    } else {
      result += controlCharacters[escaped] ?? escaped;
    }
  }
  return result;
}

const controlCharacters: Readonly<Record<string, string>> = { t: "\t", n: "\n", r: "\r", f: "\f" };

function codeUnit(digits: string, line: number, file: string): number {
  if (!/^[\da-fA-F]{4}$/.test(digits)) {
    const problem =
      `Error processing ${file}: Malformed \\uxxxx encoding. ` +
      `Valid is \\u and four hexadecimal digits; a backslash of a path is written twice`;
    throw new IllegalArgumentError({ file, line, key: "", problem });
  }
  return Number.parseInt(digits, 16);
}

function isBlank(character: string | undefined): boolean {
  return character === " " || character === "\t" || character === "\f";
}

function skipBlanks(text: string, from: number): number {
  let at = from;
  while (isBlank(text[at])) at++;
  return at;
}

function endOfNaturalLine(text: string, from: number): number {
  let at = from;
  while (at < text.length && text[at] !== "\n" && text[at] !== "\r") at++;
  return at;
}

function endsInOpenBackslash(content: string): boolean {
  let count = 0;
  while (content[content.length - 1 - count] === "\\") count++;
  return count % 2 === 1;
}
