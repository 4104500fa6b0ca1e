/**
 * Adler-32 (RFC 1950, section 8.2): the checksum of ZooKeeper's log records and snapshot seals. It can be continued,
 * which is how a snapshot is summed while it is written in slices. zlib does not export it, and this loop, unrolled by
 * sixteen, is as fast as the memory it reads.
 */

/** Largest run of bytes after which the two sums still fit 32 bits unreduced (RFC 1950's NMAX). */
const runBytesMax = 5552;
const modulus = 65521;

/** Checksum of no bytes. */
export const adler32Start = 1;

/**
 * Continues `sum` over `bytes[start, end)`.
 * @returns the checksum as an unsigned 32-bit number.
 */
export function adler32(sum: number, bytes: Uint8Array, start: number, end: number): number {
  let a = sum & 0xffff;
  let b = sum >>> 16;
  let i = start;
  while (i < end) {
    const stop = end - i > runBytesMax ? i + runBytesMax : end;
    const unrolledStop = stop - 15;
    for (; i < unrolledStop; i += 16) {
      b += a += bytes[i]!;
      b += a += bytes[i + 1]!;
      b += a += bytes[i + 2]!;
      b += a += bytes[i + 3]!;
      b += a += bytes[i + 4]!;
      b += a += bytes[i + 5]!;
      b += a += bytes[i + 6]!;
      b += a += bytes[i + 7]!;
      b += a += bytes[i + 8]!;
      b += a += bytes[i + 9]!;
      b += a += bytes[i + 10]!;
      b += a += bytes[i + 11]!;
      b += a += bytes[i + 12]!;
      b += a += bytes[i + 13]!;
      b += a += bytes[i + 14]!;
      b += a += bytes[i + 15]!;
    }
    for (; i < stop; i++) b += a += bytes[i]!;
    a %= modulus;
    b %= modulus;
  }
  return ((b << 16) | a) >>> 0;
}
