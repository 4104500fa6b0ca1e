/**
 * The files of a configuration that can change while servers run: their names and texts.
 *
 *   zoo.cfg                        what stays; dynamicConfigFile names the file with the members
 *   zoo.cfg.dynamic.100000002      members; the version is in the name alone
 *   zoo.cfg.dynamic.next           members and version of a change that was proposed and is not known to be committed
 *   zoo.cfg.bak                    zoo.cfg as it was when it still had the members in it
 *
 * The first change moves the members out of zoo.cfg. ZooKeeper writes it anew then, without its comments and in any order;
 * here the lines that have moved are taken out and the others stay as they are, which is the same to every reader.
 * Source: QuorumPeerConfig.writeDynamicConfig, editStaticConfig, getVersionFromFilename; QuorumPeer.makeDynamicConfigFilename.
 */

import { parseJavaProperties } from "#base/java-properties.ts";
import { javaTrim, parseJavaHexLong } from "#base/java-values.ts";
import { hexOfHalves, highOf, lowOf } from "#base/zxid.ts";
import { isMembershipKey } from "#quorum/membership.ts";
import type { QuorumVerifier } from "#quorum/quorum-verifier.ts";

/** Name of the file with the members at that version. */
export function dynamicFileOf(zooCfg: string, version: bigint): string {
  return `${zooCfg}.dynamic.${hexOfHalves(highOf(version), lowOf(version))}`;
}

/** Name of the file with the configuration that was seen last. */
export function nextFileOf(zooCfg: string): string {
  return `${zooCfg}.dynamic.next`;
}

/** Name of the copy of a zoo.cfg that has the members in it. */
export function backupFileOf(zooCfg: string): string {
  return `${zooCfg}.bak`;
}

/** The version in the name of a dynamic file; 0 when it ends in nothing hexadecimal. */
export function versionOfFileName(file: string): bigint {
  const ending = file.slice(file.lastIndexOf(".") + 1);
  if (!file.includes(".") || /^[+-]/.test(ending)) return 0n;
  return parseJavaHexLong(ending) ?? 0n;
}

/** Content of the file with the members: sorted lines, none of them the version. */
export function dynamicFileText(config: QuorumVerifier): string {
  const lines = config.text.split("\n").filter((line) => !line.startsWith("version="));
  return lines.sort().join("\n");
}

/** Content of the file with the configuration that was seen last. */
export function nextFileText(config: QuorumVerifier): string {
  return config.text.split("\n").sort().join("\n");
}

/**
 * A zoo.cfg that points to a dynamic file.
 * @param bytes what it holds now.
 * @param isClientPortMoved whether the member line has this server's client port: the keys for it go too.
 * @throws ConfigError when it is no properties file any more.
 */
export function staticFileText(
  bytes: Uint8Array,
  options: { readonly zooCfg: string; readonly dynamicFile: string; readonly isClientPortMoved: boolean },
): Buffer {
  const { zooCfg, dynamicFile, isClientPortMoved } = options;
  const text = Buffer.from(bytes).toString("latin1");
  const gone = new Set<number>();
  for (const { key, line, lastLine } of parseJavaProperties(bytes, zooCfg)) {
    if (!hasMoved(javaTrim(key), isClientPortMoved)) continue;
    for (let number = line; number <= lastLine; number++) gone.add(number);
  }
  const lines = text.match(/[^\r\n]*(\r\n|\r|\n)|[^\r\n]+$/g) ?? [];
  const kept = lines.filter((_, index) => !gone.has(index + 1)).join("");
  const end = kept === "" || /[\r\n]$/.test(kept) ? "" : "\n";
  // A backslash at the end of the file would join the line to it.
  const gap = /\\[\r\n]*$/.test(kept) ? "\n\n" : "";
  return Buffer.from(`${kept}${end}${gap}dynamicConfigFile=${escaped(dynamicFile)}\n`, "latin1");
}

/** ZooKeeper looks at the beginnings of all keys, and loses clientPortListenBacklog with the client port. */
function hasMoved(key: string, isClientPortMoved: boolean): boolean {
  if (isMembershipKey(key) || key.startsWith("dynamicConfigFile") || key.startsWith("peerType")) return true;
  return isClientPortMoved && (key === "clientPort" || key === "clientPortAddress");
}

/** As a properties file takes it. */
function escaped(path: string): string {
  return path.replaceAll("\\", "\\\\").replaceAll(/[^\u0020-\u00ff]/g, (unit) => {
    return `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}
