/**
 * A server under load: started with durable writes, given a tree of znodes, and driven by the load generator in a
 * process of its own. The workloads are the few that decide how a ZooKeeper feels: deep pipelines of reads, of durable
 * writes and of creates, and a single client that waits for each answer.
 */

import { execFile } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { ServerProcess, type ServerKind } from "../support/server-process.ts";
import { WireClient, err, RefusedError } from "../support/wire-client.ts";
import type { LoadPlan, LoadResult } from "./load.ts";
import { folderPath, type Operation, znodesPerFolder } from "./request-template.ts";
import type { BenchOptions } from "./run.ts";

export interface Workload {
  readonly name: string;
  readonly operation: Operation;
  readonly connections: number;
  readonly depth: number;
}

export const workloads: readonly Workload[] = [
  { name: "getData", operation: "getData", connections: 50, depth: 16 },
  { name: "setData", operation: "setData", connections: 50, depth: 16 },
  { name: "create", operation: "create", connections: 50, depth: 16 },
  { name: "getData-1", operation: "getData", connections: 1, depth: 1 },
  { name: "setData-1", operation: "setData", connections: 1, depth: 1 },
];

const dataBytes = 100;
const treeRoot = "/bench";
const createRoot = "/fresh";
/** Creates for each second that folders are made for; a faster server would run into errors, and the run fails. */
const createsPerSecondMax = 500_000;

export class BenchServer {
  readonly kind: ServerKind;
  readonly process: ServerProcess;
  readonly #treeZnodes: number;
  #folders = 0;

  private constructor(server: ServerProcess, treeZnodes: number) {
    this.kind = server.kind;
    this.process = server;
    this.#treeZnodes = treeZnodes;
  }

  /** A running server that holds the tree which reads and writes go to. */
  static async start(kind: ServerKind, options: BenchOptions): Promise<BenchServer> {
    const server = new BenchServer(await startProcess(kind, options, `tree-${kind}`), options.treeZnodes);
    await server.fill();
    return server;
  }

  /** A server with an empty tree. */
  static async startEmpty(kind: ServerKind, options: BenchOptions): Promise<BenchServer> {
    return new BenchServer(await startProcess(kind, options, `restart-${kind}`), options.znodes);
  }

  /** Creates the tree's znodes, as fast as the server takes them. */
  async fill(): Promise<void> {
    await this.#makeFolders(treeRoot, 0, Math.ceil(this.#treeZnodes / znodesPerFolder));
    await this.#load({ ...workloads[2]!, root: treeRoot, count: this.#treeZnodes });
  }

  /** Runs a workload; what it created is deleted again. */
  async run(workload: Workload, warmupMs: number, measureMs: number): Promise<Record<string, number>> {
    const isCreate = workload.operation === "create";
    if (isCreate) {
      const folders = Math.ceil((createsPerSecondMax * (warmupMs + measureMs)) / 1000 / znodesPerFolder);
      if (folders > this.#folders) await this.#makeFolders(createRoot, this.#folders, folders);
      this.#folders = Math.max(this.#folders, folders);
    }
    const root = isCreate ? createRoot : treeRoot;
    const result = await this.#load({ ...workload, root, warmupMs, measureMs });
    if (isCreate) await this.#load({ ...workload, root, operation: "delete", count: result.sent });
    return {
      opsPerSecond: result.operations / result.seconds,
      cpuMicrosPerOp: (result.serverCpuSeconds * 1e6) / Math.max(1, result.operations),
      p50Ms: result.latency.p50Ms,
      p99Ms: result.latency.p99Ms,
      p999Ms: result.latency.p999Ms,
      maxMs: result.latency.maxMs,
      loadCpuShare: result.loadCpuShare,
    };
  }

  async dispose(): Promise<void> {
    await this.process.dispose();
  }

  async #load(plan: Partial<LoadPlan> & Pick<LoadPlan, "operation" | "root">): Promise<LoadResult> {
    const whole: LoadPlan = {
      port: this.process.port,
      serverPid: this.process.pid,
      dataBytes,
      znodes: this.#treeZnodes,
      connections: 50,
      depth: 16,
      warmupMs: 0,
      measureMs: 0,
      count: 0,
      ...plan,
    };
    const script = fileURLToPath(new URL("load.ts", import.meta.url));
    const { stdout } = await promisify(execFile)(process.execPath, [script, JSON.stringify(whole)]);
    const result = JSON.parse(stdout) as LoadResult;
    if (result.errors > 0) throw new Error(`${this.kind}: ${result.errors} error replies to ${whole.operation}`);
    return result;
  }

  async #makeFolders(root: string, from: number, to: number): Promise<void> {
    const client = await WireClient.connect(this.process.port);
    await client.create(root).catch((error: unknown) => {
      if (!(error instanceof RefusedError && error.code === err.nodeExists)) throw error;
    });
    const made: Promise<string>[] = [];
    for (let folder = from; folder < to; folder++) made.push(client.create(folderPath(root, folder)));
    await Promise.all(made);
    await client.closeSession();
  }
}

/** Durable writes in both, and no limit that a benchmark would run into. */
function startProcess(kind: ServerKind, options: BenchOptions, folder: string): Promise<ServerProcess> {
  return ServerProcess.start({
    kind,
    folder: join(options.folder, folder),
    settings: { forceSync: "yes" },
    isScribbling: false,
    startTimeoutMs: 300_000,
    ...(kind === "reference" ? { runtimeArguments: [`-Xmx${options.javaHeap}`] } : {}),
    ...(kind === "ours" && options.entry !== undefined ? { entry: options.entry } : {}),
  });
}
