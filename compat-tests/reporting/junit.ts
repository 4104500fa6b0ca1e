/** The report as JUnit XML: a testsuite for each part, a testcase for each case. */

import { countsOf, type JudgedCase, type PartReport, type Report } from "./report.ts";

/** Text made safe for XML and HTML; control characters that neither allows are spelt out. */
export function escaped(text: string): string {
  return (
    text
      .replaceAll("&", "&amp;")
      .replaceAll("<", "&lt;")
      .replaceAll(">", "&gt;")
      .replaceAll('"', "&quot;")
      // oxlint-disable-next-line no-control-regex -- those are what is spelt out
      .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, (character) => `\\u${hex(character)}`)
  );
}

function hex(character: string): string {
  return character.charCodeAt(0).toString(16).padStart(4, "0");
}

export function junitXml(report: Report): string {
  const suites = report.parts.filter((part) => part.tests.length > 0).map(suiteXml);
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="nodekeeper compat">\n${suites.join("")}</testsuites>\n`;
}

function suiteXml(part: PartReport): string {
  const { equal, different: failures, "left out": skipped } = countsOf([part]);
  const tests = equal + failures + skipped;
  const time = part.tests.reduce((total, test) => total + test.seconds, 0).toFixed(3);
  const cases = part.tests.flatMap((test) =>
    test.cases.map((one) => caseXml(test.file, one, test.seconds / test.cases.length)),
  );
  const attributes = `name="${escaped(part.name)}" tests="${tests}" failures="${failures}" skipped="${skipped}" time="${time}"`;
  return `<testsuite ${attributes}>\n${cases.join("")}</testsuite>\n`;
}

function caseXml(file: string, one: JudgedCase, seconds: number): string {
  const attributes = `classname="${escaped(file)}" name="${escaped(one.name)}" time="${seconds.toFixed(3)}"`;
  if (one.verdict === "equal") return `<testcase ${attributes}/>\n`;
  const inner =
    one.verdict === "left out"
      ? `<skipped message="${escaped(one.excluded ?? "")}"/>`
      : `<failure message="ours ${one.ours}, reference ${one.reference}">${escaped(one.detail ?? "")}</failure>`;
  return `<testcase ${attributes}>${inner}</testcase>\n`;
}
