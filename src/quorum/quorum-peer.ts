/**
 * A member of an ensemble: looks for a leader, leads or learns, and looks again when that ends.
 *
 *   Looking ----elected----> Leading ------------------.
 *      ^   \---elected----> Connecting ---> Learning --+ over: no quorum, no leader, or it broke the protocol
 *      |                                               |
 *      `---------------------- Settling <--------------'
 *
 * Settling is what keeps memory and disk one: clients are let go, everything that was logged becomes durable, and what is
 * in the log and was never committed is applied after all. So the next vote speaks of the whole log, and memory is never
 * ahead of what a restart would load. A tree that was half received is thrown away, and what the disk has is loaded.
 *
 * The machine has no clock, sockets or disk: {@link PeerWire}, {@link PeerReplica} and {@link PeerService} are handed in, and whoever
 * drives it calls {@link timer} at {@link deadlineMs}.
 * Source: QuorumPeer.java (run), Learner.connectToLeader.
 */

import { assert } from "#base/assert.ts";
import type { PacketView } from "#protocol/quorum-packet.ts";
import type { ZxidHalves } from "./broadcast.ts";
import type { Durable } from "./durable.ts";
import { type ElectionOptions, LeaderElection } from "./leader-election.ts";
import type { LearnerHandler, SyncWay } from "./learner-handler.ts";
import { type LeaderLimits, type LeaderOutput, Leading } from "./leading.ts";
import { type LearnerOutput, Learning } from "./learning.ts";
import type { Notification } from "./notification.ts";
import type { QuorumLink } from "./quorum-link.ts";
import type { QuorumViews } from "./quorum-verifier.ts";
import type { TxnWindow } from "./txn-window.ts";
import { ServerState, type Vote } from "./vote.ts";

export type PeerState = "Looking" | "Leading" | "Connecting" | "Learning" | "Settling" | "Stopped";

/** The ports of the ensemble. */
export interface PeerWire {
  /** Election port: see ElectionOutput. */
  sendVote(sid: bigint, vote: Vote): void;
  connectAll(): void;
  readonly hasDelivered: boolean;
  /** Quorum port: learners may connect from now on, or no more. */
  listen(): void;
  unlisten(): void;
  /** Connects to the quorum port of that member; `connected` or `connectFailed` follows. */
  connect(sid: bigint): void;
}

/** The log, the snapshots, the epoch files, the tree. */
export interface PeerReplica
  extends
    Pick<LeaderOutput, "storeAcceptedEpoch" | "storeCurrentEpoch" | "sendTree" | "sendLog">,
    Pick<LearnerOutput, "truncate" | "beginTree" | "takeTree" | "log" | "persist"> {
  readonly window: TxnWindow;
  /** Everything up to that zxid is committed: it is applied at the end of the turn, or when it is durable. */
  commit(zxidHigh: number, zxidLow: number): void;
  /**
   * A role has ended. Makes durable what was logged, applies what was not committed, then calls `done` with the last zxid of
   * tree and log, -1 when there is no history that counts. `isTreeBroken`: loads what the disk has instead.
   */
  settle(isTreeBroken: boolean, done: (lastZxid: bigint, nowMs: number) => void): void;
}

/** What is done for clients while there is a leader. */
export interface PeerService {
  lead(leading: Leading, epoch: bigint): void;
  learn(learning: Learning, epoch: bigint): void;
  /** A learner asks, or tells of its sessions. */
  receivedFromLearner(handler: LearnerHandler, packet: PacketView, nowMs: number): void;
  receivedFromLeader(packet: PacketView, nowMs: number): void;
  learnerSyncing(handler: LearnerHandler, way: SyncWay, count: number): void;
  learnerGone(handler: LearnerHandler, reason: string): void;
  touchedSessions(): Uint8Array;
  /** No more serving: clients are let go. */
  stop(reason: string): void;
  /** For the log: what this server does now. */
  stateChanged(state: PeerState, detail: string): void;
}

export interface PeerLimits extends LeaderLimits {
  /** In ticks; 0 means initLimit. */
  readonly connectToLearnerMasterLimit: number;
  /** Between two attempts to connect to a leader (zookeeper.leaderConnectDelayDuringRetryMs). */
  readonly connectRetryMs: number;
}

/** Where this member's history stands when it starts. */
export interface PeerHistory {
  readonly acceptedEpoch: bigint;
  readonly currentEpoch: bigint;
  /** -1 when there is none that counts: damaged, and to be replaced by a leader's. */
  readonly lastZxid: bigint;
}

/** Learner.java tries 5 times; the rest is for a ZooKeeper that waits 200 ms longer before it leads. */
const connectAttemptsMax = 7;
/** Before them, each followed by twice the wait of the one before. */
const shortAttempts = 5;

export class QuorumPeer {
  readonly election: LeaderElection;
  state: PeerState = "Looking";
  leading: Leading | null = null;
  learning: Learning | null = null;
  acceptedEpoch = 0n;
  currentEpoch = 0n;
  lastZxid = 0n;
  readonly sid: bigint;
  readonly #views: QuorumViews;
  readonly #limits: PeerLimits;
  readonly #wire: PeerWire;
  readonly #replica: PeerReplica;
  readonly #service: PeerService;
  readonly #hasDigests: boolean;
  /** When the driver last spoke to the election, which knows no clock. */
  #nowMs = 0;
  #halfTickMs: number = Number.POSITIVE_INFINITY;
  #connectAttempts = 0;
  #connectDeadlineMs = 0;
  #connectAgainMs: number = Number.POSITIVE_INFINITY;

  constructor(parts: {
    sid: bigint;
    views: QuorumViews;
    electionOptions: ElectionOptions;
    limits: PeerLimits;
    /** Whether this server's transactions carry the tree's digest. */
    hasDigests: boolean;
    wire: PeerWire;
    replica: PeerReplica;
    service: PeerService;
  }) {
    const { sid, views, wire } = parts;
    this.sid = sid;
    this.#views = views;
    this.#limits = parts.limits;
    this.#wire = wire;
    this.#replica = parts.replica;
    this.#service = parts.service;
    this.#hasDigests = parts.hasDigests;
    this.election = new LeaderElection({
      sid,
      views,
      options: parts.electionOptions,
      output: {
        send: (to, vote) => wire.sendVote(to, vote),
        connectAll: () => wire.connectAll(),
        get hasDelivered() {
          return wire.hasDelivered;
        },
        elected: (vote) => this.#elected(vote),
      },
    });
  }

  get isObserver(): boolean {
    return !this.#views.committed.isVoter(this.sid);
  }

  /** When {@link timer} wants to be called, on the driver's monotonic clock. */
  get deadlineMs(): number {
    return Math.min(this.election.deadlineMs, this.#halfTickMs, this.#connectAgainMs);
  }

  /** Starts looking for a leader. */
  start(history: PeerHistory, nowMs: number): void {
    this.acceptedEpoch = history.acceptedEpoch;
    this.currentEpoch = history.currentEpoch;
    this.lastZxid = history.lastZxid;
    this.election.introduce(this.#candidate);
    this.#look(nowMs);
  }

  /** Stops for good: no election follows. */
  stop(reason: string): void {
    this.#change("Stopped", reason);
    this.election.stop();
    this.#halfTickMs = this.#connectAgainMs = Number.POSITIVE_INFINITY;
    this.leading?.stop(reason);
    this.learning?.stop(reason);
  }

  /** What another server has sent to the election port. */
  receiveVote(sid: bigint, notification: Notification, nowMs: number): void {
    this.#nowMs = nowMs;
    this.election.receive(sid, notification, nowMs);
  }

  /** Nobody listens where another server has its election port. */
  voterRefused(sid: bigint, nowMs: number): void {
    this.#nowMs = nowMs;
    this.election.refused(sid);
  }

  /** A learner has connected to the quorum port. @returns null when this server does not lead: it is to be closed. */
  learnerConnected(link: QuorumLink, nowMs: number): LearnerHandler | null {
    return this.leading?.connected(link, nowMs) ?? null;
  }

  /** The connection to the leader is there. @returns null when it is no longer wanted: it is to be closed. */
  connected(link: QuorumLink, nowMs: number): Learning | null {
    if (this.state !== "Connecting") return null;
    this.#change("Learning", link.remote);
    this.#connectAgainMs = Number.POSITIVE_INFINITY;
    const { tickTimeMs, initLimit, syncLimit } = this.#limits;
    this.learning = new Learning({
      sid: this.sid,
      isObserver: this.isObserver,
      configVersion: this.#views.committed.version,
      acceptedEpoch: this.acceptedEpoch,
      currentEpoch: this.currentEpoch,
      lastZxid: this.lastZxid,
      window: this.#replica.window,
      limits: { initTimeoutMs: tickTimeMs * initLimit, syncTimeoutMs: tickTimeMs * syncLimit },
      link,
      output: this.#learnerOutput(),
      nowMs,
    });
    this.#halfTickMs = nowMs + tickTimeMs / 2;
    return this.learning;
  }

  /** The leader cannot be reached, this time. */
  connectFailed(nowMs: number): void {
    if (this.state !== "Connecting") return;
    // A leader may be some milliseconds behind its learners: the first waits are short, and come on top.
    const shortening = Math.max(0, shortAttempts - this.#connectAttempts + 1);
    const waitMs = this.#limits.connectRetryMs / 2 ** shortening;
    const isLast = this.#connectAttempts >= connectAttemptsMax + shortAttempts;
    if (isLast || nowMs + waitMs > this.#connectDeadlineMs) this.#over("the leader cannot be reached");
    else this.#connectAgainMs = nowMs + waitMs;
  }

  /** The time of {@link deadlineMs} has come. */
  timer(nowMs: number): void {
    this.#nowMs = nowMs;
    this.election.expire(nowMs);
    if (nowMs >= this.#connectAgainMs) this.#connect();
    if (nowMs < this.#halfTickMs) return;
    this.#halfTickMs = nowMs + this.#limits.tickTimeMs / 2;
    this.leading?.halfTick(nowMs);
    if (this.learning?.isTimedOut(nowMs) === true) this.learning.stop("Read timed out");
    if (this.state === "Connecting" && nowMs > this.#connectDeadlineMs) this.#over("the leader cannot be reached");
  }

  /** Everything up to that zxid is in this server's log, for good. */
  logged(zxid: Durable<ZxidHalves>): void {
    this.learning?.logged(zxid);
    if (this.leading === null) return;
    this.leading.broadcast.ackOwn(zxid);
    this.leading.broadcast.settle();
  }

  get #candidate(): { zxid: bigint; currentEpoch: bigint; isParticipant: boolean } {
    return { zxid: this.lastZxid, currentEpoch: this.currentEpoch, isParticipant: !this.isObserver };
  }

  #look(nowMs: number): void {
    this.#nowMs = nowMs;
    this.#change("Looking", "");
    this.election.look(this.#candidate, nowMs);
  }

  #elected(vote: Vote): void {
    const nowMs = this.#nowMs;
    this.#halfTickMs = nowMs + this.#limits.tickTimeMs / 2;
    if (this.election.state === ServerState.leading) {
      this.#lead(nowMs);
      return;
    }
    this.#change("Connecting", `server ${vote.leader}`);
    const { tickTimeMs, initLimit, connectToLearnerMasterLimit } = this.#limits;
    this.#connectDeadlineMs = nowMs + tickTimeMs * (connectToLearnerMasterLimit || initLimit);
    this.#connectAttempts = 0;
    this.#connect();
  }

  #connect(): void {
    this.#connectAgainMs = Number.POSITIVE_INFINITY;
    this.#connectAttempts++;
    this.#wire.connect(this.election.currentVote.leader);
  }

  #lead(nowMs: number): void {
    this.#change("Leading", "");
    const history = { currentEpoch: this.currentEpoch, lastZxid: this.lastZxid };
    this.leading = new Leading({
      sid: this.sid,
      views: this.#views,
      window: this.#replica.window,
      history,
      hasDigests: this.#hasDigests,
      limits: this.#limits,
      output: this.#leaderOutput(),
      nowMs,
    });
    this.#wire.listen();
    this.leading.start(this.acceptedEpoch);
  }

  #over(reason: string): void {
    if (this.state === "Settling" || this.state === "Stopped") return;
    const isTreeBroken = this.learning?.isTreeBroken === true;
    this.#change("Settling", reason);
    this.#halfTickMs = this.#connectAgainMs = Number.POSITIVE_INFINITY;
    if (this.leading !== null) this.#wire.unlisten();
    this.leading = null;
    this.learning = null;
    this.#service.stop(reason);
    this.#replica.settle(isTreeBroken, (lastZxid, nowMs) => {
      if (this.state !== "Settling") return;
      this.lastZxid = lastZxid;
      this.#look(nowMs);
    });
  }

  #change(state: PeerState, detail: string): void {
    this.state = state;
    this.#service.stateChanged(state, detail);
  }

  /** After this, all members of the ensemble report one epoch to whoever asks whom they follow. */
  #reportEpoch(epoch: bigint): void {
    this.election.currentVote = { ...this.election.currentVote, peerEpoch: epoch };
  }

  #storeAcceptedEpoch(epoch: bigint, done: (epoch: Durable<bigint>, nowMs: number) => void): void {
    assert(epoch > this.acceptedEpoch, "an epoch is accepted once");
    this.#replica.storeAcceptedEpoch(epoch, (stored, nowMs) => {
      this.acceptedEpoch = stored;
      done(stored, nowMs);
    });
  }

  #storeCurrentEpoch(epoch: bigint, done: (epoch: Durable<bigint>, nowMs: number) => void): void {
    this.#replica.storeCurrentEpoch(epoch, (stored, nowMs) => {
      this.currentEpoch = stored;
      done(stored, nowMs);
    });
  }

  #leaderOutput(): LeaderOutput {
    const replica = this.#replica;
    const service = this.#service;
    return {
      storeAcceptedEpoch: (epoch, done) => this.#storeAcceptedEpoch(epoch, done),
      storeCurrentEpoch: (epoch, done) => this.#storeCurrentEpoch(epoch, done),
      serve: (epoch) => {
        this.#reportEpoch(epoch);
        service.lead(this.leading!, epoch);
      },
      committed: (zxidHigh, zxidLow) => replica.commit(zxidHigh, zxidLow),
      sendTree: (handler, done) => replica.sendTree(handler, done),
      sendLog: (handler, learnerZxid, events) => replica.sendLog(handler, learnerZxid, events),
      received: (handler, packet, nowMs) => service.receivedFromLearner(handler, packet, nowMs),
      learnerSyncing: (handler, way, count) => service.learnerSyncing(handler, way, count),
      learnerGone: (handler, reason) => service.learnerGone(handler, reason),
      over: (reason) => this.#over(reason),
    };
  }

  #learnerOutput(): LearnerOutput {
    const replica = this.#replica;
    const service = this.#service;
    return {
      storeAcceptedEpoch: (epoch, done) => this.#storeAcceptedEpoch(epoch, done),
      storeCurrentEpoch: (epoch, _history, done) => this.#storeCurrentEpoch(epoch, done),
      truncate: (zxid, done) => replica.truncate(zxid, done),
      beginTree: (zxid) => replica.beginTree(zxid),
      takeTree: (bytes, start, end) => replica.takeTree(bytes, start, end),
      log: (bytes, start, end) => replica.log(bytes, start, end),
      commit: (zxidHigh, zxidLow) => replica.commit(zxidHigh, zxidLow),
      persist: (mode, done) => replica.persist(mode, done),
      serve: (epoch) => {
        this.#reportEpoch(epoch);
        service.learn(this.learning!, epoch);
      },
      received: (packet, nowMs) => service.receivedFromLeader(packet, nowMs),
      touchedSessions: () => service.touchedSessions(),
      over: (reason) => this.#over(reason),
    };
  }
}
