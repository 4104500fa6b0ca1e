/**
 * What a server serves with, put together once its database is loaded and it has something to do:
 *
 *   session gate -> pipeline -- writes --> a log's transactions, or a leader's requests
 *                       |
 *                       `- sessions come and go
 *
 * Nothing runs here: these are the connections between parts that do not know each other, and what of the configuration
 * each of them is told.
 * Source: ZooKeeperServer.java (setupRequestProcessors, startup).
 */

import { digestAlgorithmOf } from "#auth/digest-provider.ts";
import { EnsembleProvider } from "#auth/ensemble-provider.ts";
import { ProviderRegistry } from "#auth/provider-registry.ts";
import { assert } from "#base/assert.ts";
import type { ServerConfig } from "#config/server-config.ts";
import type { Client } from "#pipeline/client.ts";
import { ConnectionThrottle } from "#pipeline/connection-throttle.ts";
import type { Reconfigurer } from "#pipeline/prepare.ts";
import { type LocalSessionParts, type ProposedZxid, PreparedWrites } from "#pipeline/prepared-writes.ts";
import { RequestPipeline } from "#pipeline/request-pipeline.ts";
import { SessionGate } from "#pipeline/session-gate.ts";
import type { TxnSink } from "#pipeline/txn-sink.ts";
import type { WaitingSyncs } from "#pipeline/waiting-syncs.ts";
import type { WritePath } from "#pipeline/write-path.ts";
import type { LocalSessions } from "#session/local-sessions.ts";
import { SessionIds } from "#session/session-id.ts";
import type { DataFolders } from "#storage/datadir.ts";
import type { TxnLog } from "#storage/txn-log.ts";
import { quotaExceededMessage } from "#tree/quota-text.ts";
import type { Database } from "./database.ts";
import type { PersistenceParts } from "./persistence.ts";
import type { SnapshotTaker } from "./snapshot-taker.ts";

/** What is there while clients are served. */
export interface Serving {
  readonly database: Database;
  readonly pipeline: RequestPipeline;
  /** Null on a learner, which makes no transactions. */
  readonly prepared: PreparedWrites | null;
  readonly syncs: WaitingSyncs;
  readonly gate: SessionGate;
  /** Null where all sessions are the ensemble's. */
  readonly localSessions: LocalSessions | null;
  readonly isReadOnly: boolean;
  readonly log: TxnLog;
  readonly snapshots: SnapshotTaker;
  readonly connectionThrottle: ConnectionThrottle;
  readonly folders: DataFolders;
  readonly sinceMs: number;
}

export interface ServingParts extends PersistenceParts {
  readonly database: Database;
  readonly log: TxnLog;
  readonly snapshots: SnapshotTaker;
  readonly folders: DataFolders;
  /** Of this server: it is part of the ids of its sessions. */
  readonly sid: number;
  /** Makes the way of writes; the registry says who may. */
  readonly writesOf: (registry: ProviderRegistry) => WritePath;
  readonly clientOf: (number: number) => Client | undefined;
  /** Where there are any. */
  readonly localSessions?: LocalSessions | null;
  /** True without a leader: only reads are served, to clients that are content with that. */
  readonly isReadOnly?: boolean;
  /** A new session's handshake has been answered. */
  readonly onSessionAnswered: (client: Client) => void;
  /** On a learner: asks the leader whether a session is alive (SessionGate). */
  readonly revalidate?: (client: Client, idHigh: number, idLow: number) => void;
}

/** Puts together what serves a database; nothing of it is running yet. */
export function wireServing(parts: ServingParts): Serving {
  const { config, metrics, host, database, log, snapshots, folders, revalidate } = parts;
  const { localSessions = null, isReadOnly = false } = parts;
  const { clock, random } = host;
  const { tree, sessions, applier } = database;
  const sinceMs = clock.monotonicMs();
  const registry = newRegistry(config);
  const writes = parts.writesOf(registry);
  const pipeline: RequestPipeline = new RequestPipeline({
    tree,
    applier,
    sessions,
    localSessions,
    isReadOnly,
    registry,
    writes,
    metrics,
    now: clock,
    clientOf: parts.clientOf,
    options: {
      ...config,
      enforcedAuthSchemes: config.sessionRequireClientSaslAuth ? ["sasl"] : config.enforceAuthSchemes,
    },
    outcomes: {
      sessionOpened: (client) => {
        gate.opened(client);
        parts.onSessionAnswered(client);
      },
      sessionEnded: (high, low) => gate.clientOf(high, low)?.link.closeNow(),
      localSessionClosed: (session) => localSessions?.close(session),
    },
  });
  const connectionThrottle = new ConnectionThrottle(config.connectionThrottle, random, sinceMs);
  const gate = new SessionGate({
    tree,
    sessions,
    localSessions,
    isReadOnly,
    pipeline,
    metrics,
    throttle: connectionThrottle,
    ids: new SessionIds(parts.sid, clock.wallMs()),
    bounds: { sessionTimeoutMsMin: config.minSessionTimeoutMs, sessionTimeoutMsMax: config.maxSessionTimeoutMs },
    ...(revalidate === undefined ? {} : { revalidate }),
  });
  const prepared = writes instanceof PreparedWrites ? writes : null;
  const { syncs } = writes;
  return {
    database,
    pipeline,
    prepared,
    syncs,
    gate,
    localSessions,
    isReadOnly,
    log,
    snapshots,
    connectionThrottle,
    folders,
    sinceMs,
  };
}

/** The writes of a server that makes its own transactions. */
export function preparedWrites(
  { config, metrics, host }: PersistenceParts,
  { tree, applier }: Database,
  registry: ProviderRegistry,
  sink: TxnSink,
  leader?: {
    readonly proposed: () => ProposedZxid;
    readonly reconfigurer: Reconfigurer;
    readonly localSessions?: LocalSessionParts;
  },
): PreparedWrites {
  const writes = new PreparedWrites({ tree, applier, registry, options: config, sink, metrics, ...leader });
  writes.preparer.judge.onQuotaExceeded = ({ path, excesses }) => {
    for (const excess of excesses) host.logger.warn({ path }, quotaExceededMessage(path, excess));
    if (excesses.some(({ isHard }) => isHard))
      metrics.quotaExceededErrorPerNamespace.increment(path.split("/")[1] ?? "");
  };
  return writes;
}

/** From the pipeline into the log. `logged` is told each transaction; `delayed` too, where the log is told to wait. */
export function logSink(
  { config, metrics }: PersistenceParts,
  log: TxnLog,
  { logged, delayed }: { logged: () => void; delayed: () => void },
): TxnSink {
  return {
    beginRecord: () => log.beginRecord(),
    endRecord: (zxidHigh, zxidLow) => {
      log.endRecord(zxidHigh, zxidLow);
      metrics.syncProcessorRequestQueued.increment();
      logged();
      if (config.flushDelayMs > 0) delayed();
    },
  };
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
