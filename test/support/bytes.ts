/**
 * Bytes in wire order, built the slow, obvious way: sizes spelled out, nothing shared with the encoders of src/, so that
 * an encoder's mistake cannot excuse itself.
 *
 *   new Bytes().string("/a").int(-1).build()     0000 0002 2f61 ffff ffff
 */

import type { Acl } from "./wire-frames.ts";

export class Bytes {
  readonly #parts: Buffer[] = [];

  /** The last 8 bits of `value`. */
  byte(value: number): this {
    return this.raw([value]);
  }

  bool(value: boolean): this {
    return this.byte(value ? 1 : 0);
  }

  int(value: number): this {
    const part = Buffer.alloc(4);
    part.writeInt32BE(value);
    return this.raw(part);
  }

  long(value: bigint): this {
    const part = Buffer.alloc(8);
    part.writeBigInt64BE(BigInt.asIntN(64, value));
    return this.raw(part);
  }

  float(value: number): this {
    const part = Buffer.alloc(4);
    part.writeFloatBE(value);
    return this.raw(part);
  }

  double(value: number): this {
    const part = Buffer.alloc(8);
    part.writeDoubleBE(value);
    return this.raw(part);
  }

  /** A jute buffer: length and bytes, or length -1. */
  buffer(value: ArrayLike<number> | null): this {
    return value === null ? this.int(-1) : this.int(value.length).raw(value);
  }

  /** A jute ustring as the protocol means it: UTF-8. */
  string(value: string | null): this {
    return this.buffer(value === null ? null : Buffer.from(value, "utf8"));
  }

  /** A jute ustring as Java writes it: each UTF-16 unit by itself, so that a pair of surrogates takes six bytes. */
  javaString(value: string | null): this {
    return this.buffer(value === null ? null : unitsToBytes(value));
  }

  strings(values: readonly string[]): this {
    this.int(values.length);
    for (const value of values) this.string(value);
    return this;
  }

  acl(entries: readonly Acl[]): this {
    this.int(entries.length);
    for (const entry of entries) this.int(entry.perms).string(entry.scheme).string(entry.id);
    return this;
  }

  /** Hexadecimal digits; blanks between them are for the reader. */
  hex(digits: string): this {
    return this.raw(Buffer.from(digits.replaceAll(/\s/g, ""), "hex"));
  }

  raw(part: ArrayLike<number>): this {
    this.#parts.push(Buffer.from(part));
    return this;
  }

  build(): Buffer {
    return Buffer.concat(this.#parts);
  }
}

/** UTF-8 of each code unit on its own. */
function unitsToBytes(text: string): number[] {
  const bytes: number[] = [];
  for (let i = 0; i < text.length; i++) {
    const bits = text.charCodeAt(i).toString(2);
    if (bits.length <= 7) bytes.push(bitsToByte(bits));
    else if (bits.length <= 11) bytes.push(...spread(bits.padStart(11, "0"), ["110", "10"]));
    else bytes.push(...spread(bits.padStart(16, "0"), ["1110", "10", "10"]));
  }
  return bytes;
}

/** Fills up each prefix to eight bits, from left to right. */
function spread(bits: string, prefixes: readonly string[]): number[] {
  let at = 0;
  return prefixes.map((prefix) => {
    const room = 8 - prefix.length;
    at += room;
    return bitsToByte(prefix + bits.slice(at - room, at));
  });
}

function bitsToByte(bits: string): number {
  return Number.parseInt(bits, 2);
}
