/**
 * A follower that takes observers off the leader's hands: they are brought up to date from its files and its tree, and are
 * sent what it is told is committed. The ensemble does without it as it does without any follower.
 *
 * Nothing is agreed on here: the epoch is the follower's, on its disk, and whoever connects is served at once. What observers'
 * clients want is the leader's to decide, and passes through (observer-relay.ts).
 *
 * An observer may be ahead of this server by what the leader has committed in the meantime. ZooKeeper has it throw that
 * away (TRUNC), to send it once more; here it goes on from where it is when this server has it as well, proposed, and else
 * looks for another master.
 * Source: ObserverMaster.java.
 */

import { compareHalves, highOf, longOf, lowOf } from "#base/zxid.ts";
import type { Durable } from "./durable.ts";
import type { StateSummary } from "./epoch-agreement.ts";
import type { LearnerHandler } from "./learner-handler.ts";
import { LearnerMaster, type LearnerMasterParts } from "./learner-master.ts";
import type { LearnerSyncPlan } from "./learner-sync-plan.ts";
import { QuorumError } from "./quorum-link.ts";
import type { Subscriber } from "./subscriber.ts";
import type { WindowTxn } from "./txn-window.ts";

export class ObserverMaster extends LearnerMaster {
  readonly #epoch: Durable<bigint>;
  /** Where this server's history ended when it began to follow. */
  readonly #historyZxid: bigint;
  readonly #subscribers = new Set<Subscriber>();
  #committedHigh: number;
  #committedLow: number;

  /** @param parts.epoch the leader's; `parts.committedZxid`, the last that this server knows to be committed. */
  constructor(parts: LearnerMasterParts & { epoch: Durable<bigint>; committedZxid: bigint }) {
    super(parts);
    const { epoch, committedZxid } = parts;
    this.#epoch = epoch;
    this.#historyZxid = committedZxid;
    const begin = committedZxid >> 32n < epoch ? epoch << 32n : committedZxid;
    this.#committedHigh = highOf(begin);
    this.#committedLow = lowOf(begin);
  }

  /** Half a tick has passed. */
  halfTick(nowMs: number): void {
    this.closeSilent(nowMs);
    this.ping({ zxidHigh: this.#committedHigh, zxidLow: this.#committedLow }, nowMs);
  }

  /** Follows no more. */
  stop(reason: string): void {
    for (const handler of this.handlers) handler.close(reason);
  }

  /** The oldest proposal is committed. @param leader whom it makes the leader, when it is a reconfiguration; else null. */
  committed(txn: WindowTxn, leader: bigint | null): void {
    const { zxidHigh, zxidLow } = txn;
    this.#committedHigh = zxidHigh;
    this.#committedLow = zxidLow;
    for (const subscriber of this.#subscribers) {
      const { committedHigh, committedLow } = subscriber;
      // It may have been ahead when it came.
      if (compareHalves(zxidHigh, zxidLow, committedHigh, committedLow) <= 0) continue;
      if (leader === null) subscriber.sendInform(txn);
      else subscriber.sendActivation(txn, leader);
    }
  }

  /** A configuration counts from now on. */
  activated(): void {
    this.bringUpToDate();
  }

  proposeEpoch(handler: LearnerHandler): void {
    if (!handler.isObserver) throw new QuorumError("Non observer attempting to connect to ObserverMaster");
    handler.epochSettled(this.#epoch, handler.heardMs);
  }

  ackEpoch(handler: LearnerHandler, { lastZxid }: StateSummary): boolean {
    if (this.#isOfThisEpoch(lastZxid) && lastZxid > this.#lastProposed) return false;
    handler.epochEstablished(handler.heardMs);
    return true;
  }

  planSync(learnerZxid: bigint): LearnerSyncPlan {
    if (this.#isOfThisEpoch(learnerZxid) && learnerZxid > this.#lastCommitted) {
      const fromIndex = this.window.indexBehind(highOf(learnerZxid), lowOf(learnerZxid));
      return { kind: "diff", zxid: learnerZxid, fromIndex };
    }
    return this.planFor(learnerZxid, this.#lastCommitted, this.#historyZxid);
  }

  subscribe(subscriber: Subscriber): void {
    subscriber.catchUp(this.window);
    this.#subscribers.add(subscriber);
  }

  unsubscribe(subscriber: Subscriber): void {
    this.#subscribers.delete(subscriber);
  }

  newLeaderAcked(handler: LearnerHandler): void {
    handler.leaderServes(handler.heardMs);
  }

  acked(_handler: LearnerHandler, zxidHigh: number, zxidLow: number): void {
    // UPTODATE is acknowledged by the epoch.
    if (zxidLow === 0) return;
    throw new QuorumError(`Observers shouldn't send ACKS ack = ${longOf(zxidHigh, zxidLow).toString(16)}`);
  }

  /** What a commit or a sync may speak of: transactions of an earlier epoch are all committed, or are to be cut off. */
  #isOfThisEpoch(zxid: bigint): boolean {
    return zxid >> 32n === this.#epoch && (zxid & 0xffffffffn) !== 0n;
  }

  get #lastCommitted(): bigint {
    return longOf(this.#committedHigh, this.#committedLow);
  }

  get #lastProposed(): bigint {
    const { window } = this;
    if (window.length === window.committedCount) return this.#lastCommitted;
    const { zxidHigh, zxidLow } = window.at(window.length - 1);
    return longOf(zxidHigh, zxidLow);
  }
}
