/**
 * A queue in a ring that grows by doubling: push at the back, shift at the front, both without allocation. An Array's
 * shift moves what is left; here a backlog of thousands costs nothing.
 */

import { assert } from "./assert.ts";

export class Deque<Item> {
  #ring: (Item | undefined)[] = Array.from<Item | undefined>({ length: 16 });
  #head = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(item: Item): void {
    if (this.#length === this.#ring.length) this.#grow();
    this.#ring[(this.#head + this.#length++) & (this.#ring.length - 1)] = item;
  }

  /** The item at `index` from the front. */
  at(index: number): Item {
    assert(index >= 0 && index < this.#length, "a deque is read within its length");
    return this.#ring[(this.#head + index) & (this.#ring.length - 1)] as Item;
  }

  /** Takes the front item; the deque must not be empty. */
  shift(): Item {
    assert(this.#length > 0, "something is taken from a deque that has something");
    const item = this.#ring[this.#head] as Item;
    this.#ring[this.#head] = undefined;
    this.#head = (this.#head + 1) & (this.#ring.length - 1);
    this.#length--;
    return item;
  }

  /** Takes the back item; the deque must not be empty. */
  pop(): Item {
    assert(this.#length > 0, "something is taken from a deque that has something");
    const index = (this.#head + --this.#length) & (this.#ring.length - 1);
    const item = this.#ring[index] as Item;
    this.#ring[index] = undefined;
    return item;
  }

  /** Forgets all items. */
  clear(): void {
    while (this.#length > 0) this.shift();
  }

  #grow(): void {
    const grown = Array.from<Item | undefined>({ length: this.#ring.length * 2 });
    for (let i = 0; i < this.#length; i++) grown[i] = this.#ring[(this.#head + i) & (this.#ring.length - 1)];
    this.#ring = grown;
    this.#head = 0;
  }
}
