/**
 * Frozen lists: what a suite says about the reference, measured three times through the same door and kept in the tree. Only
 * what passed every time is asked of ours; the rest is named with its reason, so that nothing is left out in silence.
 *
 *   stable         passed in every run, each time on a server of the reference
 *   unscored       flaky (in some runs), fails (in none), skipped (by the suite itself)
 *   withoutServer  passes without any server: a test of the client library, which says nothing about us
 *
 * Tests that expectations.json excludes are not run and not in the list. COMPAT_FREEZE=1 measures anew; a list changes only in a
 * commit that says why.
 */

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, loadavg, totalmem } from "node:os";
import { fileURLToPath } from "node:url";

export interface Unscored {
  readonly test: string;
  readonly state: "flaky" | "fails" | "skipped";
  /** `2 of 3` */
  readonly passed: string;
  /** What the suite said, or what a person found out; a person's words survive the next measurement. */
  readonly reason: string;
}

/** A class of a suite in Java that was measured by itself, after the whole. */
export interface MeasuredClass extends Pick<FrozenList, "date" | "seconds" | "loadAverage"> {
  readonly class: string;
}

export interface FrozenList {
  readonly suite: string;
  /** How the suite was run, and what the door kept from the servers of both builds. */
  readonly about: string;
  readonly reference: string;
  /** Day of the measurement. */
  readonly date: string;
  /** What the suite ran on: interpreter, runner, library. */
  readonly versions: Readonly<Record<string, string>>;
  readonly machine: string;
  /** Of each run. */
  readonly seconds: readonly number[];
  readonly loadAverage: readonly number[];
  readonly again?: readonly MeasuredClass[];
  readonly stable: readonly string[];
  readonly unscored: readonly Unscored[];
  readonly withoutServer: readonly string[];
}

function fileOf(name: string): string {
  return fileURLToPath(new URL(`frozen/${name}.json`, import.meta.url));
}

/**
 * The list of that name, `kazoo` for frozen/kazoo.json.
 * @throws Error when it was never measured.
 */
export function readFrozen(name: string): FrozenList {
  const file = fileOf(name);
  if (!existsSync(file)) throw new Error(`there is no frozen/${name}.json; COMPAT_FREEZE=1 measures the reference`);
  return JSON.parse(readFileSync(file, "utf8")) as FrozenList;
}

/** Writes the list, sorted, keeping the reasons of tests that are still in the state that they were in. */
export function writeFrozen(name: string, list: FrozenList): void {
  const before = existsSync(fileOf(name)) ? readFrozen(name).unscored : [];
  const unscored = list.unscored.map((entry) => {
    const old = before.find(({ test, state }) => test === entry.test && state === entry.state);
    return old === undefined ? entry : { ...entry, reason: old.reason };
  });
  const sorted = {
    ...list,
    stable: [...list.stable].sort(),
    unscored: unscored.sort((a, b) => (a.test < b.test ? -1 : 1)),
    withoutServer: [...list.withoutServer].sort(),
  };
  writeFileSync(fileOf(name), `${JSON.stringify(sorted, null, 2)}\n`);
}

/** Kind of machine, as the lists name it. */
export function machineKind(): string {
  const [first] = cpus();
  return `${cpus().length} cores of ${first?.model.trim() ?? "?"}, ${Math.round(totalmem() / 2 ** 30)} GiB`;
}

/** Load average of the last minute, to one decimal. */
export function loadNow(): number {
  return Math.round((loadavg()[0] ?? 0) * 10) / 10;
}
