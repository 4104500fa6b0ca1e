/** Numbers from a seed: xorshift, so that a seed tells the whole story on every machine. */

export class Dice {
  #state: number;

  constructor(seed: number) {
    // Neighbouring seeds must not begin alike: the seed's bits are spread before the first throw.
    this.#state = Math.imul(seed | 0, 0x9e3779b1) ^ 0x5bd1e995 || 1;
  }

  /** A number in [0, count). */
  below(count: number): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x;
    return (x >>> 0) % count;
  }

  pick<Item>(items: readonly Item[]): Item {
    return items[this.below(items.length)]!;
  }

  /** True once in `count` throws. */
  isOneIn(count: number): boolean {
    return this.below(count) === 0;
  }

  /** `count` times what `draw` gives. */
  times<Item>(count: number, draw: () => Item): Item[] {
    return Array.from({ length: count }, draw);
  }

  bytes(count: number): Buffer {
    return Buffer.from(this.times(count, () => this.below(256)));
  }
}
