/**
 * The last file descriptors of a process, which its files and the other members of its ensemble need: a log or a snapshot that
 * cannot be opened ends a server. Whoever else comes when only these are left is turned away.
 *
 * The kernel gives out the lowest number that is free, so a new one tells how many are taken, at least: nothing needs to be
 * counted. The limit may be raised while the process runs, so it is read again, now and then, when it seems to be near.
 */

const reservedMax = 64;
/** Of a small limit only so much is reserved. */
const reservedShareMax = 0.25;
const readAgainMs = 1000;

export class DescriptorReserve {
  readonly #readLimit: () => number;
  readonly #nowMs: () => number;
  #firstReserved = Number.NEGATIVE_INFINITY;
  #readAtMs = Number.NEGATIVE_INFINITY;

  /** @param readLimit how many descriptors the process may have; -1 when nobody knows. */
  constructor(readLimit: () => number, nowMs: () => number) {
    this.#readLimit = readLimit;
    this.#nowMs = nowMs;
  }

  /** Whether this descriptor, a new one, is one of the last. */
  isTouchedBy(descriptor: number): boolean {
    if (descriptor < this.#firstReserved) return false;
    const nowMs = this.#nowMs();
    if (nowMs - this.#readAtMs >= readAgainMs) {
      this.#readAtMs = nowMs;
      const limit = this.#readLimit();
      this.#firstReserved = limit < 0 ? Infinity : limit - Math.min(reservedMax, Math.floor(limit * reservedShareMax));
    }
    return descriptor >= this.#firstReserved;
  }
}
