/**
 * Loaded into our server ahead of it (node --import): says what only the process itself knows. Whoever connects to a socket in
 * its folder is sent a {@link ProbeReading} as JSON.
 */

import { rmSync } from "node:fs";
import { createServer } from "node:net";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { getHeapStatistics } from "node:v8";
import { isMainThread } from "node:worker_threads";
import { type ProbeReading, probeSocket } from "./probe-reading.ts";

const resolutionMs = 1;

function listen(): void {
  const delays = monitorEventLoopDelay({ resolution: resolutionMs });
  delays.enable();
  // Of a server that was there before.
  rmSync(probeSocket, { force: true });
  createServer((socket) => {
    // The delay is that of a timer, which is due after the resolution has passed.
    const stallMs = Math.max(0, delays.max / 1e6 - resolutionMs);
    const allocatedBytes = getHeapStatistics().total_allocated_bytes;
    socket.end(JSON.stringify({ stallMs, allocatedBytes } satisfies ProbeReading));
    delays.reset();
  })
    .listen(probeSocket)
    .unref();
}

// Node imports it into the server's other threads as well.
if (isMainThread) listen();
