/**
 * The sessions of a server, and their timers.
 *
 * A session is the ensemble's promise to a client: as long as it is heard of within its timeout, its ephemeral znodes
 * stay. Which sessions exist, and with what timeout, is replicated state: createSession and closeSession are
 * transactions, and snapshots hold the list. When a session is over is decided by one server alone, the leader or the
 * standalone one (or, for local sessions, the server they live on): it runs the timers, and what it lets expire becomes
 * a closeSession transaction.
 *
 *   restore | create, commit      a session comes from disk | is tracked when prepared, committed when applied
 *   touch                         its timer restarts, for every request and for every mention in a learner's ping
 *   setClosing, expire            closing: no touch and no request revives it
 *   remove                        the closeSession transaction was applied
 *
 * Always: only committed sessions are written to a snapshot. Without timers (a learner, or recovery) the tracker is just
 * the table. When a server takes up a role that has timers (`start`), every committed session gets its full timeout
 * again, and what was known about the others, about owners and about closing is forgotten with the old role.
 *
 * A client that reattaches negotiates anew: its timer runs with the new timeout, while the session's own (`timeoutMs`,
 * persisted) stays. So a touch names the timeout, which is the connection's.
 * Source: SessionTrackerImpl.java, SessionTracker.java.
 */

import { LongMap } from "#base/long-map.ts";
import { ErrorCode } from "#protocol/error-code.ts";
import { ExpiryQueue, notQueued, type Expirable } from "./expiry-queue.ts";

/** The owner of a session whose client is attached to this server itself (ServerCnxn.me). */
export const here: object = Object.freeze({});

export class Session implements Expirable {
  /** The id, as two int32 halves. */
  readonly idHigh: number;
  readonly idLow: number;
  /** The timeout of the createSession transaction, which snapshots keep; a reattach does not change it. */
  timeoutMs: number;
  /** Its createSession was applied. */
  isCommitted = false;
  /** Known to this server alone: see local-sessions.ts. */
  isLocal = false;
  /** Over, or about to be: once true it stays so, also when the tracker has dropped the session. */
  isClosing = false;
  /**
   * The learner that the client was last attached to, or {@link here}; null while nobody has told. A leader knows of all learners, a
   * follower of the observers that it serves.
   */
  owner: object | null = null;
  /** When the timer runs out (ExpiryQueue's field). */
  expiryMs: number = notQueued;
  /** On a learner: what its connection negotiated, when it was heard of since the leader was last told; else 0. */
  touchedTimeoutMs = 0;

  constructor(idHigh: number, idLow: number, timeoutMs: number) {
    this.idHigh = idHigh;
    this.idLow = idLow;
    this.timeoutMs = timeoutMs;
  }

  /** Why it may own no znodes; ok for one that may. */
  get ephemeralRefusal(): ErrorCode {
    return this.isLocal ? ErrorCode.ephemeralOnLocalSession : ErrorCode.ok;
  }

  /**
   * Whether a request of the session may be prepared for `owner`: ok, sessionExpired (closing) or sessionMoved (it belongs
   * to another). The first to ask becomes the owner.
   */
  check(owner: object): ErrorCode {
    if (this.isClosing) return ErrorCode.sessionExpired;
    this.owner ??= owner;
    return this.owner === owner ? ErrorCode.ok : ErrorCode.sessionMoved;
  }
}

export class SessionTracker {
  readonly #sessions = new LongMap<Session>();
  readonly #tickTimeMs: number;
  #timers: ExpiryQueue<Session> | null = null;
  /** On a learner: the sessions that were heard of since the leader was last told. */
  #touched: Session[] = [];

  /** A table without timers; {@link start} begins them. */
  constructor(tickTimeMs: number) {
    this.#tickTimeMs = tickTimeMs;
  }

  /** Number of sessions, closing and uncommitted ones included. */
  get size(): number {
    return this.#sessions.size;
  }

  get(idHigh: number, idLow: number): Session | undefined {
    return this.#sessions.get(idHigh, idLow);
  }

  /** Takes up a role with timers: see the head of this file. */
  start(nowMs: number): void {
    this.#timers?.clear();
    this.takeTouched(() => {});
    const timers = new ExpiryQueue<Session>(this.#tickTimeMs, nowMs);
    this.#timers = timers;
    this.#forgetUncommitted();
    this.#sessions.forEach((session) => {
      session.isClosing = false;
      session.owner = null;
      timers.touch(session, session.timeoutMs, nowMs);
    });
  }

  /** Gives the timers up; the sessions stay, but not those that were asked for and have not come to be. */
  stop(): void {
    this.#timers?.clear();
    this.#timers = null;
    this.#forgetUncommitted();
  }

  /** Adds a session that a snapshot or a transaction speaks of, as committed. It has no timer before {@link start}. */
  restore(idHigh: number, idLow: number, timeoutMs: number): Session {
    const session = this.#getOrAdd(idHigh, idLow, timeoutMs);
    session.isCommitted = true;
    session.timeoutMs = timeoutMs;
    return session;
  }

  /** Tracks a session from now on, before its transaction is committed. One that is known has its timer restarted. */
  create(idHigh: number, idLow: number, timeoutMs: number, nowMs: number): Session {
    const session = this.#getOrAdd(idHigh, idLow, timeoutMs);
    this.#timers?.touch(session, timeoutMs, nowMs);
    return session;
  }

  /** Takes in a session that another tracker has released, as {@link create} would. */
  adopt(session: Session, nowMs: number): void {
    this.#sessions.set(session.idHigh, session.idLow, session);
    this.#timers?.touch(session, session.timeoutMs, nowMs);
  }

  /** Forgets a session that goes on elsewhere. */
  release(session: Session): void {
    this.#sessions.delete(session.idHigh, session.idLow);
    this.#timers?.remove(session);
  }

  /**
   * A createSession was applied: the session, which may be new to this server, is committed with this timeout. A timer
   * that runs is left alone; one that should and does not is started.
   */
  commit(idHigh: number, idLow: number, timeoutMs: number, nowMs: number): Session {
    const session = this.restore(idHigh, idLow, timeoutMs);
    if (session.expiryMs === notQueued && !session.isClosing) this.#timers?.touch(session, timeoutMs, nowMs);
    return session;
  }

  /**
   * The client was heard of. Runs for every request: costs a comparison or, once a tick, a move between buckets.
   * @param timeoutMs what its connection negotiated.
   * @returns false when the session is over: the request is dropped.
   */
  touch(session: Session, timeoutMs: number, nowMs: number): boolean {
    if (session.isClosing) return false;
    if (this.#timers === null) this.#noteTouch(session, timeoutMs);
    else this.#timers.touch(session, timeoutMs, nowMs);
    return true;
  }

  #noteTouch(session: Session, timeoutMs: number): void {
    if (session.touchedTimeoutMs === 0) this.#touched.push(session);
    session.touchedTimeoutMs = timeoutMs;
  }

  /** Hands over the sessions that were heard of since the last time, on a tracker without timers. */
  takeTouched(visit: (idHigh: number, idLow: number, timeoutMs: number) => void): void {
    const touched = this.#touched;
    this.#touched = [];
    for (const session of touched) {
      visit(session.idHigh, session.idLow, session.touchedTimeoutMs);
      session.touchedTimeoutMs = 0;
    }
  }

  /** How many sessions {@link takeTouched} would hand over. */
  get touchedCount(): number {
    return this.#touched.length;
  }

  /** As {@link touch}, for a session known by its id; false also when there is none. */
  touchId(idHigh: number, idLow: number, timeoutMs: number, nowMs: number): boolean {
    const session = this.#sessions.get(idHigh, idLow);
    return session !== undefined && this.touch(session, timeoutMs, nowMs);
  }

  /** Its closeSession was prepared: nothing revives it. Unknown ids are ignored. */
  setClosing(idHigh: number, idLow: number): void {
    const session = this.#sessions.get(idHigh, idLow);
    if (session !== undefined) session.isClosing = true;
  }

  /** Its closeSession was applied. Returns the session if there was one. */
  remove(idHigh: number, idLow: number): Session | undefined {
    const session = this.#sessions.get(idHigh, idLow);
    if (session === undefined) return undefined;
    this.#sessions.delete(idHigh, idLow);
    this.#timers?.remove(session);
    session.isClosing = true;
    return session;
  }

  /**
   * The sessions whose timers have run out by `nowMs`, now closing. Each wants a closeSession transaction; one that is closing
   * already, and has to wait for a quorum, has got it.
   */
  expire(nowMs: number): Session[] {
    if (this.#timers === null) return [];
    const expired = this.#timers.expire(nowMs).filter(({ isClosing }) => !isClosing);
    for (const session of expired) session.isClosing = true;
    return expired;
  }

  /** How long until {@link expire} is worth calling again; a tick when there are no timers. */
  waitMs(nowMs: number): number {
    return this.#timers === null ? this.#tickTimeMs : this.#timers.waitMs(nowMs);
  }

  /** Moves the session to `owner`, as a reattach does; false when it is unknown or closing. */
  setOwner(idHigh: number, idLow: number, owner: object): boolean {
    const session = this.#sessions.get(idHigh, idLow);
    if (session === undefined || session.isClosing) return false;
    session.owner = owner;
    return true;
  }

  #forgetUncommitted(): void {
    const uncommitted: Session[] = [];
    this.#sessions.forEach((session) => {
      if (!session.isCommitted) uncommitted.push(session);
    });
    for (const { idHigh, idLow } of uncommitted) this.remove(idHigh, idLow);
  }

  /** The committed sessions at this moment: the list that a snapshot holds. */
  committed(): Session[] {
    const sessions: Session[] = [];
    this.#sessions.forEach((session) => {
      if (session.isCommitted) sessions.push(session);
    });
    return sessions;
  }

  forEach(visit: (session: Session) => void): void {
    this.#sessions.forEach(visit);
  }

  /** Calls `visit` for every bucket of timers, earliest first: what `dump` prints. */
  forEachBucket(visit: (expiryMs: number, sessions: ReadonlySet<Session>) => void): void {
    this.#timers?.forEachBucket(visit);
  }

  #getOrAdd(idHigh: number, idLow: number, timeoutMs: number): Session {
    const known = this.#sessions.get(idHigh, idLow);
    if (known !== undefined) return known;
    const session = new Session(idHigh | 0, idLow | 0, timeoutMs);
    this.#sessions.set(idHigh, idLow, session);
    return session;
  }
}

/** `minSessionTimeout` and `maxSessionTimeout`, where they were given. */
export interface SessionTimeoutBounds {
  readonly sessionTimeoutMsMin: number;
  readonly sessionTimeoutMsMax: number;
}

/** The bounds: what was configured, or two and twenty ticks where that is -1. */
export function sessionTimeoutBounds(
  tickTimeMs: number,
  configured: SessionTimeoutBounds = { sessionTimeoutMsMin: -1, sessionTimeoutMsMax: -1 },
): SessionTimeoutBounds {
  const { sessionTimeoutMsMin, sessionTimeoutMsMax } = configured;
  return {
    sessionTimeoutMsMin: sessionTimeoutMsMin === -1 ? tickTimeMs * 2 : sessionTimeoutMsMin,
    sessionTimeoutMsMax: sessionTimeoutMsMax === -1 ? tickTimeMs * 20 : sessionTimeoutMsMax,
  };
}

/** The timeout that a client gets that asks for `requestedMs`, which may be negative. */
export function negotiateTimeout(requestedMs: number, bounds: SessionTimeoutBounds): number {
  return Math.min(Math.max(requestedMs, bounds.sessionTimeoutMsMin), bounds.sessionTimeoutMsMax);
}
