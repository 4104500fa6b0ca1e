/** The real network: node:net. Half-open on purpose: `echo ruok | nc` closes its side first and then waits. */

import { connect, createServer, type Server, Socket as NodeSocket } from "node:net";
import { availableParallelism } from "node:os";
import { errorCode } from "#base/errors.ts";
import type { ConnectOptions, Listener, ListenOptions, Socket, SocketHandler, Wire } from "../wire.ts";
import { BusyPoll } from "./busy-poll.ts";
import { DescriptorReserve } from "./descriptor-reserve.ts";
import { descriptorsMax } from "./environment.ts";

/**
 * How long a socket that has been ended waits for its peer to take the next bytes, and, when it has them all, to close as
 * well; and how long a port that is closed waits for its sockets.
 */
const lingerMs = 2000;
const noBytes = Buffer.alloc(0);
/** Tests have every chunk overwritten once it was handled, so that whoever kept a part of it is found. */
const isScribbling = process.env["NODEKEEPER_SCRIBBLE"] === "1";
/** Java's default. */
const defaultBacklog = 50;

/** Every address of both families, which is what Java's sockets bind to when they are told 0.0.0.0. */
const anyAddress = "0.0.0.0";
const anyAddressOfBothFamilies = "::";

export const nodeWire: Wire = {
  async listen(options: ListenOptions): Promise<Listener> {
    if (options.address !== anyAddress) return bind(options, options.address);
    try {
      return await bind(options, anyAddressOfBothFamilies);
    } catch (error) {
      const isWithoutIpv6 = noIpv6.has(errorCode(error));
      if (!isWithoutIpv6) throw error;
      return bind(options, anyAddress);
    }
  },

  connect(options: ConnectOptions): void {
    const { host, port, timeoutMs, isKeepAlive } = options;
    const input = new SocketInput(null);
    const raw = connect({
      host,
      port,
      noDelay: true,
      keepAlive: isKeepAlive,
      allowHalfOpen: true,
      onread: input.onread,
    });
    const timer = setTimeout(
      () => raw.destroy(new Error(`no connection to ${host}:${port} in ${timeoutMs} ms`)),
      timeoutMs,
    );
    let failure: Error = new Error(`no connection to ${host}:${port}`);
    const onError = (error: Error): void => void (failure = error);
    const onClose = (): void => {
      clearTimeout(timer);
      options.failed(failure);
    };
    raw.once("error", onError);
    raw.once("close", onClose);
    raw.once("connect", () => {
      clearTimeout(timer);
      raw.off("error", onError);
      raw.off("close", onClose);
      const socket = new WireSocket(raw, input);
      const handler = options.connected(socket);
      if (handler !== null) socket.attach(handler);
    });
  },
};

const noIpv6: ReadonlySet<string> = new Set(["EAFNOSUPPORT", "EADDRNOTAVAIL", "EINVAL"]);

function bind(options: ListenOptions, host: string): Promise<Listener> {
  const server = createServer(
    { allowHalfOpen: true, noDelay: true, keepAlive: options.isKeepAlive, pauseOnConnect: true },
    (raw) => accept(raw, options),
  );
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    const backlog = options.backlog < 0 ? defaultBacklog : options.backlog;
    server.listen({ host, port: options.port, backlog }, () => {
      server.off("error", reject);
      resolve(listenerOf(server));
    });
  });
}

function accept(accepted: NodeSocket, options: ListenOptions): void {
  const input = new SocketInput(options.isBusyPolled === true ? busyPoll : null);
  const socket = new WireSocket(withInput(accepted, input), input);
  const handler = options.accept(socket);
  if (handler !== null) socket.attach(handler);
}

/** What all sockets read into: whoever is handed bytes has them until the call returns. */
const inputBuffer = Buffer.allocUnsafeSlow(64 * 1024);

const descriptors = new DescriptorReserve(descriptorsMax, () => performance.now());

/** On a single processor whoever is waited for needs it. */
const busyPoll = availableParallelism() > 1 ? new BusyPoll(() => performance.now(), setImmediate) : null;

/** Hands what a socket has read to its handler. */
class SocketInput {
  handler: SocketHandler | null = null;
  readonly #busyPoll: BusyPoll | null;

  constructor(poll: BusyPoll | null) {
    this.#busyPoll = poll;
  }

  readonly onread = {
    buffer: inputBuffer,
    callback: (count: number): boolean => {
      const bytes = inputBuffer.subarray(0, count);
      this.handler?.data(bytes);
      if (isScribbling) bytes.fill(0xdb);
      this.#busyPoll?.noteRead();
      return true;
    },
  };
}

/** What node keeps in a socket. */
interface SocketInside {
  _handle: { readonly fd?: number } | null;
  _server: object | null;
}

/**
 * A socket in place of an accepted one, that reads into our buffer. Node offers that (`onread`) to sockets that connect and not to
 * those that a server accepts; so one that is made with it takes over the handle, which nobody has read from yet, and its
 * place among the server's connections. Without it each read allocates, and goes through a stream: a tenth of the CPU of
 * pipelined reads.
 */
function withInput(accepted: NodeSocket, { onread }: SocketInput): NodeSocket {
  const old = accepted as unknown as SocketInside;
  const options: object = { handle: old._handle, allowHalfOpen: true, onread };
  const socket = new NodeSocket(options);
  (socket as unknown as SocketInside)._server = old._server;
  old._handle = null;
  old._server = null;
  return socket;
}

function listenerOf(server: Server): Listener {
  const bound = server.address();
  const { address, port } = typeof bound === "object" && bound !== null ? bound : { address: "", port: 0 };
  return {
    address,
    port,
    close: () =>
      new Promise((resolve) => {
        const timer = setTimeout(resolve, lingerMs);
        server.close(() => {
          clearTimeout(timer);
          resolve();
        });
      }),
  };
}

function ignore(): void {}

class WireSocket implements Socket {
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly isScarce: boolean;
  readonly #raw: NodeSocket;
  readonly #input: SocketInput;
  /** Somebody was told that `drained` follows, and node will not tell us by itself. */
  #isDrainOwed = false;
  #onDrainOwed: (() => void) | null = null;

  constructor(raw: NodeSocket, input: SocketInput) {
    this.#raw = raw;
    this.#input = input;
    // The address is gone once the socket is: it is read while it is there. IPv4 peers are shown as such.
    this.remoteAddress = (raw.remoteAddress ?? "").replace(/^::ffff:(?=\d+\.)/, "");
    this.remotePort = raw.remotePort ?? 0;
    this.isScarce = descriptors.isTouchedBy((raw as unknown as SocketInside)._handle?.fd ?? -1);
    // An error is always followed by close, which says all that matters.
    raw.on("error", ignore);
  }

  attach(handler: SocketHandler): void {
    const raw = this.#raw;
    this.#input.handler = handler;
    raw.on("end", () => handler.ended());
    raw.on("drain", () => handler.drained());
    raw.on("close", () => handler.closed());
  }

  get bufferedBytes(): number {
    return this.#raw.writableLength;
  }

  write(bytes: Uint8Array): boolean {
    if (this.#raw.destroyed || this.#raw.writableEnded) return true;
    this.#raw.write(bytes);
    if (this.#raw.writableLength === 0) return true;
    this.#oweDrain();
    return false;
  }

  /** Node tells of a drain only if its high-water mark was reached; below it, we have an empty write tell us. */
  #oweDrain(): void {
    if (this.#isDrainOwed || this.#raw.writableNeedDrain || this.#raw.writableEnded) return;
    this.#isDrainOwed = true;
    this.#onDrainOwed ??= () => this.#payDrain();
    this.#raw.write(noBytes, this.#onDrainOwed);
  }

  #payDrain(): void {
    this.#isDrainOwed = false;
    if (this.#raw.destroyed) return;
    if (this.#raw.writableLength === 0) this.#input.handler?.drained();
    else this.#oweDrain();
  }

  end(): void {
    const raw = this.#raw;
    // Until all has left nothing is read, so that only what the peer takes counts as activity, not what it sends.
    raw.pause();
    raw.setTimeout(lingerMs, () => raw.destroy());
    raw.end(() => {
      if (raw.destroyed) return;
      raw.resume();
      const timer = setTimeout(() => raw.destroy(), lingerMs);
      raw.once("close", () => clearTimeout(timer));
    });
  }

  destroy(): void {
    this.#raw.destroy();
  }

  reset(): void {
    this.#raw.resetAndDestroy();
  }

  pause(): void {
    this.#raw.pause();
  }

  resume(): void {
    this.#raw.resume();
  }
}
