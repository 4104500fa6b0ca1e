/**
 * What a member of an ensemble is made of beside the protocol: its ports, its files and tree, and what it does for clients.
 */

import type { PacketView } from "#protocol/quorum-packet.ts";
import type { LearnerHandler, SyncWay } from "./learner-handler.ts";
import type { LeaderLimits, LeaderOutput } from "./leader-output.ts";
import type { LearnerOutput } from "./learner-output.ts";
import type { Leading } from "./leading.ts";
import type { Learning } from "./learning.ts";
import type { MasterSearchLimits } from "./master-search.ts";
import type { TxnWindow } from "./txn-window.ts";
import type { Vote } from "./vote.ts";

export type PeerState = "Looking" | "Leading" | "Connecting" | "Learning" | "Settling" | "Stopped";

/** Where learners connect: to a leader's quorum port, or where a follower serves observers. */
export type LearnerPort = "leader" | "observerMaster";

/** The ports of the ensemble. */
export interface PeerWire {
  /** Election port: see ElectionOutput. */
  sendVote(sid: bigint, vote: Vote): void;
  connectAll(): void;
  readonly hasDelivered: boolean;
  /** Learners may connect from now on, or no more. */
  listen(at: LearnerPort): void;
  unlisten(): void;
  /** Connects to that port of that member; `connected` or `connectFailed` follows. */
  connect(sid: bigint, at: LearnerPort): void;
}

/** The log, the snapshots, the epoch files, the tree. */
export interface PeerReplica
  extends
    Pick<LeaderOutput, "storeAcceptedEpoch" | "storeCurrentEpoch" | "sendTree" | "sendLog">,
    Pick<LearnerOutput, "truncate" | "beginTree" | "takeTree" | "log" | "persist"> {
  readonly window: TxnWindow;
  /** Everything up to that zxid is committed: it is applied at the end of the turn, or when it is durable. */
  commit(zxidHigh: number, zxidLow: number): void;
  /**
   * A role has ended. Makes durable what was logged, applies what was not committed, then calls `done` with the last zxid of
   * tree and log, -1 when there is no history that counts. `isTreeBroken`: loads what the disk has instead.
   */
  settle(isTreeBroken: boolean, done: (lastZxid: bigint, nowMs: number) => void): void;
}

/** What is done for clients while there is a leader. */
export interface PeerService {
  lead(leading: Leading, epoch: bigint): void;
  learn(learning: Learning, epoch: bigint): void;
  /** A learner asks, or tells of its sessions. */
  receivedFromLearner(handler: LearnerHandler, packet: PacketView, nowMs: number): void;
  receivedFromLeader(packet: PacketView, nowMs: number): void;
  learnerSyncing(handler: LearnerHandler, way: SyncWay, count: number): void;
  learnerGone(handler: LearnerHandler, reason: string): void;
  /** This server does not lead after all: a voter of its own looks for another leader. */
  deserted(): void;
  touchedSessions(): Uint8Array;
  /** No more serving: clients are let go. */
  stop(reason: string): void;
  /** For the log: what this server does now. */
  stateChanged(state: PeerState, detail: string): void;
}

export interface PeerLimits extends LeaderLimits, MasterSearchLimits {
  /** What an observer that has lost its leader waits for at most before it looks for the next one. */
  readonly observerElectionDelayMs: number;
}

/** Where this member's history stands when it starts. */
export interface PeerHistory {
  readonly acceptedEpoch: bigint;
  readonly currentEpoch: bigint;
  /** -1 when there is none that counts: damaged, and to be replaced by a leader's. */
  readonly lastZxid: bigint;
}
