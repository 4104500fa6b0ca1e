/**
 * Requests of one connection that wait for earlier writes of the same connection, so that a client reads what it wrote.
 * Their frames are copied (the chunk they came in is borrowed) into one buffer that is rewound whenever nobody waits;
 * beside it run parallel arrays, so that parking costs no object.
 */

import type { Identity } from "#auth/identity.ts";

/** A buffer larger than this is given back when the queue is empty. */
const keptBytesMax = 65536;
const noBytes = Buffer.alloc(0);

export class ParkedRequests {
  #bytes: Buffer = noBytes;
  #used = 0;
  #head = 0;
  readonly #starts: number[] = [];
  readonly #ends: number[] = [];
  /** The request may run once the connection has had this many writes answered. */
  readonly #afterWrites: number[] = [];
  readonly #receivedMs: number[] = [];
  readonly #identities: (readonly Identity[])[] = [];

  get length(): number {
    return this.#starts.length - this.#head;
  }

  /** Copies a frame behind those that wait. */
  push(
    frame: Buffer,
    start: number,
    end: number,
    afterWrites: number,
    receivedMs: number,
    identities: readonly Identity[],
  ): void {
    const length = end - start;
    if (this.#used + length > this.#bytes.length) this.#grow(this.#used + length);
    frame.copy(this.#bytes, this.#used, start, end);
    this.#starts.push(this.#used);
    this.#used += length;
    this.#ends.push(this.#used);
    this.#afterWrites.push(afterWrites);
    this.#receivedMs.push(receivedMs);
    this.#identities.push(identities);
  }

  /** Whether the front request may run. */
  isReady(writesAnswered: number): boolean {
    return this.length > 0 && this.#afterWrites[this.#head]! <= writesAnswered;
  }

  /** The front request: its frame is `bytes[start, end)`, valid until the next push. */
  get bytes(): Buffer {
    return this.#bytes;
  }

  get start(): number {
    return this.#starts[this.#head]!;
  }

  get end(): number {
    return this.#ends[this.#head]!;
  }

  get receivedMs(): number {
    return this.#receivedMs[this.#head]!;
  }

  get identities(): readonly Identity[] {
    return this.#identities[this.#head]!;
  }

  /** Drops the front request. */
  shift(): void {
    this.#head++;
    if (this.#head === this.#starts.length) this.clear();
  }

  clear(): void {
    this.#head = 0;
    this.#used = 0;
    this.#starts.length = 0;
    this.#ends.length = 0;
    this.#afterWrites.length = 0;
    this.#receivedMs.length = 0;
    this.#identities.length = 0;
    if (this.#bytes.length > keptBytesMax) this.#bytes = noBytes;
  }

  #grow(needed: number): void {
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.#bytes.length * 2, 1024));
    this.#bytes.copy(grown, 0, 0, this.#used);
    this.#bytes = grown;
  }
}
