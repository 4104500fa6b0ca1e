/**
 * How a new leader and a quorum agree on an epoch that nobody has used before.
 *
 *   propose   each server says the last epoch that it accepted; the epoch is one more than the highest. With the leader
 *             and a quorum it is settled, and everybody accepts it, or says that it already has
 *   ack       each server says how far its history goes; with the leader and a quorum the epoch is established
 *
 * A quorum that accepted epoch e will hear no leader of an earlier one, and any later leader meets at least one of that
 * quorum: so no two leaders ever share an epoch, and a leader whose quorum has a newer history than its own is found out.
 * Observers are heard for the number, and not counted.
 *
 * While a change of the members is half done, "a quorum" is one of the old members and one of the new. ZooKeeper asks the old
 * ones alone: a leader of theirs, who cannot go on without the new ones, has an epoch by then that makes its history
 * preferred to what the new ones have committed since.
 * Source: Leader.getEpochToPropose, waitForEpochAck; StateSummary.java.
 */

import { epochMax } from "#base/zxid.ts";
import type { QuorumViews } from "./quorum-verifier.ts";

/** How far a history goes: the newer one has the later epoch, then the later zxid. */
export interface StateSummary {
  /** -1 from a learner whose vote was counted before: it says nothing. */
  readonly currentEpoch: bigint;
  readonly lastZxid: bigint;
}

export class EpochAgreement {
  readonly #views: QuorumViews;
  readonly #sid: bigint;
  readonly #own: StateSummary;
  #highest = -1n;
  #epoch: bigint | null = null;
  #isEstablished = false;
  #isExhausted = false;
  readonly #proposers = new Set<bigint>();
  readonly #ackers = new Set<bigint>();

  /** @param own the leader's history, which nobody of its quorum may surpass. */
  constructor(views: QuorumViews, sid: bigint, own: StateSummary) {
    this.#views = views;
    this.#sid = sid;
    this.#own = own;
  }

  /** The epoch, once it is settled. */
  get epoch(): bigint | null {
    return this.#epoch;
  }

  /** Whether a quorum has accepted it and is not ahead of the leader. */
  get isEstablished(): boolean {
    return this.#isEstablished;
  }

  /** Whether the last epoch that there is has been accepted: no other can be proposed. ZooKeeper goes on to a negative one, which no learner takes. */
  get isExhausted(): boolean {
    return this.#isExhausted;
  }

  /** A server, the leader among them, says which epoch it accepted last. */
  propose(sid: bigint, acceptedEpoch: bigint): void {
    if (this.#epoch !== null) return;
    if (acceptedEpoch >= epochMax) {
      this.#isExhausted = true;
      return;
    }
    if (acceptedEpoch >= this.#highest) this.#highest = acceptedEpoch + 1n;
    if (this.#views.isVoter(sid)) this.#proposers.add(sid);
    if (this.#isQuorumWithLeader(this.#proposers)) this.#epoch = this.#highest;
  }

  /**
   * A server has accepted the epoch.
   * @returns false when its history is newer than the leader's: it must not be synced with it.
   */
  ack(sid: bigint, summary: StateSummary): boolean {
    if (this.#isEstablished) return true;
    if (summary.currentEpoch !== -1n) {
      if (isNewer(summary, this.#own)) return false;
      if (summary.lastZxid !== -1n && this.#views.isVoter(sid)) this.#ackers.add(sid);
    }
    this.#isEstablished = this.#isQuorumWithLeader(this.#ackers);
    return true;
  }

  #isQuorumWithLeader(sids: ReadonlySet<bigint>): boolean {
    return sids.has(this.#sid) && this.#views.hasQuorums((sid) => sids.has(sid));
  }
}

function isNewer(a: StateSummary, b: StateSummary): boolean {
  return a.currentEpoch !== b.currentEpoch ? a.currentEpoch > b.currentEpoch : a.lastZxid > b.lastZxid;
}
