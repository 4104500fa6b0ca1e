/**
 * What a reader of frames carries over: bytes of a frame that is not all there yet, as they come in pieces.
 *
 *   bytes  | dropped | [start, end) carried | room |
 *
 * Dropping from the front costs nothing; what is left moves to the beginning when the room behind it does not do for the
 * next piece. Room grows as bytes arrive, by doubling, never for a length that was only announced. An emptied one keeps
 * its room, up to a limit, and a pool hands such ones to whoever comes next: a server that is sent large values would
 * otherwise allocate twice the size of each, and spend a third of its CPU on the garbage collector.
 */

import { assert } from "./assert.ts";

/** An emptied buffer larger than this is given back to the system. */
const keptBytesMax = 1 << 20;
/** Emptied ones that a pool keeps. */
const pooledMax = 16;
const noBytes: Buffer = Buffer.alloc(0);

export class CarriedBytes {
  /** Only `[start, end)` is carried. Replaced when it grows; written over once it was dropped. */
  bytes: Buffer = noBytes;
  start = 0;
  end = 0;

  get length(): number {
    return this.end - this.start;
  }

  /** Puts a copy of `source[start, end)` behind what is carried. */
  append(source: Buffer, start: number, end: number): void {
    const count = end - start;
    if (this.end + count > this.bytes.length) this.#makeRoom(count);
    source.copy(this.bytes, this.end, start, end);
    this.end += count;
  }

  /** Forgets the first `count` bytes. */
  drop(count: number): void {
    assert(count <= this.length, "no more is dropped than is carried");
    this.start += count;
    if (this.start === this.end) this.clear();
  }

  clear(): void {
    this.start = 0;
    this.end = 0;
    if (this.bytes.length > keptBytesMax) this.bytes = noBytes;
  }

  #makeRoom(count: number): void {
    const { bytes, start, end } = this;
    const needed = end - start + count;
    const target = needed <= bytes.length ? bytes : Buffer.allocUnsafeSlow(Math.max(needed, bytes.length * 2));
    bytes.copy(target, 0, start, end);
    this.bytes = target;
    this.start = 0;
    this.end = needed - count;
  }
}

/** Emptied ones, for connections of which few carry anything at any time. */
export class CarriedBytesPool {
  readonly #free: CarriedBytes[] = [];

  take(): CarriedBytes {
    return this.#free.pop() ?? new CarriedBytes();
  }

  /** Takes one back, whatever it carries. */
  give(carried: CarriedBytes): void {
    carried.clear();
    if (this.#free.length < pooledMax) this.#free.push(carried);
  }
}
