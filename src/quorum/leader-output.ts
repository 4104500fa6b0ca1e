/**
 * What a leader is told beside the protocol (its limits), and what it asks of whoever drives it.
 */

import type { Durable } from "./durable.ts";
import type { StateSummary } from "./epoch-agreement.ts";
import type { LearnerMasterLimits, LearnerMasterOutput } from "./learner-master.ts";
import type { QuorumVerifier } from "./quorum-verifier.ts";

export interface LeaderLimits extends LearnerMasterLimits {
  /** What the counter of an epoch's transactions begins behind: 0, but for tests. */
  readonly firstCounter: number;
  /**
   * How long a leader waits for a quorum's epochs when one of those who elected it looks for a leader again, and the others still are a
   * quorum; -1: for initLimit (zookeeper.leader.maxTimeToWaitForEpoch).
   */
  readonly epochWaitMsMax: number;
}

/** What a leader asks of its driver. */
export interface LeaderOutput extends LearnerMasterOutput {
  /** Writes the file, and calls back when it is on the disk. */
  storeAcceptedEpoch(epoch: bigint, done: (epoch: Durable<bigint>, nowMs: number) => void): void;
  storeCurrentEpoch(epoch: bigint, done: (epoch: Durable<bigint>, nowMs: number) => void): void;
  /** A quorum is in step: begin to serve. The first transaction will have the zxid behind the broadcast's. */
  serve(epoch: bigint): void;
  committed(zxidHigh: number, zxidLow: number): void;
  /** The configuration that was seen last is committed, and that server leads from now on. */
  activate(config: QuorumVerifier, leader: bigint, zxid: bigint): void;
  /** Where the history of a server ends that does not follow this one, by its own last vote; null when it is not known. */
  offered(sid: bigint): StateSummary | null;
  /** The leader is about to step down, since a voter of its own looks for another one. */
  deserted(): void;
  /** The leader has stepped down; its learners have been closed. */
  over(reason: string): void;
}
