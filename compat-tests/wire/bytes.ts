/**
 * Jute bytes, slow and obvious: every function gives a new Buffer, and a record is the concatenation of its fields in the
 * order of the protocol's tables. Nothing here shares code with the server, so an encoder's mistake cannot excuse itself.
 *
 *   int 4 bytes | long 8 bytes | bool 1 byte | ustring and buffer: int length (-1 = null), bytes | vector: int count, items
 */

export function int(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value | 0);
  return bytes;
}

export function long(value: bigint | number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(BigInt.asIntN(64, BigInt(value)));
  return bytes;
}

export function bool(value: boolean): Buffer {
  return Buffer.from([value ? 1 : 0]);
}

/** A jute buffer, or a ustring given as raw bytes; null is length -1. */
export function buffer(value: Uint8Array | null): Buffer {
  return value === null ? int(-1) : Buffer.concat([int(value.length), value]);
}

/** A ustring; a Buffer gives its bytes as they are, to send what is not UTF-8. */
export function ustring(value: string | Uint8Array | null): Buffer {
  return buffer(typeof value === "string" ? Buffer.from(value, "utf8") : value);
}

/** A vector of already encoded items; null is count -1. */
export function vector(items: readonly Buffer[] | null): Buffer {
  return items === null ? int(-1) : Buffer.concat([int(items.length), ...items]);
}

export function record(...fields: readonly Buffer[]): Buffer {
  return Buffer.concat(fields);
}

/** A body behind its length word. */
export function frame(body: Uint8Array): Buffer {
  return Buffer.concat([int(body.length), body]);
}

/** Bytes of hexadecimal digits; blanks are for the reader. */
export function hex(text: string): Buffer {
  return Buffer.from(text.replaceAll(/\s/g, ""), "hex");
}
