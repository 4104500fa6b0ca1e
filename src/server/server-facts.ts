/**
 * What operators may ask of a server, as an interface: the words and the AdminServer render these facts and decide
 * nothing. The server implements it over its live state; a test hands in constants.
 *
 *   ServerFacts          the process and one client port; always there, also while LOOKING
 *     PortFacts          the connections of the port that was asked
 *     ServingFacts       the running server: null during an election, while loading and while shutting down
 *       PeerFacts        what a member of an ensemble knows besides
 *       LeaderFacts      what a leader knows besides
 *
 * A big answer is read piece by piece over several turns, so every Iterable here must bear changes of what lies below
 * it between two steps (iterators of Map and Set do), and must not gather its elements first. Plain numbers are read
 * when asked. Zxids, session ids and digests are two int32 halves. Source: ServerStats, ServerCnxn, Environment.
 */

import type { ServerMetrics } from "#base/metrics.ts";
import type { EnvironmentFacts } from "#host/environment.ts";

/** The process, and the client port that the question came in by. */
export interface ServerFacts {
  readonly port: PortFacts;
  readonly environment: EnvironmentFacts;
  /** What serves clients right now, or null when nothing does. */
  readonly serving: ServingFacts | null;
  /** Mask of ZooTrace's text messages; ZooKeeper starts with 306. */
  readonly traceMask: bigint;
  setTraceMask(mask: bigint): void;
}

/** One listening client port: with a second one (TLS) each answers for its own connections. */
export interface PortFacts {
  readonly connections: Iterable<ConnectionFacts>;
  /** The idle timer of the port: when which connection is closed if it stays silent. */
  readonly connectionExpiry: ExpiryFacts<ConnectionFacts>;
  resetConnectionStats(): void;
}

export interface ConnectionFacts extends SessionRef {
  /** Numeric address as the socket reports it. */
  readonly remoteAddress: string;
  readonly remotePort: number;
  /** 0 none, 1 read, 4 write, 5 both. A connection that asked a word, and so waits for its end, has 0. */
  readonly interestOps: number;
  readonly outstandingRequests: number;
  readonly packetsReceived: number;
  readonly packetsSent: number;
  /** Four letters of the last operation answered: PING, SESS, CREA, GETD, ...; NA before any. */
  readonly lastOperation: string;
  /** Wall clock. */
  readonly establishedMs: number;
  /** As negotiated. */
  readonly sessionTimeoutMs: number;
  /** -1 before the first request. */
  readonly lastCxid: number;
  /** -1 (both halves) before the first reply. */
  readonly lastZxidHigh: number;
  readonly lastZxidLow: number;
  /** Monotonic clock. */
  readonly lastResponseMs: number;
  readonly lastLatencyMs: number;
  readonly minLatencyMs: number;
  readonly averageLatencyMs: number;
  readonly maxLatencyMs: number;
}

/** A session by its id; 0 is no session. */
export interface SessionRef {
  readonly sessionIdHigh: number;
  readonly sessionIdLow: number;
}

/** A queue of deadlines in buckets of one tick. */
export interface ExpiryFacts<Element> {
  readonly elementCount: number;
  /** By time, earliest first; a bucket may be empty. */
  readonly buckets: readonly ExpiryBucket<Element>[];
}

interface ExpiryBucket<Element> {
  /** The deadline by the wall clock. */
  readonly expiresAtMs: number;
  readonly elementCount: number;
  readonly elements: Iterable<Element>;
}

export type Mode = "standalone" | "leader" | "follower" | "observer" | "read-only";

export interface ServingFacts {
  readonly mode: Mode;
  /** Null unless in an ensemble, and null on a read-only server. */
  readonly peer: PeerFacts | null;
  readonly config: ConfigFacts;
  readonly metrics: ServerMetrics;

  /** Requests that came in through this member; a base Summary fits. The average has four decimals. */
  readonly latencyMs: { readonly min: number; readonly average: number; readonly max: number };
  readonly packetsReceived: number;
  readonly packetsSent: number;
  /** Open client connections on all ports. */
  readonly connectionCount: number;
  readonly outstandingRequests: number;
  readonly lastZxidHigh: number;
  readonly lastZxidLow: number;
  readonly uptimeMs: number;

  readonly znodeCount: number;
  /** Data, child and persistent watches. */
  readonly watchCount: number;
  readonly ephemeralsCount: number;
  readonly approximateDataSizeBytes: number;
  readonly globalSessionCount: number;
  readonly localSessionCount: number;

  /** -1 when unknown. */
  readonly openFileDescriptorCount: number;
  readonly maxFileDescriptorCount: number;
  /** 0 to 1, of the connection throttle. */
  readonly connectionDropProbability: number;
  /** Bytes, -1 before any; a base BufferStats fits. */
  readonly clientResponseSizes: SizeFacts;
  readonly outstandingTlsHandshakes: number;
  readonly authFailedCount: number;
  readonly nonMtlsRemoteConnectionCount: number;
  readonly nonMtlsLocalConnectionCount: number;
  readonly quotas: Iterable<QuotaFacts>;

  /** Bytes of all files below dataDir and dataLogDir; measured before `conf` and `dirs` are asked for. */
  readonly dataDirBytes: number;
  readonly dataLogDirBytes: number;

  readonly sessions: SessionsFacts;
  readonly ephemerals: { readonly sessionCount: number; readonly bySession: Iterable<PathsOfSession> };
  readonly dataWatches: WatchFacts;
  /** Digests of the tree that were recorded, oldest first. */
  readonly digests: Iterable<DigestFacts>;

  /** Zeroes latency, packet counts, response sizes and metrics, and on a leader the proposal sizes. */
  resetStats(): void;
}

export interface SizeFacts {
  readonly last: number;
  readonly min: number;
  readonly max: number;
}

/** A namespace (first path component) with a quota below it; sums over all quotas there. -1 is no limit. */
export interface QuotaFacts {
  readonly namespace: string;
  /** The hard limit where there is one, else the soft one. */
  readonly countLimit: number;
  readonly bytesLimit: number;
  readonly countUsage: number;
  readonly bytesUsage: number;
}

export interface SessionsFacts {
  /** Null unless local sessions are enabled on a member of an ensemble. */
  readonly local: ExpiryFacts<SessionRef> | null;
  /** A leader and a standalone server expire global sessions; a learner only knows their timeouts. */
  readonly global:
    | { readonly kind: "expiry"; readonly expiry: ExpiryFacts<SessionRef> }
    | {
        readonly kind: "timeouts";
        readonly sessionCount: number;
        /** By session id, rising. */
        readonly sessions: Iterable<SessionRef & { readonly timeoutMs: number }>;
      };
}

export interface PathsOfSession extends SessionRef {
  readonly paths: Iterable<string>;
}

/** The table of data watches alone: those that getData and exists leave, and persistent ones. */
export interface WatchFacts {
  /** Connections that hold at least one of them. */
  readonly connectionCount: number;
  readonly pathCount: number;
  readonly watchCount: number;
  readonly byPath: Iterable<{ readonly path: string; readonly watchers: Iterable<SessionRef> }>;
  readonly bySession: Iterable<PathsOfSession>;
}

export interface DigestFacts {
  readonly zxidHigh: number;
  readonly zxidLow: number;
  readonly digestHigh: number;
  readonly digestLow: number;
}

/** What a member of an ensemble says of itself. */
export interface PeerFacts {
  /** Role, phase and kind of sync: `following - broadcast`, `leading - synchronization - diff`. */
  readonly state: string;
  /** Number of voters. */
  readonly quorumSize: number;
  /** Observers fed by this server: on a leader, and on a follower whose observer master port is open; else null. */
  readonly syncedObservers: number | null;
  /** On an observer: the sid of the server that feeds it, leader or not; else null. */
  readonly observerMasterId: number | null;
  readonly leader: LeaderFacts | null;
}

export interface LeaderFacts {
  readonly learners: number;
  readonly syncedFollowers: number;
  readonly syncedNonVotingFollowers: number;
  readonly pendingSyncs: number;
  readonly uptimeMs: number;
  /** Bytes, -1 before any. */
  readonly proposalSizes: SizeFacts;
}

/** The configuration in force. Ports that are not open are -1. */
export interface ConfigFacts {
  readonly clientPort: number;
  readonly secureClientPort: number;
  /** Absolute, ending in version-2. */
  readonly dataDir: string;
  readonly dataLogDir: string;
  readonly tickTimeMs: number;
  readonly maxClientCnxns: number;
  readonly minSessionTimeoutMs: number;
  readonly maxSessionTimeoutMs: number;
  readonly clientPortListenBacklog: number;
  /** 0 when standalone. */
  readonly serverId: number;
  /** Null when standalone. */
  readonly ensemble: EnsembleConfigFacts | null;
}

export interface EnsembleConfigFacts {
  readonly initLimitTicks: number;
  readonly syncLimitTicks: number;
  readonly electionAlg: number;
  readonly electionPorts: readonly number[];
  readonly quorumPorts: readonly number[];
  readonly peerType: "participant" | "observer";
  /** Canonical member lines and `version=HEX`, without a final line feed; null on a read-only server. */
  readonly membership: string | null;
}
