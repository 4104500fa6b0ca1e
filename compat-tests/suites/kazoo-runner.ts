/**
 * Runs kazoo's own tests, unedited, from a released package: against a server of one build, or against an ensemble whose members
 * are of several. kazoo's harness starts them by the word `java` (door/java.ts).
 */

import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { freePorts } from "../../test/support/free-port.ts";
import { cached, repositoryFolder, run } from "../reference/artifacts.ts";
import { ClientProcess } from "../reference/process.ts";
import type { Build } from "../reference/server.ts";
import { type Launch, LaunchRecords } from "./launch-records.ts";
import type { TestOutcome } from "./suite.ts";

/** What the suite runs on; pinned, so that a frozen list means the same next year. */
const runner = ["pytest==9.2.0", "pytest-timeout==2.4.0"] as const;

export interface KazooRelease {
  readonly version: string;
  /** Name of its frozen list. */
  readonly frozen: string;
  /** What its tests import, by pip's names. pyOpenSSL 25.0 is the last that makes certificates as kazoo's harness does. */
  readonly needs: readonly string[];
}

export const kazooReleases: readonly KazooRelease[] = [
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

/** Tests that are others once more, on other kinds of threads. */
export const repetitions: readonly string[] = ["test_eventlet_handler.py", "test_gevent_handler.py"];

/** Tests of recipes, which take their time: `--shard ci` has others of their kind. */
export const recipes: readonly string[] = [
  "test_barrier.py",
  "test_cache.py",
  "test_lease.py",
  "test_lock.py",
  "test_partitioner.py",
  "test_queue.py",
];

/** Seconds that one test may take; the longest needs half of it. */
const testTimeoutS = 120;
/** Ports of one server: client, leader, election, admin, secure client. */
const portsOfServer = 5;

/** Folder with the release, its tests and what they need. */
export function installedKazoo({ version, needs }: KazooRelease): string {
  const packages = [`kazoo==${version}`, ...runner, ...needs];
  return cached(`kazoo-suite-${version}`, (folder) => {
    run("python3", ["-m", "pip", "install", "--quiet", "--target", folder, ...packages]);
  });
}

/** Names of the release's files of tests. */
export function testFilesIn(library: string): string[] {
  return readdirSync(join(library, "kazoo", "tests")).filter((name) => /^test_.*\.py$/.test(name));
}

export function versionsIn(library: string): Record<string, string> {
  const lines = run("python3", ["-m", "pip", "list", "--path", library, "--format", "json"]);
  const listed = JSON.parse(lines) as { name: string; version: string }[];
  const versions = Object.fromEntries(listed.map(({ name, version }) => [name, version]));
  return { Python: run("python3", ["-c", "import platform; print(platform.python_version())"]).trim(), ...versions };
}

export interface KazooRun {
  /** Name of the suite, for the launch records. */
  readonly suite: string;
  /** Where {@link installedKazoo} has put the release. */
  readonly library: string;
  /** One for each server; server 1 is the first. */
  readonly builds: readonly Build[];
  /** Tests and files of tests that are not run. */
  readonly left: { readonly tests: readonly string[]; readonly files: readonly string[] };
}

/** Runs the tests once. @throws Error when pytest does not come to its end. */
export async function runKazooTests({ suite, library, builds, left }: KazooRun): Promise<TestOutcome[]> {
  const folder = mkdtempSync(join(tmpdir(), "compat-kazoo-"));
  const records = new LaunchRecords();
  const outcomesFile = join(folder, "outcomes.jsonl");
  const pytest = new ClientProcess("python3", pytestWords(library, left), {
    ...records.environment(suite, ...builds),
    // Under CI kazoo's tests sleep longer and look at their own build machine.
    CI: "",
    COMPAT_OUTCOMES: outcomesFile,
    PYTHONPATH: [join(repositoryFolder, "compat-tests", "suites", "kazoo"), library].join(delimiter),
    PYTHONDONTWRITEBYTECODE: "1",
    TMPDIR: folder,
    ZOOKEEPER_CLASSPATH: "door",
    ZOOKEEPER_CLUSTER_SIZE: String(builds.length),
    ZOOKEEPER_PORT_OFFSET: String(await freePorts(portsOfServer * builds.length)),
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

function pytestWords(library: string, left: KazooRun["left"]): string[] {
  const tests = join(library, "kazoo", "tests");
  const words = [
    ...left.tests.map((test) => `--deselect=kazoo/tests/${test}`),
    ...left.files.map((file) => `--ignore=${join(tests, file)}`),
  ];
  const options = ["-p", "observe", "-p", "no:cacheprovider", "-q", `--timeout=${testTimeoutS}`];
  return ["-m", "pytest", ...options, `--rootdir=${library}`, "-c", "/dev/null", ...words, tests];
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
