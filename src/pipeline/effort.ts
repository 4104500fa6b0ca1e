/**
 * How much work requests have made of a turn, so that nobody gets more than a share of it. A chunk holds two thousand requests,
 * and some cost a thousand times what they say: a count of all descendants, a look through an ACL of thousands of entries.
 * When the share is spent, the connection whose request it was rests: it goes on behind what others have sent meanwhile.
 *
 * Work is counted and not timed: a look at the clock for each request would take one thirtieth of a read, and a run
 * in the simulator would not repeat itself. A unit is some twenty nanoseconds; ordinary requests never come near the limit.
 */

import type { ProviderRegistry } from "#auth/provider-registry.ts";

/** Some five milliseconds. */
const unitsPerTurnMax = 250_000;
const unitsPerRequest = 40;

export class Effort {
  readonly #registry: ProviderRegistry;
  #units = 0;
  #comparisonsBefore = 0;

  constructor(registry: ProviderRegistry) {
    this.#registry = registry;
  }

  /** A turn begins, or a slice of one. */
  begin(): void {
    this.#units = 0;
    this.#comparisonsBefore = this.#registry.comparisons;
  }

  get isSpent(): boolean {
    return this.#units + this.#registry.comparisons - this.#comparisonsBefore > unitsPerTurnMax;
  }

  /** A request that is judged and logged: about as much as it has bytes. */
  addWrite(frameBytes: number): void {
    this.#units += unitsPerRequest + (frameBytes >> 1);
  }

  addRead(frameBytes: number, replyBytes: number): void {
    this.#units += unitsPerRequest + ((frameBytes + replyBytes) >> 5);
  }

  /** Znodes or names that were gone through. */
  addSteps(count: number): void {
    this.#units += count;
  }
}
