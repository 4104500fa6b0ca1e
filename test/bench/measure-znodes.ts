/**
 * What many znodes cost: a server is filled by pipelined creates, put under load while it takes snapshots, watched, stopped,
 * and started again on the same folder.
 *
 *   fill            rate of the creates, and resident bytes for each znode, less what the server takes with an empty tree
 *   under snapshots writes at a steady rate, so that both servers take as many snapshots, and one client that reads meanwhile: its
 *                   latencies, and (ours) for how long the event loop was held
 *   watches         resident bytes for each of many watches, a million at most
 *   restart         from the start of the process to the first read answered; `after fill` replays what the last snapshot
 *                   lacks, the others find the snapshot that both servers take at such a start
 */

import { join } from "node:path";
import { residentBytes, type ServerKind, ServerProcess } from "../support/server-process.ts";
import { fourLetterWord } from "../support/wire-client.ts";
import type { Bench, Values } from "./bench.ts";
import { startCrowd } from "./crowd-process.ts";
import { LoadTarget, readWhile, removeServer, runLoad, serverOptions } from "./load-target.ts";
import { secondsFromStart, untilDone } from "./knock.ts";
import { readProbe, withProbe } from "./probed-server.ts";
import { znodePath } from "./request-template.ts";
import type { TreeShape } from "./shapes.ts";

const phases = ["fill", "under snapshots", "watches", "restart after fill", "restart"] as const;
type Phase = (typeof phases)[number];

/** Writes for each second while snapshots are taken: less than either server can do, and enough for several snapshots. */
const pacedWrites = 20_000;
const snapshotsMs = 20_000;
const watchers = 100;
/** Beyond that the JVM is busy collecting garbage until its clients are gone. */
const watchesMax = 1_000_000;
const restarts = 3;

/** The names of what is measured here. */
export function znodeShapes({ options }: Bench): string[] {
  return options.sizes.flatMap((size) => phases.map((phase) => nameOf(phase, size)));
}

function nameOf(phase: Phase, size: number): string {
  return `${phase}, ${size >= 1e6 ? `${size / 1e6} million` : size.toLocaleString("en-US")} znodes`;
}

export async function measureZnodes(bench: Bench, names: readonly string[]): Promise<void> {
  for (const size of bench.options.sizes) {
    const wanted = phases.filter((phase) => names.includes(nameOf(phase, size)));
    if (wanted.length === 0) continue;
    for (const kind of bench.options.kinds) {
      const full = new FullServer(bench, kind, size);
      try {
        await full.measure(wanted);
      } finally {
        await full.dispose();
      }
    }
  }
}

/** A server with many znodes. */
class FullServer {
  readonly #bench: Bench;
  readonly #kind: ServerKind;
  readonly #size: number;
  readonly #tree: TreeShape;
  #server: ServerProcess | null = null;
  #emptyBytes = 0;

  constructor(bench: Bench, kind: ServerKind, size: number) {
    this.#bench = bench;
    this.#kind = kind;
    this.#size = size;
    this.#tree = { root: "/bench", znodes: size, dataBytes: 100 };
  }

  async measure(wanted: readonly Phase[]): Promise<void> {
    const { options } = this.#bench;
    const folder = join(options.folder, `znodes-${this.#kind}-${this.#size}`);
    const javaHeap = this.#size > 1e6 ? "8g" : "2g";
    const own = serverOptions(this.#kind, options, folder, javaHeap);
    this.#server = await ServerProcess.start(this.#kind === "ours" ? withProbe(own) : own);
    this.#emptyBytes = residentBytes(this.#server.pid);
    const filled = await new LoadTarget(this.#kind, [this.#server], this.#size).makeTree(this.#tree);
    this.#note("fill", { ...filled, ...this.#memory });
    if (wanted.includes("under snapshots")) this.#note("under snapshots", await this.#underSnapshots());
    if (wanted.includes("watches")) await this.#tryWatches();
    await this.#server.stop();
    if (wanted.includes("restart after fill") || wanted.includes("restart")) await this.#restarts();
  }

  async dispose(): Promise<void> {
    if (this.#server !== null) await removeServer(this.#server);
  }

  get #process(): ServerProcess {
    return this.#server!;
  }

  get #memory(): Values {
    const resident = residentBytes(this.#process.pid);
    return { residentMb: resident / 1e6, bytesPerZnode: (resident - this.#emptyBytes) / this.#size };
  }

  async #underSnapshots(): Promise<Values> {
    const { port, pid } = this.#process;
    const { root, znodes, dataBytes } = this.#tree;
    await this.#stall();
    const before = await this.#snapshots();
    const [written, read] = await Promise.all([
      runLoad(this.#kind, {
        ports: [port],
        serverPids: [pid],
        shares: [{ operation: "setData", root, dataBytes, percent: 100 }],
        znodes,
        connections: 10,
        depth: 100,
        warmupMs: 0,
        measureMs: snapshotsMs,
        count: 0,
        ratePerSecond: pacedWrites,
      }),
      readWhile(this.#process, this.#tree, snapshotsMs),
    ]);
    return {
      snapshots: (await this.#snapshots()) - before,
      writesPerSecond: written.operations / written.seconds,
      writesP999Ms: written.latency.p999Ms,
      p50Ms: read.latency.p50Ms,
      p99Ms: read.latency.p99Ms,
      p999Ms: read.latency.p999Ms,
      maxMs: read.latency.maxMs,
      ...(await this.#stall()),
    };
  }

  /** A JVM whose heap is nearly full may drop its clients; what follows can be measured all the same. */
  async #tryWatches(): Promise<void> {
    try {
      this.#note("watches", await this.#watches());
    } catch (error) {
      this.#bench.progress(`${nameOf("watches", this.#size)}, ${this.#kind}: ${String(error)}`);
    }
  }

  async #watches(): Promise<Values> {
    const { port, pid } = this.#process;
    const before = residentBytes(pid);
    const watchesEach = Math.min(this.#size, watchesMax) / watchers;
    const crowd = await startCrowd({
      kind: "watches",
      port,
      serverPids: [pid],
      clients: watchers,
      root: this.#tree.root,
      watchesEach,
    });
    const bytes = residentBytes(pid) - before;
    await crowd.end();
    return { bytesPerWatch: bytes / (watchers * watchesEach) };
  }

  async #restarts(): Promise<void> {
    const path = znodePath(this.#tree.root, this.#size - 1);
    for (let round = 0; round <= restarts; round++) {
      this.#bench.progress(`restart ${round} of ${restarts}: ${this.#size} znodes, ${this.#kind}`);
      this.#bench.writeBack();
      const seconds = await secondsFromStart(this.#process, (client) => client.getData(path));
      const phase = round === 0 ? "restart after fill" : "restart";
      this.#bench.note(nameOf(phase, this.#size), this.#kind, Math.max(1, round), { seconds, ...this.#memory });
      if (round === 0) await untilDone(this.#process, async () => (await this.#snapshots()) > 0);
      await this.#process.stop();
    }
  }

  /** How many snapshots it has taken since its start. */
  async #snapshots(): Promise<number> {
    const mntr = await fourLetterWord(this.#process.port, "mntr").catch(() => "");
    return Number(/^zk_cnt_snapshottime\t(\d+)/m.exec(mntr)?.[1] ?? 0);
  }

  /** For how long the event loop was held at most since this was asked last. */
  async #stall(): Promise<Values> {
    if (this.#kind !== "ours") return {};
    const { stallMs } = await readProbe(this.#process.folder);
    return { stallMs };
  }

  #note(phase: Phase, values: Values): void {
    this.#bench.progress(`${nameOf(phase, this.#size)}, ${this.#kind}`);
    this.#bench.note(nameOf(phase, this.#size), this.#kind, 1, values);
  }
}
