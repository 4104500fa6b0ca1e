/** How long it takes from the start of a process, on an empty folder, to the first create that is acknowledged. */

import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { attempt, residentBytes, type ServerKind, ServerProcess } from "../support/server-process.ts";
import type { Bench, Values } from "./bench.ts";
import { serverOptions } from "./load-target.ts";

/** Our server as it is installed (--entry), and from the sources. */
export const startShapes = ["start", "start from source"] as const;

const retryMs = 2;

export async function measureStarts(bench: Bench, names: readonly string[]): Promise<void> {
  const { options } = bench;
  await bench.alternate(names, async (kind, name) => {
    const folder = join(options.folder, `start-${kind}`);
    mkdirSync(folder, { recursive: true });
    const entry = name === "start" ? options.entry : undefined;
    const server = await ServerProcess.prepare(serverOptions(kind, { ...options, entry }, folder));
    try {
      return await firstCreate(server, kind);
    } finally {
      await server.dispose();
      rmSync(folder, { recursive: true });
    }
  });
}

async function firstCreate(server: ServerProcess, kind: ServerKind): Promise<Values> {
  const fromMs = performance.now();
  server.launch();
  await untilDone(server, kind, (port) =>
    attempt(port, async (client) => (await client.handshake()) !== null && (await client.create("/first")) !== ""),
  );
  return { seconds: (performance.now() - fromMs) / 1000, residentMb: residentBytes(server.pid) / 1e6 };
}

/** Tries again and again, as long as the server runs. */
export async function untilDone(
  server: ServerProcess,
  kind: ServerKind,
  tryOnce: (port: number) => Promise<boolean>,
): Promise<void> {
  while (!(await tryOnce(server.port))) {
    if (!server.isRunning) throw new Error(`${kind} ended\n${server.stderr}${server.stdout}`);
    await new Promise((resolve) => setTimeout(resolve, retryMs));
  }
}
