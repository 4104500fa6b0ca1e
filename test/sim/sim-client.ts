/**
 * A client of the simulator: one session after the other, over whatever member answers, a request at a time or several. What
 * it asked and what it heard is the history that the checkers judge.
 */

import type { Socket, SocketHandler } from "#host/wire.ts";
import { frameOf, lineOf, type Request } from "../support/requests.ts";
import { connectRequest, Cursor } from "../support/wire-client.ts";
import type { Dice, Schedule } from "./schedule.ts";
import type { SimNode } from "./sim-network.ts";

/** A request and what became of it. */
export interface Call {
  readonly client: number;
  readonly session: bigint;
  readonly request: Request;
  readonly askedMs: number;
  /** Null while, or if, nobody knows. */
  answer: { readonly atMs: number; readonly zxid: bigint; readonly err: number; readonly line: string } | null;
}

const requestTimeoutMs = 3_000;
const replyHeaderBytes = 16;

export class SimClient implements SocketHandler {
  readonly calls: Call[] = [];
  session: { id: bigint; password: Buffer } | null = null;
  readonly number: number;
  readonly #node: SimNode;
  readonly #schedule: Schedule;
  readonly #dice: Dice;
  readonly #servers: readonly string[];
  readonly #waiting = new Map<number, Call>();
  #socket: Socket | null = null;
  #isConnecting = false;
  #isAttached = false;
  #received: Buffer = Buffer.alloc(0);
  #nextXid = 1;
  #lastZxid = 0n;
  #attempt = 0;
  #isStopped = false;

  constructor(parts: { number: number; node: SimNode; schedule: Schedule; dice: Dice; servers: readonly string[] }) {
    this.number = parts.number;
    this.#node = parts.node;
    this.#schedule = parts.schedule;
    this.#dice = parts.dice;
    this.#servers = parts.servers;
  }

  get isAttached(): boolean {
    return this.#isAttached;
  }

  get waitingCount(): number {
    return this.#waiting.size;
  }

  /** Connects if there is no connection. */
  connect(): void {
    if (this.#socket !== null || this.#isConnecting || this.#isStopped) return;
    this.#isConnecting = true;
    const attempt = ++this.#attempt;
    this.#node.wire.connect({
      host: this.#dice.pick(this.#servers),
      port: 2181,
      timeoutMs: 1_000,
      isKeepAlive: false,
      connected: (socket) => {
        this.#isConnecting = false;
        if (attempt !== this.#attempt) {
          socket.destroy();
          return null;
        }
        this.#socket = socket;
        const session = this.session ?? undefined;
        socket.write(connectRequest({ timeoutMs: 4_000, lastZxidSeen: this.#lastZxid, ...(session && { session }) }));
        this.#watch(attempt);
        return this;
      },
      failed: () => {
        this.#isConnecting = false;
      },
    });
  }

  /** Gives a connection up that does not answer. */
  #watch(attempt: number): void {
    this.#schedule.after(requestTimeoutMs, () => {
      if (attempt !== this.#attempt || this.#socket === null) return;
      const isSlow = [...this.#waiting.values()].some((call) => this.#schedule.nowMs - call.askedMs > requestTimeoutMs);
      if (!this.#isAttached || isSlow) this.drop();
      else this.#watch(attempt);
    });
  }

  ask(request: Request): void {
    if (!this.#isAttached) return;
    const xid = request.op === "ping" ? -2 : this.#nextXid++;
    const call: Call = {
      client: this.number,
      session: this.session!.id,
      request,
      askedMs: this.#schedule.nowMs,
      answer: null,
    };
    if (xid > 0) {
      this.calls.push(call);
      this.#waiting.set(xid, call);
    }
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

  data(bytes: Buffer): void {
    this.#received = Buffer.concat([this.#received, bytes]);
    while (this.#received.length >= 4) {
      const end = 4 + this.#received.readInt32BE(0);
      if (this.#received.length < end) return;
      const frame = Buffer.from(this.#received.subarray(4, end));
      this.#received = this.#received.subarray(end);
      if (this.#isAttached) this.#takeReply(frame);
      else this.#takeHandshake(frame);
      if (this.#socket === null) return;
    }
  }

  ended(): void {
    this.drop();
  }

  drained(): void {}

  closed(): void {
    this.#gone();
  }

  #gone(): void {
    this.#socket = null;
    this.#isAttached = false;
    this.#attempt++;
    this.#received = Buffer.alloc(0);
    this.#waiting.clear();
  }

  #takeHandshake(frame: Buffer): void {
    const cursor = new Cursor(frame);
    cursor.int();
    cursor.int();
    const id = cursor.long();
    const password = cursor.buffer()!;
    if (id === 0n) {
      // Expired: a new session next time.
      this.session = null;
      this.drop();
      return;
    }
    this.session = { id, password: Buffer.from(password) };
    this.#isAttached = true;
  }

  #takeReply(frame: Buffer): void {
    const xid = frame.readInt32BE(0);
    const zxid = frame.readBigInt64BE(4);
    if (zxid > this.#lastZxid) this.#lastZxid = zxid;
    if (xid < 0) return;
    const call = this.#waiting.get(xid);
    if (call === undefined) throw new Error(`client ${this.number} got an answer to ${xid}, which it did not ask`);
    const [oldest] = this.#waiting.keys();
    if (oldest !== xid) throw new Error(`client ${this.number} got the answer to ${xid} before that to ${oldest}`);
    this.#waiting.delete(xid);
    const err = frame.readInt32BE(12);
    const line = frame.length === replyHeaderBytes ? "" : lineOf(frame, () => call.request);
    call.answer = { atMs: this.#schedule.nowMs, zxid, err, line };
  }
}
