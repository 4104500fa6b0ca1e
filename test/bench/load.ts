/**
 * The load generator: one process, many connections, each keeping `depth` requests in flight. It must cost less than
 * the server it drives, so requests are copies of a template with the xid and the digits of the path overwritten, all
 * requests of a turn leave in one write, and replies are counted by walking over their lengths. A reply counts as good
 * when it has no error and the one length that it can have.
 *
 * Run as `node load.ts PLAN`, with a LoadPlan as JSON; prints a LoadResult as JSON. A plan with a `count` ends when that
 * many requests were answered (filling and clearing); one with `measureMs` warms up, measures for that time, and stops.
 */

import { connect, type Socket } from "node:net";
import { connectRequest } from "../support/wire-client.ts";
import { cpuSeconds } from "../support/server-process.ts";
import { LatencyHistogram, type LatencySummary } from "./histogram.ts";
import { type Operation, RequestTemplate } from "./request-template.ts";

export interface LoadPlan {
  readonly port: number;
  /** Whose CPU time is read at both ends of the measured time. */
  readonly serverPid: number;
  readonly operation: Operation;
  /** Path before the digits; the znodes of a connection are told apart by the digits alone. */
  readonly root: string;
  readonly dataBytes: number;
  /** Znodes addressed: random ones for getData and setData, each in turn for create and delete. */
  readonly znodes: number;
  readonly connections: number;
  readonly depth: number;
  readonly warmupMs: number;
  readonly measureMs: number;
  /** Ends after this many requests; 0 when the time decides. */
  readonly count: number;
}

export interface LoadResult {
  /** Requests answered in the measured time. */
  readonly operations: number;
  /** Requests sent in all, warm-up included. */
  readonly sent: number;
  readonly errors: number;
  readonly seconds: number;
  readonly latency: LatencySummary;
  readonly serverCpuSeconds: number;
  /** CPU seconds of this process for each second measured: near 1, the generator is what is measured. */
  readonly loadCpuShare: number;
}

/** What the connections of a run share. */
class LoadRun {
  readonly plan: LoadPlan;
  readonly template: RequestTemplate;
  readonly latency: LatencyHistogram = new LatencyHistogram();
  readonly #done: () => void;
  operations = 0;
  errors = 0;
  isMeasuring = false;
  sent = 0;
  /** The znode of the next create or delete: each number once. */
  nextIndex = 0;
  #answered = 0;
  #isStopping = false;

  constructor(plan: LoadPlan, done: () => void) {
    this.plan = plan;
    this.template = new RequestTemplate(plan);
    this.#done = done;
  }

  /** How many of `wanted` requests may still be sent. */
  grant(wanted: number): number {
    if (this.#isStopping) return 0;
    const granted = this.plan.count === 0 ? wanted : Math.min(wanted, this.plan.count - this.sent);
    this.sent += granted;
    return granted;
  }

  answered(count: number): void {
    if (this.isMeasuring) this.operations += count;
    this.#answered += count;
    const isComplete = this.plan.count === 0 ? this.#isStopping : this.sent === this.plan.count;
    if (isComplete && this.#answered === this.sent) this.#done();
  }

  /** Sends nothing more; the run is done when what was sent has been answered. */
  stop(): void {
    this.#isStopping = true;
  }
}

/** Where a reply's error code stands, from its length on. */
const errorAt = 16;

class LoadConnection {
  readonly #run: LoadRun;
  readonly #socket: Socket;
  readonly #sentAtMs: Float64Array;
  readonly #input: Buffer = Buffer.allocUnsafe(256 * 1024);
  readonly #output: Buffer[];
  #outputTurn = 0;
  #oldest = 0;
  #newest = 0;
  /** Bytes of an incomplete frame at the start of `#input`. */
  #kept = 0;
  #xid = 0;
  #random: number;
  #onHandshake: (() => void) | null;

  constructor(run: LoadRun, index: number, onHandshake: () => void) {
    this.#run = run;
    this.#random = (index + 1) * 0x9e3779b1;
    this.#onHandshake = onHandshake;
    const { depth, port } = run.plan;
    this.#sentAtMs = new Float64Array(depth);
    // Two in turn: the one before may still be under way to the kernel when the next is filled.
    this.#output = [0, 1].map(() => Buffer.allocUnsafe(depth * run.template.frameBytes));
    const chunk = Buffer.allocUnsafe(64 * 1024);
    this.#socket = connect({
      port,
      host: "127.0.0.1",
      noDelay: true,
      onread: {
        buffer: chunk,
        callback: (count) => {
          this.#take(chunk, count);
          return true;
        },
      },
    });
    this.#socket.on("error", (error) => fail(error.message));
    this.#socket.on("close", () => fail("the server closed a connection"));
    this.#socket.write(connectRequest({ timeoutMs: 40_000 }));
  }

  /** Sends up to `wanted` requests in one write. */
  send(wanted: number, nowMs: number): void {
    const run = this.#run;
    const count = run.grant(wanted);
    if (count === 0) return;
    const { template, plan } = run;
    const output = this.#output[(this.#outputTurn ^= 1)]!;
    for (let i = 0; i < count; i++) {
      template.write(output, i * template.frameBytes, ++this.#xid, this.#pick());
      this.#sentAtMs[this.#newest] = nowMs;
      this.#newest = (this.#newest + 1) % plan.depth;
    }
    this.#socket.write(output.subarray(0, count * template.frameBytes));
  }

  #pick(): number {
    if (this.#run.template.isSequential) return this.#run.nextIndex++;
    let x = this.#random;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#random = x;
    return (x >>> 0) % this.#run.plan.znodes;
  }

  #take(chunk: Buffer, count: number): void {
    chunk.copy(this.#input, this.#kept, 0, count);
    const end = this.#kept + count;
    const input = this.#input;
    const { replyBytes } = this.#run.template;
    let at = 0;
    let replies = 0;
    while (end - at >= 4) {
      const length = input.readInt32BE(at);
      if (end - at - 4 < length) break;
      if (this.#onHandshake !== null) this.#finishHandshake();
      else {
        if (length !== replyBytes || input.readInt32BE(at + errorAt) !== 0) this.#run.errors++;
        replies++;
      }
      at += 4 + length;
    }
    this.#kept = end - at;
    if (this.#kept > 0 && at > 0) input.copyWithin(0, at, end);
    if (replies > 0) this.#answered(replies);
  }

  #finishHandshake(): void {
    const onHandshake = this.#onHandshake;
    this.#onHandshake = null;
    onHandshake?.();
  }

  #answered(replies: number): void {
    const nowMs = performance.now();
    const run = this.#run;
    for (let i = 0; i < replies; i++) {
      if (run.isMeasuring) run.latency.record(nowMs - this.#sentAtMs[this.#oldest]!);
      this.#oldest = (this.#oldest + 1) % run.plan.depth;
    }
    run.answered(replies);
    this.send(replies, nowMs);
  }
}

async function main(plan: LoadPlan): Promise<LoadResult> {
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
  for (const connection of connections) connection.send(plan.depth, startedMs);
  if (plan.count === 0) await after(plan.warmupMs);

  const serverCpuBefore = cpuSeconds(plan.serverPid);
  const ownCpuBefore = process.cpuUsage();
  const fromMs = performance.now();
  run.isMeasuring = true;
  await (plan.count === 0 ? after(plan.measureMs) : finished);
  run.isMeasuring = false;
  const seconds = (performance.now() - fromMs) / 1000;
  const ownCpu = process.cpuUsage(ownCpuBefore);
  const serverCpuSeconds = cpuSeconds(plan.serverPid) - serverCpuBefore;
  if (plan.count === 0) {
    run.stop();
    await finished;
  }
  return {
    operations: run.operations,
    sent: run.sent,
    errors: run.errors,
    seconds,
    latency: run.latency.summary(),
    serverCpuSeconds,
    loadCpuShare: (ownCpu.user + ownCpu.system) / 1e6 / seconds,
  };
}

function after(delayMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, delayMs));
}

function fail(reason: string): never {
  process.stderr.write(`load: ${reason}\n`);
  process.exit(1);
}

const result = await main(JSON.parse(process.argv[2] ?? "{}") as LoadPlan);
process.stdout.write(JSON.stringify(result), () => process.exit(0));
