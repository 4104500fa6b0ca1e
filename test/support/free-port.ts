/**
 * A port that nobody listens on, and that no other test is given. It is taken from below the range that the kernel gives
 * to outgoing connections, so that no client's own end can sit on it between this probe and the server's bind, or between
 * a kill and a restart.
 *
 * A port is not listened on all the time that it belongs to a test: a server is yet to start, it has been killed and will
 * be back, or it binds the port only once it leads. So whoever gets a port here holds its number in UDP, which no server
 * uses, until the process ends: the kernel refuses the number to every other process that asks here meanwhile.
 */

import { createSocket, type Socket } from "node:dgram";
import { createServer } from "node:net";

const lowest = 12_000;
const count = 18_000;
/** Draws before it is said that there are none left. */
const tries = 10_000;

/** A port free on the loopback address; never one that has been given before and whose process lives. */
export function freePort(): Promise<number> {
  return freePorts(1);
}

/** The first of that many free ports in a row; see {@link freePort}. */
export async function freePorts(inARow: number): Promise<number> {
  for (let i = 0; i < tries; i++) {
    const first = lowest + Math.floor(Math.random() * (count - inARow + 1));
    if (await take(first, first + inARow)) return first;
  }
  throw new Error(`no ${inARow} ports in a row are free among ${lowest} to ${lowest + count - 1}`);
}

/** Whether all ports from the first up to before the end were free: they are held then, else none is. */
async function take(first: number, end: number): Promise<boolean> {
  const held: Socket[] = [];
  for (let port = first; port < end; port++) {
    const holder = await hold(port);
    if (holder !== undefined) held.push(holder);
    if (holder === undefined || !(await canBind(port))) {
      for (const one of held) one.close();
      return false;
    }
  }
  return true;
}

function hold(port: number): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const holder = createSocket("udp4").unref();
    holder.once("error", () => {
      holder.close();
      resolve(undefined);
    });
    holder.bind({ port, address: "127.0.0.1", exclusive: true }, () => resolve(holder));
  });
}

function canBind(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", () => resolve(false));
    probe.listen({ port, host: "127.0.0.1", exclusive: true }, () => probe.close(() => resolve(true)));
  });
}
