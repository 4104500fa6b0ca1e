/**
 * A listening client port: accepts connections within their limits, numbers them, and closes those that have been quiet
 * for too long.
 *
 * Limits: `maxClientCnxns` per remote address and `maxCnxns` in all, both per port; a connection too many is reset at
 * once, without a frame, and so is one that would take one of the process's last file descriptors. Idle: a connection without a session gets `nio.sessionlessCnxnTimeout` since it last did
 * anything (and no longer for its handshake, however that comes), one with a session its session timeout, both rounded up to the
 * next multiple of the former.
 * Source: NIOServerCnxnFactory.java.
 */

import { CarriedBytesPool } from "#base/carried-bytes.ts";
import type { ServerMetrics } from "#base/metrics.ts";
import type { Clock } from "#host/clock.ts";
import type { Logger } from "#host/logger.ts";
import type { Timer, Timers } from "#host/timers.ts";
import type { Listener, Socket, SocketHandler, Wire } from "#host/wire.ts";
import { javaSocketAddress } from "#base/java-address.ts";
import type { Client } from "#pipeline/client.ts";
import { ExpiryQueue } from "#session/expiry-queue.ts";
import { ClientConnection } from "./client-connection.ts";
import { RareLine } from "./rare-line.ts";
import { UnsentBytes } from "./unsent-bytes.ts";

/** What a port needs of the server behind it. */
export interface ClientPortServices {
  readonly clock: Clock;
  readonly metrics: ServerMetrics;
  readonly frameBytesMax: number;
  readonly sessionlessTimeoutMs: number;
  /** A ConnectRequest. @returns false to close without an answer. */
  connect(client: Client, bytes: Buffer, start: number, end: number, nowMs: number): boolean;
  /** `bytes[start, end)` have come in on a session: frames that are handed over next, the last of them in part perhaps. */
  lookAhead(bytes: Buffer, start: number, end: number): void;
  /** A request. @returns false to close without an answer. */
  receive(client: Client, bytes: Buffer, start: number, end: number, nowMs: number): boolean;
  /** Everything that a client was sent has left. */
  allSent(client: Client): void;
  /** A client that was too slow, or rested, may go on: requests of its that waited for that may run. */
  heldBackNoMore(client: Client, nowMs: number): void;
  /** A connection's share of the turn begins. */
  beginShare(): void;
  /** Its requests have made so much work that others come first. */
  isShareSpent(): boolean;
  /** A chunk has been handled: what it brought about may be sent. */
  turnEnded(): void;
  /** Calls `action` when other work has had its turn. */
  atTurnEnd(action: () => void): void;
  /** A frame whose length is out of bounds. */
  lengthError(client: Client, length: number): void;
  /** A client that takes nothing of what it is sent is closed. */
  unsentError(client: Client, unsentBytes: number): void;
  /** The connection is gone. @param free To be called, now or later, when nothing knows it by its number any more. */
  forget(client: Client, free: () => void): void;
  /**
   * @returns whether `bytes`, the first of a connection, begin with a four-letter word. If so the connection's `answer`
   * is called, now or later.
   */
  takeWord(connection: ClientConnection, bytes: Buffer): boolean;
}

export interface ClientPortOptions {
  readonly address: string;
  readonly port: number;
  readonly backlog: number;
  readonly isKeepAlive: boolean;
  /** Per remote address; 0 for no limit. */
  readonly maxClientCnxns: number;
  /** In all; 0 for no limit. */
  readonly maxCnxns: number;
}

/** Numbers for connections, small and reused, unique over all ports of a server. */
export class ConnectionNumbers {
  readonly #clients: (Client | undefined)[] = [];
  readonly #free: number[] = [];

  take(): number {
    return this.#free.pop() ?? this.#clients.length;
  }

  set(client: Client): void {
    this.#clients[client.number] = client;
  }

  release(client: Client): void {
    this.#clients[client.number] = undefined;
    this.#free.push(client.number);
  }

  readonly get = (number: number): Client | undefined => this.#clients[number];
}

export class ClientPort {
  readonly idle: ExpiryQueue<ClientConnection>;
  readonly #options: ClientPortOptions;
  readonly #services: ClientPortServices;
  readonly #numbers: ConnectionNumbers;
  readonly #logger: Logger;
  readonly #connections = new Set<ClientConnection>();
  readonly #byAddress = new Map<string, number>();
  readonly #carriedPool = new CarriedBytesPool();
  readonly #unsent = new UnsentBytes();
  #listener: Listener | null = null;
  /** Where it listens, or would. */
  #place: { readonly address: string; readonly port: number };
  /** One move at a time. */
  #moving: Promise<void> = Promise.resolve();
  #idleTimer: Timer | null = null;
  #isClosed = false;
  readonly #refusalLine = new RareLine();

  constructor(parts: {
    options: ClientPortOptions;
    services: ClientPortServices;
    numbers: ConnectionNumbers;
    logger: Logger;
  }) {
    this.#options = parts.options;
    this.#place = parts.options;
    this.#services = parts.services;
    this.#numbers = parts.numbers;
    this.#logger = parts.logger;
    this.idle = new ExpiryQueue(parts.services.sessionlessTimeoutMs, parts.services.clock.monotonicMs());
  }

  /** Binds the port. @throws the operating system's error when it cannot. */
  async open(wire: Pick<Wire, "listen">, timers: Timers): Promise<void> {
    const { address, port } = this.#options;
    this.#listener = await this.#listen(wire, address, port);
    this.#idleTimer = timers.every(this.#services.sessionlessTimeoutMs / 4, () => this.#closeIdle());
  }

  /**
   * Accepts connections there from now on; those that are open stay. The old place is given up first, so it is free even when
   * the new one cannot be had, and nothing is listened on then until the next move (NIOServerCnxnFactory.reconfigure).
   * @throws the operating system's error when it cannot.
   */
  move(wire: Pick<Wire, "listen">, address: string, port: number): Promise<void> {
    const before = this.#moving.catch(() => {});
    this.#moving = before.then(() => this.#moveNow(wire, address, port));
    return this.#moving;
  }

  async #moveNow(wire: Pick<Wire, "listen">, address: string, port: number): Promise<void> {
    void this.#listener?.close();
    this.#listener = null;
    this.#place = { address, port };
    const listener = await this.#listen(wire, address, port);
    if (this.#isClosed) await listener.close();
    else this.#listener = listener;
  }

  async #listen(wire: Pick<Wire, "listen">, address: string, port: number): Promise<Listener> {
    const { backlog, isKeepAlive } = this.#options;
    this.#logger.info({ address, port }, `binding to port ${javaSocketAddress(address, port)}`);
    const listener = await wire.listen({
      address,
      port,
      backlog,
      isKeepAlive,
      isBusyPolled: true,
      accept: (socket) => this.#accept(socket),
    });
    this.#logger.info({ address: listener.address, port: listener.port }, `bound to port ${listener.port}`);
    return listener;
  }

  /** Where the port is bound, once it is. */
  get bound(): { readonly address: string; readonly port: number } {
    const { address, port } = this.#listener ?? this.#place;
    return { address, port };
  }

  get connections(): ReadonlySet<ClientConnection> {
    return this.#connections;
  }

  /** Closes every connection; others may come. */
  closeConnections(): void {
    for (const connection of this.#connections) connection.closeNow();
  }

  /** Stops accepting and closes every connection. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#idleTimer?.cancel();
    const closing = this.#listener?.close();
    this.closeConnections();
    await closing;
    await this.#moving.catch(() => {}); // whoever asked for the move hears why it failed
  }

  #accept(socket: Socket): SocketHandler | null {
    const { remoteAddress } = socket;
    const count = this.#byAddress.get(remoteAddress) ?? 0;
    const reason = this.#reasonToRefuse(socket, count);
    if (reason !== null) {
      this.#refuse(socket, reason);
      return null;
    }
    this.#byAddress.set(remoteAddress, count + 1);
    const number = this.#numbers.take();
    const { idle } = this;
    const connection = new ClientConnection({
      number,
      socket,
      services: this.#services,
      idle,
      carriedPool: this.#carriedPool,
      unsent: this.#unsent,
      onClosed: this.#onClosed,
    });
    this.#numbers.set(connection.client);
    this.#connections.add(connection);
    this.idle.touch(connection, this.#services.sessionlessTimeoutMs, this.#services.clock.monotonicMs());
    return connection;
  }

  #reasonToRefuse({ isScarce, remoteAddress }: Socket, count: number): string | null {
    const { maxClientCnxns, maxCnxns } = this.#options;
    if (maxCnxns > 0 && this.#connections.size >= maxCnxns) {
      return `Too many connections max allowed is ${maxCnxns}`;
    }
    if (maxClientCnxns > 0 && count >= maxClientCnxns) {
      return `Too many connections from /${remoteAddress} - max is ${maxClientCnxns}`;
    }
    return isScarce === true ? "Too many open files: the last file descriptors are not for clients" : null;
  }

  /** Resets a connection too many. */
  #refuse(socket: Socket, reason: string): void {
    this.#services.metrics.connectionRejected.increment();
    socket.reset();
    if (!this.#refusalLine.isDue(this.#services.clock.monotonicMs())) return;
    const { remoteAddress, remotePort } = socket;
    this.#logger.warn({ remoteAddress, remotePort }, `Error accepting new connection: ${reason}`);
  }

  readonly #onClosed = (connection: ClientConnection): void => {
    const { client } = connection;
    this.#connections.delete(connection);
    this.#services.forget(client, () => this.#numbers.release(client));
    const { remoteAddress } = client;
    const count = (this.#byAddress.get(remoteAddress) ?? 1) - 1;
    if (count === 0) this.#byAddress.delete(remoteAddress);
    else this.#byAddress.set(remoteAddress, count);
  };

  #closeIdle(): void {
    for (const connection of this.idle.expire(this.#services.clock.monotonicMs())) {
      // Quirk: those with a session count as well, whatever the metric's name.
      this.#services.metrics.sessionlessConnectionsExpired.increment();
      connection.closeNow();
    }
  }
}
