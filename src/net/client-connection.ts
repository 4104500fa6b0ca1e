/**
 * One client socket: bytes to frames, and back.
 *
 *   ExpectFirstFrame   the first four bytes are a four-letter word, or the length of a ConnectRequest
 *   ExpectSession      the handshake is under way: frames that came behind it wait, unread
 *   ExpectRequests     every frame is a request
 *   Ending             the last bytes are on their way out; whatever comes in is dropped
 *
 * A chunk is parsed where it lies; only a frame that is not all there is copied and carried over. No memory is taken
 * for a length before it has been compared with jute.maxbuffer, nor faster than bytes arrive. Everything a chunk brings
 * about is sent by one write at its end. A client that does not take that is not read from; nor is one, until the next turn, whose
 * requests have had their share of this one.
 * Source: NIOServerCnxn.java, ServerCnxn.java.
 */

import type { CarriedBytes, CarriedBytesPool } from "#base/carried-bytes.ts";
import type { ExpiryQueue, Expirable } from "#session/expiry-queue.ts";
import { notQueued } from "#session/expiry-queue.ts";
import type { Socket, SocketHandler } from "#host/wire.ts";
import { readInt32 } from "#jute/reader.ts";
import type { JuteWriter } from "#jute/writer.ts";
import { Client, type ClientLink } from "#pipeline/client.ts";
import type { ClientPortServices } from "./client-port.ts";
import { slowBytesMin, type UnsentBytes } from "./unsent-bytes.ts";

/** Pieces of a four-letter word's answer, some 16 KiB each, written before other work gets its turn. */
const answerPiecesPerTurn = 4;

type State = "ExpectFirstFrame" | "ExpectSession" | "ExpectRequests" | "Ending";

export class ClientConnection implements ClientLink, SocketHandler, Expirable {
  readonly client: Client;
  /** The idle timer's field. */
  expiryMs: number = notQueued;
  readonly #socket: Socket;
  readonly #services: ClientPortServices;
  readonly #idle: ExpiryQueue<ClientConnection>;
  readonly #onClosed: (connection: ClientConnection) => void;
  #state: State = "ExpectFirstFrame";
  /** The beginning of a frame, or what came behind a handshake; most connections carry nothing at most times. */
  #carried: CarriedBytes | null = null;
  readonly #carriedPool: CarriedBytesPool;
  readonly #unsent: UnsentBytes;
  /** What of it is this connection's, as of its last write. */
  #unsentBytes = 0;
  #isReadingPaused = false;
  #isSendingSlow = false;
  #isResting = false;
  #isFull = false;
  #answer: Iterator<string> | null = null;

  constructor(parts: {
    number: number;
    socket: Socket;
    services: ClientPortServices;
    idle: ExpiryQueue<ClientConnection>;
    carriedPool: CarriedBytesPool;
    unsent: UnsentBytes;
    onClosed: (connection: ClientConnection) => void;
  }) {
    const { number, socket, services } = parts;
    this.#socket = socket;
    this.#services = services;
    this.#idle = parts.idle;
    this.#carriedPool = parts.carriedPool;
    this.#unsent = parts.unsent;
    this.#onClosed = parts.onClosed;
    const { remoteAddress, remotePort } = socket;
    this.client = new Client({ number, link: this, remoteAddress, remotePort, wallMs: services.clock.wallMs() });
  }

  /** ZooKeeper's interest set: 0 none, 1 read, 5 read and write. */
  get interestOps(): number {
    if (this.#state === "Ending") return 0;
    return (this.#isReading ? 1 : 0) | (this.#socket.bufferedBytes > 0 ? 4 : 0);
  }

  data(bytes: Buffer): void {
    if (this.#state === "Ending") return;
    const nowMs = this.#services.clock.monotonicMs();
    this.#services.metrics.bytesReceivedCount.increment(bytes.length);
    this.#services.beginShare();
    if (this.#carried === null) {
      const taken = this.#parse(bytes, 0, bytes.length, nowMs);
      if (taken < bytes.length) this.#carry(bytes, taken);
    } else {
      this.#carry(bytes, 0);
      this.#parseCarried(nowMs);
    }
    // A handshake that comes byte by byte does not get more time than silence does.
    if (this.#state !== "ExpectFirstFrame") this.#touchIdle(nowMs);
    this.#services.turnEnded();
  }

  ended(): void {
    if (this.#state === "Ending") return;
    this.#services.metrics.connectionDropCount.increment();
    this.closeNow();
  }

  drained(): void {
    this.#touchIdle(this.#services.clock.monotonicMs());
    this.#noteUnsent(0);
    this.#services.allSent(this.client);
    if (this.#answer !== null) this.#writeAnswer();
    if (!this.#isSendingSlow) return;
    this.#isSendingSlow = false;
    this.#goOn();
  }

  closed(): void {
    this.#answer = null;
    this.#leave();
  }

  send(out: JuteWriter): boolean {
    const isTaken = this.#socket.write(out.bytes.subarray(0, out.length));
    if (!isTaken) this.#sendingStopped();
    return isTaken;
  }

  /** Some of what was written stays with the socket. */
  #sendingStopped(): void {
    const hadBytes = this.#unsentBytes;
    const { bufferedBytes } = this.#socket;
    this.#noteUnsent(bufferedBytes);
    if (this.#unsent.isTooMuch(hadBytes)) {
      this.#services.unsentError(this.client, bufferedBytes);
      this.closeNow();
    } else if (bufferedBytes > slowBytesMin && !this.#isSendingSlow) {
      this.#isSendingSlow = true;
      this.#updateReading();
    }
  }

  #noteUnsent(bytes: number): void {
    this.#unsent.change(this.#unsentBytes, bytes);
    this.#unsentBytes = bytes;
  }

  get isHeldBack(): boolean {
    return this.#isSendingSlow || this.#isResting;
  }

  get isResting(): boolean {
    return this.#isResting;
  }

  get isFull(): boolean {
    return this.#isFull;
  }

  full(): void {
    this.#isFull = true;
    this.#updateReading();
  }

  hasRoom(): void {
    this.#services.atTurnEnd(() => {
      if (!this.#isFull || this.#state === "Ending") return;
      this.#isFull = false;
      this.#goOn();
    });
  }

  rest(): void {
    if (this.#isResting || this.#state === "Ending") return;
    this.#isResting = true;
    this.#updateReading();
    this.#services.atTurnEnd(() => {
      this.#isResting = false;
      if (this.#state !== "Ending" && !this.#isSendingSlow) this.#goOn();
    });
  }

  /** Nothing holds the client back any more. */
  #goOn(): void {
    if (this.isHeldBack) return;
    this.#updateReading();
    const nowMs = this.#services.clock.monotonicMs();
    this.#services.beginShare();
    this.#services.heldBackNoMore(this.client, nowMs);
    this.#parseCarried(nowMs);
    this.#touchIdle(nowMs);
    this.#services.turnEnded();
  }

  closeAfterSending(): void {
    if (this.#state === "Ending") return;
    this.#socket.end();
    this.#leave();
  }

  closeNow(): void {
    this.#socket.destroy();
    this.#leave();
  }

  pauseReading(): void {
    this.#isReadingPaused = true;
    this.#updateReading();
  }

  resumeReading(): void {
    this.#isReadingPaused = false;
    this.#updateReading();
  }

  sessionAnswered(nowMs: number): void {
    if (this.#state !== "ExpectSession") return;
    this.#state = "ExpectRequests";
    this.#touchIdle(nowMs);
    this.resumeReading();
    this.#parseCarried(nowMs);
  }

  /** Sends the answer to a four-letter word, piece by piece as fast as the client takes it, and closes. */
  answer(pieces: Iterable<string>): void {
    this.#answer = pieces[Symbol.iterator]();
    this.#writeAnswer();
  }

  /** The connection counts no more, even if its last bytes are still on their way. */
  #leave(): void {
    this.#state = "Ending";
    if (this.client.isClosed) return;
    this.client.isClosed = true;
    this.#carryNothing();
    this.#noteUnsent(0);
    this.#idle.remove(this);
    this.#onClosed(this);
  }

  #updateReading(): void {
    if (this.#isReading) this.#socket.resume();
    else this.#socket.pause();
  }

  get #isReading(): boolean {
    return !this.#isReadingPaused && !this.#isFull && !this.isHeldBack;
  }

  /** Handles the whole frames in `bytes[start, end)`. @returns the offset of what is left. */
  #parse(bytes: Buffer, start: number, end: number, nowMs: number): number {
    let at = start;
    if (this.#state === "ExpectRequests" && this.#isReadyForFrames) this.#services.lookAhead(bytes, start, end);
    while (end - at >= 4 && this.#isReadyForFrames) {
      if (this.#state === "ExpectFirstFrame" && this.#takeWord(bytes, at, end)) return end;
      const length = readInt32(bytes, at);
      if (length < 0 || length > this.#services.frameBytesMax) {
        this.#services.lengthError(this.client, length);
        // What the client is still sending is thrown away, so that it sees an end, and not a broken pipe.
        this.closeAfterSending();
        return end;
      }
      if (end - at - 4 < length) return at;
      at += 4;
      if (!this.#takeFrame(bytes, at, at + length, nowMs)) this.closeNow();
      at += length;
      if (at < end && this.#services.isShareSpent()) this.rest();
    }
    // Behind a frame that ended the connection nothing is kept.
    return this.#state === "Ending" ? end : at;
  }

  get #isReadyForFrames(): boolean {
    return (
      (this.#state === "ExpectRequests" && !this.#isFull && !this.isHeldBack) || this.#state === "ExpectFirstFrame"
    );
  }

  #takeFrame(bytes: Buffer, start: number, end: number, nowMs: number): boolean {
    if (this.#state === "ExpectRequests") return this.#services.receive(this.client, bytes, start, end, nowMs);
    // Set first: a renewal is answered within the call.
    this.#state = "ExpectSession";
    if (!this.#services.connect(this.client, bytes, start, end, nowMs)) return false;
    if (this.client.isAttached) this.#state = "ExpectRequests";
    else if (!this.client.isClosed) this.pauseReading();
    return true;
  }

  #takeWord(bytes: Buffer, at: number, end: number): boolean {
    if (!this.#services.takeWord(this, bytes.subarray(at, end))) return false;
    this.#state = "Ending";
    return true;
  }

  /** Writes some of a word's answer: a long one takes several turns, and waits for the client to take it. */
  #writeAnswer(): void {
    const answer = this.#answer;
    if (answer === null) return;
    for (let pieces = 0; pieces < answerPiecesPerTurn; pieces++) {
      const next = answer.next();
      if (next.done === true) {
        this.#answer = null;
        this.#socket.end();
        return;
      }
      if (!this.#socket.write(Buffer.from(next.value, "utf8"))) return;
    }
    this.#services.atTurnEnd(() => this.#writeAnswer());
  }

  #parseCarried(nowMs: number): void {
    const carried = this.#carried;
    if (carried === null) return;
    const taken = this.#parse(carried.bytes, carried.start, carried.end, nowMs);
    // A frame that ended the connection has had all of it dropped.
    if (this.#carried === null) return;
    carried.drop(taken - carried.start);
    if (carried.length === 0) this.#carryNothing();
  }

  /** Keeps what is behind `start` until more has come. */
  #carry(bytes: Buffer, start: number): void {
    this.#carried ??= this.#carriedPool.take();
    this.#carried.append(bytes, start, bytes.length);
  }

  #carryNothing(): void {
    if (this.#carried === null) return;
    this.#carriedPool.give(this.#carried);
    this.#carried = null;
  }

  /** Once a socket is on its way out it has no timer. */
  #touchIdle(nowMs: number): void {
    if (this.#state === "Ending" && this.#answer === null) return;
    const { sessionlessTimeoutMs } = this.#services;
    this.#idle.touch(this, this.client.isAttached ? this.client.timeoutMs : sessionlessTimeoutMs, nowMs);
  }
}
