/**
 * A server on its own: its one disk is the quorum. It starts, has its turns, and stops; what it serves with is put
 * together in wiring.ts, what it does by the clock stands in housekeeping.ts.
 *
 *   start   folders -> client port bound (words answer "not serving") -> database loaded -> serving
 *   turn    a socket's chunk -> pipeline -> replies sent -> at the turn's end: the log starts writing what was gathered
 *   durable the log's batch -> applied, one transaction after the other -> events and replies sent
 *   stop    timers off -> port closed -> log written out
 *
 * Always: nothing is applied, and so nothing is answered or seen, before the log has it on disk. A log that fails ends
 * the server (exit code 1), unretried; so does a snapshot that fails (exit code 10).
 * Source: ZooKeeperServerMain.java, ZooKeeperServer.java.
 */

import { ServerMetrics } from "#base/metrics.ts";
import { hexOfHalves } from "#base/zxid.ts";
import type { ExitCode } from "#config/exit-code.ts";
import type { ServerConfig } from "#config/server-config.ts";
import { readInt32 } from "#jute/reader.ts";
import { ClientPort, ConnectionNumbers } from "#net/client-port.ts";
import type { Client } from "#pipeline/client.ts";
import type { RequestPipeline } from "#pipeline/request-pipeline.ts";
import type { Recovery } from "#storage/recovery.ts";
import { type LogBatch, recordOverheadBytes, recordPrefixBytes } from "#storage/txn-log.ts";
import { clientServices, type WordAnswerer } from "./client-services.ts";
import { type Database, loadDatabase } from "./database.ts";
import { Housekeeping } from "./housekeeping.ts";
import type { HostParts } from "./host-parts.ts";
import { type Serving, wireServing } from "./wiring.ts";

/** Transactions applied between two sends: clients take up their replies while the rest of a batch is applied. */
const repliesPerSend = 128;
/** Sockets written to before other work gets its turn. */
const sendsPerTurnMax = 250;
/** How long durable transactions are applied before sockets get their turn. */
const applyMsMax = 4;
/** Bytes gathered for the log from which on it starts writing within the turn, while other sockets are still read. */
const eagerFlushBytes = 16384;

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
  readonly #housekeeping: Housekeeping;
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
    this.#housekeeping = new Housekeeping({
      config,
      metrics: this.metrics,
      host,
      letIn: (pipeline, nowMs) => this.#letIn(pipeline, nowMs),
      turnEnded: () => this.turnEnded(),
    });
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
    this.#housekeeping.start(serving);
    return recovery;
  }

  /** Stops serving; what was acknowledged is on disk already. */
  async stop(): Promise<void> {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#housekeeping.stop();
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
    metrics.digestMismatchesCount.increment(loaded.database.applier.digestMismatchCount);
    loaded.database.applier.digestMismatchCount = 0;
    metrics.startupSnapLoadTime.add(Math.round(loaded.snapshotMs));
    // As in ZooKeeper: with nothing in the folders nothing was replayed, not even no transaction.
    if (recovery.kind === "restored" || recovery.kind === "log-only") {
      metrics.startupTxnsLoaded.add(recovery.txnsReplayed);
      metrics.startupTxnsLoadTime.add(Math.round(loaded.replayMs));
    }
    return loaded;
  }

  #wire(database: Database, recovery: Recovery): Serving {
    const { config, metrics } = this;
    return wireServing({
      config,
      metrics,
      host: this.#host,
      database,
      recovery,
      clientOf: this.numbers.get,
      onTxnDelayed: () => {
        if (++this.#unflushedCount >= config.maxBatchSize) this.#flushLog();
      },
      onDurable: (batch) => {
        this.#durable.push(batch);
        if (this.#durable.length === 1) this.#applyDurable();
      },
      onSessionAnswered: (client) => this.#answered.push(client),
      exit: this.#exit,
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
}
