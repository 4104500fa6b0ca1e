/**
 * Requests of one connection that wait for earlier writes of the same connection, so that a client reads what it wrote.
 * Their frames are copied (the chunk they came in is borrowed) into one buffer that is rewound whenever nobody waits;
 * beside it run parallel arrays, so that parking costs no object. A client that never pauses always has somebody waiting:
 * then those that wait move to the front now and then, so that what is gone takes no more room than what is there.
 */

import type { Identity } from "#auth/identity.ts";
import type { Client } from "./client.ts";
import type { Incoming } from "./incoming.ts";

/** A buffer larger than this is given back when the queue is empty. */
const keptBytesMax = 65536;
/** Requests that have gone before those that wait are moved into their place. */
const goneMin = 16;
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
  readonly #areThrottled: boolean[] = [];

  get length(): number {
    return this.#starts.length - this.#head;
  }

  /** Copies a request behind those that wait. */
  push(incoming: Incoming, afterWrites: number): void {
    if (this.#head >= goneMin && this.#head >= this.length) this.#moveToFront();
    const { bytes, start, end } = incoming;
    const length = end - start;
    if (this.#used + length > this.#bytes.length) this.#grow(this.#used + length);
    bytes.copy(this.#bytes, this.#used, start, end);
    this.#starts.push(this.#used);
    this.#used += length;
    this.#ends.push(this.#used);
    this.#afterWrites.push(afterWrites);
    this.#receivedMs.push(incoming.receivedMs);
    this.#identities.push(incoming.identities);
    this.#areThrottled.push(incoming.isThrottled);
  }

  /** Whether the front request may run. */
  isReady(writesAnswered: number): boolean {
    return this.length > 0 && this.#afterWrites[this.#head]! <= writesAnswered;
  }

  /** Fills `incoming` with the front request; its bytes are valid until the next push. */
  front(client: Client, incoming: Incoming): void {
    const head = this.#head;
    incoming.client = client;
    incoming.identities = this.#identities[head]!;
    incoming.bytes = this.#bytes;
    incoming.start = this.#starts[head]!;
    incoming.end = this.#ends[head]!;
    incoming.largeBytes = 0;
    incoming.receivedMs = this.#receivedMs[head]!;
    incoming.isThrottled = this.#areThrottled[head]!;
  }

  /** Drops the front request. */
  shift(): void {
    this.#head++;
    if (this.#head === this.#starts.length) this.clear();
  }

  clear(): void {
    this.#head = 0;
    this.#used = 0;
    this.#cutTo(0);
    if (this.#bytes.length > keptBytesMax) this.#bytes = noBytes;
  }

  #moveToFront(): void {
    const head = this.#head;
    const count = this.length;
    const gone = this.#starts[head]!;
    this.#bytes.copyWithin(0, gone, this.#used);
    this.#used -= gone;
    for (let i = 0; i < count; i++) {
      this.#starts[i] = this.#starts[head + i]! - gone;
      this.#ends[i] = this.#ends[head + i]! - gone;
      this.#afterWrites[i] = this.#afterWrites[head + i]!;
      this.#receivedMs[i] = this.#receivedMs[head + i]!;
      this.#identities[i] = this.#identities[head + i]!;
      this.#areThrottled[i] = this.#areThrottled[head + i]!;
    }
    this.#head = 0;
    this.#cutTo(count);
  }

  #cutTo(count: number): void {
    this.#starts.length = count;
    this.#ends.length = count;
    this.#afterWrites.length = count;
    this.#receivedMs.length = count;
    this.#identities.length = count;
    this.#areThrottled.length = count;
  }

  #grow(needed: number): void {
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.#bytes.length * 2, 1024));
    this.#bytes.copy(grown, 0, 0, this.#used);
    this.#bytes = grown;
  }
}

/** What a connection has for which nothing has been parked yet, as most idle ones: the same for all, and always empty. */
export const noneParked: ParkedRequests = new ParkedRequests();
