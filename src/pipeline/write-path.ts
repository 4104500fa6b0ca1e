/**
 * A write's way from a request to a transaction, as the rest of the pipeline sees it. There are two: a server on its own and a
 * leader make the transaction themselves (prepared-writes.ts), a learner sends the request to its leader
 * (forwarded-writes.ts). Either way it comes back in zxid order and is applied; then whoever asked is replied to.
 */

import { ErrorCode } from "#protocol/error-code.ts";
import type { Session } from "#session/session-tracker.ts";
import type { Client } from "./client.ts";
import type { Incoming } from "./incoming.ts";
import { PendingWrite } from "./pending-write.ts";
import type { WaitingSyncs } from "./waiting-syncs.ts";

export interface WritePath {
  /** Writes on their way, and whatever else is answered in their turn. */
  readonly length: number;
  /** Whether another member has taken the session over, and this one knows. */
  hasMoved(session: Session): boolean;
  /** Whether a sync takes this way too now, since there is, or may be, more committed than is applied here. */
  readonly takesSyncs: boolean;
  readonly syncs: WaitingSyncs;
  /** What the wall clock says, when that has changed since the last write. */
  timeIs(wallMs: number): void;
  /**
   * Takes a request that wants to be a write.
   * @returns the write that is awaited from now on; null when it becomes none, and is answered in its turn: -5 or -6.
   */
  submit(incoming: Incoming): PendingWrite | null;
  /** Begins a session for a client whose handshake is accepted; it is answered when the transaction is applied. */
  openSession(client: Client, session: Session, nowMs: number): void;
  /** The oldest write on its way, if there is one: what is applied next may be it. */
  readonly next: PendingWrite | null;
  /** The transaction in `bytes` is applied next. */
  applying(bytes: Buffer, start: number): void;
  /**
   * It was applied, its header is the applier's.
   * @returns who waited for it, until {@link WritePath.release}; null for somebody else's.
   */
  takeApplied(): PendingWrite | null;
  release(pending: PendingWrite): void;
}

/** Pending writes to be used again. */
export class PendingWrites {
  readonly #pool: PendingWrite[] = [];

  take(client: Client | null, session: Session | null, xid: number, type: number, nowMs: number): PendingWrite {
    const pending = this.#pool.pop() ?? new PendingWrite();
    pending.client = client;
    pending.session = session;
    pending.xid = xid;
    pending.type = type;
    pending.receivedMs = nowMs;
    pending.afterHigh = 0;
    pending.afterLow = 0;
    pending.refusal = ErrorCode.ok;
    pending.largeBytes = 0;
    return pending;
  }

  release(pending: PendingWrite): void {
    pending.client = null;
    pending.session = null;
    this.#pool.push(pending);
  }
}
