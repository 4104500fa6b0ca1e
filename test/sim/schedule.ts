/**
 * Virtual time: events in the order of their times. What is due at once happens in an order that is thrown by dice, and
 * the dice come from a seed: a run repeats itself, event by event. Time in which nothing is due takes no time.
 */

import { SeededRandom } from "#base/prng.ts";

export interface ScheduledEvent {
  isCancelled: boolean;
}

interface Entry extends ScheduledEvent {
  readonly atMs: number;
  readonly order: number;
  readonly action: () => void;
}

export class Schedule {
  /** Since the run began. */
  nowMs = 0;
  readonly #random: SeededRandom;
  readonly #heap: Entry[] = [];

  constructor(seed: number) {
    this.#random = new SeededRandom(seed);
  }

  /** Events that are due one day, the cancelled ones included. */
  get length(): number {
    return this.#heap.length;
  }

  /** Calls `action` in `delayMs`, unless the event is cancelled before. */
  after(delayMs: number, action: () => void): ScheduledEvent {
    const heap = this.#heap;
    const entry = { atMs: this.nowMs + Math.max(delayMs, 0), order: this.#random.next(), action, isCancelled: false };
    heap.push(entry);
    for (let child = heap.length - 1; child > 0;) {
      const parent = (child - 1) >> 1;
      if (!this.#isBefore(child, parent)) break;
      this.#swap(child, parent);
      child = parent;
    }
    return entry;
  }

  /** Runs the next event, if one is due by then. @returns whether one was. */
  step(untilMs: number = Number.POSITIVE_INFINITY): boolean {
    for (;;) {
      const first = this.#heap[0];
      if (first === undefined || first.atMs > untilMs) return false;
      this.#dropFirst();
      if (first.isCancelled) continue;
      this.nowMs = first.atMs;
      first.action();
      return true;
    }
  }

  #dropFirst(): void {
    const heap = this.#heap;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    heap[0] = last;
    for (let parent = 0; ;) {
      const left = parent * 2 + 1;
      let least = parent;
      if (left < heap.length && this.#isBefore(left, least)) least = left;
      if (left + 1 < heap.length && this.#isBefore(left + 1, least)) least = left + 1;
      if (least === parent) return;
      this.#swap(parent, least);
      parent = least;
    }
  }

  #isBefore(a: number, b: number): boolean {
    const left = this.#heap[a]!;
    const right = this.#heap[b]!;
    return left.atMs !== right.atMs ? left.atMs < right.atMs : left.order < right.order;
  }

  #swap(a: number, b: number): void {
    const entry = this.#heap[a]!;
    this.#heap[a] = this.#heap[b]!;
    this.#heap[b] = entry;
  }
}

/** Dice of a seed, one set for each purpose: a run that is cut down keeps its other choices. */
export class Dice {
  readonly #random: SeededRandom;

  constructor(seed: number, purpose: string) {
    let hash = seed | 0;
    for (const character of purpose) hash = Math.imul(hash ^ character.codePointAt(0)!, 0x01000193);
    this.#random = new SeededRandom(hash);
  }

  /** An integer from 0 to `count - 1`. */
  below(count: number): number {
    return Math.floor(this.#random.next() * count);
  }

  /** True once in so many throws. */
  oneIn(count: number): boolean {
    return this.below(count) === 0;
  }

  pick<Item>(items: readonly Item[]): Item {
    return items[this.below(items.length)]!;
  }

  /** A number from 0 up to `max`, small ones more often. */
  skewed(max: number): number {
    return max * this.#random.next() ** 3;
  }

  next(): number {
    return this.#random.next();
  }
}
