/**
 * The report as data: what the tests said, part by part. Made from vitest's results without any I/O; table.ts, html.ts
 * and junit.ts turn it into what people and machines read.
 */

import type { TestCase, TestModule } from "vitest/node";
import type { Part } from "../parts.ts";
import type { Case } from "./cases.ts";

export type Verdict = "equal" | "different" | "left out";

export interface JudgedCase extends Case {
  readonly verdict: Verdict;
}

/** A test and its cases: one of its own name, or those of the suite that it drove. */
export interface TestReport {
  readonly file: string;
  readonly name: string;
  readonly cases: readonly JudgedCase[];
  readonly seconds: number;
}

export interface PartReport {
  readonly name: string;
  readonly about: string;
  readonly tests: readonly TestReport[];
  /** Time that the tests spent on either build; both are played at once where that is possible. */
  readonly seconds: { readonly ours: number; readonly reference: number };
}

/** What the figures are worth knowing for. */
export interface Circumstances {
  /** ISO 8601, to the minute. */
  readonly date: string;
  /** Short hash; a `+` behind it says that the tree had changes. */
  readonly commit: string;
  /** What stands in our place: `ours`, or `reference` when the tests prove themselves. */
  readonly subject: string;
  /** Which real server: a JVM's or a container's. */
  readonly reference: string;
  readonly machine: string;
  readonly loadAverage: number;
  /** What was typed. */
  readonly command: string;
  /** Every part was asked for, and none was shortened. */
  readonly isComplete: boolean;
}

export interface Report extends Circumstances {
  readonly parts: readonly PartReport[];
}

/** How many cases came out in each way. */
export function countsOf(parts: readonly PartReport[]): Record<Verdict, number> {
  const counts = { equal: 0, different: 0, "left out": 0 };
  for (const { tests } of parts) for (const { cases } of tests) for (const { verdict } of cases) counts[verdict]++;
  return counts;
}

/** A case is equal when both builds came out alike. */
function judged(one: Case): JudgedCase {
  if (one.excluded !== undefined) return { ...one, verdict: "left out" };
  return { ...one, verdict: one.ours === one.reference ? "equal" : "different" };
}

/** The results of the modules of one part. */
export function reportOfPart(part: Part, modules: readonly { file: string; module: TestModule }[]): PartReport {
  const tests: TestReport[] = [];
  const seconds = { ours: 0, reference: 0 };
  for (const { file, module } of modules) {
    for (const test of module.children.allTests()) {
      tests.push(reportOfTest(file, test));
      seconds.ours += test.meta().compat?.seconds?.ours ?? 0;
      seconds.reference += test.meta().compat?.seconds?.reference ?? 0;
    }
    const broken = brokenModule(file, module);
    if (broken !== null) tests.push(broken);
  }
  return { name: part.name, about: part.about, tests, seconds };
}

function reportOfTest(file: string, test: TestCase): TestReport {
  const result = test.result();
  const reported = test.meta().compat?.cases?.map(judged) ?? [];
  const cases = [...reported];
  const failure = (result.errors ?? []).map((error) => error.diff ?? error.message).join("\n");
  const name = test.fullName;
  if (result.state === "skipped") {
    cases.push(judged({ name, ours: "not run", reference: "not run", excluded: "not about this build" }));
  } else if (result.state === "failed" && !reported.some(({ verdict }) => verdict === "different")) {
    cases.push(judged({ name, ours: "failed", reference: "passed", detail: plain(failure) }));
  } else if (reported.length === 0) {
    cases.push(judged({ name, ours: "passed", reference: "passed" }));
  }
  return { file, name, cases, seconds: (test.diagnostic()?.duration ?? 0) / 1000 };
}

/** A file that broke before or around its tests is a difference of its own, or it would go unseen. */
function brokenModule(file: string, module: TestModule): TestReport | null {
  const errors = [...module.errors(), ...suiteErrors(module)];
  if (errors.length === 0) return null;
  const detail = plain(errors.map((error) => error.message).join("\n"));
  const name = `${file} as a whole`;
  return { file, name, cases: [judged({ name, ours: "failed", reference: "passed", detail })], seconds: 0 };
}

function suiteErrors(module: TestModule): { message: string }[] {
  return [...module.children.allSuites()].flatMap((suite) => [...suite.errors()]);
}

/** Text without the colours of a terminal. */
function plain(text: string): string {
  // oxlint-disable-next-line no-control-regex -- the escape character is what begins a colour
  return text.replace(/\u001b\[[0-9;]*m/g, "");
}
