/**
 * Reads jute (see writer.ts for the encoding) from a window of borrowed bytes. Nothing is allocated before a length has
 * been compared with the bytes that are there. Buffers are returned as views of the input: borrowed until the end of
 * the turn, to be copied by whoever keeps them.
 *
 * Java never fails on malformed UTF-8: it puts U+FFFD in its place. Node agrees with the JDK except for surrogates: the
 * three bytes of one (ED A0..BF 80..BF), and its first two where the third is missing, are one U+FFFD in Java and as
 * many as there are bytes in Node. We do as Java does.
 * Source: BinaryInputArchive.java.
 */

/** The bytes do not hold what their record says. A client's request is answered with -5 (MarshallingError). */
export class MarshallingError extends Error {
  readonly code = "MARSHALLING";
}

export class JuteReader {
  bytes: Buffer;
  /** Next byte to read. */
  offset: number;
  /** First byte that does not belong to the window. */
  end: number;
  /** Where {@link readRange} found its bytes; start is -1 for null. */
  rangeStart = 0;
  rangeEnd = 0;

  constructor(bytes: Uint8Array, offset = 0, end: number = bytes.length) {
    this.bytes = asBuffer(bytes);
    this.offset = offset;
    this.end = end;
  }

  /** Points the reader at another window. */
  reset(bytes: Buffer, offset: number, end: number): void {
    this.bytes = bytes;
    this.offset = offset;
    this.end = end;
  }

  get remaining(): number {
    return this.end - this.offset;
  }

  #need(count: number): number {
    const at = this.offset;
    if (count > this.end - at) {
      throw new MarshallingError(`${count} bytes expected at offset ${at}, ${this.end - at} left`);
    }
    this.offset = at + count;
    return at;
  }

  readByte(): number {
    const at = this.#need(1);
    return (this.bytes[at]! << 24) >> 24;
  }

  readBoolean(): boolean {
    return this.bytes[this.#need(1)] !== 0;
  }

  readInt(): number {
    return readInt32(this.bytes, this.#need(4));
  }

  readBigInt(): bigint {
    return this.bytes.readBigInt64BE(this.#need(8));
  }

  readFloat(): number {
    return this.bytes.readFloatBE(this.#need(4));
  }

  readDouble(): number {
    return this.bytes.readDoubleBE(this.#need(8));
  }

  /** A borrowed view of a jute buffer, or null for length -1. */
  readBuffer(): Buffer | null {
    const length = this.#readLength();
    if (length === -1) return null;
    const at = this.#need(length);
    return this.bytes.subarray(at, at + length);
  }

  readString(): string | null {
    const length = this.#readLength();
    if (length === -1) return null;
    const at = this.#need(length);
    return decodeUtf8(this.bytes, at, at + length);
  }

  /**
   * Number of elements of a vector: -1 is null, other negative counts are an empty list as in Java. The count is not
   * trusted: the caller reads element by element until the bytes run out.
   */
  readCount(): number {
    const count = this.readInt();
    return count < -1 ? 0 : count;
  }

  /** Passes over a ustring or buffer and leaves its place in `rangeStart` and `rangeEnd`: no view, no text is made. */
  readRange(): void {
    const length = this.#readLength();
    this.rangeStart = length === -1 ? -1 : this.#need(length);
    this.rangeEnd = this.offset;
  }

  /** Passes over a ustring or buffer. */
  skipBuffer(): void {
    const length = this.#readLength();
    if (length > 0) this.#need(length);
  }

  skip(count: number): void {
    this.#need(count);
  }

  #readLength(): number {
    const length = this.readInt();
    if (length < -1) throw new MarshallingError(`unreasonable length ${length} at offset ${this.offset - 4}`);
    return length;
  }
}

/** The text of `bytes[start, end)` by the JDK's rules for malformed input. */
export function decodeUtf8(bytes: Buffer, start: number, end: number): string {
  const text = bytes.toString("utf8", start, end);
  return text.includes("\ufffd\ufffd") ? decodeSurrogates(bytes, start, end) : text;
}

/** Decodes piece by piece around surrogates, whole or cut short, each of which becomes a single U+FFFD. */
function decodeSurrogates(bytes: Buffer, start: number, end: number): string {
  let text = "";
  let from = start;
  for (let i = start; i + 1 < end; i++) {
    if (bytes[i] !== 0xed || bytes[i + 1]! < 0xa0 || bytes[i + 1]! > 0xbf) continue;
    text += `${bytes.toString("utf8", from, i)}\ufffd`;
    const isWhole = i + 2 < end && (bytes[i + 2]! & 0xc0) === 0x80;
    from = i + (isWhole ? 3 : 2);
    i = from - 1;
  }
  return text + bytes.toString("utf8", from, end);
}

/** The int at `at`, which the caller knows to be there: half the cost of a checked read, and requests are full of them. */
export function readInt32(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
}

/** The same memory as a Buffer. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return bytes instanceof Buffer ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
