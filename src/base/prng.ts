/**
 * A small seeded generator of numbers (mulberry32) for the places that want spread, not secrecy: snapshot times,
 * reservoir samples, throttling dice. Pure layers are handed one, so that a run repeats from its seed.
 */

/** A source of numbers in [0, 1). */
export interface Random {
  next(): number;
}

/** A whole number from 0 to less than `end`; 0 for 0, without a look at the dice. */
export function randomBelow(end: number, random: Random): number {
  return end > 0 ? Math.floor(random.next() * end) : 0;
}

/** Deterministic {@link Random}: the same seed gives the same numbers. */
export class SeededRandom implements Random {
  #state: number;
  constructor(seed: number) {
    this.#state = seed | 0;
  }
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }
}
