/**
 * FastLeaderElection: how the voters find the one among them with the newest history.
 *
 *   look ---> everybody is sent my vote (for myself, at first)
 *      a better vote arrives           -> it becomes mine, everybody is told
 *      a quorum votes as I do          -> 200 ms more, in case a better vote is on its way ---> elected
 *      all voters that are there do    -> no better vote can be on its way -------------------> elected
 *      a quorum follows a leader that says so itself -----------------------------------------> elected
 *      nothing arrives                 -> say it again, or connect again; wait twice as long
 *
 * Rounds are counted by a logical clock: a vote of a later round ends the round, one of an earlier round does not count and
 * its sender is told the present one. A server that is no longer looking tells those that are whom it follows.
 *
 * A vote promises nothing about any disk, and a wrong leader does no harm: the epochs that a leader agrees on with its quorum
 * guard the data (leading.ts). So all of this lives in memory, and the clock begins at 0 with every process.
 *
 * The machine has no clock and no sockets: whoever drives it hands in what arrived and calls {@link expire} at
 * {@link deadlineMs}. Unlike ZooKeeper it goes on waiting when, within the last 200 ms, a better vote of an *earlier* round
 * arrives: its sender has been told the round, and its next vote counts. It does not wait for votes that cannot come: who
 * votes alike has nothing better, and whose port refuses connections does not run, as after the death of a leader. And who
 * votes for less in the same round is told the better vote again: the first time, it may not have been looking yet. And who has no
 * weight, and so cannot lead, does not insist on itself. The 200 ms are from the quorum on, whatever else comes; and who looks in a
 * later round by then is not of that quorum any more.
 * Source: FastLeaderElection.java (lookForLeader, WorkerReceiver).
 */

import { Deque } from "#base/deque.ts";
import type { StateSummary } from "./epoch-agreement.ts";
import type { Notification } from "./notification.ts";
import type { QuorumViews } from "./quorum-verifier.ts";
import { isBetterVote, isSameVote, noVote, ServerState, type Vote } from "./vote.ts";

/** What an election asks of its driver. */
export interface ElectionOutput {
  /** Sends a vote, with the committed configuration. For one server only the newest counts. */
  send(sid: bigint, vote: Vote): void;
  /** Connects to every voter that there is no connection to. */
  connectAll(): void;
  /** Whether at least one server has been sent everything that was meant for it. */
  readonly hasDelivered: boolean;
  /** The election is over; {@link LeaderElection.state} says what this server is now. */
  elected(vote: Vote): void;
}

export interface ElectionOptions {
  /** First and longest wait between two rounds of the same votes (zookeeper.fastleader.min/maxNotificationInterval). */
  readonly notificationIntervalMsMin: number;
  readonly notificationIntervalMsMax: number;
}

/** What this server has to offer. */
export interface Candidate {
  /** Last zxid that its tree has, what was logged and never committed included; -1 when it has no database. */
  readonly zxid: bigint;
  readonly currentEpoch: bigint;
  readonly isParticipant: boolean;
}

/** How long a quorum of equal votes must go uncontested (FastLeaderElection.finalizeWait). */
export const finalizeWaitMs = 200;

interface Received {
  readonly sid: bigint;
  readonly vote: Vote;
}

export class LeaderElection {
  /** What this server is doing. Set by the election, and by the driver when a role ends ({@link look} does both). */
  state: ServerState = ServerState.looking;
  /** The outcome of the last election, as others are told it. */
  currentVote: Vote;
  /** On the driver's monotonic clock; infinite while nothing is awaited. */
  deadlineMs: number = Number.POSITIVE_INFINITY;
  readonly #sid: bigint;
  readonly #views: QuorumViews;
  readonly #options: ElectionOptions;
  readonly #output: ElectionOutput;
  #logicalClock = 0n;
  #initial: Vote;
  #proposed: Vote;
  #isObserver = false;
  #hasDatabase = true;
  #waitMs = 0;
  /** A quorum agrees with the proposal: only a better vote can change it now. */
  #isFinalizing = false;
  readonly #inbox = new Deque<Received>();
  /** Votes of this round, by server. */
  readonly #votes = new Map<bigint, Vote>();
  /** What servers report that follow or lead, of whatever round. */
  readonly #outOfElection = new Map<bigint, Vote>();
  /** What each server had to offer when it last said that it would lead, to a server that had found a leader. */
  readonly #offers = new Map<bigint, Vote>();
  /** Votes of servers that were behind, and when they were told so. */
  readonly #answered = new Map<bigint, { readonly vote: Vote; readonly atMs: number }>();
  /** Servers that refused a connection, and were not heard of since. */
  readonly #absent = new Set<bigint>();

  constructor(parts: { sid: bigint; views: QuorumViews; options: ElectionOptions; output: ElectionOutput }) {
    this.#sid = parts.sid;
    this.#views = parts.views;
    this.#options = parts.options;
    this.#output = parts.output;
    this.currentVote = this.#initial = this.#proposed = voteOf(noVote, -1n, noVote, noVote);
  }

  /** Round of the election. */
  get logicalClock(): bigint {
    return this.#logicalClock;
  }

  /** Before the first election: what to report to those who ask. */
  introduce(candidate: Candidate): void {
    this.currentVote = voteOf(this.#sid, -1n, candidate.zxid, candidate.currentEpoch);
  }

  /** Starts to look for a leader. */
  look(candidate: Candidate, nowMs: number): void {
    this.state = ServerState.looking;
    this.#isObserver = !candidate.isParticipant;
    this.#hasDatabase = candidate.zxid !== -1n;
    // Whoever votes names the round: behind the last number that a long holds comes the first, as in Java.
    this.#logicalClock = BigInt.asIntN(64, this.#logicalClock + 1n);
    const leader = this.#views.committed.isVoter(this.#sid) ? this.#sid : noVote;
    const { isParticipant, zxid, currentEpoch } = candidate;
    this.#initial = isParticipant ? voteOf(leader, 0n, zxid, currentEpoch) : voteOf(leader, 0n, noVote, noVote);
    this.#votes.clear();
    this.#outOfElection.clear();
    this.#answered.clear();
    this.#absent.clear();
    this.#inbox.clear();
    this.#waitMs = this.#options.notificationIntervalMsMin;
    this.#isFinalizing = false;
    this.deadlineMs = nowMs + this.#waitMs;
    this.#propose(this.#initial);
    this.#drain(nowMs);
  }

  /** Takes a leader without an election: a reconfiguration has named it, at that zxid. */
  appoint(leader: bigint, zxid: bigint, candidate: Candidate): void {
    this.#isObserver = !candidate.isParticipant;
    this.#conclude({ ...voteOf(leader, -1n, zxid, -1n) });
  }

  /** Gives the election up, as a server does that stops. */
  stop(): void {
    this.#isFinalizing = false;
    this.deadlineMs = Number.POSITIVE_INFINITY;
    this.#inbox.clear();
  }

  /** Nobody listens where another server has its election port. */
  refused(sid: bigint): void {
    this.#absent.add(sid);
    if (this.#isFinalizing) this.#concludeUncontested();
  }

  /** Whether that server's last vote in this round was for the leader that was elected. */
  isSupporter(sid: bigint): boolean {
    return agrees(this.currentVote, this.#votes.get(sid));
  }

  /**
   * A server is looking for a leader that has voted for this one, which leads ({@link isSupporter}). If it looks in a later round, or votes
   * for another by now, its vote does not count any more. @returns whether those that are left are no quorum.
   */
  hasLostQuorum(sid: bigint, vote: Vote): boolean {
    this.#count(sid, vote);
    return !this.#hasQuorumFor(this.currentVote, this.#votes);
  }

  /** Epoch and zxid with which a server that looks for a leader has voted for itself, while this one was not looking. */
  offerOf(sid: bigint): StateSummary | null {
    const offer = this.#offers.get(sid);
    return offer === undefined ? null : { currentEpoch: offer.peerEpoch, lastZxid: offer.zxid };
  }

  /** Takes what another server has sent. */
  receive(sid: bigint, notification: Notification, nowMs: number): void {
    this.#absent.delete(sid);
    if (!this.#views.isVoter(sid)) {
      this.#output.send(sid, { ...this.currentVote, electionEpoch: this.#logicalClock, state: this.state });
      return;
    }
    const isPeerLooking = notification.state === ServerState.looking;
    if (this.state !== ServerState.looking) {
      if (isPeerLooking && notification.leader === sid) this.#offers.set(sid, notification);
      if (isPeerLooking) this.#output.send(sid, { ...this.currentVote, state: this.state });
      return;
    }
    // What an observer says moves no voter, which answers it in any case: they would talk in circles, as ZooKeeper's do. One that is
    // to vote when a change is committed is heard.
    const isHeard = this.#views.isVoter(this.#sid);
    if (isPeerLooking && isHeard && this.#isBehind(notification)) this.#answer(sid, notification, nowMs);
    this.#inbox.push({ sid, vote: notification });
    this.#drain(nowMs);
  }

  /**
   * Tells who is behind what it may not know; of one and the same vote not at once again. A server that does not know this one as a voter,
   * since its members are others, answers every word of it with the vote that it has: the two would talk in circles.
   */
  #answer(sid: bigint, vote: Vote, nowMs: number): void {
    const last = this.#answered.get(sid);
    const isRecent = last !== undefined && nowMs - last.atMs < this.#options.notificationIntervalMsMin;
    if (isRecent && isSameVote(last.vote, vote)) return;
    this.#answered.set(sid, { vote, atMs: nowMs });
    this.#output.send(sid, this.#mine());
  }

  /** The time of {@link deadlineMs} has come. */
  expire(nowMs: number): void {
    if (this.state !== ServerState.looking || nowMs < this.deadlineMs) return;
    if (this.#isFinalizing) {
      this.#conclude(this.#mine());
      return;
    }
    if (this.#views.isAloneByOracle && this.#hasQuorumFor(this.#mine(), this.#votes)) {
      // It may have come to that since the votes came.
      this.#conclude(this.#mine());
      return;
    }
    if (this.#output.hasDelivered) this.#tellEverybody();
    else this.#output.connectAll();
    this.#waitMs = Math.min(this.#waitMs * 2, this.#options.notificationIntervalMsMax);
    this.deadlineMs = nowMs + this.#waitMs;
    this.#drain(nowMs);
  }

  #drain(nowMs: number): void {
    while (this.#inbox.length > 0 && this.state === ServerState.looking) {
      this.#consider(this.#inbox.shift(), nowMs);
    }
  }

  #consider({ sid, vote }: Received, nowMs: number): void {
    if (this.#isFinalizing && !this.#isContesting(vote)) {
      this.#count(sid, vote);
      if (this.#hasQuorumFor(this.#mine(), this.#votes)) {
        this.#concludeUncontested();
        return;
      }
    }
    this.#isFinalizing = false;
    this.deadlineMs = nowMs + this.#waitMs;
    if (!this.#views.isVoter(sid)) return;
    if (!this.#views.isVoter(vote.leader)) {
      this.#count(sid, vote);
      // A server that will vote when a change is committed, and has no vote before. It ignores this one's of an earlier round, and
      // in ZooKeeper each of the two waits for the other.
      if (vote.state === ServerState.looking && vote.electionEpoch > this.#logicalClock) {
        this.#beginRound(vote.electionEpoch, this.#initial);
      }
      return;
    }
    if (vote.state === ServerState.looking) this.#considerLooking(sid, vote, nowMs);
    else if (vote.state !== ServerState.observing) this.#considerSettled(sid, vote);
  }

  #isContesting(vote: Vote): boolean {
    const isOfEarlierRound = vote.state === ServerState.looking && vote.electionEpoch < this.#logicalClock;
    return !isOfEarlierRound && this.#isBetter(vote, this.#proposed);
  }

  /** A vote takes the place of the sender's last one. Who looks in a later round has tried in vain, and has none in this one any more. */
  #count(sid: bigint, vote: Vote): void {
    if (vote.state !== ServerState.looking || vote.electionEpoch < this.#logicalClock) return;
    if (vote.electionEpoch > this.#logicalClock) this.#votes.delete(sid);
    else this.#votes.set(sid, { ...vote, version: 0 });
  }

  #considerLooking(sid: bigint, vote: Vote, nowMs: number): void {
    if (!this.#hasDatabase || vote.zxid === -1n || vote.electionEpoch < this.#logicalClock) return;
    if (vote.electionEpoch > this.#logicalClock) {
      this.#beginRound(vote.electionEpoch, this.#isBetter(vote, this.#initial) ? vote : this.#initial);
    } else if (this.#isBetter(vote, this.#proposed)) {
      this.#propose(vote);
    }
    this.#count(sid, vote);
    if (!this.#hasQuorumFor(this.#mine(), this.#votes)) return;
    this.#isFinalizing = true;
    this.deadlineMs = nowMs + finalizeWaitMs;
    this.#concludeUncontested();
  }

  #beginRound(logicalClock: bigint, vote: Vote): void {
    this.#logicalClock = logicalClock;
    this.#votes.clear();
    this.#propose(vote);
  }

  /** Ends the wait for a better vote when nobody is left who could have one. */
  #concludeUncontested(): void {
    const mine = this.#mine();
    if (this.#absent.has(mine.leader)) return;
    for (const sid of this.#views.voters) {
      const vote = this.#votes.get(sid);
      if (!this.#absent.has(sid) && (vote === undefined || !isSameVote(mine, vote))) return;
    }
    this.#conclude(mine);
  }

  /** A server that follows or leads: is there an ensemble to join? */
  #considerSettled(sid: bigint, vote: Vote): void {
    if (vote.electionEpoch === this.#logicalClock) {
      this.#votes.set(sid, { ...vote, version: 0 });
      if (this.#isFollowed(vote, this.#votes)) {
        this.#conclude(vote);
        return;
      }
    }
    this.#outOfElection.set(sid, vote);
    const isLeadingAlone = vote.state === ServerState.leading && vote.leader === sid && this.#views.isOtherByOracle;
    if (!isLeadingAlone && !this.#isFollowed(vote, this.#outOfElection)) return;
    this.#logicalClock = vote.electionEpoch;
    this.#conclude(vote);
  }

  /**
   * Whether those votes are of an ensemble with that leader. The leader has seen to its quorums; whether they are those of a
   * change that this server has seen, and that may never have been committed, is not asked. ZooKeeper asks, and a server
   * that was alone to see such a change cannot join any more.
   */
  #isFollowed(vote: Vote, votes: ReadonlyMap<bigint, Vote>): boolean {
    return this.#views.hasAnyQuorum((sid) => agrees(vote, votes.get(sid))) && this.#isLeading(vote, votes);
  }

  /**
   * Whether the leader of the vote says that it leads. Without this look a quorum of stale reports would elect a server that
   * died over and over.
   */
  #isLeading(vote: Vote, votes: ReadonlyMap<bigint, Vote>): boolean {
    if (vote.leader === this.#sid) return vote.electionEpoch === this.#logicalClock;
    return votes.get(vote.leader)?.state === ServerState.leading;
  }

  /** Whether the sender may not know this server's vote: the first one found it still following a leader that is gone. */
  #isBehind(vote: Vote): boolean {
    if (vote.electionEpoch !== this.#logicalClock) return vote.electionEpoch < this.#logicalClock;
    return this.#isBetter(this.#mine(), vote);
  }

  #hasQuorumFor(vote: Vote, votes: ReadonlyMap<bigint, Vote>): boolean {
    return this.#views.hasQuorums((sid) => agrees(vote, votes.get(sid)));
  }

  #isBetter(vote: Vote, than: Vote): boolean {
    const { committed } = this.#views;
    if (committed.weightOf(vote.leader) === 0n) return false;
    // While the members change, the vote of who has no weight may be one that is needed.
    return committed.weightOf(than.leader) === 0n || isBetterVote(vote, than);
  }

  #propose(vote: Vote): void {
    this.#proposed = vote;
    this.#tellEverybody();
  }

  /** The vote of this server, in this round. */
  #mine(): Vote {
    const { leader, zxid, peerEpoch } = this.#proposed;
    return voteOf(leader, this.#logicalClock, zxid, peerEpoch);
  }

  #tellEverybody(): void {
    const vote = this.#mine();
    for (const sid of this.#views.voters) {
      if (sid === this.#sid) this.#inbox.push({ sid, vote });
      else this.#output.send(sid, vote);
    }
  }

  #conclude(vote: Vote): void {
    if (vote.leader === this.#sid) this.state = ServerState.leading;
    else this.state = this.#isObserver ? ServerState.observing : ServerState.following;
    this.#isFinalizing = false;
    this.deadlineMs = Number.POSITIVE_INFINITY;
    this.#inbox.clear();
    const { leader, electionEpoch, zxid, peerEpoch } = vote;
    this.currentVote = voteOf(leader, electionEpoch, zxid, peerEpoch);
    this.#output.elected(this.currentVote);
  }
}

function agrees(vote: Vote, other: Vote | undefined): boolean {
  return other !== undefined && isSameVote(vote, other);
}

function voteOf(leader: bigint, electionEpoch: bigint, zxid: bigint, peerEpoch: bigint): Vote {
  return { leader, electionEpoch, zxid, peerEpoch, state: ServerState.looking, version: 0 };
}
