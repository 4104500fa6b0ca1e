/**
 * What a run has measured, as README.md shows it: the loads with a row for each kind and depth and a column for each number of
 * connections, everything else with a row each. A cell says ours, the real server's, and how many times better ours is.
 */

import { digits, type Summary } from "./report.ts";
import { loadShapes } from "./shapes.ts";

/** The metric that a shape is about, the first of these that it has, and how the table names it. */
const mainMetrics: readonly (readonly [metric: string, unit: string])[] = [
  ["opsPerSecond", "a second"],
  ["bytesPerWatch", "bytes a watch"],
  ["seconds", "s"],
  ["residentMb", "MB"],
];

/** More than the main metric, of some shapes. */
const furtherMetrics: readonly (readonly [pattern: RegExp, metric: string, unit: string])[] = [
  [/ 50x16$/, "cpuMicrosPerOp", "microseconds of CPU each"],
  [/^fill/, "bytesPerZnode", "bytes a znode"],
  [/^under snapshots/, "p999Ms", "ms, p99.9 of reads"],
  [/^under snapshots/, "stallMs", "ms, longest stall"],
  [/^return by SNAP/, "readsMaxMs", "ms, slowest read at the leader"],
  [/^return by SNAP/, "stallMs", "ms, longest stall of the leader"],
];

const isMatrixShape = /^(.*) (1|50|1000)x(1|16|100)$/;
const small = new Set(loadShapes.filter(({ dataBytes }) => dataBytes === 100).map(({ name }) => name));

/** Markdown: the tables, and what was measured where. */
export function renderReadme(
  facts: Readonly<Record<string, string>>,
  summaries: readonly Summary[],
  date: string,
): string {
  const { cpu, memory, filesystem, kernel, node, java, commit, command, measured, etcd } = facts;
  const where = `${date}, commit ${commit}; made by \`${command}\`; ${cpu}, ${memory}, ${filesystem}, Linux ${kernel}, Node ${node}, ${java}; ${measured}.`;
  const tables = [matrixOf(summaries), listOf(summaries), ...etcdTable(summaries, etcd!)];
  return `${tables.join("\n\n")}\n\n${where}\n`;
}

/** Of what etcd is measured at, too long for a README, what says most. */
const shownOfEtcd = /^start$| 1x1$| 50x16$/;

/** etcd beside ours, if it was measured. */
function etcdTable(summaries: readonly Summary[], version: string): string[] {
  const rows = summaries
    .filter(({ shape, metric, etcd }) => {
      return etcd !== null && shownOfEtcd.test(shape) && mainMetrics.some(([main]) => main === metric);
    })
    .map(({ shape, metric, ours, etcd }) => {
      const ratio = ours === null ? null : ours.median / etcd!.median;
      const unit = mainMetrics.find(([main]) => main === metric)![1];
      return `| ${shape} | ${unit} | ${figuresOf({ metric, ours, reference: etcd, ratio }).join(" | ")} |`;
    });
  if (rows.length === 0) return [];
  return [[`| | | Nodekeeper | ${version} | Times better |`, "|---|---|---|---|---|", ...rows].join("\n")];
}

function matrixOf(summaries: readonly Summary[]): string {
  const rows = new Map<string, Map<string, string>>();
  for (const summary of summaries) {
    const [, mix, connections, depth] = isMatrixShape.exec(summary.shape) ?? [];
    if (summary.metric !== "opsPerSecond" || !small.has(summary.shape)) continue;
    const name = `${mix}, ${depth} in flight`;
    if (!rows.has(name)) rows.set(name, new Map());
    rows.get(name)!.set(connections!, cellOf(summary));
  }
  const lines = ["| Requests a second | 1 connection | 50 connections | 1,000 connections |", "|---|---|---|---|"];
  for (const [name, cells] of rows) {
    lines.push(`| ${name} | ${["1", "50", "1000"].map((count) => cells.get(count) ?? "").join(" | ")} |`);
  }
  return lines.join("\n");
}

function listOf(summaries: readonly Summary[]): string {
  const lines = ["| | | Nodekeeper | ZooKeeper 3.9.5 | Times better |", "|---|---|---|---|---|"];
  for (const shape of new Set(summaries.map((one) => one.shape))) {
    const own = summaries.filter((one) => one.shape === shape);
    const main = mainMetrics.find(([metric]) => own.some((one) => one.metric === metric));
    const further = furtherMetrics
      .filter(([pattern]) => pattern.test(shape))
      .map(([, metric, unit]) => [metric, unit] as const);
    const shown = [...(main === undefined || small.has(shape) ? [] : [main]), ...further];
    for (const [metric, unit] of shown) {
      const found = own.find((one) => one.metric === metric);
      if (found !== undefined) lines.push(`| ${shape} | ${unit} | ${figuresOf(found).join(" | ")} |`);
    }
  }
  return lines.join("\n");
}

function cellOf(summary: Summary): string {
  const [ours, reference, better] = figuresOf(summary);
  return `${ours} / ${reference} = ${better}`;
}

function figuresOf({
  metric,
  ours,
  reference,
  ratio,
}: Pick<Summary, "metric" | "ours" | "reference" | "ratio">): string[] {
  const better = ratio === null ? "" : digits(metric === "opsPerSecond" ? ratio : 1 / ratio);
  return [ours === null ? "" : digits(ours.median), reference === null ? "" : digits(reference.median), better];
}
