/**
 * The load generator: one process, many connections, each keeping `depth` requests in flight. It must cost less than
 * the server it drives, or it is what is measured: `loadCpuShare` says so. A reply counts as good when it has no error and the
 * one length that it can have.
 *
 * Run as `node load.ts PLAN`, with a LoadPlan as JSON; prints a LoadResult as JSON. A plan with a `count` ends when that
 * many requests were answered (filling and clearing); one with `measureMs` warms up, measures for that time, and stops.
 */

import { CpuMeter, type CpuReading } from "./cpu-meter.ts";
import type { LatencySummary } from "./histogram.ts";
import { LoadConnection } from "./load-connection.ts";
import { type LoadPlan, LoadRun } from "./load-run.ts";
import { WaitingClient } from "./waiting-client.ts";

export interface LoadResult extends CpuReading {
  /** Requests answered in the measured time. */
  readonly operations: number;
  /** Requests sent in all, warm-up included. */
  readonly sent: number;
  readonly errors: number;
  readonly latency: LatencySummary;
}

/** How often a paced run looks at what is due. */
const paceMs = 1;

async function main(plan: LoadPlan): Promise<LoadResult> {
  const isWaiting = plan.connections === 1 && plan.depth === 1 && plan.ratePerSecond === 0;
  return isWaiting ? waitForEach(plan) : keepInFlight(plan);
}

/** One client that waits for each answer. */
async function waitForEach(plan: LoadPlan): Promise<LoadResult> {
  const run = new LoadRun(plan, () => {});
  const client = await WaitingClient.open(run);
  const forever = Number.POSITIVE_INFINITY;
  if (plan.count === 0) client.work(performance.now() + plan.warmupMs);
  run.isMeasuring = true;
  const meter = new CpuMeter(plan.serverPids);
  if (plan.count === 0) client.work(performance.now() + plan.measureMs);
  else client.work(forever, plan.count);
  return resultOf(run, meter);
}

async function keepInFlight(plan: LoadPlan): Promise<LoadResult> {
  const { promise: finished, resolve: finish } = Promise.withResolvers<void>();
  const run = new LoadRun(plan, finish);
  const connections: LoadConnection[] = [];
  await Promise.all(
    Array.from(
      { length: plan.connections },
      (_, index) => new Promise<void>((resolve) => connections.push(new LoadConnection(run, index, resolve))),
    ),
  );
  if (plan.count !== 0) run.isMeasuring = true;
  const startedMs = performance.now();
  const pace = run.isPaced ? keepPace(run, connections) : null;
  if (!run.isPaced) for (const connection of connections) connection.send(plan.depth, startedMs);
  if (plan.count === 0) await after(plan.warmupMs);
  run.isMeasuring = true;
  const meter = new CpuMeter(plan.serverPids);
  await (plan.count === 0 ? after(plan.measureMs) : finished);
  run.isMeasuring = false;
  const result = resultOf(run, meter);
  clearInterval(pace ?? undefined);
  if (plan.count === 0) {
    run.stop();
    await finished;
  }
  // Which includes what was under way when the time was over.
  return { ...result, sent: run.sent, errors: run.errors };
}

/** What a run has come to, since its meter began. */
function resultOf(run: LoadRun, meter: CpuMeter): LoadResult {
  const { operations, sent, errors, latency } = run;
  return { operations, sent, errors, latency: latency.summary(), ...meter.read() };
}

/** Sends what is due by now, one connection after the other; what finds no room is due at the next look. */
function keepPace(run: LoadRun, connections: readonly LoadConnection[]): NodeJS.Timeout {
  const startMs = performance.now();
  let turn = 0;
  return setInterval(() => {
    const nowMs = performance.now();
    let due = Math.floor(((nowMs - startMs) / 1000) * run.plan.ratePerSecond) - run.sent;
    const share = Math.max(1, Math.ceil(due / connections.length));
    for (let i = 0; i < connections.length && due > 0; i++) {
      const connection = connections[turn++ % connections.length]!;
      const count = Math.min(share, due, connection.room);
      if (count > 0) connection.send(count, nowMs);
      due -= count;
    }
  }, paceMs);
}

function after(delayMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, delayMs));
}

const result = await main(JSON.parse(process.argv[2] ?? "{}") as LoadPlan);
process.stdout.write(JSON.stringify(result), () => process.exit(0));
