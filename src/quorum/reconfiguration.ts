/**
 * A client's request to change the ensemble: what would come of it, and whether that may be.
 *
 *   whole         newMembers is the new configuration: its lines, joined by commas or line ends
 *   incremental   servers leave, by id; then servers join, or change their addresses or their role, by `server.N=...` lines
 *
 * The checks are in ZooKeeper's order, and the first that fails decides. The last is the one that keeps an ensemble alive: of
 * those that would vote, a quorum must be connected and in step now.
 * Source: PrepRequestProcessor.pRequest2Txn (reconfig), QuorumServer.checkAddressDuplicate.
 */

import { ConfigError, IllegalArgumentError } from "#base/errors.ts";
import { javaSplit, javaTrim, parseJavaLong } from "#base/java-values.ts";
import type { ReconfigRequest } from "#jute/records/proto.ts";
import { ErrorCode } from "#protocol/error-code.ts";
import { type ConfigRules, parseConfigText } from "./config-text.ts";
import { type Member, type Membership, parseMembership, participants } from "./membership.ts";
import { QuorumVerifier, type QuorumViews } from "./quorum-verifier.ts";

/** Why a change may not be: what the client is told, and what the log is. */
export interface ReconfigRefusal {
  readonly error: ErrorCode;
  readonly reason: string;
}

/** What the checks look at. */
export interface ReconfigState {
  readonly views: QuorumViews;
  readonly rules: ConfigRules;
  /** zxid of the change: it becomes the configuration's version. */
  readonly zxid: bigint;
  /** Whether a quorum of that configuration is connected and in step. */
  readonly isSynced: (config: QuorumVerifier) => boolean;
}

/** What is blamed in errors, where a file's name stands else. */
const source = "reconfig";

/** Judges a change. @returns the configuration that it makes, or why it may not be. */
export function judgeReconfig(request: ReconfigRequest, state: ReconfigState): QuorumVerifier | ReconfigRefusal {
  const { views, rules, zxid } = state;
  const { lastSeen } = views;
  if (views.isChanging) return refusal(ErrorCode.reconfigInProgress, "another change is under way");
  if (request.curConfigId !== -1n && request.curConfigId !== lastSeen.version) {
    const reason = `Reconfiguration from version ${request.curConfigId} failed -- last seen version is ${lastSeen.version}`;
    return refusal(ErrorCode.badVersion, reason);
  }
  let membership: Membership;
  try {
    membership = membershipAfter(request, lastSeen.membership, rules);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    // ZooKeeper foresees some errors and is surprised by the others.
    const isForeseen = !(error instanceof IllegalArgumentError);
    return refusal(isForeseen ? ErrorCode.badArguments : ErrorCode.marshallingError, error.message);
  }
  if (views.hasOracle && membership.groupOf !== null) {
    // The next start would be refused. ZooKeeper ignores the groups then, without a word.
    return refusal(ErrorCode.badArguments, "Reconfig failed - an oracle is for two voters without groups and weights");
  }
  const votersMin = rules.standaloneEnabled ? 2 : 1;
  if (participants(membership).length < votersMin) {
    const followers = votersMin === 1 ? "1 follower" : "2 followers";
    const reason = `Reconfig failed - new configuration must include at least ${followers}`;
    return refusal(ErrorCode.badArguments, reason);
  }
  const config = new QuorumVerifier(membership, zxid);
  if (state.isSynced(config)) return config;
  const reason = "Reconfig failed - there must be a connected and synced quorum in new configuration";
  return refusal(ErrorCode.newConfigNoQuorum, reason);
}

function refusal(error: ErrorCode, reason: string): ReconfigRefusal {
  return { error, reason };
}

/** @throws ConfigError for a request that makes no sense. */
function membershipAfter(request: ReconfigRequest, current: Membership, rules: ConfigRules): Membership {
  const { joiningServers, leavingServers, newMembers } = request;
  if (newMembers !== null) return parseConfigText(newMembers.replaceAll(",", "\n"), source, rules).membership;
  if (current.groupOf !== null) {
    const problem =
      "Incremental reconfiguration requested but last configuration seen has a non-majority quorum system";
    throw new ConfigError({ file: source, line: 0, key: "", problem });
  }
  const members = new Map(current.members);
  for (const text of listed(leavingServers)) members.delete(parseSid(text));
  for (const text of listed(joiningServers)) {
    const joiner = parseJoiner(text, rules);
    for (const member of members.values()) if (member.sid !== joiner.sid) refuseSharedAddress(joiner, member);
    members.set(joiner.sid, joiner);
  }
  return { members, groupOf: null, weights: current.weights };
}

/** The pieces between commas, trimmed, those that are empty left out. */
function listed(text: string | null): string[] {
  return pieces(text ?? "", ",");
}

function pieces(text: string, separator: string): string[] {
  return javaSplit(text, separator)
    .map((piece) => javaTrim(piece))
    .filter((piece) => piece !== "");
}

function parseSid(text: string): bigint {
  const sid = parseJavaLong(text);
  if (sid !== null) return sid;
  const problem = `For input string: "${text}"; valid is a server id`;
  throw new IllegalArgumentError({ file: source, line: 0, key: "", problem });
}

function parseJoiner(text: string, { multiAddressEnabled }: ConfigRules): Member {
  const [key, value, ...more] = pieces(text, "=");
  if (key === undefined || value === undefined || more.length > 0) {
    throw new ConfigError({ file: source, line: 0, key: text, problem: "Wrong format of server string" });
  }
  const sid = parseSid(key.slice(key.lastIndexOf(".") + 1));
  const lines = [{ key: `server.${sid}`, value, line: 0 }];
  const joiner = parseMembership(lines, { file: source, multiAddressEnabled }).members.get(sid)!;
  if (joiner.client !== null) return joiner;
  const problem = "Wrong format of server string - each server should have 3 ports specified";
  throw new ConfigError({ file: source, line: 0, key, problem });
}

/** @throws ConfigError when the two have a socket address in common; those that mean another machine to each do not count. */
function refuseSharedAddress(joiner: Member, member: Member): void {
  const taken = new Set(socketAddresses(member));
  const shared = socketAddresses(joiner).find((address) => taken.has(address));
  if (shared === undefined) return;
  const problem = `${shared} of server.${joiner.sid} conflicts ${shared} of server.${member.sid}`;
  throw new ConfigError({ file: source, line: 0, key: `server.${joiner.sid}`, problem });
}

function socketAddresses({ addresses, client }: Member): string[] {
  const all = addresses.flatMap(({ host, quorumPort, electionPort }) => [
    { host, port: quorumPort },
    { host, port: electionPort },
  ]);
  return [...all, ...(client === null ? [] : [client])]
    .filter(({ host }) => !isEverywhere(host))
    .map(({ host, port }) => `${host.toLowerCase()}:${port}`);
}

/** Loopback and wildcard addresses, by their spelling: names are not looked up here. */
function isEverywhere(host: string): boolean {
  return /^(localhost|127\.[\d.]+|0\.0\.0\.0|[0:]+1?)$/i.test(host);
}
