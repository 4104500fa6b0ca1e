/**
 * How a learner is brought up to date: what its leader has that it lacks, and what it has that nobody else kept.
 *
 *   its last zxid                                  plan
 *   the leader's own                               diff: nothing to send
 *   in the window, or an epoch's beginning there   diff: what lies behind it
 *   beyond all that was committed, same epoch      trunc to the last that was, then live traffic
 *   before the window                              diff from the log's files, if they reach back and are not too long
 *   anything else                                  snap: the whole tree
 *
 * ZooKeeper also truncates across epochs when the learner is ahead of everything; there the whole tree is sent instead: that
 * is never wrong.
 * Source: LearnerHandler.syncFollower, queueCommittedProposals.
 */

import { highOf, longOf, lowOf } from "#base/zxid.ts";
import type { TxnWindow } from "./txn-window.ts";

export type LearnerSyncPlan =
  /** Send the committed transactions of the window from this index on. `zxid` is what the packet says. */
  | { readonly kind: "diff"; readonly zxid: bigint; readonly fromIndex: number }
  | { readonly kind: "trunc"; readonly zxid: bigint }
  /** Send what the files have behind the learner's zxid, then the window; snap when they do not have it. */
  | { readonly kind: "log"; readonly zxid: bigint }
  | { readonly kind: "snap" };

export interface LearnerSyncState {
  readonly window: TxnWindow;
  /** Last zxid of the leader: what it has committed, or the beginning of its epoch when that is later. */
  readonly lastZxid: bigint;
  /** Last zxid of the history that the leader began with: it has led no further while nothing is committed behind it. */
  readonly historyZxid: bigint;
  /** zookeeper.forceSnapshotSync */
  readonly isSnapshotForced: boolean;
  /** Whether the log's files may be read for it (zookeeper.snapshotSizeFactor is not negative). */
  readonly isLogSyncEnabled: boolean;
}

const counterMask = 0xffffffffn;

/** Plans for a learner whose history ends with `learnerZxid`. */
export function planLearnerSync(learnerZxid: bigint, state: LearnerSyncState): LearnerSyncPlan {
  const { window, lastZxid } = state;
  if (state.isSnapshotForced) return { kind: "snap" };
  const { committedCount } = window;
  const isInStep = learnerZxid === lastZxid || (committedCount === 0 && learnerZxid === state.historyZxid);
  if (isInStep) return { kind: "diff", zxid: learnerZxid, fromIndex: committedCount };
  const first = committedCount === 0 ? lastZxid : zxidAt(window, 0);
  const last = committedCount === 0 ? lastZxid : zxidAt(window, committedCount - 1);
  const isEpochStart = (learnerZxid & counterMask) === 0n;
  if (learnerZxid > last) {
    return isEpochStart || epochOf(learnerZxid) !== epochOf(last) ? { kind: "snap" } : { kind: "trunc", zxid: last };
  }
  if (learnerZxid < first) return state.isLogSyncEnabled ? { kind: "log", zxid: last } : { kind: "snap" };
  const behind = window.indexBehind(highOf(learnerZxid), lowOf(learnerZxid));
  // Within an epoch the window has no gap: what is not in it begins an epoch, or is of an epoch that it has no more.
  if (!isEpochStart && zxidAt(window, behind - 1) !== learnerZxid) return { kind: "snap" };
  return { kind: "diff", zxid: last, fromIndex: behind };
}

function zxidAt(window: TxnWindow, index: number): bigint {
  const { zxidHigh, zxidLow } = window.at(index);
  return longOf(zxidHigh, zxidLow);
}

function epochOf(zxid: bigint): bigint {
  return zxid >> 32n;
}
