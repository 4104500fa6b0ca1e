/**
 * Connections of the election port: one whose other end has not said who it is, and the one that stays between two servers, with what
 * is kept about the other.
 */

import type { Address } from "#base/java-address.ts";
import type { Timer } from "#host/timers.ts";
import type { Socket, SocketHandler } from "#host/wire.ts";
import { MarshallingError, readInt32 } from "#jute/reader.ts";

/** Longest message that anybody takes. */
const messageBytesMax: number = 512 * 1024;
export const noBytes: Buffer = Buffer.alloc(0);

/** Another server. */
export interface ElectionPeer {
  link: ElectionLink | null;
  /** The newest vote that has not left. */
  waiting: Buffer | null;
  /** The newest that has. */
  last: Buffer | null;
  /** Connections that were made again since the newest vote was there. */
  repeats: number;
  isConnecting: boolean;
  /** Where we connected last, until something comes from there. */
  unproven: Address | null;
  /** Runs while a vote has no answer. */
  answerTimer: Timer | null;
}

/** Hears a connection that is on its way out. */
export const silent: SocketHandler = { data: () => {}, ended: () => {}, drained: () => {}, closed: () => {} };

/** A connection that has not said who it is. */
export class Stranger implements SocketHandler {
  readonly socket: Socket;
  timer: Timer | null = null;
  readonly #greeted: (bytes: Buffer) => SocketHandler | null;
  readonly #gone: () => void;
  #bytes = noBytes;
  #next: SocketHandler | null = null;

  constructor(socket: Socket, greeted: (bytes: Buffer) => SocketHandler | null, gone: () => void) {
    this.socket = socket;
    this.#greeted = greeted;
    this.#gone = gone;
  }

  data(bytes: Buffer): void {
    if (this.#next !== null) {
      this.#next.data(bytes);
      return;
    }
    this.#bytes = Buffer.concat([this.#bytes, bytes]);
    try {
      this.#next = this.#greeted(this.#bytes);
    } catch (error) {
      if (!(error instanceof MarshallingError)) throw error;
      this.socket.destroy();
    }
    if (this.#next !== null) this.#leave();
  }

  ended(): void {
    if (this.#next === null) this.socket.destroy();
    else this.#next.ended();
  }

  drained(): void {
    this.#next?.drained();
  }

  closed(): void {
    this.#leave();
    this.#next?.closed();
  }

  #leave(): void {
    this.timer?.cancel();
    this.timer = null;
    this.#bytes = noBytes;
    this.#gone();
  }
}

/** The connection to another server. */
export class ElectionLink implements SocketHandler {
  readonly socket: Socket;
  readonly #peer: ElectionPeer;
  readonly #events: { message(bytes: Buffer): void; closed(): void };
  #carried = noBytes;

  constructor(peer: ElectionPeer, socket: Socket, events: { message(bytes: Buffer): void; closed(): void }) {
    this.#peer = peer;
    this.socket = socket;
    this.#events = events;
  }

  /** Sends the newest vote, when what was sent before has left. */
  sendWaiting(): void {
    const { waiting } = this.#peer;
    if (waiting === null || this.socket.bufferedBytes > 0) return;
    this.#peer.last = waiting;
    this.#peer.waiting = null;
    this.socket.write(waiting);
  }

  data(bytes: Buffer): void {
    let rest = this.#carried.length === 0 ? bytes : Buffer.concat([this.#carried, bytes]);
    while (rest.length >= 4) {
      const length = readInt32(rest, 0);
      if (length <= 0 || length > messageBytesMax) {
        this.socket.destroy();
        return;
      }
      if (rest.length < 4 + length) break;
      this.#events.message(rest.subarray(4, 4 + length));
      rest = rest.subarray(4 + length);
    }
    this.#carried = rest.length === 0 ? noBytes : Buffer.from(rest);
  }

  ended(): void {
    this.socket.destroy();
  }

  drained(): void {
    this.sendWaiting();
  }

  closed(): void {
    this.#events.closed();
  }
}

/** A message with its length. */
export function framed(message: Buffer): Buffer {
  const bytes = Buffer.alloc(4 + message.length);
  bytes.writeInt32BE(message.length);
  message.copy(bytes, 4);
  return bytes;
}

/** It was answered, or is not waited for any more. */
export function forgetAnswer(peer: ElectionPeer): void {
  peer.answerTimer?.cancel();
  peer.answerTimer = null;
}
