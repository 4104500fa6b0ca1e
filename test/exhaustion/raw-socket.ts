/**
 * Sockets of an attacker: they say what they like, count what comes back, and know how they ended. {@link WireClient} is for
 * conversations; these are for crowds, and for those who break the rules.
 */

import { connect, type Socket } from "node:net";
import { setTimeout as after } from "node:timers/promises";
import { connectRequest } from "../support/wire-frames.ts";
import { attackerAddress } from "./stage.ts";

const lookEveryMs = 5;

export class RawSocket {
  bytesReceived = 0;
  isOpen = false;
  /** Closed, or never opened. */
  isOver = false;
  /** Hears every chunk, until it is told otherwise. */
  onBytes: ((bytes: Buffer) => void) | null = null;
  onOver: (() => void) | null = null;
  readonly #socket: Socket;

  constructor(port: number, address: string = attackerAddress) {
    this.#socket = connect({ port, host: "127.0.0.1", localAddress: address, noDelay: true });
    this.#socket.on("connect", () => (this.isOpen = true));
    this.#socket.on("error", () => undefined);
    this.#socket.on("data", (bytes: Buffer) => {
      this.bytesReceived += bytes.length;
      this.onBytes?.(bytes);
    });
    this.#socket.on("close", () => {
      this.isOpen = false;
      this.isOver = true;
      this.onOver?.();
    });
  }

  write(bytes: Uint8Array): void {
    if (!this.isOver) this.#socket.write(bytes);
  }

  /** Takes nothing more from the kernel. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** Goes without a word, and leaves no trace in the kernel: a port can be used for the next at once. */
  reset(): void {
    this.#socket.resetAndDestroy();
  }

  /** Resolves when so many bytes have come, or the connection is over. */
  async received(byteCount: number): Promise<void> {
    await until(() => this.isOver || this.bytesReceived >= byteCount);
  }
}

/** Connections that are opened side by side: fewer than a port's backlog, or some would be open for this end only. */
const openingMax = 40;

/** Addresses of a crowd that does not come from one place, or would run out of ports if it did. */
export const manyAddresses: readonly string[] = Array.from({ length: 16 }, (_, i) => `127.0.1.${i + 1}`);

/** So many connections, opened or refused. */
export async function openMany(
  port: number,
  count: number,
  addresses: readonly string[] = [attackerAddress],
): Promise<RawSocket[]> {
  const sockets: RawSocket[] = [];
  for (let from = 0; from < count; from += openingMax) {
    const some = Array.from(
      { length: Math.min(openingMax, count - from) },
      (_, i) => new RawSocket(port, addresses[(from + i) % addresses.length]),
    );
    sockets.push(...some);
    await until(() => some.every(({ isOpen, isOver }) => isOpen || isOver));
  }
  return sockets;
}

/** What a server answers to a handshake. */
export const handshakeBytes = 41;

/** So many connections with a session each, those that are not refused. */
export async function openSessions(port: number, count: number): Promise<RawSocket[]> {
  const sockets = await openMany(port, count);
  for (const socket of sockets) socket.write(connectRequest({ timeoutMs: 40_000 }));
  await Promise.all(sockets.map((socket) => socket.received(handshakeBytes)));
  return sockets;
}

export function openCount(sockets: readonly RawSocket[]): number {
  return sockets.filter(({ isOpen }) => isOpen).length;
}

export function resetAll(sockets: readonly RawSocket[]): void {
  for (const socket of sockets) socket.reset();
}

/** Looks until the condition holds. @returns whether it did within the time. */
export async function until(condition: () => boolean | Promise<boolean>, timeoutMs: number = 60_000): Promise<boolean> {
  const deadlineMs = performance.now() + timeoutMs;
  while (!(await condition())) {
    if (performance.now() > deadlineMs) return false;
    await after(lookEveryMs);
  }
  return true;
}
