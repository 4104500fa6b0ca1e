/** How other people's suites are judged, and that the door which starts their servers does what it says. */

import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { freePort } from "../../test/support/free-port.ts";
import { fourLetterWord } from "../reference/server.ts";
import { doorFolder, LaunchRecords } from "../suites/launch-records.ts";
import { casesOf, sorted, type TestOutcome, withClass } from "../suites/suite.ts";

const scratch = mkdtempSync(join(tmpdir(), "compat-self-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

function outcome(name: string, settings: Partial<TestOutcome> = {}): TestOutcome {
  return { name, outcome: "passed", servers: ["reference"], detail: "", ...settings };
}

const failed = { outcome: "failed", detail: "boom" } as const;
const skipped = { outcome: "skipped", detail: "needs a KDC" } as const;

test("a frozen list scores what passed every time on the reference, and gives a reason for the rest", () => {
  const first = [outcome("good"), outcome("now and then"), outcome("never", failed), outcome("left", skipped)];
  const second = [outcome("good"), outcome("now and then", failed), outcome("never", failed), outcome("left", skipped)];
  expect(sorted([first, second])).toEqual({
    stable: ["good"],
    unscored: [
      { test: "now and then", state: "flaky", passed: "1 of 2", reason: "failed: boom" },
      { test: "never", state: "fails", passed: "0 of 2", reason: "failed: boom" },
      { test: "left", state: "skipped", passed: "0 of 2", reason: "skipped: needs a KDC" },
    ],
    withoutServer: [],
  });
});

test("a frozen list does not score a test that met no server, or one of ours", () => {
  const run = [outcome("alone", { servers: [] }), outcome("mixed", { servers: ["reference", "ours"] })];
  const list = sorted([run]);
  expect(list.withoutServer).toEqual(["alone"]);
  expect(list.stable).toEqual([]);
  expect(list.unscored[0]?.reason).toBe("it passed on reference, ours, not on reference alone");
});

test("a class that is measured by itself changes the list in its own tests only", () => {
  const header = { suite: "s 1", about: "", reference: "", date: "", versions: {}, machine: "" };
  const measured = { date: "2026-01-01", seconds: [9], loadAverage: [0.1] };
  const flaky = { state: "flaky", passed: "1 of 3", reason: "boom" } as const;
  const list = {
    ...header,
    ...measured,
    again: [{ class: "A", ...measured }],
    stable: ["A.gone", "AB.stays"],
    unscored: [
      { test: "A.mended", ...flaky },
      { test: "B.flaky", ...flaky },
    ],
    withoutServer: ["A.client"],
  };
  const second = { class: "A", date: "2026-01-02", seconds: [1], loadAverage: [0.2] };
  const runs = [[outcome("A.mended"), outcome("A.client", { servers: [] })]];
  expect(withClass(list, second, sorted(runs))).toEqual({
    ...list,
    again: [second],
    stable: ["AB.stays", "A.mended"],
    unscored: [{ test: "B.flaky", ...flaky }],
    withoutServer: ["A.client"],
  });
});

test.each([
  { about: "one pass", runs: [outcome("a", { servers: ["ours"] })], ours: "passed" },
  { about: "a failure", runs: [outcome("a", { servers: ["ours"], ...failed })], ours: "failed" },
  { about: "a skip", runs: [outcome("a", { servers: ["ours"], ...skipped })], ours: "failed" },
  { about: "a pass without a server", runs: [outcome("a", { servers: [] })], ours: "failed" },
  { about: "a pass on the reference", runs: [outcome("a")], ours: "failed" },
  { about: "a pass and a failure", runs: [outcome("a", { servers: ["ours"] }), outcome("a", failed)], ours: "failed" },
  { about: "no such test", runs: [outcome("b", { servers: ["ours"] })], ours: "not run" },
])("a scored test: $about means $ours", ({ runs, ours }) => {
  const cases = casesOf(
    { stable: ["a"] },
    runs.map((one) => [one]),
    "ours",
  );
  expect(cases.map((one) => one.ours)).toEqual([ours]);
});

test("the door starts our server in its own place, without later features, and leaves a record", async () => {
  const port = await freePort();
  const config = join(scratch, "zoo.cfg");
  const dataDir = join(scratch, "data");
  mkdirSync(dataDir);
  const provider = "authProvider.1=org.apache.zookeeper.server.auth.SASLAuthenticationProvider";
  const lines = [`dataDir=${dataDir}`, `clientPort=${port}`, "4lw.commands.whitelist=*", provider];
  writeFileSync(config, [...lines, "secureClientPort=1", "ssl.keyStore.location=x", ""].join("\n"));
  const records = new LaunchRecords();
  const flags = ["-cp", "nothing", "-Djava.security.auth.login.config=x", "-Dreadonlymode.enabled=true"];
  const server = spawn("java", [...flags, "org.apache.zookeeper.server.quorum.QuorumPeerMain", config], {
    env: { ...process.env, ...records.environment("self", "ours") },
    stdio: "ignore",
  });
  try {
    const answer = await answerOf(port);
    expect(answer).toContain("Mode: standalone");
    const [launch] = records.read();
    expect(launch).toMatchObject({ suite: "self", build: "ours", pid: server.pid, config });
    const dropped = [provider, "secureClientPort=1", "ssl.keyStore.location=x", flags[2]];
    expect(launch?.dropped).toEqual(dropped);
    expect(readFileSync(config, "utf8")).toContain("secureClientPort");
  } finally {
    const ended = once(server, "exit");
    records.dispose();
    await ended;
  }
  expect(server.signalCode).toBe("SIGKILL");
});

/** What the server says as soon as it serves. */
async function answerOf(port: number): Promise<string> {
  for (;;) {
    const answer = await fourLetterWord(port, "srvr").catch(() => "");
    if (answer.includes("Mode:")) return answer;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

test("the door hands a class that is no server to the real JVM", () => {
  const virtualMachine = join(scratch, "java");
  writeFileSync(virtualMachine, '#!/bin/sh\necho "$@"\n', { mode: 0o755 });
  const words = ["-cp", "x", "org.apache.zookeeper.ZooKeeperMain", "-server", "here"];
  const environment = { ...process.env, PATH: `${doorFolder}:${scratch}:${process.env["PATH"] ?? ""}` };
  const printed = execFileSync("java", words, { env: environment, encoding: "utf8" });
  expect(printed.trim()).toBe(words.join(" "));
});
