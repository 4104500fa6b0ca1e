/**
 * A leader, from the election that made it one until it steps down.
 *
 *   Discovery          a quorum says which epochs it has accepted; a newer one is chosen          -> acceptedEpoch on disk
 *   Establishing       a quorum has accepted it, and none of it has a newer history                -> currentEpoch on disk
 *   Synchronization    learners are brought up to date; a quorum has all of it on disk
 *   Broadcast          serving: transactions are proposed and committed; pings, every half tick
 *   Over               no quorum for too long, or told to stop
 *
 * What is in the leader's log when it is established is committed by that: a quorum has it. Nothing else is ever proposed
 * before a quorum has acknowledged NEWLEADER.
 *
 * The machine has no clock, sockets or disk. Its driver hands in packets and ticks, and does what {@link LeaderOutput} says.
 * Source: Leader.java (lead), LearnerMaster.java; Zab paper, phases 1 to 3.
 */

import { epochMax, highOf, longOf, lowOf } from "#base/zxid.ts";
import type { ReconfigRequest } from "#jute/records/proto.ts";
import type { PacketView } from "#protocol/quorum-packet.ts";
import { Broadcast } from "./broadcast.ts";
import { type Configurations, isSameLeader } from "./configurations.ts";
import type { Durable } from "./durable.ts";
import { EpochAgreement, type StateSummary } from "./epoch-agreement.ts";
import type { LeaderLimits, LeaderOutput } from "./leader-output.ts";
import type { LearnerHandler } from "./learner-handler.ts";
import { LearnerMaster } from "./learner-master.ts";
import type { LearnerSyncPlan } from "./learner-sync-plan.ts";
import type { QuorumLink } from "./quorum-link.ts";
import { QuorumVerifier } from "./quorum-verifier.ts";
import { judgeReconfig, type ReconfigRefusal } from "./reconfiguration.ts";
import type { Subscriber } from "./subscriber.ts";
import type { TxnWindow } from "./txn-window.ts";

export type LeaderPhase = "Discovery" | "Establishing" | "Synchronization" | "Broadcast" | "Over";

/** Below this a new epoch is due: more than anybody writes in the half tick until the next look. */
const countersLeftMin = 2 ** 24;
/** How often voters come that have accepted a later epoch, before the leader gives way to them. */
const laterEpochsMax = 10;

export class Leading extends LearnerMaster {
  readonly broadcast: Broadcast;
  phase: LeaderPhase = "Discovery";
  readonly #sid: bigint;
  readonly #configs: Configurations;
  readonly #limits: LeaderLimits;
  readonly #output: LeaderOutput;
  readonly #agreement: EpochAgreement;
  readonly #history: StateSummary;
  /** Settled and on the disk; null before. */
  #epoch: Durable<bigint> | null = null;
  readonly #newLeaderAckers = new Set<bigint>();
  readonly #sinceMs: number;
  #phaseDeadlineMs: number;
  /** currentEpoch is being written. */
  #isEstablishing = false;
  #tick = 0;
  #isHalfTick = true;
  #laterEpochs = 0;
  /** A learner waits to serve until a reconfiguration is committed that it was told of. */
  #isUpToDateDue = false;
  /** The reconfiguration has left nobody else to lead, but learners have to find this server in another place. */
  #hasMoved = false;

  /** @param parts.history where this server's history ends; the window holds the newest part of it, all committed. */
  constructor(parts: {
    sid: bigint;
    configs: Configurations;
    window: TxnWindow;
    history: StateSummary;
    limits: LeaderLimits;
    output: LeaderOutput;
    nowMs: number;
  }) {
    const { sid, configs, window, history, limits, output, nowMs } = parts;
    const { views } = configs;
    super({ views, window, limits, output });
    this.#sid = sid;
    this.#configs = configs;
    this.#history = history;
    this.#limits = limits;
    this.#output = output;
    this.#sinceMs = nowMs;
    this.#phaseDeadlineMs = nowMs + this.initTimeoutMs;
    this.#agreement = new EpochAgreement(views, sid, history);
    const { lastZxid } = history;
    const start = { zxidHigh: highOf(lastZxid), zxidLow: lowOf(lastZxid) };
    this.broadcast = new Broadcast({
      window,
      views,
      sid,
      start,
      output: {
        committed: (zxidHigh, zxidLow) => {
          output.committed(zxidHigh, zxidLow);
          if (this.#isUpToDateDue && !this.views.isChanging) this.#completeChange();
        },
        activate: (zxidHigh, zxidLow) => this.#activate(longOf(zxidHigh, zxidLow)),
      },
    });
  }

  /** The epoch, once it is settled and on the disk. */
  get epoch(): bigint | null {
    return this.#epoch;
  }

  get isServing(): boolean {
    return this.phase === "Broadcast";
  }

  /** Begins: this server has accepted that epoch last. */
  start(acceptedEpoch: bigint): void {
    this.#agreement.propose(this.#sid, acceptedEpoch);
    this.#settleEpoch();
  }

  override connected(link: QuorumLink, nowMs: number): LearnerHandler {
    const handler = super.connected(link, nowMs);
    handler.tickDeadline = this.#tick + this.#limits.initLimit + this.#limits.syncLimit;
    return handler;
  }

  override take(handler: LearnerHandler, packet: PacketView, nowMs: number): void {
    super.take(handler, packet, nowMs);
    if (handler.state === "Serving") handler.tickDeadline = this.#tick + this.#limits.syncLimit;
  }

  /** Half a tick has passed. */
  halfTick(nowMs: number): void {
    if (this.phase === "Over") return;
    this.closeSilent(nowMs);
    if (this.phase !== "Broadcast") {
      if (nowMs > this.#phaseDeadlineMs) this.stop(this.#reasonToGiveUp());
      return;
    }
    if (this.#hasMoved) {
      this.stop("this server's quorum address has changed");
      return;
    }
    if (this.broadcast.countersLeft < countersLeftMin) {
      // An election is over in moments, and sessions outlive it; ZooKeeper goes on to the very last number, in the middle of writes.
      this.stop("the zxids of this epoch are nearly used up: the next one begins");
      return;
    }
    this.#isHalfTick = !this.#isHalfTick;
    if (this.#isHalfTick) {
      this.#tick++;
      if (!this.#isQuorumSynced() && !this.#mayGoOnAlone()) {
        this.stop("Not sufficient followers synced, only synced with sids: [ " + this.#syncedSids() + " ]");
        return;
      }
    }
    this.ping(this.broadcast.proposed, nowMs);
  }

  /**
   * One of those who elected this server looks for a leader again: it may be in vain to wait for a quorum. ZooKeeper waits all the same,
   * for as long as `initLimit` or maxTimeToWaitForEpoch says. @param isQuorumLost those that still vote for this server are none.
   */
  deserted(isQuorumLost: boolean, nowMs: number): void {
    if (this.phase !== "Discovery") return;
    const { epochWaitMsMax } = this.#limits;
    const isOverdue = epochWaitMsMax >= 0 && nowMs - this.#sinceMs > epochWaitMsMax;
    if (!isQuorumLost && !isOverdue) return;
    this.#output.deserted();
    this.stop("Quit leading due to voter changed mind.");
  }

  /** Steps down. */
  stop(reason: string): void {
    if (this.phase === "Over") return;
    this.phase = "Over";
    for (const handler of this.handlers) handler.close(reason);
    this.#output.over(reason);
  }

  /** Judges a client's request to change the ensemble. @returns the configuration that it makes, or why it may not be. */
  judgeReconfig(request: ReconfigRequest, zxid: bigint): QuorumVerifier | ReconfigRefusal {
    const { views, rules } = this.#configs;
    return judgeReconfig(request, { views, rules, zxid, isSynced: (config) => this.#isSynced(config) });
  }

  /** The transaction that makes that configuration is about to be proposed: a quorum of it has to acknowledge it as well. */
  proposing(config: QuorumVerifier): void {
    this.#configs.see(config, () => {});
  }

  proposeEpoch(handler: LearnerHandler, acceptedEpoch: bigint): void {
    this.#agreement.propose(handler.sid, acceptedEpoch);
    if (this.#epoch === null) this.#settleEpoch();
    else {
      handler.epochSettled(this.#epoch, handler.heardMs);
      if (acceptedEpoch > this.#epoch) this.#giveWay(handler.sid, acceptedEpoch);
    }
  }

  ackEpoch(handler: LearnerHandler, summary: StateSummary): boolean {
    if (!this.#agreement.ack(handler.sid, summary)) return false;
    if (this.phase === "Synchronization" || this.phase === "Broadcast") handler.epochEstablished(handler.heardMs);
    else this.#establish();
    return true;
  }

  planSync(learnerZxid: bigint): LearnerSyncPlan {
    const { zxidHigh, zxidLow } = this.broadcast.committed;
    return this.planFor(learnerZxid, longOf(zxidHigh, zxidLow), this.#history.lastZxid);
  }

  subscribe(subscriber: Subscriber): void {
    this.broadcast.subscribe(subscriber);
    if (subscriber.isParticipant) this.views.isOracleNeeded = false;
  }

  unsubscribe(subscriber: Subscriber): void {
    this.broadcast.unsubscribe(subscriber);
  }

  newLeaderAcked(handler: LearnerHandler): void {
    this.#newLeaderAckers.add(handler.sid);
    if (this.phase === "Broadcast") {
      handler.leaderServes(handler.heardMs);
      this.#isUpToDateDue ||= handler.state === "AwaitService";
    } else if (this.phase === "Synchronization") {
      this.#serveIfInStep(handler.heardMs);
    }
  }

  acked(handler: LearnerHandler, zxidHigh: number, zxidLow: number): void {
    handler.subscriber.acked(zxidHigh, zxidLow, handler.heardMs);
    this.broadcast.ack(handler.sid, zxidHigh, zxidLow);
  }

  override gone(handler: LearnerHandler, reason: string): void {
    super.gone(handler, reason);
    // Those who were told of another leader leave by themselves: with the last that counts this one's time is over.
    if (this.broadcast.isHandedOver && this.isServing && !this.#isQuorumSynced()) this.stop("another server leads now");
  }

  /**
   * A server that has accepted a later epoch, of a leader that came to nothing, may never follow this one. If it is a voter
   * the ensemble would do without it until somebody restarts this leader, as ZooKeeper's does; so this one asks for an
   * election, whose epoch is later still. Not at the first word, which may be a stranger's; and not for one that would win the
   * election, as when the disks of all others are new: what was acknowledged here since then would be lost.
   */
  #giveWay(sid: bigint, acceptedEpoch: bigint): void {
    if (this.phase !== "Broadcast" || !this.views.isVoter(sid)) return;
    const offered = this.#output.offered(sid);
    if (offered === null || offered.currentEpoch > this.#epoch!) return;
    if (++this.#laterEpochs < laterEpochsMax) return;
    this.stop(`Leaders epoch, ${this.#epoch} is less than accepted epoch, ${acceptedEpoch}, of server ${sid}`);
  }

  #settleEpoch(): void {
    const { epoch } = this.#agreement;
    if (epoch === null || this.phase !== "Discovery") return;
    this.phase = "Establishing";
    this.#output.storeAcceptedEpoch(epoch, (stored, nowMs) => {
      if (this.phase !== "Establishing") return;
      this.#epoch = stored;
      this.#phaseDeadlineMs = nowMs + this.initTimeoutMs;
      this.#agreement.ack(this.#sid, this.#history);
      for (const handler of this.handlers) handler.epochSettled(stored, nowMs);
      this.#establish();
    });
  }

  #establish(): void {
    if (!this.#agreement.isEstablished || this.phase !== "Establishing" || this.#isEstablishing) return;
    this.#isEstablishing = true;
    this.#output.storeCurrentEpoch(this.#epoch!, (stored, nowMs) => {
      if (this.phase !== "Establishing") return;
      this.#nameConfig(stored, () => {
        if (this.phase !== "Establishing") return;
        this.phase = "Synchronization";
        this.#phaseDeadlineMs = nowMs + this.initTimeoutMs;
        this.#newLeaderAckers.add(this.#sid);
        for (const handler of this.handlers) handler.epochEstablished(nowMs);
        this.#serveIfInStep(nowMs);
      });
    });
  }

  /** Members that come from files alone, and that no ensemble has agreed on yet, get the epoch for a version. */
  #nameConfig(epoch: bigint, stored: () => void): void {
    const { committed, lastSeen } = this.views;
    if (committed.version !== 0n || lastSeen.version !== 0n) stored();
    else this.#configs.see(new QuorumVerifier(committed.membership, epoch << 32n), stored);
  }

  #serveIfInStep(nowMs: number): void {
    // A learner whose acknowledgement was there already has had it begin while the learners were told of the epoch.
    if (this.phase !== "Synchronization" || !this.views.hasQuorums((sid) => this.#newLeaderAckers.has(sid))) return;
    this.phase = "Broadcast";
    this.broadcast.beginEpoch(Number(this.#epoch!), this.#limits.firstCounter);
    // A change that an earlier leader did not complete is complete now: a quorum of both configurations is in step.
    if (this.#activate(this.#epoch! << 32n) !== this.#sid) this.broadcast.handOver();
    this.#output.serve(this.#epoch!);
    for (const handler of this.handlers) handler.leaderServes(nowMs);
  }

  /** Makes the configuration that was seen last the one that counts. @returns who leads from now on. */
  #activate(zxid: bigint): bigint {
    if (!this.#configs.isReconfigEnabled) return this.#sid;
    const { committed, lastSeen } = this.views;
    const isSame = isSameLeader(this.#sid, committed, lastSeen);
    // Who has acknowledged the change and is gone would never take over.
    const here = new Set([...this.handlers].map(({ sid }) => sid));
    const others = lastSeen.voters.filter((sid) => sid !== this.#sid && here.has(sid));
    // The most advanced, so that little of what is proposed is lost.
    const other = this.broadcast.mostAdvanced(others) ?? others.find((sid) => this.#newLeaderAckers.has(sid));
    const leader = isSame ? this.#sid : (other ?? this.#sid);
    this.#hasMoved = !isSame && leader === this.#sid;
    this.#output.activate(lastSeen, leader, zxid);
    return leader;
  }

  #completeChange(): void {
    this.#isUpToDateDue = false;
    this.bringUpToDate();
  }

  /** Whether a quorum of that configuration is connected and in step. */
  #isSynced(config: QuorumVerifier): boolean {
    const synced = new Set<bigint>([this.#sid]);
    for (const { sid, state, isObserver, tickDeadline } of this.handlers) {
      if (state === "Serving" && !isObserver && this.#tick <= tickDeadline) synced.add(sid);
    }
    return config.hasQuorum((sid) => synced.has(sid));
  }

  #isQuorumSynced(): boolean {
    const synced = new Set([this.#sid, ...this.#synced()]);
    return this.views.hasQuorums((sid) => synced.has(sid));
  }

  /** The other of two voters is gone, and the oracle says that this one goes on: what waits for the other waits no longer. */
  #mayGoOnAlone(): boolean {
    this.views.isOracleNeeded = ![...this.handlers].some(({ isObserver }) => !isObserver);
    if (!this.views.isAloneByOracle) return false;
    this.broadcast.settle();
    return true;
  }

  /**
   * Who counts as one that follows. An observer that will vote when a change is committed does not: it acknowledges nothing, and
   * where the change needs it, an election has to come first. ZooKeeper counts it, and waits for ever.
   */
  #synced(): bigint[] {
    const synced = [...this.handlers].filter((one) => !one.isObserver && this.#tick <= one.tickDeadline);
    return synced.map(({ sid }) => sid);
  }

  #syncedSids(): string {
    return [this.#sid, ...this.#synced()].join(", ");
  }

  #reasonToGiveUp(): string {
    if (this.#agreement.isExhausted) return `no epoch follows ${epochMax}, which this server has accepted`;
    if (this.phase === "Discovery") return "Timeout while waiting for epoch from quorum";
    if (this.phase === "Establishing") return "Timeout while waiting for epoch to be acked by quorum";
    const sids = [...this.#newLeaderAckers].join(", ");
    return `Waiting for a quorum of followers, only synced with sids: [ ${sids} ]`;
  }
}
