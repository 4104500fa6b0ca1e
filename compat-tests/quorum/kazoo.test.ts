/**
 * kazoo's own tests against an ensemble of ours, the reference and ours again, which kazoo's harness starts, stops and kills. What
 * passes on a server alone (suites/frozen) passes there too, and so does what needs another server to take over.
 */

import { expect, test } from "vitest";
import { type Build, subject } from "../reference/server.ts";
import { type Case, reportCases, timed } from "../reporting/cases.ts";
import { exclusionsOf } from "../reporting/expectations.ts";
import { readFrozen } from "../suites/frozen-list.ts";
import { installedKazoo, kazooReleases, repetitions, runKazooTests, testFilesIn } from "../suites/kazoo-runner.ts";
import type { TestOutcome } from "../suites/suite.ts";
import { isShort } from "../shard.ts";

const timeoutMs = 30 * 60_000;

const builds: readonly Build[] = [subject, "reference", subject];

/** What an ensemble has that a server alone has not; the other exclusions stay. */
const taken = /::(?:test_update_host_list$|TestReconfig::|TestReadOnlyMode::)/;
/** `--shard ci` makes do with these. */
const shortFiles = new Set([
  "test_barrier.py",
  "test_connection.py",
  "test_counter.py",
  "test_election.py",
  "test_party.py",
]);

test("kazoo's own tests, in an ensemble of both", { timeout: timeoutMs }, async ({ task }) => {
  const [release] = kazooReleases;
  const name = `kazoo ${release!.version}`;
  const excluded = exclusionsOf(name).map(({ test: one }) => one);
  const library = installedKazoo(release!);
  const leftFiles = testFilesIn(library).filter((file) =>
    isShort ? !shortFiles.has(file) : repetitions.includes(file),
  );
  const left = { tests: excluded.filter((one) => !taken.test(one)), files: leftFiles };
  const suite = { suite: name, library, builds, left };
  const outcomes = await timed("ours", () => runKazooTests(suite));
  const found = new Map(outcomes.map((outcome) => [outcome.name, outcome]));
  const wanted = [...readFrozen(release!.frozen).stable, ...excluded.filter((one) => taken.test(one))];
  const cases = wanted
    .filter((one) => !leftFiles.some((file) => one.startsWith(file)))
    .map((one) => caseOf(one, found.get(one)));
  reportCases(task, cases);
  expect(cases.filter(({ ours }) => ours !== "passed")).toEqual([]);
});

/** A pass counts only when servers of both builds were there. */
function caseOf(name: string, outcome: TestOutcome | undefined): Case {
  const isMixed = builds.every((build) => outcome?.servers.includes(build) === true);
  const hasPassed = outcome?.outcome === "passed" && isMixed;
  const detail = outcome === undefined ? "it was not run" : `${outcome.outcome}: ${outcome.detail}`;
  return { name, ours: hasPassed ? "passed" : "failed", reference: "passed", ...(hasPassed ? {} : { detail }) };
}
