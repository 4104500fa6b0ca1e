/** What is asked of a run of the load generator, and what its connections share while it lasts. */

import { SeededRandom } from "#base/prng.ts";
import { LatencyHistogram } from "./histogram.ts";
import { type RequestShape, RequestTemplate } from "./request-template.ts";

export interface LoadPlan {
  /** Connections go to each in turn. */
  readonly ports: readonly number[];
  /** Whose CPU time is read at both ends of the measured time. */
  readonly serverPids: readonly number[];
  /** What is asked for, and how often; the percents sum up to 100. */
  readonly shares: readonly (RequestShape & { readonly percent: number })[];
  /** Znodes addressed: random ones for what reads and changes, each in turn for create and delete. */
  readonly znodes: number;
  readonly connections: number;
  readonly depth: number;
  readonly warmupMs: number;
  readonly measureMs: number;
  /** Ends after this many requests; 0 when the time decides. */
  readonly count: number;
  /** Requests are sent at this rate, while there is room for them; 0: as fast as they are answered. */
  readonly ratePerSecond: number;
}

export class LoadRun {
  readonly plan: LoadPlan;
  readonly templates: readonly RequestTemplate[];
  readonly latency: LatencyHistogram = new LatencyHistogram();
  readonly #done: () => void;
  operations = 0;
  errors = 0;
  isMeasuring = false;
  sent = 0;
  /** The znode of the next create or delete: each number once. */
  #nextIndex = 0;
  readonly #random = new SeededRandom(1);
  #answered = 0;
  #isStopping = false;

  constructor(plan: LoadPlan, done: () => void) {
    this.plan = plan;
    this.templates = plan.shares.map((shape) => new RequestTemplate(shape));
    this.#done = done;
  }

  get isPaced(): boolean {
    return this.plan.ratePerSecond > 0;
  }

  /** A buffer for `depth` requests, filled with those of the only template, if there is only one. */
  emptyOutput(): Buffer {
    const frames = this.templates.map(({ frame }) => frame);
    const output = Buffer.allocUnsafeSlow(this.plan.depth * Math.max(...frames.map(({ length }) => length)));
    return frames.length === 1 ? output.fill(frames[0]!) : output;
  }

  /** Which template comes next. */
  nextKind(): number {
    if (this.templates.length === 1) return 0;
    let at = this.#below(100);
    for (let kind = 0; ; kind++) {
      at -= this.plan.shares[kind]!.percent;
      if (at < 0) return kind;
    }
  }

  /** Which znode the next request from that template is for. */
  nextZnode({ isSequential, paths }: RequestTemplate): number {
    return isSequential ? this.#nextIndex++ : this.#below(this.plan.znodes - paths + 1);
  }

  /** Looks at a reply's length, as it announces it, and its error code. */
  judge({ replyBytes }: RequestTemplate, length: number, error: number): void {
    if (length !== replyBytes || error !== 0) this.errors++;
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
    if (this.#answered === this.sent) this.#done();
  }

  #below(count: number): number {
    return Math.floor(this.#random.next() * count);
  }

  fail(reason: string): never {
    process.stderr.write(`load: ${reason}\n`);
    process.exit(1);
  }
}

/** A frame's length, and the reply header behind it: xid, zxid, err. */
export const replyHeadBytes = 20;
/** Where its error code stands. */
export const replyErrorAt = 16;
