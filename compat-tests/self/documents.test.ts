/** What the documents promise about this suite holds: every difference has a reason, and a test that pins it. */

import { existsSync, globSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { expect, test } from "vitest";
import { scenarios } from "../client/scenarios.ts";
import expectations from "../expectations.json" with { type: "json" };
import { classPath, repositoryFolder, run } from "../reference/artifacts.ts";
import { exclusionsOf, suiteExclusions } from "../reporting/expectations.ts";
import { readFrozen } from "../suites/frozen-list.ts";
import { zookeeperEnsemblesSuite, zookeeperSuite } from "../suites/java-catalogue.ts";
import { simpleNameOf } from "../suites/java-suite.ts";

const compatibility = readFileSync(join(repositoryFolder, "compat-tests", "COMPATIBILITY.md"), "utf8");

const listed = [
  ...expectations.differences.map(({ name }) => ({ name, test: "compat-tests/wire/differences.test.ts" })),
  ...expectations.elsewhere,
];

test.each(listed)("the difference $name has a line in COMPATIBILITY.md and a test in $test", ({ name, test: file }) => {
  expect(compatibility).toContain(`| \`${name}\` |`);
  expect(existsSync(join(repositoryFolder, file))).toBe(true);
  expect(readFileSync(join(repositoryFolder, file), "utf8")).toContain(name);
});

test("every name in COMPATIBILITY.md's tables of differences is in expectations.json", () => {
  const names = [...compatibility.matchAll(/^\| `([a-z0-9-]+)` \|/gm)].map((match) => match[1] ?? "");
  expect(names.sort()).toEqual(listed.map(({ name }) => name).sort());
});

/** A reason is a sentence about the case and no single word. */
const reasonLengthMin = 15;

test("a scenario is left out only where there is one, and with a reason", () => {
  for (const { scenario, client, reason } of expectations.scenarios) {
    expect(Object.keys(scenarios), client).toContain(scenario);
    expect(reason.length, `${client}, ${scenario}`).toBeGreaterThan(reasonLengthMin);
  }
});

const frozen = globSync("*.json", { cwd: join(repositoryFolder, "compat-tests", "suites", "frozen") }).map((file) =>
  readFrozen(basename(file, ".json")),
);

test("a test of a foreign suite is left out only for a suite that is measured, with a reason, and is not scored", () => {
  const suites = new Map(frozen.map((list) => [list.suite, new Set(list.stable)]));
  for (const { suite, test: name, reason } of suiteExclusions) {
    expect([...suites.keys()], name).toContain(suite);
    expect(suites.get(suite)?.has(name), `${name} is scored and left out`).toBe(false);
    expect(reason.length, `${suite}, ${name}`).toBeGreaterThan(reasonLengthMin);
  }
});

test.each(frozen)("the frozen list of $suite was measured three times and scores something", (list) => {
  expect(list.seconds).toHaveLength(3);
  expect(list.stable.length).toBeGreaterThan(0);
  for (const { test: name, reason } of list.unscored) expect(reason, name).not.toBe("");
});

/** The classes that ZooKeeper's own build takes for tests: it goes by their names. */
function zookeeperTestClasses(): string[] {
  const jar = classPath("zookeeper-suite").replace("*", `zookeeper-${zookeeperSuite.versions["zookeeper"]}-tests.jar`);
  const names = run("jar", ["tf", jar]).matchAll(/^.*\/(\w+Test)\.class$/gm);
  return Array.from(names, ([, name]) => name!);
}

test("every class of ZooKeeper's own tests is run, or left out with a reason", () => {
  const suites = [zookeeperSuite, zookeeperEnsemblesSuite];
  const areRun = suites.flatMap(({ classes }) => classes.map(simpleNameOf));
  const leftOut = suites
    .flatMap(({ name }) => exclusionsOf(name))
    .filter(({ test: name }) => name.endsWith(".*"))
    .map(({ test: name }) => name.slice(0, -2));
  expect(areRun.filter((name) => leftOut.includes(name))).toEqual([]);
  expect([...new Set([...areRun, ...leftOut])].toSorted()).toEqual([...new Set(zookeeperTestClasses())].toSorted());
});
