/**
 * The text of a configuration, as servers hand it to each other and to clients: in notifications and NEWLEADER, in the
 * transaction of a reconfiguration, in /zookeeper/config, and in the file `.next`.
 *
 *   server.1=h1:2888:3888:participant;0.0.0.0:2181
 *   server.2=...                                      group.G=N:N and weight.N=W follow where there are any
 *   version=100000002                                 hexadecimal; 0 where there is no such line
 *
 * The grammar is that of properties files, the order of lines does not count, and nothing else may be in it.
 * Source: QuorumPeer.configFromString, QuorumPeerConfig.parseDynamicConfig, QuorumMaj.java.
 */

import { ConfigError, IllegalArgumentError } from "#base/errors.ts";
import { parseJavaPropertiesText, type PropertyEntry } from "#base/java-properties.ts";
import { javaTrim, parseJavaHexLong } from "#base/java-values.ts";
import { checkMembership, isMembershipKey, parseMembership } from "./membership.ts";
import { QuorumVerifier } from "./quorum-verifier.ts";

/** What this server's own settings say about configurations. */
export interface ConfigRules {
  readonly standaloneEnabled: boolean;
  readonly multiAddressEnabled: boolean;
}

/**
 * Reads a configuration.
 * @param source where the text is from, for errors.
 * @throws ConfigError for what is no configuration, or one that cannot work; IllegalArgumentError where ZooKeeper's is unchecked.
 */
export function parseConfigText(text: string, source: string, rules: ConfigRules): QuorumVerifier {
  const entries = new Map<string, PropertyEntry>();
  // Of a key that is given twice the last counts, as in a hash table.
  for (const entry of parseJavaPropertiesText(text, source)) entries.set(javaTrim(entry.key), entry);
  const lines: { key: string; value: string; line: number }[] = [];
  let version = 0n;
  for (const [key, { value, line }] of entries) {
    if (key === "version") version = parseVersion(javaTrim(value), line, source);
    else if (isMembershipKey(key)) lines.push({ key, value: javaTrim(value), line });
    else throw new ConfigError({ file: source, line, key, problem: `Unrecognised parameter: ${key}; ${valid}` });
  }
  const membership = parseMembership(lines, { file: source, multiAddressEnabled: rules.multiAddressEnabled });
  checkMembership(membership, rules.standaloneEnabled, source);
  return new QuorumVerifier(membership, version);
}

const valid = "valid are server.N, group.N, weight.N and version";

function parseVersion(text: string, line: number, file: string): bigint {
  const version = parseJavaHexLong(text);
  if (version !== null) return version;
  const problem = `For input string: "${text}"; valid is a version, hexadecimal`;
  throw new IllegalArgumentError({ file, line, key: "version", problem });
}
