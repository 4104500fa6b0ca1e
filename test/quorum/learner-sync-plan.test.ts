import { expect, test } from "vitest";
import { highOf, lowOf } from "#base/zxid.ts";
import { type LearnerSyncPlan, type LearnerSyncState, planLearnerSync } from "#quorum/learner-sync-plan.ts";
import { TxnWindow } from "#quorum/txn-window.ts";
import { txn } from "./support.ts";

/** A leader with these committed transactions in its window. */
function leader(zxids: readonly bigint[], lastZxid?: bigint): LearnerSyncState {
  const window = new TxnWindow({ committedCountMin: 100, committedBytesMax: 1 << 20 });
  for (const zxid of zxids) {
    const bytes = txn(zxid);
    window.append(bytes, 0, bytes.length);
    window.commit(highOf(zxid), lowOf(zxid));
  }
  return {
    window,
    lastZxid: lastZxid ?? zxids.at(-1) ?? 0n,
    historyZxid: zxids.at(-1) ?? 0x100000005n,
    isSnapshotForced: false,
    isLogSyncEnabled: true,
  };
}

const history = [0x100000003n, 0x100000004n, 0x100000005n, 0x300000001n, 0x300000002n];

function checkPlan(learnerZxid: bigint, plan: LearnerSyncPlan, state: LearnerSyncState = leader(history)): void {
  expect(planLearnerSync(learnerZxid, state), `a learner at 0x${learnerZxid.toString(16)}`).toEqual(plan);
}

const snap = { kind: "snap" } as const;

test("a learner in step gets nothing", () => {
  checkPlan(0x300000002n, { kind: "diff", zxid: 0x300000002n, fromIndex: 5 });
  checkPlan(0n, { kind: "diff", zxid: 0n, fromIndex: 0 }, leader([]));
  checkPlan(0x100000005n, { kind: "diff", zxid: 0x100000005n, fromIndex: 0 }, leader([], 0x200000000n));
  checkPlan(0x400000000n, { kind: "diff", zxid: 0x400000000n, fromIndex: 5 }, leader(history, 0x400000000n));
});

test("a learner that is a little behind gets what it lacks", () => {
  checkPlan(0x100000004n, { kind: "diff", zxid: 0x300000002n, fromIndex: 2 });
  checkPlan(0x100000003n, { kind: "diff", zxid: 0x300000002n, fromIndex: 1 });
  checkPlan(0x300000001n, { kind: "diff", zxid: 0x300000002n, fromIndex: 4 });
});

test("a learner that led an epoch without transactions gets what lies behind it", () => {
  checkPlan(0x200000000n, { kind: "diff", zxid: 0x300000002n, fromIndex: 3 });
  checkPlan(0x300000000n, { kind: "diff", zxid: 0x300000002n, fromIndex: 3 });
});

test("a learner that is ahead is cut back, within an epoch", () => {
  checkPlan(0x300000004n, { kind: "trunc", zxid: 0x300000002n });
  checkPlan(0x3fffffffen, { kind: "trunc", zxid: 0x300000002n });
  checkPlan(0x100000007n, { kind: "trunc", zxid: 0x100000005n }, leader(history.slice(0, 3), 0x200000000n));
});

test("a learner with a history that nobody else has gets the whole tree", () => {
  checkPlan(0x400000001n, snap);
  checkPlan(0x400000000n, snap);
  checkPlan(0x100000006n, snap);
  checkPlan(0x200000002n, snap);
});

test("a learner that is far behind gets the files' part, if they may be read", () => {
  checkPlan(0x100000001n, { kind: "log", zxid: 0x300000002n });
  checkPlan(-1n, { kind: "log", zxid: 0x300000002n });
  checkPlan(0x100000001n, snap, { ...leader(history), isLogSyncEnabled: false });
});

test("the whole tree can be forced", () => {
  checkPlan(0x300000002n, snap, { ...leader(history), isSnapshotForced: true });
});
