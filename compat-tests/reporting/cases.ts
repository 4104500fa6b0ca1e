/**
 * What a test tells the report. A test is one case unless it says otherwise: equal when it passes, different when it
 * fails. A test that drives somebody else's suite reports that suite's cases one by one.
 *
 * Time is counted for each build apart: whatever a test does to a server it does inside `timed`.
 */

import type { Build } from "../reference/server.ts";

/** How one case came out on one build. */
export type Outcome = "passed" | "failed" | "not run";

/** One case of the report. */
export interface Case {
  readonly name: string;
  readonly ours: Outcome;
  /** Of the reference: in this run, or as frozen in the tree. */
  readonly reference: Outcome;
  /** Why the case does not count; from expectations.json, never made up. */
  readonly excluded?: string;
  /** What was seen where it differs. */
  readonly detail?: string;
}

/** Travels with a test's result to the reporter. */
export interface CaseReport {
  cases?: readonly Case[];
  seconds?: Partial<Record<Build, number>>;
}

declare module "vitest" {
  interface TaskMeta {
    compat?: CaseReport;
  }
}

let spent: Partial<Record<Build, number>> = {};

/** Runs `work` and adds its time to what the current test spent on `build`. */
export async function timed<Result>(build: Build, work: () => Promise<Result>): Promise<Result> {
  const startMs = performance.now();
  try {
    return await work();
  } finally {
    spent[build] = (spent[build] ?? 0) + (performance.now() - startMs) / 1000;
  }
}

/** The seconds since the last call, by build; the setup file takes them after each test. */
export function takeSpent(): Partial<Record<Build, number>> {
  const taken = spent;
  spent = {};
  return taken;
}

/** Replaces the test's own single case by the cases of the suite that it drove. */
export function reportCases(task: { readonly meta: { compat?: CaseReport } }, cases: readonly Case[]): void {
  task.meta.compat = { ...task.meta.compat, cases };
}
