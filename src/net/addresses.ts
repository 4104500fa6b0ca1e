/**
 * A server with several addresses, so that it is there while one of its networks is not: it listens on all of them, and who
 * wants it tries all at once and takes the first that answers.
 * Source: MultipleAddresses.java, Learner.LeaderConnector, Leader (createServerSocket), QuorumCnxManager.Listener.
 */

import { errorCode } from "#base/errors.ts";
import { type Address, javaSocketAddress } from "#base/java-address.ts";
import type { ConnectOptions, Listener, ListenOptions, Wire } from "#host/wire.ts";

/** As the log names them. */
export function addressesText(addresses: readonly Address[]): string {
  return addresses.map(({ host, port }) => javaSocketAddress(host, port)).join("|");
}

/**
 * Binds all addresses. @returns a listener whose address is that of the first.
 * @throws the operating system's error when one of them cannot be bound; then none is.
 */
export async function listenOnAll(
  wire: Pick<Wire, "listen">,
  addresses: readonly Address[],
  options: Omit<ListenOptions, "address" | "port">,
): Promise<Listener> {
  const attempts = addresses.map(({ host, port }) => wire.listen({ ...options, address: host, port }));
  const outcomes = await Promise.allSettled(attempts);
  const listeners = outcomes.flatMap((outcome) => (outcome.status === "fulfilled" ? [outcome.value] : []));
  const close = async (): Promise<void> => {
    await Promise.all(listeners.map((listener) => listener.close()));
  };
  const failed = outcomes.find((outcome) => outcome.status === "rejected");
  if (failed === undefined) return { address: listeners[0]!.address, port: listeners[0]!.port, close };
  await close();
  throw failed.reason;
}

/**
 * Connects to whichever address answers first: calls either `connected` or `failed`, once. The error is that of the one that
 * failed last; that nobody listens is only said when nobody listens anywhere.
 */
export function connectToAny(
  wire: Pick<Wire, "connect">,
  addresses: readonly Address[],
  options: Omit<ConnectOptions, "host" | "port">,
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
        return options.connected(socket);
      },
      failed: (error) => {
        pending--;
        if (worst === null || errorCode(error) !== "ECONNREFUSED") worst = error;
        if (pending === 0 && !isConnected) options.failed(worst);
      },
    });
  }
}
