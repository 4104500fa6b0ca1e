/**
 * Clients that we did not write, as a new user gets them: kazoo from PyPI, Go's from its module proxy, Node's from npm,
 * the C client and its shell from Debian's packages, Java's from Maven. All of them land in the git-ignored cache and are
 * installed nowhere.
 */

import { createHash } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import {
  cached,
  classPath,
  compiledJava,
  type JarSet,
  quickStart,
  repositoryFolder,
  run,
} from "../reference/artifacts.ts";
import { cLibrary, compiledC, type KazooVersion, withKazoo } from "../reference/libraries.ts";
import { ClientProcess } from "../reference/process.ts";

/** Where a client connects to: a port of this machine, or a connect string. */
export type Address = number | string;

function connectString(address: Address): string {
  return typeof address === "number" ? `127.0.0.1:${address}` : address;
}

/** A scenario of kazoo/scenarios.py. */
export function kazoo(
  version: KazooVersion,
  address: Address,
  scenario: string,
  ...words: readonly string[]
): ClientProcess {
  const script = join(repositoryFolder, "compat-tests", "client", "kazoo", "scenarios.py");
  return new ClientProcess("python3", [script, connectString(address), scenario, ...words], withKazoo(version));
}

/** A scenario of go-zookeeper/: built once for each content of its sources, with the library that its go.mod names. */
export function goZookeeper(address: Address, scenario: string): ClientProcess {
  const sources = join(repositoryFolder, "compat-tests", "client", "go-zookeeper");
  const mark = createHash("sha256");
  for (const name of readdirSync(sources).sort()) mark.update(name).update(readFileSync(join(sources, name)));
  const program = cached(`go-zookeeper-${mark.digest("hex").slice(0, 12)}`, (folder) => {
    run("go", ["build", "-buildvcs=false", "-o", join(folder, "scenarios"), "."], sources);
  });
  return new ClientProcess(join(program, "scenarios"), [connectString(address), scenario]);
}

const nodeClientVersion = "1.1.3";

/** A scenario of node-zookeeper-client/scenarios.mjs, run by the Node that the project runs on. */
export function nodeZookeeperClient(port: number, scenario: string): ClientProcess {
  const folder = cached(`node-zookeeper-client-${nodeClientVersion}`, (target) => {
    const words = ["install", "--silent", "--no-audit", "--no-fund", "--prefix", target];
    run("npm", [...words, `node-zookeeper-client@${nodeClientVersion}`], target);
  });
  const script = join(repositoryFolder, "compat-tests", "client", "node-zookeeper-client", "scenarios.mjs");
  const library = join(folder, "node_modules", "node-zookeeper-client", "index.js");
  return new ClientProcess(process.execPath, [script, `127.0.0.1:${port}`, scenario], { ZOOKEEPER_CLIENT: library });
}

/** The C client's shell, `cli_mt`, reading commands from its input; stdbuf makes it speak line by line into a pipe. */
export function cliMt(port: number): ClientProcess {
  const { shell, libraries } = cLibrary();
  return new ClientProcess("stdbuf", ["-oL", shell, `127.0.0.1:${port}`], { LD_LIBRARY_PATH: libraries });
}

/** ZooKeeper's console of a release, reading commands from its input. */
export function zkCli(jars: Extract<JarSet, "server" | "client-3.8">, port: number): ClientProcess {
  const words = ["-cp", classPath(jars), "org.apache.zookeeper.ZooKeeperMain", "-server", `127.0.0.1:${port}`];
  return new ClientProcess("java", [...quickStart, "-Dorg.slf4j.simpleLogger.defaultLogLevel=off", ...words]);
}

/** A scenario of java/, by the official client 3.9.5 or by 3.4.14, which has the older part of the API only. */
export function javaClient(
  jars: Extract<JarSet, "server" | "client-3.4">,
  address: Address,
  scenario: string,
): ClientProcess {
  const folder = join(repositoryFolder, "compat-tests", "client", "java");
  const names = readdirSync(folder).filter((name) => name.endsWith(".java"));
  const old = [...names.filter((name) => !isOfNewApi(name)), join("3.4", "ConnectStringParser.java")];
  const sources = (jars === "server" ? names : old).sort().map((name) => join(folder, name));
  const words = ["-cp", compiledJava(jars, sources), jars === "server" ? "Scenarios" : "OldScenarios"];
  const quiet = "-Dorg.slf4j.simpleLogger.defaultLogLevel=off";
  return new ClientProcess("java", [...quickStart, quiet, ...words, connectString(address), scenario]);
}

function isOfNewApi(file: string): boolean {
  return file.startsWith("New") || file === "Scenarios.java";
}

/** A scenario of c/. */
export function cClient(port: number, scenario: string): ClientProcess {
  const sources = join(repositoryFolder, "compat-tests", "client", "c");
  const files = readdirSync(sources).sort();
  const program = compiledC(
    "scenarios",
    files.map((file) => join(sources, file)),
  );
  return new ClientProcess(program, [`127.0.0.1:${port}`, scenario]);
}
