/**
 * Fuzzes one target: takes an input that is known to be worth something, changes it, runs it, and keeps it if it has reached code
 * that none before had.
 *
 *   seeds, corpus -> pick -> change -> repair -> run ---- fault? ----> minimised, written to findings/, told once
 *                     ^                           |
 *                     `---- reached something <---'   asked once for a batch; if so, the batch is halved until the input is found
 *
 * All choices are thrown by dice of one seed. Without coverage the same seed and corpus are the same run, which is how the test suite has it; with
 * it, how soon an input joins the corpus depends on how fast the machine is. A finding is a file and needs neither.
 */

import { SeededRandom } from "#base/prng.ts";
import { type Coverage, includes, type News } from "./coverage.ts";
import { minimise } from "./minimise.ts";
import { below, mutateBytes, pick } from "./mutate-bytes.ts";
import { mutateText } from "./mutate-text.ts";
import type { FuzzTarget } from "./target.ts";
import { type Fault, prepareTrials, tryInput } from "./trial.ts";
import type { Watchdog } from "./watchdog.ts";

/** How long a batch should take, so that asking for coverage does not count. */
const batchMs = 250;
const batchRunsMin = 4;
const batchRunsMax = 512;
/** Of the corpus's last inputs one is taken more often: what it reached has hardly been looked at. */
const recentCount = 16;
/** More would most likely be the same again. */
const findingsMax = 12;
/** Runs to make an input smaller: one that people will look at, and one of many that are kept. */
const findingAttemptsMax = 600;
const corpusAttemptsMax = 60;
const repairedShare = 0.85;
/** How much V8's heap may grow, after it was tidied up. */
const heapGrowthBytesMax = 256 << 20;
const heapLookMs = 5_000;

export interface Finding {
  readonly fault: Fault;
  readonly input: Buffer;
}

export class Fuzzer {
  readonly target: FuzzTarget;
  readonly findings: Finding[] = [];
  /** Inputs that are worth being changed. */
  readonly corpus: Buffer[];
  runCount = 0;
  readonly #dice: SeededRandom;
  readonly #coverage: Coverage | null;
  readonly #watchdog: Watchdog | null;
  readonly #words: readonly Buffer[];
  readonly #faultKeys = new Set<string>();
  #batchRuns = batchRunsMin;
  #heapBytesAtFirst = 0;

  /** @param parts.corpus what is in the tree for the target, beside its seeds. */
  constructor(
    target: FuzzTarget,
    parts: { seed: number; corpus: readonly Buffer[]; coverage: Coverage | null; watchdog: Watchdog | null },
  ) {
    this.target = target;
    this.corpus = [...target.seeds(), ...parts.corpus];
    this.#dice = new SeededRandom(parts.seed);
    this.#coverage = parts.coverage;
    this.#watchdog = parts.watchdog;
    this.#words = (target.words ?? []).map((word) => Buffer.from(word as Buffer));
    prepareTrials();
  }

  /** Runs all that is in the corpus, as it is. */
  async replay(): Promise<void> {
    for (const input of this.corpus) await this.#run(input);
    this.#coverage?.take(true);
  }

  /** Fuzzes until that many runs are done or that moment has come. */
  async fuzz(limit: { runs: number; untilMs: number }): Promise<void> {
    this.#heapBytesAtFirst = heapBytes();
    let heapLookAtMs = performance.now() + heapLookMs;
    const lastRun = this.runCount + limit.runs;
    while (this.runCount < lastRun && performance.now() < limit.untilMs) {
      await this.#batch(Math.min(this.#batchRuns, lastRun - this.runCount));
      if (performance.now() < heapLookAtMs) continue;
      heapLookAtMs += heapLookMs;
      this.#lookAtHeap();
    }
  }

  async #batch(count: number): Promise<void> {
    const inputs = Array.from({ length: count }, () => this.#newInput());
    const startMs = performance.now();
    for (const input of inputs) await this.#run(input);
    const ms = Math.max(performance.now() - startMs, 0.1);
    this.#batchRuns = Math.min(Math.max(Math.round((count * batchMs) / ms), batchRunsMin), batchRunsMax);
    const coverage = this.#coverage;
    if (coverage === null || coverage.take(false) === null) return;
    const sizeBefore = this.corpus.length;
    await this.#findNews(inputs, coverage);
    if (this.corpus.length > sizeBefore) return;
    // Reached once and not again (a timer of V8's own, a first call): known from now on.
    for (const input of inputs) await this.#run(input);
    coverage.take(true);
  }

  /** One or more of the inputs have reached something: those join the corpus. */
  async #findNews(inputs: readonly Buffer[], coverage: Coverage): Promise<void> {
    if (inputs.length === 1) {
      await this.#run(inputs[0]!);
      if (coverage.take(true) !== null) this.corpus.push(inputs[0]!);
      return;
    }
    const middle = inputs.length >> 1;
    for (const half of [inputs.slice(0, middle), inputs.slice(middle)]) {
      for (const input of half) await this.#run(input);
      if (coverage.take(false) !== null) await this.#findNews(half, coverage);
    }
  }

  #newInput(): Buffer {
    const { corpus, target } = this;
    const dice = this.#dice;
    const isRecent = dice.next() < 0.3;
    const from = isRecent ? Math.max(0, corpus.length - recentCount) : 0;
    const parent = corpus[from + below(dice, corpus.length - from)]!;
    const sources = { dice, corpus, words: this.#words };
    const mutate = target.kind === "text" ? mutateText : mutateBytes;
    const input = mutate(parent, sources, target.bytesMax);
    return target.repair !== undefined && dice.next() < repairedShare ? target.repair(input) : input;
  }

  async #run(input: Buffer): Promise<void> {
    this.runCount++;
    this.#watchdog?.begins(input);
    const fault = await tryInput(this.target, input);
    if (fault === null || this.#faultKeys.has(fault.key) || this.findings.length >= findingsMax) return;
    this.#faultKeys.add(fault.key);
    const smaller = await minimise(input, findingAttemptsMax, async (candidate) => {
      this.#watchdog?.begins(candidate);
      return (await tryInput(this.target, candidate))?.key === fault.key;
    });
    this.findings.push({ fault, input: smaller });
  }

  #lookAtHeap(): void {
    if (heapBytes() - this.#heapBytesAtFirst <= heapGrowthBytesMax) return;
    globalThis.gc?.();
    const grownBytes = heapBytes() - this.#heapBytesAtFirst;
    if (grownBytes <= heapGrowthBytesMax || this.#faultKeys.has("heap")) return;
    this.#faultKeys.add("heap");
    const text = `the heap has grown by ${grownBytes} bytes in ${this.runCount} runs`;
    this.findings.push({ fault: { kind: "memory", key: "heap", text }, input: pick(this.#dice, this.corpus) });
  }
}

/** What V8 and buffers take. */
function heapBytes(): number {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/**
 * Of inputs that are about to be kept, those that reach what the others do not: smallest first, each made smaller while it
 * still reaches it.
 * @param known what need not be reached again.
 */
export async function distil(
  target: FuzzTarget,
  coverage: Coverage,
  inputs: { readonly known: readonly Buffer[]; readonly found: readonly Buffer[] },
): Promise<Buffer[]> {
  for (const input of inputs.known) await tryInput(target, input);
  coverage.take(true);
  const kept: Buffer[] = [];
  const newsOf = async (input: Buffer): Promise<News | null> => {
    coverage.skip();
    return (await tryInput(target, input)) === null ? coverage.take(false) : null;
  };
  for (const input of inputs.found.toSorted((a, b) => a.length - b.length)) {
    const news = await newsOf(input);
    if (news === null) continue;
    const smaller = await minimise(input, corpusAttemptsMax, async (candidate) => {
      const again = await newsOf(candidate);
      return again !== null && includes(again, news);
    });
    coverage.skip();
    await tryInput(target, smaller);
    coverage.take(true);
    kept.push(smaller);
  }
  return kept;
}
