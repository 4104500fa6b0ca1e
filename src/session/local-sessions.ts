/**
 * Local sessions (`localSessionsEnabled`): known to the server that opened them, and to no other. They cost no transaction, are
 * in no snapshot, and so may own nothing that others would have to remove: no ephemeral znodes.
 *
 *   open            as cheap as a connection; id and password are made like any session's
 *   upgrade         before its first ephemeral znode it becomes a session of the ensemble, under the same id: a createSession
 *                   transaction goes ahead of the request
 *   close, expire   over, without a word to anybody else
 *
 * They end when their server takes up another role: a client that comes back then is told that its session has expired.
 * Source: LocalSessionTracker.java, UpgradeableSessionTracker.java.
 */

import { type Session, SessionTracker } from "./session-tracker.ts";

export class LocalSessions {
  /** The table and its timers. */
  readonly tracker: SessionTracker;
  /** Whether a session may become the ensemble's (`localSessionsUpgradingEnabled`). */
  readonly canUpgrade: boolean;
  readonly #global: SessionTracker;

  /** @param global the sessions of the ensemble. */
  constructor(parts: { tickTimeMs: number; nowMs: number; canUpgrade: boolean; global: SessionTracker }) {
    this.canUpgrade = parts.canUpgrade;
    this.#global = parts.global;
    this.tracker = new SessionTracker(parts.tickTimeMs);
    this.tracker.start(parts.nowMs);
  }

  get size(): number {
    return this.tracker.size;
  }

  get(idHigh: number, idLow: number): Session | undefined {
    return this.tracker.get(idHigh, idLow);
  }

  open(idHigh: number, idLow: number, timeoutMs: number, nowMs: number): Session {
    const session = this.tracker.create(idHigh, idLow, timeoutMs, nowMs);
    session.isLocal = true;
    return session;
  }

  /** Hands the session over to the ensemble's, not committed yet: the caller sees to its createSession transaction. */
  upgrade(session: Session, nowMs: number): void {
    this.tracker.release(session);
    session.isLocal = false;
    this.#global.adopt(session, nowMs);
  }

  close({ idHigh, idLow }: Session): void {
    this.tracker.remove(idHigh, idLow);
  }

  /** Those whose timers have run out, closing from now on; each is then to be closed. */
  expire(nowMs: number): Session[] {
    return this.tracker.expire(nowMs);
  }
}
