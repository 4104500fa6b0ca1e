/** How long it takes from the start of a process, on an empty folder, to the first create that is acknowledged. */

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { residentBytes, ServerProcess } from "../support/server-process.ts";
import type { Bench } from "./bench.ts";
import { secondsFromStart } from "./knock.ts";
import { removeServer, serverOptions } from "./load-target.ts";

/** Our server as it is installed (--entry), and from the sources. */
export const startShapes = ["start", "start from source"] as const;

export async function measureStarts(bench: Bench, names: readonly string[]): Promise<void> {
  const { options } = bench;
  await bench.alternate(names, async (kind, name) => {
    const folder = join(options.folder, `start-${kind}`);
    mkdirSync(folder, { recursive: true });
    const entry = name === "start" ? options.entry : undefined;
    const server = await ServerProcess.prepare(serverOptions(kind, { ...options, entry }, folder));
    try {
      const seconds = await secondsFromStart(server, (client) => client.create("/first"));
      return { seconds, residentMb: residentBytes(server.pid) / 1e6 };
    } finally {
      await removeServer(server);
    }
  });
}
