/**
 * A port that nobody listens on. It is taken from below the range that the kernel gives to outgoing connections, so
 * that no client's own end can sit on it between this probe and the server's bind, or between a kill and a restart.
 */

import { createServer } from "node:net";

const lowest = 12_000;
const count = 18_000;
const given = new Set<number>();

/** A port free on the loopback address; never the same twice in one process. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = lowest + Math.floor(Math.random() * count);
    if (given.has(port)) continue;
    if (!(await canBind(port))) continue;
    given.add(port);
    return port;
  }
}

function canBind(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", () => resolve(false));
    probe.listen({ port, host: "127.0.0.1", exclusive: true }, () => probe.close(() => resolve(true)));
  });
}
