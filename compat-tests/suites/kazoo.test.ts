/**
 * kazoo's own tests, unedited, from the released package, against a server that kazoo's harness starts by the word `java`.
 *
 * Two releases: 2.11.0, and 2.8.0, which Debian ships. Ensembles are not part of this version, so the harness is told to make
 * a cluster of one (ZOOKEEPER_CLUSTER_SIZE). What a test needs beyond that is in expectations.json, test by test.
 */

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { test } from "vitest";
import { freePort } from "../../test/support/free-port.ts";
import { cached, repositoryFolder, run } from "../reference/artifacts.ts";
import { ClientProcess } from "../reference/process.ts";
import type { Build } from "../reference/server.ts";
import { exclusionsOf } from "../reporting/expectations.ts";
import { type Launch, LaunchRecords } from "./launch-records.ts";
import { type ForeignSuite, runCount, scoreSuite, type TestOutcome } from "./suite.ts";

/** What the suite runs on; pinned, so that a frozen list means the same next year. */
const runner = ["pytest==9.2.0", "pytest-timeout==2.4.0"] as const;

interface Release {
  readonly version: string;
  readonly frozen: string;
  /** What its tests import, by pip's names. pyOpenSSL 25.0 is the last that makes certificates as kazoo's harness does. */
  readonly needs: readonly string[];
}

const releases: readonly Release[] = [
  {
    version: "2.11.0",
    frozen: "kazoo",
    needs: [
      "pyjks==20.0.0",
      "pyOpenSSL==25.0.0",
      "objgraph==3.7.0",
      "gevent==26.9.0",
      "eventlet==0.41.3",
      "pure_sasl==0.6.2",
    ],
  },
  {
    version: "2.8.0",
    frozen: "kazoo-2.8",
    needs: ["mock==5.2.0", "objgraph==3.7.0", "gevent==26.9.0", "eventlet==0.41.3", "pure_sasl==0.6.2"],
  },
];

/** Seconds that one test may take; the longest needs half of it. */
const testTimeoutS = 120;
const suiteTimeoutMs = 20 * 60_000;
/** Ports of one server: client, leader, election, admin, secure client. */
const portsOfServer = 5;

/** `--shard ci` leaves out what is the same once more: the older release, and the tests repeated on other kinds of threads. */
const isShort = process.env["COMPAT_SHARD"] === "ci" && process.env["COMPAT_FREEZE"] !== "1";
const repetitions = ["test_eventlet_handler.py", "test_gevent_handler.py"];

const about =
  "kazoo.testing with ZOOKEEPER_CLUSTER_SIZE=1. The servers of both builds are not given authProvider.1=SASLAuthenticationProvider, " +
  "secureClientPort, ssl.* and -Djava.security.auth.login.config, which belong to later features; tests that need them are excluded by name.";

for (const release of isShort ? releases.slice(0, 1) : releases) {
  test(`kazoo ${release.version}: its own tests`, { timeout: suiteTimeoutMs * runCount }, async ({ task }) => {
    await scoreSuite(suiteOf(release), task);
  });
}

function suiteOf(release: Release): ForeignSuite {
  const name = `kazoo ${release.version}`;
  const library = installed(release);
  return {
    name,
    frozen: release.frozen,
    about,
    versions: versionsIn(library),
    covers: (test) => !isShort || !repetitions.some((file) => test.startsWith(file)),
    run: (build) => runTests(name, library, build),
  };
}

/** Folder with the release, its tests and what they need. */
function installed({ version, needs }: Release): string {
  const packages = [`kazoo==${version}`, ...runner, ...needs];
  return cached(`kazoo-suite-${version}`, (folder) => {
    run("python3", ["-m", "pip", "install", "--quiet", "--target", folder, ...packages]);
  });
}

function versionsIn(library: string): Record<string, string> {
  const lines = run("python3", ["-m", "pip", "list", "--path", library, "--format", "json"]);
  const listed = JSON.parse(lines) as { name: string; version: string }[];
  const versions = Object.fromEntries(listed.map(({ name, version }) => [name, version]));
  return { Python: run("python3", ["-c", "import platform; print(platform.python_version())"]).trim(), ...versions };
}

async function runTests(suite: string, library: string, build: Build): Promise<TestOutcome[]> {
  const folder = mkdtempSync(join(tmpdir(), "compat-kazoo-"));
  const records = new LaunchRecords();
  const outcomesFile = join(folder, "outcomes.jsonl");
  const pytest = new ClientProcess("python3", pytestWords(suite, library), {
    ...records.environment(suite, build),
    // Under CI kazoo's tests sleep longer and look at their own build machine.
    CI: "",
    COMPAT_OUTCOMES: outcomesFile,
    PYTHONPATH: [join(repositoryFolder, "compat-tests", "suites", "kazoo"), library].join(delimiter),
    PYTHONDONTWRITEBYTECODE: "1",
    TMPDIR: folder,
    ZOOKEEPER_CLASSPATH: "door",
    ZOOKEEPER_CLUSTER_SIZE: "1",
    ZOOKEEPER_PORT_OFFSET: String(await freePorts(portsOfServer)),
    ZOOKEEPER_VERSION: "3.9.5",
  });
  // It fails when any of its tests does; whether it came to its end, its last line says.
  const problem = await pytest.end().catch((error: unknown) => error);
  try {
    return outcomesIn(readFileSync(outcomesFile, "utf8"), records.read());
  } catch (error) {
    const output = pytest.lines.slice(-40).join("\n");
    throw new Error(`pytest did not come to its end: ${output}\n${String(problem)}`, { cause: error });
  } finally {
    records.dispose();
    rmSync(folder, { recursive: true, force: true });
  }
}

function pytestWords(suite: string, library: string): string[] {
  const tests = join(library, "kazoo", "tests");
  const excluded = exclusionsOf(suite).map(({ test }) => `--deselect=kazoo/tests/${test}`);
  const left = isShort ? repetitions.map((file) => `--ignore=${join(tests, file)}`) : [];
  const options = ["-p", "observe", "-p", "no:cacheprovider", "-q", `--timeout=${testTimeoutS}`];
  return ["-m", "pytest", ...options, `--rootdir=${library}`, "-c", "/dev/null", ...excluded, ...left, tests];
}

interface ObservedTest {
  readonly test: string;
  readonly outcome: TestOutcome["outcome"];
  /** Process ids. */
  readonly servers: readonly number[];
  readonly detail: string;
}

type Observed = ObservedTest | { readonly finished: number };

/** pytest's exit statuses up to 1 mean that all tests were run. */
const lastCompleteStatus = 1;

function outcomesIn(text: string, launches: readonly Launch[]): TestOutcome[] {
  const buildOf = new Map(launches.map(({ pid, build }) => [pid, build]));
  const outcomes: TestOutcome[] = [];
  let status = Number.POSITIVE_INFINITY;
  for (const line of text.split("\n").filter((line) => line !== "")) {
    const observed = JSON.parse(line) as Observed;
    if ("finished" in observed) {
      status = observed.finished;
      continue;
    }
    const servers = observed.servers.map((pid) => buildOf.get(pid)).filter((build) => build !== undefined);
    outcomes.push({ name: observed.test, outcome: observed.outcome, servers, detail: observed.detail });
  }
  if (status > lastCompleteStatus) throw new Error(`exit status ${status}`);
  return outcomes;
}

/** The first of that many free ports in a row. */
async function freePorts(count: number): Promise<number> {
  for (;;) {
    const first = await freePort();
    const others = Array.from({ length: count - 1 }, (_, i) => first + 1 + i);
    const free = await Promise.all(others.map((port) => isFree(port)));
    if (free.every(Boolean)) return first;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", () => resolve(false));
    probe.listen({ port, host: "127.0.0.1", exclusive: true }, () => probe.close(() => resolve(true)));
  });
}
