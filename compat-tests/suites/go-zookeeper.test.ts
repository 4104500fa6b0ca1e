/**
 * go-zookeeper's own integration tests, unedited, as the module's zip carries them, against servers that they start by zkServer.sh.
 *
 * Each test starts a server in a temporary folder of its own, whose path begins with the test's name: that is how a launch
 * record finds its test. Some start three, which form an ensemble.
 *
 * One thing stands in the way of every real server since 3.7: the harness waits for `srvr` with the library's own FLWSrvr,
 * which knows the build date as `06/29/2026` only, while servers have long said `2026-06-29`. No test gets past that. So
 * the copy of the module that is run has that pattern of the library, which no test here is about, the other way round.
 */

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { test } from "vitest";
import { cached, run } from "../reference/artifacts.ts";
import { ClientProcess } from "../reference/process.ts";
import type { Build } from "../reference/server.ts";
import { exclusionOf } from "../reporting/expectations.ts";
import { doorFolder, type Launch, LaunchRecords } from "./launch-records.ts";
import { runCount, scoreSuite, type TestOutcome } from "./suite.ts";

const module = "github.com/go-zookeeper/zk";
const version = "v1.0.4";
const name = `go-zookeeper ${version.slice(1)}`;
const suiteTimeoutMs = 12 * 60_000;

const about =
  "go test -run TestIntegration on a copy of the module; ZOOKEEPER_BIN_PATH leads to our own zkServer.sh, which replaces itself by the door. " +
  "The library's flw.go reads the build date in srvr as servers since 3.7 write it; without that no test gets past its start, on any build.";

/** The date in the library's pattern for `srvr` and in its layout, and what servers of today say. */
const dates: readonly (readonly [string, string])[] = [
  [String.raw`(\d\d/\d\d/\d\d\d\d \d\d:\d\d`, String.raw`(\d\d\d\d-\d\d-\d\d \d\d:\d\d`],
  ['"01/02/2006 15:04 MST"', '"2006-01-02 15:04 MST"'],
];

test(`${name}: its own tests`, { timeout: suiteTimeoutMs * runCount }, async ({ task }) => {
  const folder = moduleFolder();
  const program = run("go", ["version"]).trim();
  await scoreSuite(
    {
      name,
      frozen: "go-zookeeper",
      about,
      versions: { [module]: version, go: program },
      run: (build) => runTests(folder, build),
    },
    task,
  );
});

/** A copy of the module whose library knows today's date. */
function moduleFolder(): string {
  return cached(`go-zookeeper-suite-${version.slice(1)}`, (folder) => {
    const described = JSON.parse(run("go", ["mod", "download", "-json", `${module}@${version}`])) as { Dir: string };
    const files = readdirSync(described.Dir).filter((file) => file.endsWith(".go") || file === "go.mod");
    for (const file of files) {
      const text = readFileSync(join(described.Dir, file), "utf8");
      writeFileSync(join(folder, file), file === "flw.go" ? withDatesOfToday(text) : text);
    }
  });
}

/** @throws Error when the library's text is not what it was. */
function withDatesOfToday(text: string): string {
  let changed = text;
  for (const [old, present] of dates) {
    if (changed.split(old).length !== 2) throw new Error(`flw.go does not have ${old} once`);
    changed = changed.replace(old, present);
  }
  return changed;
}

/** Names of the integration tests that expectations.json does not exclude. */
function wantedTests(folder: string): string[] {
  const listed = run("go", ["test", "-vet=off", "-list", "^TestIntegration"], folder).split("\n");
  return listed.filter((line) => line.startsWith("Test") && exclusionOf(name, line) === null);
}

async function runTests(folder: string, build: Build): Promise<TestOutcome[]> {
  const records = new LaunchRecords();
  const wanted = `-run=^(${wantedTests(folder).join("|")})$`;
  const words = ["test", "-vet=off", "-count=1", "-timeout=600s", "-json", wanted, "."];
  // Without a version its tests of reconfiguration leave themselves out.
  const asked = { ZOOKEEPER_BIN_PATH: doorFolder, ZK_VERSION: "3.9.5" };
  const environment = { ...records.environment(name, build), ...asked };
  const go = new ClientProcess("go", words, environment, folder);
  // It fails when any of its tests does; whether it came to its end, its last event says.
  const problem = await go.end().catch((error: unknown) => error);
  try {
    return outcomesIn(go.lines, records.read());
  } catch (error) {
    throw new Error(`go test did not come to its end: ${String(problem)}`, { cause: error });
  } finally {
    records.dispose();
  }
}

/** One line of `go test -json`: what happened to a test, or to the package when none is named. */
interface TestEvent {
  readonly Action: string;
  readonly Test?: string;
  readonly Output?: string;
}

const outcomeOf: Readonly<Record<string, TestOutcome["outcome"]>> = { pass: "passed", fail: "failed", skip: "skipped" };

function outcomesIn(lines: readonly string[], launches: readonly Launch[]): TestOutcome[] {
  const outputs = new Map<string, string>();
  const outcomes: TestOutcome[] = [];
  let hasEnded = false;
  for (const line of lines.filter((line) => line.startsWith("{"))) {
    const { Action, Test, Output } = JSON.parse(line) as TestEvent;
    const outcome = outcomeOf[Action];
    if (Test === undefined) hasEnded ||= outcome !== undefined;
    else if (Action === "output") outputs.set(Test, (outputs.get(Test) ?? "") + (Output ?? ""));
    else if (outcome !== undefined) outcomes.push(outcomeOfTest(Test, outcome, outputs.get(Test) ?? "", launches));
  }
  if (!hasEnded || outcomes.length === 0) throw new Error("no result of the package");
  return outcomes;
}

function outcomeOfTest(
  test: string,
  outcome: TestOutcome["outcome"],
  output: string,
  launches: readonly Launch[],
): TestOutcome {
  const servers = launches.filter(({ config }) => testOf(config) === test.split("/")[0]).map(({ build }) => build);
  return { name: test, outcome, servers, detail: outcome === "passed" ? "" : complaintIn(output) };
}

/** Go names a test's temporary folder for it, with a number behind: `TestIntegration_Auth3281/001/srv1/zoo.cfg`. */
function testOf(config: string): string {
  const folder = config.split("/").find((part) => part.startsWith("Test")) ?? basename(config);
  return folder.replace(/\d+$/, "");
}

/** The lines that a failing test printed itself, without the server's and the client's chatter. */
function complaintIn(output: string): string {
  const own = output.split("\n").filter((line) => /_test\.go:\d+:/.test(line) && !line.includes("[ZKERR]"));
  return (own.length > 0 ? own : output.split("\n").slice(-10)).join("\n").trim().slice(0, 1000);
}
