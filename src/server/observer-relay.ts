/**
 * What passes a follower between its observers and the leader. Their requests go on as they are, and come back as transactions
 * like everybody's; what they ask besides is answered to this server, in the order in which it asked:
 *
 *   REVALIDATE   the answer goes to whoever asked: an observer, or this server for a client of its own. A session that has moved from
 *                one of them to another is still at the same learner for the leader, so what is late from where it was is refused
 *                by this server's doing (ZooKeeper's carries it out, behind what the client has asked for since)
 *   sync         the same
 *   PING         its sessions were heard of: the leader is told with our own
 *
 * Source: ObserverMaster.revalidateSession, revalidateLearnerSession; FollowerZooKeeperServer.sync.
 */

import { Deque } from "#base/deque.ts";
import type { ServerMetrics } from "#base/metrics.ts";
import { readInt32 } from "#jute/reader.ts";
import { refusedByAll } from "#pipeline/forwarded-writes.ts";
import { isWriteOp, OpCode } from "#protocol/op-code.ts";
import { PacketType, type PacketView, writePacket } from "#protocol/quorum-packet.ts";
import type { LearnerHandler } from "#quorum/learner-handler.ts";
import type { QuorumLink } from "#quorum/quorum-link.ts";
import { here, type SessionTracker } from "#session/session-tracker.ts";
import { isWhole, requestPrefixBytes, touchSessions, typeInRequest } from "./learner-requests.ts";

/** Who asked for a sync: null is this server, for a client of its own. */
type Asker = LearnerHandler | null;

interface Revalidation {
  readonly idHigh: number;
  readonly idLow: number;
  readonly timeoutMs: number;
  readonly observer: LearnerHandler;
}

export class ObserverRelay {
  readonly #leader: QuorumLink;
  readonly #sessions: SessionTracker;
  readonly #metrics: ServerMetrics;
  readonly #syncs = new Deque<Asker>();
  readonly #revalidations = new Deque<Revalidation>();

  constructor(leader: QuorumLink, sessions: SessionTracker, metrics: ServerMetrics) {
    this.#leader = leader;
    this.#sessions = sessions;
    this.#metrics = metrics;
  }

  /** An observer asks, or tells of its sessions. */
  received(observer: LearnerHandler, packet: PacketView, nowMs: number): void {
    if (!isWhole(observer, packet)) return;
    if (packet.type === PacketType.request) this.#request(observer, packet);
    else if (packet.type === PacketType.ping) touchSessions(this.#sessions, packet, nowMs);
    else if (packet.type === PacketType.revalidate) this.#revalidate(observer, packet);
  }

  /** A request of this server's own client goes to the leader. */
  ownRequest(type: number): void {
    if (type === OpCode.sync) this.#syncs.push(null);
  }

  /** A client of this server's own goes on with its session, as the leader has said. */
  cameHere(idHigh: number, idLow: number): void {
    this.#sessions.setOwner(idHigh, idLow, here);
  }

  #request(observer: LearnerHandler, packet: PacketView): void {
    const { bytes, dataStart } = packet;
    const type = readInt32(bytes, dataStart + typeInRequest);
    if (type === OpCode.sync) this.#syncs.push(observer);
    if (isWriteOp(type) && this.#hasMoved(observer, packet)) this.#passRefused(packet);
    else pass(this.#leader, packet);
  }

  /** Whether its client has come back elsewhere since. */
  #hasMoved(observer: LearnerHandler, { bytes, dataStart }: PacketView): boolean {
    const owner = this.#sessions.get(readInt32(bytes, dataStart), readInt32(bytes, dataStart + 4))?.owner ?? null;
    return owner !== null && owner !== observer;
  }

  #passRefused({ type, zxidHigh, zxidLow, bytes, dataStart, authStart, end }: PacketView): void {
    const out = this.#leader.open();
    out.writeInt(type);
    out.writeLong(zxidHigh, zxidLow);
    out.writeInt(requestPrefixBytes + refusedByAll.end);
    out.writeRaw(bytes, dataStart, dataStart + typeInRequest);
    out.writeInt(refusedByAll.type);
    out.writeRaw(refusedByAll.bytes, refusedByAll.start, refusedByAll.end);
    out.writeRaw(bytes, authStart, end);
  }

  #revalidate(observer: LearnerHandler, packet: PacketView): void {
    this.#metrics.revalidateCount.increment();
    const { bytes, dataStart } = packet;
    this.#revalidations.push({
      idHigh: readInt32(bytes, dataStart),
      idLow: readInt32(bytes, dataStart + 4),
      timeoutMs: readInt32(bytes, dataStart + 8),
      observer,
    });
    pass(this.#leader, packet);
  }

  /** The leader has answered a sync. @returns whether it was an observer's, which has been told. */
  synced(): boolean {
    const asker = this.#syncs.length === 0 ? null : this.#syncs.shift();
    if (asker === null) return false;
    if (asker.state === "Serving") writePacket(asker.link.open(), PacketType.sync, 0, 0);
    return true;
  }

  /** The leader says whether a session is alive. @returns whether it was an observer that asked, which has been told. */
  revalidated(packet: PacketView, nowMs: number): boolean {
    if (this.#revalidations.length === 0) return false;
    const { idHigh, idLow, timeoutMs, observer } = this.#revalidations.at(0);
    const { bytes, dataStart } = packet;
    if (readInt32(bytes, dataStart) !== idHigh || readInt32(bytes, dataStart + 4) !== idLow) return false;
    this.#revalidations.shift();
    if (bytes[dataStart + 8] !== 0) {
      this.#sessions.touchId(idHigh, idLow, timeoutMs, nowMs);
      this.#sessions.setOwner(idHigh, idLow, observer);
    }
    if (observer.state === "Serving") pass(observer.link, packet);
    return true;
  }
}

/** Sends a packet on as it is: its identities are the client's. */
function pass(to: QuorumLink, { type, zxidHigh, zxidLow, bytes, dataStart, dataEnd, end }: PacketView): void {
  const out = to.open();
  out.writeInt(type);
  out.writeLong(zxidHigh, zxidLow);
  out.writeInt(dataEnd - dataStart);
  out.writeRaw(bytes, dataStart, end);
}
