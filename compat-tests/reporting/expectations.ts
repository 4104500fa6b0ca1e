/**
 * What is left out of the comparison, as expectations.json lists it. Nothing else in the tree may leave out a case; the
 * report shows each with its reason.
 */

import expectations from "../expectations.json" with { type: "json" };

/** A scenario that a client cannot play. */
interface ScenarioExclusion {
  /** The client's name in the report. */
  readonly client: string;
  readonly scenario: string;
  readonly reason: string;
}

/** A test of somebody else's suite that does not count. */
export interface SuiteExclusion {
  readonly suite: string;
  /** Name of the test as the suite gives it; a `*` at the end stands for any rest. */
  readonly test: string;
  /** What it needs that this version, or this suite's stage, has not got; null when it is about something that never concerns a server. */
  readonly needs: string | null;
  readonly reason: string;
}

const scenarioExclusions: readonly ScenarioExclusion[] = expectations.scenarios;
/** Those of `groups` share a reason. */
export const suiteExclusions: readonly SuiteExclusion[] = [
  ...expectations.suites,
  ...expectations.groups.flatMap(({ tests, ...rest }) => tests.map((test) => ({ ...rest, test }))),
];

/** Why the client does not play the scenario, or null when it does. */
export function whyNotPlayed(client: string, scenario: string): string | null {
  const found = scenarioExclusions.find((entry) => entry.client === client && entry.scenario === scenario);
  return found?.reason ?? null;
}

/** Why a suite's test does not count, or null when it does. */
export function exclusionOf(suite: string, test: string): SuiteExclusion | null {
  const covers = (pattern: string): boolean =>
    pattern.endsWith("*") ? test.startsWith(pattern.slice(0, -1)) : test === pattern;
  return suiteExclusions.find((entry) => entry.suite === suite && covers(entry.test)) ?? null;
}

/** All tests of a suite that do not count. */
export function exclusionsOf(suite: string): readonly SuiteExclusion[] {
  return suiteExclusions.filter((entry) => entry.suite === suite);
}
