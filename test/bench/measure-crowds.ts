/** Many clients that do little: idle ones, those that come and go, and those that watch one znode. */

import { join } from "node:path";
import { residentBytes, ServerProcess } from "../support/server-process.ts";
import type { Bench, Values } from "./bench.ts";
import { startCrowd } from "./crowd-process.ts";
import { removeServer, serverOptions } from "./load-target.ts";

const connectSlots = 50;

/** The names of what is measured here. */
export function crowdShapes({ options }: Bench): string[] {
  const { crowds, idleSessions } = options;
  return ["connects", ...crowds.map((count) => `fan-out to ${count}`), `${idleSessions} idle sessions`];
}

export async function measureCrowds(bench: Bench, names: readonly string[]): Promise<void> {
  const { options } = bench;
  await bench.alternate(names, async (kind, name) => {
    const folder = join(options.folder, `crowd-${kind}`);
    const server = await ServerProcess.start(serverOptions(kind, options, folder));
    try {
      return await measure(bench, server, name);
    } finally {
      await removeServer(server);
    }
  });
}

async function measure({ options }: Bench, server: ServerProcess, name: string): Promise<Values> {
  const { port, pid } = server;
  const plan = { port, serverPids: [pid] };
  if (name === "connects") {
    // The first run is for the JVM.
    await startCrowd({ ...plan, kind: "connects", clients: connectSlots, measureMs: options.jvmWarmupMs });
    return (await startCrowd({ ...plan, kind: "connects", clients: connectSlots, measureMs: options.measureMs }))
      .result;
  }
  const clients = Number.parseInt(/\d+/.exec(name)![0], 10);
  if (name.startsWith("fan-out")) {
    return (
      await startCrowd({
        ...plan,
        kind: "fanOut",
        clients,
        warmupMs: options.jvmWarmupMs,
        measureMs: options.measureMs,
      })
    ).result;
  }
  const crowd = await startCrowd({ ...plan, kind: "hold", clients });
  const residentMb = residentBytes(pid) / 1e6;
  await crowd.end();
  return { residentMb };
}
