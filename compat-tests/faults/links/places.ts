/** Where what stands between two members listens, and how it reaches the one behind it. */

import { connect, type Server, type Socket } from "node:net";

export interface TcpPlace {
  readonly host: string;
  readonly port: number;
}

const patienceMs = 1_500;
const retryMs = 15;

/**
 * A member that is about to listen would refuse whoever comes too early, who would try again. Behind a gateway that has accepted the
 * connection already it looks as if it hung up, which members do not expect of each other; so it is tried again here.
 */
export function connectPatiently(
  place: TcpPlace,
  done: (socket: Socket | null) => void,
  untilMs: number = performance.now() + patienceMs,
): void {
  const socket = connect({ ...place, allowHalfOpen: true, noDelay: true });
  const refused = (): void => {
    if (performance.now() > untilMs) done(null);
    else setTimeout(() => connectPatiently(place, done, untilMs), retryMs);
  };
  socket.once("error", refused);
  socket.once("connect", () => {
    socket.off("error", refused);
    done(socket);
  });
}

export function listen(server: Server, place: TcpPlace | { path: string }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(place, resolve);
  });
}
