/**
 * ZooKeeper's and Curator's own tests of ensembles against ensembles of both builds, which the tests start, kill and reconfigure. What
 * passes on the reference alone (suites/frozen) passes there too.
 */

import { expect, test } from "vitest";
import { type Build, subject } from "../reference/server.ts";
import { type Case, reportCases, timed } from "../reporting/cases.ts";
import { readFrozen } from "../suites/frozen-list.ts";
import { curatorEnsemblesSuite, zookeeperEnsemblesSuite } from "../suites/java-catalogue.ts";
import { type JavaSuite, runClasses, simpleNameOf } from "../suites/java-suite.ts";
import type { TestOutcome } from "../suites/suite.ts";
import { isShort } from "../shard.ts";

const timeoutMs = 60 * 60_000;

/** The build of each server by its id, and which classes `--shard ci` makes do with. */
const runs: readonly { suite: JavaSuite; builds: readonly Build[]; short: readonly string[] }[] = [
  { suite: zookeeperEnsemblesSuite, builds: [subject, "reference", subject], short: ["ReconfigExceptionTest"] },
  { suite: zookeeperEnsemblesSuite, builds: ["reference", subject, "reference"], short: [] },
  { suite: curatorEnsemblesSuite, builds: [subject, "reference", subject], short: [] },
];

const played = isShort ? runs.filter(({ short }) => short.length > 0) : runs;

test.for(played)("$suite.name, in ensembles of $builds", { timeout: timeoutMs }, async (run, { task }) => {
  const { suite, builds } = run;
  const isPlayed = (className: string): boolean => !isShort || run.short.includes(simpleNameOf(className));
  const classes = suite.classes.filter(isPlayed);
  const outcomes = await timed("ours", () => runClasses(suite, classes, ...builds));
  const found = new Map(outcomes.map((outcome) => [outcome.name, outcome]));
  const wanted = readFrozen(suite.frozen).stable.filter((one) => isPlayed(one.split(".")[0]!));
  const cases = wanted.flatMap((name) => caseOf(name, found.get(name)));
  reportCases(task, cases);
  expect(cases.filter(({ ours }) => ours !== "passed")).toEqual([]);
  expect(cases.length).toBeGreaterThan(0);
});

/** None for a test that has met servers of one build only: it starts one, or those whose ids are of one. */
function caseOf(name: string, outcome: TestOutcome | undefined): Case[] {
  if (outcome?.outcome === "passed" && new Set(outcome.servers).size === 1) return [];
  const hasPassed = outcome?.outcome === "passed";
  const detail = outcome === undefined ? "it was not run" : `${outcome.outcome}: ${outcome.detail}`;
  return [{ name, ours: hasPassed ? "passed" : "failed", reference: "passed", ...(hasPassed ? {} : { detail }) }];
}
