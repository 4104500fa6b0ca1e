/**
 * Three servers of each kind on this machine, in turn under the same loads, and what an operator waits for: their start, the loss
 * of a leader, and the return of a member that has lost its disk.
 */

import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { EnsembleProcess } from "../support/ensemble-process.ts";
import { type WireClient } from "../support/wire-client.ts";
import { flag } from "../support/wire-frames.ts";
import { residentBytes, type ServerKind } from "../support/server-process.ts";
import type { Bench, Values } from "./bench.ts";
import { untilWritten, secondsFromStart } from "./knock.ts";
import { readProbe, withProbe } from "./probed-server.ts";
import { LoadTarget, processOptions, readWhile, removeServer } from "./load-target.ts";
import { znodePath } from "./request-template.ts";
import { ensembleShapes, shapeNamed, type TreeShape } from "./shapes.ts";

const members = 3;
const startName = "three members: start";
const smallTree = 1000;

/** The names of what is measured here. */
export function ensembleNames({ options }: Bench): string[] {
  return [
    startName,
    ...ensembleShapes.map(({ name }) => name),
    ...treeNames(smallTree),
    ...treeNames(options.sizes[0]!),
  ];
}

function treeNames(znodes: number): string[] {
  const size = znodes.toLocaleString("en-US");
  return [`failover at ${size} znodes`, ...(znodes > smallTree ? [`return by SNAP at ${size} znodes`] : [])];
}

export async function measureEnsembles(bench: Bench, names: readonly string[]): Promise<void> {
  const { options } = bench;
  if (names.includes(startName)) {
    await bench.alternate([startName], async (kind) => {
      await using ensemble = await prepare(bench, kind, { settings: { initLimit: 10, syncLimit: 5 } });
      const fromMs = performance.now();
      for (const server of ensemble.servers) server.launch();
      await untilWritten(ensemble.servers, create);
      return { seconds: (performance.now() - fromMs) / 1000 };
    });
  }
  await measureLoads(bench, names);
  for (const znodes of new Set([smallTree, options.sizes[0]!])) {
    const wanted = treeNames(znodes).filter((name) => names.includes(name));
    if (wanted.length > 0) await measureLosses(bench, wanted, znodes);
  }
}

async function measureLoads(bench: Bench, names: readonly string[]): Promise<void> {
  const { options } = bench;
  const own = ensembleShapes.filter(({ name }) => names.includes(name));
  if (own.length === 0) return;
  const ensembles = new Map<ServerKind, { ensemble: EnsembleProcess; target: LoadTarget }>();
  try {
    for (const kind of options.kinds) {
      const ensemble = await prepare(bench, kind);
      await launch(ensemble);
      const target = new LoadTarget(kind, ensemble.servers, options.treeZnodes);
      ensembles.set(kind, { ensemble, target });
      for (const shape of own) await target.run(shape, { warmupMs: options.jvmWarmupMs, measureMs: 1 });
    }
    await bench.alternate(
      own.map(({ name }) => name),
      async (kind, name) => {
        const { ensemble, target } = ensembles.get(kind)!;
        const shape = shapeNamed(ensembleShapes, name);
        const leader = (await ensemble.leader()).port;
        const followers = ensemble.ports.filter((port) => port !== leader);
        const ports = { leader: [leader], follower: followers.slice(0, 1), all: ensemble.ports }[shape.through];
        return target.run(shape, options, ports);
      },
    );
  } finally {
    for (const { ensemble } of ensembles.values()) await remove(ensemble);
  }
}

/** Failover and return, in ensembles that are full already. */
async function measureLosses(bench: Bench, names: readonly string[], znodes: number): Promise<void> {
  const { options } = bench;
  const tree: TreeShape = { root: "/bench", znodes, dataBytes: 100 };
  const ensembles = new Map<ServerKind, EnsembleProcess>();
  try {
    for (const kind of options.kinds) {
      const ensemble = await prepare(bench, kind, { isProbed: true });
      ensembles.set(kind, ensemble);
      await launch(ensemble);
      await new LoadTarget(kind, ensemble.servers, znodes).makeTree(tree);
    }
    await bench.alternate(names, (kind, name) => {
      const ensemble = ensembles.get(kind)!;
      return name.startsWith("failover") ? failOver(ensemble) : returnBySnap(kind, ensemble, tree);
    });
  } finally {
    for (const ensemble of ensembles.values()) await remove(ensemble);
  }
}

function create(client: WireClient): Promise<string> {
  return client.create("/first-", "", flag.sequential);
}

/** From the leader's death to the first write that is acknowledged. The leader comes back then. */
async function failOver(ensemble: EnsembleProcess): Promise<Values> {
  const leader = await ensemble.leader();
  const others = ensemble.servers.filter((server) => server !== leader);
  const fromMs = performance.now();
  await leader.kill();
  await untilWritten(others, create);
  const seconds = (performance.now() - fromMs) / 1000;
  await leader.restart();
  return { seconds };
}

/**
 * A follower loses its disk; from its start to the first read of what it had. Another client reads at the leader meanwhile: its
 * latencies, and for how long the leader's event loop was held.
 */
async function returnBySnap(kind: ServerKind, ensemble: EnsembleProcess, tree: TreeShape): Promise<Values> {
  const leader = await ensemble.leader();
  const follower = ensemble.servers.find((server) => server !== leader)!;
  await follower.stop();
  rmSync(join(follower.folder, "data", "version-2"), { recursive: true });
  if (kind === "ours") await readProbe(leader.folder);
  const reads = readWhile(leader, tree, 10_000);
  const path = znodePath(tree.root, tree.znodes - 1);
  const seconds = await secondsFromStart(follower, (client) => client.getData(path));
  const { latency } = await reads;
  return {
    seconds,
    readsP999Ms: latency.p999Ms,
    readsMaxMs: latency.maxMs,
    residentMb: residentBytes(leader.pid) / 1e6,
    ...(kind === "ours" && { stallMs: (await readProbe(leader.folder)).stallMs }),
  };
}

function prepare(
  { options }: Bench,
  kind: ServerKind,
  { isProbed = false, settings = {} }: { isProbed?: boolean; settings?: Readonly<Record<string, number>> } = {},
): Promise<EnsembleProcess> {
  const own = processOptions(kind, options, "3g");
  return EnsembleProcess.prepare({
    kinds: Array.from({ length: members }, () => kind),
    server: isProbed && kind === "ours" ? withProbe(own) : own,
    settings: { tickTime: 2000, initLimit: 30, syncLimit: 10, forceSync: "yes", ...settings },
    folder: mkdtempSync(join(options.folder, `ensemble-${kind}-`)),
  });
}

async function remove({ servers }: EnsembleProcess): Promise<void> {
  for (const server of servers) await removeServer(server);
}

async function launch(ensemble: EnsembleProcess): Promise<void> {
  for (const server of ensemble.servers) server.launch();
  await ensemble.settled();
}
