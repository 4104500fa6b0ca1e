/**
 * A server on its own: its one disk is the quorum. Wires tree, sessions, pipeline, log and client port together and is
 * the only place where they meet.
 *
 *   start   folders -> client port bound (words answer "not serving") -> database loaded -> serving
 *   turn    a socket's chunk -> pipeline -> replies sent -> at the turn's end: the log starts writing what was gathered
 *   durable the log's batch -> applied, one transaction after the other -> events and replies sent
 *
 * Always: nothing is applied, and so nothing is answered or seen, before the log has it on disk. A log that fails ends
 * the server (exit code 1), unretried; so does a snapshot that fails (exit code 10).
 * Source: ZooKeeperServerMain.java, ZooKeeperServer.java.
 */

import { ProviderRegistry } from "#auth/provider-registry.ts";
import { EnsembleProvider } from "#auth/ensemble-provider.ts";
import { digestAlgorithmOf } from "#auth/digest-provider.ts";
import { assert } from "#base/assert.ts";
import { ServerMetrics } from "#base/metrics.ts";
import { hexOfHalves } from "#base/zxid.ts";
import { readInt32 } from "#jute/reader.ts";
import type { ServerConfig } from "#config/server-config.ts";
import { ExitCode } from "#config/exit-code.ts";
import type { Timer } from "#host/timers.ts";
import { ClientPort, ConnectionNumbers } from "#net/client-port.ts";
import type { Client } from "#pipeline/client.ts";
import { ConnectionThrottle } from "#pipeline/connection-throttle.ts";
import { RequestPipeline } from "#pipeline/request-pipeline.ts";
import { SessionGate } from "#pipeline/session-gate.ts";
import { quotaExceededMessage } from "#tree/quota-text.ts";
import { SessionIds } from "#session/session-id.ts";
import type { Session } from "#session/session-tracker.ts";
import { purge } from "#storage/purge.ts";
import type { DataFolders } from "#storage/datadir.ts";
import type { Recovery } from "#storage/recovery.ts";
import { type LogBatch, recordOverheadBytes, recordPrefixBytes, TxnLog } from "#storage/txn-log.ts";
import { clientServices, type WordAnswerer } from "./client-services.ts";
import { ContainerReaper } from "./container-reaper.ts";
import { type Database, loadDatabase } from "./database.ts";
import type { HostParts } from "./host-parts.ts";
import { SnapshotTaker } from "./snapshot-taker.ts";

/** Expired sessions ended before other work gets its turn. */
const expiriesPerTurnMax = 500;

/** Transactions applied between two sends: clients take up their replies while the rest of a batch is applied. */
const repliesPerSend = 128;
/** Sockets written to before other work gets its turn. */
const sendsPerTurnMax = 250;
/** How long durable transactions are applied before sockets get their turn. */
const applyMsMax = 4;
/** Bytes gathered for the log from which on it starts writing within the turn, while other sockets are still read. */
const eagerFlushBytes = 16384;

/** What is there once the database is loaded. */
export interface Serving {
  readonly database: Database;
  readonly pipeline: RequestPipeline;
  readonly gate: SessionGate;
  readonly log: TxnLog;
  readonly snapshots: SnapshotTaker;
  readonly connectionThrottle: ConnectionThrottle;
  readonly folders: DataFolders;
  readonly sinceMs: number;
}

export class StandaloneServer {
  readonly config: ServerConfig;
  readonly metrics: ServerMetrics;
  readonly numbers: ConnectionNumbers = new ConnectionNumbers();
  readonly port: ClientPort | null;
  /** Null while the database is being loaded, and again once the server has stopped. */
  serving: Serving | null = null;
  readonly #host: HostParts;
  /** Ends the process; the reason has been logged. */
  readonly #exit: (code: ExitCode) => void;
  readonly #answered: Client[] = [];
  readonly #expired: Session[] = [];
  #reaper: ContainerReaper | null = null;
  readonly #timers: Timer[] = [];
  /** Batches that are durable and not applied yet, and how many bytes of the first one are. */
  readonly #durable: LogBatch[] = [];
  #applied = 0;
  #isSendDue = false;
  #isFlushDue = false;
  #unflushedCount = 0;
  #isStopped = false;

  constructor(parts: {
    config: ServerConfig;
    host: HostParts;
    answerWord: WordAnswerer;
    exit: (code: ExitCode) => void;
  }) {
    const { config, host } = parts;
    this.config = config;
    this.#host = host;
    this.#exit = parts.exit;
    this.metrics = new ServerMetrics(host.random);
    this.port = config.clientPort === null ? null : this.#newPort(config.clientPort, parts.answerWord);
  }

  /** Binds the port, loads the database, serves. @throws what stands in the way. */
  async start(): Promise<Recovery> {
    const { clock, logger, timers, wire } = this.#host;
    const { config } = this;
    const { tickTimeMs, minSessionTimeoutMs, maxSessionTimeoutMs, clientPortListenBacklog } = config;
    logger.info(
      {},
      `Created server with tickTime ${tickTimeMs} ms minSessionTimeout ${minSessionTimeoutMs} ms maxSessionTimeout ` +
        `${maxSessionTimeoutMs} ms clientPortListenBacklog ${clientPortListenBacklog} datadir ` +
        `${config.dataLogDir}/version-2 snapdir ${config.dataDir}/version-2`,
    );
    await this.port?.open(wire, timers);
    const { database, recovery } = await this.#load();
    const serving = this.#wire(database, recovery);
    database.sessions.start(clock.monotonicMs());
    database.dropOrphans(logger);
    // An empty database needs its snapshot.0 before its first transaction, or the next start is refused.
    if (recovery.kind !== "restored") await serving.snapshots.take();
    else if (recovery.txnsReplayed > 0) void serving.snapshots.take();
    this.serving = serving;
    this.#startTimers(serving);
    return recovery;
  }

  /** Stops serving; what was acknowledged is on disk already. */
  async stop(): Promise<void> {
    if (this.#isStopped) return;
    this.#isStopped = true;
    for (const timer of this.#timers) timer.cancel();
    this.#reaper?.stop();
    const { serving } = this;
    await this.port?.close();
    this.serving = null;
    await serving?.log.close();
  }

  #newPort(port: number, answerWord: WordAnswerer): ClientPort {
    const { config } = this;
    const { logger } = this.#host;
    const services = clientServices(this, this.#host, answerWord);
    const options = {
      address: config.clientPortAddress,
      port,
      backlog: config.clientPortListenBacklog,
      isKeepAlive: config.clientTcpKeepAlive,
      maxClientCnxns: config.maxClientCnxns,
      maxCnxns: config.maxCnxns,
    };
    return new ClientPort({ options, services, numbers: this.numbers, logger });
  }

  async #load(): Promise<{ database: Database; recovery: Recovery }> {
    const { config, metrics } = this;
    const { clock, timers, threads, logger, disk, hashSeed } = this.#host;
    const loaded = await loadDatabase({
      disk,
      clock,
      timers,
      threads,
      logger,
      tickTimeMs: config.tickTimeMs,
      dataDir: config.dataDir,
      dataLogDir: config.dataLogDir,
      isDatadirAutocreate: config.datadirAutocreate,
      isEmptySnapshotTrusted: config.snapshotTrustEmpty,
      isDbAutocreate: config.dbAutocreate,
      tree: {
        hashSeed,
        digestEnabled: config.digestEnabled,
        extendedTypesEnabled: config.extendedTypesEnabled,
        emulate353TtlNodes: config.emulate353TtlNodes,
      },
    });
    const { recovery } = loaded;
    metrics.dbinittime.add(Math.round(recovery.ms));
    metrics.startupTxnsLoaded.add(recovery.txnsReplayed);
    metrics.digestMismatchesCount.increment(loaded.database.applier.digestMismatchCount);
    loaded.database.applier.digestMismatchCount = 0;
    metrics.startupSnapLoadTime.add(Math.round(loaded.snapshotMs));
    metrics.startupTxnsLoadTime.add(Math.round(loaded.replayMs));
    return loaded;
  }

  #wire(database: Database, recovery: Recovery): Serving {
    const { config, metrics } = this;
    const { clock, random, logger } = this.#host;
    const log = this.#newLog(recovery);
    const nowMs = clock.monotonicMs();
    const { tree, sessions, applier } = database;
    const registry = this.#newRegistry();
    const snapshots = this.#newSnapshotTaker(database, log, recovery);
    const sink = {
      beginRecord: () => log.beginRecord(),
      endRecord: (zxidHigh: number, zxidLow: number) => {
        log.endRecord(zxidHigh, zxidLow);
        metrics.syncProcessorRequestQueued.increment();
        snapshots.txnLogged();
        if (config.flushDelayMs > 0 && ++this.#unflushedCount >= config.maxBatchSize) this.#flushLog();
      },
    };
    const pipeline: RequestPipeline = new RequestPipeline({
      tree,
      applier,
      sessions,
      registry,
      sink,
      metrics,
      now: clock,
      clientOf: this.numbers.get,
      options: {
        ...config,
        enforcedAuthSchemes: config.sessionRequireClientSaslAuth ? ["sasl"] : config.enforceAuthSchemes,
      },
      outcomes: {
        sessionOpened: (client) => {
          gate.opened(client);
          this.#answered.push(client);
        },
        sessionEnded: (high, low) => gate.clientOf(high, low)?.link.closeNow(),
      },
    });
    pipeline.preparer.onQuotaExceeded = ({ path, excesses }) => {
      for (const excess of excesses) logger.warn({ path }, quotaExceededMessage(path, excess));
      if (excesses.some(({ isHard }) => isHard))
        metrics.quotaExceededErrorPerNamespace.increment(path.split("/")[1] ?? "");
    };
    const connectionThrottle = new ConnectionThrottle(config.connectionThrottle, random, nowMs);
    const gate = new SessionGate({
      tree,
      sessions,
      pipeline,
      metrics,
      throttle: connectionThrottle,
      ids: new SessionIds(1, clock.wallMs()),
      bounds: { sessionTimeoutMsMin: config.minSessionTimeoutMs, sessionTimeoutMsMax: config.maxSessionTimeoutMs },
    });
    return {
      database,
      pipeline,
      gate,
      log,
      snapshots,
      connectionThrottle,
      folders: recovery,
      sinceMs: nowMs,
    };
  }

  #newRegistry(): ProviderRegistry {
    const { enabled, algorithm, superDigest } = this.config.digestAuth;
    const digestAlgorithm = digestAlgorithmOf(algorithm);
    const { authProviders, ensembleAuthNames } = this.config;
    const names = ensembleAuthNames.length === 0 ? null : ensembleAuthNames.join(",");
    const further = authProviders.has("ensemble") ? [new EnsembleProvider(names)] : [];
    assert(digestAlgorithm !== null, "the configuration accepts known digest algorithms only");
    return new ProviderRegistry({ isDigestEnabled: enabled, digestAlgorithm, superDigest, further });
  }

  #newLog(recovery: Recovery): TxnLog {
    const { config, metrics } = this;
    const { disk, clock, logger } = this.#host;
    return new TxnLog({
      disk,
      clock,
      logger,
      folder: recovery.logFolder,
      preAllocSizeKb: config.preAllocSizeKb,
      forceSync: config.forceSync,
      txnLogSizeLimitKb: config.txnLogSizeLimitKb,
      fsyncWarningThresholdMs: config.fsyncWarningThresholdMs,
      onDurable: (batch) => {
        metrics.syncProcessorBatchSize.add(batch.recordCount);
        this.#durable.push(batch);
        if (this.#durable.length === 1) this.#applyDurable();
      },
      onFsync: (ms) => metrics.fsynctime.add(ms),
      onFailure: (error) => {
        logger.error(
          { ...error.facts, error: error.message },
          "Severe unrecoverable error, exiting: the transaction log cannot be written",
        );
        metrics.unrecoverableErrorCount.increment();
        this.#exit(ExitCode.unexpectedError);
      },
    });
  }

  #newSnapshotTaker(database: Database, log: TxnLog, recovery: Recovery): SnapshotTaker {
    const { config, metrics } = this;
    const { disk, clock, logger, random } = this.#host;
    return new SnapshotTaker({
      database,
      log,
      random,
      clock,
      logger,
      metrics,
      snapCount: config.snapCount,
      snapSizeLimitKb: config.snapSizeLimitKb,
      write: {
        disk,
        folder: recovery.snapshotFolder,
        compression: config.snapshotCompression,
        hasDigest: config.digestEnabled,
        hasLastZxid: config.serializeLastProcessedZxid,
      },
      onFailure: (error) => {
        logger.error({ error: String(error) }, "Severe unrecoverable error, exiting: a snapshot cannot be written");
        this.#exit(ExitCode.txnLogErrorTakingSnapshot);
      },
    });
  }

  /** A socket's chunk has been handled. */
  turnEnded(): void {
    const { serving } = this;
    if (serving === null) return;
    this.#send(serving);
    const { pendingBytes } = serving.log;
    if (pendingBytes > eagerFlushBytes && this.config.flushDelayMs === 0) serving.log.flush();
    if (this.#isFlushDue || pendingBytes === 0) return;
    this.#isFlushDue = true;
    const { timers } = this.#host;
    if (this.config.flushDelayMs > 0) timers.after(this.config.flushDelayMs, this.#flushLog);
    else timers.atTurnEnd(this.#flushLog);
  }

  /** Hands sockets what was gathered for them; if they are very many, some now and the others in the next turns. */
  #send(serving: Serving): void {
    if (serving.pipeline.outbox.flush(sendsPerTurnMax) || this.#isSendDue) return;
    this.#isSendDue = true;
    this.#host.timers.atTurnEnd(() => {
      this.#isSendDue = false;
      this.#send(serving);
    });
  }

  readonly #flushLog = (): void => {
    this.#isFlushDue = false;
    this.#unflushedCount = 0;
    this.serving?.log.flush();
  };

  /** Applies durable batches, oldest first, for as long as a turn may take; what is left follows in the next turn. */
  readonly #applyDurable = (): void => {
    const { serving } = this;
    if (serving === null) return;
    const { clock, timers } = this.#host;
    const nowMs = clock.monotonicMs();
    const wallMs = clock.wallMs();
    const stopMs = nowMs + applyMsMax;
    let batch = this.#durable[0];
    while (batch !== undefined) {
      this.#applyRecords(serving, batch, nowMs, wallMs);
      if (this.#applied === batch.length) {
        this.#applied = 0;
        this.#durable.shift();
        serving.log.release(batch);
        batch = this.#durable[0];
      }
      if (batch !== undefined && clock.monotonicMs() > stopMs) {
        timers.atTurnEnd(this.#applyDurable);
        break;
      }
    }
    this.#afterBatch(serving, nowMs);
  };

  /** Applies some of the batch's transactions and sends their replies, so that clients go on while the rest follows. */
  #applyRecords(serving: Serving, batch: LogBatch, nowMs: number, wallMs: number): void {
    const { pipeline, database } = serving;
    const { header } = database.applier;
    const { bytes } = batch;
    let at = this.#applied;
    for (let count = 0; at < batch.length && count < repliesPerSend; count++) {
      const length = readInt32(bytes, at + 8);
      const start = at + recordPrefixBytes;
      pipeline.applied(bytes, start, start + length, nowMs, wallMs);
      database.digests.applied(header.zxidHigh, header.zxidLow, database.tree.digest);
      at += length + recordOverheadBytes;
    }
    this.#applied = at;
    this.#send(serving);
  }

  #afterBatch(serving: Serving, nowMs: number): void {
    const { pipeline, database } = serving;
    const mismatches = database.applier.digestMismatchCount;
    if (mismatches > 0) this.#reportMismatches(database, mismatches);
    for (const client of this.#answered) client.link.sessionAnswered(nowMs);
    this.#answered.length = 0;
    this.#letIn(pipeline, nowMs);
  }

  /** Goes on with requests that the throttle held back and with connections that were paused. */
  #letIn(pipeline: RequestPipeline, nowMs: number): void {
    pipeline.drainQueue(nowMs);
    pipeline.resumeIfIdle();
    this.turnEnded();
  }

  #reportMismatches(database: Database, count: number): void {
    database.applier.digestMismatchCount = 0;
    this.metrics.digestMismatchesCount.increment(count);
    const zxid = `0x${hexOfHalves(database.tree.lastZxidHigh, database.tree.lastZxidLow)}`;
    this.#host.logger.error({ zxid, count }, `Digests are not matching at ${zxid}`);
  }

  #startTimers(serving: Serving): void {
    const { config } = this;
    const { clock, timers, logger } = this.#host;
    const { database, pipeline } = serving;
    this.#timers.push(timers.every(Math.max(config.tickTimeMs / 4, 10), () => this.#expireSessions(serving)));
    // Wakes the request throttle where no reply does: when everything it let in has been answered or has gone stale.
    if (pipeline.queue.isEnabled) {
      const wake = (): void => this.#letIn(pipeline, clock.monotonicMs());
      this.#timers.push(timers.every(config.requestThrottle.stallTimeMs, wake));
    }
    this.#reaper = new ContainerReaper({
      tree: database.tree,
      options: config.container,
      clock,
      timers,
      logger,
      remove: (path) => {
        pipeline.deleteContainer(path, clock.monotonicMs());
        this.turnEnded();
      },
    });
    this.#reaper.start();
    logger.info({}, `autopurge.snapRetainCount set to ${config.autopurge.snapRetainCount}`);
    logger.info({}, `autopurge.purgeInterval set to ${config.autopurge.purgeIntervalHours}`);
    if (config.autopurge.purgeIntervalHours <= 0) {
      logger.info({}, "Purge task is not scheduled.");
      return;
    }
    void this.#purge(serving);
    this.#timers.push(timers.every(config.autopurge.purgeIntervalHours * 3_600_000, () => void this.#purge(serving)));
  }

  async #purge(serving: Serving): Promise<void> {
    const { config } = this;
    const { disk, logger } = this.#host;
    logger.info({}, "Purge task started.");
    try {
      await serving.snapshots.settled();
      await purge({
        disk,
        logger,
        ...serving.folders,
        snapRetainCount: config.autopurge.snapRetainCount,
        openLogPath: serving.log.openPath,
      });
      logger.info({}, "Purge task completed.");
    } catch (error) {
      logger.error({ error: String(error) }, "Error occurred while purging.");
    }
  }

  #expireSessions(serving: Serving): void {
    if (this.#isStopped) return;
    const { clock, logger } = this.#host;
    const nowMs = clock.monotonicMs();
    for (const session of serving.database.sessions.expire(nowMs)) this.#expired.push(session);
    if (this.#expired.length === 0) return;
    for (const session of this.#expired.splice(0, expiriesPerTurnMax)) {
      const id = `0x${hexOfHalves(session.idHigh, session.idLow)}`;
      logger.info({ session: id }, `Expiring session ${id}, timeout of ${session.timeoutMs}ms exceeded`);
      this.metrics.staleSessionsExpired.increment();
      serving.pipeline.expireSession(session, nowMs);
    }
    this.turnEnded();
    if (this.#expired.length > 0) this.#host.timers.atTurnEnd(() => this.#expireSessions(serving));
  }
}
