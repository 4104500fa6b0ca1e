/**
 * Servers as facts: the ones whose answers test/fixtures/four-letter-words holds, with the numbers that they had then.
 * The asking connection and the packet counts differ from word to word, so these are handed in.
 */

import { readFileSync } from "node:fs";
import type {
  ConfigFacts,
  ConnectionFacts,
  EnsembleConfigFacts,
  PeerFacts,
  PortFacts,
  ServerFacts,
  ServingFacts,
  SessionRef,
} from "#server/server-facts.ts";
import type { EnvironmentFacts } from "#host/environment.ts";
import { ServerMetrics } from "#base/metrics.ts";
import { SeededRandom } from "#base/prng.ts";
import { fullVersion } from "#base/version.ts";

const realVersion = "3.9.5-293c895a8d966a3ecb92872be4a1daf87d725da2, built on 2026-02-11 20:18 UTC";

/** ZooKeeper's answer to a word (or `telnet`) in one of the states of the fixtures' folders, with our version in it. */
export function realAnswer(state: string, word: string): string {
  const file = new URL(`../fixtures/four-letter-words/${state}/${word}.txt`, import.meta.url);
  return readFileSync(file, "utf8").replaceAll(realVersion, fullVersion);
}

/** Wall clock of a second on 24 November 2026, when the fixtures were made. */
export function captureTime(hours: number, minutes: number, seconds: number): number {
  return Date.UTC(2026, 10, 24, hours, minutes, seconds);
}

export function session(high: number, low: number): SessionRef {
  return { sessionIdHigh: high, sessionIdLow: low };
}

/** A connection that has sent nothing yet. */
export function silentConnection(remotePort: number): ConnectionFacts {
  return {
    ...session(0, 0),
    remoteAddress: "127.0.0.1",
    remotePort,
    interestOps: 1,
    outstandingRequests: 0,
    packetsReceived: 0,
    packetsSent: 0,
    lastOperation: "NA",
    establishedMs: 0,
    sessionTimeoutMs: 0,
    lastCxid: -1,
    lastZxidHigh: -1,
    lastZxidLow: -1,
    lastResponseMs: 0,
    lastLatencyMs: 0,
    minLatencyMs: 0,
    averageLatencyMs: 0,
    maxLatencyMs: 0,
  };
}

/** A connection that has sent a word and waits for its end. */
export function askingConnection(remotePort: number): ConnectionFacts {
  return { ...silentConnection(remotePort), interestOps: 0, packetsReceived: 1 };
}

export const clientA: ConnectionFacts = {
  ...session(0x100000d, 0xa00a0000 | 0),
  remoteAddress: "::ffff:127.0.0.1",
  remotePort: 35426,
  interestOps: 1,
  outstandingRequests: 0,
  packetsReceived: 316,
  packetsSent: 316,
  lastOperation: "EXIS",
  establishedMs: 1795502428462,
  sessionTimeoutMs: 30000,
  lastCxid: 0x13b,
  lastZxidHigh: 0,
  lastZxidLow: 0x135,
  lastResponseMs: 895082,
  lastLatencyMs: 0,
  minLatencyMs: 0,
  averageLatencyMs: 0.4,
  maxLatencyMs: 5,
};

export const clientB: ConnectionFacts = {
  ...session(0x100000d, 0xa00a0001 | 0),
  remoteAddress: "::1",
  remotePort: 34092,
  interestOps: 1,
  outstandingRequests: 0,
  packetsReceived: 4,
  packetsSent: 4,
  lastOperation: "GETC",
  establishedMs: 1795502428477,
  sessionTimeoutMs: 8000,
  lastCxid: 3,
  lastZxidHigh: 0,
  lastZxidLow: 0x135,
  lastResponseMs: 895084,
  lastLatencyMs: 1,
  minLatencyMs: 0,
  averageLatencyMs: 0,
  maxLatencyMs: 1,
};

const environment: EnvironmentFacts = {
  timeZone: "UTC",
  hostName: "localhost",
  platform: "linux",
  architecture: "x64",
  osRelease: "6.1.0",
  userName: "root",
  userHome: "/root",
  workingFolder: "/opt/zookeeper",
  temporaryFolder: "/var/tmp",
  memoryFreeBytes: 192.9 * 1024 * 1024,
  memoryMaxBytes: 200 * 1024 * 1024,
  memoryTotalBytes: 200 * 1024 * 1024,
};

const config: ConfigFacts = {
  clientPort: 21895,
  secureClientPort: -1,
  dataDir: "/data/version-2",
  dataLogDir: "/data/version-2",
  tickTimeMs: 2000,
  maxClientCnxns: 60,
  minSessionTimeoutMs: 4000,
  maxSessionTimeoutMs: 40000,
  clientPortListenBacklog: -1,
  serverId: 0,
  ensemble: null,
};

/** The configuration of a member of the fixtures' ensemble. */
export function memberConfig(serverId: 1 | 2 | 3, facts: Partial<EnsembleConfigFacts> = {}): ConfigFacts {
  const ensemble: EnsembleConfigFacts = {
    initLimitTicks: 10,
    syncLimitTicks: 5,
    electionAlg: 3,
    electionPorts: [21920 + serverId],
    quorumPorts: [21910 + serverId],
    peerType: serverId === 3 ? "observer" : "participant",
    membership:
      "server.1=127.0.0.1:21911:21921:participant\n" +
      "server.2=127.0.0.1:21912:21922:participant\n" +
      "server.3=127.0.0.1:21913:21923:observer\n" +
      "version=0",
    ...facts,
  };
  return { ...config, clientPort: 21900 + serverId, serverId, ensemble };
}

/** What a member of the fixtures' ensemble says of itself; a follower unless told otherwise. */
export function peer(facts: Partial<PeerFacts> = {}): PeerFacts {
  return {
    state: "following - broadcast",
    quorumSize: 2,
    syncedObservers: null,
    observerMasterId: null,
    leader: null,
    ...facts,
  };
}

/** The filled standalone server, changed where `changes` says so. */
export function standalone(changes: Partial<ServingFacts> = {}): ServingFacts {
  return {
    mode: "standalone",
    peer: null,
    config,
    metrics: new ServerMetrics(new SeededRandom(1)),
    latencyMs: { min: 0, average: 0.4688, max: 5 },
    packetsReceived: 336,
    packetsSent: 335,
    connectionCount: 4,
    outstandingRequests: 0,
    lastZxidHigh: 0,
    lastZxidLow: 0x135,
    uptimeMs: 2519,
    znodeCount: 312,
    watchCount: 4,
    ephemeralsCount: 3,
    approximateDataSizeBytes: 32813,
    globalSessionCount: 2,
    localSessionCount: 0,
    openFileDescriptorCount: 54,
    maxFileDescriptorCount: 20000,
    connectionDropProbability: 0,
    clientResponseSizes: { last: 2328, min: 16, max: 2328 },
    outstandingTlsHandshakes: 0,
    authFailedCount: 0,
    nonMtlsRemoteConnectionCount: 0,
    nonMtlsLocalConnectionCount: 0,
    quotas: [{ namespace: "app", countLimit: 1000, bytesLimit: 1000000, countUsage: 304, bytesUsage: 30004 }],
    dataDirBytes: 67109358,
    dataLogDirBytes: 67109358,
    sessions: {
      local: null,
      global: {
        kind: "expiry",
        expiry: {
          elementCount: 2,
          buckets: [
            { expiresAtMs: captureTime(6, 40, 37), elementCount: 1, elements: [clientB] },
            { expiresAtMs: captureTime(6, 40, 59), elementCount: 1, elements: [clientA] },
          ],
        },
      },
    },
    ephemerals: {
      sessionCount: 2,
      bySession: [
        { ...clientB, paths: ["/app/b1"] },
        { ...clientA, paths: ["/app/e1", "/app/e2"] },
      ],
    },
    dataWatches: {
      connectionCount: 2,
      pathCount: 2,
      watchCount: 3,
      byPath: [
        { path: "/app/n1", watchers: [clientB, clientA] },
        { path: "/absent", watchers: [clientA] },
      ],
      bySession: [
        { ...clientA, paths: ["/app/n1", "/absent"] },
        { ...clientB, paths: ["/app/n1"] },
      ],
    },
    digests: [
      { zxidHigh: 0, zxidLow: 0x80, digestHigh: 64, digestLow: 3323487248 | 0 },
      { zxidHigh: 0, zxidLow: 0x100, digestHigh: 131, digestLow: 3494402915 | 0 },
    ],
    resetStats: () => {},
    ...changes,
  };
}

const noConnections: PortFacts = {
  connections: [],
  connectionExpiry: { elementCount: 0, buckets: [] },
  resetConnectionStats: () => {},
};

/** A process that serves `serving` (null while it does not) on a port with these facts. */
export function server(serving: ServingFacts | null, port: Partial<PortFacts> = {}): ServerFacts {
  return {
    port: { ...noConnections, ...port },
    environment,
    serving,
    traceMask: 306n,
    setTraceMask: () => {},
  };
}
