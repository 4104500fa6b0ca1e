/** One server of each kind under every load, in turn. Both stay up, so that the JVM is as warm as it gets. */

import { join } from "node:path";
import { type ServerKind, ServerProcess } from "../support/server-process.ts";
import type { Bench } from "./bench.ts";
import { LoadTarget, removeServer, serverOptions } from "./load-target.ts";
import { loadShapes, shapeNamed } from "./shapes.ts";

export async function measureLoads(bench: Bench, names: readonly string[]): Promise<void> {
  const { options } = bench;
  const targets = new Map<ServerKind, LoadTarget>();
  try {
    for (const kind of options.kinds) {
      const server = await ServerProcess.start(serverOptions(kind, options, join(options.folder, `load-${kind}`)));
      targets.set(kind, new LoadTarget(kind, [server], options.treeZnodes));
    }
    await warmUp(bench, [...targets.values()], names);
    await bench.alternate(names, (kind, name) => targets.get(kind)!.run(shapeNamed(loadShapes, name), options));
  } finally {
    for (const server of [...targets.values()].flatMap(({ processes }) => processes)) {
      await removeServer(server);
    }
  }
}

/** Every kind of load once, by 50 connections: the compiler of a JVM is done with its paths then. */
async function warmUp(bench: Bench, targets: readonly LoadTarget[], names: readonly string[]): Promise<void> {
  const kinds = new Set(names.map((name) => name.replace(/ \d+x\d+$/, "")));
  for (const target of targets) {
    for (const kind of kinds) {
      bench.progress(`warming up: ${kind}, ${target.kind}`);
      const shape = loadShapes.find(({ name, depth }) => name.startsWith(`${kind} `) && depth > 1)!;
      await target.run(shape, { warmupMs: bench.options.jvmWarmupMs, measureMs: 1 });
    }
  }
}
