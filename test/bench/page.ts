/**
 * The page that a run writes: what must be reached and whether it is, plots, and every figure in a table. It stands
 * alone: one file, no script, nothing that is fetched.
 */

import type { Measured } from "./bench.ts";
import { digits, type Spread, type Summary } from "./report.ts";
import { sectionsOf } from "./page-plots.ts";
import { escape, renderPlot, seriesTitles } from "./svg-plot.ts";

const style = `
:root { --ours: #0b7a75; --reference: #c2571a; --etcd: #6a5acd; --text: #1c2326; --soft: #657379; --line: #dde3e5; --ground: #fff; --card: #f7f9f9 }
@media (prefers-color-scheme: dark) {
  :root { --ours: #4fd1c5; --reference: #f0a062; --etcd: #a99cf5; --text: #e7edef; --soft: #95a3a8; --line: #344045; --ground: #161b1d; --card: #1d2427 }
}
body { font: 15px/1.5 system-ui, sans-serif; color: var(--text); background: var(--ground); max-width: 1320px; margin: 2rem auto; padding: 0 1.5rem }
h1 { font-size: 1.7rem; margin-bottom: 0.2rem } h2 { font-size: 1.15rem; margin: 2.2rem 0 0.6rem }
p, small, dt { color: var(--soft) } small { font-weight: normal; margin-left: 0.4em }
dl { display: grid; grid-template-columns: max-content 1fr max-content 1fr; gap: 0.1rem 1rem; font-size: 0.85rem } dd { margin: 0 }
.plots { display: grid; grid-template-columns: repeat(auto-fill, minmax(380px, 1fr)); gap: 1rem }
figure { margin: 0; padding: 0.8rem; background: var(--card); border: 1px solid var(--line); border-radius: 8px }
figcaption { font-weight: 600; font-size: 0.9rem } svg { width: 100%; height: auto; display: block }
.grid { stroke: var(--line) } .tick { font-size: 11px; fill: var(--soft) }
path { fill: none; stroke-width: 2 } path.ours, .whisker.ours { stroke: var(--ours) } path.reference, .whisker.reference { stroke: var(--reference) } path.etcd, .whisker.etcd { stroke: var(--etcd) }
circle.ours { fill: var(--ours) } circle.reference { fill: var(--reference) } circle.etcd { fill: var(--etcd) }
.legend span { margin-right: 1.5em } .legend span::before { content: "\\25CF\\00a0" } .legend .ours::before { color: var(--ours) } .legend .reference::before { color: var(--reference) } .legend .etcd::before { color: var(--etcd) }
table { border-collapse: collapse; width: 100%; font-size: 0.85rem; font-variant-numeric: tabular-nums }
th, td { text-align: left; padding: 0.25rem 0.7rem 0.25rem 0; border-bottom: 1px solid var(--line) } td.figure, th.figure { text-align: right }
.reached { color: var(--ours); font-weight: 600 } .missed { color: var(--reference); font-weight: 600 } td small { margin-left: 0.3em }
`;

/** Whole document, from a run's facts and summaries. */
export function renderPage(facts: Readonly<Record<string, string>>, summaries: readonly Summary[]): string {
  const entries = Object.entries(facts).map(([key, value]) => `<dt>${escape(key)}</dt><dd>${escape(value)}</dd>`);
  const sections = sectionsOf(summaries).map(({ title, plots }) => {
    return `<h2>${escape(title)}</h2><div class="plots">${plots.map(renderPlot).join("")}</div>`;
  });
  const legend = measuredIn(summaries).map((name) => `<span class="${name}">${seriesTitles[name]}</span>`);
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Nodekeeper beside ZooKeeper</title><style>${style}</style></head><body>
<h1>Nodekeeper beside ZooKeeper</h1>
<p>The same load on the same machine in the same run, in alternating rounds; medians, with extremes as whiskers. Ratios are the
result.</p><dl>${entries.join("")}</dl>
${floorsTable(summaries)}
<p class="legend">${legend.join("")}</p>
${sections.join("\n")}
${wholeTable(summaries)}
</body></html>
`;
}

function floorsTable(summaries: readonly Summary[]): string {
  const rows = summaries
    .filter(({ floor }) => floor !== "")
    .map((one) => {
      const word = one.isReached ? `<td class="reached">reached</td>` : `<td class="missed">not reached</td>`;
      return `<tr>${cellsOf(one)}<td>${escape(one.floor)}</td>${word}</tr>`;
    });
  if (rows.length === 0) return "";
  return `<h2>What must be reached</h2><table>${headOf(figureHeads, "Floor", "")}${rows.join("")}</table>`;
}

function wholeTable(summaries: readonly Summary[]): string {
  const hasEtcd = measuredIn(summaries).includes("etcd");
  const rows = summaries.map((one) => `<tr>${cellsOf(one)}${hasEtcd ? figureOf(one.etcd) : ""}</tr>`);
  const figures = hasEtcd ? [...figureHeads, seriesTitles.etcd] : figureHeads;
  return `<h2>Everything</h2><table>${headOf(figures)}${rows.join("")}</table>`;
}

/** Whom there are figures of. */
function measuredIn(summaries: readonly Summary[]): Measured[] {
  const names = Object.keys(seriesTitles) as Measured[];
  return names.filter((name) => summaries.some((one) => one[name] !== null));
}

const figureHeads = [seriesTitles.ours, seriesTitles.reference, "Ratio"];

function headOf(figures: readonly string[], ...more: readonly string[]): string {
  const cells = figures.map((name) => `<th class="figure">${name}</th>`).join("");
  return `<tr><th>Shape</th><th>Metric</th>${cells}${more.map((name) => `<th>${name}</th>`).join("")}</tr>`;
}

function cellsOf({ shape, metric, ours, reference, ratio }: Summary): string {
  const names = `<td>${escape(shape)}</td><td>${escape(metric)}</td>`;
  const shown = ratio === null ? "" : digits(ratio);
  return `${names}${figureOf(ours)}${figureOf(reference)}<td class="figure">${shown}</td>`;
}

function figureOf(spread: Spread | null): string {
  if (spread === null) return `<td class="figure"></td>`;
  const { median, min, max } = spread;
  const range = min === max ? "" : `<small>${digits(min)} to ${digits(max)}</small>`;
  return `<td class="figure">${digits(median)}${range}</td>`;
}
