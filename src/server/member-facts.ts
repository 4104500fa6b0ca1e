/**
 * What a member of an ensemble says of itself (server-facts.ts), read off its peer when somebody asks.
 * Source: QuorumPeer.getDetailedPeerState, LeaderZooKeeperServer.registerMetrics, QuorumZooKeeperServer.dumpConf.
 */

import type { EnsembleConfig } from "#config/ensemble-config.ts";
import type { Leading } from "#quorum/leading.ts";
import type { LearnerMaster } from "#quorum/learner-master.ts";
import type { Learning } from "#quorum/learning.ts";
import type { Member } from "#quorum/membership.ts";
import type { QuorumPeer } from "#quorum/quorum-peer.ts";
import type { QuorumViews } from "#quorum/quorum-verifier.ts";
import type { EnsembleConfigFacts, LeaderFacts, Mode, PeerFacts, SizeFacts } from "./server-facts.ts";

/** What a member knows besides what every server knows. */
export interface MemberFacts {
  readonly mode: Mode;
  /** Null on a read-only server. */
  readonly peer: PeerFacts | null;
  readonly serverId: number;
  readonly ensemble: EnsembleConfigFacts;
}

export function memberFacts(
  peer: QuorumPeer,
  {
    ensemble,
    own,
    views,
    isReadOnly,
    leader,
  }: {
    ensemble: EnsembleConfig;
    /** This server, where it is now. */
    own: Member;
    views: QuorumViews;
    /** Whether it serves without a leader. */
    isReadOnly: boolean;
    /** What only a leader's server knows: how long it has led, and the sizes of its proposals. */
    leader: { uptimeMs: number; proposalSizes: SizeFacts };
  },
): MemberFacts {
  const { leading, learning } = peer;
  return {
    mode: isReadOnly ? "read-only" : modeOf(peer),
    peer: isReadOnly
      ? null
      : {
          state: stateText(peer),
          quorumSize: views.committed.voters.length,
          syncedObservers: peer.learnerMaster === null ? null : countSynced(peer.learnerMaster, true),
          observerMasterId: peer.isObserver ? Number(peer.masterSid) : null,
          leader: leading === null ? null : leaderFacts(leading, views, leader),
        },
    serverId: Number(ensemble.sid),
    ensemble: {
      initLimitTicks: ensemble.initLimit,
      syncLimitTicks: ensemble.syncLimit,
      electionAlg: 3,
      electionPorts: own.addresses.map(({ electionPort }) => electionPort),
      quorumPorts: own.addresses.map(({ quorumPort }) => quorumPort),
      peerType: learning?.isObserver === true ? "observer" : own.role,
      membership: isReadOnly ? null : views.committed.text,
    },
  };
}

function modeOf({ leading, isObserver }: QuorumPeer): Mode {
  if (leading !== null) return "leader";
  return isObserver ? "observer" : "follower";
}

/** Role, phase and kind of synchronisation: `following - synchronization - snap`, `leading - broadcast`, `looking`. */
function stateText(peer: QuorumPeer): string {
  const { leading, learning, state, isObserver } = peer;
  if (leading !== null) return `leading - ${leaderPhase(leading)}`;
  const role = isObserver ? "observing" : "following";
  if (learning !== null) return `${role} - ${learnerPhase(learning)}`;
  return state === "Connecting" ? `${role} - discovery` : "looking";
}

function leaderPhase({ phase }: Leading): string {
  if (phase === "Broadcast") return "broadcast";
  return phase === "Synchronization" ? "synchronization" : "discovery";
}

function learnerPhase({ state, mode }: Learning): string {
  if (state === "Serving") return "broadcast";
  if (state === "ExpectLeaderInfo" || state === "StoringEpoch") return "discovery";
  const isModeKnown = state !== "ExpectSync" && state !== "ExpectUpToDate";
  return isModeKnown ? `synchronization - ${mode}` : "synchronization";
}

function leaderFacts(
  leading: Leading,
  views: QuorumViews,
  { uptimeMs, proposalSizes }: { uptimeMs: number; proposalSizes: SizeFacts },
): LeaderFacts {
  const nonVoting = [...leading.handlers].filter(
    ({ state, isObserver, sid }) => state === "Serving" && !isObserver && !views.committed.isVoter(sid),
  );
  return {
    learners: leading.handlers.size,
    syncedFollowers: countSynced(leading, false) - nonVoting.length,
    syncedNonVotingFollowers: nonVoting.length,
    pendingSyncs: leading.broadcast.pendingSyncs,
    uptimeMs,
    proposalSizes,
  };
}

function countSynced({ handlers }: LearnerMaster, areObservers: boolean): number {
  let count = 0;
  for (const { state, isObserver } of handlers) if (state === "Serving" && isObserver === areObservers) count++;
  return count;
}
