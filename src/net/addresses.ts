/**
 * A server with several addresses, so that it is there while one of its networks is not: it listens on all of them, and who
 * wants it tries all at once and takes the first that answers.
 * Source: MultipleAddresses.java, Learner.LeaderConnector, Leader (createServerSocket), QuorumCnxManager.Listener.
 */

import { errorCode } from "#base/errors.ts";
import { type Address, javaSocketAddress } from "#base/java-address.ts";
import type { Logger } from "#host/logger.ts";
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

/**
 * Binds all addresses. One that cannot be bound is logged: a network that is missing must not take the others along.
 * @throws the operating system's error when none of them can be bound.
 */
export async function listenOnAll(
  { wire, logger }: { wire: Pick<Wire, "listen">; logger: Logger },
  addresses: readonly Address[],
  options: Omit<ListenOptions, "address" | "port">,
): Promise<ListenerOfAll> {
  const attempts = addresses.map(({ host, port }) => wire.listen({ ...options, address: host, port }));
  const outcomes = await Promise.allSettled(attempts);
  const bound: Address[] = [];
  const listeners: Listener[] = [];
  let firstError: unknown = null;
  for (const [index, outcome] of outcomes.entries()) {
    const { host, port } = addresses[index]!;
    if (outcome.status === "fulfilled") {
      bound.push({ host, port });
      listeners.push(outcome.value);
      continue;
    }
    firstError ??= outcome.reason;
    if (addresses.length === 1) continue;
    logger.error(
      { error: String(outcome.reason) },
      `Exception while listening to address ${addressesText([{ host, port }])}`,
    );
  }
  if (listeners.length === 0) throw firstError;
  return { bound, close: async () => void (await Promise.all(listeners.map((listener) => listener.close()))) };
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
