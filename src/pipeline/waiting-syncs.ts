/**
 * Syncs that wait: first for a word on how far the ensemble is, then until this server has applied that.
 *
 *   add ... answered(zxid)          in the order in which they came
 *           take(applied zxid)      once applied >= zxid
 *
 * So whoever has had a write acknowledged before the sync was asked for, at whatever member, is seen behind it.
 * A leader gives its own clients' syncs the last zxid that it has proposed, as ZooKeeper's does for learners: its own disk may be
 * the slowest of the ensemble, and others have acknowledged what it has not applied.
 * Source: FollowerZooKeeperServer.sync, Leader.processSync, CommitProcessor.java.
 */

import { assert } from "#base/assert.ts";
import { Deque } from "#base/deque.ts";
import { compareHalves } from "#base/zxid.ts";
import type { Incoming } from "./incoming.ts";
import type { PendingWrite } from "./pending-write.ts";

export interface WaitingSync {
  readonly pending: PendingWrite;
  /** Kept beyond its turn. */
  readonly request: Incoming;
  /** Once it is answered: what must be applied here first. */
  afterHigh: number;
  afterLow: number;
}

export class WaitingSyncs {
  readonly #syncs = new Deque<WaitingSync>();
  /** How many of them, the oldest, have their word. */
  #answeredCount = 0;

  get length(): number {
    return this.#syncs.length;
  }

  /** @param request is kept: it has to be a copy of its own. */
  add(pending: PendingWrite, request: Incoming): void {
    this.#syncs.push({ pending, request, afterHigh: 0, afterLow: 0 });
  }

  /** The oldest one that has no word yet gets it: what was acknowledged to anybody reaches up to that zxid at most. */
  answered(afterHigh: number, afterLow: number): void {
    if (this.#answeredCount === this.#syncs.length) return;
    const sync = this.#syncs.at(this.#answeredCount++);
    sync.afterHigh = afterHigh;
    sync.afterLow = afterLow;
  }

  /** The next one that may be told to its client, now that this server has applied everything up to that zxid; or null. */
  take(appliedHigh: number, appliedLow: number): WaitingSync | null {
    if (this.#answeredCount === 0) return null;
    const { afterHigh, afterLow } = this.#syncs.at(0);
    if (compareHalves(afterHigh, afterLow, appliedHigh, appliedLow) > 0) return null;
    assert(this.#answeredCount > 0, "a sync is answered before it is told");
    this.#answeredCount--;
    return this.#syncs.shift();
  }
}
