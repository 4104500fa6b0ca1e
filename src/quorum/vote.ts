/**
 * Votes: whom a server wants as leader, and what that one has to offer. The better vote names the server with the newer
 * history: first by epoch, then by zxid; the server id settles what is left.
 *
 * Votes are compared in two ways. Among servers that are looking, everything has to agree. What servers outside of an
 * election report may have been learnt at different times, so it agrees when leader and epoch do.
 * Source: Vote.java, FastLeaderElection.totalOrderPredicate.
 */

/** What a server is doing, as notifications spell it (QuorumPeer.ServerState). */
export const ServerState = { looking: 0, following: 1, leading: 2, observing: 3 } as const;
export type ServerState = (typeof ServerState)[keyof typeof ServerState];

export interface Vote {
  /** Server id of the proposed leader; {@link noVote} from a server that does not vote. */
  readonly leader: bigint;
  /** Last zxid of the proposed leader. */
  readonly zxid: bigint;
  /** currentEpoch of the proposed leader. */
  readonly peerEpoch: bigint;
  /** Round of the election, by the logical clock of whoever votes. */
  readonly electionEpoch: bigint;
  /** What the server that reports this vote is doing. */
  readonly state: ServerState;
  /** Of the notification that brought the vote; 0 where it does not count. */
  readonly version: number;
}

/** Leader, zxid and epoch of a server that has no vote (Long.MIN_VALUE). */
export const noVote: bigint = -(1n << 63n);

/** Whether `a` is to be preferred to `b`. The caller has seen to it that its leader has some weight. */
export function isBetterVote(a: Vote, b: Vote): boolean {
  if (a.peerEpoch !== b.peerEpoch) return a.peerEpoch > b.peerEpoch;
  if (a.zxid !== b.zxid) return a.zxid > b.zxid;
  return a.leader > b.leader;
}

/** Whether two votes count as one and the same. */
export function isSameVote(a: Vote, b: Vote): boolean {
  if (a.state === ServerState.looking || b.state === ServerState.looking) {
    return (
      a.leader === b.leader && a.zxid === b.zxid && a.electionEpoch === b.electionEpoch && a.peerEpoch === b.peerEpoch
    );
  }
  // Servers of before 3.4.6 report another epoch than later ones do.
  if (a.version > 0 !== b.version > 0) return a.leader === b.leader;
  return a.leader === b.leader && a.peerEpoch === b.peerEpoch;
}
