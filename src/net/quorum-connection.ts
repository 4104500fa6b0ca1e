/**
 * A connection of the quorum port, at either end: bytes to packets, and back.
 *
 * Packets are handed in where they lie, one by one; the role may make the rest wait ({@link QuorumLink.pause}), and may take what
 * follows as a stream of its own, a tree, until that ends. What the role appends leaves by one write at the turn's end.
 *
 * Always: nothing is kept for a length before it was compared with the limit; a peer that does not take what it is sent costs
 * a bounded amount of memory, then its connection.
 * Source: LearnerHandler.java, Learner.java (their socket and threads).
 */

import { CarriedBytes } from "#base/carried-bytes.ts";
import type { Logger } from "#host/logger.ts";
import type { Socket, SocketHandler } from "#host/wire.ts";
import { MarshallingError } from "#jute/reader.ts";
import { JuteWriter } from "#jute/writer.ts";
import { PacketView } from "#protocol/quorum-packet.ts";
import type { QuorumLink } from "#quorum/quorum-link.ts";

/** Who hears what a connection brings. */
export interface QuorumReceiver {
  /** Whether what comes next is a tree, and no packet. */
  wantsTree(): boolean;
  packet(packet: PacketView): void;
  /** @returns how many bytes belonged to the tree. */
  tree(bytes: Buffer, start: number, end: number): number;
  /** What a chunk brought has been handled. */
  turnEnded(): void;
  /** The connection is gone; called once. */
  closed(reason: string): void;
}

export interface QuorumConnectionOptions {
  /** Longest data of a packet: jute.maxbuffer and what ZooKeeper adds to it. */
  readonly dataBytesMax: number;
  /** Longest data of the first packet, which says who is there. */
  readonly firstBytesMax: number;
  /** Unsent bytes beyond which a peer is given up. */
  readonly unsentBytesMax: number;
}

const writerBytes = 16384;
/** A writer that grew beyond this is not kept. */
const keptWriterBytesMax = 1 << 20;
/** Unsent bytes from which on a sender of much should wait. */
const highWaterBytes = 1 << 20;

export class QuorumConnection implements QuorumLink, SocketHandler {
  readonly remote: string;
  readonly #socket: Socket;
  readonly #options: QuorumConnectionOptions;
  readonly #logger: Logger;
  /** Told once in a turn that there is something to flush. */
  readonly #onWritten: (connection: QuorumConnection) => void;
  readonly #packet = new PacketView();
  #receiver: QuorumReceiver | null = null;
  #out = new JuteWriter(writerBytes);
  #isFlushDue = false;
  #dataBytesMax: number;
  readonly #carried = new CarriedBytes();
  #isPaused = false;
  #isParsing = false;
  #isClosed = false;
  #onDrained: (() => void) | null = null;

  constructor(parts: {
    socket: Socket;
    options: QuorumConnectionOptions;
    logger: Logger;
    onWritten: (connection: QuorumConnection) => void;
  }) {
    this.#socket = parts.socket;
    this.#options = parts.options;
    this.#logger = parts.logger;
    this.#onWritten = parts.onWritten;
    this.#dataBytesMax = parts.options.firstBytesMax;
    this.remote = `/${parts.socket.remoteAddress}:${parts.socket.remotePort}`;
  }

  /** Whoever hears from now on. */
  attach(receiver: QuorumReceiver): void {
    this.#receiver = receiver;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  open(): JuteWriter {
    if (!this.#isFlushDue && !this.#isClosed) {
      this.#isFlushDue = true;
      this.#onWritten(this);
    }
    return this.#out;
  }

  flush(): void {
    this.#isFlushDue = false;
    const out = this.#out;
    if (out.length === 0) return;
    if (this.#isClosed) {
      out.length = 0;
      return;
    }
    const isTaken = this.#socket.write(out.bytes.subarray(0, out.length));
    // What the socket holds on to must stay as it is.
    if (isTaken && out.bytes.length <= keptWriterBytesMax) out.length = 0;
    else this.#out = new JuteWriter(writerBytes);
    if (this.#socket.bufferedBytes > this.#options.unsentBytesMax) this.#give("it does not take what it is sent");
  }

  flushPiece(onDrained: () => void): boolean {
    this.flush();
    if (this.#isClosed) return false;
    if (this.#socket.bufferedBytes < highWaterBytes) return true;
    this.#onDrained = onDrained;
    return false;
  }

  pause(): void {
    this.#isPaused = true;
    this.#socket.pause();
  }

  resume(): void {
    if (!this.#isPaused || this.#isClosed) return;
    this.#isPaused = false;
    this.#socket.resume();
    if (this.#carried.length === 0 || this.#isParsing) return;
    this.#parseCarried();
    this.#receiver?.turnEnded();
  }

  /** What was appended leaves first: it may be why this end closes, and tell the other where to go. */
  close(): void {
    this.flush();
    this.#close("");
  }

  data(bytes: Buffer): void {
    if (this.#isClosed) return;
    if (this.#carried.length > 0) {
      this.#carried.append(bytes, 0, bytes.length);
      this.#parseCarried();
    } else {
      const taken = this.#parse(bytes, 0, bytes.length);
      this.#carried.append(bytes, taken, bytes.length);
    }
    this.#receiver?.turnEnded();
  }

  ended(): void {
    this.#give("closed by the peer");
  }

  drained(): void {
    const onDrained = this.#onDrained;
    this.#onDrained = null;
    onDrained?.();
  }

  closed(): void {
    this.#give("connection lost");
  }

  #parseCarried(): void {
    const { bytes, start, end } = this.#carried;
    this.#carried.drop(this.#parse(bytes, start, end) - start);
  }

  /** Hands over the whole packets in `bytes[start, end)`. @returns the offset of what is left. */
  #parse(bytes: Buffer, start: number, end: number): number {
    this.#isParsing = true;
    let at = start;
    try {
      while (at < end && !this.#isPaused && !this.#isClosed) {
        const receiver = this.#receiver!;
        if (receiver.wantsTree()) {
          at += receiver.tree(bytes, at, end);
        } else if (this.#packet.read(bytes, at, end, this.#dataBytesMax)) {
          this.#dataBytesMax = this.#options.dataBytesMax;
          at = this.#packet.end;
          receiver.packet(this.#packet);
        } else {
          break;
        }
      }
    } catch (error) {
      if (!(error instanceof MarshallingError)) throw error;
      this.#give(error.message);
    }
    this.#isParsing = false;
    return this.#isClosed ? end : at;
  }

  /** Gives the connection up, for a reason that is worth a line. */
  #give(reason: string): void {
    if (this.#isClosed) return;
    this.#logger.warn({ remote: this.remote, reason }, `******* GOODBYE ${this.remote} ********`);
    this.#close(reason);
  }

  #close(reason: string): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.flush();
    this.#socket.destroy();
    const receiver = this.#receiver;
    this.#receiver = null;
    this.#onDrained = null;
    receiver?.closed(reason);
  }
}
