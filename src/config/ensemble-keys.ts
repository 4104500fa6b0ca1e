/**
 * The keys of ensembles, as every server reads them. ZooKeeper parses and checks them all before it decides what it is, and a
 * standalone server takes two things from them: the client port of its own member line, and the number in myid.
 *
 *   no server line, or one participant       standalone; the member line's `;port` is the client port
 *   several participants, or                 an ensemble: see ensemble-config.ts
 *   standaloneEnabled=false
 *
 * Source: QuorumPeerConfig.setupQuorumPeerConfig, setupMyId, setupClientPort, checkValidity.
 */

import { ConfigError } from "#base/errors.ts";
import { javaAddress, javaSocketAddress } from "#base/java-address.ts";
import { javaTrim, parseJavaLong } from "#base/java-values.ts";
import { type ConfigRules, parseConfigText } from "#quorum/config-text.ts";
import {
  checkMembership,
  isMembershipKey,
  type Member,
  type Membership,
  parseMembership,
  participants,
} from "#quorum/membership.ts";
import { QuorumVerifier } from "#quorum/quorum-verifier.ts";
import { nextFileOf, versionOfFileName } from "./dynamic-config.ts";
import type { FileKeys } from "./file-keys.ts";
import type { ConfigNote } from "./notes.ts";

/** Where the plain client port is. */
export interface ClientAddress {
  /** Null: none is opened. 0: the system chooses. */
  readonly clientPort: number | null;
  /** Address to bind; "0.0.0.0" stands for every address of both families, as it does for Java's sockets. */
  readonly clientPortAddress: string;
}

/**
 * Refuses membership lines beside a dynamic configuration file.
 * @throws ConfigError with ZooKeeper's text.
 */
export function refuseStaticMembers(keys: FileKeys): void {
  if (!keys.has("dynamicConfigFile")) return;
  for (const { key } of keys.entries()) {
    if (!isMembershipKey(key)) continue;
    const problem = `parameter: ${key} must be in a separate dynamic config file`;
    throw keys.error(key, problem, "either dynamicConfigFile or membership lines");
  }
}

/**
 * Checks the values of the keys that matter to ensembles, as ZooKeeper does on a standalone server too.
 * @throws ConfigError for the first that is wrong.
 */
export function checkEnsembleKeys(keys: FileKeys): void {
  for (const key of ensembleInts) keys.int(key, 0);
  for (const key of ensembleBooleans) keys.boolean(key, false);
  for (const key of pauseMonitorKeys) keys.checkLong(key);
  keys.boolean("jvm.pause.monitor", false);
  if (keys.int("electionAlg", 3) !== 3) {
    throw keys.error("electionAlg", "Invalid electionAlg value. Only 3 is supported.", "3");
  }
  const peerType = keys.text("peerType") ?? "participant";
  if (peerType.toLowerCase() !== "observer" && peerType.toLowerCase() !== "participant") {
    throw keys.error("peerType", `Unrecognised peertype: ${peerType}`, "participant or observer");
  }
  const [sasl, learner, server] = ["enableSasl", "learnerRequireSasl", "serverRequireSasl"].map(
    (name) => `quorum.auth.${name}`,
  ) as [string, string, string];
  for (const [needed, wanted] of [
    [sasl, server],
    [sasl, learner],
    [learner, server],
  ] as const) {
    if (keys.boolean(needed, false) || !keys.boolean(wanted, false)) continue;
    throw keys.error(wanted, `${needed} is disabled, so cannot enable ${wanted}`, `${needed}=true, or ${wanted}=false`);
  }
}

/**
 * The number in a myid file: its first line. Kinder than ZooKeeper: blanks round it are forgiven, with a note.
 * @throws ConfigError when it is not a number.
 */
export function parseMyid(content: string, dataDir: string, notes: ConfigNote[]): bigint {
  const firstLine = content.split(/\r\n|\n|\r/, 1)[0]!;
  const myid = parseJavaLong(javaTrim(firstLine));
  if (myid === null) {
    const problem = `serverid ${content === "" ? "null" : firstLine} is not a number; valid is the number of this server's server.N line`;
    throw new ConfigError({ file: `${dataDir}/myid`, line: 1, key: "", problem });
  }
  if (javaTrim(firstLine) !== firstLine) {
    const text = `${dataDir}/myid has blanks round its number, which ZooKeeper itself would refuse`;
    notes.push({ level: "warn", line: 0, key: "", text });
  }
  return myid;
}

/** The members as the files have them. */
export interface FoundMembers {
  readonly committed: QuorumVerifier;
  /** What `.next` holds of a change that may or may not have been committed; null when there is none. */
  readonly next: QuorumVerifier | null;
  /** The file that names them. */
  readonly file: string;
}

/**
 * Reads the members, from zoo.cfg or from the dynamic file that it names.
 * @param readFile content of a dynamic file; null when there is none.
 * @throws ConfigError with ZooKeeper's text when they are wrong.
 */
export function readMembers(
  keys: FileKeys,
  rules: ConfigRules,
  readFile: (file: string) => Uint8Array | null,
  notes: ConfigNote[],
): FoundMembers {
  const dynamicFile = keys.text("dynamicConfigFile");
  const found = dynamicFile === null ? staticMembers(keys, rules) : dynamicMembers(keys, dynamicFile, rules, readFile);
  const { membership } = found.committed;
  const line = [...membership.members.values()][0]?.line ?? 0;
  for (const text of checkMembership(membership, rules.standaloneEnabled, found.file)) {
    notes.push({ level: "warn", line: dynamicFile === null ? line : 0, key: "server", text });
  }
  return found;
}

function staticMembers(keys: FileKeys, { multiAddressEnabled }: ConfigRules): FoundMembers {
  const { file } = keys;
  const lines = [...keys.entries()].filter(({ key }) => isMembershipKey(key));
  const membership = parseMembership(lines, { file, multiAddressEnabled });
  return { committed: new QuorumVerifier(membership, 0n), next: null, file };
}

function dynamicMembers(
  keys: FileKeys,
  file: string,
  rules: ConfigRules,
  readFile: (file: string) => Uint8Array | null,
): FoundMembers {
  const bytes = readFile(file);
  if (bytes === null) {
    throw keys.error("dynamicConfigFile", `Error processing ${file}: file is missing`, "a file with server lines");
  }
  const { membership, version } = parseConfigText(Buffer.from(bytes).toString("latin1"), file, rules);
  if (version !== 0n) throw keys.error("dynamicConfigFile", "dynamic file shouldn't have version inside", "its name");
  const committed = new QuorumVerifier(membership, versionOfFileName(file));
  const nextFile = nextFileOf(keys.file);
  const nextBytes = readFile(nextFile);
  if (nextBytes === null) return { committed, next: null, file };
  const next = parseConfigText(Buffer.from(nextBytes).toString("latin1"), nextFile, rules);
  // What is not newer was committed before the file could be removed.
  return { committed, next: next.version > committed.version ? next : null, file };
}

/**
 * The client address of the member line, where there is one, wins over clientPort; both given, they must agree.
 * @throws ConfigError with ZooKeeper's text when they do not.
 */
export function chooseClientAddress(
  keys: FileKeys,
  server: ClientAddress & { readonly membership: Membership; readonly myid: bigint | null },
  notes: ConfigNote[],
): ClientAddress {
  const { clientPort, clientPortAddress } = server;
  const member = ownMember(server, notes);
  if (member === null || member.client === null) {
    if (clientPort === null) {
      const text = "clientPort is not set: no client can connect";
      notes.push({ level: "warn", line: 0, key: "clientPort", text });
    }
    return { clientPort, clientPortAddress };
  }
  const { host, port } = member.client;
  const isAnyAddress = ["0.0.0.0", "0:0:0:0:0:0:0:0"].includes(javaAddress(clientPortAddress));
  if (clientPort !== null && (clientPort !== port || (!isAnyAddress && areDifferentHosts(clientPortAddress, host)))) {
    const given = keys.has("clientPortAddress")
      ? addressText(clientPortAddress, clientPort)
      : `0.0.0.0/0.0.0.0:${clientPort}`;
    const problem =
      `client address for this server (id = ${member.sid}) in static config file is ${given}` +
      ` is different from client address found in dynamic file: ${addressText(host, port)}`;
    throw keys.error(
      "clientPort",
      problem,
      `one of the two, or both alike (server.${member.sid} is on line ${member.line})`,
    );
  }
  return { clientPort: port, clientPortAddress: host };
}

/** The member that is this server. Kinder than ZooKeeper: the only participant is, whatever myid says. */
function ownMember(
  given: ClientAddress & { readonly membership: Membership; readonly myid: bigint | null },
  notes: ConfigNote[],
): Member | null {
  const { myid } = given;
  const own = myid === null ? undefined : given.membership.members.get(myid);
  const only = participants(given.membership)[0];
  if (own !== undefined || only === undefined) return own ?? null;
  if (given.clientPort !== null) return null;
  if (myid !== null) {
    const text = `myid is ${myid}, but the only server line is server.${only.sid}; its client port is taken`;
    notes.push({ level: "warn", line: only.line, key: `server.${only.sid}`, text });
  }
  return only;
}

/** An address as Java prints it; what a name stands for is not looked up here. */
function addressText(host: string, port: number): string {
  return literalAddress(host) === null ? `${host}:${port}` : javaSocketAddress(host, port);
}

/** Whether two hosts are surely not the same: names are not looked up here. */
function areDifferentHosts(a: string, b: string): boolean {
  const [first, second] = [literalAddress(a), literalAddress(b)];
  return first !== null && second !== null && first !== second;
}

function literalAddress(host: string): string | null {
  if (host.toLowerCase() === "localhost") return "127.0.0.1";
  return /^[\d.]+$/.test(host) || host.includes(":") ? javaAddress(host.toLowerCase()) : null;
}

const ensembleInts = [
  "observerMasterPort",
  "initLimit",
  "syncLimit",
  "connectToLearnerMasterLimit",
  "quorum.cnxn.threads.size",
  "multiAddress.reachabilityCheckTimeoutMs",
] as const;

const ensembleBooleans = [
  "quorumListenOnAllIPs",
  "syncEnabled",
  "sslQuorum",
  "portUnification",
  "sslQuorumReloadCertFiles",
  "localSessionsEnabled",
  "localSessionsUpgradingEnabled",
  "multiAddress.enabled",
  "multiAddress.reachabilityCheckEnabled",
] as const;

const pauseMonitorKeys = [
  "jvm.pause.info-threshold.ms",
  "jvm.pause.warn-threshold.ms",
  "jvm.pause.sleep.time.ms",
] as const;
