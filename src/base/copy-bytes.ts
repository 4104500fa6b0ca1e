/**
 * Copying a run of bytes from one buffer into another: names, data, whole records, several times for every request.
 * Byte by byte costs a nanosecond a byte, Buffer's own copy some 23 however long the run is, a subarray and set some 30
 * and an object: hence this threshold.
 */

const shortRunBytesMax = 20;
const copy = Buffer.prototype.copy;

/** Copies `source[start, end)` to `target[at, ...)`, which has the room. */
export function copyBytes(source: Uint8Array, start: number, end: number, target: Uint8Array, at: number): void {
  if (end - start > shortRunBytesMax) {
    copy.call(source, target, at, start, end);
    return;
  }
  for (let from = start, to = at; from < end; from++, to++) target[to] = source[from]!;
}
