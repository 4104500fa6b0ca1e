/**
 * A server as its operator meets it: a process with a zoo.cfg, a folder, two output streams and signals. Ours runs from
 * the sources by the Node that runs the test; the reference is Apache ZooKeeper on a JVM, with the same zoo.cfg, so that
 * a test or a benchmark can be put to either. Its jars are looked for in this order:
 *
 *   ZOOKEEPER_CLASSPATH    a class path, taken as it is
 *   ZOOKEEPER_HOME         lib/* of an unpacked release
 *   .reference/server/lib  the git-ignored cache that the compat suite fills by Maven
 *   /usr/share/java        Debian's package
 *
 * A server counts as up when it refuses a session that cannot exist: that answer comes only from a server that serves,
 * and costs it neither a zxid nor a line in the log.
 */

import { spawn, type ChildProcess } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePort } from "./free-port.ts";
import { WireClient } from "./wire-client.ts";

export type ServerKind = "ours" | "reference";

/** Which server the integration tests are put to: the reference under NODEKEEPER_TEST_REFERENCE=1. */
export const testedKind: ServerKind = process.env["NODEKEEPER_TEST_REFERENCE"] === "1" ? "reference" : "ours";

export interface ServerOptions {
  readonly kind?: ServerKind;
  /** Where zoo.cfg and the data go; without it a temporary folder, which `dispose` removes. */
  readonly folder?: string;
  /** Lines of zoo.cfg, over the defaults below; null takes a default away. */
  readonly settings?: Readonly<Record<string, string | number | null>>;
  /** Arguments for the runtime: JVM or Node options. */
  readonly runtimeArguments?: readonly string[];
  /** -D flags, for either. */
  readonly flags?: Readonly<Record<string, string>>;
  /** What our server is started from, in place of src/main.ts. */
  readonly entry?: string;
  readonly startTimeoutMs?: number;
  /** Whether our server overwrites every chunk it has handled, to find borrowed bytes that were kept; it does. */
  readonly isScribbling?: boolean;
}

/** What the operating system lets a process have. */
export interface ProcessLimits {
  /** No file may grow beyond this: what a full disk looks like from inside. */
  readonly fileBytesMax?: number;
  readonly descriptorsMax?: number;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

const repository = fileURLToPath(new URL("../../", import.meta.url));
const unknownSession = { id: 1n, password: Buffer.alloc(16) };
const attemptMs = 500;
/** For a class path whose logger prints every connection; a benchmark would measure that. */
const quietLog = "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn";
const running = new Set<ChildProcess>();

process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

export class ServerProcess {
  readonly kind: ServerKind;
  readonly folder: string;
  readonly port: number;
  readonly configPath: string;
  readonly #options: ServerOptions;
  readonly #ownsFolder: boolean;
  #child: ChildProcess | null = null;
  #exit: Promise<Exit> = Promise.resolve({ code: null, signal: null });
  #stdout = "";
  #stderr = "";

  private constructor(options: ServerOptions, port: number) {
    this.#options = options;
    this.kind = options.kind ?? testedKind;
    this.port = port;
    this.#ownsFolder = options.folder === undefined;
    this.folder = options.folder ?? mkdtempSync(join(tmpdir(), "nodekeeper-"));
    mkdirSync(join(this.folder, "data"), { recursive: true });
    this.configPath = join(this.folder, "zoo.cfg");
    writeFileSync(this.configPath, this.#config());
  }

  /** A server with its folder and zoo.cfg, not started yet. */
  static async prepare(options: ServerOptions = {}): Promise<ServerProcess> {
    const asked = options.settings?.["clientPort"];
    return new ServerProcess(options, typeof asked === "number" ? asked : await freePort());
  }

  /** A server that serves. @throws when it ends first, with what it printed. */
  static async start(options: ServerOptions = {}): Promise<ServerProcess> {
    const server = await ServerProcess.prepare(options);
    await server.restart();
    return server;
  }

  get pid(): number {
    return this.#child?.pid ?? -1;
  }

  get isRunning(): boolean {
    return this.#child !== null && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** What the last process printed. */
  get stdout(): string {
    return this.#stdout;
  }

  get stderr(): string {
    return this.#stderr;
  }

  /** How the process ended, once it has. */
  get exited(): Promise<Exit> {
    return this.#exit;
  }

  /** Starts the process and waits for nothing. */
  launch(limits: ProcessLimits = {}): void {
    if (this.isRunning) throw new Error("the server runs already");
    this.#stdout = "";
    this.#stderr = "";
    const [command, ...args] = [...limited(limits), ...this.#command()];
    const { isScribbling = true } = this.#options;
    const env = { ...process.env, NODEKEEPER_SCRIBBLE: isScribbling ? "1" : "0" };
    const child = spawn(command!, args, { cwd: this.folder, stdio: ["ignore", "pipe", "pipe"], env });
    this.#child = child;
    running.add(child);
    child.stdout?.setEncoding("utf8").on("data", (text: string) => (this.#stdout += text));
    child.stderr?.setEncoding("utf8").on("data", (text: string) => (this.#stderr += text));
    this.#exit = new Promise((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (code, signal) => {
        running.delete(child);
        resolve({ code, signal });
      });
    });
    this.#exit.catch(() => running.delete(child));
  }

  /** Starts the process on the same folder and waits until it serves. */
  async restart(): Promise<void> {
    this.launch();
    await this.waitUntilServing();
  }

  /** Knocks until a handshake is answered. */
  async waitUntilServing(): Promise<void> {
    const deadline = Date.now() + (this.#options.startTimeoutMs ?? 60_000);
    while (!(await answersHandshakes(this.port))) {
      if (!this.isRunning) throw new Error(`the server ended while starting\n${this.#stderr}${this.#stdout}`);
      if (Date.now() > deadline) throw new Error(`the server did not serve in time\n${this.#stderr}${this.#stdout}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  /** Sends SIGTERM and waits for the end. */
  stop(): Promise<Exit> {
    return this.#signal("SIGTERM");
  }

  /** Sends SIGKILL and waits for the end. */
  kill(): Promise<Exit> {
    return this.#signal("SIGKILL");
  }

  /** Kills the process if it runs and removes the folder if it was made here. */
  async dispose(): Promise<void> {
    if (this.isRunning) await this.kill();
    if (this.#ownsFolder) rmSync(this.folder, { recursive: true, force: true });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  #signal(signal: NodeJS.Signals): Promise<Exit> {
    this.#child?.kill(signal);
    return this.#exit;
  }

  #config(): string {
    const settings: Record<string, string | number | null> = {
      tickTime: 2000,
      dataDir: join(this.folder, "data"),
      clientPortAddress: "127.0.0.1",
      maxClientCnxns: 0,
      "admin.enableServer": "false",
      "4lw.commands.whitelist": "*",
      ...this.#options.settings,
      clientPort: this.port,
    };
    const lines = Object.entries(settings).filter(([, value]) => value !== null);
    return lines.map(([key, value]) => `${key}=${value}\n`).join("");
  }

  #command(): string[] {
    const runtimeArguments = this.#options.runtimeArguments ?? [];
    const flags = Object.entries(this.#options.flags ?? {}).map(([name, value]) => `-D${name}=${value}`);
    if (this.kind === "ours") {
      const entry = this.#options.entry ?? join(repository, "src", "main.ts");
      return [process.execPath, ...runtimeArguments, entry, ...flags, "start", this.configPath];
    }
    const classPath = referenceClassPath();
    if (classPath === null) throw new Error("no jars of the real ZooKeeper found; see test/support/server-process.ts");
    const main = "org.apache.zookeeper.server.quorum.QuorumPeerMain";
    return ["java", quietLog, ...flags, ...runtimeArguments, "-cp", classPath, main, this.configPath];
  }
}

/** What a command is put behind to have these limits. */
function limited({ fileBytesMax, descriptorsMax }: ProcessLimits): string[] {
  const limits = [
    ...(fileBytesMax === undefined ? [] : [`ulimit -f ${fileBytesMax / 512}`]),
    ...(descriptorsMax === undefined ? [] : [`ulimit -n ${descriptorsMax}`]),
  ];
  return limits.length === 0 ? [] : ["sh", "-c", [...limits, 'exec "$0" "$@"'].join("; ")];
}

/** True when a session that cannot exist is refused on this port. */
function answersHandshakes(port: number): Promise<boolean> {
  return attempt(port, async (client) => (await client.handshake({ session: unknownSession })) !== null);
}

/**
 * Tries something on a new connection; any failure is false, and so is silence for half a second. (The real server
 * sometimes accepts a connection in the moment of its start and then never reads from it.)
 */
export async function attempt(port: number, action: (client: WireClient) => Promise<boolean>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  try {
    using client = await WireClient.open(port);
    timer = setTimeout(() => client.drop(), attemptMs);
    return await action(client);
  } catch {
    return false;
  } finally {
    clearTimeout(timer);
  }
}

/** The real ZooKeeper's class path, or null when its jars are nowhere. */
export function referenceClassPath(): string | null {
  const given = process.env["ZOOKEEPER_CLASSPATH"];
  if (given !== undefined && given !== "") return given;
  const home = process.env["ZOOKEEPER_HOME"];
  if (home !== undefined && home !== "") return [join(home, "lib", "*"), join(home, "*")].join(delimiter);
  const cached = join(repository, ".reference", "server", "lib");
  if (existsSync(cached)) return join(cached, "*");
  return debianClassPath("/usr/share/java");
}

function debianClassPath(folder: string): string | null {
  if (!existsSync(join(folder, "zookeeper.jar"))) return null;
  const wanted =
    /^(zookeeper|zookeeper-jute|slf4j-api|slf4j-nop|snappy-java|metrics-core|commons-io|netty-[a-z-]+)\.jar$/;
  const jars = readdirSync(folder).filter((name) => wanted.test(name));
  return jars.map((name) => join(folder, name)).join(delimiter);
}

/** CPU seconds, user and system, that a process has used so far (Linux). */
export function cpuSeconds(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const ticksPerSecond = 100;
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

/** Resident bytes of a process (Linux). */
export function residentBytes(pid: number): number {
  const line = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  return Number(line?.[1] ?? 0) * 1024;
}
