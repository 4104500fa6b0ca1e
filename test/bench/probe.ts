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
const busyEveryMs = 5;

/** Looks again and again at how much of the processor this thread has had since the last look. */
class BusyWatch {
  maxMs = 0;
  #beforeMs = threadMs();

  constructor() {
    setInterval(() => this.#look(), busyEveryMs).unref();
  }

  #look(): void {
    const nowMs = threadMs();
    this.maxMs = Math.max(this.maxMs, nowMs - this.#beforeMs);
    this.#beforeMs = nowMs;
  }
}

function threadMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

function listen(): void {
  const busy = new BusyWatch();
  const delays = monitorEventLoopDelay({ resolution: resolutionMs });
  delays.enable();
  // Of a server that was there before.
  rmSync(probeSocket, { force: true });
  createServer((socket) => {
    // The delay is that of a timer, which is due after the resolution has passed.
    const stallMs = Math.max(0, delays.max / 1e6 - resolutionMs);
    const allocatedBytes = getHeapStatistics().total_allocated_bytes;
    socket.end(JSON.stringify({ stallMs, busyMs: busy.maxMs, allocatedBytes } satisfies ProbeReading));
    delays.reset();
    busy.maxMs = 0;
  })
    .listen(probeSocket)
    .unref();
}

// Node imports it into the server's other threads as well.
if (isMainThread) listen();
