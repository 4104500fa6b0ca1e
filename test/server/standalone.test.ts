/** A whole server without a port: its disk is in memory, time passes when the test says so, and so do turns. */

import { describe, expect, test } from "vitest";
import { SeededRandom } from "#base/prng.ts";
import { defaultConfig, type ServerConfig } from "#config/server-config.ts";
import { StandaloneServer } from "#server/standalone.ts";
import type { Serving } from "#server/wiring.ts";
import { MemoryLogger } from "../storage/builders.ts";
import { HeldTimers } from "../support/held-timers.ts";
import { MemoryDisk } from "../support/memory-disk.ts";

const tickTimeMs = 2_000;

class Bench {
  readonly disk: MemoryDisk = new MemoryDisk();
  readonly timers: HeldTimers = new HeldTimers();
  readonly logger: MemoryLogger = new MemoryLogger();
  readonly server: StandaloneServer;
  nowMs = 1_000;
  /** Time that passes with each look at the clock. */
  stepMs = 0;

  constructor(changes: Partial<ServerConfig> = {}) {
    const clock = { monotonicMs: (): number => (this.nowMs += this.stepMs), wallMs: (): number => this.nowMs };
    const { disk, timers, logger } = this;
    const wire = {
      listen: () => {
        throw new Error("there is no port");
      },
      connect: () => {
        throw new Error("there is no network");
      },
    };
    this.server = new StandaloneServer({
      config: { ...defaultConfig().config, dataDir: "/d", dataLogDir: "/d", tickTimeMs, clientPort: null, ...changes },
      host: { clock, timers, threads: null, disk, wire, logger, random: new SeededRandom(1), hashSeed: 7 },
      answerWord: () => false,
      exit: (code) => {
        throw new Error(`the server ends with ${code}`);
      },
    });
  }

  async serving(): Promise<Serving> {
    await this.server.start();
    return this.server.serving!;
  }

  /** The time between two looks for sessions that have expired is over. */
  lookForExpired(): void {
    this.timers.periods.get(tickTimeMs / 4)!();
  }

  get expiredCount(): number {
    return this.server.metrics.staleSessionsExpired.value;
  }
}

function openSessions({ database }: Serving, count: number, nowMs: number): void {
  for (let id = 1; id <= count; id++) database.sessions.create(0, id, 10_000, nowMs);
}

describe("a start", () => {
  test("on an empty folder leaves a snapshot there before anything is served", async () => {
    const bench = new Bench();
    await bench.serving();
    expect(bench.disk.names("/d/version-2")).toEqual(["snapshot.0"]);
  });

  test("has the request throttle looked after only where there is one", async () => {
    const off = new Bench();
    await off.serving();
    expect(off.timers.periods.has(off.server.config.requestThrottle.stallTimeMs)).toBe(false);
    const { requestThrottle } = off.server.config;
    const on = new Bench({ requestThrottle: { ...requestThrottle, maxRequests: 10 } });
    await on.serving();
    expect(on.timers.periods.has(requestThrottle.stallTimeMs)).toBe(true);
  });
});

describe("sessions that expire", () => {
  test("all at once are ended in slices, each in a turn of its own", async () => {
    const bench = new Bench();
    openSessions(await bench.serving(), 1_200, bench.nowMs);
    bench.nowMs += 20_000;
    bench.lookForExpired();
    const counts = [bench.expiredCount];
    for (let turn = 0; turn < 3; turn++) {
      bench.timers.endTurn();
      counts.push(bench.expiredCount);
    }
    expect(counts).toEqual([500, 1_000, 1_200, 1_200]);
  });

  test("get four milliseconds of a turn, and at least one of them its end", async () => {
    const bench = new Bench();
    openSessions(await bench.serving(), 9, bench.nowMs);
    bench.nowMs += 20_000;
    const counts: number[] = [];
    for (const stepMs of [1, 2, 10, 10]) {
      bench.stepMs = stepMs;
      if (counts.length === 0) bench.lookForExpired();
      else bench.timers.endTurn();
      counts.push(bench.expiredCount);
    }
    expect(counts).toEqual([4, 6, 7, 8]);
  });

  test("have their end in the log", async () => {
    const bench = new Bench();
    const serving = await bench.serving();
    openSessions(serving, 3, bench.nowMs);
    bench.nowMs += 20_000;
    bench.lookForExpired();
    expect([serving.pipeline.outstanding, serving.log.pendingBytes > 0]).toEqual([3, true]);
  });

  test("are ended no more once the server stops", async () => {
    const bench = new Bench();
    openSessions(await bench.serving(), 1_200, bench.nowMs);
    bench.nowMs += 20_000;
    bench.lookForExpired();
    const isStopped = bench.server.stop();
    bench.timers.endTurn();
    await isStopped;
    expect(bench.expiredCount).toBe(500);
    expect([...bench.timers.periods.keys()]).toEqual([]);
    expect(bench.server.serving).toBeNull();
  });
});

describe("purging", () => {
  test("begins with the start and is repeated as configured", async () => {
    const bench = new Bench({ autopurge: { purgeIntervalHours: 2, snapRetainCount: 3 } });
    await bench.serving();
    expect(bench.logger.lines.map(({ message }) => message)).toContain("Purge task started.");
    expect(bench.timers.periods.has(2 * 3_600_000)).toBe(true);
  });

  test("is left out where no interval is configured, and the log says so", async () => {
    const bench = new Bench({ autopurge: { purgeIntervalHours: 0, snapRetainCount: 3 } });
    await bench.serving();
    const messages = bench.logger.lines.map(({ message }) => message);
    expect(messages).toContain("Purge task is not scheduled.");
    expect(messages).not.toContain("Purge task started.");
  });
});
