/** Trying again and again at servers that are about to serve. */

import { attempt, type ServerProcess } from "../support/server-process.ts";
import type { WireClient } from "../support/wire-client.ts";

const retryMs = 2;

/** Tries once with a new session; any failure is false. */
export function tryWithSession(port: number, action: (client: WireClient) => Promise<unknown>): Promise<boolean> {
  return attempt(port, async (client) => {
    if ((await client.handshake()) === null) return false;
    await action(client);
    return true;
  });
}

/** Tries until it succeeds, as long as the server runs. */
export async function untilDone(server: ServerProcess, tryOnce: (port: number) => Promise<boolean>): Promise<void> {
  while (!(await tryOnce(server.port))) {
    if (!server.isRunning) throw new Error(`${server.kind} ended\n${server.stderr}${server.stdout}`);
    await pause();
  }
}

/** Starts the server. @returns seconds until a client with a session could do that. */
export async function secondsFromStart(
  server: ServerProcess,
  action: (client: WireClient) => Promise<unknown>,
): Promise<number> {
  const fromMs = performance.now();
  server.launch();
  await untilDone(server, (port) => tryWithSession(port, action));
  return (performance.now() - fromMs) / 1000;
}

/** Tries at all servers side by side, until one of them acknowledges a create. */
export async function untilWritten(
  servers: readonly ServerProcess[],
  write: (client: WireClient) => Promise<unknown>,
): Promise<void> {
  let isWritten = false;
  const knock = async ({ port }: ServerProcess): Promise<void> => {
    while (!isWritten) {
      const isDone = await tryWithSession(port, write);
      isWritten ||= isDone;
      if (!isDone) await pause();
    }
  };
  await Promise.race(servers.map(knock));
}

/** Until the next attempt. */
export function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, retryMs));
}
