/** What was measured, as medians with their extremes, as ratios, beside what must be reached, and as a table. */

import { execFileSync } from "node:child_process";
import { cpus, release, totalmem } from "node:os";
import type { BenchOptions, Measured, Measurement } from "./bench.ts";
import { etcdVersion } from "./etcd-process.ts";
import { floors } from "./floors.ts";

export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export interface Summary {
  readonly shape: string;
  readonly metric: string;
  readonly ours: Spread | null;
  readonly reference: Spread | null;
  readonly etcd: Spread | null;
  /** Ours over the reference's median. */
  readonly ratio: number | null;
  /** What must be reached, in words; "" when nothing must. */
  readonly floor: string;
  readonly isReached: boolean;
}

/** Machine, kernel, runtimes and commit: without them a figure means nothing. */
export function machine(options: BenchOptions): Record<string, string> {
  const { rounds, measureMs, folder, entry } = options;
  return {
    cpu: `${cpus().length} x ${cpus()[0]?.model ?? "unknown"}`,
    memory: `${(totalmem() / 2 ** 30).toFixed(1)} GiB`,
    kernel: release(),
    filesystem: output("stat", ["-f", "-c", "%T", folder]),
    node: process.version,
    java: output("sh", ["-c", "java -version 2>&1"]).split("\n")[0] ?? "none",
    etcd: etcdVersion() ?? "not installed, or no Go for its load generator",
    commit: output("git", ["describe", "--always", "--dirty"]),
    ours: entry === undefined ? "from source" : "as it is installed",
    command: ["npm run bench --", ...process.argv.slice(2).map(quoted)].join(" "),
    measured: `${rounds} alternating rounds of ${measureMs / 1000} s, forceSync=yes`,
  };
}

/** As a shell takes it. */
function quoted(word: string): string {
  return /^[\w./=-]+$/.test(word) ? word : `"${word}"`;
}

function output(command: string, args: string[]): string {
  try {
    return execFileSync(command, args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
  } catch {
    return "unknown";
  }
}

export function summarize(measurements: readonly Measurement[]): Summary[] {
  const summaries: Summary[] = [];
  for (const shape of new Set(measurements.map((measurement) => measurement.shape))) {
    const own = measurements.filter((measurement) => measurement.shape === shape);
    for (const metric of new Set(own.flatMap(({ values }) => Object.keys(values)))) {
      const ours = spread(own, "ours", metric);
      const reference = spread(own, "reference", metric);
      const ratio = ours === null || reference === null ? null : ours.median / reference.median;
      const etcd = spread(own, "etcd", metric);
      summaries.push({ shape, metric, ours, reference, etcd, ratio, ...judge(shape, metric, ours, ratio) });
    }
  }
  return summaries;
}

function spread(measurements: readonly Measurement[], server: Measured, metric: string): Spread | null {
  const own = measurements.filter((measurement) => measurement.server === server);
  const values = own.flatMap((measurement) => measurement.values[metric] ?? []).toSorted((a, b) => a - b);
  if (values.length === 0) return null;
  const half = values.length >> 1;
  const median = values.length % 2 === 1 ? values[half]! : (values[half - 1]! + values[half]!) / 2;
  return { median, min: values[0]!, max: values.at(-1)! };
}

function judge(
  shape: string,
  metric: string,
  ours: Spread | null,
  ratio: number | null,
): Pick<Summary, "floor" | "isReached"> {
  const floor = floors.find((one) => one.shape === shape && one.metric === metric);
  if (floor === undefined) return { floor: "", isReached: true };
  const words: string[] = [];
  let isReached = true;
  if (floor.ratio !== undefined && "atLeast" in floor.ratio) {
    words.push(`at least ${floor.ratio.atLeast} x`);
    isReached &&= ratio === null || ratio >= floor.ratio.atLeast;
  } else if (floor.ratio !== undefined) {
    words.push(`at most ${floor.ratio.atMost} x`);
    isReached &&= ratio === null || ratio <= floor.ratio.atMost;
  }
  if (floor.atMost !== undefined) {
    words.push(`at most ${digits(floor.atMost)}`);
    isReached &&= ours === null || ours.median <= floor.atMost;
  }
  return { floor: words.join(", "), isReached };
}

const columns = [
  "shape",
  "metric",
  "ours: median (min to max)",
  "ZooKeeper: median (min to max)",
  "ours / ZooKeeper",
  "etcd: median (min to max)",
  "floor",
];
/** Of the columns, those that are not text. */
const figureColumns: ReadonlySet<number> = new Set([2, 3, 4, 5]);

export function renderTable(facts: Readonly<Record<string, string>>, summaries: readonly Summary[]): string {
  const hasEtcd = summaries.some(({ etcd }) => etcd !== null);
  const rows = [columns, ...summaries.map(rowOf)].map((row) => (hasEtcd ? row : row.toSpliced(5, 1)));
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const pad = (cell: string, column: number): string => {
    const width = widths[column]!;
    return figureColumns.has(column) ? cell.padStart(width) : cell.padEnd(width);
  };
  const lines = rows.map((row) => row.map(pad).join("  ").trimEnd());
  const head = Object.entries(facts).map(([key, value]) => `${key.padEnd(11)}${value}`);
  return `${[...head, "", ...lines].join("\n")}\n`;
}

function rowOf({ shape, metric, ours, reference, etcd, ratio, floor, isReached }: Summary): string[] {
  const judged = floor === "" ? "" : `${floor}: ${isReached ? "reached" : "NOT REACHED"}`;
  const shown = ratio === null ? "" : ratio.toPrecision(3);
  return [shape, metric, show(ours), show(reference), shown, show(etcd), judged];
}

function show(values: Spread | null): string {
  if (values === null) return "-";
  if (values.min === values.max) return digits(values.median);
  return `${digits(values.median)} (${digits(values.min)} to ${digits(values.max)})`;
}

/** Three digits, or whole numbers with commas. */
export function digits(value: number): string {
  return value >= 1000 ? Math.round(value).toLocaleString("en-US") : String(Number(value.toPrecision(3)));
}
