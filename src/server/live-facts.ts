/**
 * The facts of a running standalone server (server-facts.ts), read off its live state when somebody asks. Nothing is
 * gathered in advance: a big answer walks the maps as they are.
 */

import { pathTextOf } from "#tree/watch-table.ts";
import type { ClientConnection } from "#net/client-connection.ts";
import type { ClientPort } from "#net/client-port.ts";
import type { Session, SessionTracker } from "#session/session-tracker.ts";
import type { Client } from "#pipeline/client.ts";
import type { EnvironmentFacts } from "#host/environment.ts";
import type { HostParts } from "./host-parts.ts";
import type { MemberFacts } from "./member-facts.ts";
import type {
  ConfigFacts,
  ConnectionFacts,
  ExpiryFacts,
  PathsOfSession,
  PortFacts,
  QuotaFacts,
  ServerFacts,
  ServingFacts,
  SessionRef,
  SessionsFacts,
  WatchFacts,
} from "./server-facts.ts";
import type { ClientServer } from "./client-server.ts";
import type { Serving } from "./wiring.ts";

/** Sizes of the two data folders, measured before words that show them. */
export interface FolderSizes {
  readonly dataDirBytes: number;
  readonly dataLogDirBytes: number;
}

/** Counts of the process's open files. */
export interface DescriptorCounts {
  readonly openCount: number;
  readonly maxCount: number;
}

/** ZooTrace's default mask. */
const traceMaskAtStart = 306n;

export class LiveFacts {
  readonly #server: ClientServer;
  readonly #host: HostParts;
  readonly #environment: () => EnvironmentFacts;
  #traceMask = traceMaskAtStart;

  constructor(server: ClientServer, host: HostParts, environment: () => EnvironmentFacts) {
    this.#server = server;
    this.#host = host;
    this.#environment = environment;
  }

  /** The facts as `port` shows them. */
  of(port: ClientPort, sizes: FolderSizes, descriptors: DescriptorCounts): ServerFacts {
    const { serving } = this.#server;
    const setTraceMask = (mask: bigint): void => {
      this.#traceMask = mask;
    };
    return {
      port: this.#portFacts(port),
      environment: this.#environment(),
      serving: serving === null ? null : this.#servingFacts(serving, sizes, descriptors),
      traceMask: this.#traceMask,
      setTraceMask,
    };
  }

  #portFacts(port: ClientPort): PortFacts {
    return {
      connections: mapped(port.connections, connectionFacts),
      connectionExpiry: this.#expiry(port.idle.size, (visit) => port.idle.forEachBucket(visit), connectionFacts),
      resetConnectionStats: () => {
        for (const { client } of port.connections) client.stats.reset();
      },
    };
  }

  #servingFacts(serving: Serving, sizes: FolderSizes, descriptors: DescriptorCounts): ServingFacts {
    const { metrics } = this.#server;
    const { database, pipeline, connectionThrottle } = serving;
    const { tree, sessions } = database;
    const { stats } = pipeline;
    const member = this.#server.memberFacts();
    return {
      mode: member?.mode ?? "standalone",
      peer: member?.peer ?? null,
      config: this.#configFacts(member),
      metrics,
      latencyMs: stats.latency,
      packetsReceived: stats.packetsReceived,
      packetsSent: stats.packetsSent,
      connectionCount: this.#server.port?.connections.size ?? 0,
      outstandingRequests: pipeline.outstanding,
      lastZxidHigh: tree.lastZxidHigh,
      lastZxidLow: tree.lastZxidLow,
      uptimeMs: Math.round(this.#host.clock.monotonicMs() - serving.sinceMs),
      znodeCount: tree.nodeCount,
      watchCount: tree.watches.size,
      ephemeralsCount: tree.owned.ephemeralCount,
      approximateDataSizeBytes: tree.approximateDataSize,
      globalSessionCount: sessions.size,
      localSessionCount: serving.localSessions?.size ?? 0,
      openFileDescriptorCount: descriptors.openCount,
      maxFileDescriptorCount: descriptors.maxCount,
      connectionDropProbability: connectionThrottle.dropProbability,
      clientResponseSizes: stats.responseSizes,
      outstandingTlsHandshakes: 0,
      authFailedCount: 0,
      nonMtlsRemoteConnectionCount: 0,
      nonMtlsLocalConnectionCount: 0,
      quotas: quotaFacts(serving),
      dataDirBytes: sizes.dataDirBytes,
      dataLogDirBytes: sizes.dataLogDirBytes,
      sessions: this.#sessionsFacts(serving),
      ephemerals: { sessionCount: tree.owned.bySession.size, bySession: ephemeralsBySession(serving) },
      dataWatches: this.#watchFacts(serving),
      digests: database.digests.entries,
      resetStats: () => {
        stats.reset();
        metrics.reset();
      },
    };
  }

  #configFacts(member: MemberFacts | null): ConfigFacts {
    const { config, port } = this.#server;
    return {
      clientPort: port?.bound.port ?? -1,
      secureClientPort: -1,
      dataDir: `${config.dataDir}/version-2`,
      dataLogDir: `${config.dataLogDir}/version-2`,
      tickTimeMs: config.tickTimeMs,
      maxClientCnxns: config.maxClientCnxns,
      minSessionTimeoutMs: config.minSessionTimeoutMs,
      maxSessionTimeoutMs: config.maxSessionTimeoutMs,
      clientPortListenBacklog: config.clientPortListenBacklog,
      serverId: member?.serverId ?? 0,
      ensemble: member?.ensemble ?? null,
    };
  }

  #sessionsFacts({ database, prepared, localSessions }: Serving): SessionsFacts {
    const { sessions } = database;
    const local = localSessions === null ? null : this.#sessionExpiry(localSessions.tracker);
    if (prepared === null) return { local, global: timeoutsOf(sessions) };
    return { local, global: { kind: "expiry", expiry: this.#sessionExpiry(sessions) } };
  }

  #sessionExpiry(tracker: SessionTracker): ExpiryFacts<SessionRef> {
    return this.#expiry(tracker.size, (visit) => tracker.forEachBucket(visit), sessionRef);
  }

  #watchFacts(serving: Serving): WatchFacts {
    const { data } = serving.database.tree.watches;
    const refOf = (number: number): SessionRef => clientRef(this.#server.numbers.get(number));
    return {
      connectionCount: data.connectionCount,
      pathCount: data.pathCount,
      watchCount: data.size,
      byPath: mapped(data.paths(), ({ path, connections }) => ({
        path: pathTextOf(path),
        watchers: connections.map(refOf),
      })),
      bySession: mapped(data.connections(), ({ connection, paths }) => ({
        ...refOf(connection),
        paths: mapped(paths, pathTextOf),
      })),
    };
  }

  /** Buckets by the wall clock: timers run on the other one. */
  #expiry<Item, Element>(
    elementCount: number,
    forEachBucket: (visit: (expiryMs: number, items: ReadonlySet<Item>) => void) => void,
    toElement: (item: Item) => Element,
  ): ExpiryFacts<Element> {
    const offsetMs = this.#host.clock.wallMs() - this.#host.clock.monotonicMs();
    const buckets: { expiresAtMs: number; elementCount: number; elements: Iterable<Element> }[] = [];
    forEachBucket((expiryMs, items) => {
      buckets.push({
        expiresAtMs: Math.round(expiryMs + offsetMs),
        elementCount: items.size,
        elements: mapped(items, toElement),
      });
    });
    return { elementCount, buckets };
  }
}

function connectionFacts(connection: ClientConnection): ConnectionFacts {
  const { client } = connection;
  const { stats } = client;
  return {
    ...clientRef(client),
    remoteAddress: client.remoteAddress,
    remotePort: client.remotePort,
    interestOps: connection.interestOps,
    outstandingRequests: client.outstanding,
    packetsReceived: stats.received,
    packetsSent: stats.sent,
    lastOperation: stats.lastOperation,
    establishedMs: client.establishedMs,
    sessionTimeoutMs: client.timeoutMs,
    lastCxid: stats.lastCxid,
    lastZxidHigh: stats.lastZxidHigh,
    lastZxidLow: stats.lastZxidLow,
    lastResponseMs: Math.round(stats.lastResponseMs),
    lastLatencyMs: Math.round(stats.lastLatencyMs),
    minLatencyMs: stats.responseCount === 0 ? 0 : Math.round(stats.latencyMsMin),
    averageLatencyMs: stats.responseCount === 0 ? 0 : Math.floor(stats.latencyMsSum / stats.responseCount),
    maxLatencyMs: Math.round(stats.latencyMsMax),
  };
}

/** A learner expires nobody: it knows how long sessions are to last. */
function timeoutsOf(sessions: SessionTracker): SessionsFacts["global"] {
  const committed = sessions.committed().map((session) => ({ ...sessionRef(session), timeoutMs: session.timeoutMs }));
  committed.sort((a, b) => a.sessionIdHigh - b.sessionIdHigh || (a.sessionIdLow >>> 0) - (b.sessionIdLow >>> 0));
  return { kind: "timeouts", sessionCount: committed.length, sessions: committed };
}

function clientRef(client: Client | undefined): SessionRef {
  const session = client?.session ?? null;
  return { sessionIdHigh: session?.idHigh ?? 0, sessionIdLow: session?.idLow ?? 0 };
}

function sessionRef(session: Session): SessionRef {
  return { sessionIdHigh: session.idHigh, sessionIdLow: session.idLow };
}

function ephemeralsBySession({ database }: Serving): Iterable<PathsOfSession> {
  const { tree } = database;
  const sessions: PathsOfSession[] = [];
  tree.owned.bySession.forEach((ids, sessionIdHigh, sessionIdLow) => {
    sessions.push({ sessionIdHigh, sessionIdLow, paths: mapped(ids, (id) => tree.pathOf(id)) });
  });
  return sessions;
}

/** Quotas summed up by the first component of their paths. */
function quotaFacts({ database }: Serving): QuotaFacts[] {
  const { quotas } = database.tree;
  const byNamespace = new Map<string, QuotaFacts>();
  for (const path of quotas.paths) {
    const { limits, totals } = quotas.usageOf(path);
    if (limits === null) continue;
    const namespace = pathTextOf(path).split("/")[1] ?? "";
    const before = byNamespace.get(namespace);
    byNamespace.set(namespace, {
      namespace,
      countLimit: sumOfLimits(before?.countLimit, limits.countHardLimit > -1 ? limits.countHardLimit : limits.count),
      bytesLimit: sumOfLimits(before?.bytesLimit, limits.byteHardLimit > -1 ? limits.byteHardLimit : limits.bytes),
      countUsage: (before?.countUsage ?? 0) + (totals?.count ?? 0),
      bytesUsage: (before?.bytesUsage ?? 0) + (totals?.bytes ?? 0),
    });
  }
  return [...byNamespace.values()];
}

function sumOfLimits(before: number | undefined, limit: number): number {
  return before === undefined || before === -1 ? limit : before + Math.max(limit, 0);
}

/** An iterable that converts as it is read. */
function mapped<From, To>(items: Iterable<From>, convert: (item: From) => To): Iterable<To> {
  return {
    *[Symbol.iterator]() {
      for (const item of items) yield convert(item);
    },
  };
}
