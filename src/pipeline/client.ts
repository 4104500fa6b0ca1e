/**
 * One connection, as the pipeline sees it: whose session it is, who is asking, what it has in flight. The socket belongs
 * to net/; the pipeline reaches it through {@link ClientLink} only.
 */

import { initialIdentities, type Identity } from "#auth/identity.ts";
import { javaAddress } from "#base/java-address.ts";
import type { JuteWriter } from "#jute/writer.ts";
import type { Session } from "#session/session-tracker.ts";
import { noneParked, type ParkedRequests } from "./parked-requests.ts";

/** What the pipeline asks of a connection's socket. */
export interface ClientLink {
  /**
   * Sends everything in `out`.
   * @returns true when the bytes have left and `out` may be filled again; false when the socket keeps the buffer until
   * all has left.
   */
  send(out: JuteWriter): boolean;
  /** The client does not take what it is sent, or rests: no further requests of its are answered for now. */
  readonly isHeldBack: boolean;
  /** The client has had its share of this turn, and goes on in the next. */
  readonly isResting: boolean;
  /** The client has had its share of this turn: it is held back until the next. */
  rest(): void;
  /** The client has run too far ahead of its own writes: nothing more is taken from it until {@link hasRoom}. */
  readonly isFull: boolean;
  full(): void;
  /** Fewer of its requests wait: it is read again, from the next turn on. */
  hasRoom(): void;
  /** Closes once everything handed to {@link send} has been sent. */
  closeAfterSending(): void;
  /** Closes at once; what is unsent is lost. */
  closeNow(): void;
  /** The handshake has been answered: takes up what the client sent behind it. */
  sessionAnswered(nowMs: number): void;
  pauseReading(): void;
  resumeReading(): void;
}

/** What `cons` shows of a connection. Times are on the monotonic clock, ms. */
export class ClientStats {
  received = 0;
  sent = 0;
  lastOperation: string = "NA";
  lastCxid = -1;
  lastZxidHigh = -1;
  lastZxidLow = -1;
  lastResponseMs = 0;
  lastLatencyMs = 0;
  latencyMsMin: number = Number.MAX_SAFE_INTEGER;
  latencyMsMax = 0;
  latencyMsSum = 0;
  responseCount = 0;

  replied(xid: number, zxidHigh: number, zxidLow: number, operation: string, latencyMs: number, nowMs: number): void {
    this.sent++;
    this.lastOperation = operation;
    // Pings and the like have xids of their own, below zero: what is wanted is the last real operation.
    if (xid >= 0) this.lastCxid = xid;
    this.lastZxidHigh = zxidHigh;
    this.lastZxidLow = zxidLow;
    this.lastResponseMs = nowMs;
    this.lastLatencyMs = latencyMs;
    this.latencyMsSum += latencyMs;
    this.responseCount++;
    if (latencyMs < this.latencyMsMin) this.latencyMsMin = latencyMs;
    if (latencyMs > this.latencyMsMax) this.latencyMsMax = latencyMs;
  }

  reset(): void {
    Object.assign(this, new ClientStats());
  }
}

export class Client {
  /** Small number that watches know the connection by; reused after it is closed. */
  readonly number: number;
  readonly link: ClientLink;
  /** Numeric, as the socket reports it. */
  readonly remoteAddress: string;
  readonly remotePort: number;
  /** The address in Java's spelling: what ip ACLs are matched with. */
  readonly javaAddress: string;
  /** Wall clock. */
  readonly establishedMs: number;
  readonly stats: ClientStats = new ClientStats();
  /** Null until the handshake is accepted. */
  session: Session | null = null;
  /** The handshake has been answered: requests may be served. */
  isAttached = false;
  /** Negotiated for this connection, which may differ from what the session was created with. */
  timeoutMs = 0;
  /** What the handshake carried, to be mirrored; null for an old client. */
  readOnly: boolean | null = null;
  identities: readonly Identity[];
  /** Replies and events gathered this turn; null while there are none. */
  out: JuteWriter | null = null;
  /** What is in `out` is in others' as well: more may not be appended to it. */
  isOutShared = false;
  /** Writers whose bytes the socket holds on to, to be used again once they have left; null while there are none. */
  unsent: JuteWriter[] | null = null;
  /** Writes handed to the log, and those of them answered. */
  writesSubmitted = 0;
  writesAnswered = 0;
  /** Requests that wait for earlier writes of this connection. */
  parked: ParkedRequests = noneParked;
  /** How many of those wait for nothing but the client itself, which is held back. */
  stalledCount = 0;
  /** Set when the connection is gone or going: nothing more is read, nothing more is answered. */
  isClosed = false;
  /** Reading is paused because the server as a whole has too much in flight. */
  isPaused = false;

  constructor(parts: { number: number; link: ClientLink; remoteAddress: string; remotePort: number; wallMs: number }) {
    this.number = parts.number;
    this.link = parts.link;
    this.remoteAddress = parts.remoteAddress;
    this.remotePort = parts.remotePort;
    this.javaAddress = javaAddress(parts.remoteAddress);
    this.establishedMs = parts.wallMs;
    this.identities = initialIdentities(this.javaAddress);
  }

  /** Requests received and not yet answered. */
  get outstanding(): number {
    return this.writesSubmitted - this.writesAnswered + this.parked.length;
  }
}
