/** The report as a table: in plain columns for the terminal, in Markdown for the README. */

import { countsOf, type PartReport, type Report } from "./report.ts";

const columns = ["Part", "What", "Cases", "Equal", "Different", "Left out", "Seconds, ours", "Seconds, 3.9.5"] as const;

/** The cells behind a part's name, or behind the sum of several: cases by verdict, and seconds. */
export function figuresOf(...parts: readonly PartReport[]): string[] {
  const { equal, different, "left out": leftOut } = countsOf(parts);
  const ours = parts.reduce((total, part) => total + part.seconds.ours, 0);
  const reference = parts.reduce((total, part) => total + part.seconds.reference, 0);
  // A foreign suite is held against what was measured before: nothing is played to the reference in this run.
  const referenceText = reference === 0 && ours > 0 ? "before" : reference.toFixed(0);
  return [...[equal + different, equal, different, leftOut].map(String), ours.toFixed(0), referenceText];
}

function rowsOf(report: Report): string[][] {
  const parts = report.parts.filter((part) => part.tests.length > 0);
  return [...parts.map((part) => [part.name, part.about, ...figuresOf(part)]), ["all", "", ...figuresOf(...parts)]];
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
  const { date, commit, reference, command, isComplete } = report;
  const scope = isComplete ? "" : " Not every part in full: `npm run compat` alone is.";
  return `${head}${rows}\n${date.slice(0, 10)}, commit ${commit}; made by \`${command}\`; reference: ${reference}.${scope}\n`;
}

function markdownLine(row: readonly string[]): string {
  return `| ${row.join(" | ")} |\n`;
}
