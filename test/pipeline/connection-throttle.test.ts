/** The bucket of tokens and its dice, with the clock and the dice in hand. */

import { describe, expect, test } from "vitest";
import { type ConnectKind, ConnectionThrottle, type ConnectionThrottleOptions } from "#pipeline/connection-throttle.ts";

const off: ConnectionThrottleOptions = {
  tokens: 0,
  fillTimeMs: 1,
  fillCount: 1,
  freezeTimeMs: -1,
  dropIncrease: 0.02,
  dropDecrease: 0.002,
  decreaseRatio: 0,
  weightEnabled: false,
  localSessionWeight: 1,
  globalSessionWeight: 3,
  renewSessionWeight: 2,
};

function newThrottle(options: Partial<ConnectionThrottleOptions>, dice: readonly number[] = [1]): ConnectionThrottle {
  let thrown = 0;
  return new ConnectionThrottle({ ...off, ...options }, { next: () => dice[thrown++ % dice.length]! }, 1000);
}

/** How many of `count` connects at that moment are admitted. */
function admitted(throttle: ConnectionThrottle, count: number, nowMs: number, kind: ConnectKind = "global"): number {
  return Array.from({ length: count }, () => throttle.admit(kind, nowMs)).filter(Boolean).length;
}

describe("the bucket", () => {
  test("admits everybody when it is switched off", () => {
    expect(admitted(newThrottle({}), 100, 1000)).toBe(100);
  });

  test("admits as many as it has tokens, and more as it fills", () => {
    const throttle = newThrottle({ tokens: 5, fillTimeMs: 100, fillCount: 2 });
    expect(admitted(throttle, 10, 1000)).toBe(5);
    expect(throttle.deficit).toBe(5);
    expect(admitted(throttle, 10, 1100)).toBe(0); // not more than a filling time has passed
    expect(admitted(throttle, 10, 1150)).toBe(3); // 150 * 2 / 100
    expect(admitted(throttle, 10, 1_000_000)).toBe(5); // never more than it holds
  });

  test("gives whole tokens only, and what is left of the time is lost", () => {
    const throttle = newThrottle({ tokens: 1, fillTimeMs: 10, fillCount: 1 });
    expect(admitted(throttle, 1, 1000)).toBe(1);
    expect(admitted(throttle, 1, 1019)).toBe(1);
    expect(admitted(throttle, 1, 1029)).toBe(0);
    expect(admitted(throttle, 1, 1030)).toBe(1);
  });

  test("takes three tokens for a session of the ensemble, two for a renewal, one for a local session, where connects have weights", () => {
    const weighted = { tokens: 12, weightEnabled: true, fillTimeMs: 1_000_000 };
    expect(admitted(newThrottle(weighted), 10, 1000)).toBe(4);
    expect(admitted(newThrottle(weighted), 10, 1000, "renewal")).toBe(6);
    expect(admitted(newThrottle(weighted), 20, 1000, "local")).toBe(12);
    const throttle = newThrottle(weighted);
    expect(admitted(throttle, 3, 1000)).toBe(3);
    expect(admitted(throttle, 1, 1000, "renewal")).toBe(1);
    expect(admitted(throttle, 1, 1000, "renewal")).toBe(0); // one token is left
  });
});

describe("the dice", () => {
  const blue = { tokens: 2, fillTimeMs: 1000, fillCount: 2, freezeTimeMs: 10, dropIncrease: 0.5, dropDecrease: 0.25 };

  test("refuse more the longer the bucket is empty, at most once in a freezing time", () => {
    const throttle = newThrottle(blue);
    admitted(throttle, 2, 1000);
    admitted(throttle, 5, 1005);
    expect(throttle.dropProbability).toBe(0);
    admitted(throttle, 5, 1010);
    expect(throttle.dropProbability).toBe(0.5);
    admitted(throttle, 5, 1019);
    expect(throttle.dropProbability).toBe(0.5);
    admitted(throttle, 5, 1100);
    admitted(throttle, 5, 1200);
    expect(throttle.dropProbability).toBe(1);
  });

  test("refuse less when the bucket is full again, and never less than not at all", () => {
    const throttle = newThrottle(blue);
    admitted(throttle, 2, 1000);
    throttle.admit("global", 1010);
    expect(throttle.dropProbability).toBe(0.5);
    for (const nowMs of [10_000, 20_000, 30_000]) throttle.admit("global", nowMs);
    expect(throttle.dropProbability).toBe(0);
  });

  test("refuse a connect for which the bucket has tokens", () => {
    const throttle = newThrottle(blue, [0.4, 0.6]);
    admitted(throttle, 2, 1000);
    throttle.admit("global", 1010);
    expect([throttle.admit("global", 1011), throttle.dropProbability]).toEqual([false, 0.5]);
  });
});
