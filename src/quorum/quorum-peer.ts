/**
 * A member of an ensemble: looks for a leader, leads or learns, and looks again when that ends.
 *
 *   Looking ----elected----> Leading ------------------.
 *      ^   \---elected----> Connecting ---> Learning --+ over: no quorum, no leader, or it broke the protocol
 *      |                                               |
 *      `---------------------- Settling <--------------'
 *
 * A reconfiguration may end a role and name the next leader: then there is no election (appointed).
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
import { type Random, randomBelow } from "#base/prng.ts";
import { highOf, longOf, lowOf, type ZxidHalves } from "#base/zxid.ts";
import { type Configurations, isSameLeader } from "./configurations.ts";
import type { Durable } from "./durable.ts";
import { type ElectionOptions, LeaderElection } from "./leader-election.ts";
import type { LeaderOutput } from "./leader-output.ts";
import type { LearnerHandler } from "./learner-handler.ts";
import type { LearnerMaster, LearnerMasterOutput } from "./learner-master.ts";
import type { LearnerOutput } from "./learner-output.ts";
import { Leading } from "./leading.ts";
import { Learning } from "./learning.ts";
import type { Notification } from "./notification.ts";
import type { PeerHistory, PeerLimits, PeerReplica, PeerService, PeerState, PeerWire } from "./peer-parts.ts";
import { MasterSearch, type Seeker } from "./master-search.ts";
import { ObserverMaster } from "./observer-master.ts";
import type { ObserverMasters } from "./observer-masters.ts";
import { QuorumError, type QuorumLink } from "./quorum-link.ts";
import type { QuorumVerifier } from "./quorum-verifier.ts";
import { ServerState, type Vote } from "./vote.ts";

/** Leaders of too old an epoch in a row, behind which a server looks for the next one after a wait: one may give way until then. */
const turnedAwayMax = 20;

export class QuorumPeer {
  readonly election: LeaderElection;
  state: PeerState = "Looking";
  leading: Leading | null = null;
  learning: Learning | null = null;
  /** While this server follows, and serves observers. */
  observerMaster: ObserverMaster | null = null;
  acceptedEpoch = 0n;
  currentEpoch = 0n;
  lastZxid = 0n;
  readonly sid: bigint;
  readonly #configs: Configurations;
  readonly #limits: PeerLimits;
  readonly #wire: PeerWire;
  readonly #replica: PeerReplica;
  readonly #service: PeerService;
  readonly #random: Random;
  /** Whether followers serve observers. */
  readonly #hasObserverMasters: boolean;
  readonly #search: MasterSearch;
  /** When the driver last spoke to the election, which knows no clock. */
  #nowMs = 0;
  #halfTickMs: number = Number.POSITIVE_INFINITY;
  /** How many leaders in a row had an epoch too old for this server. */
  #turnedAwayCount = 0;
  /** When this server looks for the next leader, if it waits before it does. */
  #lookAgainMs: number = Number.POSITIVE_INFINITY;
  /** Who leads when the present role has ended, and the zxid that says so; null: whom an election finds. */
  #appointed: { readonly leader: bigint; readonly zxid: bigint } | null = null;

  constructor(parts: {
    sid: bigint;
    configs: Configurations;
    electionOptions: ElectionOptions;
    limits: PeerLimits;
    /** Where followers serve observers: whom this server asks when it is one. */
    observerMasters: ObserverMasters | null;
    random: Random;
    wire: PeerWire;
    replica: PeerReplica;
    service: PeerService;
  }) {
    const { sid, configs, wire } = parts;
    const { views } = configs;
    this.sid = sid;
    this.#configs = configs;
    this.#limits = parts.limits;
    this.#wire = wire;
    this.#replica = parts.replica;
    this.#service = parts.service;
    this.#random = parts.random;
    this.#hasObserverMasters = parts.observerMasters !== null;
    this.#search = new MasterSearch(parts.limits, parts.observerMasters, parts.random);
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

  /** Who is not in the configuration follows all the same, as one whose acknowledgements do not count. */
  get isObserver(): boolean {
    return this.#configs.views.committed.member(this.sid)?.role === "observer";
  }

  /** Whom learners are connected to here, if any. */
  get learnerMaster(): LearnerMaster | null {
    return this.leading ?? this.observerMaster;
  }

  /** Whom this server learns from: the leader, or a follower that serves observers. */
  get masterSid(): bigint {
    return this.#search.masterSid;
  }

  /** When {@link timer} wants to be called, on the driver's monotonic clock. */
  get deadlineMs(): number {
    return Math.min(this.election.deadlineMs, this.#halfTickMs, this.#search.againMs, this.#lookAgainMs);
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
    this.#halfTickMs = this.#lookAgainMs = Number.POSITIVE_INFINITY;
    this.#search.end();
    this.leading?.stop(reason);
    this.observerMaster?.stop(reason);
    this.learning?.stop(reason);
  }

  /** What another server has sent to the election port. */
  receiveVote(sid: bigint, notification: Notification, nowMs: number): void {
    this.#nowMs = nowMs;
    if (notification.config !== null && this.#adopts(notification.config)) this.#look(nowMs);
    else this.election.receive(sid, notification, nowMs);
    const isLooking = notification.state === ServerState.looking;
    if (!isLooking || this.leading === null || !this.election.isSupporter(sid)) return;
    this.leading.deserted(this.election.hasLostQuorum(sid, notification), nowMs);
  }

  /** Nobody listens where another server has its election port. */
  voterRefused(sid: bigint, nowMs: number): void {
    this.#nowMs = nowMs;
    this.election.refused(sid);
  }

  /** A learner has connected. @returns null when nobody serves it here: it is to be closed. */
  learnerConnected(link: QuorumLink, nowMs: number): LearnerHandler | null {
    return this.learnerMaster?.connected(link, nowMs) ?? null;
  }

  /** The connection to the leader is there. @returns null when it is no longer wanted: it is to be closed. */
  connected(link: QuorumLink, nowMs: number): Learning | null {
    if (this.state !== "Connecting") return null;
    this.#change("Learning", link.remote);
    this.#search.end();
    const { tickTimeMs, initLimit, syncLimit } = this.#limits;
    this.learning = new Learning({
      sid: this.sid,
      isObserver: this.isObserver,
      configVersion: this.#configs.views.committed.version,
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
    if (!this.#search.failed(this.#seeker, nowMs)) this.#over("the leader cannot be reached");
  }

  /** The time of {@link deadlineMs} has come. */
  timer(nowMs: number): void {
    this.#nowMs = nowMs;
    this.election.expire(nowMs);
    if (nowMs >= this.#search.againMs) this.#connect();
    if (nowMs >= this.#lookAgainMs) this.#look(nowMs);
    if (nowMs < this.#halfTickMs) return;
    this.#halfTickMs = nowMs + this.#limits.tickTimeMs / 2;
    this.leading?.halfTick(nowMs);
    this.observerMaster?.halfTick(nowMs);
    if (this.learning?.isTimedOut(nowMs) === true) this.learning.stop("Read timed out");
    if (this.state === "Connecting" && nowMs > this.#search.deadlineMs) this.#over("the leader cannot be reached");
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
    this.#lookAgainMs = Number.POSITIVE_INFINITY;
    this.#configs.views.isOracleNeeded = true;
    this.#change("Looking", "");
    this.election.look(this.#candidate, nowMs);
  }

  /** Whether another server knows of a later configuration, with other members. */
  #adopts(text: string): boolean {
    const { views, isReconfigEnabled } = this.#configs;
    if (!isReconfigEnabled || this.state !== "Looking" || text === views.committed.text) return false;
    try {
      return this.#configs.activate(this.#configs.parse(text, "notification")) !== null;
    } catch (error) {
      if (error instanceof QuorumError) return false;
      throw error;
    }
  }

  /**
   * A configuration is committed. @param leader who leads from now on; null: whoever does, or is elected.
   * @returns whether this server's role or its leader is another one now.
   */
  #activate(config: QuorumVerifier, leader: bigint | null, zxid: bigint): boolean {
    const wasObserver = this.isObserver;
    const before = this.#configs.activate(config);
    if (before === null) return false;
    const current = this.election.currentVote.leader;
    const hasNewLeader = leader === null ? !isSameLeader(current, before, config) : leader !== current;
    const isMajor = hasNewLeader || this.isObserver !== wasObserver;
    this.#appointed = isMajor && leader !== null ? { leader, zxid } : null;
    return isMajor;
  }

  /** Whether the transaction that made that configuration is proposed, as far as this server knows, and not committed. */
  #isPending({ version }: QuorumVerifier): boolean {
    const { window } = this.#replica;
    const index = window.indexBehind(highOf(version), lowOf(version)) - 1;
    if (index < window.committedCount) return false;
    const { zxidHigh, zxidLow } = window.at(index);
    return longOf(zxidHigh, zxidLow) === version;
  }

  #elected(vote: Vote): void {
    const nowMs = this.#nowMs;
    this.#halfTickMs = nowMs + this.#limits.tickTimeMs / 2;
    if (this.election.state === ServerState.leading) {
      this.#lead(nowMs);
      return;
    }
    this.#change("Connecting", `server ${vote.leader}`);
    this.#search.begin(this.#seeker, nowMs);
    if (nowMs >= this.#search.againMs) this.#connect();
  }

  get #seeker(): Seeker {
    const { leader } = this.election.currentVote;
    return { isObserver: this.isObserver, leader, voters: this.#configs.views.committed.voters };
  }

  #connect(): void {
    this.#search.attempted();
    const { masterSid } = this.#search;
    this.#wire.connect(masterSid, masterSid === this.election.currentVote.leader ? "leader" : "observerMaster");
  }

  #lead(nowMs: number): void {
    this.#change("Leading", "");
    const history = { currentEpoch: this.currentEpoch, lastZxid: this.lastZxid };
    this.leading = new Leading({
      sid: this.sid,
      configs: this.#configs,
      window: this.#replica.window,
      history,
      limits: this.#limits,
      output: this.#leaderOutput(),
      nowMs,
    });
    this.#wire.listen("leader");
    this.leading.start(this.acceptedEpoch);
  }

  /** This server follows: observers may come. */
  #serveObservers({ established, committedZxid }: Learning): void {
    this.observerMaster = new ObserverMaster({
      views: this.#configs.views,
      window: this.#replica.window,
      limits: this.#limits,
      epoch: established!,
      committedZxid,
      output: this.#learnerMasterOutput(),
    });
    this.#wire.listen("observerMaster");
  }

  #over(reason: string): void {
    if (this.state === "Settling" || this.state === "Stopped") return;
    const isTreeBroken = this.learning?.isTreeBroken === true;
    this.#turnedAwayCount = this.learning?.isTurnedAway === true ? this.#turnedAwayCount + 1 : 0;
    this.#change("Settling", reason);
    this.#halfTickMs = Number.POSITIVE_INFINITY;
    this.#search.end();
    if (this.learnerMaster !== null) this.#wire.unlisten();
    this.observerMaster?.stop(reason);
    this.observerMaster = null;
    this.leading = null;
    this.learning = null;
    this.#service.stop(reason);
    this.#replica.settle(isTreeBroken, (lastZxid, nowMs) => {
      if (this.state !== "Settling") return;
      this.lastZxid = lastZxid;
      const appointed = this.#appointed;
      this.#appointed = null;
      if (appointed === null) {
        const waitMs = this.#waitBeforeNextLook();
        if (waitMs === 0) this.#look(nowMs);
        else this.#lookAgainMs = nowMs + waitMs;
        return;
      }
      this.#nowMs = nowMs;
      this.election.appoint(appointed.leader, appointed.zxid, this.#candidate);
    });
  }

  /** Observers do not all come back at once, where an operator wants it; nor does whom one leader after the other has turned away. */
  #waitBeforeNextLook(): number {
    if (this.#turnedAwayCount > turnedAwayMax) return this.#limits.connectRetryMs;
    return this.isObserver ? randomBelow(this.#limits.observerElectionDelayMs, this.#random) : 0;
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
      activate: (config, leader, zxid) => void this.#activate(config, leader, zxid),
      ...this.#learnerMasterOutput(),
      offered: (sid) => this.election.offerOf(sid),
      deserted: () => service.deserted(),
      over: (reason) => this.#over(reason),
    };
  }

  #learnerMasterOutput(): LearnerMasterOutput {
    const replica = this.#replica;
    const service = this.#service;
    return {
      sendTree: (handler, done) => replica.sendTree(handler, done),
      sendLog: (handler, learnerZxid, events) => replica.sendLog(handler, learnerZxid, events),
      received: (handler, packet, nowMs) => service.receivedFromLearner(handler, packet, nowMs),
      learnerSyncing: (handler, way, count) => service.learnerSyncing(handler, way, count),
      learnerGone: (handler, reason) => service.learnerGone(handler, reason),
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
      commit: (zxidHigh, zxidLow, leader) => {
        const { window } = replica;
        this.observerMaster?.committed(window.at(window.committedCount), leader);
        replica.commit(zxidHigh, zxidLow);
      },
      persist: (mode, done) => replica.persist(mode, done),
      sawProposedConfig: (text) => {
        if (!this.#configs.isReconfigEnabled) return;
        const config = this.#configs.parse(text, "PROPOSAL");
        // What comes from the past, while this server catches up, is not what was seen last.
        if (config.version > this.#configs.views.lastSeen.version) this.#configs.see(config, () => {});
      },
      sawLeadersConfig: (text, stored) => {
        if (!this.#configs.isReconfigEnabled) {
          stored();
          return;
        }
        this.#configs.see(this.#configs.parse(text, "NEWLEADER"), stored);
      },
      activate: (text, leader, zxid) => {
        if (!this.#configs.isReconfigEnabled) return false;
        const config = this.#configs.parse(text, "the leader");
        // A leader that serves tells who joins of a change that is under way; only its own commit makes it count.
        if (leader === null && this.#isPending(config)) return false;
        const isMajor = this.#activate(config, leader, zxid);
        this.observerMaster?.activated();
        return isMajor;
      },
      serve: (epoch) => {
        this.#reportEpoch(epoch);
        this.#search.served();
        const learning = this.learning!;
        service.learn(learning, epoch);
        if (this.#hasObserverMasters && !learning.isObserver) this.#serveObservers(learning);
      },
      received: (packet, nowMs) => service.receivedFromLeader(packet, nowMs),
      touchedSessions: () => service.touchedSessions(),
      over: (reason) => this.#over(reason),
    };
  }
}
