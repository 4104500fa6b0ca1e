/**
 * A configuration of the ensemble at one version: who its members are, who of them votes, and which voters are enough.
 *
 *   majority       more than half of the voters
 *   hierarchical   more than half of the groups, each by more than half of its weight; what weighs nothing does not count
 *
 * A set of voters is given as a predicate, so that nobody has to build one: a leader asks "who has this on disk?" for every
 * acknowledgement.
 *
 * Always: two quorums of one configuration share a voter. All that an ensemble promises rests on it.
 *
 * But two voters may have an oracle (`oraclePath`): whoever runs them says which of the two may go on without the other. Then
 * that promise is the oracle's: what one has acknowledged alone is lost if the oracle turns to the other before they have met.
 * Source: QuorumVerifier.java, QuorumMaj.java, QuorumHierarchical.java, QuorumOracleMaj.java.
 */

import { hexOfHalves, highOf, lowOf } from "#base/zxid.ts";
import { formatMember, type Member, type Membership, participants } from "./membership.ts";

export class QuorumVerifier {
  readonly membership: Membership;
  /** 0 for a configuration that no ensemble has agreed on yet; else the zxid of the reconfiguration that made it. */
  readonly version: bigint;
  /** Server ids of the participants, in order. */
  readonly voters: readonly bigint[];
  readonly #voterIds: ReadonlySet<bigint>;
  /** Voters of each group with some weight; null when the quorums are majorities. */
  readonly #groups: readonly Group[] | null;

  constructor(membership: Membership, version: bigint) {
    this.membership = membership;
    this.version = version;
    this.voters = participants(membership)
      .map(({ sid }) => sid)
      .sort(inOrder);
    this.#voterIds = new Set(this.voters);
    this.#groups = membership.groupOf === null ? null : this.#weighedGroups(membership.groupOf);
  }

  isVoter(sid: bigint): boolean {
    return this.#voterIds.has(sid);
  }

  /** Null for a server that is not in the configuration. */
  member(sid: bigint): Member | null {
    return this.membership.members.get(sid) ?? null;
  }

  /** Weight of a server's vote. A server of weight 0 is never voted for; with majorities everybody weighs 1. */
  weightOf(sid: bigint): bigint {
    if (this.#groups === null) return 1n;
    return this.membership.weights.get(sid) ?? (this.isVoter(sid) ? 1n : 0n);
  }

  /** Whether the voters for whom `isIn` holds are a quorum. */
  hasQuorum(isIn: (sid: bigint) => boolean): boolean {
    if (this.#groups !== null) return this.#hasGroupQuorum(this.#groups, isIn);
    let count = 0;
    for (const sid of this.voters) if (isIn(sid)) count++;
    return count > Math.floor(this.voters.length / 2);
  }

  /** The text that travels in notifications and NEWLEADER, and that /zookeeper/config holds. */
  get text(): string {
    const { members, groupOf, weights } = this.membership;
    const sids = [...members.keys()].sort(inOrder);
    const lines = sids.map((sid) => `server.${sid}=${formatMember(members.get(sid)!)}`);
    if (groupOf !== null) {
      const gids = [...new Set(groupOf.values())].sort(inOrder);
      for (const gid of gids) {
        const inGroup = [...groupOf].filter(([, group]) => group === gid).map(([sid]) => sid);
        lines.push(`group.${gid}=${inGroup.sort(inOrder).join(":")}`);
      }
      const weighed = [...new Set([...weights.keys(), ...this.voters])].sort(inOrder);
      for (const sid of weighed) lines.push(`weight.${sid}=${weights.get(sid) ?? 1n}`);
    }
    lines.push(`version=${hexOfHalves(highOf(this.version), lowOf(this.version))}`);
    return lines.join("\n");
  }

  #weighedGroups(groupOf: ReadonlyMap<bigint, bigint>): Group[] {
    const groups = new Map<bigint, Group>();
    for (const [sid, gid] of groupOf) {
      const group = groups.get(gid) ?? { sids: [], weight: 0n };
      const weight = this.membership.weights.get(sid) ?? 1n;
      groups.set(gid, { sids: [...group.sids, sid], weight: group.weight + weight });
    }
    return [...groups.values()].filter(({ weight }) => weight !== 0n);
  }

  #hasGroupQuorum(groups: readonly Group[], isIn: (sid: bigint) => boolean): boolean {
    let won = 0;
    for (const { sids, weight } of groups) {
      let acked = 0n;
      for (const sid of sids) if (this.isVoter(sid) && isIn(sid)) acked += this.membership.weights.get(sid) ?? 1n;
      if (acked > weight / 2n) won++;
    }
    return won > Math.floor(groups.length / 2);
  }
}

interface Group {
  readonly sids: readonly bigint[];
  readonly weight: bigint;
}

/** Who says which of two voters goes on without the other. */
export interface Oracle {
  /** Whether this server does. */
  grants(): boolean;
}

/** So many voters can be of two minds. */
const tieOf = 2;

/**
 * The configurations that a decision needs a quorum of: the committed one and, while a reconfiguration is under way, the
 * one that was last seen (SyncedLearnerTracker.java).
 */
export class QuorumViews {
  committed: QuorumVerifier;
  lastSeen: QuorumVerifier;
  /** Whether the other of two voters is gone, as far as this server knows: only then is the oracle asked. */
  isOracleNeeded = true;
  readonly #oracle: Oracle | null;

  constructor(committed: QuorumVerifier, lastSeen: QuorumVerifier = committed, oracle: Oracle | null = null) {
    this.committed = committed;
    this.lastSeen = lastSeen;
    this.#oracle = oracle;
  }

  get hasOracle(): boolean {
    return this.#oracle !== null;
  }

  get isChanging(): boolean {
    return this.lastSeen.version > this.committed.version;
  }

  /** Whether the voters for whom `isIn` holds are a quorum of every configuration that counts now. */
  hasQuorums(isIn: (sid: bigint) => boolean): boolean {
    return this.#isQuorum(this.committed, isIn) && (!this.isChanging || this.#isQuorum(this.lastSeen, isIn));
  }

  /** Whether they are a quorum of at least one of them. */
  hasAnyQuorum(isIn: (sid: bigint) => boolean): boolean {
    return this.#isQuorum(this.committed, isIn) || (this.isChanging && this.#isQuorum(this.lastSeen, isIn));
  }

  /** Whether the oracle may be asked, and says that this server may go on without the other. */
  get isAloneByOracle(): boolean {
    return this.#isOracleAsked && this.#oracle!.grants();
  }

  /** Whether it may be asked, and says that the other goes on, so that this one is to follow. */
  get isOtherByOracle(): boolean {
    return this.#isOracleAsked && !this.#oracle!.grants();
  }

  get #isOracleAsked(): boolean {
    return this.#oracle !== null && this.isOracleNeeded && this.committed.voters.length === tieOf;
  }

  #isQuorum(config: QuorumVerifier, isIn: (sid: bigint) => boolean): boolean {
    if (config.hasQuorum(isIn)) return true;
    return config.voters.length === tieOf && config.voters.some((sid) => isIn(sid)) && this.isAloneByOracle;
  }

  /** Whether the server votes in either configuration. */
  isVoter(sid: bigint): boolean {
    return this.committed.isVoter(sid) || this.lastSeen.isVoter(sid);
  }

  /** Voters of both configurations, in order, each once. */
  get voters(): bigint[] {
    return [...new Set([...this.committed.voters, ...this.lastSeen.voters])].sort(inOrder);
  }
}

function inOrder(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
