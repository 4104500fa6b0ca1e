/**
 * Sessions of the ensemble that have ended lately. Where there are local sessions a leader takes a session that it does not know for one
 * of a learner's own; but what a learner had sent for one that was everybody's may still be on its way when it has ended
 * elsewhere. ZooKeeper carries that out, behind the end of its session.
 *
 *   recent   ids since the last turn-over        after each period these become the earlier ones,
 *   earlier  ids of the period before it         and those before are forgotten
 */

import { LongMap } from "#base/long-map.ts";

export class EndedSessions {
  #recent = new LongMap<true>();
  #earlier = new LongMap<true>();
  #turnsOverAtMs = Number.NEGATIVE_INFINITY;
  readonly #periodMs: number;

  /** @param periodMs how long they are remembered, at least: nothing is on its way for longer. */
  constructor(periodMs: number) {
    this.#periodMs = periodMs;
  }

  add(idHigh: number, idLow: number, nowMs: number): void {
    if (nowMs >= this.#turnsOverAtMs) {
      this.#earlier = this.#recent;
      this.#recent = new LongMap();
      this.#turnsOverAtMs = nowMs + this.#periodMs;
    }
    this.#recent.set(idHigh, idLow, true);
  }

  has(idHigh: number, idLow: number): boolean {
    return this.#recent.get(idHigh, idLow) === true || this.#earlier.get(idHigh, idLow) === true;
  }
}
