/**
 * What a server serves with, put together once its database is loaded:
 *
 *   session gate -> pipeline -- transactions --> log -- durable batches --> back to the server, which has them applied
 *                       |                         |
 *                       `- sessions come and go   `- snapshots: due after so many transactions or bytes
 *
 * Nothing runs here: these are the connections between parts that do not know each other, and what of the configuration
 * each of them is told. A log or a snapshot that cannot be written ends the server.
 * Source: ZooKeeperServer.java (setupRequestProcessors, startup).
 */

import { digestAlgorithmOf } from "#auth/digest-provider.ts";
import { EnsembleProvider } from "#auth/ensemble-provider.ts";
import { ProviderRegistry } from "#auth/provider-registry.ts";
import { assert } from "#base/assert.ts";
import type { ServerMetrics } from "#base/metrics.ts";
import { ExitCode } from "#config/exit-code.ts";
import type { ServerConfig } from "#config/server-config.ts";
import type { Client } from "#pipeline/client.ts";
import { ConnectionThrottle } from "#pipeline/connection-throttle.ts";
import { PreparedWrites } from "#pipeline/prepared-writes.ts";
import { RequestPipeline } from "#pipeline/request-pipeline.ts";
import type { SessionOutcomes } from "#pipeline/replies.ts";
import { SessionGate } from "#pipeline/session-gate.ts";
import type { TxnSink } from "#pipeline/txn-sink.ts";
import { SessionIds } from "#session/session-id.ts";
import type { DataFolders } from "#storage/datadir.ts";
import type { Recovery } from "#storage/recovery.ts";
import { type LogBatch, TxnLog } from "#storage/txn-log.ts";
import { quotaExceededMessage } from "#tree/quota-text.ts";
import type { Database } from "./database.ts";
import type { HostParts } from "./host-parts.ts";
import { SnapshotTaker } from "./snapshot-taker.ts";

/** What is there once the database is loaded. */
export interface Serving {
  readonly database: Database;
  readonly pipeline: RequestPipeline;
  readonly writes: PreparedWrites;
  readonly gate: SessionGate;
  readonly log: TxnLog;
  readonly snapshots: SnapshotTaker;
  readonly connectionThrottle: ConnectionThrottle;
  readonly folders: DataFolders;
  readonly sinceMs: number;
}

export interface WiringParts {
  readonly config: ServerConfig;
  readonly metrics: ServerMetrics;
  readonly host: HostParts;
  readonly database: Database;
  readonly recovery: Recovery;
  readonly clientOf: (number: number) => Client | undefined;
  /** A transaction was handed to a log whose flush is delayed; not told where it is not. */
  readonly onTxnDelayed: () => void;
  /** The transactions of a batch are on disk. */
  readonly onDurable: (batch: LogBatch) => void;
  /** A new session's handshake has been answered. */
  readonly onSessionAnswered: (client: Client) => void;
  /** Ends the process; the reason has been logged. */
  readonly exit: (code: ExitCode) => void;
}

/** Puts together what serves a database that has been loaded; nothing of it is running yet. */
export function wireServing(parts: WiringParts): Serving {
  const { config, metrics, host, database, recovery } = parts;
  const { clock, random } = host;
  const { tree, sessions } = database;
  const log = newLog(parts);
  const sinceMs = clock.monotonicMs();
  const snapshots = newSnapshotTaker(parts, log);
  const registry = newRegistry(config);
  const writes = newWrites(parts, registry, newSink(parts, log, snapshots));
  const pipeline: RequestPipeline = newPipeline(parts, registry, writes, {
    sessionOpened: (client) => {
      gate.opened(client);
      parts.onSessionAnswered(client);
    },
    sessionEnded: (high, low) => gate.clientOf(high, low)?.link.closeNow(),
  });
  const connectionThrottle = new ConnectionThrottle(config.connectionThrottle, random, sinceMs);
  const gate = new SessionGate({
    tree,
    sessions,
    pipeline,
    metrics,
    throttle: connectionThrottle,
    ids: new SessionIds(1, clock.wallMs()),
    bounds: { sessionTimeoutMsMin: config.minSessionTimeoutMs, sessionTimeoutMsMax: config.maxSessionTimeoutMs },
  });
  return { database, pipeline, writes, gate, log, snapshots, connectionThrottle, folders: recovery, sinceMs };
}

function newLog({ config, metrics, host, recovery, onDurable, exit }: WiringParts): TxnLog {
  const { disk, clock, logger } = host;
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
      onDurable(batch);
    },
    onFsync: (ms) => metrics.fsynctime.add(ms),
    onFailure: (error) => {
      logger.error(
        { ...error.facts, error: error.message },
        "Severe unrecoverable error, exiting: the transaction log cannot be written",
      );
      metrics.unrecoverableErrorCount.increment();
      exit(ExitCode.unexpectedError);
    },
  });
}

function newSnapshotTaker(
  { config, metrics, host, database, recovery, exit }: WiringParts,
  log: TxnLog,
): SnapshotTaker {
  const { disk, clock, logger, random } = host;
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
      exit(ExitCode.txnLogErrorTakingSnapshot);
    },
  });
}

/** From the pipeline into the log, whose transactions the snapshots count. */
function newSink({ config, metrics, onTxnDelayed }: WiringParts, log: TxnLog, snapshots: SnapshotTaker): TxnSink {
  return {
    beginRecord: () => log.beginRecord(),
    endRecord: (zxidHigh, zxidLow) => {
      log.endRecord(zxidHigh, zxidLow);
      metrics.syncProcessorRequestQueued.increment();
      snapshots.txnLogged();
      if (config.flushDelayMs > 0) onTxnDelayed();
    },
  };
}

function newWrites(
  { config, metrics, database, host }: WiringParts,
  registry: ProviderRegistry,
  sink: TxnSink,
): PreparedWrites {
  const { tree, applier } = database;
  const writes = new PreparedWrites({ tree, applier, registry, options: config, sink, metrics });
  writes.preparer.judge.onQuotaExceeded = ({ path, excesses }) => {
    for (const excess of excesses) host.logger.warn({ path }, quotaExceededMessage(path, excess));
    if (excesses.some(({ isHard }) => isHard))
      metrics.quotaExceededErrorPerNamespace.increment(path.split("/")[1] ?? "");
  };
  return writes;
}

function newPipeline(
  parts: WiringParts,
  registry: ProviderRegistry,
  writes: PreparedWrites,
  outcomes: SessionOutcomes,
): RequestPipeline {
  const { config, metrics, database } = parts;
  const { clock } = parts.host;
  const { tree, sessions, applier } = database;
  return new RequestPipeline({
    tree,
    applier,
    sessions,
    registry,
    writes,
    metrics,
    now: clock,
    clientOf: parts.clientOf,
    options: {
      ...config,
      enforcedAuthSchemes: config.sessionRequireClientSaslAuth ? ["sasl"] : config.enforceAuthSchemes,
    },
    outcomes,
  });
}

function newRegistry(config: ServerConfig): ProviderRegistry {
  const { enabled, algorithm, superDigest } = config.digestAuth;
  const digestAlgorithm = digestAlgorithmOf(algorithm);
  const { authProviders, ensembleAuthNames } = config;
  const names = ensembleAuthNames.length === 0 ? null : ensembleAuthNames.join(",");
  const further = authProviders.has("ensemble") ? [new EnsembleProvider(names)] : [];
  assert(digestAlgorithm !== null, "the configuration accepts known digest algorithms only");
  return new ProviderRegistry({ isDigestEnabled: enabled, digestAlgorithm, superDigest, further });
}
