/**
 * Other people's test suites, unedited, as judges. A suite is run against a server of one build and says of each of its
 * tests how it came out and which servers it met; what is asked of ours is what the frozen list (frozen-list.ts) says of
 * the reference.
 *
 *   COMPAT_REPEAT=3             three runs; a test passes when it passes in all of them
 *   COMPAT_SUBJECT=reference    the reference against its own frozen list
 *   COMPAT_FREEZE=1             three runs of the reference, and the list is written anew; with COMPAT_CLASS the part of
 *                               that class
 *
 * Rules. A pass counts only with the launch record of a server of the right build. A test that is flaky on ours and stable on
 * the reference is a failure. A test that the list does not know, or misses, is a failure as well: the suite is not the one
 * that was measured. One suite runs at a time on a machine, since their tests watch the clock.
 */

import { once } from "node:events";
import { createServer, type Server } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { expect, type TestContext } from "vitest";
import { type Case, reportCases, timed } from "../reporting/cases.ts";
import { exclusionsOf } from "../reporting/expectations.ts";
import { type Build, subject } from "../reference/server.ts";
import {
  type FrozenList,
  loadNow,
  machineKind,
  type MeasuredClass,
  readFrozen,
  type Unscored,
  writeFrozen,
} from "./frozen-list.ts";

/** How one test of a suite came out in one run. */
export interface TestOutcome {
  /** As the suite names it. */
  readonly name: string;
  readonly outcome: "passed" | "failed" | "skipped";
  /** Builds of the servers that it met, by their launch records; empty when it met none. */
  readonly servers: readonly Build[];
  /** What the suite says when it failed or was skipped. */
  readonly detail: string;
}

/** A suite and how to run it. */
export interface ForeignSuite {
  /** With its version, as in the report and in expectations.json: `kazoo 2.11.0`. */
  readonly name: string;
  /** Name of its frozen list. */
  readonly frozen: string;
  /** For the list's header: how it is run, and what the servers of both builds were not given. */
  readonly about: string;
  readonly versions: Readonly<Record<string, string>>;
  /** Whether a run has this test, in a suite of which `--shard ci` runs a part; all of them when it is absent. */
  covers?(test: string): boolean;
  /** One run, without the tests that expectations.json excludes for this suite. */
  run(build: Build): Promise<readonly TestOutcome[]>;
}

type Run = readonly TestOutcome[];
type SortedTests = Pick<FrozenList, "stable" | "unscored" | "withoutServer">;

const runsToFreeze = 3;
const repeat = Number(process.env["COMPAT_REPEAT"] ?? "1");
const isFreezing = process.env["COMPAT_FREEZE"] === "1";
/** The class that is asked for, of a suite in Java; all of them without a name. */
export const onlyClass: string | undefined = process.env["COMPAT_CLASS"];

/** Runs in one test of vitest's, for its time limit. */
export const runCount: number = isFreezing ? runsToFreeze : repeat;

/**
 * Runs the suite, reports each of its tests as a case, and fails when one differs from the frozen list. While freezing it
 * writes the list instead.
 */
export async function scoreSuite(suite: ForeignSuite, task: TestContext["task"]): Promise<void> {
  if (isFreezing) {
    await freeze(suite);
    return;
  }
  const list = readFrozen(suite.frozen);
  expect(list.suite, "the frozen list is of another version").toBe(suite.name);
  const runs: Run[] = [];
  for (let i = 0; i < repeat; i++) runs.push(await runOnce(suite, subject));
  const cases = casesOf({ ...list, stable: list.stable.filter((test) => suite.covers?.(test) ?? true) }, runs, subject);
  reportCases(task, [...cases, ...excludedCases(suite)]);
  const different = cases.filter(({ ours, reference }) => ours !== reference);
  expect(different.map(({ name, detail }) => `${name}: ${detail ?? ""}`)).toEqual([]);
  expect(strangers(list, runs), "tests that the frozen list does not know").toEqual([]);
}

async function runOnce(suite: ForeignSuite, build: Build): Promise<Run> {
  const release = await onlySuite();
  try {
    const startMs = performance.now();
    const outcomes = await timed(build, () => suite.run(build));
    const seconds = Math.round((performance.now() - startMs) / 1000);
    const passed = outcomes.filter((one) => hasPassed(one, build)).length;
    process.stdout.write(`${suite.name} on ${build}: ${passed} passed, ${seconds} s, load ${loadNow()}\n`);
    return outcomes;
  } finally {
    release();
  }
}

/** A pass counts only on a server of that build, and on no other. */
function hasPassed({ outcome, servers }: TestOutcome, build: Build): boolean {
  return outcome === "passed" && servers.length > 0 && servers.every((one) => one === build);
}

/** One case for each scored test: it passed when it did in every run. */
export function casesOf(list: Pick<FrozenList, "stable">, runs: readonly Run[], build: Build): Case[] {
  const byName = runs.map((run) => new Map(run.map((one) => [one.name, one])));
  return list.stable.map((name) => {
    const found = byName.map((run) => run.get(name));
    const bad = found.filter((one) => one === undefined || !hasPassed(one, build));
    if (bad.length === 0) return { name, ours: "passed", reference: "passed" };
    const ours = found.every((one) => one === undefined) ? "not run" : "failed";
    const detail = `passed in ${runs.length - bad.length} of ${runs.length} runs; ${complaint(bad[0], build)}`;
    return { name, ours, reference: "passed", detail };
  });
}

function complaint(one: TestOutcome | undefined, build: Build): string {
  if (one === undefined) return "the suite did not run it";
  if (one.outcome !== "passed") return `${one.outcome}: ${one.detail}`;
  if (one.servers.length === 0) return "it passed without a server";
  return `it passed on ${[...new Set(one.servers)].join(", ")}, not on ${build} alone`;
}

function excludedCases(suite: ForeignSuite): Case[] {
  return exclusionsOf(suite.name).map(({ test, reason }) => {
    return { name: test, ours: "not run", reference: "not run", excluded: reason };
  });
}

/** Tests of a run that are in no part of the list. */
function strangers(list: FrozenList, runs: readonly Run[]): string[] {
  const known = new Set([...list.stable, ...list.withoutServer, ...list.unscored.map(({ test }) => test)]);
  return [...new Set(runs.flat().map(({ name }) => name))].filter((name) => !known.has(name));
}

async function freeze(suite: ForeignSuite): Promise<void> {
  const runs: Run[] = [];
  const seconds: number[] = [];
  const loadAverage: number[] = [];
  for (let i = 0; i < runsToFreeze; i++) {
    const startMs = performance.now();
    runs.push(await runOnce(suite, "reference"));
    seconds.push(Math.round((performance.now() - startMs) / 1000));
    loadAverage.push(loadNow());
  }
  const measured = { date: new Date().toISOString().slice(0, 10), seconds, loadAverage };
  if (onlyClass !== undefined) {
    const list = readFrozen(suite.frozen);
    expect(list.suite, "the frozen list is of another version: measure all of it").toBe(suite.name);
    writeFrozen(suite.frozen, withClass(list, { class: onlyClass, ...measured }, sorted(runs)));
    return;
  }
  writeFrozen(suite.frozen, {
    suite: suite.name,
    about: suite.about,
    reference: "Apache ZooKeeper 3.9.5",
    versions: suite.versions,
    machine: machineKind(),
    ...measured,
    ...sorted(runs),
  });
}

/** The list with what one class gave when it was measured by itself, in the place of what it gave with the others. */
export function withClass(list: FrozenList, measured: MeasuredClass, parts: SortedTests): FrozenList {
  const isOther = (test: string): boolean => test.split(".")[0] !== measured.class;
  return {
    ...list,
    again: [...(list.again ?? []).filter((one) => one.class !== measured.class), measured],
    stable: [...list.stable.filter(isOther), ...parts.stable],
    unscored: [...list.unscored.filter(({ test }) => isOther(test)), ...parts.unscored],
    withoutServer: [...list.withoutServer.filter(isOther), ...parts.withoutServer],
  };
}

/** Sorts the tests of several runs of the reference into the three parts of a list. */
export function sorted(runs: readonly Run[]): SortedTests {
  const stable: string[] = [];
  const unscored: Unscored[] = [];
  const withoutServer: string[] = [];
  for (const name of new Set(runs.flat().map((one) => one.name))) {
    const found = runs.flat().filter((one) => one.name === name);
    const passes = found.filter((one) => hasPassed(one, "reference")).length;
    if (passes === runs.length) stable.push(name);
    else if (found.every(({ outcome, servers }) => outcome === "passed" && servers.length === 0))
      withoutServer.push(name);
    else unscored.push(unscoredOf(name, found, `${passes} of ${runs.length}`, passes > 0));
  }
  return { stable, unscored, withoutServer };
}

function unscoredOf(test: string, found: readonly TestOutcome[], passed: string, isFlaky: boolean): Unscored {
  const isSkipped = found.every(({ outcome }) => outcome === "skipped");
  const state = isSkipped ? "skipped" : isFlaky ? "flaky" : "fails";
  const bad = found.find((one) => !hasPassed(one, "reference"));
  return { test, state, passed, reason: complaint(bad, "reference").slice(0, 300) };
}

/** Waits until no other suite runs on this machine. The lock is an abstract socket: it ends with its process. */
async function onlySuite(): Promise<() => void> {
  for (;;) {
    const lock = createServer();
    if (await canListen(lock)) return () => lock.close();
    await delay(500);
  }
}

async function canListen(lock: Server): Promise<boolean> {
  lock.listen("\0nodekeeper-foreign-suite");
  try {
    await once(lock, "listening");
    return true;
  } catch {
    return false;
  }
}
