/**
 * Writes jute: ZooKeeper's binary encoding of the wire, the log and the snapshot. Big-endian, no padding, no tags.
 *
 *   boolean  1 byte       int    4 bytes     long   8 bytes
 *   ustring  int byteCount | UTF-8           -1 = null, 0 = empty
 *   buffer   int byteCount | bytes           -1 = null, 0 = empty
 *   vector   int count | elements            -1 = null
 *
 * One writer is one growing buffer that is filled, handed on and filled again. Longs are written as two int32 halves on
 * the request path (`writeLong(high, low)`) and as BigInt at the edges (`writeBigInt`).
 *
 * Kept from Java on purpose: a character outside the basic plane leaves as two three-byte units (CESU-8), because
 * BinaryOutputArchive encodes UTF-16 code units. Strings that came as bytes are copied as bytes and not re-encoded.
 * Source: BinaryOutputArchive.java.
 */

import { copyBytes } from "#base/copy-bytes.ts";

const surrogate = /[\ud800-\udfff]/;

export class JuteWriter {
  /** The buffer; only `[0, length)` is written. Replaced when it grows: never keep a reference over a write. */
  bytes: Buffer;
  view: DataView;
  /** Bytes written so far; set it back to rewind. */
  length = 0;

  constructor(capacityBytes = 1024) {
    this.bytes = Buffer.allocUnsafeSlow(capacityBytes);
    this.view = new DataView(this.bytes.buffer);
  }

  /** Makes room for `count` more bytes. */
  ensure(count: number): void {
    const needed = this.length + count;
    if (needed > this.bytes.length) this.#grow(needed);
  }

  #grow(needed: number): void {
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.bytes.length * 2));
    this.bytes.copy(grown, 0, 0, this.length);
    this.bytes = grown;
    this.view = new DataView(grown.buffer);
  }

  writeByte(value: number): void {
    this.ensure(1);
    this.bytes[this.length++] = value;
  }

  writeBoolean(value: boolean): void {
    this.ensure(1);
    this.bytes[this.length++] = value ? 1 : 0;
  }

  writeInt(value: number): void {
    this.ensure(4);
    this.view.setInt32(this.length, value);
    this.length += 4;
  }

  writeLong(high: number, low: number): void {
    this.ensure(8);
    this.view.setInt32(this.length, high);
    this.view.setInt32(this.length + 4, low);
    this.length += 8;
  }

  writeBigInt(value: bigint): void {
    this.ensure(8);
    this.view.setBigInt64(this.length, value);
    this.length += 8;
  }

  writeFloat(value: number): void {
    this.ensure(4);
    this.view.setFloat32(this.length, value);
    this.length += 4;
  }

  writeDouble(value: number): void {
    this.ensure(8);
    this.view.setFloat64(this.length, value);
    this.length += 8;
  }

  /** A jute buffer: its length, then its bytes; null is length -1. */
  writeBuffer(value: Uint8Array | null): void {
    if (value === null) {
      this.writeInt(-1);
      return;
    }
    this.writeInt(value.length);
    this.writeRaw(value, 0, value.length);
  }

  /** A jute ustring; null is length -1. */
  writeString(value: string | null): void {
    if (value === null) {
      this.writeInt(-1);
      return;
    }
    if (surrogate.test(value)) {
      this.#writeSurrogates(value);
      return;
    }
    this.ensure(4 + value.length * 3);
    const count = this.bytes.write(value, this.length + 4, "utf8");
    this.view.setInt32(this.length, count);
    this.length += 4 + count;
  }

  #writeSurrogates(value: string): void {
    const lengthAt = this.length;
    this.writeInt(0);
    for (let i = 0; i < value.length; i++) {
      const unit = value.charCodeAt(i);
      if (unit < 0x80) {
        this.writeByte(unit);
      } else if (unit < 0x800) {
        this.writeByte(0xc0 | (unit >> 6));
        this.writeByte(0x80 | (unit & 0x3f));
      } else {
        this.writeByte(0xe0 | (unit >> 12));
        this.writeByte(0x80 | ((unit >> 6) & 0x3f));
        this.writeByte(0x80 | (unit & 0x3f));
      }
    }
    this.view.setInt32(lengthAt, this.length - lengthAt - 4);
  }

  /** Copies `source[start, end)` as it is, without a length. */
  writeRaw(source: Uint8Array, start: number, end: number): void {
    const count = end - start;
    this.ensure(count);
    copyBytes(source, start, end, this.bytes, this.length);
    this.length += count;
  }

  /** A copy of what was written. */
  toBytes(): Buffer {
    return Buffer.from(this.bytes.subarray(0, this.length));
  }
}
