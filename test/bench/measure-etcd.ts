/**
 * etcd under the loads that it has the like of, by its own client, with its own kind of connection: not what a ZooKeeper client
 * could use in its place, but what others choose today. It is measured behind the other two, in as many rounds.
 */

import { join } from "node:path";
import type { Bench } from "./bench.ts";
import { buildEtcdLoad, EtcdProcess, etcdVersion, runEtcdLoad } from "./etcd-process.ts";
import { type LoadShape, loadShapes, shapeNamed } from "./shapes.ts";

const operations: ReadonlySet<string> = new Set(["getData", "exists", "setData", "create", "delete", "multi"]);
/** Values of the keys, which are put there once. */
const keyBytes = 100;
/** A thousand connections of gRPC with many requests each measure the generator. */
const requestsMax = 1000;

/** What it can be measured at, its start and some of those loads; nothing where it is not installed. */
export function etcdShapes(loads: readonly string[]): string[] {
  if (etcdVersion() === null) return [];
  return ["start", ...loads.filter((name) => isKnown(shapeNamed(loadShapes, name)))];
}

function isKnown({ shares, connections, depth, dataBytes }: LoadShape): boolean {
  const areKnown = shares.every(({ operation }) => operations.has(operation));
  return areKnown && dataBytes === keyBytes && connections * depth <= requestsMax;
}

export async function measureEtcd(bench: Bench, names: readonly string[]): Promise<void> {
  const { options } = bench;
  const isStartWanted = names.includes("start");
  const shapes = names.filter((name) => name !== "start").map((name) => shapeNamed(loadShapes, name));
  const program = buildEtcdLoad(options.folder);
  for (let round = 1; round <= options.rounds; round++) {
    const server = await EtcdProcess.prepare(join(options.folder, "etcd"));
    try {
      bench.writeBack();
      const fromMs = performance.now();
      server.launch();
      await server.untilWritten();
      if (isStartWanted) bench.note("start", "etcd", round, { seconds: (performance.now() - fromMs) / 1000 });
      for (const shape of shapes) {
        bench.progress(`round ${round} of ${options.rounds}: ${shape.name}, etcd`);
        bench.writeBack();
        const timing = { ...options, keys: options.treeZnodes };
        bench.note(shape.name, "etcd", round, await runEtcdLoad(program, server, shape, timing));
      }
    } finally {
      await server.dispose();
    }
  }
}
