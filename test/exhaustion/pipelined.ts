/**
 * Very many requests by one connection, as fast as the server takes them: what fills a server before an attack, and what
 * some attacks are. Replies are counted where they lie, and judged by their error code alone.
 */

import { body, connectRequest, op, requestFrame } from "../support/wire-frames.ts";
import { handshakeBytes, RawSocket, until } from "./raw-socket.ts";

const errorAt = 16;
/** Requests in flight, where nothing else is asked for. */
const inFlightMax = 2000;

/** A connection with a session that sends frames and counts their replies. */
export class Pipeliner {
  readonly socket: RawSocket;
  replies = 0;
  refused = 0;
  events = 0;
  #rest: Buffer = Buffer.alloc(0);
  #hasSession = false;
  #nextXid = 1;

  private constructor(socket: RawSocket) {
    this.socket = socket;
    socket.onBytes = (bytes) => this.#take(bytes);
  }

  static async open(port: number, timeoutMs: number = 40_000): Promise<Pipeliner> {
    const socket = new RawSocket(port);
    const pipeliner = new Pipeliner(socket);
    socket.write(connectRequest({ timeoutMs }));
    await socket.received(handshakeBytes);
    return pipeliner;
  }

  /** Sends all of them at once. */
  send(type: number, bodies: Iterable<Uint8Array>): void {
    const frames = Array.from(bodies, (requestBody) => requestFrame(this.#nextXid++, type, requestBody));
    this.socket.write(Buffer.concat(frames));
  }

  /** Sends so many, never more than that ahead of the replies. Resolves when all are answered. */
  async run(
    type: number,
    count: number,
    bodyOf: (index: number) => Uint8Array,
    windowMax: number = inFlightMax,
  ): Promise<void> {
    const before = this.replies;
    const framesPerWrite = windowMax / 4;
    for (let sent = 0; sent < count;) {
      const size = Math.min(framesPerWrite, count - sent);
      const first = sent;
      this.send(
        type,
        Array.from({ length: size }, (_, i) => bodyOf(first + i)),
      );
      sent += size;
      await until(() => this.socket.isOver || before + sent - this.replies <= windowMax - framesPerWrite);
    }
    await until(() => this.socket.isOver || this.replies - before >= count);
    if (this.socket.isOver)
      throw new Error(`a connection was closed after ${this.replies - before} of ${count} replies`);
  }

  #take(chunk: Buffer): void {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let at = 0;
    while (bytes.length - at >= 4) {
      const end = at + 4 + bytes.readInt32BE(at);
      if (end > bytes.length) break;
      if (this.#hasSession) this.#count(bytes, at);
      this.#hasSession = true;
      at = end;
    }
    this.#rest = bytes.subarray(at);
  }

  #count(bytes: Buffer, at: number): void {
    if (bytes.readInt32BE(at + 4) === -1) {
      this.events++;
      return;
    }
    this.replies++;
    if (bytes.readInt32BE(at + errorAt) !== 0) this.refused++;
  }
}

/** Creates so many empty znodes in a session of its own. @throws when one is refused. */
export async function createMany(
  port: number,
  count: number,
  pathOf: (index: number) => string,
  { flags = 0, timeoutMs = 40_000 }: { flags?: number; timeoutMs?: number } = {},
): Promise<Pipeliner> {
  const pipeliner = await Pipeliner.open(port, timeoutMs);
  await pipeliner.run(op.create, count, (i) => body.create(pathOf(i), "", flags));
  if (pipeliner.refused > 0) throw new Error(`${pipeliner.refused} of ${count} creates were refused`);
  return pipeliner;
}
