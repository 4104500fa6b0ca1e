/** Small things that tests of the quorum share. */

import { type ConfigOutput, Configurations } from "#quorum/configurations.ts";
import { parseMembership } from "#quorum/membership.ts";
import { QuorumVerifier, QuorumViews } from "#quorum/quorum-verifier.ts";
import { Bytes } from "../support/bytes.ts";

/** The configuration that these lines of zoo.cfg spell. */
export function verifierOf(text: string, version = 0n): QuorumVerifier {
  const lines = text.split("\n").map((line, index) => {
    const equals = line.indexOf("=");
    return { key: line.slice(0, equals), value: line.slice(equals + 1), line: index + 1 };
  });
  return new QuorumVerifier(parseMembership(lines, { file: "zoo.cfg", multiAddressEnabled: true }), version);
}

/** Servers 1 to `voters` vote, those behind them observe. */
export function memberLines(voters: number, observers = 0): string {
  return Array.from({ length: voters + observers }, (_, i) => {
    return `server.${i + 1}=h${i + 1}:2888:3888${i < voters ? "" : ":observer"}`;
  }).join("\n");
}

export function viewsOf(text: string): QuorumViews {
  return new QuorumViews(verifierOf(text));
}

/** What a single voter may do, and several addresses. */
export const rules = { standaloneEnabled: false, multiAddressEnabled: true };

/** Configurations that never change, or that do as `output` says. */
export function configsOf(views: QuorumViews, output?: ConfigOutput): Configurations {
  const ignored = { storeSeen: (_config: QuorumVerifier, done: () => void) => done(), activated: () => {} };
  return new Configurations({ views, rules, isReconfigEnabled: output !== undefined, output: output ?? ignored });
}

/** A transaction: a header with that zxid, and a body. */
export function txn(zxid: bigint, body: Uint8Array = Buffer.from("body"), type = 5): Buffer {
  return new Bytes().long(1n).int(1).long(zxid).long(0n).int(type).raw(body).build();
}
