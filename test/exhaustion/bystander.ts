/**
 * The well-behaved client beside an attack, in a process of its own: a getData and a setData every ten milliseconds, whether
 * the last ones were answered or not, and pings. What it waits is what the attack costs others; a session of its that is
 * gone is a failure of the server. When its connection ends it comes back, to the next port if there are several.
 *
 * Run as `node bystander.ts PORT ...`. A line on standard input is answered with a line of JSON, a
 * {@link BystanderReport} of the time since the last one; it ends with its input.
 */

import { createInterface } from "node:readline";
import { LatencyHistogram } from "../bench/histogram.ts";
import { RefusedError, WireClient } from "../support/wire-client.ts";
import type { BystanderReport } from "./bystander-report.ts";

const everyMs = 10;
const timeoutMs = 12_000;
const pingEveryMs = timeoutMs / 3;
const retryMs = 20;
const root = `/bystander-${process.pid}`;

class Bystander {
  readonly #ports: readonly number[];
  #client: WireClient | null = null;
  #session: WireClient["session"] | undefined;
  #at = 0;
  #latencies = new LatencyHistogram();
  #operations = 0;
  #connectionsLost = 0;
  #sessionsLost = 0;
  /** When the request was due that nobody has answered, since there was no connection. */
  #waitingSinceMs = 0;

  constructor(ports: readonly number[]) {
    this.#ports = ports;
  }

  async begin(): Promise<void> {
    await this.#connect();
    await this.#client!.create(root, "x");
    setInterval(() => this.#ask(), everyMs);
    setInterval(() => void this.#client?.ping().catch(() => undefined), pingEveryMs);
  }

  /** What was asked before counts as well: answers come in the order of the requests. */
  async report(): Promise<BystanderReport> {
    while (
      this.#client === null ||
      !(await this.#client.exists(root).then(
        () => true,
        () => false,
      ))
    )
      await pause();
    const { p50Ms, p99Ms, maxMs } = this.#latencies.summary();
    const { operations, connectionsLost, sessionsLost } = this.#counts;
    this.#latencies = new LatencyHistogram();
    this.#operations = this.#connectionsLost = this.#sessionsLost = 0;
    return { operations, p50Ms, p99Ms, maxMs, connectionsLost, sessionsLost };
  }

  get #counts(): Pick<BystanderReport, "operations" | "connectionsLost" | "sessionsLost"> {
    return {
      operations: this.#operations,
      connectionsLost: this.#connectionsLost,
      sessionsLost: this.#sessionsLost,
    };
  }

  /** What was asked goes unanswered when the connection ends; the wait for the next connection counts instead. */
  #ask(): void {
    const client = this.#client;
    if (client === null) return;
    const fromMs = performance.now();
    void this.#await(client.getData(root), fromMs);
    void this.#await(client.setData(root, String(fromMs)), fromMs);
    // Nobody looks at them.
    client.arrivals.length = 0;
  }

  /** An answer is counted; a connection that is lost is, where it ends; a refusal is nobody's to make. */
  async #await(answer: Promise<unknown>, fromMs: number): Promise<void> {
    try {
      await answer;
      this.#record(fromMs);
    } catch (error) {
      if (error instanceof RefusedError) fail(error.message);
    }
  }

  #record(fromMs: number): void {
    this.#operations++;
    this.#latencies.record(performance.now() - fromMs);
  }

  async #connect(): Promise<void> {
    this.#waitingSinceMs = performance.now();
    while (this.#client === null) {
      const port = this.#ports[this.#at++ % this.#ports.length]!;
      const client = await WireClient.open(port).catch(() => null);
      const answer = (await client?.handshake({ timeoutMs, session: this.#session })) ?? null;
      if (client !== null && answer !== null && answer.timeoutMs > 0) this.#take(client);
      else if (answer !== null) this.#sessionIsGone();
      else await pause();
    }
  }

  #take(client: WireClient): void {
    if (this.#session !== undefined) this.#record(this.#waitingSinceMs);
    this.#client = client;
    this.#session = client.session;
    void client.ended.then(() => {
      this.#client = null;
      this.#connectionsLost++;
      return this.#connect();
    });
  }

  #sessionIsGone(): void {
    this.#sessionsLost++;
    this.#session = undefined;
  }
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, retryMs));
}

function fail(reason: string): never {
  process.stderr.write(`bystander: ${reason}\n`);
  process.exit(1);
}

const bystander = new Bystander(process.argv.slice(2).map(Number));
await bystander.begin();
process.stdout.write("ready\n");
createInterface({ input: process.stdin })
  .on("line", () => void bystander.report().then((report) => process.stdout.write(`${JSON.stringify(report)}\n`)))
  .on("close", () => process.exit(0));
