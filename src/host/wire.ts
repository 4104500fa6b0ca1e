/**
 * The network, handed in: the real one (node/wire.ts), or a test's, which delays, cuts and splits. A socket is given
 * its handler when it is accepted or connected and calls it from then on; the handler calls back through the socket.
 */

/** What a socket tells. */
export interface SocketHandler {
  /** Bytes came in; borrowed until the call returns. */
  data(bytes: Buffer): void;
  /** The peer will send no more. It may still be reading. */
  ended(): void;
  /** Everything written has left. */
  drained(): void;
  /** The socket is gone; nothing follows. */
  closed(): void;
}

export interface Socket {
  /** Numeric address of the peer. */
  readonly remoteAddress: string;
  readonly remotePort: number;
  /** It has one of the last file descriptors that the process may have. */
  readonly isScarce?: boolean;
  /** Bytes written that the kernel has not taken yet. */
  readonly bufferedBytes: number;
  /**
   * Sends `bytes`.
   * @returns true when the kernel has taken all of them, so that their memory may be reused; false when the socket holds
   * on to it, in which case `drained` follows.
   */
  write(bytes: Uint8Array): boolean;
  /** Sends what was written, then closes. What the peer still sends is thrown away. */
  end(): void;
  /** Closes at once. */
  destroy(): void;
  /** Closes at once by a reset, which the peer cannot mistake for an orderly end. */
  reset(): void;
  pause(): void;
  resume(): void;
}

export interface Listener {
  readonly address: string;
  readonly port: number;
  /** Stops accepting; accepted sockets stay. The port is free from the call on, the promise says that nothing is left of it. */
  close(): Promise<void>;
}

export interface ListenOptions {
  readonly address: string;
  /** 0 for any free port. */
  readonly port: number;
  /** Length of the kernel's queue of connections; -1 for its default. */
  readonly backlog: number;
  readonly isKeepAlive: boolean;
  /** Whoever connects asks, waits for the answer and asks again: it may pay to look for that before going to sleep. */
  readonly isBusyPolled?: boolean;
  /** @returns who hears of the socket from now on, or null when the socket was refused (and closed) already. */
  accept(socket: Socket): SocketHandler | null;
}

export interface ConnectOptions {
  /** Name or numeric address; a name is looked up anew each time. */
  readonly host: string;
  readonly port: number;
  /** How long name and handshake may take. */
  readonly timeoutMs: number;
  readonly isKeepAlive: boolean;
  /** @returns who hears of the socket from now on, or null when the socket was closed already. */
  connected(socket: Socket): SocketHandler | null;
  failed(error: Error): void;
}

export interface Wire {
  /** Resolves when the port is bound; rejects with the operating system's error. */
  listen(options: ListenOptions): Promise<Listener>;
  /** Connects to a port elsewhere: calls either `connected` or `failed`, once, in a later turn. */
  connect(options: ConnectOptions): void;
}
