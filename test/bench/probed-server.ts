/** Our server with a probe in it (probe.ts). */

import { connect } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import type { ServerOptions } from "../support/server-process.ts";
import { type ProbeReading, probeSocket } from "./probe-reading.ts";

/** The options with the probe added. */
export function withProbe<Options extends Partial<ServerOptions>>(options: Options): Options {
  const probe = fileURLToPath(new URL("probe.ts", import.meta.url));
  return { ...options, runtimeArguments: ["--import", probe] };
}

/** Asks the server in that folder. */
export async function readProbe(folder: string): Promise<ProbeReading> {
  return JSON.parse(await text(connect(join(folder, probeSocket)))) as ProbeReading;
}
