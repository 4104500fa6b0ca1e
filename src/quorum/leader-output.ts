/**
 * What a leader is told beside the protocol (its limits), and what it asks of whoever drives it.
 */

import type { PacketView } from "#protocol/quorum-packet.ts";
import type { Durable } from "./durable.ts";
import type { HandlerServices, LearnerHandler, SyncWay } from "./learner-handler.ts";
import type { QuorumVerifier } from "./quorum-verifier.ts";

export interface LeaderLimits {
  readonly tickTimeMs: number;
  /** In ticks. */
  readonly initLimit: number;
  readonly syncLimit: number;
  readonly isSnapshotSyncForced: boolean;
  readonly isLogSyncEnabled: boolean;
  /** Learners that are brought up to date at once, by the tree and by transactions; voters are let in beyond that. */
  readonly treeSyncsMax: number;
  readonly txnSyncsMax: number;
  /** What the counter of an epoch's transactions begins behind: 0, but for tests. */
  readonly firstCounter: number;
}

/** What a leader asks of its driver. */
export interface LeaderOutput {
  /** Writes the file, and calls back when it is on the disk. */
  storeAcceptedEpoch(epoch: bigint, done: (epoch: Durable<bigint>, nowMs: number) => void): void;
  storeCurrentEpoch(epoch: bigint, done: (epoch: Durable<bigint>, nowMs: number) => void): void;
  /** A quorum is in step: begin to serve. The first transaction will have the zxid behind the broadcast's. */
  serve(epoch: bigint): void;
  committed(zxidHigh: number, zxidLow: number): void;
  /** The configuration that was seen last is committed, and that server leads from now on. */
  activate(config: QuorumVerifier, leader: bigint, zxid: bigint): void;
  sendTree(handler: LearnerHandler, done: (nowMs: number) => void): bigint;
  sendLog: HandlerServices["sendLog"];
  /** A REQUEST or REVALIDATE of a learner, or a PING's list of sessions. */
  received(handler: LearnerHandler, packet: PacketView, nowMs: number): void;
  /** @param count of those that are sent the same kind of thing now, this one included. */
  learnerSyncing(handler: LearnerHandler, way: SyncWay, count: number): void;
  learnerGone(handler: LearnerHandler, reason: string): void;
  /** The leader has stepped down; its learners have been closed. */
  over(reason: string): void;
}
