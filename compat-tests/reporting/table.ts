/** The report as a table: in plain columns for the terminal, in Markdown for the README. */

import { countOf, type PartReport, type Report } from "./report.ts";

const columns = ["Part", "What", "Cases", "Equal", "Different", "Left out", "Seconds, ours", "Seconds, 3.9.5"] as const;

function rowOf(part: PartReport): string[] {
  const [equal, different, leftOut] = [countOf(part, "equal"), countOf(part, "different"), countOf(part, "left out")];
  const numbers = [equal + different, equal, different, leftOut].map(String);
  return [part.name, part.about, ...numbers, part.seconds.ours.toFixed(0), referenceSeconds(part)];
}

/** A foreign suite is held against what was measured before: nothing is played to the reference in this run. */
export function referenceSeconds({ seconds }: PartReport): string {
  return seconds.reference === 0 && seconds.ours > 0 ? "before" : seconds.reference.toFixed(0);
}

function sumOf(parts: readonly PartReport[]): string[] {
  const sum = (count: (part: PartReport) => number): number => parts.reduce((total, part) => total + count(part), 0);
  const equal = sum((part) => countOf(part, "equal"));
  const different = sum((part) => countOf(part, "different"));
  const leftOut = sum((part) => countOf(part, "left out"));
  const ours = sum((part) => part.seconds.ours).toFixed(0);
  const reference = sum((part) => part.seconds.reference).toFixed(0);
  return ["all", "", String(equal + different), String(equal), String(different), String(leftOut), ours, reference];
}

function rowsOf(report: Report): string[][] {
  const parts = report.parts.filter((part) => part.tests.length > 0);
  return [...parts.map(rowOf), sumOf(parts)];
}

/** Columns padded with blanks. */
export function textTable(report: Report): string {
  const rows = [[...columns], ...rowsOf(report)].map((row) => row.filter((_cell, index) => index !== 1));
  const widths = rows[0]!.map((_cell, index) => Math.max(...rows.map((row) => row[index]!.length)));
  const line = (row: readonly string[]): string =>
    row.map((cell, index) => (index === 0 ? cell.padEnd(widths[index]!) : cell.padStart(widths[index]!))).join("  ");
  return `${rows.map(line).join("\n")}\n`;
}

/** The table as the README shows it, with the date and the commit that it is of. */
export function markdownTable(report: Report): string {
  const rows = rowsOf(report).map(markdownLine).join("");
  const head = markdownLine(columns) + markdownLine(columns.map((_name, index) => (index < 2 ? "---" : "---:")));
  const { date, commit, reference, isComplete } = report;
  const scope = isComplete ? "" : " Not every part in full: `npm run compat` without a word and without `--shard` is.";
  return `${head}${rows}\n${date.slice(0, 10)}, commit ${commit}; reference: ${reference}.${scope}\n`;
}

function markdownLine(row: readonly string[]): string {
  return `| ${row.join(" | ")} |\n`;
}
