/**
 * Loaded into our server ahead of it (node --import): says what only the process itself knows. Whoever connects to the socket
 * that BENCH_PROBE names is sent a {@link ProbeReading} as JSON.
 */

import { rmSync } from "node:fs";
import { createServer } from "node:net";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { getHeapStatistics } from "node:v8";

export interface ProbeReading {
  /** For how long the event loop was held at most since this was asked last, in milliseconds. */
  readonly stallMs: number;
  /** What JavaScript has allocated since the process began. */
  readonly allocatedBytes: number;
}

const resolutionMs = 1;
const delays = monitorEventLoopDelay({ resolution: resolutionMs });
delays.enable();

const path = process.env["BENCH_PROBE"]!;
// Of a server that was there before.
rmSync(path, { force: true });

createServer((socket) => {
  // The delay is that of a timer, which is due after the resolution has passed.
  const stallMs = Math.max(0, delays.max / 1e6 - resolutionMs);
  const allocatedBytes = getHeapStatistics().total_allocated_bytes;
  socket.end(JSON.stringify({ stallMs, allocatedBytes } satisfies ProbeReading));
  delays.reset();
})
  .listen(path)
  .unref();
