/**
 * What clients were sent and do not take, all connections of a port together. A slow client is not read from, which bounds
 * what it has asked for; but events come by themselves, and reads before a write are answered before it. So one connection
 * may grow beyond that for as long as all together are few, and when they are many those go that are sent even more.
 */

/** Unsent bytes of one connection beyond which it is slow: it is not read until they have left. */
export const slowBytesMin: number = 4 << 20;
/** Beyond this a connection is sent more only while there is room for all. */
const greedyBytesMin = 16 << 20;
/** Room for all. */
const unsentBytesMax = 256 << 20;

export class UnsentBytes {
  #total = 0;

  /** A connection has this many bytes, and had that many. */
  change(fromBytes: number, toBytes: number): void {
    this.#total += toBytes - fromBytes;
  }

  /** Whether a connection that had this many bytes, and was sent more, is too much. */
  isTooMuch(hadBytes: number): boolean {
    return hadBytes > greedyBytesMin && this.#total > unsentBytesMax;
  }
}
