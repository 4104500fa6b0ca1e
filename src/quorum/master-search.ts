/**
 * Whom a learner connects to once a leader is known, when, and for how long it tries: the leader, or where followers serve
 * observers, one of them after the other.
 *
 * A leader may be some milliseconds behind those who elected it: the first waits are short, and each is twice the one before.
 * Observers may be a thousand: where an operator wants it they wait for a random time, so that they do not all come at once.
 * Source: Learner.connectToLeader; QuorumPeer.findLearnerMaster, nextObserverMaster; Observer.waitForReconnectDelay.
 */

import { type Random, randomBelow } from "#base/prng.ts";
import type { ObserverMasters } from "./observer-masters.ts";

/** Learner.java tries 5 times; the rest is for a ZooKeeper that waits 200 ms longer before it leads. */
const attemptsMax = 7;
/** Before them, each followed by twice the wait of the one before. */
const shortAttempts = 5;

export interface MasterSearchLimits {
  readonly tickTimeMs: number;
  /** In ticks. */
  readonly initLimit: number;
  /** In ticks; 0 means initLimit. */
  readonly connectToLearnerMasterLimit: number;
  /** Between two attempts to connect to a leader (zookeeper.leaderConnectDelayDuringRetryMs). */
  readonly connectRetryMs: number;
  /** What an observer waits for at most before it comes back to a leader, or to the first of all followers. */
  readonly observerReconnectDelayMs: number;
}

/** Who searches, and among whom. */
export interface Seeker {
  readonly isObserver: boolean;
  readonly leader: bigint;
  readonly voters: readonly bigint[];
}

export class MasterSearch {
  /** Whom this server is connected to as a learner, or tries to be. */
  masterSid = 0n;
  /** When the next attempt is due; infinite while one is under way, and when none is wanted. */
  againMs: number = Number.POSITIVE_INFINITY;
  /** When to give up, on the driver's monotonic clock. */
  deadlineMs = 0;
  readonly #limits: MasterSearchLimits;
  /** Null where all learners are the leader's own. */
  readonly #masters: ObserverMasters | null;
  readonly #random: Random;
  #attempts = 0;
  /** Since when no follower has served this observer; null when one does, or none is asked. */
  #masterlessSinceMs: number | null = null;
  #isLeadersTurn = false;

  constructor(limits: MasterSearchLimits, masters: ObserverMasters | null, random: Random) {
    this.#limits = limits;
    this.#masters = masters;
    this.#random = random;
  }

  /** A leader is known: the first attempt is due now, or somewhat later. */
  begin(seeker: Seeker, nowMs: number): void {
    const { tickTimeMs, initLimit, connectToLearnerMasterLimit } = this.#limits;
    this.#attempts = 0;
    const delayMs = this.#choose(seeker, nowMs);
    this.againMs = nowMs + delayMs;
    this.deadlineMs = this.againMs + tickTimeMs * (connectToLearnerMasterLimit || initLimit);
  }

  /** An attempt is made. */
  attempted(): void {
    this.againMs = Number.POSITIVE_INFINITY;
    this.#attempts++;
  }

  /** It came to nothing. @returns whether there is to be another one. */
  failed(seeker: Seeker, nowMs: number): boolean {
    const shortening = Math.max(0, shortAttempts - this.#attempts + 1);
    const waitMs = this.#limits.connectRetryMs / 2 ** shortening;
    const delayMs = this.#choose(seeker, nowMs);
    if (this.#attempts >= attemptsMax + shortAttempts || nowMs + waitMs > this.deadlineMs) return false;
    this.againMs = nowMs + waitMs + delayMs;
    this.deadlineMs += delayMs;
    return true;
  }

  /** No attempt is wanted any more. */
  end(): void {
    this.againMs = Number.POSITIVE_INFINITY;
  }

  /** The master serves this server. */
  served(): void {
    this.#masterlessSinceMs = null;
  }

  /**
   * Followers first. Where none serves this observer for initLimit the leader is asked as well: it may need just this server, as
   * one that is to vote when a change is committed, before anybody can follow. ZooKeeper's observer goes on to ask followers.
   * @returns what to wait for before it is asked.
   */
  #choose({ isObserver, leader, voters }: Seeker, nowMs: number): number {
    if (!isObserver || this.#masters === null) {
      this.masterSid = leader;
      return isObserver && this.#attempts === 0 ? this.#delayMs() : 0;
    }
    this.#masterlessSinceMs ??= nowMs;
    const { tickTimeMs, initLimit } = this.#limits;
    const isOverdue = nowMs - this.#masterlessSinceMs > tickTimeMs * initLimit;
    this.#isLeadersTurn = isOverdue && !this.#isLeadersTurn;
    if (this.#isLeadersTurn) {
      this.masterSid = leader;
      return 0;
    }
    const { round } = this.#masters;
    this.masterSid = this.#masters.next(leader, voters);
    return this.#masters.round > round ? this.#delayMs() : 0;
  }

  #delayMs(): number {
    return randomBelow(this.#limits.observerReconnectDelayMs, this.#random);
  }
}
