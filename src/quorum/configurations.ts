/**
 * The configurations of a member: the committed one, and the one that was seen last.
 *
 *   see        a leader has proposed it, or has it to complete: it counts beside the committed one, on the disk too
 *   activate   it is committed: it counts alone
 *
 * Between the two, every decision needs a quorum of both. What was seen must outlive a crash: a server that had acknowledged
 * a change, and then forgot it, could help the old members to elect a leader while the new ones have theirs.
 *
 * With reconfigEnabled=false neither happens: the members are those of the files, whatever others say.
 * Source: QuorumPeer.setLastSeenQuorumVerifier, setQuorumVerifier, processReconfig.
 */

import { ConfigError } from "#base/errors.ts";
import { type ConfigRules, parseConfigText } from "./config-text.ts";
import { haveSameQuorumAddress, isSameMembership } from "./membership.ts";
import { QuorumError } from "./quorum-link.ts";
import type { QuorumVerifier, QuorumViews } from "./quorum-verifier.ts";

/** What follows outside of the protocol. */
export interface ConfigOutput {
  /** Writes what was seen to the disk, before anything that is logged from now on; then calls back. */
  storeSeen(config: QuorumVerifier, done: () => void): void;
  /** Another configuration counts: files, znode and ports follow. */
  activated(config: QuorumVerifier, before: QuorumVerifier): void;
}

export class Configurations {
  readonly views: QuorumViews;
  readonly rules: ConfigRules;
  readonly isReconfigEnabled: boolean;
  readonly #output: ConfigOutput;

  constructor(parts: { views: QuorumViews; rules: ConfigRules; isReconfigEnabled: boolean; output: ConfigOutput }) {
    this.views = parts.views;
    this.rules = parts.rules;
    this.isReconfigEnabled = parts.isReconfigEnabled;
    this.#output = parts.output;
  }

  /** @throws QuorumError for what is no configuration. */
  parse(text: string, source: string): QuorumVerifier {
    try {
      return parseConfigText(text, source, this.rules);
    } catch (error) {
      if (error instanceof ConfigError) throw new QuorumError(error.message);
      throw error;
    }
  }

  /**
   * A configuration was seen. `stored` is called, now or later, when it is on the disk. An older one than before is what a leader
   * has: the newer one was never committed, and nobody has kept it.
   */
  see(config: QuorumVerifier, stored: () => void): void {
    if (!this.isReconfigEnabled || config.version === this.views.lastSeen.version) {
      stored();
      return;
    }
    this.views.lastSeen = config;
    this.#output.storeSeen(config, stored);
  }

  /** A configuration is committed. @returns the one before, if it had other members, or in other places; else null. */
  activate(config: QuorumVerifier): QuorumVerifier | null {
    const { views } = this;
    const before = views.committed;
    if (!this.isReconfigEnabled || config.version <= before.version) return null;
    views.committed = config;
    // Another server has told of it, and its transaction may come before its file is written: it must not be logged first.
    if (config.version > views.lastSeen.version) this.see(config, () => {});
    this.#output.activated(config, before);
    return isSameMembership(before.membership, config.membership) ? null : before;
  }
}

/** Whether a server votes in both, and takes learners in the same place. */
export function isSameLeader(sid: bigint, before: QuorumVerifier, after: QuorumVerifier): boolean {
  if (!before.isVoter(sid) || !after.isVoter(sid)) return false;
  return haveSameQuorumAddress(before.member(sid)!, after.member(sid)!);
}
