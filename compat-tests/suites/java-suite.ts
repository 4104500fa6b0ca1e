/**
 * Suites written in Java with JUnit: each of their classes runs in a JVM of its own, unedited, as in their authors' builds. Our
 * shim stands first on the class path; it has the names of the few classes whose work is to start a server, and starts
 * a process instead.
 *
 *   vitest --- java ConsoleLauncher --select-class=CreateTest
 *                |  shim/: NIOServerCnxnFactory, ZooKeeperServerEmbeddedImpl, ...    -> node src/main.ts start zoo.cfg
 *                |  the suite's jar: CreateTest                                          or java QuorumPeerMain zoo.cfg
 *                '- outcomes.jsonl, launches.jsonl
 *
 * Tests of ensembles make QuorumPeers, of which the jar's own class stays: the shim leads those of its methods that start, stop and
 * ask a member to a process (shim/compat/shim/PeerMethods.java).
 *
 * A test in whose JVM something listens for longer than a moment has failed: it may have met a server in there.
 *
 *   COMPAT_CLASS=CreateTest  that class alone
 *   COMPAT_KEEP=1            keeps each class's folder: its output, JUnit's reports, each server's zoo.cfg and output
 *   COMPAT_JAVA_LOG=info     what the suite's own classes log, in jvm.out of that folder
 */

import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { closeSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  cacheFolder,
  classPath,
  compiledJava,
  type JarSet,
  quickStart,
  repositoryFolder,
} from "../reference/artifacts.ts";
import { type Build } from "../reference/server.ts";
import { exclusionsOf } from "../reporting/expectations.ts";
import { readFrozen } from "./frozen-list.ts";
import { type Launch, LaunchRecords } from "./launch-records.ts";
import { type ForeignSuite, onlyClass, type TestOutcome } from "./suite.ts";
import { isShort } from "../shard.ts";

const shimFolder = fileURLToPath(new URL("shim", import.meta.url));

/** A suite in Java. */
export interface JavaSuite {
  /** With its version; the name in expectations.json. */
  readonly name: string;
  /** Name of its frozen list. */
  readonly frozen: string;
  readonly about: string;
  readonly jars: JarSet;
  readonly versions: Readonly<Record<string, string>>;
  /** Full names of the test classes; `Class#method` for one test of a class. */
  readonly classes: readonly string[];
  /** Those of them, by their simple names, that `--shard ci` runs: a few minutes that touch every kind of request. */
  readonly shortClasses: readonly string[];
  /** Classes that run side by side. Most of them wait for most of their time. */
  readonly sideBySide: number;
  /** Tests, as `Class.method`, that open a port of their own which is no server's. */
  readonly listeners: readonly string[];
  /**
   * System properties that the authors' own build sets for a class.
   * @param folder a scratch folder.
   * @param lane which of those that run side by side it is, from 0.
   */
  properties(folder: string, simpleName: string, lane: number): Readonly<Record<string, string>>;
}

/** A line of the shim's listener. */
interface OutcomeLine {
  readonly test: string;
  readonly event: "begins" | "passed" | "failed" | "skipped";
  readonly ms?: number;
  readonly servers?: readonly number[];
  readonly listened?: readonly number[];
  readonly detail?: string;
}

/** Ours starts hundreds of times: Node keeps what it compiled. */
const quickNode = { NODE_COMPILE_CACHE: join(cacheFolder, "compiled") };

/** No class takes a quarter of this; one that hangs is ended. */
const classTimeoutMs = 15 * 60_000;

/** What a method may take, in JUnit's words. */
const methodTimeout = "180 s";

/** A measurement of the reference has the classes that were never measured, too. */
const isFreezing = process.env["COMPAT_FREEZE"] === "1";

/** The suite as suite.ts runs and judges it. */
export function foreignSuite(suite: JavaSuite): ForeignSuite {
  const measured = isFreezing ? null : measuredClasses(suite.frozen);
  const isCovered = (className: string): boolean => {
    const name = simpleNameOf(className);
    if (onlyClass !== undefined && name !== onlyClass) return false;
    return measured === null || (measured.has(name) && (!isShort || suite.shortClasses.includes(name)));
  };
  return {
    name: suite.name,
    frozen: suite.frozen,
    about: suite.about,
    versions: suite.versions,
    covers: (test) => isCovered(test.split(".")[0] ?? test),
    run: async (build) => {
      const unknown = suite.classes.map(simpleNameOf).filter((name) => measured?.has(name) === false);
      if (unknown.length > 0) process.stdout.write(`  not measured on the reference yet: ${unknown.join(", ")}\n`);
      const classes = suite.classes.filter(isCovered);
      if (classes.length === 0) throw new Error(`${suite.name} has no class ${onlyClass}`);
      return runClasses(suite, classes, build);
    },
  };
}

/** Simple names of the classes in the frozen list: of the others nobody knows what the reference does with them. */
function measuredClasses(frozen: string): ReadonlySet<string> {
  const { stable, unscored, withoutServer } = readFrozen(frozen);
  const tests = [...stable, ...withoutServer, ...unscored.map(({ test }) => test)];
  return new Set(tests.map((test) => test.split(".")[0] ?? test));
}

/** One run of those classes; of several builds each server has the one of its id. */
export async function runClasses(
  suite: JavaSuite,
  classes: readonly string[],
  ...builds: readonly Build[]
): Promise<TestOutcome[]> {
  const outcomes: TestOutcome[] = [];
  const left = [...classes];
  const work = async (lane: number): Promise<void> => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      outcomes.push(...(await runClass(suite, next, { builds, lane })));
    }
  };
  await Promise.all(Array.from({ length: suite.sideBySide }, (_, lane) => work(lane)));
  return outcomes;
}

/** `CreateTest` of `org.apache.zookeeper.test.CreateTest` and of its `#testCreate`. */
export function simpleNameOf(className: string): string {
  return className.slice(className.lastIndexOf(".") + 1).replace(/#.*$/, "");
}

async function runClass(
  suite: JavaSuite,
  className: string,
  { builds, lane }: Pick<Stage, "builds" | "lane">,
): Promise<TestOutcome[]> {
  const startMs = performance.now();
  const folder = mkdtempSync(join(tmpdir(), "compat-java-"));
  const records = new LaunchRecords();
  try {
    await runJvm(suite, className, { folder, records, builds, lane });
    const lines = readOutcomes(folder).map((line) =>
      suite.listeners.includes(line.test) ? { ...line, listened: [] } : line,
    );
    const outcomes = outcomesOf(className, lines, records.read());
    const failed = outcomes.filter(({ outcome }) => outcome === "failed").length;
    const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
    process.stdout.write(
      `  ${className} on ${builds.join()}: ${outcomes.length} tests, ${failed} failed, ${seconds} s\n`,
    );
    return outcomes;
  } finally {
    records.dispose();
    if (process.env["COMPAT_KEEP"] === undefined) rmSync(folder, { recursive: true, force: true });
    else process.stdout.write(`  kept: ${folder}\n`);
  }
}

interface Stage {
  readonly folder: string;
  readonly records: LaunchRecords;
  readonly builds: readonly Build[];
  readonly lane: number;
}

async function runJvm(suite: JavaSuite, className: string, { folder, records, builds, lane }: Stage): Promise<void> {
  for (const name of ["servers", "commands"]) mkdirSync(join(folder, name));
  for (const build of builds) writeFileSync(join(folder, "commands", build), serverCommand(build).join("\n"));
  writeFileSync(
    join(folder, "excluded"),
    exclusionsOf(suite.name)
      .map(({ test }) => test)
      .join("\n"),
  );
  const output = openSync(join(folder, "jvm.out"), "w");
  const child = spawn("java", launcherWords(suite, className, { folder, lane }), {
    cwd: folder,
    // Without the door on the PATH: the shim starts servers itself.
    env: { ...process.env, ...records.environment(suite.name, ...builds), PATH: process.env["PATH"], ...quickNode },
    stdio: ["ignore", output, output],
  });
  closeSync(output);
  const timer = setTimeout(() => child.kill("SIGKILL"), classTimeoutMs);
  const endWithUs = (): boolean => child.kill("SIGKILL");
  process.once("exit", endWithUs);
  await once(child, "exit");
  process.removeListener("exit", endWithUs);
  clearTimeout(timer);
}

function launcherWords(
  suite: JavaSuite,
  className: string,
  { folder, lane }: Pick<Stage, "folder" | "lane">,
): string[] {
  const properties = {
    "compat.commands": join(folder, "commands"),
    "compat.folder": join(folder, "servers"),
    "compat.outcomes": join(folder, "outcomes.jsonl"),
    "compat.excluded": join(folder, "excluded"),
    "org.slf4j.simpleLogger.defaultLogLevel": process.env["COMPAT_JAVA_LOG"] ?? "off",
    "java.io.tmpdir": folder,
    ...suite.properties(folder, simpleNameOf(className), lane),
  };
  return [
    "-Xmx512m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-Xshare:auto",
    ...Object.entries(properties).map(([name, value]) => `-D${name}=${value}`),
    "-cp",
    [shimFolder, compiledJava(suite.jars, shimSources())].join(delimiter),
    "org.junit.platform.console.ConsoleLauncher",
    "execute",
    `--select-${className.includes("#") ? "method" : "class"}=${className}`,
    `--reports-dir=${join(folder, "reports")}`,
    "--details=none",
    "--disable-banner",
    "--config",
    `junit.jupiter.execution.timeout.testable.method.default=${methodTimeout}`,
    "--config",
    `junit.jupiter.execution.timeout.lifecycle.method.default=${methodTimeout}`,
  ];
}

function shimSources(): string[] {
  const names = readdirSync(shimFolder, { recursive: true, encoding: "utf8" });
  return names
    .filter((name) => name.endsWith(".java"))
    .sort()
    .map((name) => join(shimFolder, name));
}

/** The command of a server, a word a line, as ServerProcess.java reads it. */
function serverCommand(build: Build): string[] {
  if (build === "ours") {
    const node = join(repositoryFolder, "node_modules", ".bin", "node");
    return [node, join(repositoryFolder, "src", "main.ts"), "{properties}", "start", "{config}"];
  }
  const main = "org.apache.zookeeper.server.quorum.QuorumPeerMain";
  return ["java", ...quickStart, "{properties}", "-cp", classPath("server"), main, "{config}"];
}

function readOutcomes(folder: string): OutcomeLine[] {
  const file = join(folder, "outcomes.jsonl");
  if (!existsSync(file)) throw new Error(`the JVM ran no test:\n${readFileSync(join(folder, "jvm.out"), "utf8")}`);
  const lines = readFileSync(file, "utf8").split("\n");
  return lines.filter((line) => line !== "").map((line) => JSON.parse(line) as OutcomeLine);
}

/** One outcome for each test that began; a test that did not end has failed. */
function outcomesOf(className: string, lines: readonly OutcomeLine[], launches: readonly Launch[]): TestOutcome[] {
  const builds = new Map(launches.map(({ pid, build }) => [pid, build]));
  const ended = lines.filter(({ event }) => event !== "begins");
  const names = new Set(ended.map(({ test }) => test));
  const hanging = lines.filter(({ test, event }) => event === "begins" && !names.has(test));
  return [
    ...ended.map((line) => outcomeOf(line, builds)),
    ...hanging.map(({ test }): TestOutcome => {
      return { name: test, outcome: "failed", servers: [], detail: `${className} was ended in the middle of it` };
    }),
  ];
}

function outcomeOf(line: OutcomeLine, builds: ReadonlyMap<number, Build>): TestOutcome {
  const servers = (line.servers ?? []).map((pid) => builds.get(pid)).filter((build) => build !== undefined);
  const ports = line.listened ?? [];
  if (line.event === "passed" && ports.length > 0) {
    const detail = `its own JVM listened on ${ports.join(", ")}`;
    return { name: line.test, outcome: "failed", servers, detail };
  }
  const outcome = line.event === "begins" ? "failed" : line.event;
  return { name: line.test, outcome, servers, detail: firstLines(line.detail ?? "") };
}

/** What a reader needs of a stack trace: the message, and the lines of the suite's own code. */
function firstLines(trace: string): string {
  const [message = "", ...frames] = trace.split("\n");
  const own = frames.map((frame) => frame.trim()).filter((frame) => /Test[A-Za-z]*\.java|Caused by/.test(frame));
  return [message, ...own.slice(0, 3)].join(" ").trim();
}
