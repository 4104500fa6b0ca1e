/**
 * Where an observer finds its learner master, when followers serve observers: at one voter after the other, in an order of
 * its own, so that many observers spread over all of them. The leader is none.
 * Source: QuorumPeer.updateObserverMasterList, nextObserverMaster.
 */

import type { Random } from "#base/prng.ts";

export class ObserverMasters {
  readonly #random: Random;
  #order: bigint[] = [];
  #next = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  /** How often all of them have been tried before the one that was named last. */
  get round(): number {
    return Math.max(0, Math.floor((this.#next - 1) / this.#order.length));
  }

  /** The next to try; the leader itself where there is no other voter. */
  next(leader: bigint, voters: readonly bigint[]): bigint {
    this.#update(voters);
    for (let tries = 0; tries < this.#order.length; tries++) {
      const sid = this.#order[this.#next++ % this.#order.length]!;
      if (sid !== leader) return sid;
    }
    return leader;
  }

  #update(voters: readonly bigint[]): void {
    const isSame = voters.length === this.#order.length && voters.every((sid) => this.#order.includes(sid));
    if (isSame) return;
    const shuffled = voters.map((sid) => ({ sid, lot: this.#random.next() })).toSorted((a, b) => a.lot - b.lot);
    this.#order = shuffled.map(({ sid }) => sid);
    this.#next = 0;
  }
}
