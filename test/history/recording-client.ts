/**
 * A client that writes down all that it asks and all that it is told: one session after the other, over whatever member answers, a
 * request at a time or several. It pings, and after a reconnect it has its watches set again, as ZooKeeper's clients do. What it
 * writes down, connection by connection, is the history that the checkers judge. Clock, network and dice are handed in: those of the
 * simulator (test/sim), or real ones (compat-tests/faults).
 */

import type { Socket, SocketHandler, Wire } from "#host/wire.ts";
import { frameOf, line, lineOf, type ReadRequest, type Request } from "../support/requests.ts";
import { connectRequest, Cursor } from "../support/wire-frames.ts";
import type { Call, Conversation, Refusal } from "./conversation.ts";

const special = { ping: -2, setWatches: -8 } as const;

/** What a client meets the world with. */
export interface ClientHost {
  readonly wire: Wire;
  nowMs(): number;
  after(delayMs: number, action: () => void): void;
  /** Whom to connect to, where nobody says. */
  pick(servers: readonly ServerPlace[]): ServerPlace;
  /** It was told what makes no sense, or something that it had not asked for; the connection is gone. */
  broken(error: unknown): void;
}

/** Where a server lets clients in. */
export interface ServerPlace {
  readonly name: string;
  readonly host: string;
  readonly port: number;
}

export interface ClientTimes {
  readonly sessionTimeoutMs: number;
  /** A connection on which nothing is answered for so long is given up. */
  readonly requestTimeoutMs: number;
  /** A client that has nothing to ask lets so much time pass before it is heard of again. */
  readonly pingMs: number;
}

interface ClientParts {
  readonly number: number;
  readonly host: ClientHost;
  readonly servers: readonly ServerPlace[];
  readonly times: ClientTimes;
  /** Whether a server may then have been without its leader and not have known. */
  readonly wasOutOfTouch: (server: string, atMs: number) => boolean;
}

/** A request that has not been answered, and who waits for that. */
interface Waiting {
  readonly call: Call;
  /** Told when it is answered, or when it is certain that it will not be. */
  readonly settled: Settled;
}

/** @param body what came behind the reply's header; null where no reply came. */
type Settled = (call: Call, body: Buffer | null) => void;

/** Paths by the kind of watch that is set on them and has not fired. */
class SetWatchesList {
  readonly data: Set<string> = new Set();
  readonly exist: Set<string> = new Set();
  readonly child: Set<string> = new Set();

  get size(): number {
    return this.data.size + this.exist.size + this.child.size;
  }

  /** A read has been answered: it may have left a watch. */
  answered(request: Request, err: number): void {
    if (!("watch" in request) || !request.watch) return;
    if (request.op === "exists") (err === 0 ? this.data : this.exist).add(request.path);
    else if (err === 0) (request.op === "getData" ? this.data : this.child).add(request.path);
  }

  fired(type: number, path: string): void {
    if (type !== 4) this.data.delete(path);
    if (type !== 4) this.exist.delete(path);
    if (type === 4 || type === 2) this.child.delete(path);
  }

  request(zxid: bigint): ReadRequest {
    const { data, exist, child } = this;
    return {
      op: "setWatches",
      zxid,
      data: [...data],
      exist: [...exist],
      child: [...child],
      persistent: [],
      recursive: [],
    };
  }
}

export class RecordingClient {
  readonly conversations: Conversation[] = [];
  session: { id: bigint; password: Buffer } | null = null;
  /** It leaves whoever has just given it a session, and goes to another at once. */
  isRestless = false;
  /** Sessions that it was told are over. */
  readonly refusals: Refusal[] = [];
  readonly number: number;
  readonly #host: ClientHost;
  readonly #servers: readonly ServerPlace[];
  readonly #times: ClientTimes;
  readonly #wasOutOfTouch: ClientParts["wasOutOfTouch"];
  #server = "";
  /** Oldest first: they are answered in their order. */
  #waiting: Waiting[] = [];
  #watches = new SetWatchesList();
  #socket: Socket | null = null;
  #isConnecting = false;
  #conversation: Conversation | null = null;
  /** The one that begins if the session which the client has is granted. */
  #knock: Conversation | null = null;
  #isClosing = false;
  #received: Buffer = Buffer.alloc(0);
  #nextXid = 1;
  #lastZxid = 0n;
  #attempt = 0;
  #knockedMs = 0;
  #isStopped = false;

  constructor(parts: ClientParts) {
    this.number = parts.number;
    this.#host = parts.host;
    this.#servers = parts.servers;
    this.#times = parts.times;
    this.#wasOutOfTouch = parts.wasOutOfTouch;
  }

  get isAttached(): boolean {
    return this.#conversation !== null && !this.#isClosing;
  }

  /** To a server, whether or not that has let it in. */
  get isConnected(): boolean {
    return this.#socket !== null;
  }

  get waitingCount(): number {
    return this.#waiting.length;
  }

  /** Connects, to the server of that name or to any, if there is no connection. */
  connect(name?: string): void {
    const server = this.#servers.find((place) => place.name === name) ?? this.#host.pick(this.#servers);
    if (this.#socket !== null || this.#isConnecting || this.#isStopped) return;
    this.#isConnecting = true;
    const attempt = ++this.#attempt;
    this.#host.wire.connect({
      host: server.host,
      port: server.port,
      timeoutMs: 1_000,
      isKeepAlive: false,
      connected: (socket) => {
        this.#isConnecting = false;
        if (attempt !== this.#attempt) {
          socket.destroy();
          return null;
        }
        this.#socket = socket;
        this.#server = server.name;
        this.#knockedMs = this.#host.nowMs();
        const session = this.session ?? undefined;
        this.#knock = session === undefined ? null : this.#begun(session.id);
        const lastZxidSeen = this.#lastZxid;
        const { sessionTimeoutMs: timeoutMs } = this.#times;
        socket.write(connectRequest({ timeoutMs, lastZxidSeen, ...(session && { session }) }));
        this.#watch(attempt);
        return this.#handlerOf(socket);
      },
      failed: () => {
        this.#isConnecting = false;
      },
    });
  }

  /** Pings, and gives a connection up that does not answer. */
  #watch(attempt: number, sinceMs: number = this.#host.nowMs()): void {
    const { pingMs, requestTimeoutMs } = this.#times;
    this.#host.after(pingMs, () => {
      if (attempt !== this.#attempt || this.#socket === null) return;
      const nowMs = this.#host.nowMs();
      const oldestMs = this.#conversation === null ? sinceMs : (this.#waiting[0]?.call.askedMs ?? nowMs);
      if (nowMs - oldestMs > requestTimeoutMs) {
        this.drop();
        return;
      }
      if (this.isAttached) this.#ask({ op: "ping" }, special.ping);
      this.#watch(attempt, sinceMs);
    });
  }

  /** Asks, if it is attached; else nobody is told. */
  ask(request: Request, settled: Settled = () => {}): void {
    if (this.isAttached) this.#ask(request, this.#nextXid++, settled);
  }

  /** Closes its session, and asks for something behind that, which nobody may do any more. */
  leave(behind: readonly Request[]): void {
    if (!this.isAttached) return;
    this.#ask({ op: "closeSession" }, this.#nextXid++);
    for (const request of behind) this.#ask(request, this.#nextXid++);
    this.#isClosing = true;
  }

  #ask(request: Request, xid: number, settled: Settled = () => {}): void {
    const call: Call = {
      client: this.number,
      session: this.session!.id,
      xid,
      request,
      askedMs: this.#host.nowMs(),
      answer: null,
    };
    this.#conversation!.calls.push(call);
    this.#waiting.push({ call, settled });
    this.#socket!.write(frameOf(request, xid));
  }

  /** The connection goes, the session stays. */
  drop(): void {
    this.#socket?.destroy();
    this.#gone();
  }

  /** Nothing more is asked; the session is left to expire. */
  stop(): void {
    this.#isStopped = true;
    this.drop();
  }

  /** Of a socket that was dropped it may be heard when the next is in use already. */
  #handlerOf(socket: Socket): SocketHandler {
    const isInUse = (): boolean => this.#socket === socket;
    return {
      data: (bytes) => {
        if (!isInUse()) return;
        try {
          this.#take(bytes);
        } catch (error) {
          this.drop();
          this.#host.broken(error);
        }
      },
      ended: () => {
        if (isInUse()) this.drop();
      },
      drained: () => {},
      closed: () => {
        if (isInUse()) this.#gone();
      },
    };
  }

  #take(bytes: Buffer): void {
    this.#received = Buffer.concat([this.#received, bytes]);
    while (this.#received.length >= 4) {
      const end = 4 + this.#received.readInt32BE(0);
      if (this.#received.length < end) return;
      const frame = Buffer.from(this.#received.subarray(4, end));
      this.#received = this.#received.subarray(end);
      if (this.#conversation === null) this.#takeHandshake(frame);
      else this.#takeFrame(frame, this.#conversation);
      if (this.#socket === null) return;
    }
  }

  #gone(): void {
    this.#socket = null;
    this.#conversation = null;
    this.#attempt++;
    this.#received = Buffer.alloc(0);
    const unanswered = this.#waiting;
    this.#waiting = [];
    if (this.#isClosing) this.#forgetSession();
    for (const { call, settled } of unanswered) settled(call, null);
  }

  #forgetSession(): void {
    this.session = null;
    this.#isClosing = false;
    this.#watches = new SetWatchesList();
  }

  #takeHandshake(frame: Buffer): void {
    const cursor = new Cursor(frame);
    cursor.int();
    cursor.int();
    const id = cursor.long();
    const password = cursor.buffer()!;
    if (id === 0n) {
      // Expired: a new session next time.
      this.#noteRefusal();
      this.#forgetSession();
      this.drop();
      return;
    }
    this.session = { id, password: Buffer.from(password) };
    this.#conversation = this.#knock ?? this.#begun(id);
    this.#conversation.isGranted = true;
    if (!this.#wasOutOfTouch(this.#server, this.#knockedMs)) this.#conversation.aliveMs = this.#knockedMs;
    if (this.#watches.size > 0) this.#ask(this.#watches.request(this.#lastZxid), special.setWatches);
    if (!this.isRestless) return;
    this.isRestless = false;
    this.drop();
    this.connect();
  }

  #begun(session: bigint): Conversation {
    const { number: client } = this;
    const [server, knockedMs] = [this.#server, this.#knockedMs];
    const begun = { client, session, server, knockedMs, isGranted: false, calls: [], said: [], aliveMs: 0 };
    this.conversations.push(begun);
    return begun;
  }

  #noteRefusal(): void {
    if (this.session === null || this.#wasOutOfTouch(this.#server, this.#knockedMs)) return;
    const { id } = this.session;
    const aliveMs = Math.max(...this.conversations.filter(({ session }) => session === id).map((one) => one.aliveMs));
    this.refusals.push({ session: id, askedMs: this.#knockedMs, toldMs: this.#host.nowMs(), aliveMs });
  }

  #takeFrame(frame: Buffer, conversation: Conversation): void {
    const xid = frame.readInt32BE(0);
    const zxid = frame.readBigInt64BE(4);
    if (xid === -1) {
      conversation.said.push({ zxid, line: lineOf(frame, noRequest), call: null });
      const cursor = new Cursor(frame.subarray(16));
      const type = cursor.int();
      cursor.int();
      this.#watches.fired(type, cursor.string()!);
      return;
    }
    if (zxid > this.#lastZxid) this.#lastZxid = zxid;
    const [waiting] = this.#waiting;
    if (waiting?.call.xid !== xid) {
      throw new Error(`client ${this.number} got an answer to ${xid}, and is owed ${waiting?.call.xid}`);
    }
    const { call, settled } = waiting;
    if (!this.#wasOutOfTouch(this.#server, call.askedMs)) conversation.aliveMs = call.askedMs;
    const err = frame.readInt32BE(12);
    call.answer = {
      atMs: this.#host.nowMs(),
      zxid,
      err,
      line: frame.length === 16 ? line.reply(xid, zxid, err) : lineOf(frame, () => call.request),
    };
    this.#waiting.shift();
    conversation.said.push({ zxid, line: call.answer.line, call });
    this.#watches.answered(call.request, err);
    settled(call, frame.subarray(16));
    if (call.request.op === "closeSession") this.drop();
  }
}

function noRequest(): never {
  throw new Error("an event answers nothing");
}
