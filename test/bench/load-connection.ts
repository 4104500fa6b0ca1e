/**
 * One connection of the load generator. It keeps a number of requests in flight, drawn from one or more templates, and looks of
 * each reply at no more than its length and its error code; all requests of a turn leave in one write.
 *
 *   output   two buffers in turn, laid out with the template's bytes where all requests are of one kind, so that a request costs
 *            its digits; the one before may still be under way to the kernel while the next is filled
 *   input    the first 20 bytes of a frame, then as many are passed over as its length says: a reply of 100 KB costs what one
 *            of 100 bytes does
 */

import { connect, type Socket } from "node:net";
import { connectRequest } from "../support/wire-frames.ts";
import { type LoadRun, replyErrorAt, replyHeadBytes } from "./load-run.ts";

export class LoadConnection {
  readonly #run: LoadRun;
  readonly #socket: Socket;
  /** Of the requests in flight, in a ring: when each was sent, and from which template. */
  readonly #sentAtMs: Float64Array;
  readonly #sentAs: Uint8Array;
  #oldest = 0;
  #newest = 0;
  #inFlight = 0;
  readonly #outputs: readonly Buffer[];
  #outputTurn = 0;
  readonly #head: Buffer = Buffer.alloc(replyHeadBytes);
  #headLength = 0;
  /** Bytes of the current frame that are still to come. */
  #toPass = 0;
  #xid = 0;
  #onHandshake: (() => void) | null;

  constructor(run: LoadRun, index: number, onHandshake: () => void) {
    this.#run = run;
    this.#onHandshake = onHandshake;
    const { depth, ports } = run.plan;
    this.#sentAtMs = new Float64Array(depth);
    this.#sentAs = new Uint8Array(depth);
    this.#outputs = [0, 1].map(() => run.emptyOutput());
    const chunk = Buffer.allocUnsafeSlow(64 * 1024);
    this.#socket = connect({
      port: ports[index % ports.length]!,
      host: "127.0.0.1",
      noDelay: true,
      onread: {
        buffer: chunk,
        callback: (count) => {
          this.#take(chunk, count);
          return true;
        },
      },
    });
    this.#socket.on("error", (error) => run.fail(error.message));
    this.#socket.on("close", () => run.fail("the server closed a connection"));
    this.#socket.write(connectRequest({ timeoutMs: 40_000 }));
  }

  /** How many more requests may be in flight. */
  get room(): number {
    return this.#run.plan.depth - this.#inFlight;
  }

  /** Sends up to `wanted` requests in one write. */
  send(wanted: number, nowMs: number): void {
    const run = this.#run;
    const count = run.grant(wanted);
    if (count === 0) return;
    const { templates, plan } = run;
    const output = this.#outputs[(this.#outputTurn ^= 1)]!;
    let end = 0;
    for (let i = 0; i < count; i++) {
      const kind = run.nextKind();
      const template = templates[kind]!;
      const { frame } = template;
      // With a single template the bytes are there from the start.
      if (templates.length > 1) output.set(frame, end);
      template.address(output, end, ++this.#xid, run.nextZnode(template));
      end += frame.length;
      this.#sentAtMs[this.#newest] = nowMs;
      this.#sentAs[this.#newest] = kind;
      this.#newest = this.#newest + 1 === plan.depth ? 0 : this.#newest + 1;
    }
    this.#inFlight += count;
    this.#socket.write(output.subarray(0, end));
  }

  #take(chunk: Buffer, count: number): void {
    let at = 0;
    let replies = 0;
    while (at < count) {
      if (this.#toPass === 0) {
        if (this.#headLength === 0 && count - at >= replyHeadBytes) {
          this.#begin(chunk, at, replies);
          at += replyHeadBytes;
        } else {
          const taken = Math.min(replyHeadBytes - this.#headLength, count - at);
          chunk.copy(this.#head, this.#headLength, at, at + taken);
          this.#headLength += taken;
          at += taken;
          if (this.#headLength < replyHeadBytes) break;
          this.#headLength = 0;
          this.#begin(this.#head, 0, replies);
        }
      }
      const passed = Math.min(this.#toPass, count - at);
      this.#toPass -= passed;
      at += passed;
      if (this.#toPass > 0) break;
      if (this.#onHandshake === null) replies++;
      else this.#finishHandshake();
    }
    if (replies > 0) this.#answered(replies);
  }

  /** A frame begins: judges it, as the reply to the oldest request but `replies`. */
  #begin(bytes: Buffer, at: number, replies: number): void {
    const length = bytes.readInt32BE(at);
    this.#toPass = length + 4 - replyHeadBytes;
    if (this.#onHandshake !== null) return;
    const run = this.#run;
    const slot = (this.#oldest + replies) % run.plan.depth;
    run.judge(run.templates[this.#sentAs[slot]!]!, length, bytes.readInt32BE(at + replyErrorAt));
  }

  #finishHandshake(): void {
    const onHandshake = this.#onHandshake;
    this.#onHandshake = null;
    onHandshake?.();
  }

  #answered(replies: number): void {
    const nowMs = performance.now();
    const run = this.#run;
    const { depth } = run.plan;
    let left = replies;
    while (left > 0) {
      // Those that were sent together have waited equally long.
      const sentAtMs = this.#sentAtMs[this.#oldest]!;
      let together = 0;
      while (together < left && this.#sentAtMs[this.#oldest] === sentAtMs) {
        together++;
        this.#oldest = this.#oldest + 1 === depth ? 0 : this.#oldest + 1;
      }
      left -= together;
      if (run.isMeasuring) run.latency.record(nowMs - sentAtMs, together);
    }
    this.#inFlight -= replies;
    run.answered(replies);
    if (!run.isPaced) this.send(replies, nowMs);
  }
}
