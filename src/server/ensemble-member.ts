/**
 * A member of an ensemble. It loads what it has, looks for a leader with the others, and serves while there is one.
 *
 *   start   client port bound -> database loaded -> election port bound -> looking
 *   role    QuorumPeer says what this server is; QuorumService serves; Replica keeps tree, log and epochs
 *   stop    timers off -> ports closed -> log written out
 *
 * Between two roles clients are let go, and none is let in; those that come wait a moment for the next role.
 * Source: QuorumPeerMain.java, QuorumPeer.java.
 */

import { CorruptionError } from "#base/errors.ts";
import { BufferStats } from "#base/metric-kinds.ts";
import type { EnsembleConfig } from "#config/ensemble-config.ts";
import type { Timer } from "#host/timers.ts";
import { Configurations } from "#quorum/configurations.ts";
import type { Member } from "#quorum/membership.ts";
import { ObserverMasters } from "#quorum/observer-masters.ts";
import { QuorumPeer } from "#quorum/quorum-peer.ts";
import { type Oracle, type QuorumVerifier, QuorumViews } from "#quorum/quorum-verifier.ts";
import { type Recovery, RecoveryError } from "#storage/recovery.ts";
import type { TxnLog } from "#storage/txn-log.ts";
import { setConfigZnode } from "#tree/system-znodes.ts";
import { ClientServer, type ServerParts } from "./client-server.ts";
import { connect } from "./client-services.ts";
import { ConfigFiles } from "./config-files.ts";
import { Housekeeping } from "./housekeeping.ts";
import { type MemberFacts, memberFacts } from "./member-facts.ts";
import { QuorumPorts } from "./quorum-ports.ts";
import { QuorumService, type RoleParts } from "./quorum-service.ts";
import { Replica } from "./replica.ts";
import { type Serving, wireServing } from "./wiring.ts";

/** What the oracle's file begins with where this server may go on alone: "1". */
const granted = 0x31;

export class EnsembleMember extends ClientServer {
  readonly ensemble: EnsembleConfig;
  readonly views: QuorumViews;
  readonly #files: ConfigFiles;
  #replica: Replica | null = null;
  #peer: QuorumPeer | null = null;
  #ports: QuorumPorts | null = null;
  #housekeeping: Housekeeping | null = null;
  #servingSinceMs = 0;
  #proposalSizes = new BufferStats();
  #timer: Timer | null = null;
  #timerAtMs: number = Number.POSITIVE_INFINITY;
  #isStopped = false;
  /** Where this server is, for other members and for clients: a reconfiguration may move it. */
  #own: Member;
  #clientPlace: { readonly address: string; readonly port: number | null };

  constructor(parts: ServerParts & { readonly ensemble: EnsembleConfig }) {
    super(parts);
    this.ensemble = parts.ensemble;
    const { sid, own, committed, lastSeen, zooCfg, oraclePath } = parts.ensemble;
    this.views = new QuorumViews(committed, lastSeen, oraclePath === null ? null : this.#oracleAt(oraclePath));
    this.#own = own;
    this.#clientPlace = { address: this.config.clientPortAddress, port: this.config.clientPort };
    this.#files = new ConfigFiles({ disk: this.host.disk, logger: this.host.logger, zooCfg, sid });
  }

  /** Asked when it matters, each time: somebody else writes the file. */
  #oracleAt(path: string): Oracle {
    const { disk } = this.host;
    return { grants: () => disk.peek(path, 1)?.[0] === granted };
  }

  get peer(): QuorumPeer | null {
    return this.#peer;
  }

  /** Null until the database is loaded. */
  get replica(): Replica | null {
    return this.#replica;
  }

  protected get log(): TxnLog | null {
    return this.#replica?.store.log ?? null;
  }

  override memberFacts(): MemberFacts | null {
    const { ensemble, views } = this;
    if (this.#peer === null) return null;
    const isReadOnly = this.serving?.isReadOnly === true;
    const uptimeMs = Math.round(this.host.clock.monotonicMs() - this.#servingSinceMs);
    return memberFacts(this.#peer, {
      ensemble,
      own: this.#own,
      views,
      isReadOnly,
      leader: { uptimeMs, proposalSizes: this.#proposalSizes },
    });
  }

  /** Binds the client port, loads the database, looks for a leader. @throws what stands in the way. */
  async start(): Promise<Recovery> {
    const { wire, timers, clock } = this.host;
    await this.port?.open(wire, timers);
    const turnEnded = (): void => this.turnEnded();
    const { replica, history, recovery } = await Replica.open({ ...this.persistence, turnEnded }).catch(
      (error: unknown) => {
        if (error instanceof CorruptionError || error instanceof RecoveryError) this.#adviseToRejoin();
        throw error;
      },
    );
    this.#replica = replica;
    if (this.config.reconfigEnabled) this.#files.backUp();
    // An empty database needs its snapshot.0 before its first transaction, or the next start is refused.
    if (recovery.kind === "empty") await replica.store.snapshots.take();
    const peer = this.#assemble(replica);
    await this.#ports!.open();
    peer.start(history, clock.monotonicMs());
    this.turnEnded();
    return recovery;
  }

  /** Files are damaged or gone; the other members have what was in them. */
  #adviseToRejoin(): void {
    const { dataDir, dataLogDir } = this.config;
    const folders = [...new Set([dataDir, dataLogDir])].map((folder) => `${folder}/version-2`).join(" and ");
    this.host.logger.error(
      {},
      `Files of this server are damaged or missing. The leader can give it everything: move ${folders} away, and start it again ` +
        `with an empty file ${dataDir}/version-2/rejoin, so that it has no vote until then`,
    );
  }

  /** Stops; what was acknowledged is on disk already. */
  async stop(): Promise<void> {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#timer?.cancel();
    this.#peer?.stop("stopped");
    this.#stopServing();
    this.handshakes.end();
    await Promise.all([this.port?.close(), this.#ports?.close()]);
    await this.#replica?.close();
    await this.#files.close();
  }

  override turnEnded(): void {
    super.turnEnded();
    this.#arm();
  }

  /** A reconfiguration is committed: this server may have another place now. */
  #reconfigured(config: QuorumVerifier): void {
    this.host.logger.info({ config: config.text }, "A configuration is committed");
    this.#files.storeCommitted(config, !this.views.isChanging);
    const own = config.member(this.ensemble.sid);
    if (own === null) return;
    this.#own = own;
    this.#ports?.move(own);
    if (own.client !== null) this.#moveClientPort(own.client.host, own.client.port);
  }

  #moveClientPort(address: string, port: number): void {
    if (address === this.#clientPlace.address && port === this.#clientPlace.port) return;
    this.#clientPlace = { address, port };
    this.port?.move(this.host.wire, address, port).catch((error: unknown) => {
      this.host.logger.error({ error: String(error) }, `Error reconfiguring client port to ${address}:${port}`);
    });
  }

  #assemble(replica: Replica): QuorumPeer {
    const { ensemble, views, host, config } = this;
    const configs = new Configurations({
      views,
      rules: ensemble.rules,
      isReconfigEnabled: config.reconfigEnabled,
      output: {
        storeSeen: (seen, done) => {
          // Else who dies in between has the change in its log, may be elected for it, and goes by the old members.
          const letGo = replica.store.hold();
          this.#files.storeSeen(seen, () => {
            letGo();
            done();
          });
        },
        activated: (committed) => this.#reconfigured(committed),
      },
    });
    const service = new QuorumService({
      ...this.persistence,
      ensemble,
      replica,
      serve: (role) => this.#serve(replica, role),
      stopServing: () => this.#stopServing(),
    });
    service.proposed = (bytes) => this.#proposalSizes.add(bytes);
    service.allApplied = (serving, nowMs) => this.allApplied(serving, nowMs);
    const dataBytesMax = config.juteMaxBufferBytes + config.juteMaxBufferExtraBytes;
    const turnEnded = (): void => {
      replica.apply();
      this.turnEnded();
    };
    const ports = new QuorumPorts({ ensemble, host, views, dataBytesMax, turnEnded, exit: this.exit });
    const peer = new QuorumPeer({
      sid: ensemble.sid,
      configs,
      electionOptions: ensemble.election,
      limits: {
        tickTimeMs: config.tickTimeMs,
        initLimit: ensemble.initLimit,
        syncLimit: ensemble.syncLimit,
        connectToLearnerMasterLimit: ensemble.connectToLearnerMasterLimit,
        connectRetryMs: ensemble.connectRetryMs,
        observerReconnectDelayMs: ensemble.observerReconnectDelayMs,
        observerElectionDelayMs: ensemble.observerElectionDelayMs,
        epochWaitMsMax: ensemble.epochWaitMsMax,
        isSnapshotSyncForced: ensemble.isSnapshotSyncForced,
        isLogSyncEnabled: ensemble.snapshotSizeFactor >= 0,
        treeSyncsMax: ensemble.treeSyncsMax,
        txnSyncsMax: ensemble.txnSyncsMax,
        firstCounter: ensemble.firstCounter,
      },
      observerMasters: ensemble.observerMasterPort > 0 ? new ObserverMasters(host.random) : null,
      random: host.random,
      wire: ports,
      replica,
      service,
    });
    ports.peer = peer;
    replica.onLogged = (zxid) => peer.logged(zxid);
    this.#peer = peer;
    this.#ports = ports;
    return peer;
  }

  #serve(replica: Replica, role: RoleParts): Serving {
    const { database, store } = replica;
    const { config, metrics, host } = this;
    setConfigZnode(database.tree, this.views.committed.text, this.views.committed.version, host.clock.wallMs());
    const serving = wireServing({
      ...this.persistence,
      database,
      log: store.log,
      snapshots: store.snapshots,
      folders: store.folders,
      sid: Number(BigInt.asIntN(8, this.ensemble.sid)),
      ...role,
      clientOf: this.numbers.get,
      onSessionAnswered: (client) => this.sessionAnswered(client),
    });
    this.#servingSinceMs = serving.sinceMs;
    this.#proposalSizes = new BufferStats();
    this.#housekeeping = new Housekeeping({
      config,
      metrics,
      host,
      letIn: (pipeline, nowMs) => this.letIn(pipeline, nowMs),
      turnEnded: () => this.turnEnded(),
    });
    this.#housekeeping.start(serving);
    const isServed = this.#peer?.leading === null || this.ensemble.leaderServes;
    this.serving = isServed ? serving : null;
    // By then the role has begun.
    host.timers.atTurnEnd(() => this.#playHandshakes());
    return serving;
  }

  #playHandshakes(): void {
    const { serving } = this;
    if (serving === null) return;
    const nowMs = this.host.clock.monotonicMs();
    this.handshakes.play((client, frame) => connect(serving, client, frame, 0, frame.length, nowMs), nowMs);
    this.turnEnded();
  }

  #stopServing(): void {
    this.#housekeeping?.stop();
    this.#housekeeping = null;
    this.port?.closeConnections();
    this.serving = null;
    if (!this.#isStopped) this.handshakes.begin();
  }

  /** Sees to it that the peer is called when it wants to be. */
  #arm(): void {
    const peer = this.#peer;
    if (peer === null || this.#isStopped) return;
    const { deadlineMs } = peer;
    if (deadlineMs === this.#timerAtMs) return;
    this.#timer?.cancel();
    this.#timer = null;
    this.#timerAtMs = deadlineMs;
    if (deadlineMs === Number.POSITIVE_INFINITY) return;
    const { clock, timers } = this.host;
    this.#timer = timers.after(Math.max(deadlineMs - clock.monotonicMs(), 0), () => {
      this.#timerAtMs = Number.POSITIVE_INFINITY;
      peer.timer(clock.monotonicMs());
      this.#replica?.apply();
      this.turnEnded();
    });
  }
}
