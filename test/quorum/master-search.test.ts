/** Whom a learner connects to, when, and how often. */

import { describe, expect, it } from "vitest";
import { SeededRandom } from "#base/prng.ts";
import { MasterSearch, type Seeker } from "#quorum/master-search.ts";
import { ObserverMasters } from "#quorum/observer-masters.ts";

const limits = {
  tickTimeMs: 1000,
  initLimit: 10,
  connectToLearnerMasterLimit: 0,
  connectRetryMs: 160,
  observerReconnectDelayMs: 1000,
};
const follower: Seeker = { isObserver: false, leader: 3n, voters: [1n, 2n, 3n, 4n] };
const observer: Seeker = { ...follower, isObserver: true };

/** What is tried and when, while every attempt fails after ten milliseconds. */
function attempts(search: MasterSearch, seeker: Seeker, count: number): { sid: bigint; waitedMs: number }[] {
  const found: { sid: bigint; waitedMs: number }[] = [];
  let nowMs = 5000;
  search.begin(seeker, nowMs);
  do {
    found.push({ sid: search.masterSid, waitedMs: search.againMs - nowMs });
    nowMs = search.againMs;
    search.attempted();
    nowMs += 10;
  } while (search.failed(seeker, nowMs) && found.length < count);
  return found;
}

describe("a follower", () => {
  it("tries its leader at once, and again after twice as long each time", () => {
    const found = attempts(new MasterSearch(limits, null, new SeededRandom(1)), follower, 100);
    expect(found.map(({ waitedMs }) => waitedMs)).toEqual([0, 5, 10, 20, 40, 80, ...Array<number>(6).fill(160)]);
    expect(new Set(found.map(({ sid }) => sid))).toEqual(new Set([3n]));
  });

  it("gives up when the time is over", () => {
    const search = new MasterSearch({ ...limits, connectToLearnerMasterLimit: 1 }, null, new SeededRandom(1));
    search.begin(follower, 0);
    expect(search.deadlineMs).toBe(1000);
    search.attempted();
    expect(search.failed(follower, 996)).toBe(false);
  });
});

describe("an observer of the leader's", () => {
  it("waits by lot before it comes back, and is given as much time as others then", () => {
    const waits = Array.from({ length: 50 }, (_, seed) => {
      const search = new MasterSearch(limits, null, new SeededRandom(seed));
      const [first, second] = attempts(search, observer, 2);
      expect(second!.waitedMs).toBe(5);
      expect(search.deadlineMs).toBe(5000 + first!.waitedMs + 10_000);
      return first!.waitedMs;
    });
    expect(Math.min(...waits)).toBeLessThan(200);
    expect(Math.max(...waits)).toBeGreaterThan(800);
    expect(Math.max(...waits)).toBeLessThan(1000);
  });

  it("throws no dice where it is not told to wait", () => {
    const noDice = { next: () => expect.unreachable() };
    const search = new MasterSearch({ ...limits, observerReconnectDelayMs: 0 }, null, noDice);
    expect(attempts(search, observer, 2).map(({ waitedMs }) => waitedMs)).toEqual([0, 5]);
  });
});

describe("an observer of the followers'", () => {
  it("waits by lot once all of them have been tried", () => {
    const search = new MasterSearch(limits, new ObserverMasters(new SeededRandom(7)), new SeededRandom(7));
    const found = attempts(search, observer, 7);
    expect(new Set(found.slice(0, 3).map(({ sid }) => sid))).toEqual(new Set([1n, 2n, 4n]));
    const plain = [0, 5, 10, 20, 40, 80, 160];
    const extra = found.map(({ waitedMs }, at) => waitedMs - plain[at]!);
    expect(extra.map((ms) => ms > 0)).toEqual([false, false, false, true, false, false, true]);
  });

  it("at one voter after the other, but not at the leader, in an order of its own", () => {
    const voters = [1n, 2n, 3n, 4n];
    const orders = Array.from({ length: 20 }, (_, seed) => {
      const masters = new ObserverMasters(new SeededRandom(seed));
      const found = Array.from({ length: 6 }, () => masters.next(3n, voters));
      expect(new Set(found.slice(0, 3))).toEqual(new Set([1n, 2n, 4n]));
      expect(found.slice(3)).toEqual(found.slice(0, 3));
      return found.join();
    });
    expect(new Set(orders).size).toBeGreaterThan(3);
  });

  it("at the leader, where there is no other voter", () => {
    expect(new ObserverMasters(new SeededRandom(1)).next(1n, [1n])).toBe(1n);
  });

  it("anew when the voters are others", () => {
    const masters = new ObserverMasters(new SeededRandom(1));
    masters.next(1n, [1n, 2n]);
    expect([masters.next(1n, [1n, 3n]), masters.next(1n, [1n, 3n])]).toEqual([3n, 3n]);
  });
});
