/**
 * Clients that we did not write, as a new user gets them: kazoo from PyPI, the C client and its shell from Debian's
 * packages, Java's from Maven. All of them land in the git-ignored cache and are installed nowhere.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { cached, classPath, type JarSet, repositoryFolder, run } from "../reference/artifacts.ts";

/** A client as a process, its output by lines. */
export class ClientProcess {
  readonly lines: string[] = [];
  readonly errors: string[] = [];
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  #rest = "";
  #wake: () => void = () => {};

  constructor(program: string, words: readonly string[], environment: Readonly<Record<string, string>> = {}) {
    this.#child = spawn(program, words, { env: { ...process.env, ...environment }, stdio: ["pipe", "pipe", "pipe"] });
    this.#ended = once(this.#child, "close");
    this.#child.stdout?.setEncoding("utf8").on("data", (text: string) => this.#take(text));
    this.#child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.errors.push(text);
      this.#wake();
    });
    this.#child.stdin?.on("error", () => {});
    this.#child.once("close", () => this.#wake());
  }

  /** Gives the client a line. */
  write(line: string): void {
    this.#child.stdin?.write(`${line}\n`);
  }

  /** Closes the client's input. */
  endInput(): void {
    this.#child.stdin?.end();
  }

  /** Waits for a line that satisfies `isWanted`. */
  async line(isWanted: (line: string) => boolean): Promise<string> {
    for (;;) {
      const found = this.lines.find(isWanted);
      if (found !== undefined) return found;
      if (this.#child.exitCode !== null) throw new Error(`the client ended: ${this.errors.join("")}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Waits until what the client said on stderr satisfies `isEnough`. */
  async says(isEnough: (text: string) => boolean): Promise<void> {
    while (!isEnough(this.errors.join(""))) {
      if (this.#child.exitCode !== null || this.#child.signalCode !== null) {
        throw new Error(`the client ended: ${this.errors.join("")}`);
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /**
   * Waits for the end.
   * @throws Error with its stderr when it failed.
   */
  async end(): Promise<string[]> {
    await this.#ended;
    if (this.#rest !== "") this.lines.push(this.#rest);
    if (this.#child.exitCode !== 0) {
      throw new Error(`the client failed (${this.#child.exitCode}): ${this.errors.join("").slice(-3000)}`);
    }
    return this.lines;
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }

  #take(text: string): void {
    const parts = (this.#rest + text).split("\n");
    this.#rest = parts.pop() ?? "";
    this.lines.push(...parts);
    this.#wake();
  }
}

const kazooVersion = "2.8.0";

/** A scenario of kazoo/outcomes.py against the server at `port`. */
export function kazoo(port: number, scenario: string, ...words: readonly string[]): ClientProcess {
  const library = cached(`kazoo-${kazooVersion}`, (folder) => {
    run("python3", ["-m", "pip", "install", "--quiet", "--target", folder, `kazoo==${kazooVersion}`]);
  });
  const script = join(repositoryFolder, "compat-tests", "client", "kazoo", "outcomes.py");
  return new ClientProcess("python3", [script, `127.0.0.1:${port}`, scenario, ...words], { PYTHONPATH: library });
}

/** The C client's shell, `cli_mt`, reading commands from its input; stdbuf makes it speak line by line into a pipe. */
export function cliMt(port: number): ClientProcess {
  const installed = "/usr/lib/zookeeper/bin/cli_mt";
  if (existsSync(installed)) return new ClientProcess("stdbuf", ["-oL", installed, `127.0.0.1:${port}`]);
  const folder = cached("c-client", unpackCClient);
  const libraries = join(folder, "root", "usr", "lib", "x86_64-linux-gnu");
  const program = join(folder, "root", "usr", "lib", "zookeeper", "bin", "cli_mt");
  return new ClientProcess("stdbuf", ["-oL", program, `127.0.0.1:${port}`], { LD_LIBRARY_PATH: libraries });
}

function unpackCClient(folder: string): void {
  const packages = ["zookeeper-bin", "libzookeeper-mt2"];
  chmodSync(folder, 0o777);
  try {
    run("apt-get", ["download", ...packages], folder);
  } catch {
    run("apt-get", ["update"]);
    run("apt-get", ["download", ...packages], folder);
  }
  const files = readdirSync(folder).filter((name) => name.endsWith(".deb"));
  mkdirSync(join(folder, "root"));
  for (const file of files) run("dpkg", ["-x", join(folder, file), join(folder, "root")]);
}

/** Quick start and little memory: these JVMs live for a second. */
const virtualMachineWords = ["-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto"];

/** ZooKeeper's console of a release, reading commands from its input. */
export function zkCli(jars: Extract<JarSet, "server" | "client-3.8">, port: number): ClientProcess {
  const words = ["-cp", classPath(jars), "org.apache.zookeeper.ZooKeeperMain", "-server", `127.0.0.1:${port}`];
  return new ClientProcess("java", [...virtualMachineWords, "-Dorg.slf4j.simpleLogger.defaultLogLevel=off", ...words]);
}

/** A scenario of curator/CuratorOutcomes.java, compiled when its source has changed. */
export function curator(port: number, scenario: string): ClientProcess {
  const source = join(repositoryFolder, "compat-tests", "client", "curator", "CuratorOutcomes.java");
  const mark = createHash("sha256").update(readFileSync(source)).digest("hex").slice(0, 12);
  const jars = classPath("curator");
  const classes = cached(`curator-classes-${mark}`, (folder) => {
    run("javac", ["-d", folder, "-cp", jars, source]);
  });
  const words = ["-cp", `${classes}${delimiter}${jars}`, "CuratorOutcomes", `127.0.0.1:${port}`, scenario];
  return new ClientProcess("java", [...virtualMachineWords, ...words]);
}
