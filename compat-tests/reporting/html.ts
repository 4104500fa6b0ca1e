/** The report as one HTML page without scripts: the table first, then each part, differences open and equal cases folded. */

import { escaped } from "./junit.ts";
import { type JudgedCase, type PartReport, type Report, type TestReport } from "./report.ts";
import { figuresOf } from "./table.ts";

const style = `
  body { font: 15px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; color: #222; background: #fff }
  table { border-collapse: collapse; width: 100% }
  th, td { text-align: left; padding: .25rem .75rem; border-bottom: 1px solid #ddd; vertical-align: top }
  td.number, th.number { text-align: right; font-variant-numeric: tabular-nums }
  .different { color: #b00020; font-weight: 600 }
  .left { color: #775500 }
  pre { background: #f6f6f6; padding: .75rem; overflow-x: auto; font-size: 13px }
  summary { cursor: pointer }
  @media (prefers-color-scheme: dark) { body { color: #ddd; background: #181818 } pre { background: #242424 }
    th, td { border-color: #444 } .different { color: #ff6b7f } .left { color: #d9b24c } a { color: #8ab4f8 } }
`;

export function htmlPage(report: Report): string {
  const parts = report.parts.filter((part) => part.tests.length > 0);
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Nodekeeper beside Apache ZooKeeper</title>
<style>${style}</style>
<h1>Nodekeeper beside Apache ZooKeeper</h1>
${circumstances(report)}
<table>
<tr><th>Part<th>What<th class="number">Cases<th class="number">Equal<th class="number">Different<th class="number">Left out<th class="number">Seconds, ours<th class="number">Seconds, reference
${parts.map(row).join("\n")}
</table>
${parts.map(section).join("\n")}
</html>
`;
}

function circumstances(report: Report): string {
  const proof = report.subject === "reference" ? " The reference stands in our place: this run proves the tests." : "";
  const scope = report.isComplete ? "" : " Not every part was run, or some were shortened.";
  const machine = `${escaped(report.machine)}, load average ${report.loadAverage.toFixed(1)}`;
  return `<p>${escaped(report.date)}, commit ${escaped(report.commit)}. Reference: ${escaped(report.reference)}. ${machine}.${proof}${scope}</p>`;
}

function row(part: PartReport): string {
  const figures = figuresOf(part).map((figure, index) => {
    const kind = index === differentIndex && figure !== "0" ? " different" : "";
    return `<td class="number${kind}">${figure}`;
  });
  return `<tr><td><a href="#${anchor(part)}">${escaped(part.name)}</a><td>${escaped(part.about)}${figures.join("")}`;
}

/** Of the figures, the one that ought to be 0. */
const differentIndex = 2;

function anchor(part: PartReport): string {
  return part.name.replaceAll("/", "-");
}

function section(part: PartReport): string {
  const files = Map.groupBy(part.tests, (test) => test.file);
  const blocks = [...files].map(([file, tests]) => fileBlock(file, tests));
  return `<h2 id="${anchor(part)}">${escaped(part.name)}</h2>\n<p>${escaped(part.about)}</p>\n${blocks.join("\n")}`;
}

function fileBlock(file: string, tests: readonly TestReport[]): string {
  const cases = tests.flatMap((test) => test.cases);
  const of = (verdict: JudgedCase["verdict"]): JudgedCase[] => cases.filter((one) => one.verdict === verdict);
  const seconds = tests.reduce((total, test) => total + test.seconds, 0).toFixed(1);
  const equal = of("equal").map((one) => `<li>${escaped(one.name)}`);
  return `<h3>${escaped(file)} <small>${seconds} s</small></h3>
${of("different").map(differentCase).join("\n")}
${leftOutList(of("left out"))}
<details><summary>${equal.length} equal</summary><ul>${equal.join("\n")}</ul></details>`;
}

function differentCase(one: JudgedCase): string {
  const head = `<span class="different">${escaped(one.name)}</span>: ours ${one.ours}, reference ${one.reference}`;
  return `<details open><summary>${head}</summary><pre>${escaped(one.detail ?? "")}</pre></details>`;
}

function leftOutList(cases: readonly JudgedCase[]): string {
  if (cases.length === 0) return "";
  const items = cases.map((one) => `<li>${escaped(one.name)}: ${escaped(one.excluded ?? "")}`);
  return `<details><summary class="left">${cases.length} left out</summary><ul>${items.join("\n")}</ul></details>`;
}
