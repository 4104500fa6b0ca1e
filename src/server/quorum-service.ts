/**
 * What a member does for clients and for other members while there is a leader.
 *
 *   lead    transactions are prepared here, for our clients and for those of learners, and proposed; sessions expire here
 *   learn   requests go to the leader and come back as transactions; it is told which sessions were heard of
 *
 * Without one, and with `readonlymode.enabled`, clients that are content with reads are served what this member has, from a while
 * after it began to look for a leader until it stops looking.
 *
 * Source: LeaderZooKeeperServer.java, LearnerZooKeeperServer.java, LearnerHandler.run, Learner.java.
 */

import { LongMap } from "#base/long-map.ts";
import { hexOfHalves, highOf, longOf, lowOf } from "#base/zxid.ts";
import type { EnsembleConfig } from "#config/ensemble-config.ts";
import type { Timer } from "#host/timers.ts";
import { readInt32 } from "#jute/reader.ts";
import { JuteWriter } from "#jute/writer.ts";
import type { Client } from "#pipeline/client.ts";
import { type ForwardedRequest, ForwardedWrites } from "#pipeline/forwarded-writes.ts";
import { NoWrites } from "#pipeline/no-writes.ts";
import type { Reconfigurer } from "#pipeline/prepare.ts";
import type { TxnSink } from "#pipeline/txn-sink.ts";
import type { WritePath } from "#pipeline/write-path.ts";
import { PacketType, type PacketView } from "#protocol/quorum-packet.ts";
import type { LearnerHandler, SyncWay } from "#quorum/learner-handler.ts";
import type { Leading } from "#quorum/leading.ts";
import type { Learning } from "#quorum/learning.ts";
import type { PeerService, PeerState } from "#quorum/peer-parts.ts";
import type { QuorumVerifier } from "#quorum/quorum-verifier.ts";
import { EndedSessions } from "#session/ended-sessions.ts";
import { LocalSessions } from "#session/local-sessions.ts";
import type { ProviderRegistry } from "#auth/provider-registry.ts";
import type { HostParts } from "./host-parts.ts";
import { LearnerRequests, requestPrefixBytes, sessionEntryBytes } from "./learner-requests.ts";
import { ObserverRelay } from "./observer-relay.ts";
import type { PersistenceParts } from "./persistence.ts";
import type { Replica } from "./replica.ts";
import { ReplicationMeter } from "./replication-meter.ts";
import { preparedWrites, type Serving, type ServingParts } from "./wiring.ts";

/** What each role, and the want of one, serves with. */
export type RoleParts = Pick<ServingParts, "writesOf" | "revalidate" | "localSessions" | "isReadOnly">;

export interface QuorumServiceParts extends PersistenceParts {
  readonly replica: Replica;
  readonly ensemble: Pick<
    EnsembleConfig,
    "sid" | "syncLimit" | "observerMasterPort" | "localSessionsEnabled" | "localSessionsUpgradingEnabled"
  >;
  /** Puts together what serves, with these writes, and begins to serve. */
  readonly serve: (role: RoleParts) => Serving;
  /** Ends it. */
  readonly stopServing: () => void;
}

/** A leader is looked for so long, or for a tick, before there are reads without one. */
const readOnlyGraceMsMin = 2000;

export class QuorumService implements PeerService {
  readonly #parts: QuorumServiceParts;
  readonly #host: HostParts;
  #serving: Serving | null = null;
  /** On a leader. */
  #learnerRequests: LearnerRequests | null = null;
  /** On a follower that serves observers. */
  #relay: ObserverRelay | null = null;
  #lookingSinceMs = 0;
  /** Since when nobody is served, however often a leader was looked for meanwhile; null when somebody is. */
  #unavailableSinceMs: number | null = null;
  /** Runs out when it is time for reads without a leader. */
  #readOnlyTimer: Timer | null = null;
  #isReadOnly = false;
  /** Connections that wait for the leader's word on their session. */
  readonly #revalidating = new LongMap<Client>();

  constructor(parts: QuorumServiceParts) {
    this.#parts = parts;
    this.#host = parts.host;
  }

  lead(leading: Leading): void {
    const { replica, serve } = this.#parts;
    const { database } = replica;
    const { zxidHigh, zxidLow } = leading.broadcast.proposed;
    database.tree.lastZxidHigh = zxidHigh;
    database.tree.lastZxidLow = zxidLow;
    database.sessions.start(this.#nowMs());
    const sink = this.#sink(leading);
    const localSessions = this.#newLocalSessions();
    const { ensemble, config } = this.#parts;
    const sidByte = Number(ensemble.sid & 0xffn);
    // A learner that is not heard of for syncLimit is given up, and what it has sent is not read any more.
    const ended = new EndedSessions(2 * ensemble.syncLimit * config.tickTimeMs);
    const writesOf = (registry: ProviderRegistry): WritePath =>
      preparedWrites(this.#parts, database, registry, sink, {
        proposed: () => leading.broadcast.proposed,
        reconfigurer: this.#reconfigurer(leading),
        ...(localSessions === null ? {} : { localSessions: { own: localSessions, sidByte, ended } }),
      });
    this.#serving = serve({ writesOf, localSessions });
    this.#learnerRequests = new LearnerRequests({
      prepared: this.#serving.prepared!,
      broadcast: leading.broadcast,
      sessions: database.sessions,
      metrics: this.#parts.metrics,
      clock: this.#host.clock,
    });
    replica.consumer = this.#consumer(this.#serving);
    replica.meter = new ReplicationMeter(this.#parts.metrics, "leader", replica.window);
    this.#parts.metrics.leaderUnavailableTime.add(this.#nowAvailable());
  }

  learn(learning: Learning): void {
    const { replica, serve, ensemble } = this.#parts;
    const { database } = replica;
    if (ensemble.observerMasterPort > 0 && !learning.isObserver) {
      this.#relay = new ObserverRelay(learning.link, database.sessions, this.#parts.metrics);
    }
    database.sessions.stop();
    const localSessions = this.#newLocalSessions();
    const forwarded = new ForwardedWrites({
      applier: database.applier,
      forward: (request) => this.#forward(learning, request),
      newest: () => replica.window.newest,
      localSessions,
    });
    this.#serving = serve({
      writesOf: () => forwarded,
      revalidate: (client, idHigh, idLow) => this.#askLeader(learning, client, idHigh, idLow),
      localSessions,
    });
    replica.consumer = this.#consumer(this.#serving);
    const { metrics } = this.#parts;
    const role = learning.isObserver ? "observer" : "follower";
    replica.meter = new ReplicationMeter(metrics, role, replica.window);
    const syncMs = Math.round(this.#nowMs() - learning.syncBegunMs);
    if (learning.isObserver) metrics.observerSyncTime.add(syncMs);
    else metrics.followerSyncTime.add(syncMs);
    this.#nowAvailable();
  }

  stop(reason: string): void {
    const { replica, stopServing } = this.#parts;
    this.#host.logger.info({ reason }, "shutting down");
    replica.consumer = null;
    replica.meter = null;
    this.#serving = null;
    this.#learnerRequests = null;
    this.#relay = null;
    stopServing();
    this.#revalidating.clear();
  }

  receivedFromLearner(handler: LearnerHandler, packet: PacketView, nowMs: number): void {
    if (this.#relay !== null) this.#relay.received(handler, packet, nowMs);
    else this.#learnerRequests?.received(handler, packet, nowMs);
  }

  receivedFromLeader(packet: PacketView, nowMs: number): void {
    if (packet.type !== PacketType.sync) this.#takeRevalidated(packet, nowMs);
    else if (this.#relay?.synced() !== true) this.#takeSync(nowMs);
  }

  learnerSyncing({ sid }: LearnerHandler, { mode, zxid, learnerZxid }: SyncWay, count: number): void {
    const { metrics, host } = this.#parts;
    if (mode === "SNAP") {
      metrics.snapCount.increment();
      metrics.inflightSnapCount.add(count);
    } else {
      metrics.diffCount.increment();
      metrics.inflightDiffCount.add(count);
    }
    const facts = { sid: String(sid), zxid: zxidText(zxid), peerZxid: zxidText(learnerZxid) };
    host.logger.info(facts, `Sending ${mode} to server ${sid}`);
  }

  learnerGone(handler: LearnerHandler, reason: string): void {
    this.#parts.replica.forget(handler);
    this.#host.logger.warn({ sid: String(handler.sid), reason }, `Learner ${handler.sid} is gone`);
  }

  deserted(): void {
    this.#parts.metrics.quitLeadingDueToDisloyalVoter.increment();
  }

  touchedSessions(): Uint8Array {
    const { sessions } = this.#parts.replica.database;
    const out = new JuteWriter(sessions.touchedCount * sessionEntryBytes + 1);
    sessions.takeTouched((idHigh, idLow, timeoutMs) => {
      out.writeLong(idHigh, idLow);
      out.writeInt(timeoutMs);
    });
    return out.toBytes();
  }

  stateChanged(state: PeerState, detail: string): void {
    const nowMs = this.#nowMs();
    if (state === "Looking") {
      this.#lookingSinceMs = nowMs;
      this.#unavailableSinceMs ??= nowMs;
      this.#parts.metrics.lookingCount.increment();
    } else if (state === "Leading" || state === "Connecting") {
      this.#parts.metrics.electionTime.add(Math.round(nowMs - this.#lookingSinceMs));
    }
    const word = state === "Looking" ? "LOOKING" : `Peer state changed: ${state.toLowerCase()}`;
    this.#host.logger.info({ detail }, word);
    if (state === "Looking") this.#awaitReadOnly();
    else this.#endReadOnly();
  }

  #awaitReadOnly(): void {
    const { config, host } = this.#parts;
    if (!config.readOnlyModeEnabled || this.#isReadOnly || this.#readOnlyTimer !== null) return;
    const graceMs = Math.max(readOnlyGraceMsMin, config.tickTimeMs);
    this.#readOnlyTimer = host.timers.after(graceMs, () => this.#serveReadOnly());
  }

  #serveReadOnly(): void {
    const { replica, serve } = this.#parts;
    this.#readOnlyTimer = null;
    this.#isReadOnly = true;
    replica.database.sessions.stop();
    serve({ writesOf: () => new NoWrites(), localSessions: this.#newLocalSessions(), isReadOnly: true });
    this.#host.logger.info({}, "Read-only server started");
  }

  #endReadOnly(): void {
    this.#readOnlyTimer?.cancel();
    this.#readOnlyTimer = null;
    if (!this.#isReadOnly) return;
    this.#isReadOnly = false;
    this.#parts.stopServing();
  }

  /** Null where all sessions are the ensemble's. */
  #newLocalSessions(): LocalSessions | null {
    const { config, replica, ensemble } = this.#parts;
    if (!ensemble.localSessionsEnabled) return null;
    return new LocalSessions({
      tickTimeMs: config.tickTimeMs,
      nowMs: this.#nowMs(),
      canUpgrade: ensemble.localSessionsUpgradingEnabled,
      global: replica.database.sessions,
    });
  }

  /** A leader's transactions go into its log and to its learners; the bytes are those that the log has. */
  #sink(leading: Leading): TxnSink {
    const { replica } = this.#parts;
    const { store } = replica;
    let start = 0;
    let writer: JuteWriter | null = null;
    return {
      beginRecord: () => {
        writer = store.log.beginRecord();
        start = writer.length;
        return writer;
      },
      endRecord: (zxidHigh, zxidLow) => {
        const end = writer!.length;
        store.log.endRecord(zxidHigh, zxidLow);
        replica.meter?.proposed(writer!.bytes, start, 0);
        leading.broadcast.propose(writer!.bytes, start, end, this.#nowMs());
        store.logged();
        this.proposed(end - start);
      },
    };
  }

  #reconfigurer(leading: Leading): Reconfigurer {
    const { logger } = this.#host;
    let config: QuorumVerifier | null = null;
    return {
      judge: (request, zxidHigh, zxidLow) => {
        const verdict = leading.judgeReconfig(request, longOf(zxidHigh, zxidLow));
        if ("error" in verdict) {
          logger.warn({ code: verdict.error, reason: verdict.reason }, "A reconfiguration was refused");
          return verdict.error;
        }
        config = verdict;
        return verdict.text;
      },
      proposing: () => {
        logger.info({ config: config!.text }, "A reconfiguration is proposed");
        leading.proposing(config!);
      },
    };
  }

  #consumer(serving: Serving): NonNullable<Replica["consumer"]> {
    const { pipeline, syncs } = serving;
    const { effort, outbox } = pipeline;
    return {
      applied: (bytes, start, end, nowMs, wallMs) => {
        pipeline.applied(bytes, start, end, nowMs, wallMs);
        if (syncs.length > 0) this.#answerSyncs(serving, nowMs);
      },
      get isShareSpent() {
        return effort.isSpent;
      },
      get mustRest() {
        return pipeline.mustRest;
      },
      someApplied: () => {
        outbox.flush();
        effort.begin();
      },
      allApplied: (nowMs) => this.allApplied(serving, nowMs),
    };
  }

  /** Set by the server: told the size of each proposal. */
  proposed: (byteLength: number) => void = () => {};
  /** Set by the server: what follows when all that could be applied has been. */
  allApplied: (serving: Serving, nowMs: number) => void = () => {};

  #forward(learning: Learning, request: ForwardedRequest): void {
    const { bytes, start, end, identities } = request;
    this.#relay?.ownRequest(request.type);
    const out = learning.link.open();
    out.writeInt(PacketType.request);
    out.writeLong(-1, -1);
    out.writeInt(requestPrefixBytes + end - start);
    out.writeLong(request.idHigh, request.idLow);
    out.writeInt(request.xid);
    out.writeInt(request.type);
    out.writeRaw(bytes, start, end);
    if (identities === null) {
      out.writeInt(-1);
      return;
    }
    out.writeInt(identities.length);
    for (const { scheme, id } of identities) {
      out.writeString(scheme);
      out.writeString(id);
    }
  }

  #askLeader(learning: Learning, client: Client, idHigh: number, idLow: number): void {
    this.#revalidating.set(idHigh, idLow, client);
    const out = learning.link.open();
    out.writeInt(PacketType.revalidate);
    out.writeLong(-1, -1);
    out.writeInt(sessionEntryBytes);
    out.writeLong(idHigh, idLow);
    out.writeInt(client.timeoutMs);
    out.writeInt(-1);
  }

  #takeRevalidated(packet: PacketView, nowMs: number): void {
    const { bytes, dataStart, dataBytes } = packet;
    if (dataBytes < sessionEntryBytes - 3 || this.#serving === null) return;
    const idHigh = readInt32(bytes, dataStart);
    const idLow = readInt32(bytes, dataStart + 4);
    if (this.#relay?.revalidated(packet, nowMs) === true) return;
    const client = this.#revalidating.get(idHigh, idLow);
    if (client === undefined) {
      const id = `0x${hexOfHalves(idHigh, idLow)}`;
      this.#host.logger.warn({ session: id }, `Missing session ${id} for validation`);
      return;
    }
    this.#revalidating.delete(idHigh, idLow);
    const isAlive = bytes[dataStart + 8] !== 0;
    if (isAlive) this.#relay?.cameHere(idHigh, idLow);
    this.#serving.gate.revalidated(client, idHigh, idLow, isAlive, nowMs);
    if (isAlive) client.link.sessionAnswered(nowMs);
  }

  /** The leader has answered a sync: what it had committed before has reached our window, and is applied here first. */
  #takeSync(nowMs: number): void {
    if (this.#serving === null) return;
    const { window } = this.#parts.replica;
    const { committedCount } = window;
    const last = committedCount === 0 ? null : window.at(committedCount - 1);
    this.#serving.syncs.answered(last?.zxidHigh ?? 0, last?.zxidLow ?? 0);
    this.#answerSyncs(this.#serving, nowMs);
  }

  #answerSyncs({ syncs, pipeline, database }: Serving, nowMs: number): void {
    const { lastZxidHigh, lastZxidLow } = database.tree;
    for (;;) {
      const sync = syncs.take(lastZxidHigh, lastZxidLow);
      if (sync === null) return;
      pipeline.synced(sync.pending, sync.request, nowMs);
    }
  }

  /** @returns how long that took, in milliseconds. */
  #nowAvailable(): number {
    const nowMs = this.#nowMs();
    const ms = Math.round(nowMs - (this.#unavailableSinceMs ?? nowMs));
    this.#unavailableSinceMs = null;
    this.#parts.metrics.unavailableTime.add(ms);
    return ms;
  }

  #nowMs(): number {
    return this.#host.clock.monotonicMs();
  }
}

function zxidText(zxid: bigint): string {
  return `0x${hexOfHalves(highOf(zxid), lowOf(zxid))}`;
}
