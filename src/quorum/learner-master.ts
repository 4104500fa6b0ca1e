/**
 * Whoever learners are connected to: the leader, or a follower that takes observers off its hands (observer-master.ts). What
 * both do is here: connections come and go, learners are brought up to date and forwarded to, and are pinged.
 *
 * Source: LearnerMaster.java, LearnerHandler.java.
 */

import type { ZxidHalves } from "#base/zxid.ts";
import { PacketType, type PacketView, writePacket } from "#protocol/quorum-packet.ts";
import type { StateSummary } from "./epoch-agreement.ts";
import { type HandlerServices, LearnerHandler, type SyncKind, type SyncWay } from "./learner-handler.ts";
import { type LearnerSyncPlan, planLearnerSync } from "./learner-sync-plan.ts";
import { QuorumError, type QuorumLink } from "./quorum-link.ts";
import type { QuorumViews } from "./quorum-verifier.ts";
import type { Subscriber } from "./subscriber.ts";
import type { TxnWindow } from "./txn-window.ts";

export interface LearnerMasterLimits {
  readonly tickTimeMs: number;
  /** In ticks. */
  readonly initLimit: number;
  readonly syncLimit: number;
  readonly isSnapshotSyncForced: boolean;
  readonly isLogSyncEnabled: boolean;
  /** Learners that are brought up to date at once, by the tree and by transactions; voters are let in beyond that. */
  readonly treeSyncsMax: number;
  readonly txnSyncsMax: number;
}

/** What it asks of whoever drives it. */
export interface LearnerMasterOutput {
  sendTree(handler: LearnerHandler, done: (nowMs: number) => void): bigint;
  sendLog: HandlerServices["sendLog"];
  /** A REQUEST or REVALIDATE of a learner, or a PING's list of sessions. */
  received(handler: LearnerHandler, packet: PacketView, nowMs: number): void;
  /** @param count of those that are sent the same kind of thing now, this one included. */
  learnerSyncing(handler: LearnerHandler, way: SyncWay, count: number): void;
  learnerGone(handler: LearnerHandler, reason: string): void;
}

export interface LearnerMasterParts {
  readonly views: QuorumViews;
  readonly window: TxnWindow;
  readonly limits: LearnerMasterLimits;
  readonly output: LearnerMasterOutput;
}

/** Connections that have not said who they are. */
const strangersMax = 100;

export abstract class LearnerMaster implements HandlerServices {
  readonly handlers: Set<LearnerHandler> = new Set();
  readonly initTimeoutMs: number;
  readonly syncTimeoutMs: number;
  protected readonly views: QuorumViews;
  protected readonly window: TxnWindow;
  readonly #limits: LearnerMasterLimits;
  readonly #output: LearnerMasterOutput;

  constructor({ views, window, limits, output }: LearnerMasterParts) {
    this.views = views;
    this.window = window;
    this.#limits = limits;
    this.#output = output;
    this.initTimeoutMs = limits.tickTimeMs * limits.initLimit;
    this.syncTimeoutMs = limits.tickTimeMs * limits.syncLimit;
  }

  get configVersion(): bigint {
    return this.views.committed.version;
  }

  get seenConfigVersion(): bigint {
    return this.views.lastSeen.version;
  }

  get configText(): string {
    return this.views.lastSeen.text;
  }

  /** A learner has connected. */
  connected(link: QuorumLink, nowMs: number): LearnerHandler {
    this.#makeRoom();
    const handler = new LearnerHandler(link, this, nowMs);
    this.handlers.add(handler);
    return handler;
  }

  /** Takes a packet of a learner. What breaks the protocol costs that learner its connection. */
  take(handler: LearnerHandler, packet: PacketView, nowMs: number): void {
    try {
      handler.receive(packet, nowMs);
    } catch (error) {
      if (!(error instanceof QuorumError)) throw error;
      handler.close(error.message);
    }
  }

  abstract proposeEpoch(handler: LearnerHandler, acceptedEpoch: bigint): void;
  abstract ackEpoch(handler: LearnerHandler, summary: StateSummary): boolean;
  abstract planSync(learnerZxid: bigint): LearnerSyncPlan;
  abstract subscribe(subscriber: Subscriber): void;
  abstract unsubscribe(subscriber: Subscriber): void;
  abstract newLeaderAcked(handler: LearnerHandler): void;
  abstract acked(handler: LearnerHandler, zxidHigh: number, zxidLow: number): void;

  mayBeginSync({ isObserver }: LearnerHandler, kind: SyncKind): boolean {
    const { treeSyncsMax, txnSyncsMax } = this.#limits;
    return !isObserver || this.#countSyncs(kind) < (kind === "tree" ? treeSyncsMax : txnSyncsMax);
  }

  syncing(handler: LearnerHandler, way: SyncWay): void {
    this.#output.learnerSyncing(handler, way, this.#countSyncs(handler.syncKind!));
  }

  sendTree(handler: LearnerHandler, done: (nowMs: number) => void): bigint {
    return this.#output.sendTree(handler, done);
  }

  sendLog(...[handler, learnerZxid, events]: Parameters<HandlerServices["sendLog"]>): void {
    this.#output.sendLog(handler, learnerZxid, events);
  }

  receive(handler: LearnerHandler, packet: PacketView, nowMs: number): void {
    this.#output.received(handler, packet, nowMs);
  }

  gone(handler: LearnerHandler, reason: string): void {
    this.handlers.delete(handler);
    this.#output.learnerGone(handler, reason);
  }

  /** How a learner is brought up to date whose history ends there; `historyZxid` is where ours ended when it began. */
  protected planFor(learnerZxid: bigint, lastZxid: bigint, historyZxid: bigint): LearnerSyncPlan {
    const { window } = this;
    const { isSnapshotSyncForced, isLogSyncEnabled } = this.#limits;
    return planLearnerSync(learnerZxid, {
      window,
      lastZxid,
      historyZxid,
      isSnapshotForced: isSnapshotSyncForced,
      isLogSyncEnabled,
    });
  }

  /** Ends those that have been silent for too long. */
  protected closeSilent(nowMs: number): void {
    for (const handler of this.handlers) {
      if (nowMs - handler.heardMs > handler.timeoutMs) handler.close("Read timed out");
    }
  }

  /** Lets those serve that waited for a reconfiguration to be committed. */
  protected bringUpToDate(): void {
    for (const handler of this.handlers) handler.leaderServes(handler.heardMs);
  }

  protected ping({ zxidHigh, zxidLow }: ZxidHalves, nowMs: number): void {
    for (const handler of this.handlers) {
      const { state, subscriber, link } = handler;
      if (state !== "ExpectNewLeaderAck" && state !== "AwaitService" && state !== "Serving") continue;
      if (state === "Serving" && nowMs - subscriber.unackedSinceMs > this.syncTimeoutMs) {
        handler.close("Closing connection to peer due to transaction timeout.");
        continue;
      }
      writePacket(link.open(), PacketType.ping, zxidHigh, zxidLow);
    }
  }

  #countSyncs(kind: SyncKind): number {
    let count = 0;
    for (const { syncKind } of this.handlers) if (syncKind === kind) count++;
    return count;
  }

  /** A learner says who it is at once: of those who do not, the oldest has had more time than it needs. */
  #makeRoom(): void {
    const strangers = [...this.handlers].filter(({ state }) => state === "ExpectLearnerInfo");
    if (strangers.length >= strangersMax) strangers[0]!.close("too many connections that do not say who they are");
  }
}
