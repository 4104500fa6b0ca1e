/** What was measured, as medians with their extremes, as ratios, and as a table. */

import { execFileSync } from "node:child_process";
import { cpus, release, totalmem } from "node:os";
import type { ServerKind } from "../support/server-process.ts";
import type { BenchOptions } from "./run.ts";

export interface Measurement {
  readonly workload: string;
  readonly server: ServerKind;
  readonly round: number;
  readonly values: Readonly<Record<string, number>>;
}

interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export interface Summary {
  readonly workload: string;
  readonly metric: string;
  readonly ours: Spread | null;
  readonly reference: Spread | null;
  /** Ours over the reference's median, or the other way round where less is better: above 1, ours is better. */
  readonly ratio: number | null;
}

const moreIsBetter = new Set(["opsPerSecond"]);
const notCompared = new Set(["loadCpuShare"]);

/** Machine, kernel, runtimes and commit: without them a figure means nothing. */
export function machine(options: BenchOptions): Record<string, string> {
  return {
    cpu: `${cpus().length} x ${cpus()[0]?.model ?? "unknown"}`,
    memory: `${(totalmem() / 2 ** 30).toFixed(1)} GiB`,
    kernel: release(),
    filesystem: output("stat", ["-f", "-c", "%T", options.folder]),
    node: process.version,
    java: output("java", ["-version"]).split("\n")[0] ?? "none",
    commit: output("git", ["describe", "--always", "--dirty"]),
    measured: `${options.rounds} rounds of ${options.seconds} s, forceSync=yes`,
  };
}

function output(command: string, args: string[]): string {
  try {
    const isJava = command === "java";
    return execFileSync(isJava ? "sh" : command, isJava ? ["-c", "java -version 2>&1"] : args, {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    }).trim();
  } catch {
    return "unknown";
  }
}

export function summarize(measurements: readonly Measurement[]): Summary[] {
  const summaries: Summary[] = [];
  for (const workload of new Set(measurements.map((measurement) => measurement.workload))) {
    const own = measurements.filter((measurement) => measurement.workload === workload);
    for (const metric of Object.keys(own[0]?.values ?? {})) {
      const ours = spread(own, "ours", metric);
      const reference = spread(own, "reference", metric);
      summaries.push({ workload, metric, ours, reference, ratio: ratio(metric, ours, reference) });
    }
  }
  return summaries;
}

function spread(measurements: readonly Measurement[], server: ServerKind, metric: string): Spread | null {
  const values = measurements.filter((m) => m.server === server).map((m) => m.values[metric] ?? 0);
  if (values.length === 0) return null;
  values.sort((a, b) => a - b);
  const half = values.length >> 1;
  const median = values.length % 2 === 1 ? values[half]! : (values[half - 1]! + values[half]!) / 2;
  return { median, min: values[0]!, max: values.at(-1)! };
}

function ratio(metric: string, ours: Spread | null, reference: Spread | null): number | null {
  if (ours === null || reference === null || notCompared.has(metric)) return null;
  return moreIsBetter.has(metric) ? ours.median / reference.median : reference.median / ours.median;
}

export function renderTable(facts: Readonly<Record<string, string>>, summaries: readonly Summary[]): string {
  const rows = [
    ["workload", "metric", "ours: median (min to max)", "ZooKeeper: median (min to max)", "ours better by"],
  ];
  for (const { workload, metric, ours, reference, ratio } of summaries) {
    rows.push([workload, metric, show(ours), show(reference), ratio === null ? "" : `${ratio.toFixed(2)} x`]);
  }
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const lines = rows.map((row) =>
    row
      .map((cell, column) => (column < 2 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)))
      .join("  ")
      .trimEnd(),
  );
  const head = Object.entries(facts).map(([key, value]) => `${key.padEnd(11)}${value}`);
  return `${[...head, "", ...lines].join("\n")}\n`;
}

function show(values: Spread | null): string {
  if (values === null) return "-";
  return `${digits(values.median)} (${digits(values.min)} to ${digits(values.max)})`;
}

function digits(value: number): string {
  return value >= 1000 ? Math.round(value).toLocaleString("en-US") : value.toPrecision(3);
}
