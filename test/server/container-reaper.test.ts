/** Which znodes the reaper removes, and at what pace; the clock and the timers are in hand. */

import { describe, expect, test } from "vitest";
import { ContainerReaper, type ReaperOptions } from "#server/container-reaper.ts";
import { HeldTimers } from "../support/held-timers.ts";
import { PipelineHarness, type HarnessConnection } from "../support/pipeline-harness.ts";
import { openAcl } from "../support/wire-frames.ts";

const minute = 60_000;

class Bench {
  readonly harness: PipelineHarness = new PipelineHarness();
  readonly timers: HeldTimers = new HeldTimers();
  readonly removed: string[] = [];
  readonly reaper: ContainerReaper;
  readonly #connection: HarnessConnection = this.harness.connected();

  constructor(options: Partial<ReaperOptions> = {}) {
    this.reaper = new ContainerReaper({
      tree: this.harness.database.tree,
      options: { checkIntervalMs: minute, maxPerMinute: 10_000, maxNeverUsedIntervalMs: 0, ...options },
      clock: { monotonicMs: () => this.harness.nowMs, wallMs: () => this.harness.nowMs },
      timers: this.timers,
      logger: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
      remove: (path) => {
        this.removed.push(path.toString());
        this.harness.reap(path.toString());
        this.harness.durable();
      },
    });
    this.reaper.start();
  }

  create(path: string, type: 1 | 19 | 21, ttlMs = 0n): void {
    const flags = type === 21 ? 5 : 0;
    this.harness.request(this.#connection, { op: "create", type, path, data: "", acl: openAcl, flags, ttlMs });
    this.harness.durable();
  }

  delete(path: string): void {
    this.harness.request(this.#connection, { op: "delete", path, version: -1 });
    this.harness.durable();
  }

  setData(path: string): void {
    this.harness.request(this.#connection, { op: "setData", path, data: "new", version: -1 });
    this.harness.durable();
  }

  pass(ms: number): void {
    this.harness.nowMs += ms;
    this.timers.pass(ms);
  }
}

describe("a container", () => {
  test("goes when it has lost its last child, and not before it had one", () => {
    const bench = new Bench();
    bench.create("/used", 19);
    bench.create("/used/a", 1);
    bench.create("/fresh", 19);
    bench.create("/plain", 1);
    bench.pass(minute);
    expect(bench.removed).toEqual([]);
    bench.delete("/used/a");
    bench.pass(minute);
    expect(bench.removed).toEqual(["/used"]);
    bench.pass(minute);
    expect(bench.removed).toEqual(["/used"]);
  });

  test("that was never used goes after the time set for that", () => {
    const bench = new Bench({ maxNeverUsedIntervalMs: 3 * minute });
    bench.create("/fresh", 19);
    bench.pass(3 * minute);
    expect(bench.removed).toEqual([]);
    bench.pass(minute);
    expect(bench.removed).toEqual(["/fresh"]);
  });

  test("inside one goes before the one around it, which follows at the next check", () => {
    const bench = new Bench();
    bench.create("/outer", 19);
    bench.create("/outer/inner", 19);
    bench.create("/outer/inner/a", 1);
    bench.delete("/outer/inner/a");
    bench.pass(minute);
    expect(bench.removed).toEqual(["/outer/inner"]);
    bench.pass(minute + 10); // the check begins anew when the last removal has had its pause
    expect(bench.removed).toEqual(["/outer/inner", "/outer"]);
  });
});

describe("a TTL znode", () => {
  test("goes when nobody has set it for longer than its time to live", () => {
    const bench = new Bench();
    bench.create("/ttl", 21, BigInt(2 * minute));
    bench.pass(2 * minute);
    expect(bench.removed).toEqual([]);
    bench.setData("/ttl");
    bench.pass(2 * minute);
    expect(bench.removed).toEqual([]);
    bench.pass(minute);
    expect(bench.removed).toEqual(["/ttl"]);
  });

  test("with children stays, however old", () => {
    const bench = new Bench();
    bench.create("/ttl", 21, 1n);
    bench.create("/ttl/a", 1);
    bench.pass(5 * minute);
    expect(bench.removed).toEqual([]);
  });
});

describe("the pace", () => {
  test("is no more than so many in a minute, spread over it", () => {
    const bench = new Bench({ maxPerMinute: 2 });
    for (const path of ["/a", "/b", "/c"]) {
      bench.create(path, 19);
      bench.create(`${path}/x`, 1);
      bench.delete(`${path}/x`);
    }
    bench.pass(minute);
    expect(bench.removed).toEqual(["/a"]);
    bench.pass(minute / 2);
    expect(bench.removed).toEqual(["/a", "/b"]);
    bench.pass(minute / 2);
    expect(bench.removed).toEqual(["/a", "/b", "/c"]);
  });

  test("ends with the reaper", () => {
    const bench = new Bench();
    bench.reaper.stop();
    expect(bench.timers.delayCount).toBe(0);
  });
});
