/**
 * The kinds of metric. Each is a handful of plain number fields, so that counting costs the request path an addition:
 * no allocation, no clock, no look-up (a set looks up its key).
 *
 *   kind                printed as
 *   Counter             NAME
 *   Summary             avg_NAME min_NAME max_NAME cnt_NAME sum_NAME
 *   AdvancedSummary     the five, then p50_NAME p95_NAME p99_NAME p999_NAME
 *   CounterSet, SummarySet, AdvancedSummarySet     the same with KEY_NAME for NAME, a line or block per key
 *
 * A summary that was never fed prints zeros: a series that is missing breaks the alerts built on it. Averages print as
 * doubles, everything else as integers. Percentiles come from a uniform reservoir (Vitter's algorithm R): after n
 * values each of them is among the samples with the same probability, however long the server runs.
 * Source: SimpleCounter, AvgMinMaxCounter, AvgMinMaxPercentileCounter and their Set twins; BufferStats; for the
 * percentiles UniformSnapshot of the metrics-core library.
 */

import { roundedAverage } from "./metric-number.ts";
import { type Random, randomBelow } from "./prng.ts";

/** Samples that an advanced summary keeps. */
const reservoirSamplesMax = 4096;

/** Keys of one set. Clients choose them (first components of paths), so there is an end; later keys are not counted. */
export const metricKeysMax = 10_000;

/** One line of a rendering. `isDouble` numbers print with a decimal point even when whole. */
export interface MetricSample {
  readonly name: string;
  readonly value: number;
  readonly isDouble: boolean;
}

/** Any metric; `kind` tells which. */
export type Metric = Counter | CounterSet | Summary | AdvancedSummary | SummarySet | AdvancedSummarySet;

/** Counts events. */
export class Counter {
  readonly kind = "counter";
  readonly name: string;
  #value = 0;

  constructor(name: string) {
    this.name = name;
  }

  get value(): number {
    return this.#value;
  }

  /** Counts `n` more events. */
  increment(n = 1): void {
    this.#value += n;
  }

  reset(): void {
    this.#value = 0;
  }

  samples(): MetricSample[] {
    return [integer(this.name, this.#value)];
  }
}

/** How many values there were, their sum and their extremes. */
export class Summary {
  readonly kind = "summary";
  readonly name: string;
  #count = 0;
  #sum = 0;
  #min = 0;
  #max = 0;

  constructor(name: string) {
    this.name = name;
  }

  get count(): number {
    return this.#count;
  }
  get sum(): number {
    return this.#sum;
  }
  /** Smallest value, 0 before any. */
  get min(): number {
    return this.#min;
  }
  /** Largest value, 0 before any. */
  get max(): number {
    return this.#max;
  }
  /** Mean with four decimals, 0 before any value. */
  get average(): number {
    return roundedAverage(this.#sum, this.#count);
  }

  /** Takes one value; what is behind its decimal point is dropped, as a Java long has none. */
  add(value: number): void {
    const whole = Math.trunc(value);
    if (this.#count === 0) {
      this.#min = whole;
      this.#max = whole;
    } else if (whole < this.#min) {
      this.#min = whole;
    } else if (whole > this.#max) {
      this.#max = whole;
    }
    this.#count++;
    this.#sum += whole;
  }

  reset(): void {
    this.#count = 0;
    this.#sum = 0;
    this.#min = 0;
    this.#max = 0;
  }

  samples(): MetricSample[] {
    return [
      { name: `avg_${this.name}`, value: this.average, isDouble: true },
      integer(`min_${this.name}`, this.#min),
      integer(`max_${this.name}`, this.#max),
      integer(`cnt_${this.name}`, this.#count),
      integer(`sum_${this.name}`, this.#sum),
    ];
  }
}

/**
 * A summary that also knows percentiles, of a sample in which every value has the same chance to be. Which values come into a full
 * sample is not diced for each one: how many are passed over is (Kim-Hung Li, "Reservoir-Sampling Algorithms of Time
 * Complexity O(n(1 + log(N/n)))", 1994, algorithm L). A request has some such metrics, and a fraction that is not
 * inlined is a heap number.
 */
export class AdvancedSummary {
  readonly kind = "advancedSummary";
  readonly #summary: Summary;
  readonly #random: Random;
  /** Made by the first value: most of these metrics belong to a role that a server does not have. */
  #reservoir: Float64Array | null = null;
  /** Largest of the sample's values, if each value had a number in [0, 1) and the sample were those with the smallest. */
  #threshold = 1;
  /** How many values are passed over before one comes into the sample. */
  #passOver = 0;

  constructor(name: string, random: Random) {
    this.#summary = new Summary(name);
    this.#random = random;
  }

  get name(): string {
    return this.#summary.name;
  }
  get count(): number {
    return this.#summary.count;
  }
  get sum(): number {
    return this.#summary.sum;
  }
  /** Smallest value, 0 before any. */
  get min(): number {
    return this.#summary.min;
  }
  /** Largest value, 0 before any. */
  get max(): number {
    return this.#summary.max;
  }
  /** Mean with four decimals, 0 before any value. */
  get average(): number {
    return this.#summary.average;
  }

  /** Takes one value; what is behind its decimal point is dropped. */
  add(value: number): void {
    this.#summary.add(value);
    const { count } = this.#summary;
    if (count > reservoirSamplesMax && this.#passOver > 0) {
      this.#passOver--;
      return;
    }
    this.#reservoir ??= new Float64Array(reservoirSamplesMax);
    const index = count <= reservoirSamplesMax ? count - 1 : randomBelow(reservoirSamplesMax, this.#random);
    this.#reservoir[index] = Math.trunc(value);
    if (count < reservoirSamplesMax) return;
    if (count === reservoirSamplesMax) this.#threshold = 1;
    this.#chooseNext();
  }

  #chooseNext(): void {
    // In (0, 1]: it has a logarithm.
    const dice = (): number => 1 - this.#random.next();
    this.#threshold *= Math.exp(Math.log(dice()) / reservoirSamplesMax);
    this.#passOver = Math.floor(Math.log(dice()) / Math.log1p(-this.#threshold));
  }

  reset(): void {
    this.#summary.reset();
  }

  /** Whole-number percentiles for `quantiles` (each in [0, 1]), 0 before any value. */
  percentiles(quantiles: readonly number[]): number[] {
    if (this.#reservoir === null || this.count === 0) return quantiles.map(() => 0);
    const sorted = this.#reservoir.slice(0, Math.min(this.count, reservoirSamplesMax)).sort();
    return quantiles.map((quantile) => Math.round(interpolated(sorted, quantile)));
  }

  samples(): MetricSample[] {
    const [p50 = 0, p95 = 0, p99 = 0, p999 = 0] = this.percentiles([0.5, 0.95, 0.99, 0.999]);
    const samples = this.#summary.samples();
    samples.push(integer(`p50_${this.name}`, p50), integer(`p95_${this.name}`, p95));
    samples.push(integer(`p99_${this.name}`, p99), integer(`p999_${this.name}`, p999));
    return samples;
  }
}

/** The value at `quantile` of ascending, non-empty `sorted`, between two neighbours where it falls between them. */
function interpolated(sorted: Float64Array, quantile: number): number {
  const position = quantile * (sorted.length + 1);
  const index = Math.floor(position);
  if (index < 1) return sorted[0]!;
  if (index >= sorted.length) return sorted[sorted.length - 1]!;
  const lower = sorted[index - 1]!;
  return lower + (position - index) * (sorted[index]! - lower);
}

/** A counter per key. */
export type CounterSet = MetricSet<Counter>;
/** A summary per key. */
export type SummarySet = MetricSet<Summary>;
/** An advanced summary per key. */
export type AdvancedSummarySet = MetricSet<AdvancedSummary>;

/** A set without keys; `name` follows each key. */
export function newCounterSet(name: string): CounterSet {
  return new MetricSet("counterSet", name, (memberName) => new Counter(memberName));
}

/** A set without keys; `name` follows each key. */
export function newSummarySet(name: string): SummarySet {
  return new MetricSet("summarySet", name, (memberName) => new Summary(memberName));
}

/** A set without keys; `random` chooses what the members' reservoirs keep. */
export function newAdvancedSummarySet(name: string, random: Random): AdvancedSummarySet {
  return new MetricSet("advancedSummarySet", name, (memberName) => new AdvancedSummary(memberName, random));
}

/** A metric per key, made when its key is first seen. A reset zeroes the members and keeps the keys. */
class MetricSet<Member extends Counter | Summary | AdvancedSummary> {
  readonly kind: "counterSet" | "summarySet" | "advancedSummarySet";
  readonly name: string;
  readonly #make: (memberName: string) => Member;
  readonly #byKey = new Map<string, Member>();

  constructor(kind: MetricSet<Member>["kind"], name: string, make: (memberName: string) => Member) {
    this.kind = kind;
    this.name = name;
    this.#make = make;
  }

  /** Counts `n` more events of `key`. */
  increment(this: CounterSet, key: string, n = 1): void {
    this.of(key)?.increment(n);
  }

  /** Takes one value of `key`. */
  add(this: MetricSet<Summary | AdvancedSummary>, key: string, value: number): void {
    this.of(key)?.add(value);
  }

  /** The member of `key`, or null when the set is full. */
  of(key: string): Member | null {
    const known = this.#byKey.get(key);
    if (known !== undefined) return known;
    if (this.#byKey.size >= metricKeysMax) return null;
    const member = this.#make(`${key}_${this.name}`);
    this.#byKey.set(key, member);
    return member;
  }

  reset(): void {
    for (const member of this.#byKey.values()) member.reset();
  }

  /** The members' lines, sorted by key. */
  samples(): MetricSample[] {
    const sorted = [...this.#byKey].sort(([a], [b]) => (a < b ? -1 : 1));
    return sorted.flatMap(([, member]) => member.samples());
  }
}

/** Sizes of buffers that went by: the last and the extremes, -1 before any. ZooKeeper's BufferStats. */
export class BufferStats {
  #last = -1;
  #min = -1;
  #max = -1;

  get last(): number {
    return this.#last;
  }
  get min(): number {
    return this.#min;
  }
  get max(): number {
    return this.#max;
  }

  add(sizeBytes: number): void {
    this.#last = sizeBytes;
    if (this.#min === -1 || sizeBytes < this.#min) this.#min = sizeBytes;
    if (sizeBytes > this.#max) this.#max = sizeBytes;
  }

  reset(): void {
    this.#last = -1;
    this.#min = -1;
    this.#max = -1;
  }
}

function integer(name: string, value: number): MetricSample {
  return { name, value, isDouble: false };
}
