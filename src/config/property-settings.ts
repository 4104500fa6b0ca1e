/**
 * The typed half of the configuration that comes from system properties: limits, throttles, storage, authentication.
 * Each reader below is the reader that ZooKeeper uses for that name, with its default and its corrections.
 *
 * Always: every name read here is "honoured" in the key tables, and every honoured property is read here; a test
 * compares the two. Source: the static initialisers of ZooKeeperServer, FileTxnLog, FilePadding, SnapStream,
 * FileTxnSnapLog, BlueThrottle, RequestThrottler, BinaryInputArchive, FourLetterCommands, DigestAuthenticationProvider.
 */

import { ConfigError } from "#base/errors.ts";
import { javaTrim } from "#base/java-values.ts";
import { schemeOfProvider } from "./security-keys.ts";
import type { SystemProperties } from "./system-properties.ts";

interface StorageSettings {
  /** Transactions between snapshots; 2 or more. */
  readonly snapCount: number;
  readonly preAllocSizeKb: number;
  /** Log bytes between snapshots, in kilobytes; 0 is off. */
  readonly snapSizeLimitKb: number;
  /** The log file is rolled at this size, in kilobytes; 0 is off. */
  readonly txnLogSizeLimitKb: number;
  /** False: transactions are acknowledged before they are durable. */
  readonly forceSync: boolean;
  readonly fsyncWarningThresholdMs: number;
  readonly flushDelayMs: number;
  readonly maxWriteQueuePollTimeMs: number;
  /** Transactions after which a batch is flushed. */
  readonly maxBatchSize: number;
  readonly snapshotCompression: "none" | "gz" | "snappy";
  readonly snapshotTrustEmpty: boolean;
  readonly datadirAutocreate: boolean;
  readonly dbAutocreate: boolean;
  readonly digestEnabled: boolean;
  readonly serializeLastProcessedZxid: boolean;
  readonly closeSessionTxnEnabled: boolean;
  readonly extendedTypesEnabled: boolean;
  readonly emulate353TtlNodes: boolean;
}

interface RequestThrottle {
  /** Requests in process; 0 is off. */
  readonly maxRequests: number;
  readonly stallTimeMs: number;
  readonly dropStale: boolean;
  readonly staleConnectionCheck: boolean;
  readonly staleLatencyCheck: boolean;
  readonly shutdownTimeoutMs: number;
}

interface ConnectionThrottle {
  /** Size of the bucket, already multiplied by the global weight when weights are on; 0 is off. */
  readonly tokens: number;
  readonly fillTimeMs: number;
  /** Tokens per fill time, multiplied like the bucket. */
  readonly fillCount: number;
  /** Period of the random drop; -1 is off. */
  readonly freezeTimeMs: number;
  readonly dropIncrease: number;
  readonly dropDecrease: number;
  readonly decreaseRatio: number;
  readonly weightEnabled: boolean;
  readonly globalSessionWeight: number;
  readonly localSessionWeight: number;
  readonly renewSessionWeight: number;
}

export interface PropertySettings extends StorageSettings {
  /** Total connections per port; 0 is unlimited. */
  readonly maxCnxns: number;
  /** Largest frame a client may send. */
  readonly juteMaxBufferBytes: number;
  /** What strings and buffers inside a frame may exceed that by. */
  readonly juteMaxBufferExtraBytes: number;
  readonly enforceQuota: boolean;
  readonly skipAcl: boolean;
  readonly globalOutstandingLimit: number;
  readonly requestThrottle: RequestThrottle;
  readonly connectionThrottle: ConnectionThrottle;
  /** A request that waited longer is answered THROTTLEDOP; 0 is off. */
  readonly throttledOpWaitTimeMs: number;
  /** Frames above it count as large; -1 is off. */
  readonly largeRequestThresholdBytes: number;
  /** What all large requests in flight may sum up to. */
  readonly largeRequestMaxBytes: number;
  readonly sessionlessCnxnTimeoutMs: number;
  readonly clientTcpKeepAlive: boolean;
  /** Whether a member that finds no leader serves reads. */
  readonly readOnlyModeEnabled: boolean;
  /** Enabled words, or "*" for every known one. */
  readonly fourLetterWordWhitelist: ReadonlySet<string> | "*";
  readonly container: {
    readonly checkIntervalMs: number;
    readonly maxPerMinute: number;
    /** Age after which a container that never had a child goes; 0 is never. */
    readonly maxNeverUsedIntervalMs: number;
  };
  readonly digestAuth: {
    readonly enabled: boolean;
    /** By its name in Java, such as "SHA1"; one that exists here. */
    readonly algorithm: string;
    /** `super:BASE64`, or null when there is no super user. Secret. */
    readonly superDigest: string | null;
  };
  /** Schemes that clients may authenticate with. */
  readonly authProviders: ReadonlySet<string>;
  /** Names that the ensemble scheme accepts; empty accepts all. */
  readonly ensembleAuthNames: readonly string[];
  readonly sessionRequireClientSaslAuth: boolean;
  /** A connection needs an id of one of these before it may do anything; empty asks for none. */
  readonly enforceAuthSchemes: readonly string[];
}

const juteMaxBufferDefault = 0xfffff;
const juteExtraBytesMin = 1024;
const largeRequestMaxBytesDefault = 100 * 1024 * 1024;

/**
 * Reads all of them.
 * @throws ConfigError when enforced authentication names no scheme, or one that does not exist.
 */
export function readPropertySettings(properties: SystemProperties, file: string): PropertySettings {
  const juteMaxBufferBytes = properties.int("jute.maxbuffer", juteMaxBufferDefault);
  const extraBytes = properties.int("zookeeper.jute.maxbuffer.extrasize", juteMaxBufferBytes);
  const digestAuth = readDigestAuth(properties);
  const authProviders = readAuthProviders(properties, digestAuth.enabled);
  return {
    ...readStorage(properties),
    maxCnxns: Math.max(properties.int("zookeeper.maxCnxns", 0), 0),
    juteMaxBufferBytes,
    juteMaxBufferExtraBytes: Math.max(extraBytes, juteExtraBytesMin),
    enforceQuota: properties.boolean("zookeeper.enforceQuota", false),
    skipAcl: properties.isWord("zookeeper.skipACL", "yes", "no"),
    globalOutstandingLimit: properties.int("zookeeper.globalOutstandingLimit", 1000),
    requestThrottle: readRequestThrottle(properties),
    connectionThrottle: readConnectionThrottle(properties),
    throttledOpWaitTimeMs: properties.int("zookeeper.throttled_op_wait_time", 0),
    largeRequestThresholdBytes: readLargeRequestThreshold(properties),
    largeRequestMaxBytes: readLargeRequestMaxBytes(properties),
    sessionlessCnxnTimeoutMs: properties.int("zookeeper.nio.sessionlessCnxnTimeout", 10_000),
    clientTcpKeepAlive: properties.boolean("zookeeper.clientTcpKeepAlive", false),
    readOnlyModeEnabled: properties.boolean("readonlymode.enabled", false),
    fourLetterWordWhitelist: readWhitelist(properties),
    container: {
      checkIntervalMs: properties.int("znode.container.checkIntervalMs", 60_000),
      maxPerMinute: properties.int("znode.container.maxPerMinute", 10_000),
      maxNeverUsedIntervalMs: properties.long("znode.container.maxNeverUsedIntervalMs", 0),
    },
    digestAuth,
    authProviders,
    ensembleAuthNames: splitList(properties.text("zookeeper.ensembleAuthName", "")),
    sessionRequireClientSaslAuth: properties.boolean("zookeeper.sessionRequireClientSASLAuth", false),
    enforceAuthSchemes: readEnforcedSchemes(properties, authProviders, file),
  };
}

function readStorage(properties: SystemProperties): StorageSettings {
  const flushDelayMs = properties.long("zookeeper.flushDelay", 0);
  const fsyncWarningFallback = properties.long("fsync.warningthresholdms", 1000);
  return {
    snapCount: readSnapCount(properties),
    preAllocSizeKb: properties.decimal("zookeeper.preAllocSize", 65_536),
    snapSizeLimitKb: Math.max(properties.long("zookeeper.snapSizeLimitInKb", 4_194_304), 0),
    txnLogSizeLimitKb: Math.max(properties.long("zookeeper.txnLogSizeLimitInKb", 0), 0),
    forceSync: !properties.isWord("zookeeper.forceSync", "no", "yes"),
    fsyncWarningThresholdMs: properties.long("zookeeper.fsync.warningthresholdms", fsyncWarningFallback),
    flushDelayMs,
    maxWriteQueuePollTimeMs: properties.long("zookeeper.maxWriteQueuePollTime", Math.trunc(flushDelayMs / 3)),
    maxBatchSize: properties.int("zookeeper.maxBatchSize", 1000),
    snapshotCompression: readCompression(properties),
    snapshotTrustEmpty: properties.boolean("zookeeper.snapshot.trust.empty", false),
    datadirAutocreate: properties.boolean("zookeeper.datadir.autocreate", true),
    dbAutocreate: properties.boolean("zookeeper.db.autocreate", true),
    digestEnabled: properties.boolean("zookeeper.digest.enabled", true),
    serializeLastProcessedZxid: properties.boolean("zookeeper.serializeLastProcessedZxid.enabled", true),
    closeSessionTxnEnabled: properties.boolean("zookeeper.closeSessionTxn.enabled", true),
    extendedTypesEnabled: properties.boolean("zookeeper.extendedTypesEnabled", false),
    emulate353TtlNodes: properties.boolean("zookeeper.emulate353TTLNodes", false),
  };
}

function readSnapCount(properties: SystemProperties): number {
  const snapCount = properties.int("zookeeper.snapCount", 100_000);
  if (snapCount >= 2) return snapCount;
  properties.correct("zookeeper.snapCount", "SnapCount should be 2 or more. Now, snapCount is reset to 2");
  return 2;
}

function readCompression(properties: SystemProperties): StorageSettings["snapshotCompression"] {
  const name = "zookeeper.snapshot.compression.method";
  const method = properties.text(name, "").toLowerCase();
  if (method === "gz" || method === "snappy") return method;
  if (method !== "") {
    properties.correct(name, `${name}=${method} means no compression; valid is gz, snappy or nothing`);
  }
  return "none";
}

function readRequestThrottle(properties: SystemProperties): RequestThrottle {
  return {
    maxRequests: properties.int("zookeeper.request_throttle_max_requests", 0),
    stallTimeMs: properties.int("zookeeper.request_throttle_stall_time", 100),
    dropStale: properties.boolean("zookeeper.request_throttle_drop_stale", true),
    staleConnectionCheck: properties.boolean("zookeeper.request_stale_connection_check", true),
    staleLatencyCheck: properties.boolean("zookeeper.request_stale_latency_check", false),
    shutdownTimeoutMs: properties.int("zookeeper.request_throttler.shutdownTimeout", 10_000),
  };
}

function readConnectionThrottle(properties: SystemProperties): ConnectionThrottle {
  const weightEnabled = properties.boolean("zookeeper.connection_throttle_weight_enabled", false);
  // The local weight as it was written is the yardstick for the other two, as in BlueThrottle, even when it is corrected.
  const localAsWritten = properties.int(weightName("local"), 1);
  const globalAsWritten = properties.int(weightName("global"), 3);
  const renewAsWritten = properties.int(weightName("renew"), 2);
  const global = checkWeight(properties, "global", globalAsWritten, { fallback: 3, weightMin: localAsWritten });
  const factor = weightEnabled ? global : 1;
  return {
    tokens: factor * properties.int("zookeeper.connection_throttle_tokens", 0),
    fillTimeMs: properties.int("zookeeper.connection_throttle_fill_time", 1),
    fillCount: factor * properties.int("zookeeper.connection_throttle_fill_count", 1),
    freezeTimeMs: properties.int("zookeeper.connection_throttle_freeze_time", -1),
    dropIncrease: properties.double("zookeeper.connection_throttle_drop_increase", 0.02),
    dropDecrease: properties.double("zookeeper.connection_throttle_drop_decrease", 0.002),
    decreaseRatio: properties.double("zookeeper.connection_throttle_decrease_ratio", 0),
    weightEnabled,
    globalSessionWeight: global,
    localSessionWeight: checkWeight(properties, "local", localAsWritten, { fallback: 1, weightMin: 1 }),
    renewSessionWeight: checkWeight(properties, "renew", renewAsWritten, { fallback: 2, weightMin: localAsWritten }),
  };
}

type WeightKind = "global" | "local" | "renew";

function weightName(kind: WeightKind): string {
  return `zookeeper.connection_throttle_${kind}_session_weight`;
}

function checkWeight(
  properties: SystemProperties,
  kind: WeightKind,
  weight: number,
  bounds: { readonly fallback: number; readonly weightMin: number },
): number {
  if (weight <= 0) {
    properties.correct(weightName(kind), `Invalid ${kind} session weight ${weight}. It should be larger than 0`);
    return bounds.fallback;
  }
  if (weight >= bounds.weightMin) return weight;
  const text =
    `The ${kind} session weight ${weight} is less than the local session weight ${bounds.weightMin}. ` +
    `Use the local session weight.`;
  properties.correct(weightName(kind), text);
  return bounds.weightMin;
}

function readLargeRequestThreshold(properties: SystemProperties): number {
  const name = "zookeeper.largeRequestThreshold";
  const threshold = properties.int(name, -1);
  if (threshold > 0 || threshold === -1) return threshold;
  const text = `Invalid large request threshold ${threshold}. It should be -1 or positive. Setting to -1 `;
  properties.correct(name, text);
  return -1;
}

function readLargeRequestMaxBytes(properties: SystemProperties): number {
  const name = "zookeeper.largeRequestMaxBytes";
  const bytes = properties.int(name, largeRequestMaxBytesDefault);
  if (bytes > 0) return bytes;
  properties.correct(
    name,
    `Invalid max bytes for all large requests ${bytes}. It should be a positive number. ` +
      `The max bytes stay at ${largeRequestMaxBytesDefault}`,
  );
  return largeRequestMaxBytesDefault;
}

function readWhitelist(properties: SystemProperties): ReadonlySet<string> | "*" {
  const words = splitList(properties.text("zookeeper.4lw.commands.whitelist", ""));
  if (words.includes("*")) return "*";
  // Only this very spelling counts here, not Java's usual "true in any case".
  const isIsroEnabled = properties.text("readonlymode.enabled", "false") === "true";
  return new Set([...words, "srvr", ...(isIsroEnabled ? ["isro"] : [])]);
}

function readDigestAuth(properties: SystemProperties): PropertySettings["digestAuth"] {
  const prefix = "zookeeper.DigestAuthenticationProvider.";
  return {
    enabled: properties.boolean(`${prefix}enabled`, true),
    algorithm: properties.text(`${prefix}digestAlg`, "SHA1"),
    superDigest: properties.get(`${prefix}superDigest`)?.value ?? null,
  };
}

function readAuthProviders(properties: SystemProperties, isDigestEnabled: boolean): Set<string> {
  const schemes = new Set(isDigestEnabled ? ["ip", "digest"] : ["ip"]);
  const names = [...properties.entries()].map(([name]) => name);
  for (const name of names.filter((name) => name.startsWith("zookeeper.authProvider."))) {
    const className = properties.text(name, "");
    const scheme = schemeOfProvider.get(className);
    if (scheme !== undefined) schemes.add(scheme);
    else properties.correct(name, `Problems loading ${className}: its scheme is unknown here`);
  }
  return schemes;
}

function readEnforcedSchemes(properties: SystemProperties, known: ReadonlySet<string>, file: string): string[] {
  const name = "zookeeper.enforce.auth.schemes";
  const isEnabled = properties.boolean("zookeeper.enforce.auth.enabled", false);
  const list = properties.get(name);
  if (!isEnabled) return [];
  const available = [...known].join(", ");
  if (list === null) {
    const problem = `zookeeper.enforce.auth.enabled is true ${name} must be  configured.; valid is a list of ${available}`;
    throw new ConfigError({ file, line: properties.get("zookeeper.enforce.auth.enabled")!.line, key: name, problem });
  }
  const schemes = list.value.split(",").map((scheme) => javaTrim(scheme));
  for (const scheme of schemes) {
    if (known.has(scheme)) continue;
    const problem = `Authentication scheme ${scheme} is not available.; valid is a list of ${available}`;
    throw new ConfigError({ file, line: list.line, key: name, problem });
  }
  return schemes;
}

function splitList(text: string): string[] {
  return text
    .split(",")
    .map((piece) => javaTrim(piece))
    .filter((piece) => piece !== "");
}
