/**
 * The members of an ensemble, as zoo.cfg spells them, and what makes a set of them valid.
 *
 *   server.N = address [ | address ]... [ ; [ clientHost : ] clientPort ]
 *   address  = host : quorumPort : electionPort [ : participant | : observer ]
 *   group.G  = N [ : N ]...          weight.N = W
 *
 * An IPv6 host stands in brackets. Any group or weight line makes the quorums hierarchical: then every participant
 * needs a group. One participant with standaloneEnabled is no ensemble but a standalone server, which takes its client
 * port from its member line; the official image writes just that.
 * Kinder than ZooKeeper in two places, where a file that it accepts means the same to both: blanks round a value are trimmed here
 * too, and `multiAddress.enabled` counts in zoo.cfg as well (ZooKeeper's member parser looks at the -D flag alone).
 * Source: QuorumPeer.QuorumServer, QuorumMaj, QuorumHierarchical, QuorumPeerConfig.parseDynamicConfig, ConfigUtils.
 */

import { ConfigError, IllegalArgumentError } from "#base/errors.ts";
import { type Address, javaAddress } from "#base/java-address.ts";
import { javaSplit, javaTrim, parseJavaInt, parseJavaLong } from "#base/java-values.ts";

type MemberRole = "participant" | "observer";

interface MemberAddress {
  /** Without brackets. */
  readonly host: string;
  readonly quorumPort: number;
  readonly electionPort: number;
}

export interface Member {
  /** The server's id: a signed 64-bit number; session ids have room for 0 to 255. */
  readonly sid: bigint;
  readonly role: MemberRole;
  readonly addresses: readonly MemberAddress[];
  /** What stands after the semicolon, or null. */
  readonly client: Address | null;
  readonly line: number;
}

export interface Membership {
  readonly members: ReadonlyMap<bigint, Member>;
  /** Group of each server, by server id; null when the quorums are simple majorities. */
  readonly groupOf: ReadonlyMap<bigint, bigint> | null;
  /** Weights that are given; 1 for everybody else. */
  readonly weights: ReadonlyMap<bigint, bigint>;
}

/** A `server.`, `group` or `weight` line; key and value trimmed. */
export interface MemberLine {
  readonly key: string;
  readonly value: string;
  readonly line: number;
}

const validMember = "server.N=host:port:port[:participant|observer][;[host:]port]";
const wrongForm =
  " does not have the form server_config or server_config;client_config" +
  " where server_config is the pipe separated list of host:port:port or host:port:port:type" +
  " and client_config is port or host:port";

/** Whether ZooKeeper takes the key for a membership line. */
export function isMembershipKey(key: string): boolean {
  return key.startsWith("server.") || key.startsWith("group") || key.startsWith("weight");
}

/**
 * Parses membership lines.
 * @throws ConfigError with ZooKeeper's text for the first line that is wrong.
 */
export function parseMembership(
  lines: readonly MemberLine[],
  options: { readonly file: string; readonly multiAddressEnabled: boolean },
): Membership {
  const members = new Map<bigint, Member>();
  const groups = new Map<bigint, bigint>();
  const groupBlames = new Map<bigint, Blame>();
  const weights = new Map<bigint, bigint>();
  let isHierarchical = false;
  for (const line of lines) {
    const blame = new Blame(options.file, line);
    const number = blame.long(line.key.slice(line.key.indexOf(".") + 1));
    if (line.key.startsWith("server.")) {
      members.set(number, parseMember(number, line, blame, options.multiAddressEnabled));
      continue;
    }
    isHierarchical = true;
    if (line.key.startsWith("weight")) {
      weights.set(number, blame.weight(line.value));
      continue;
    }
    for (const sid of javaSplit(line.value, ":").map((text) => blame.long(text))) {
      if (groups.has(sid)) throw blame.error(`Server ${sid}is in multiple groups`, "each server in one group line");
      groups.set(sid, number);
      groupBlames.set(sid, blame);
    }
  }
  if (isHierarchical) {
    checkGroups({ members, groupOf: groups, weights }, options.file);
    for (const [sid, blame] of groupBlames) checkWeight(sid, members.get(sid)?.role, weights, blame);
  }
  return { members, groupOf: isHierarchical ? groups : null, weights };
}

/** The members that vote. */
export function participants(membership: Membership): Member[] {
  return [...membership.members.values()].filter(({ role }) => role === "participant");
}

/** Whether these members form an ensemble, be it of one, rather than a standalone server. */
export function isDistributed(membership: Membership, standaloneEnabled: boolean): boolean {
  return !standaloneEnabled || participants(membership).length > 1;
}

/**
 * Checks the set as a whole.
 * @returns warnings about it, ZooKeeper's where it warns of the same.
 * @throws ConfigError with ZooKeeper's text when it cannot work.
 */
export function checkMembership(membership: Membership, standaloneEnabled: boolean, file: string): string[] {
  const voters = participants(membership).length;
  const observers = membership.members.size - voters;
  const refuse = (problem: string, valid: string): ConfigError => {
    const line = [...membership.members.values()][0]?.line ?? 0;
    const key = line > 0 ? "server" : "";
    return new IllegalArgumentError({ file, line, key, problem: `${problem}; valid is ${valid}` });
  };
  if (voters === 0) {
    if (!standaloneEnabled) {
      const problem = "standaloneEnabled = false then number of participants should be >0";
      throw refuse(problem, "a server line, or standaloneEnabled=true");
    }
    if (observers > 0) {
      throw refuse("Observers w/o participants is an invalid configuration", "at least one participant");
    }
    return [];
  }
  if (voters === 1 && standaloneEnabled) {
    if (observers > 0) {
      throw refuse("Observers w/o quorum is an invalid configuration", "a second participant, or no observer");
    }
    return ["only one server specified: the server is standalone, and takes at most the client port from this line"];
  }
  if (voters <= 2) return ["No server failure will be tolerated. You need at least 3 servers."];
  return voters % 2 === 0 ? ["Non-optimal configuration, consider an odd number of servers."] : [];
}

/**
 * The canonical text of a member, as `conf`, dynamic files and /zookeeper/config show it: the role always spelt out,
 * the addresses in the order of their hosts, as they are printed.
 */
export function formatMember(member: Member): string {
  const addresses = member.addresses
    .map(({ host, ...ports }) => ({ host: inFull(host), ...ports }))
    .sort((a, b) => (a.host < b.host ? -1 : a.host > b.host ? 1 : 0))
    .map(({ host, quorumPort, electionPort }) => `${bracketed(host)}:${quorumPort}:${electionPort}`);
  const client = member.client === null ? "" : `;${bracketed(inFull(member.client.host))}:${member.client.port}`;
  return `${addresses.join("|")}:${member.role}${client}`;
}

/** Whether two members, or one before and after a change, listen for learners at the same addresses, in whatever order. */
export function haveSameQuorumAddress(a: Member, b: Member): boolean {
  return isSameSet(a.addresses.map(quorumAddress), b.addresses.map(quorumAddress));
}

/** The same for the election port. */
export function haveSameElectionAddress(a: Member, b: Member): boolean {
  return isSameSet(a.addresses.map(electionAddress), b.addresses.map(electionAddress));
}

/** Whether two memberships have the same servers, with the same roles and ports, and the same groups and weights. */
export function isSameMembership(a: Membership, b: Membership): boolean {
  return isSameSet(facts(a), facts(b));
}

function facts({ members, groupOf, weights }: Membership): string[] {
  return [
    ...[...members.values()].map((member) => `server.${member.sid}=${formatMember(member)}`),
    ...[...(groupOf ?? [])].map(([sid, gid]) => `group.${gid}=${sid}`),
    ...[...weights].map(([sid, weight]) => `weight.${sid}=${weight}`),
  ];
}

function quorumAddress({ host, quorumPort }: MemberAddress): string {
  return `${host}:${quorumPort}`;
}

function electionAddress({ host, electionPort }: MemberAddress): string {
  return `${host}:${electionPort}`;
}

function isSameAddress(a: MemberAddress, b: MemberAddress): boolean {
  return quorumAddress(a) === quorumAddress(b) && electionAddress(a) === electionAddress(b);
}

function isSameSet(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && [...a].sort().join() === [...b].sort().join();
}

function parseMember(sid: bigint, line: MemberLine, blame: Blame, multiAddressEnabled: boolean): Member {
  const [servers, clientText, ...more] = javaSplit(line.value, ";").map((part) => javaTrim(part));
  const client = clientText === undefined || more.length > 0 ? null : parseClient(line.value, clientText, blame);
  const addressTexts = javaSplit(servers ?? "", "|");
  if (!multiAddressEnabled && addressTexts.length > 1) {
    throw blame.error(
      `Multiple address feature is disabled, but multiple addresses were specified for sid ${sid}`,
      "one address, or multiAddress.enabled=true",
    );
  }
  // Nothing but separators: ZooKeeper takes a member without addresses, or fails with an index.
  if (addressTexts.length === 0) throw blame.error(line.value + wrongForm, validMember);
  let role: MemberRole | null = null;
  const addresses: MemberAddress[] = [];
  for (const text of addressTexts) {
    const parts = splitHostAndPorts(text, blame);
    if (more.length > 0 || parts.length < 3 || parts.length > 4) throw blame.error(line.value + wrongForm, validMember);
    const [host = "", quorumPort = "", electionPort = "", roleText] = parts;
    // An empty host is this machine, as Java has it.
    const name = host === "" ? "localhost" : host;
    const address = {
      host: blame.host(name),
      quorumPort: blame.port(host, quorumPort),
      electionPort: blame.port(host, electionPort),
    };
    if (address.quorumPort === address.electionPort) {
      throw blame.error(
        `Client and election port must be different! Please update the configuration file on server.${sid}`,
        validMember,
      );
    }
    if (!addresses.some((known) => isSameAddress(known, address))) addresses.push(address);
    if (roleText === undefined) continue;
    const addressRole = parseRole(roleText, blame);
    if (role !== null && role !== addressRole) {
      const roles = `${role.toUpperCase()} vs ${addressRole.toUpperCase()}`;
      throw blame.error(`Multiple addresses should have similar roles: ${roles}`, "one role for all addresses");
    }
    role = addressRole;
  }
  return { sid, role: role ?? "participant", addresses, client, line: line.line };
}

function parseClient(whole: string, text: string, blame: Blame): Member["client"] {
  const parts = splitHostAndPorts(text, blame);
  if (parts.length > 2) throw blame.error(whole + wrongForm, validMember);
  const host = parts.length === 2 ? parts[0]! : "0.0.0.0";
  return { host: blame.host(host), port: blame.port(host, parts.at(-1) ?? "") };
}

function parseRole(text: string, blame: Blame): MemberRole {
  const role = javaTrim(text).toLowerCase();
  if (role === "participant" || role === "observer") return role;
  throw blame.error(`Unrecognised peertype: ${text}`, "participant or observer");
}

/** The pieces between colons; a host in brackets is one piece, without them. */
function splitHostAndPorts(text: string, blame: Blame): string[] {
  if (!text.startsWith("[")) return javaSplit(text, ":");
  const end = text.indexOf("]");
  if (end < 0) throw blame.error(`${text} starts with '[' but has no matching ']:'`, "[address]:port");
  if (end + 2 === text.length) throw blame.error(`${text} doesn't have a port after colon`, "[address]:port");
  const host = text.slice(1, end);
  return end + 2 < text.length ? [host, ...javaSplit(text.slice(end + 2), ":")] : [host];
}

function checkGroups(membership: Membership & { readonly groupOf: object }, file: string): void {
  for (const { sid, role, line } of membership.members.values()) {
    if (role === "observer" || membership.groupOf.has(sid)) continue;
    const problem = `Server ${sid}is not in a group; valid is a group line that names every participant`;
    throw new ConfigError({ file, line, key: `server.${sid}`, problem });
  }
}

/** Only voters weigh something by themselves; at anybody else in a group, and without a weight, ZooKeeper ends with a null pointer. */
function checkWeight(sid: bigint, role: MemberRole | undefined, weights: Membership["weights"], blame: Blame): void {
  if (role === "participant" || weights.has(sid)) return;
  throw blame.illegalArgument(
    `Server ${sid} is in a group, does not vote and has no weight`,
    "a group of participants",
  );
}

/** A host as Java prints it: an IPv6 address with all its groups. */
function inFull(host: string): string {
  return host.includes(":") ? javaAddress(host) : host;
}

function bracketed(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}

/** Makes the errors of one line. */
class Blame {
  readonly #file: string;
  readonly #line: MemberLine;

  constructor(file: string, line: MemberLine) {
    this.#file = file;
    this.#line = line;
  }

  error(problem: string, valid: string): ConfigError {
    return new ConfigError(this.#facts(problem, valid));
  }

  /** Where ZooKeeper throws an unchecked exception. */
  illegalArgument(problem: string, valid: string): IllegalArgumentError {
    return new IllegalArgumentError(this.#facts(problem, valid));
  }

  long(text: string): bigint {
    const value = parseJavaLong(text);
    if (value === null) {
      const problem = `Error processing ${this.#file}: For input string: "${text}"`;
      throw this.illegalArgument(problem, "a number where the id stands");
    }
    return value;
  }

  /** With a negative one nobody at all could be more than half of a group. */
  weight(text: string): bigint {
    const value = this.long(text);
    if (value < 0n) throw this.error(`a weight of ${value}`, "a weight of 0 or more");
    return value;
  }

  /** What no name or address has would not survive being written and read again: blanks, backslashes, brackets, anything beyond ASCII. */
  host(text: string): string {
    if (!/[^!-~]|[\\[\]]/.test(text)) return text;
    throw this.error(`Address unresolved: ${text}`, "a host name or address");
  }

  port(host: string, text: string): number {
    const value = parseJavaInt(text);
    if (value === null) throw this.error(`Address unresolved: ${host}:${text}`, "a port, 0 to 65535");
    if (value < 0 || value > 65535) {
      throw this.illegalArgument(`Error processing ${this.#file}: port out of range:${value}`, "a port, 0 to 65535");
    }
    return value;
  }

  #facts(problem: string, valid: string): ConstructorParameters<typeof ConfigError>[0] {
    const { key, line } = this.#line;
    return { file: this.#file, line, key, problem: `${problem}; valid is ${valid}` };
  }
}
