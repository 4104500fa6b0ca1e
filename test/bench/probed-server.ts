/** Our server with a probe in it (probe.ts). */

import { connect } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import type { ServerOptions } from "../support/server-process.ts";
import type { ProbeReading } from "./probe.ts";

/** The options with the probe added, for a server in that folder. */
export function withProbe(options: ServerOptions, folder: string): ServerOptions {
  const probe = fileURLToPath(new URL("probe.ts", import.meta.url));
  return { ...options, runtimeArguments: ["--import", probe], environment: { BENCH_PROBE: socketIn(folder) } };
}

export async function readProbe(folder: string): Promise<ProbeReading> {
  return JSON.parse(await text(connect(socketIn(folder)))) as ProbeReading;
}

function socketIn(folder: string): string {
  return join(folder, "probe.sock");
}
