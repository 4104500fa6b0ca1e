/**
 * Memory and restarts at many znodes: a server is filled by pipelined creates, stopped, and started again on the same
 * folder. Measured are its resident bytes for each znode after the filling and after a restart, less what it takes
 * with an empty tree, and the time from the start of the process to the first read answered: once right after the
 * filling, when what the last snapshot lacks has to be replayed from the log, and then, several times, when the snapshot
 * that both servers take at such a start is there.
 */

import { attempt, residentBytes, type ServerKind } from "../support/server-process.ts";
import { fourLetterWord } from "../support/wire-client.ts";
import { BenchServer } from "./bench-server.ts";
import type { Measurement } from "./report.ts";
import { znodePath } from "./request-template.ts";
import type { BenchOptions } from "./run.ts";

const retryMs = 5;

/** Adds what was measured of each server to `measurements`. */
export async function measureRestarts(
  options: BenchOptions,
  measurements: Measurement[],
  progress: (text: string) => void,
): Promise<void> {
  const servers = new Map<ServerKind, { server: BenchServer; emptyBytes: number }>();
  try {
    for (const kind of options.kinds) {
      progress(`filling ${kind} with ${options.znodes} znodes`);
      const server = await BenchServer.startEmpty(kind, options);
      const emptyBytes = residentBytes(server.process.pid);
      servers.set(kind, { server, emptyBytes });
      const fromMs = performance.now();
      await server.fill();
      const seconds = (performance.now() - fromMs) / 1000;
      measurements.push({
        workload: "fill",
        server: kind,
        round: 1,
        values: {
          opsPerSecond: options.znodes / seconds,
          residentMb: residentBytes(server.process.pid) / 1e6,
          bytesPerZnode: (residentBytes(server.process.pid) - emptyBytes) / options.znodes,
        },
      });
      await server.process.stop();
    }
    for (let round = 0; round <= options.restarts; round++) {
      for (const [kind, { server, emptyBytes }] of servers) {
        progress(round === 0 ? `first restart: ${kind}` : `restart ${round} of ${options.restarts}: ${kind}`);
        const seconds = await secondsToFirstRead(server, options.znodes);
        const resident = residentBytes(server.process.pid);
        const values = {
          seconds,
          residentMb: resident / 1e6,
          bytesPerZnode: (resident - emptyBytes) / options.znodes,
        };
        measurements.push({ workload: round === 0 ? "restart-replay" : "restart", server: kind, round, values });
        if (round === 0) await snapshotTaken(server);
        await server.process.stop();
      }
    }
  } finally {
    for (const { server } of servers.values()) await server.dispose();
  }
}

async function secondsToFirstRead(server: BenchServer, znodes: number): Promise<number> {
  const fromMs = performance.now();
  server.process.launch();
  for (;;) {
    if (!server.process.isRunning) throw new Error(`${server.kind} ended at its restart\n${server.process.stderr}`);
    if (await canRead(server.process.port, znodePath("/bench", znodes - 1))) break;
    await new Promise((resolve) => setTimeout(resolve, retryMs));
  }
  return (performance.now() - fromMs) / 1000;
}

async function snapshotTaken(server: BenchServer): Promise<void> {
  while (!/^zk_cnt_snapshottime\t[1-9]/m.test(await fourLetterWord(server.process.port, "mntr"))) {
    if (!server.process.isRunning) throw new Error(`${server.kind} ended\n${server.process.stderr}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

function canRead(port: number, path: string): Promise<boolean> {
  return attempt(port, async (client) => {
    const session = await client.handshake();
    return session !== null && (await client.getData(path)).data !== null;
  });
}
