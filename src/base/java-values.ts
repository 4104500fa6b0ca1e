/**
 * Values as Java reads them. Two kinds of reader meet in a configuration: the parser's own, which are strict
 * (`Integer.parseInt`: a sign and decimal digits), and those of system properties, which are lenient
 * (`Integer.decode`: also `0x1F`, `#1F` and, to many an operator's surprise, `010` = 8).
 *
 *   strict   [+-] digits
 *   lenient  [+-] ( 0x | 0X | # ) hex digits   |   [+-] 0 octal digits   |   [+-] digits
 *
 * Always: null means that Java would throw NumberFormatException; blanks are never forgiven, callers trim first.
 * Source: java.lang.Integer, java.lang.Long, java.lang.Boolean, java.lang.String.
 */

const intMin = -(2n ** 31n);
const intMax = 2n ** 31n - 1n;
const longMin = -(2n ** 63n);
const longMax = 2n ** 63n - 1n;

/** `String.trim`: strips every character up to U+0020 from both ends, and nothing else (no-break spaces stay). */
export function javaTrim(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && text.charCodeAt(start) <= 0x20) start++;
  while (end > start && text.charCodeAt(end - 1) <= 0x20) end--;
  return text.slice(start, end);
}

/** `Integer.parseInt`: a 32-bit decimal integer, or null. */
export function parseJavaInt(text: string): number | null {
  const value = parseDecimal(text);
  return value === null || value < intMin || value > intMax ? null : Number(value);
}

/** `Long.parseLong`: a 64-bit decimal integer, or null. */
export function parseJavaLong(text: string): bigint | null {
  const value = parseDecimal(text);
  return value === null || value < longMin || value > longMax ? null : value;
}

/** `Long.parseLong(text, 16)`: a 64-bit hexadecimal integer, or null. */
export function parseJavaHexLong(text: string): bigint | null {
  const match = /^([+-]?)([\da-fA-F]+)$/.exec(text);
  if (match === null) return null;
  const magnitude = BigInt(`0x${match[2]}`);
  const value = match[1] === "-" ? -magnitude : magnitude;
  return value < longMin || value > longMax ? null : value;
}

/** `Integer.decode`: a 32-bit integer in decimal, hexadecimal or octal, or null. */
export function decodeJavaInt(text: string): number | null {
  const value = decode(text);
  return value === null || value < intMin || value > intMax ? null : Number(value);
}

/** `Long.decode`, as a double: exact below 2^53 in magnitude, which every limit and time is. */
export function decodeJavaLong(text: string): number | null {
  const value = decode(text);
  return value === null || value < longMin || value > longMax ? null : Number(value);
}

/** `Double.parseDouble` without its hexadecimal form: trims, takes a trailing `d` or `f`, `NaN` and `Infinity`; or null. */
export function parseJavaDouble(text: string): number | null {
  const match = /^([+-]?(?:NaN|Infinity|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?))[dDfF]?$/.exec(javaTrim(text));
  return match === null ? null : Number(match[1]);
}

/** `Boolean.parseBoolean`: true for "true" in any case, false for everything else. */
export function parseJavaBoolean(text: string): boolean {
  return text.toLowerCase() === "true";
}

/**
 * `String.split`: empty pieces at the end are dropped, so that a text of separators only has no piece at all; the empty
 * text, in which no separator is found, is one empty piece. `separator` takes up space and captures nothing.
 */
export function javaSplit(text: string, separator: RegExp | string): string[] {
  const pieces = text.split(separator);
  if (text === "") return pieces;
  while (pieces.at(-1) === "") pieces.pop();
  return pieces;
}

/** `java.io.File.getPath`: repeated slashes become one, a slash at the end is dropped. */
export function javaPath(path: string): string {
  const single = path.replaceAll(/\/{2,}/g, "/");
  return single.length > 1 && single.endsWith("/") ? single.slice(0, -1) : single;
}

function parseDecimal(text: string): bigint | null {
  if (!/^[+-]?\d+$/.test(text)) return null;
  return text.startsWith("+") ? BigInt(text.slice(1)) : BigInt(text);
}

function decode(text: string): bigint | null {
  const match = /^([+-]?)(?:(?:0[xX]|#)([\da-fA-F]+)|0([0-7]+)|(\d+))$/.exec(text);
  if (match === null) return null;
  const [, sign, hex, octal, decimal] = match;
  // A leading zero that octal digits do not follow ("08") is an error in Java, not a decimal number.
  if (decimal !== undefined && decimal.length > 1 && decimal.startsWith("0")) return null;
  const digits = hex === undefined ? (octal === undefined ? decimal! : `0o${octal}`) : `0x${hex}`;
  return sign === "-" ? -BigInt(digits) : BigInt(digits);
}
