/**
 * Adler-32 (RFC 1950, section 8.2): the checksum of ZooKeeper's log records and snapshot seals. It can be continued,
 * which is how a snapshot is summed while it is written in slices. zlib does not export it.
 *
 *   a = 1 + sum of all bytes        b = sum of a after each byte        both modulo 65521
 *
 * Byte by byte, each step waits for the one before. Short runs are taken in two groups of four bytes that do not wait for
 * each other (0.55 ns a byte). Long ones are read in words, each word split into pairs of 16-bit lanes that are added at
 * once (0.3 ns a byte, and a view of the bytes, which short runs would not earn back).
 */

/** Largest run of bytes after which the two sums still fit 32 bits unreduced (RFC 1950's NMAX). */
const runBytesMax = 5552;
const modulus = 65521;
/** From this many bytes on, words are faster, the view and its way to the garbage collector included. */
const wordsBytesMin = 2048;
/** Eight words: the lanes of `sums` take 36 times 510 at most, those of 16 bits would not take sixteen words. */
const blockBytes = 32;
const oddLanes = 0xff00ff;

/** Checksum of no bytes. */
export const adler32Start = 1;

/**
 * Continues `sum` over `bytes[start, end)`.
 * @returns the checksum as an unsigned 32-bit number.
 */
export function adler32(sum: number, bytes: Uint8Array, start: number, end: number): number {
  if (end - start < wordsBytesMin) return overBytes(sum, bytes, start, end);
  const wordsEnd = end - ((end - start) % blockBytes);
  return overBytes(overWords(sum, bytes, start, wordsEnd), bytes, wordsEnd, end);
}

function overBytes(sum: number, bytes: Uint8Array, start: number, end: number): number {
  let a = sum & 0xffff;
  let b = sum >>> 16;
  let i = start;
  for (const unrolledStop = end - 7; i < unrolledStop; i += 8) {
    const c0 = bytes[i]!;
    const c1 = (c0 + bytes[i + 1]!) | 0;
    const c2 = (c1 + bytes[i + 2]!) | 0;
    const c3 = (c2 + bytes[i + 3]!) | 0;
    const d0 = bytes[i + 4]!;
    const d1 = (d0 + bytes[i + 5]!) | 0;
    const d2 = (d1 + bytes[i + 6]!) | 0;
    const d3 = (d2 + bytes[i + 7]!) | 0;
    b = (b + (a << 3) + (c0 + c1 + c2 + c3) + (c3 << 2) + (d0 + d1 + d2 + d3)) | 0;
    a = (a + c3 + d3) | 0;
  }
  for (; i < end; i++) {
    a = (a + bytes[i]!) | 0;
    b = (b + a) | 0;
  }
  return joined(a, b);
}

/**
 * Of a word's bytes d0 d1 d2 d3, `odd` has d1 and d3 in its two lanes, and `pairs` d0 + d1 and d2 + d3. In a block of n
 * words, d0 of the first counts 4n times in b, d1 once less, and so on: four times the sum of what `pairs` has come to
 * after each word, less d1, twice d2 and three times d3.
 */
function overWords(sum: number, bytes: Uint8Array, start: number, end: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let a = sum & 0xffff;
  let b = sum >>> 16;
  for (let i = start; i < end;) {
    const stop = Math.min(end, i + runBytesMax - (runBytesMax % blockBytes));
    while (i < stop) {
      let odds = 0;
      let pairs = 0;
      let sums = 0;
      for (const blockStop = i + blockBytes; i < blockStop; i += 8) {
        const first = view.getInt32(i, true);
        const firstOdd = (first >>> 8) & oddLanes;
        const pairsBetween = (pairs + (first & oddLanes) + firstOdd) | 0;
        const second = view.getInt32(i + 4, true);
        const secondOdd = (second >>> 8) & oddLanes;
        pairs = (pairsBetween + (second & oddLanes) + secondOdd) | 0;
        odds = (odds + firstOdd + secondOdd) | 0;
        sums = (sums + pairsBetween + pairs) | 0;
      }
      const high = pairs >>> 16;
      b = (b + (a << 5) + (((sums & 0xffff) + (sums >>> 16)) << 2) - (odds & 0xffff) - (odds >>> 16) - (high << 1)) | 0;
      a = (a + (pairs & 0xffff) + high) | 0;
    }
    a = (a >>> 0) % modulus;
    b = (b >>> 0) % modulus;
  }
  return joined(a, b);
}

function joined(a: number, b: number): number {
  return ((((b >>> 0) % modulus) << 16) | ((a >>> 0) % modulus)) >>> 0;
}
