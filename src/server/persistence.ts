/**
 * The parts of a server that live on disks, made from its configuration: the database that is loaded, the log, the snapshots.
 * A log or a snapshot that cannot be written ends the server.
 * Source: ZooKeeperServer.java, FileTxnSnapLog.java.
 */

import type { ServerMetrics } from "#base/metrics.ts";
import { ExitCode } from "#config/exit-code.ts";
import type { ServerConfig } from "#config/server-config.ts";
import type { DataFolders } from "#storage/datadir.ts";
import { type LogBatch, TxnLog } from "#storage/txn-log.ts";
import { type Database, type LoadedDatabase, loadDatabase } from "./database.ts";
import type { HostParts } from "./host-parts.ts";
import { SnapshotTaker } from "./snapshot-taker.ts";

export interface PersistenceParts {
  readonly config: ServerConfig;
  readonly metrics: ServerMetrics;
  readonly host: HostParts;
  /** Ends the process; the reason has been logged. */
  readonly exit: (code: ExitCode) => void;
}

/**
 * Loads what the configured folders hold, and says so in the metrics.
 * @param onTxn takes each transaction of the log that was replayed; borrowed until it returns.
 * @throws what {@link loadDatabase} throws.
 */
export async function loadConfigured(
  { config, metrics, host }: PersistenceParts,
  onTxn?: (bytes: Buffer, start: number, end: number) => void,
): Promise<LoadedDatabase> {
  const { clock, timers, threads, logger, disk } = host;
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
    firstCounter: config.ensemble?.firstCounter ?? 0,
    isDbAutocreate: config.dbAutocreate,
    tree: treeOptionsOf(config, host),
    onReplayed: onTxn,
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

/** How a tree of this server is made. */
export function treeOptionsOf(config: ServerConfig, host: HostParts): Database["tree"]["options"] {
  return {
    hashSeed: host.hashSeed,
    digestEnabled: config.digestEnabled,
    extendedTypesEnabled: config.extendedTypesEnabled,
    emulate353TtlNodes: config.emulate353TtlNodes,
  };
}

/** A log that goes on behind what its folder holds. */
export function newTxnLog(
  { config, metrics, host, exit }: PersistenceParts,
  folders: DataFolders,
  onDurable: (batch: LogBatch) => void,
): TxnLog {
  const { disk, clock, logger } = host;
  return new TxnLog({
    disk,
    clock,
    logger,
    folder: folders.logFolder,
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

/** Takes snapshots of a database, rolling its log. */
export function newSnapshotTaker(
  { config, metrics, host, exit }: PersistenceParts,
  folders: DataFolders,
  parts: { database: Database; log: TxnLog },
): SnapshotTaker {
  const { disk, clock, logger, random } = host;
  return new SnapshotTaker({
    ...parts,
    random,
    clock,
    logger,
    metrics,
    snapCount: config.snapCount,
    snapSizeLimitKb: config.snapSizeLimitKb,
    write: {
      disk,
      folder: folders.snapshotFolder,
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
