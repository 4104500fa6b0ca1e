/**
 * What a load goes to: a server, or some members of an ensemble, with the trees that its requests are about. A tree is made
 * when it is first asked for; what a load creates is deleted again.
 */

import { execFile } from "node:child_process";
import { rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { ServerKind, ServerOptions, ServerProcess } from "../support/server-process.ts";
import { RefusedError, WireClient } from "../support/wire-client.ts";
import { err } from "../support/wire-frames.ts";
import type { BenchOptions, Values } from "./bench.ts";
import type { LoadResult } from "./load.ts";
import type { LoadPlan } from "./load-run.ts";
import { childName, folderPath, znodesPerFolder } from "./request-template.ts";
import { type LoadShape, type TreeShape, wideChildren } from "./shapes.ts";

export interface LoadTiming {
  readonly warmupMs: number;
  readonly measureMs: number;
}

const createRoot = "/fresh";
const wideRoot = "/wide";
/** Creates for each second that folders are made for; a faster server would run into errors, and the run fails. */
const createsPerSecondMax = 500_000;
/** Znodes deleted in one measurement, by one waiting client and by many. */
const deletesWaiting = 10_000;
const deletesMany = 150_000;
/** A tree of large znodes is smaller. */
const treeBytesMax = 20_000_000;

export class LoadTarget {
  readonly kind: ServerKind;
  readonly processes: readonly ServerProcess[];
  readonly #treeZnodes: number;
  /** Trees that are there, and folders for creates. */
  readonly #trees: Set<string>;
  #folders = 0;

  constructor(kind: ServerKind, processes: readonly ServerProcess[], treeZnodes: number) {
    this.kind = kind;
    this.processes = processes;
    this.#treeZnodes = treeZnodes;
    this.#trees = new Set();
  }

  get pids(): number[] {
    return this.processes.map(({ pid }) => pid);
  }

  get ports(): number[] {
    return this.processes.map(({ port }) => port);
  }

  /** Puts a load to it, through those ports. */
  async run(shape: LoadShape, timing: LoadTiming, ports: readonly number[] = this.ports): Promise<Values> {
    const kind = shape.shares[0]!.operation;
    if (kind === "create") return this.#runCreates(shape, timing, ports);
    if (kind === "delete") return this.#runDeletes(shape, ports);
    if (kind === "getChildren") {
      await this.#makeWide();
      return valuesOf(await this.#load({ ...planOf(shape, wideRoot), ...timing, ports }));
    }
    const tree = this.#treeFor(shape.dataBytes);
    await this.makeTree(tree);
    return valuesOf(await this.#load({ ...planOf(shape, tree.root), ...timing, ports, znodes: tree.znodes }));
  }

  /** Puts so many requests to it. */
  async runCount(shape: LoadShape, count: number): Promise<Values> {
    const tree = this.#treeFor(shape.dataBytes);
    await this.makeTree(tree);
    return valuesOf(await this.#load({ ...planOf(shape, tree.root), znodes: tree.znodes, count }));
  }

  /** Creates a tree's znodes, as fast as the server takes them, unless they are there. @returns how fast that was. */
  async makeTree({ root, znodes, dataBytes }: TreeShape): Promise<Values | null> {
    if (this.#trees.has(root)) return null;
    this.#trees.add(root);
    await this.#makeFolders(root, 0, Math.ceil(znodes / znodesPerFolder));
    const shares = [{ operation: "create" as const, root, dataBytes, percent: 100 }];
    return valuesOf(await this.#load({ shares, count: znodes }));
  }

  async #runCreates(shape: LoadShape, timing: LoadTiming, ports: readonly number[]): Promise<Values> {
    const folders = Math.ceil((createsPerSecondMax * (timing.warmupMs + timing.measureMs)) / 1000 / znodesPerFolder);
    await this.#haveFolders(folders);
    const created = await this.#load({ ...planOf(shape, createRoot), ...timing, ports });
    await this.#delete(created.sent);
    return valuesOf(created);
  }

  async #runDeletes(shape: LoadShape, ports: readonly number[]): Promise<Values> {
    const count = shape.connections * shape.depth === 1 ? deletesWaiting : deletesMany;
    await this.#haveFolders(Math.ceil(count / znodesPerFolder));
    const { dataBytes } = shape;
    await this.#load({ shares: [{ operation: "create", root: createRoot, dataBytes, percent: 100 }], count });
    return valuesOf(await this.#load({ ...planOf(shape, createRoot), ports, count }));
  }

  async #delete(count: number): Promise<void> {
    if (count === 0) return;
    await this.#load({ shares: [{ operation: "delete", root: createRoot, dataBytes: 0, percent: 100 }], count });
  }

  #treeFor(dataBytes: number): TreeShape {
    const znodes = Math.min(this.#treeZnodes, Math.ceil(treeBytesMax / dataBytes));
    return { root: `/bench${dataBytes}`, znodes, dataBytes };
  }

  async #load(plan: Partial<LoadPlan> & Pick<LoadPlan, "shares">): Promise<LoadResult> {
    const whole: LoadPlan = {
      ports: this.ports.slice(0, 1),
      serverPids: this.pids,
      znodes: this.#treeZnodes,
      connections: 50,
      depth: 16,
      warmupMs: 0,
      measureMs: 0,
      count: 0,
      ratePerSecond: 0,
      ...plan,
    };
    return runLoad(this.kind, whole);
  }

  async #haveFolders(count: number): Promise<void> {
    if (count <= this.#folders) return;
    await this.#makeFolders(createRoot, this.#folders, count);
    this.#folders = count;
  }

  async #makeWide(): Promise<void> {
    if (this.#trees.has(wideRoot)) return;
    this.#trees.add(wideRoot);
    const names = Array.from({ length: wideChildren }, (_, index) => `${wideRoot}/${childName(index)}`);
    await this.#make([wideRoot, ...names]);
  }

  async #makeFolders(root: string, from: number, to: number): Promise<void> {
    const folders = Array.from({ length: to - from }, (_, index) => folderPath(root, from + index));
    await this.#make([root, ...folders]);
  }

  async #make(paths: readonly string[]): Promise<void> {
    const client = await WireClient.connect(this.ports[0]!);
    const made = paths.map((path) =>
      client.create(path).catch((error: unknown) => {
        if (!(error instanceof RefusedError && error.code === err.nodeExists)) throw error;
      }),
    );
    await Promise.all(made);
    await client.closeSession();
  }
}

/** The load generator, in a process of its own. */
export async function runLoad(kind: ServerKind, plan: LoadPlan): Promise<LoadResult> {
  const script = fileURLToPath(new URL("load.ts", import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [script, JSON.stringify(plan)]);
  const result = JSON.parse(stdout) as LoadResult;
  if (result.errors > 0) throw new Error(`${kind}: ${result.errors} error replies to ${plan.shares[0]!.operation}`);
  return result;
}

/** One client that reads znodes of a tree and waits for each, for that long: what a user notices. */
export function readWhile({ kind, port, pid }: ServerProcess, tree: TreeShape, measureMs: number): Promise<LoadResult> {
  return runLoad(kind, {
    ports: [port],
    serverPids: [pid],
    shares: [{ operation: "getData", root: tree.root, dataBytes: tree.dataBytes, percent: 100 }],
    znodes: tree.znodes,
    connections: 1,
    depth: 1,
    warmupMs: 0,
    measureMs,
    count: 0,
    ratePerSecond: 0,
  });
}

function planOf(shape: LoadShape, root: string): Pick<LoadPlan, "shares" | "connections" | "depth"> {
  const { connections, depth, dataBytes } = shape;
  const shares = shape.shares.map((share) => ({ ...share, root, dataBytes, children: wideChildren }));
  return { shares, connections, depth };
}

export function valuesOf({ operations, seconds, latency, serverCpuSeconds, loadCpuShare }: LoadResult): Values {
  return {
    opsPerSecond: operations / seconds,
    cpuMicrosPerOp: (serverCpuSeconds * 1e6) / Math.max(1, operations),
    ...latency,
    loadCpuShare,
  };
}

/** Ends a server and removes its folder: snapshots of many znodes fill a disk. */
export async function removeServer(server: ServerProcess): Promise<void> {
  await server.dispose();
  rmSync(server.folder, { recursive: true });
}

/** A server alone, with durable writes. */
export function serverOptions(kind: ServerKind, options: BenchOptions, folder: string, javaHeap = "2g"): ServerOptions {
  return { kind, folder, settings: { forceSync: "yes" }, ...processOptions(kind, options, javaHeap) };
}

/** How a process is run for a benchmark: nothing that tests add to find bugs, and time for many znodes. */
export function processOptions(
  kind: ServerKind,
  { entry }: BenchOptions,
  javaHeap: string,
): Pick<ServerOptions, "isScribbling" | "startTimeoutMs" | "runtimeArguments" | "entry"> {
  return {
    isScribbling: false,
    startTimeoutMs: 300_000,
    ...(kind === "reference" ? { runtimeArguments: [`-Xmx${javaHeap}`] } : {}),
    ...(kind === "ours" && entry !== undefined ? { entry } : {}),
  };
}
