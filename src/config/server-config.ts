/**
 * The configuration of a server: one typed, checked object, however the server was started.
 *
 *   start zoo.cfg                             loadConfig            ZooKeeper's defaults
 *   start PORT DATADIR [TICKTIME] [MAXCNXNS]  configFromArguments   the same, but unlimited connections per address
 *   start                                     defaultConfig         loopback only, all words enabled, purge on
 *
 * A file is judged key by key first (verdict.ts); what may not be ignored refuses to start. Then ZooKeeper's own checks
 * follow, in its order and with its words: directories, addresses, ticks, session timeouts, membership. Everything is
 * pure: reading zoo.cfg and myid is the caller's.
 *
 * Always: a ServerConfig that exists is usable as it is, with all defaults filled in; an ensemble never comes out of
 * here in this version, but as a ConfigError.
 * Source: QuorumPeerConfig.java, ServerConfig.java, ZooKeeperServerMain.java.
 */

import { ConfigError } from "#base/errors.ts";
import { parseJavaProperties, type PropertyEntry } from "#base/java-properties.ts";
import { javaPath } from "#base/java-values.ts";
import type { Membership } from "#quorum/membership.ts";
import {
  checkEnsembleKeys,
  chooseClientAddress,
  type ClientAddress,
  parseMyid,
  readMembers,
  refuseStaticMembers,
} from "./ensemble-keys.ts";
import { type EnsembleConfig, readEnsemble } from "./ensemble-config.ts";
import { FileKeys } from "./file-keys.ts";
import type { ConfigNote } from "./notes.ts";
import { type PropertySettings, readPropertySettings } from "./property-settings.ts";
import { isSecret, propertyPrefix, SystemProperties } from "./system-properties.ts";
import { isParserKey, judge, type Judgement } from "./verdict.ts";

export interface ServerConfig extends PropertySettings, ClientAddress {
  /** Length of the listen backlog; -1 leaves it to the system. */
  readonly clientPortListenBacklog: number;
  /** Open connections per remote address; 0 is unlimited. */
  readonly maxClientCnxns: number;
  readonly dataDir: string;
  /** Where transaction logs go; the same as dataDir unless it was set. */
  readonly dataLogDir: string;
  readonly tickTimeMs: number;
  readonly minSessionTimeoutMs: number;
  readonly maxSessionTimeoutMs: number;
  readonly autopurge: {
    /** 0 is off. */
    readonly purgeIntervalHours: number;
    /** 3 or more. */
    readonly snapRetainCount: number;
  };
  readonly reconfigEnabled: boolean;
  readonly standaloneEnabled: boolean;
  /** What `dataDir/myid` holds, or null without such a file. */
  readonly myid: bigint | null;
  readonly membership: Membership;
  /** Null for a server on its own. */
  readonly ensemble: EnsembleConfig | null;
  /** Every property that was set, by its real name, secrets included; see `isSecret`. */
  readonly systemProperties: ReadonlyMap<string, string>;
}

export interface LoadedConfig {
  readonly config: ServerConfig;
  readonly notes: readonly ConfigNote[];
}

export interface ConfigInput {
  /** The bytes of zoo.cfg. */
  readonly text: Uint8Array;
  /** Its path, as the operator gave it. */
  readonly file: string;
  /** `-D` properties by their real names. */
  readonly systemProperties: ReadonlyMap<string, string>;
  /** The content of `dataDir/myid`, or null when there is no such file; left out, the file counts as absent. */
  readonly readMyid?: (dataDir: string) => string | null;
  /** The content of a dynamic configuration file, or null when there is no such file; left out, none is there. */
  readonly readDynamicFile?: (file: string) => Uint8Array | null;
}

const tickTimeMsDefault = 3000;
const snapRetainCountMin = 3;

/** The tables of nobody: a server without `server.` lines. */
const noMembers: Membership = { members: new Map(), groupOf: null, weights: new Map() };

/**
 * Reads a zoo.cfg.
 * @returns the configuration, and what there is to say about it at start.
 * @throws ConfigError naming file, line and key, in ZooKeeper's words, and what would be valid.
 */
export function loadConfig(input: ConfigInput): LoadedConfig {
  const { file } = input;
  const entries = parseJavaProperties(input.text, file);
  const keys = new FileKeys(entries, file);
  const notes: ConfigNote[] = [];
  warnIfRelative(file, { key: "", line: 0 }, notes);
  refuseUnpairedAddress(keys, "secureClientPort");
  refuseStaticMembers(keys);
  const judgements = takeJudgements(entries, input.systemProperties, file, notes);
  const properties = new SystemProperties(input.systemProperties, notes);
  for (const { key, value, line } of keys.entries()) {
    if (!isParserKey(key)) properties.set(propertyPrefix + key, value, line);
  }
  const base = readBase(keys, notes);
  const settings = readPropertySettings(properties, file);
  const rules = {
    standaloneEnabled: base.standaloneEnabled,
    multiAddressEnabled: keys.boolean(
      "multiAddress.enabled",
      properties.boolean("zookeeper.multiAddress.enabled", false),
    ),
  };
  const members = readMembers(keys, rules, input.readDynamicFile ?? (() => null), notes);
  const { membership } = members.committed;
  const content = input.readMyid?.(base.dataDir) ?? null;
  const myid = content === null ? null : parseMyid(content, base.dataDir, notes);
  const client = chooseClientAddress(keys, { ...base, membership, myid }, notes);
  const ensemble = readEnsemble(keys, properties, { ...base, ...settings, members, rules, myid }, notes);
  if (ensemble !== null) noteUnheeded(judgements, notes);
  const config = {
    ...base,
    ...settings,
    ...client,
    myid,
    membership,
    ensemble,
    systemProperties: plain(properties),
  };
  warnOfDangers(config, keys, notes);
  return { config, notes };
}

/** The configuration of `start PORT DATADIR [TICKTIME] [MAXCNXNS]`. */
export function configFromArguments(options: {
  readonly clientPort: number;
  readonly dataDir: string;
  readonly tickTimeMs?: number | undefined;
  readonly maxClientCnxns?: number | undefined;
  readonly systemProperties?: ReadonlyMap<string, string> | undefined;
}): LoadedConfig {
  const dataDir = javaPath(options.dataDir);
  return configWithoutFile(options.systemProperties ?? new Map(), {
    ...fileless(options.tickTimeMs ?? tickTimeMsDefault),
    clientPort: options.clientPort,
    maxClientCnxns: options.maxClientCnxns ?? 0,
    dataDir,
    dataLogDir: dataDir,
  });
}

/** The configuration of a start without any argument: safe for a first try, with nothing to clean up by hand. */
export function defaultConfig(systemProperties: ReadonlyMap<string, string> = new Map()): LoadedConfig {
  const { config, notes } = configWithoutFile(systemProperties, {
    ...fileless(2000),
    clientPort: 2181,
    clientPortAddress: "127.0.0.1",
    maxClientCnxns: 60,
    dataDir: "./nodekeeper-data",
    dataLogDir: "./nodekeeper-data",
    autopurge: { purgeIntervalHours: 1, snapRetainCount: snapRetainCountMin },
  });
  if (systemProperties.has("zookeeper.4lw.commands.whitelist")) return { config, notes };
  return { config: { ...config, fourLetterWordWhitelist: "*" }, notes };
}

type BaseSettings = Omit<
  ServerConfig,
  keyof PropertySettings | "myid" | "membership" | "ensemble" | "systemProperties"
>;

function fileless(tickTimeMs: number): Omit<BaseSettings, "clientPort" | "maxClientCnxns" | "dataDir" | "dataLogDir"> {
  return {
    clientPortAddress: "0.0.0.0",
    clientPortListenBacklog: -1,
    tickTimeMs,
    minSessionTimeoutMs: tickTimeMs * 2,
    maxSessionTimeoutMs: tickTimeMs * 20,
    autopurge: { purgeIntervalHours: 0, snapRetainCount: snapRetainCountMin },
    reconfigEnabled: false,
    standaloneEnabled: true,
  };
}

function configWithoutFile(flags: ReadonlyMap<string, string>, base: BaseSettings): LoadedConfig {
  const notes: ConfigNote[] = [];
  takeJudgements([], flags, commandLine, notes);
  const properties = new SystemProperties(flags, notes);
  const settings = readPropertySettings(properties, commandLine);
  const config = {
    ...base,
    ...settings,
    myid: null,
    membership: noMembers,
    ensemble: null,
    systemProperties: plain(properties),
  };
  return { config, notes };
}

/** Stands where a file's name would, in errors about -D flags. */
const commandLine = "command line";

function takeJudgements(
  entries: readonly PropertyEntry[],
  flags: ReadonlyMap<string, string>,
  file: string,
  notes: ConfigNote[],
): readonly Judgement[] {
  const judgements = judge(entries, flags);
  for (const { key, line, outcome, text } of judgements) {
    if (outcome === "refused") {
      const where = line > 0 ? { file, line, key } : { file: commandLine, line, key: `-D${key}` };
      throw new ConfigError({ ...where, problem: text });
    }
    if (text === "") continue;
    notes.push({ level: outcome === "noEffect" ? "info" : "warn", line, key, text });
  }
  return judgements;
}

/** A member says which of the keys for members have no effect. */
function noteUnheeded(judgements: readonly Judgement[], notes: ConfigNote[]): void {
  for (const { key, line, memberText } of judgements) {
    if (memberText !== undefined) notes.push({ level: "info", line, key, text: memberText });
  }
}

function readBase(keys: FileKeys, notes: ConfigNote[]): BaseSettings {
  checkEnsembleKeys(keys);
  const dataDir = readFolder(keys, "dataDir", notes);
  if (dataDir === null) throw keys.error("dataDir", "dataDir is not set", "dataDir=FOLDER");
  const clientPort = keys.port("clientPort");
  refuseUnpairedAddress(keys, "clientPort");
  const tickTimeMs = keys.int("tickTime", tickTimeMsDefault);
  if (tickTimeMs === 0) throw keys.error("tickTime", "tickTime is not set", "milliseconds, not 0");
  if (tickTimeMs < 0) throw keys.error("tickTime", `${tickTimeMs} is not a time`, "milliseconds, 1 or more");
  const minSessionTimeout = keys.int("minSessionTimeout", -1);
  const maxSessionTimeout = keys.int("maxSessionTimeout", -1);
  const minSessionTimeoutMs = minSessionTimeout === -1 ? tickTimeMs * 2 : minSessionTimeout;
  const maxSessionTimeoutMs = maxSessionTimeout === -1 ? tickTimeMs * 20 : maxSessionTimeout;
  if (minSessionTimeoutMs > maxSessionTimeoutMs) {
    const key = keys.has("minSessionTimeout") ? "minSessionTimeout" : "maxSessionTimeout";
    const bounds = `here they are ${minSessionTimeoutMs} and ${maxSessionTimeoutMs}`;
    throw keys.error(key, `minSessionTimeout must not be larger than maxSessionTimeout`, `min <= max; ${bounds}`);
  }
  return {
    clientPort,
    clientPortAddress: keys.text("clientPortAddress") ?? "0.0.0.0",
    clientPortListenBacklog: keys.int("clientPortListenBacklog", -1),
    maxClientCnxns: Math.max(keys.int("maxClientCnxns", 60), 0),
    dataDir,
    dataLogDir: readFolder(keys, "dataLogDir", notes) ?? dataDir,
    tickTimeMs,
    minSessionTimeoutMs,
    maxSessionTimeoutMs,
    autopurge: {
      purgeIntervalHours: Math.max(keys.int("autopurge.purgeInterval", 0), 0),
      snapRetainCount: readSnapRetainCount(keys, notes),
    },
    reconfigEnabled: keys.boolean("reconfigEnabled", false),
    standaloneEnabled: keys.boolean("standaloneEnabled", true),
  };
}

function refuseUnpairedAddress(keys: FileKeys, portKey: "clientPort" | "secureClientPort"): void {
  const addressKey = `${portKey}Address`;
  if (keys.has(portKey) || !keys.has(addressKey)) return;
  throw keys.error(addressKey, `${addressKey} is set but ${portKey} is not set`, `both of them, or neither`);
}

function readFolder(keys: FileKeys, key: string, notes: ConfigNote[]): string | null {
  const text = keys.text(key);
  if (text === null) return null;
  if (text === "") throw keys.error(key, `${key} is not set`, `${key}=FOLDER`);
  warnIfRelative(javaPath(text), { key, line: keys.line(key) }, notes);
  return javaPath(text);
}

function readSnapRetainCount(keys: FileKeys, notes: ConfigNote[]): number {
  const key = "autopurge.snapRetainCount";
  const count = keys.int(key, snapRetainCountMin);
  if (count >= snapRetainCountMin) return count;
  const text = `Invalid ${key}: ${count}. Defaulting to ${snapRetainCountMin}`;
  notes.push({ level: "warn", line: keys.line(key), key, text });
  return snapRetainCountMin;
}

function warnIfRelative(path: string, at: { readonly key: string; readonly line: number }, notes: ConfigNote[]): void {
  if (path.startsWith("/") || path.startsWith("./")) return;
  notes.push({ level: "warn", ...at, text: `${path} is relative. Prepend ./ to indicate that you're sure!` });
}

/** Settings that are as ZooKeeper has them and are known to hurt. */
function warnOfDangers(config: ServerConfig, keys: FileKeys, notes: ConfigNote[]): void {
  const warn = (key: string, text: string): void => {
    notes.push({ level: "warn", line: keys.line(key), key, text });
  };
  if (!config.forceSync)
    warn("forceSync", "forceSync=no: writes are acknowledged before they are durable, and can be lost");
  if (config.skipAcl) warn("skipACL", "skipACL=yes: ACLs are not checked, everybody may do everything");
  if (config.autopurge.purgeIntervalHours === 0) {
    const text = "autopurge.purgeInterval is 0: old snapshots and transaction logs are never removed";
    warn("autopurge.purgeInterval", text);
  }
}

function plain(properties: SystemProperties): Map<string, string> {
  return new Map([...properties.entries()].map(([name, { value }]) => [name, value]));
}

/** All properties as they may be shown: secrets replaced by stars. */
export function shownProperties(config: ServerConfig): Map<string, string> {
  return new Map([...config.systemProperties].map(([name, value]) => [name, isSecret(name) ? "*****" : value]));
}
