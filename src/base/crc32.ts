/**
 * CRC-32 (the polynomial of zlib and of java.util.zip.CRC32), which ZooKeeper's tree digest sums over each znode's
 * path, data and stat. The state can be kept and continued: a znode keeps the state after path and data, so that a
 * change of its stat costs sixty bytes and not the whole of its data. Eight tables let the loop eat eight bytes a step;
 * that beats a call into zlib for the hundred or two bytes that a znode has. Long runs go to zlib.
 */

import { crc32 as zlibCrc32 } from "node:zlib";

const tables = buildTables();
const table0 = tables[0]!;
const table1 = tables[1]!;
const table2 = tables[2]!;
const table3 = tables[3]!;
const table4 = tables[4]!;
const table5 = tables[5]!;
const table6 = tables[6]!;
const table7 = tables[7]!;

/** From this many bytes on, the call into zlib is cheaper than our loop. */
const zlibBytesMin = 512;

/**
 * Continues `crc` over `bytes[start, end)`.
 * @param crc 0 to begin, else an earlier result.
 * @returns an int32; `>>> 0` gives the unsigned value.
 */
export function crc32(crc: number, bytes: Uint8Array, start: number, end: number): number {
  if (end - start >= zlibBytesMin) return zlibCrc32(bytes.subarray(start, end), crc >>> 0) | 0;
  let c = ~crc;
  let i = start;
  for (const stop = end - 7; i < stop; i += 8) {
    c ^= bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24);
    c =
      table7[c & 0xff]! ^
      table6[(c >>> 8) & 0xff]! ^
      table5[(c >>> 16) & 0xff]! ^
      table4[c >>> 24]! ^
      table3[bytes[i + 4]!]! ^
      table2[bytes[i + 5]!]! ^
      table1[bytes[i + 6]!]! ^
      table0[bytes[i + 7]!]!;
  }
  for (; i < end; i++) c = table0[(c ^ bytes[i]!) & 0xff]! ^ (c >>> 8);
  return ~c;
}

function buildTables(): Int32Array[] {
  const base = new Int32Array(256);
  for (let n = 0; n < 256; n++) {
    let c = n;
    for (let bit = 0; bit < 8; bit++) c = c & 1 ? (c >>> 1) ^ 0xedb88320 : c >>> 1;
    base[n] = c;
  }
  const result = [base];
  for (let k = 1; k < 8; k++) {
    const previous = result[k - 1]!;
    const next = new Int32Array(256);
    for (let n = 0; n < 256; n++) next[n] = base[previous[n]! & 0xff]! ^ (previous[n]! >>> 8);
    result.push(next);
  }
  return result;
}
