/** Bytes that look like nothing in particular, to sum: they differ within 256 of each other and between such stretches. */
export function patterned(length: number): Buffer {
  return Buffer.from(Array.from({ length }, (_, i) => (i * 151 + (i >> 8) * 7 + 200) & 0xff));
}
