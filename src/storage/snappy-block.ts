/**
 * Raw snappy blocks, expanded. A block is its expanded length as a varint, then elements:
 *
 *   tag ......00   a literal of tag >> 2, plus 1, bytes; from 60 on, 1 to 4 bytes hold that number
 *   tag ......01   a copy of 4 to 11 bytes, from 1 to 2,047 bytes back
 *   tag ......10   a copy of 1 to 64 bytes, from up to 65,535 bytes back
 *   tag ......11   the same, with an offset of four bytes
 *
 * A copy may reach into what it writes itself: 4 bytes from 1 byte back repeat that byte. snappyjs, which compresses for us, does not
 * come back from a literal whose length has its highest bit set, and takes blocks that end too early.
 * Source: google/snappy, format_description.txt.
 */

const varintBitsMax = 32;

/**
 * @param bytesMax the longest that it may be when it is expanded.
 * @throws Error that says what is wrong, and where.
 */
export function expandSnappyBlock(block: Buffer, bytesMax: number): Buffer {
  const { length, bodyStart } = expandedLength(block);
  if (length > bytesMax) throw new Error(`a snappy block of ${length} bytes, of ${bytesMax} at most`);
  const out = Buffer.allocUnsafe(length);
  let at = bodyStart;
  let end = 0;
  while (at < block.length) {
    const start = at;
    const tag = block[at++]!;
    let count: number;
    if ((tag & 3) === 0) {
      count = tag >>> 2;
      if (count >= 60) {
        const countBytes = count - 59;
        if (at + countBytes > block.length) throw wrongAt(start);
        count = block.readUIntLE(at, countBytes);
        at += countBytes;
      }
      count++;
      if (count > block.length - at || count > length - end) throw wrongAt(start);
      block.copy(out, end, at, at + count);
      at += count;
    } else {
      const offsetBytes = (tag & 3) === 3 ? 4 : tag & 3;
      if (at + offsetBytes > block.length) throw wrongAt(start);
      let offset = block.readUIntLE(at, offsetBytes);
      at += offsetBytes;
      count = (tag >>> 2) + 1;
      if (offsetBytes === 1) {
        count = ((tag >>> 2) & 7) + 4;
        offset += (tag >>> 5) << 8;
      }
      if (offset === 0 || offset > end || count > length - end) throw wrongAt(start);
      copyBack(out, end, offset, count);
    }
    end += count;
  }
  if (end !== length) throw new Error(`a snappy block of ${length} bytes that has ${end}`);
  return out;
}

function expandedLength(block: Buffer): { length: number; bodyStart: number } {
  let length = 0;
  for (let at = 0, bits = 0; at < block.length && bits < varintBitsMax; at++, bits += 7) {
    const byte = block[at]!;
    length += (byte & 0x7f) * 2 ** bits;
    if (byte < 0x80) return { length, bodyStart: at + 1 };
  }
  throw wrongAt(0);
}

/** Byte by byte where it reads what it has just written. */
function copyBack(out: Buffer, end: number, offset: number, count: number): void {
  if (offset >= count) {
    out.copy(out, end, end - offset, end - offset + count);
    return;
  }
  for (let index = end; index < end + count; index++) out[index] = out[index - offset]!;
}

function wrongAt(offset: number): Error {
  return new Error(`a snappy block that is wrong at ${offset}`);
}
