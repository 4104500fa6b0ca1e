/**
 * What a learner asks of whoever drives it.
 */

import type { PacketView } from "#protocol/quorum-packet.ts";
import type { Durable } from "./durable.ts";

/** Which way a learner was brought up to date. */
export type LearnerSyncMode = "diff" | "trunc" | "snap";

/** What a learner asks of its driver. */
export interface LearnerOutput {
  storeAcceptedEpoch(epoch: bigint, done: (epoch: Durable<bigint>, nowMs: number) => void): void;
  /** `history` says that what the epoch stands for is on the disk. */
  storeCurrentEpoch(
    epoch: bigint,
    history: Durable<"history">,
    done: (epoch: Durable<bigint>, nowMs: number) => void,
  ): void;
  /**
   * Cuts off everything behind that zxid, in the log and among the snapshots, and loads the tree anew. `isDone` is false when
   * there was nothing to start from: the whole tree is needed.
   */
  truncate(zxid: bigint, done: (isDone: boolean, nowMs: number) => void): void;
  /** A tree follows on the wire, whole up to that zxid: begins an empty one, and empties the window. */
  beginTree(zxid: bigint): void;
  /** Takes bytes of the tree. @returns how many were its, and whether it ended there. */
  takeTree(bytes: Buffer, start: number, end: number): { readonly taken: number; readonly isComplete: boolean };
  /**
   * Appends a transaction to the window, and to the log unless a tree is being received.
   * @throws QuorumError when it is none that could ever be applied: the connection ends.
   */
  log(bytes: Buffer, start: number, end: number): void;
  /**
   * The next transaction of the window is committed.
   * @param leader whom it makes the leader, when it is a reconfiguration that came while this server follows; else null.
   */
  commit(zxidHigh: number, zxidLow: number, leader: bigint | null): void;
  /**
   * Makes everything durable that was received: what was logged, or the tree, with what waits behind it. Replaces what the
   * disk had before, if it was a tree.
   */
  persist(mode: LearnerSyncMode, done: (history: Durable<"history">, nowMs: number) => void): void;
  /** The leader has proposed that configuration. */
  sawProposedConfig(text: string): void;
  /** The leader has seen that one last, and completes it if it is not committed; `stored` is called when it is on the disk. */
  sawLeadersConfig(text: string, stored: () => void): void;
  /**
   * That configuration is committed. @param leader who leads from now on; null: whoever does.
   * @returns whether this server has another role or leader now: the connection ends.
   */
  activate(text: string, leader: bigint | null, zxid: bigint): boolean;
  /** The leader is established, and this server in step with it: begin to serve. */
  serve(epoch: bigint): void;
  /** What our clients' requests brought about: SYNC and REVALIDATE. */
  received(packet: PacketView, nowMs: number): void;
  /** Sessions that were heard of since the last time, as a PING carries them; empty, never null. */
  touchedSessions(): Uint8Array;
  over(reason: string): void;
}
