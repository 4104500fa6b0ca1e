/**
 * The handshake: a connection asks for a new session or for the one it had.
 *
 *   refused   closed without a word: over the connect rate, or the client has seen a zxid that we have not
 *   new       a createSession transaction; the answer follows when it is applied, and until then nothing more is read.
 *             A local session is there at once, and so is the answer
 *   renewed   the password is right and the session alive: answered at once, with the timeout negotiated now. A learner
 *             does not know who is alive: it asks its leader, and nothing more is read until that has answered
 *   invalid   answered with a session of zeros, then closed
 *
 * A read-only server refuses clients that do not say that they want one, and opens local sessions alone. It does not know which
 * sessions of the ensemble are alive: whoever has one is refused, and not told that it has expired.
 *
 * A renewal takes the session over from its earlier connection, if that is still there. Unlike ZooKeeper we look at the
 * password first, so that a stranger cannot disconnect anybody.
 * Source: ZooKeeperServer.processConnectRequest, reopenSession, finishSessionInit.
 */

import type { ServerMetrics } from "#base/metrics.ts";
import { LongMap } from "#base/long-map.ts";
import { compareHalves } from "#base/zxid.ts";
import { writeConnectResponse, type ConnectRequest } from "#protocol/handshake.ts";
import type { LocalSessions } from "#session/local-sessions.ts";
import { isPassword, passwordBytes, writePassword } from "#session/password.ts";
import type { SessionIds } from "#session/session-id.ts";
import {
  here,
  negotiateTimeout,
  type Session,
  type SessionTimeoutBounds,
  type SessionTracker,
} from "#session/session-tracker.ts";
import type { DataTree } from "#tree/data-tree.ts";
import type { Client } from "./client.ts";
import type { ConnectionThrottle } from "./connection-throttle.ts";
import type { RequestPipeline } from "./request-pipeline.ts";

export class SessionGate {
  readonly #tree: DataTree;
  readonly #sessions: SessionTracker;
  /** Null where there are none. */
  readonly #localSessions: LocalSessions | null;
  readonly #isReadOnly: boolean;
  readonly #ids: SessionIds;
  readonly #bounds: SessionTimeoutBounds;
  readonly #pipeline: RequestPipeline;
  readonly #throttle: ConnectionThrottle;
  readonly #metrics: ServerMetrics;
  /** Asks the leader whether a session is alive, on a learner; {@link revalidated} follows. Null elsewhere. */
  readonly #revalidate: ((client: Client, idHigh: number, idLow: number) => void) | null;
  readonly #clients = new LongMap<Client>();
  readonly #password = Buffer.alloc(passwordBytes);

  constructor(parts: {
    tree: DataTree;
    sessions: SessionTracker;
    localSessions: LocalSessions | null;
    isReadOnly: boolean;
    ids: SessionIds;
    bounds: SessionTimeoutBounds;
    pipeline: RequestPipeline;
    throttle: ConnectionThrottle;
    metrics: ServerMetrics;
    revalidate?: (client: Client, idHigh: number, idLow: number) => void;
  }) {
    this.#revalidate = parts.revalidate ?? null;
    this.#tree = parts.tree;
    this.#sessions = parts.sessions;
    this.#localSessions = parts.localSessions;
    this.#isReadOnly = parts.isReadOnly;
    this.#ids = parts.ids;
    this.#bounds = parts.bounds;
    this.#pipeline = parts.pipeline;
    this.#throttle = parts.throttle;
    this.#metrics = parts.metrics;
  }

  /** Judges a handshake. @returns false when the connection is to be closed without a word. */
  connect(client: Client, request: ConnectRequest, nowMs: number): boolean {
    this.#metrics.connectionRequestCount.increment();
    const isRenewal = (request.sessionIdHigh | request.sessionIdLow) !== 0;
    this.#metrics.connectionTokenDeficit.add(this.#throttle.deficit);
    const fresh = this.#localSessions === null ? "global" : "local";
    if (!this.#throttle.admit(isRenewal ? "renewal" : fresh, nowMs)) {
      this.#metrics.connectionRejected.increment();
      return false;
    }
    if (this.#isReadOnly && request.readOnly !== true) return false;
    const { lastZxidHigh, lastZxidLow } = this.#tree;
    if (compareHalves(request.lastZxidSeenHigh, request.lastZxidSeenLow, lastZxidHigh, lastZxidLow) > 0) return false;
    client.readOnly = request.readOnly;
    client.timeoutMs = negotiateTimeout(request.timeoutMs, this.#bounds);
    return isRenewal ? this.#renew(client, request, nowMs) : this.#open(client, nowMs);
  }

  /** A new session's transaction is applied. */
  opened(client: Client): void {
    this.#answer(client, client.session!);
  }

  /** The leader has said whether a session is alive that a client wants back; its createSession may still be on its way. */
  revalidated(client: Client, idHigh: number, idLow: number, isAlive: boolean, nowMs: number): void {
    if (client.isClosed) return;
    if (isAlive) this.#takeOver(client, this.#sessions.create(idHigh, idLow, client.timeoutMs, nowMs));
    else this.#refuse(client);
  }

  /** The connection that a session is attached to here, if any. */
  clientOf(idHigh: number, idLow: number): Client | undefined {
    return this.#clients.get(idHigh, idLow);
  }

  /** A connection is gone; its session lives on. */
  forget(client: Client): void {
    const { session } = client;
    if (session !== null && this.#clients.get(session.idHigh, session.idLow) === client) {
      this.#clients.delete(session.idHigh, session.idLow);
    }
  }

  #open(client: Client, nowMs: number): boolean {
    if (this.#localSessions === null && this.#isReadOnly) return false;
    // Ids come from a clock, which may have been set back since a session that is still alive was opened.
    do this.#ids.next();
    while (this.#find(this.#ids.idHigh, this.#ids.idLow) !== undefined);
    const { idHigh, idLow } = this.#ids;
    if (this.#localSessions !== null) {
      this.#takeOver(client, this.#localSessions.open(idHigh, idLow, client.timeoutMs, nowMs));
      return true;
    }
    const session = this.#sessions.create(idHigh, idLow, client.timeoutMs, nowMs);
    this.#attach(client, session);
    this.#pipeline.openSession(client, session, nowMs);
    return true;
  }

  #find(idHigh: number, idLow: number): Session | undefined {
    return this.#localSessions?.get(idHigh, idLow) ?? this.#sessions.get(idHigh, idLow);
  }

  /** @returns false when the connection is to be closed without a word. */
  #renew(client: Client, request: ConnectRequest, nowMs: number): boolean {
    this.#metrics.connectionRevalidateCount.increment();
    const { sessionIdHigh, sessionIdLow } = request;
    const local = this.#localSessions?.get(sessionIdHigh, sessionIdLow);
    if (this.#isReadOnly && local === undefined && this.#mayBeAlive(sessionIdHigh, sessionIdLow)) return false;
    if (!isPassword(sessionIdHigh, sessionIdLow, request.password)) {
      this.#refuse(client);
      return true;
    }
    if (local === undefined && this.#revalidate !== null) {
      // What the earlier connection has sent and nobody has read yet must not reach the leader behind this.
      this.#closeEarlier(client, sessionIdHigh, sessionIdLow);
      this.#revalidate(client, sessionIdHigh, sessionIdLow);
      return true;
    }
    const session = local ?? this.#sessions.get(sessionIdHigh, sessionIdLow);
    if (session === undefined || isUntold(session) || !this.#touch(session, client.timeoutMs, nowMs)) {
      this.#refuse(client);
    } else {
      this.#takeOver(client, session);
    }
    return true;
  }

  /** Whether a session that a read-only server does not have may be the ensemble's: it has not heard of the newest ones. */
  #mayBeAlive(idHigh: number, idLow: number): boolean {
    return this.#localSessions === null || this.#sessions.get(idHigh, idLow) !== undefined;
  }

  #touch(session: Session, timeoutMs: number, nowMs: number): boolean {
    const tracker = session.isLocal ? this.#localSessions!.tracker : this.#sessions;
    return tracker.touch(session, timeoutMs, nowMs);
  }

  #refuse(client: Client): void {
    writeConnectResponse(this.#pipeline.outbox.open(client), null, this.#mirrored(client));
    this.#pipeline.stats.countSent(client);
    this.#pipeline.outbox.closeAfterSending(client);
  }

  #takeOver(client: Client, session: Session): void {
    this.#closeEarlier(client, session.idHigh, session.idLow);
    this.#attach(client, session);
    this.#answer(client, session);
    this.#pipeline.stats.countSent(client);
  }

  #closeEarlier(client: Client, idHigh: number, idLow: number): void {
    const earlier = this.#clients.get(idHigh, idLow);
    if (earlier !== undefined && earlier !== client) earlier.link.closeNow();
  }

  #attach(client: Client, session: Session): void {
    client.session = session;
    session.owner = here;
    this.#clients.set(session.idHigh, session.idLow, client);
  }

  #answer(client: Client, session: Session): void {
    writePassword(session.idHigh, session.idLow, this.#password, 0);
    const { idHigh, idLow } = session;
    const granted = { idHigh, idLow, timeoutMs: client.timeoutMs, password: this.#password };
    writeConnectResponse(this.#pipeline.outbox.open(client), granted, this.#mirrored(client));
    client.isAttached = true;
  }

  /** The response's last byte, whether this server is read-only: absent for a client that did not send it. */
  #mirrored(client: Client): boolean | null {
    return client.readOnly === null ? null : this.#isReadOnly;
  }
}

/**
 * Whether no client can know of the session yet. Of one that was opened through a learner it may: the learner may have applied
 * its transaction before this leader does.
 */
function isUntold({ isCommitted, isLocal, owner }: Session): boolean {
  return !isCommitted && !isLocal && owner === here;
}
