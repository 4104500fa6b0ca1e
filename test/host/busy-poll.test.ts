/** When the event loop looks again instead of going to sleep. */

import { describe, expect, test } from "vitest";
import { BusyPoll } from "#host/node/busy-poll.ts";

/** An event loop on a clock that stands still unless it is told to go on. */
class Loop {
  nowMs = 1000;
  readonly #actions: (() => void)[] = [];
  readonly poll = new BusyPoll(
    () => this.nowMs,
    (action) => void this.#actions.push(action),
  );

  get isAwake(): boolean {
    return this.#actions.length > 0;
  }

  read(afterMs: number): void {
    this.nowMs += afterMs;
    this.poll.noteRead();
  }

  /** Turns without input until it would go to sleep. @returns after how long that was, and how many turns. */
  turnUntilAsleep(turnMs = 0.002): { ms: number; turns: number } {
    const fromMs = this.nowMs;
    let turns = 0;
    for (; this.isAwake; turns++) {
      this.nowMs += turnMs;
      this.#actions.shift()!();
    }
    return { ms: this.nowMs - fromMs, turns };
  }
}

describe("the event loop", () => {
  test("sleeps after a read that comes alone", () => {
    const loop = new Loop();
    for (let i = 0; i < 100; i++) {
      loop.read(1);
      expect(loop.isAwake).toBe(false);
    }
  });

  test("looks again for a twentieth of a millisecond after a read that came close behind another", () => {
    const loop = new Loop();
    loop.read(1);
    loop.read(0.06);
    const { ms, turns } = loop.turnUntilAsleep();
    expect(ms).toBeGreaterThanOrEqual(0.05);
    expect(ms).toBeLessThan(0.06);
    expect(turns).toBeGreaterThan(20);
  });

  test("is one loop, however many read in a turn", () => {
    const loop = new Loop();
    for (let i = 0; i < 50; i++) loop.read(0.001);
    const { turns } = loop.turnUntilAsleep(0.01);
    expect(turns).toBeLessThan(8);
  });

  test("stays awake as long as reads keep coming", () => {
    const loop = new Loop();
    for (let i = 0; i < 1000; i++) loop.read(0.02);
    expect(loop.isAwake).toBe(true);
    loop.turnUntilAsleep();
    expect(loop.isAwake).toBe(false);
  });

  test("stops looking when what it looks for does not come, until reads are close again", () => {
    const loop = new Loop();
    for (let i = 0; i < 1000; i++) loop.read(0.02);
    let waits = 0;
    for (; loop.isAwake; waits++) {
      loop.turnUntilAsleep();
      loop.read(1);
    }
    expect(waits).toBe(4);
    loop.read(1);
    expect(loop.isAwake).toBe(false);
    loop.read(0.05);
    expect(loop.isAwake).toBe(true);
  });

  test("waits in vain after a quarter of the reads at most, if they come a little later each time than it waits", () => {
    const loop = new Loop();
    let inVain = 0;
    const reads = 1000;
    for (let i = 0; i < reads; i++) {
      loop.read(0.08);
      if (loop.isAwake) inVain++;
      const fromMs = loop.nowMs;
      loop.turnUntilAsleep();
      loop.nowMs = fromMs;
    }
    expect(inVain / reads).toBeLessThanOrEqual(0.25);
  });
});
