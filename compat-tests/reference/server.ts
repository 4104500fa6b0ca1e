/**
 * A standalone server as an operator runs it: a zoo.cfg, a data folder, a process. The same class starts Apache
 * ZooKeeper 3.9.5 ("reference") and this repository's server ("ours"), so that whatever a test does to one it can do to
 * the other: stop it, kill it, start it again on the same folder, or on the other's folder.
 *
 * Which build is under test is chosen by the environment: `COMPAT_SUBJECT=ours` (the default) or `reference`, which
 * compares the reference with itself and so proves the tests, not the server.
 *
 * A server is ready when `srvr`, which no whitelist can turn off, reports its version. Settings of ZooKeeper that have no
 * zoo.cfg spelling (`jute.maxbuffer`, `znode.container.*`) go in as -D words, through JVMFLAGS for ours.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { freePort } from "../../test/support/free-port.ts";
import { classPath, type JarSet, quickStart, repositoryFolder } from "./artifacts.ts";
import { type ContainerServer, startContainer } from "./container.ts";
import { endedWithTests } from "./process.ts";

export type Build = "ours" | "reference";

/** The build that is compared with the reference in this run. */
export const subject: Build = process.env["COMPAT_SUBJECT"] === "reference" ? "reference" : "ours";

export interface ServerSettings {
  /** Parent of `data/` and `zoo.cfg`; a temporary folder when absent. */
  readonly folder?: string;
  /** Further zoo.cfg lines; they win over the defaults below. */
  readonly config?: Readonly<Record<string, string | number>>;
  /** -D words. */
  readonly properties?: Readonly<Record<string, string | number>>;
  /** Another release in the reference's place. */
  readonly jars?: Extract<JarSet, "server" | "server-3.8">;
  /** Words before the program's: another program that becomes it. */
  readonly wordsBefore?: readonly string[];
  /** Whether zoo.cfg is written at the first start alone: servers that change their members change it. */
  readonly isConfigKept?: boolean;
}

const startTimeoutMs = 30_000;
const pollMs = 15;
/** A word asked while the reference opens its database may leave the connection open for ever, unanswered. */
const wordTimeoutMs = 400;

/** Ours and the reference alike: short ticks, every four-letter word, no admin port to collide on. */
const defaultConfig = {
  tickTime: 2000,
  maxClientCnxns: 0,
  "4lw.commands.whitelist": "*",
  "admin.enableServer": "false",
  preAllocSize: 64,
};

/** The password of this super user is `test`; it opens every ACL, for dumps. */
export const superDigest = "super:D/InIHSb7yEEbrWz8b9l71RjZJU=";

/** Words that authenticate as super user of every server started here. */
export const superUser = "super:test";

export class TestServer {
  readonly build: Build;
  readonly folder: string;
  port = 0;
  readonly #settings: ServerSettings;
  #child: ChildProcess | null = null;
  #container: ContainerServer | null = null;

  constructor(build: Build, settings: ServerSettings = {}) {
    this.build = build;
    this.#settings = settings;
    this.folder = settings.folder ?? mkdtempSync(join(tmpdir(), `compat-${build}-`));
  }

  get dataFolder(): string {
    return join(this.folder, "data");
  }

  /** Where its output goes. */
  get outputFile(): string {
    return join(this.folder, `${this.build}.out`);
  }

  /** The process id, for signals beyond {@link stop} and {@link kill}. */
  get processId(): number {
    return this.#child?.pid ?? 0;
  }

  get isRunning(): boolean {
    if (this.#container !== null) return true;
    return this.#child !== null && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /**
   * Starts the process and waits until it serves.
   * @throws Error with the end of its output when it ends or stays silent.
   */
  async start(): Promise<this> {
    await this.launch();
    await this.#untilServing();
    return this;
  }

  /** Starts the process and waits for nothing. */
  async launch(): Promise<void> {
    this.port ||= await freePort();
    mkdirSync(this.dataFolder, { recursive: true });
    const configFile = join(this.folder, "zoo.cfg");
    const isKept = this.#settings.isConfigKept === true && existsSync(configFile);
    if (!isKept) writeFileSync(configFile, this.#configText());
    const words = Object.entries(this.#settings.properties ?? {}).map(([name, value]) => `-D${name}=${value}`);
    if (this.build === "reference" && process.env["COMPAT_REFERENCE"] === "container") {
      this.#container = await startContainer({ folder: this.folder, configFile, port: this.port, properties: words });
    } else {
      this.#spawn(configFile, words);
    }
  }

  #spawn(configFile: string, words: readonly string[]): void {
    const output = openSync(this.outputFile, "a");
    const { jars = "server" } = this.#settings;
    const command = this.build === "ours" ? oursCommand(configFile) : referenceCommand(configFile, jars);
    const [program, ...further] = [...(this.#settings.wordsBefore ?? []), command.program, ...command.words(words)];
    const child = spawn(program!, further, {
      cwd: repositoryFolder,
      env: { ...process.env, ...(this.build === "ours" ? { JVMFLAGS: words.join(" ") } : {}) },
      stdio: ["ignore", output, output],
    });
    this.#child = child;
    endedWithTests(child);
    closeSync(output);
  }

  /** SIGTERM, then waits for the end. */
  async stop(): Promise<void> {
    await this.#end("SIGTERM");
  }

  /** SIGKILL: no handler runs, as in a crash. */
  async kill(): Promise<void> {
    await this.#end("SIGKILL");
  }

  /** SIGSTOP: when this resolves all of its threads stand still, with its connections open, until it is killed or resumed. */
  async pause(): Promise<void> {
    const tasks = `/proc/${this.processId}/task`;
    this.#child?.kill("SIGSTOP");
    const isStopped = (task: string): boolean => /\) [Tt] /.test(readFileSync(`${tasks}/${task}/stat`, "utf8"));
    while (!readdirSync(tasks).every(isStopped)) await delay(1);
  }

  resume(): void {
    this.#child?.kill("SIGCONT");
  }

  /** How the process ended; null while it runs, and after a signal. */
  get exitCode(): number | null {
    return this.#child?.exitCode ?? null;
  }

  /** Stops and removes the folder, if it was a temporary one. */
  async dispose(): Promise<void> {
    await this.kill();
    if (this.#settings.folder === undefined) rmSync(this.folder, { recursive: true, force: true });
  }

  /** Answer to a four-letter word, to the end of the connection. */
  async fourLetterWord(word: string): Promise<string> {
    return fourLetterWord(this.port, word);
  }

  async #end(signal: "SIGTERM" | "SIGKILL"): Promise<void> {
    const container = this.#container;
    this.#container = null;
    await (signal === "SIGTERM" ? container?.stop() : container?.kill());
    const child = this.#child;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.kill(signal);
    await ended;
  }

  #configText(): string {
    const lines = {
      dataDir: this.dataFolder,
      clientPort: this.port,
      ...defaultConfig,
      "DigestAuthenticationProvider.superDigest": superDigest,
      ...this.#settings.config,
    };
    return Object.entries(lines)
      .map(([key, value]) => `${key}=${value}\n`)
      .join("");
  }

  async #untilServing(): Promise<void> {
    const deadline = Date.now() + startTimeoutMs;
    while (Date.now() < deadline) {
      if (!this.isRunning) throw new Error(`${this.build} ended while starting:\n${this.#lastOutput()}`);
      const answer = await fourLetterWord(this.port, "srvr", wordTimeoutMs).catch(() => "");
      if (answer.startsWith("Zookeeper version")) return;
      await delay(pollMs);
    }
    throw new Error(`${this.build} did not serve within ${startTimeoutMs} ms:\n${this.#lastOutput()}`);
  }

  #lastOutput(): string {
    try {
      return readFileSync(this.outputFile, "utf8").slice(-4000);
    } catch {
      return "(no output)";
    }
  }
}

interface Command {
  readonly program: string;
  words(properties: readonly string[]): string[];
}

function oursCommand(configFile: string): Command {
  return {
    program: join(repositoryFolder, "node_modules", ".bin", "node"),
    words: () => [join(repositoryFolder, "src", "main.ts"), "start", configFile],
  };
}

/** The last of two -Xmx counts. */
const virtualMachineWords = [...quickStart, "-Xmx384m", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"];

function referenceCommand(configFile: string, jars: JarSet): Command {
  return {
    program: "java",
    words: (properties) => [
      ...virtualMachineWords,
      ...properties,
      "-cp",
      classPath(jars),
      "org.apache.zookeeper.server.quorum.QuorumPeerMain",
      configFile,
    ],
  };
}

/** Sends a four-letter word and reads to the end, or as far as it comes in time. */
export async function fourLetterWord(port: number, word: string, timeoutMs = 10_000): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  // Without an error, whoever waits for the connection would wait for ever.
  socket.setTimeout(timeoutMs, () =>
    socket.destroy(socket.connecting ? new Error("no connection in time") : undefined),
  );
  await once(socket, "connect");
  socket.write(word);
  const parts: Buffer[] = [];
  for await (const part of socket) parts.push(part as Buffer);
  return Buffer.concat(parts).toString("latin1");
}
