/**
 * A server with several addresses, so that it is there while one of its networks is not: it listens on all of them, and who
 * wants it tries all at once and takes the first that answers.
 * Source: MultipleAddresses.java, Learner.LeaderConnector, Leader (createServerSocket), QuorumCnxManager.Listener.
 */

import { errorCode } from "#base/errors.ts";
import { type Address, javaSocketAddress } from "#base/java-address.ts";
import type { Logger } from "#host/logger.ts";
import type { Timer, Timers } from "#host/timers.ts";
import type { ConnectOptions, Listener, ListenOptions, Socket, SocketHandler, Wire } from "#host/wire.ts";

/** As the log names them. */
export function addressesText(addresses: readonly Address[]): string {
  return addresses.map(({ host, port }) => javaSocketAddress(host, port)).join("|");
}

/** Listens at several addresses. */
export interface ListenerOfAll {
  /** Those that are bound. */
  readonly bound: readonly Address[];
  close(): Promise<void>;
}

/** How to go on where some addresses are bound and others cannot be: their network may come up later. */
export interface BindAgain {
  readonly timers: Pick<Timers, "after">;
  /** In all; 0 is for ever. */
  readonly attempts: number;
  readonly waitMs: number;
  /** One more is bound. */
  bound(address: Address): void;
}

/**
 * Binds all addresses. One that cannot be bound is logged: a network that is missing must not take the others along.
 * @throws the operating system's error when none of them can be bound.
 */
export async function listenOnAll(
  parts: { wire: Pick<Wire, "listen">; logger: Logger },
  addresses: readonly Address[],
  options: Omit<ListenOptions, "address" | "port">,
  again: BindAgain | null = null,
): Promise<ListenerOfAll> {
  const listeners = new Listeners(parts, options);
  const errors = await listeners.bind(addresses);
  if (listeners.bound.length === 0) throw errors[0];
  if (again !== null) listeners.bindAgain(addresses, again, 1);
  return listeners;
}

class Listeners implements ListenerOfAll {
  readonly bound: Address[] = [];
  readonly #wire: Pick<Wire, "listen">;
  readonly #logger: Logger;
  readonly #options: Omit<ListenOptions, "address" | "port">;
  readonly #listeners: Listener[] = [];
  #timer: Timer | null = null;
  #isClosed = false;

  constructor(parts: { wire: Pick<Wire, "listen">; logger: Logger }, options: Omit<ListenOptions, "address" | "port">) {
    this.#wire = parts.wire;
    this.#logger = parts.logger;
    this.#options = options;
  }

  /** @returns why some cannot be bound. */
  async bind(addresses: readonly Address[]): Promise<unknown[]> {
    const errors: unknown[] = [];
    const attempts = addresses.map(({ host, port }) => this.#wire.listen({ ...this.#options, address: host, port }));
    for (const [index, outcome] of (await Promise.allSettled(attempts)).entries()) {
      const address = addresses[index]!;
      if (outcome.status === "fulfilled") {
        this.bound.push(address);
        this.#listeners.push(outcome.value);
        continue;
      }
      errors.push(outcome.reason);
      // Who has no other address is told by whoever asked.
      if (addresses.length === 1 && this.bound.length === 0) continue;
      const facts = { error: String(outcome.reason) };
      this.#logger.error(facts, `Exception while listening to address ${addressesText([address])}`);
    }
    return errors;
  }

  /** Tries those again, after a while, that are not bound. */
  bindAgain(addresses: readonly Address[], again: BindAgain, attempts: number): void {
    const missing = addresses.filter((address) => !this.bound.includes(address));
    if (missing.length === 0 || attempts === again.attempts || this.#isClosed) return;
    this.#timer = again.timers.after(again.waitMs, () => {
      const before = this.bound.length;
      void this.bind(missing).then(async () => {
        if (this.#isClosed) {
          await this.close();
          return;
        }
        for (const address of this.bound.slice(before)) again.bound(address);
        this.bindAgain(missing, again, attempts + 1);
      });
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#timer?.cancel();
    await Promise.all(this.#listeners.splice(0).map((listener) => listener.close()));
  }
}

/**
 * Connects to whichever address answers first: calls either `connected` or `failed`, once. The error is that of the one that
 * failed last; that nobody listens is only said when nobody listens anywhere.
 */
export function connectToAny(
  wire: Pick<Wire, "connect">,
  addresses: readonly Address[],
  options: Omit<ConnectOptions, "host" | "port" | "connected"> & {
    connected(socket: Socket, at: Address): SocketHandler | null;
  },
): void {
  let pending = addresses.length;
  let isConnected = false;
  let worst: Error | null = null;
  for (const { host, port } of addresses) {
    wire.connect({
      ...options,
      host,
      port,
      connected: (socket) => {
        pending--;
        if (isConnected) {
          socket.destroy();
          return null;
        }
        isConnected = true;
        return options.connected(socket, { host, port });
      },
      failed: (error) => {
        pending--;
        if (worst === null || errorCode(error) !== "ECONNREFUSED") worst = error;
        if (pending === 0 && !isConnected) options.failed(worst);
      },
    });
  }
}
