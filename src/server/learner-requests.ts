/**
 * What learners ask of their leader while it serves:
 *
 *   REQUEST      a client's write, prepared like those of our own clients; or a sync, which the broadcast answers
 *   PING         the sessions that were heard of there
 *   REVALIDATE   whether a session is alive that a client wants to go on with
 *
 * Source: LearnerHandler.run, Leader.revalidateSession.
 */

import type { Identity } from "#auth/identity.ts";
import type { ServerMetrics } from "#base/metrics.ts";
import type { Clock } from "#host/clock.ts";
import { JuteReader, MarshallingError, readInt32 } from "#jute/reader.ts";
import { readId } from "#jute/records/data.ts";
import type { PreparedWrites } from "#pipeline/prepared-writes.ts";
import { OpCode } from "#protocol/op-code.ts";
import { PacketType, type PacketView } from "#protocol/quorum-packet.ts";
import type { Broadcast } from "#quorum/broadcast.ts";
import type { LearnerHandler } from "#quorum/learner-handler.ts";
import type { SessionTracker } from "#session/session-tracker.ts";

/** sessionId, cxid, type: what stands before the body of a REQUEST. */
export const requestPrefixBytes = 16;
/** Where the type lies, behind the session and cxid. */
export const typeInRequest = 12;
/** sessionId, timeout: an entry of a PING's list, and a REVALIDATE. */
export const sessionEntryBytes = 12;

export interface LearnerRequestsParts {
  readonly prepared: PreparedWrites;
  readonly broadcast: Broadcast;
  readonly sessions: SessionTracker;
  readonly metrics: ServerMetrics;
  readonly clock: Clock;
}

export class LearnerRequests {
  readonly #parts: LearnerRequestsParts;
  readonly #reader = new JuteReader(Buffer.alloc(0));
  /** What the last request of a learner's client had of identities, and which they are. */
  #authBytes: Buffer = Buffer.alloc(0);
  #identities: readonly Identity[] = [];

  constructor(parts: LearnerRequestsParts) {
    this.#parts = parts;
  }

  received(handler: LearnerHandler, packet: PacketView, nowMs: number): void {
    if (!isWhole(handler, packet)) return;
    if (packet.type === PacketType.request) this.#request(handler, packet, nowMs);
    else if (packet.type === PacketType.ping) touchSessions(this.#parts.sessions, packet, nowMs);
    else if (packet.type === PacketType.revalidate) this.#revalidate(handler, packet, nowMs);
  }

  #request(handler: LearnerHandler, packet: PacketView, nowMs: number): void {
    const { prepared, broadcast, sessions, clock } = this.#parts;
    const { bytes, dataStart, dataEnd } = packet;
    const type = readInt32(bytes, dataStart + typeInRequest);
    if (type === OpCode.sync) {
      broadcast.sync(handler.subscriber);
      return;
    }
    const bodyStart = dataStart + requestPrefixBytes;
    const isTimeoutThere = type === OpCode.createSession && dataEnd - bodyStart >= 4;
    const reader = this.#reader;
    reader.reset(bytes, bodyStart, dataEnd);
    prepared.submitForLearner(
      {
        idHigh: readInt32(bytes, dataStart),
        idLow: readInt32(bytes, dataStart + 4),
        xid: readInt32(bytes, dataStart + 8),
        type,
        identities: this.#identitiesIn(packet),
        sessionTimeoutMs: isTimeoutThere ? readInt32(bytes, bodyStart) : 0,
        reader,
        owner: handler,
      },
      sessions,
      nowMs,
      clock.wallMs(),
    );
  }

  /** A client's identities, as its server sends them along. Those of requests that come together are most often the same. */
  #identitiesIn({ bytes, authStart, end }: PacketView): readonly Identity[] {
    const known = this.#authBytes;
    const isKnown = end - authStart === known.length && bytes.compare(known, 0, known.length, authStart, end) === 0;
    if (isKnown) return this.#identities;
    this.#authBytes = Buffer.from(bytes.subarray(authStart, end));
    this.#identities = readIdentities(this.#authBytes);
    return this.#identities;
  }

  #revalidate(handler: LearnerHandler, { bytes, dataStart }: PacketView, nowMs: number): void {
    const { sessions, metrics } = this.#parts;
    metrics.revalidateCount.increment();
    const idHigh = readInt32(bytes, dataStart);
    const idLow = readInt32(bytes, dataStart + 4);
    const isAlive = sessions.touchId(idHigh, idLow, readInt32(bytes, dataStart + 8), nowMs);
    if (isAlive) sessions.setOwner(idHigh, idLow, handler);
    const out = handler.link.open();
    out.writeInt(PacketType.revalidate);
    out.writeLong(-1, -1);
    out.writeInt(sessionEntryBytes - 3);
    out.writeLong(idHigh, idLow);
    out.writeBoolean(isAlive);
    out.writeInt(-1);
  }
}

/** Closes whoever sends too little to be a REQUEST or REVALIDATE. @returns whether it is not so. */
export function isWhole(handler: LearnerHandler, { type, dataBytes }: PacketView): boolean {
  if (type === PacketType.request && dataBytes < requestPrefixBytes) handler.close(`a REQUEST of ${dataBytes} bytes`);
  else if (type === PacketType.revalidate && dataBytes < sessionEntryBytes) {
    handler.close(`a REVALIDATE of ${dataBytes} bytes`);
  } else return true;
  return false;
}

/** The sessions in a PING were heard of. */
export function touchSessions(sessions: SessionTracker, packet: PacketView, nowMs: number): void {
  const { bytes, dataStart, dataEnd, dataBytes } = packet;
  if (dataBytes === 0) return;
  for (let at = dataStart; at + sessionEntryBytes <= dataEnd; at += sessionEntryBytes) {
    sessions.touchId(readInt32(bytes, at), readInt32(bytes, at + 4), readInt32(bytes, at + 8), nowMs);
  }
}

function readIdentities(bytes: Buffer): Identity[] {
  const reader = new JuteReader(bytes);
  const identities: Identity[] = [];
  try {
    const count = reader.readCount();
    for (let i = 0; i < count; i++) {
      const { scheme, id } = readId(reader);
      identities.push({ scheme: scheme ?? "", id: id ?? "" });
    }
  } catch (error) {
    if (!(error instanceof MarshallingError)) throw error;
  }
  return identities;
}
