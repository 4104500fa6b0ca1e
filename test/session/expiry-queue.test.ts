/** Timeouts in buckets, against a twin that keeps a list of deadlines. */

import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ExpiryQueue, notQueued, type Expirable } from "#session/expiry-queue.ts";

interface Item extends Expirable {
  readonly name: string;
}

function item(name: string): Item {
  return { name, expiryMs: notQueued };
}

function names(items: Iterable<Item>): string[] {
  return [...items].map((each) => each.name);
}

describe("the expiry queue", () => {
  test("a timeout ends at the next tick strictly behind it", () => {
    const queue = new ExpiryQueue<Item>(2000, 0);
    const a = item("a");
    queue.touch(a, 4000, 0);
    expect(a.expiryMs).toBe(6000);
    queue.touch(a, 4000, 1999.5);
    expect(a.expiryMs).toBe(6000);
    queue.touch(a, 4000, 2000);
    expect(a.expiryMs).toBe(8000);
  });

  test("nothing expires before its bucket's time, and everything in it then", () => {
    const queue = new ExpiryQueue<Item>(2000, 0);
    queue.touch(item("a"), 4000, 0);
    queue.touch(item("b"), 4000, 1000);
    queue.touch(item("c"), 4000, 2500);
    expect(names(queue.expire(5999.9))).toEqual([]);
    expect(names(queue.expire(6000))).toEqual(["a", "b"]);
    expect(names(queue.expire(7999))).toEqual([]);
    expect(names(queue.expire(8000))).toEqual(["c"]);
    expect(queue.size).toBe(0);
  });

  test("a server that slept for several ticks expires the earliest first", () => {
    const queue = new ExpiryQueue<Item>(1000, 0);
    queue.touch(item("late"), 9000, 0);
    queue.touch(item("early"), 1000, 0);
    expect(names(queue.expire(1_000_000))).toEqual(["early", "late"]);
  });

  test("a shorter timeout can bring the end nearer", () => {
    const queue = new ExpiryQueue<Item>(1000, 0);
    const a = item("a");
    queue.touch(a, 9000, 0);
    queue.touch(a, 2000, 0);
    expect(a.expiryMs).toBe(3000);
    expect(queue.size).toBe(1);
    expect(names(queue.expire(3000))).toEqual(["a"]);
    expect(names(queue.expire(10_000))).toEqual([]);
  });

  test("what was removed does not expire, and may be added again", () => {
    const queue = new ExpiryQueue<Item>(1000, 0);
    const a = item("a");
    queue.touch(a, 1000, 0);
    queue.remove(a);
    queue.remove(a);
    expect([a.expiryMs, queue.size]).toEqual([notQueued, 0]);
    expect(queue.expire(5000)).toEqual([]);
    queue.touch(a, 1000, 5000);
    expect(names(queue.expire(7000))).toEqual(["a"]);
  });

  test("a touch with a clock reading older than the last expiry is not lost", () => {
    const queue = new ExpiryQueue<Item>(1000, 0);
    queue.touch(item("other"), 60_000, 0);
    expect(queue.expire(10_000)).toEqual([]);
    queue.touch(item("a"), 0, 5000);
    expect(names(queue.expire(11_000))).toEqual(["a"]);
  });

  test("the wait is for the next tick, and over when that has come", () => {
    const queue = new ExpiryQueue<Item>(2000, 500);
    expect([queue.waitMs(500), queue.waitMs(1999), queue.waitMs(2000), queue.waitMs(9000)]).toEqual([1500, 1, 0, 0]);
    queue.expire(9000);
    expect(queue.waitMs(9000)).toBe(1000);
  });

  test("buckets are visited in the order of their times", () => {
    const queue = new ExpiryQueue<Item>(1000, 0);
    queue.touch(item("late"), 5000, 0);
    queue.touch(item("early"), 1000, 0);
    const seen: [number, string[]][] = [];
    queue.forEachBucket((expiryMs, items) => seen.push([expiryMs, names(items)]));
    expect(seen).toEqual([
      [2000, ["early"]],
      [6000, ["late"]],
    ]);
  });

  test("clearing takes everything out", () => {
    const queue = new ExpiryQueue<Item>(1000, 0);
    const a = item("a");
    queue.touch(a, 1000, 0);
    queue.clear();
    expect([a.expiryMs, queue.size, queue.expire(9000).length]).toEqual([notQueued, 0, 0]);
  });

  test("lives exactly as long as a list of deadlines says, whatever is touched and removed", () => {
    const step = fc.record({
      passMs: fc.integer({ min: 0, max: 3000 }),
      who: fc.nat(5),
      what: fc.constantFrom("touch", "touch", "remove", "expire"),
      timeoutMs: fc.integer({ min: 0, max: 9000 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.constantFrom(1, 700, 1000, 2000), (steps, tickMs) => {
        let nowMs = 12_345;
        const queue = new ExpiryQueue<Item>(tickMs, nowMs);
        const items = Array.from({ length: 6 }, (_, i) => item(String(i)));
        const deadlines = new Map<string, number>();
        for (const { passMs, who, what, timeoutMs } of steps) {
          nowMs += passMs;
          const due = [...deadlines].filter(([, deadlineMs]) => deadlineMs <= nowMs).map(([name]) => name);
          expect(names(queue.expire(nowMs)).sort()).toEqual(due.sort());
          for (const name of due) deadlines.delete(name);
          const one = items[who]!;
          if (what === "touch") {
            queue.touch(one, timeoutMs, nowMs);
            let deadlineMs = 0;
            while (deadlineMs <= nowMs + timeoutMs) deadlineMs += tickMs;
            deadlines.set(one.name, deadlineMs);
          } else if (what === "remove") {
            queue.remove(one);
            deadlines.delete(one.name);
          }
          expect(queue.size).toBe(deadlines.size);
        }
      }),
      { numRuns: 60 },
    );
  });
});
