/** etcd, and the load generator for it (etcd/main.go), where both can be had: `etcd` and `go` on the path. */

import { execFile, execFileSync, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { freePort } from "../support/free-port.ts";
import type { Values } from "./bench.ts";
import { pause } from "./knock.ts";
import type { LoadTiming } from "./load-target.ts";
import type { LoadShape } from "./shapes.ts";

const sources = fileURLToPath(new URL("etcd/", import.meta.url));
/** What deletes end after. */
const deletesWaiting = 2_000;
const deletesMany = 50_000;

/** What it calls itself, `etcd 3.4.23`; null where it, or the compiler of its generator, is not installed. */
export function etcdVersion(): string | null {
  try {
    execFileSync("go", ["version"], { stdio: "ignore" });
    const said = execFileSync("etcd", ["--version"], { encoding: "utf8" });
    return `etcd ${/etcd Version: (\S+)/.exec(said)?.[1] ?? ""}`;
  } catch {
    return null;
  }
}

/** Builds the load generator into a folder. @returns its path. */
export function buildEtcdLoad(folder: string): string {
  const program = join(folder, "etcd-load");
  execFileSync("go", ["build", "-buildvcs=false", "-o", program, "."], { cwd: sources, stdio: "inherit" });
  return program;
}

/** One server, which syncs every write to disk. */
export class EtcdProcess {
  readonly #folder: string;
  readonly #clientPort: number;
  readonly #peerPort: number;
  #process: ChildProcess | null = null;

  private constructor(folder: string, clientPort: number, peerPort: number) {
    this.#folder = folder;
    this.#clientPort = clientPort;
    this.#peerPort = peerPort;
  }

  /** Not started yet. */
  static async prepare(folder: string): Promise<EtcdProcess> {
    return new EtcdProcess(folder, await freePort(), await freePort());
  }

  get pid(): number {
    return this.#process!.pid!;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${this.#clientPort}`;
  }

  launch(): void {
    const peer = `http://127.0.0.1:${this.#peerPort}`;
    const args = Object.entries({
      "data-dir": this.#folder,
      "listen-client-urls": this.endpoint,
      "advertise-client-urls": this.endpoint,
      "listen-peer-urls": peer,
      "initial-advertise-peer-urls": peer,
      "initial-cluster": `default=${peer}`,
      // As much as a benchmark writes; etcd refuses writes beyond it.
      "quota-backend-bytes": String(8 * 2 ** 30),
      logger: "zap",
      "log-level": "error",
    }).flatMap(([key, value]) => [`--${key}`, value]);
    this.#process = spawn("etcd", args, { stdio: ["ignore", "ignore", "inherit"] });
  }

  /** Resolves when it has acknowledged a write. */
  async untilWritten(): Promise<void> {
    const put = JSON.stringify({ key: btoa("/first"), value: "" });
    for (;;) {
      const answer = await fetch(`${this.endpoint}/v3/kv/put`, { method: "POST", body: put }).catch(() => null);
      if (answer?.ok === true) return;
      if (this.#process?.exitCode !== null) throw new Error("etcd ended");
      await pause();
    }
  }

  async dispose(): Promise<void> {
    const child = this.#process;
    if (child !== null && child.exitCode === null) {
      child.kill("SIGKILL");
      await once(child, "exit");
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Puts a load to it. */
export async function runEtcdLoad(
  program: string,
  server: EtcdProcess,
  shape: LoadShape,
  { keys, warmupMs, measureMs }: LoadTiming & { readonly keys: number },
): Promise<Values> {
  const { shares, connections, depth, dataBytes } = shape;
  const deletes = connections * depth === 1 ? deletesWaiting : deletesMany;
  const plan = {
    endpoints: [server.endpoint],
    serverPids: [server.pid],
    shares,
    keys,
    dataBytes,
    connections,
    depth,
    warmupMs,
    measureMs,
    count: shares[0]!.operation === "delete" ? deletes : 0,
  };
  const { stdout } = await promisify(execFile)(program, [JSON.stringify(plan)]);
  return JSON.parse(stdout) as Values;
}
