/**
 * A small ZooKeeper client for tests that look at bytes (wire-frames.ts): what was sent, what came back, in which order.
 *
 * Everything that arrives is kept in `arrivals`, in order. `request` returns a promise for one reply; the typed helpers
 * below it throw {@link RefusedError} when the reply carries an error code. Sending never waits, so calling helpers
 * without awaiting them is how a test pipelines.
 */

import { connect, type Socket } from "node:net";
import { Bytes } from "./bytes.ts";
import {
  body,
  connectRequest,
  Cursor,
  err,
  type HandshakeOptions,
  type HandshakeReply,
  op,
  readConnectResponse,
  requestFrame,
  type Stat,
} from "./wire-frames.ts";

export interface Reply {
  readonly kind: "reply";
  readonly xid: number;
  readonly zxid: bigint;
  readonly err: number;
  readonly body: Buffer;
}

export interface WatchEvent {
  readonly kind: "event";
  readonly zxid: bigint;
  readonly type: number;
  readonly state: number;
  readonly path: string;
}

export type Arrival = Reply | WatchEvent;

/** The server answered with an error code. */
export class RefusedError extends Error {
  readonly code: number;
  constructor(code: number, what: string) {
    super(`${what}: error ${code}`);
    this.code = code;
  }
}

/** The connection ended before the awaited frame. */
class ConnectionLostError extends Error {}

/** How the server ended a connection. */
export type Ending = "end" | "reset";

type Waiter<T> = { resolve: (value: T) => void; reject: (error: Error) => void };

/** An incremental change of the members; the version that it starts from, if that matters. */
export interface ReconfigWords {
  readonly joining?: string;
  readonly leaving?: string;
  readonly version?: bigint;
}

export class WireClient {
  /** Every reply and event after the handshake, in the order of arrival. */
  readonly arrivals: Arrival[] = [];
  /** Resolves when the connection is over. */
  readonly ended: Promise<Ending>;
  readonly #socket: Socket;
  readonly #waiting: (Waiter<Reply> & { xid: number })[] = [];
  readonly #eventWaiters: Waiter<WatchEvent>[] = [];
  readonly #untakenEvents: WatchEvent[] = [];
  #handshakeWaiter: Waiter<HandshakeReply | null> | null = null;
  #received: Buffer = Buffer.alloc(0);
  #bytesReceived = 0;
  #isOver = false;
  #nextXid = 1;
  #handshake: HandshakeReply | null = null;

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.ended = new Promise((resolve) => {
      let ending: Ending = "end";
      socket.on("error", () => (ending = "reset"));
      socket.on("close", () => {
        this.#finish();
        resolve(ending);
      });
    });
    socket.on("data", (chunk: Buffer) => this.#take(chunk));
  }

  /** Opens the socket and sends nothing. */
  static open(port: number, host = "127.0.0.1"): Promise<WireClient> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host, noDelay: true });
      socket.once("error", reject);
      socket.once("connect", () => {
        socket.off("error", reject);
        resolve(new WireClient(socket));
      });
    });
  }

  /** Opens the socket and a session. @throws ConnectionLostError when the server closes instead of answering. */
  static async connect(port: number, options: HandshakeOptions = {}): Promise<WireClient> {
    const client = await WireClient.open(port);
    const reply = await client.handshake(options);
    if (reply === null) throw new ConnectionLostError("closed during the handshake");
    return client;
  }

  /** The answer to the handshake. */
  get session(): HandshakeReply {
    if (this.#handshake === null) throw new Error("no handshake yet");
    return this.#handshake;
  }

  /** Bytes received so far, the handshake's included. */
  get bytesReceived(): number {
    return this.#bytesReceived;
  }

  get events(): WatchEvent[] {
    return this.arrivals.filter((arrival) => arrival.kind === "event");
  }

  /** Resolves to null when the server closes instead of answering. */
  handshake(options: HandshakeOptions = {}): Promise<HandshakeReply | null> {
    this.sendRaw(connectRequest(options));
    return this.awaitHandshake();
  }

  /** Reads the handshake's answer when the request was sent raw. */
  awaitHandshake(): Promise<HandshakeReply | null> {
    if (this.#handshake !== null || this.#isOver) return Promise.resolve(this.#handshake);
    return new Promise((resolve, reject) => {
      this.#handshakeWaiter = { resolve, reject };
    });
  }

  sendRaw(bytes: Uint8Array): void {
    this.#socket.write(bytes);
  }

  /** Sends a request under the next xid, or the given one. */
  request(type: number, requestBody?: Uint8Array, xid: number = this.#nextXid++): Promise<Reply> {
    const reply = this.awaitReply(xid);
    this.sendRaw(requestFrame(xid, type, requestBody));
    return reply;
  }

  /** Waits for a reply to a request that was sent raw. */
  awaitReply(xid: number): Promise<Reply> {
    if (this.#isOver) return Promise.reject(new ConnectionLostError("the connection is closed"));
    const reply = new Promise<Reply>((resolve, reject) => this.#waiting.push({ xid, resolve, reject }));
    // A test that pipelines and then breaks the connection has replies that nobody awaits.
    reply.catch(() => undefined);
    return reply;
  }

  /** The oldest event not yet taken. */
  nextEvent(): Promise<WatchEvent> {
    const event = this.#untakenEvents.shift();
    if (event !== undefined) return Promise.resolve(event);
    if (this.#isOver) return Promise.reject(new ConnectionLostError("the connection is closed"));
    return new Promise((resolve, reject) => this.#eventWaiters.push({ resolve, reject }));
  }

  async create(path: string, data: Uint8Array | string = "", flags = 0): Promise<string> {
    return (await this.#ask(op.create, body.create(path, data, flags), path)).string() ?? "";
  }

  async delete(path: string, version = -1): Promise<void> {
    await this.#ask(op.delete, body.versioned(path, version), path);
  }

  /** The Stat, or null when there is no such znode. */
  async exists(path: string, watch = false): Promise<Stat | null> {
    const reply = await this.request(op.exists, body.watched(path, watch));
    if (reply.err === err.noNode) return null;
    return accepted(reply, `exists ${path}`).stat();
  }

  async getData(path: string, watch = false): Promise<{ data: Buffer | null; stat: Stat }> {
    const cursor = await this.#ask(op.getData, body.watched(path, watch), path);
    return { data: cursor.buffer(), stat: cursor.stat() };
  }

  async setData(path: string, data: Uint8Array | string, version = -1): Promise<Stat> {
    return (await this.#ask(op.setData, body.setData(path, data, version), path)).stat();
  }

  async getChildren(path: string, watch = false): Promise<string[]> {
    return (await this.#ask(op.getChildren, body.watched(path, watch), path)).strings();
  }

  /** @param mode 0 persistent, 1 persistent recursive. */
  async addWatch(path: string, mode: number): Promise<void> {
    await this.#ask(op.addWatch, new Bytes().string(path).int(mode).build(), path);
  }

  async sync(path: string): Promise<void> {
    await this.#ask(op.sync, body.path(path), path);
  }

  ping(): Promise<Reply> {
    return this.request(op.ping, Buffer.alloc(0), -2);
  }

  /** Asks for a change of the members, whatever their version: lines of those that join, ids of those that leave. */
  reconfig({ joining, leaving, version }: ReconfigWords): Promise<Reply> {
    const words = new Bytes()
      .string(joining ?? null)
      .string(leaving ?? null)
      .string(null)
      .long(version ?? -1n);
    return this.request(op.reconfig, words.build());
  }

  /** The members, by this server's znode. */
  async config(): Promise<string> {
    await this.sync("/");
    const { data } = await this.getData("/zookeeper/config");
    return data?.toString() ?? "";
  }

  /** Adds an identity to the connection. */
  auth(scheme: string, credentials: string): Promise<Reply> {
    return this.request(op.auth, new Bytes().int(0).string(scheme).buffer(Buffer.from(credentials)).build(), -4);
  }

  /** Ends the session and waits until the server has closed the connection. */
  async closeSession(): Promise<void> {
    accepted(await this.request(op.closeSession), "closeSession");
    await this.ended;
  }

  /** Leaves what arrives in the kernel, as a client that is stuck does. */
  pauseReading(): void {
    this.#socket.pause();
  }

  resumeReading(): void {
    this.#socket.resume();
  }

  /** Sends FIN and keeps reading. */
  halfClose(): void {
    this.#socket.end();
  }

  /** Drops the connection without a word; the session lives on. */
  drop(): void {
    this.#socket.destroy();
  }

  [Symbol.dispose](): void {
    this.drop();
  }

  async #ask(type: number, requestBody: Buffer, what: string): Promise<Cursor> {
    return accepted(await this.request(type, requestBody), what);
  }

  #take(chunk: Buffer): void {
    this.#bytesReceived += chunk.length;
    this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
    let at = 0;
    while (this.#received.length - at >= 4) {
      const length = this.#received.readInt32BE(at);
      if (this.#received.length - at - 4 < length) break;
      this.#takeFrame(this.#received.subarray(at + 4, at + 4 + length));
      at += 4 + length;
    }
    this.#received = this.#received.subarray(at);
  }

  #takeFrame(bytes: Buffer): void {
    if (this.#handshake === null) {
      this.#handshake = readConnectResponse(bytes);
      this.#handshakeWaiter?.resolve(this.#handshake);
      return;
    }
    const cursor = new Cursor(bytes);
    const xid = cursor.int();
    const zxid = cursor.long();
    const code = cursor.int();
    if (xid === -1) {
      this.#takeEvent({ kind: "event", zxid, type: cursor.int(), state: cursor.int(), path: cursor.string() ?? "" });
      return;
    }
    const reply: Reply = { kind: "reply", xid, zxid, err: code, body: cursor.rest() };
    this.arrivals.push(reply);
    const index = this.#waiting.findIndex((waiter) => waiter.xid === xid);
    if (index !== -1) this.#waiting.splice(index, 1)[0]?.resolve(reply);
  }

  #takeEvent(event: WatchEvent): void {
    this.arrivals.push(event);
    const waiter = this.#eventWaiters.shift();
    if (waiter === undefined) this.#untakenEvents.push(event);
    else waiter.resolve(event);
  }

  #finish(): void {
    this.#isOver = true;
    this.#handshakeWaiter?.resolve(this.#handshake);
    for (const waiter of this.#waiting.splice(0)) waiter.reject(new ConnectionLostError(`no reply to ${waiter.xid}`));
    for (const waiter of this.#eventWaiters.splice(0)) waiter.reject(new ConnectionLostError("no event"));
  }
}

/** The reply's body. @throws RefusedError when it carries an error. */
function accepted(reply: Reply, what: string): Cursor {
  if (reply.err !== 0) throw new RefusedError(reply.err, what);
  return new Cursor(reply.body);
}

/**
 * Sends a four-letter word, half-closes as `nc` does, and reads to the end.
 * @param extra bytes sent behind the word (the mask of `stmk`).
 */
export function fourLetterWord(port: number, word: string, extra: Uint8Array = Buffer.alloc(0)): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    const parts: Buffer[] = [];
    socket.on("error", reject);
    socket.on("data", (chunk: Buffer) => parts.push(chunk));
    socket.on("end", () => resolve(Buffer.concat(parts).toString("utf8")));
    socket.end(Buffer.concat([Buffer.from(word, "latin1"), extra]));
  });
}
