/**
 * Timers that the test holds: delays are over when it lets time pass, a period when it calls the period's action, a turn
 * when it ends the turn. Nothing here knows the real time.
 */

import type { Timer, Timers } from "#host/timers.ts";

interface Delay {
  readonly atMs: number;
  readonly action: () => void;
}

export class HeldTimers implements Timers {
  /** The actions of periods that have not been cancelled, by length in milliseconds. */
  readonly periods: Map<number, () => void> = new Map();
  #nowMs = 0;
  #delays: Delay[] = [];
  #turnEnds: (() => void)[] = [];

  after(delayMs: number, action: () => void): Timer {
    const delay = { atMs: this.#nowMs + delayMs, action };
    this.#delays.push(delay);
    return { cancel: () => (this.#delays = this.#delays.filter((each) => each !== delay)) };
  }

  every(periodMs: number, action: () => void): Timer {
    this.periods.set(periodMs, action);
    return { cancel: () => this.periods.delete(periodMs) };
  }

  atTurnEnd(action: () => void): void {
    this.#turnEnds.push(action);
  }

  /** Delays that are neither over nor cancelled. */
  get delayCount(): number {
    return this.#delays.length;
  }

  /** Lets time pass; delays end in the order of their times, those that begin meanwhile included. */
  pass(ms: number): void {
    const untilMs = this.#nowMs + ms;
    for (;;) {
      const next = this.#delays.filter(({ atMs }) => atMs <= untilMs).sort((a, b) => a.atMs - b.atMs)[0];
      if (next === undefined) break;
      this.#delays = this.#delays.filter((each) => each !== next);
      this.#nowMs = next.atMs;
      next.action();
    }
    this.#nowMs = untilMs;
  }

  /** Ends this turn; what is put off meanwhile waits for the end of the next. */
  endTurn(): void {
    const actions = this.#turnEnds;
    this.#turnEnds = [];
    for (const action of actions) action();
  }
}
