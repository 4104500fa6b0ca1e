/**
 * Timeouts in bulk: things that expire unless they are touched are kept in buckets, a tick apart, and a whole bucket
 * expires at once. A thing lives from its timeout to its timeout and a tick.
 *
 *   bucket of a touch = (floor((now + timeout) / interval) + 1) * interval      strictly later, on the clock's own grid
 *
 * A touch within the same tick finds the same bucket and does nothing: one comparison, for every request. Once a tick it
 * moves the thing from set to set. There are about timeout / interval buckets, however many things there are; empty ones
 * stay until their time comes, which is at most one timeout away.
 *
 * The queue keeps the bucket in the thing itself (`expiryMs`), so a thing can be in one queue only. Times are
 * milliseconds on the monotonic clock, as doubles.
 * Source: ExpiryQueue.java.
 */

/** A thing with a timeout: a session, or a connection. */
export interface Expirable {
  /** Belongs to the queue: when the thing expires, or {@link notQueued}. */
  expiryMs: number;
}

/** `expiryMs` of a thing that is in no queue. */
export const notQueued = -1;

export class ExpiryQueue<Item extends Expirable> {
  readonly #intervalMs: number;
  readonly #buckets = new Map<number, Set<Item>>();
  /** The next bucket that will expire; no item is in an earlier one. */
  #nextMs: number;
  #size = 0;

  /** @param intervalMs the tick, a positive integer. */
  constructor(intervalMs: number, nowMs: number) {
    this.#intervalMs = intervalMs;
    this.#nextMs = this.#bucketAfter(nowMs);
  }

  /** Number of things that are waiting. */
  get size(): number {
    return this.#size;
  }

  /** Adds the item or restarts its timeout; it may come to expire earlier than before. */
  touch(item: Item, timeoutMs: number, nowMs: number): void {
    const expiryMs = this.#bucketAfter(nowMs + timeoutMs);
    if (expiryMs !== item.expiryMs) this.#move(item, expiryMs);
  }

  /** Takes the item out; does nothing when it is not in. */
  remove(item: Item): void {
    if (item.expiryMs === notQueued) return;
    this.#buckets.get(item.expiryMs)?.delete(item);
    item.expiryMs = notQueued;
    this.#size--;
  }

  /** Takes out and returns what has expired by `nowMs`, earliest bucket first. */
  expire(nowMs: number): Item[] {
    const expired: Item[] = [];
    while (this.#nextMs <= nowMs) {
      if (this.#buckets.size === 0) {
        this.#nextMs = this.#bucketAfter(nowMs);
        break;
      }
      this.#takeBucket(this.#nextMs, expired);
      this.#nextMs += this.#intervalMs;
    }
    return expired;
  }

  /** How long until the next bucket's time, 0 if it has come. */
  waitMs(nowMs: number): number {
    return Math.max(0, this.#nextMs - nowMs);
  }

  /** Calls `visit` for every bucket, empty ones included, earliest first: what `dump` prints. */
  forEachBucket(visit: (expiryMs: number, items: ReadonlySet<Item>) => void): void {
    const times = [...this.#buckets.keys()].sort((a, b) => a - b);
    for (const expiryMs of times) visit(expiryMs, this.#buckets.get(expiryMs)!);
  }

  /** Takes everything out. */
  clear(): void {
    for (const bucket of this.#buckets.values()) for (const item of bucket) item.expiryMs = notQueued;
    this.#buckets.clear();
    this.#size = 0;
  }

  #bucketAfter(timeMs: number): number {
    return (Math.floor(timeMs / this.#intervalMs) + 1) * this.#intervalMs;
  }

  /** `expiryMs` may lie behind us when the caller's clock reading is older than the last {@link expire}. */
  #move(item: Item, wantedMs: number): void {
    const expiryMs = Math.max(wantedMs, this.#nextMs);
    if (item.expiryMs === notQueued) this.#size++;
    else this.#buckets.get(item.expiryMs)?.delete(item);
    let bucket = this.#buckets.get(expiryMs);
    if (bucket === undefined) {
      bucket = new Set();
      this.#buckets.set(expiryMs, bucket);
    }
    bucket.add(item);
    item.expiryMs = expiryMs;
  }

  #takeBucket(expiryMs: number, expired: Item[]): void {
    const bucket = this.#buckets.get(expiryMs);
    if (bucket === undefined) return;
    for (const item of bucket) {
      item.expiryMs = notQueued;
      expired.push(item);
    }
    this.#size -= bucket.size;
    this.#buckets.delete(expiryMs);
  }
}
