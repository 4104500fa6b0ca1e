/**
 * What a member of an ensemble is told beside what every server is told: who it is, who the others are, and how patient to be.
 * Source: QuorumPeerConfig.checkValidity, setupPeerType; QuorumPeerMain.runFromConfig; the classes that read properties.
 */

import { ConfigError } from "#base/errors.ts";
import type { ConfigRules } from "#quorum/config-text.ts";
import { type Member, type Membership, isDistributed } from "#quorum/membership.ts";
import type { QuorumVerifier } from "#quorum/quorum-verifier.ts";
import type { FoundMembers } from "./ensemble-keys.ts";
import type { FileKeys } from "./file-keys.ts";
import type { ConfigNote } from "./notes.ts";
import type { SystemProperties } from "./system-properties.ts";

export interface EnsembleConfig {
  /** This server's id, from its myid file. */
  readonly sid: bigint;
  readonly own: Member;
  /** The members as the files have them: what is known to be committed, and what was seen last, which may be newer. */
  readonly committed: QuorumVerifier;
  readonly lastSeen: QuorumVerifier;
  readonly rules: ConfigRules;
  /** The file that the server was started with: changes of the ensemble are written beside it, and into it. */
  readonly zooCfg: string;
  /** In ticks. */
  readonly initLimit: number;
  readonly syncLimit: number;
  /** In ticks; 0 is initLimit. */
  readonly connectToLearnerMasterLimit: number;
  /** Where followers serve observers, and observers look for them; 0: the leader serves all. */
  readonly observerMasterPort: number;
  /** What the two-node oracle says is the first character of that file; null: majorities alone count. */
  readonly oraclePath: string | null;
  /** Bind quorum and election port on every address of the machine. */
  readonly quorumListenOnAllIps: boolean;
  readonly election: {
    readonly notificationIntervalMsMin: number;
    readonly notificationIntervalMsMax: number;
    readonly connectTimeoutMs: number;
    /** How long the first words of a connection may take. */
    readonly handshakeTimeoutMs: number;
    readonly isKeepAlive: boolean;
    /** Attempts to bind the port; 0 is for ever. */
    readonly bindAttempts: number;
  };
  readonly connectRetryMs: number;
  /** zookeeper.observer.reconnectDelayMs, observer.election.DelayMs: the most that an observer waits, by lot. */
  readonly observerReconnectDelayMs: number;
  readonly observerElectionDelayMs: number;
  /** zookeeper.leader.maxTimeToWaitForEpoch; -1: what others may wait for, initLimit. */
  readonly epochWaitMsMax: number;
  /** Committed transactions that are kept in memory for learners. */
  readonly commitLogCount: number;
  /** A learner is sent log files, not the tree, while they are smaller than so much of a snapshot; 0: always; below: never. */
  readonly snapshotSizeFactor: number;
  readonly isSnapshotSyncForced: boolean;
  /** zookeeper.leader.maxConcurrentSnapSyncs, maxConcurrentDiffSyncs: for observers. */
  readonly treeSyncsMax: number;
  readonly txnSyncsMax: number;
  /** Where the counter of an epoch's transactions begins, 0 to 2^32 - 1: elsewhere than at 0 in tests alone. */
  readonly firstCounter: number;
  /** Whether a leader serves clients. */
  readonly leaderServes: boolean;
  /** Whether new sessions are known to the server alone that opens them, and whether one may become the ensemble's later. */
  readonly localSessionsEnabled: boolean;
  readonly localSessionsUpgradingEnabled: boolean;
}

const sidMax = 254n;
const commitLogCountMin = 500;
const snapshotSizeFactorDefault = 0.33;

/**
 * Reads it, once the members are known.
 * @returns null for a server on its own.
 * @throws ConfigError with ZooKeeper's text, where it has one, for what is missing or cannot be.
 */
export function readEnsemble(
  keys: FileKeys,
  properties: SystemProperties,
  server: {
    readonly members: FoundMembers;
    readonly rules: ConfigRules;
    readonly reconfigEnabled: boolean;
    readonly extendedTypesEnabled: boolean;
    readonly myid: bigint | null;
    readonly dataDir: string;
    readonly tickTimeMs: number;
  },
  notes: ConfigNote[],
): EnsembleConfig | null {
  const { members, rules, myid, dataDir, tickTimeMs } = server;
  const { committed } = members;
  const { membership } = committed;
  if (!isDistributed(membership, rules.standaloneEnabled)) return null;
  refuseWhatIsMissing(keys);
  const ticks = "a number of ticks, 1 or more";
  const initLimit = keys.int("initLimit", 0, 0);
  if (initLimit === 0) throw keys.error("initLimit", "initLimit is not set", ticks);
  const syncLimit = keys.int("syncLimit", 0, 0);
  if (syncLimit === 0) throw keys.error("syncLimit", "syncLimit is not set", ticks);
  const sid = ownSid(membership, myid, dataDir);
  if (server.extendedTypesEnabled && (sid < 0n || sid > sidMax)) {
    throw myidError(
      dataDir,
      `${sid} is no id for a server with TTL znodes`,
      `0 to ${sidMax}, or extendedTypesEnabled=false`,
    );
  }
  const own = membership.members.get(sid)!;
  warnOfRole(keys, own, notes);
  const handshakeMs = properties.int("zookeeper.quorumCnxnTimeoutMs", -1);
  return {
    sid,
    own,
    committed,
    lastSeen: (server.reconfigEnabled ? members.next : null) ?? committed,
    rules,
    zooCfg: keys.file,
    initLimit,
    syncLimit,
    connectToLearnerMasterLimit: Math.max(keys.int("connectToLearnerMasterLimit", 0), 0),
    observerMasterPort: keys.int("observerMasterPort", 0) > 0 ? keys.port("observerMasterPort")! : 0,
    oraclePath: oraclePathIn(keys, membership),
    quorumListenOnAllIps: keys.boolean("quorumListenOnAllIPs", false),
    election: {
      notificationIntervalMsMin: properties.int("zookeeper.fastleader.minNotificationInterval", 200),
      notificationIntervalMsMax: properties.int("zookeeper.fastleader.maxNotificationInterval", 60_000),
      connectTimeoutMs: properties.int("zookeeper.cnxTimeout", 5_000),
      handshakeTimeoutMs: handshakeMs > 0 ? handshakeMs : tickTimeMs * syncLimit,
      isKeepAlive: properties.boolean("zookeeper.tcpKeepAlive", false),
      bindAttempts: properties.int("zookeeper.electionPortBindRetry", 3),
    },
    connectRetryMs: properties.int("zookeeper.leaderConnectDelayDuringRetryMs", 100),
    observerReconnectDelayMs: properties.int("zookeeper.observer.reconnectDelayMs", 0),
    observerElectionDelayMs: properties.int("zookeeper.observer.election.DelayMs", 200),
    epochWaitMsMax: properties.int("zookeeper.leader.maxTimeToWaitForEpoch", -1),
    commitLogCount: Math.max(properties.int("zookeeper.commitLogCount", commitLogCountMin), commitLogCountMin),
    snapshotSizeFactor: readSnapshotSizeFactor(properties),
    isSnapshotSyncForced: properties.boolean("zookeeper.forceSnapshotSync", false),
    treeSyncsMax: Math.max(properties.int("zookeeper.leader.maxConcurrentSnapSyncs", 10), 1),
    txnSyncsMax: Math.max(properties.int("zookeeper.leader.maxConcurrentDiffSyncs", 100), 1),
    firstCounter: properties.long("zookeeper.testingonly.initialZxid", 0) >>> 0,
    leaderServes: properties.text("zookeeper.leaderServes", "yes") !== "no",
    localSessionsEnabled: keys.boolean("localSessionsEnabled", false),
    localSessionsUpgradingEnabled: keys.boolean("localSessionsUpgradingEnabled", false),
  };
}

/** What must not be left out in silence. */
function refuseWhatIsMissing(keys: FileKeys): void {
  const missing = (key: string, what: string): ConfigError =>
    keys.error(key, `${what} is not supported yet by this version`, "the key left out");
  for (const key of ["sslQuorum", "portUnification"]) {
    if (keys.boolean(key, false)) throw missing(key, "TLS between servers");
  }
  if (keys.boolean("quorum.auth.enableSasl", false)) throw missing("quorum.auth.enableSasl", "SASL between servers");
}

/** @throws ConfigError with groups: ZooKeeper ignores them then, without a word. */
function oraclePathIn(keys: FileKeys, { groupOf }: Membership): string | null {
  const path = keys.text("oraclePath");
  if (path === null || groupOf === null) return path;
  throw keys.error("oraclePath", "an oracle is for two voters without groups and weights", "one of the two left out");
}

function ownSid(membership: Membership, myid: bigint | null, dataDir: string): bigint {
  const sids = [...membership.members.keys()].join(", ");
  if (myid === null) throw myidError(dataDir, "myid file is missing", `a file with one of ${sids}`);
  if (!membership.members.has(myid)) throw myidError(dataDir, `My id ${myid} not in the peer list`, `one of ${sids}`);
  return myid;
}

function myidError(dataDir: string, problem: string, valid: string): ConfigError {
  return new ConfigError({ file: `${dataDir}/myid`, line: 0, key: "", problem: `${problem}; valid is ${valid}` });
}

function warnOfRole(keys: FileKeys, own: Member, notes: ConfigNote[]): void {
  const peerType = keys.text("peerType")?.toLowerCase() ?? own.role;
  if (peerType === own.role) return;
  const text =
    `Peer type from servers list (${own.role.toUpperCase()}) doesn't match peerType (${peerType.toUpperCase()}).` +
    " Defaulting to servers list.";
  notes.push({ level: "warn", line: keys.line("peerType"), key: "peerType", text });
}

function readSnapshotSizeFactor(properties: SystemProperties): number {
  const factor = properties.double("zookeeper.snapshotSizeFactor", snapshotSizeFactorDefault);
  return factor > 1 ? snapshotSizeFactorDefault : factor;
}
