/**
 * What an ensemble has committed, as its members show it: a member that serves has applied some prefix of it, and its window
 * has the newest part of that. All members' prefixes have to be prefixes of one log, at every moment of a run: nothing that
 * one of them has applied is ever another's gap, or another's something else.
 *
 * What a leader's history has when its epoch begins is committed too, though nobody may ever show it: those that serve next
 * may all have got it within a tree. So whatever is proposed is remembered, until a leader turns out to have it.
 *
 * In the words of the TLA+ model of ZAB: PrefixConsistency, Integrity, Agreement, TotalOrder, and primary order.
 */

import { longOf } from "#base/zxid.ts";
import type { TxnWindow } from "#quorum/txn-window.ts";
import { type CommittedTxn, fieldsOf, hex, inOrder, joined } from "../history/committed-txn.ts";

interface Proposal {
  readonly bytes: Buffer;
  /** The one before it in the same window; null when it was the window's first. */
  readonly previous: bigint | null;
}

export class CommittedLog {
  readonly #txns = new Map<bigint, CommittedTxn>();
  /** All that any member has logged or was about to, committed or not. */
  readonly #proposals = new Map<bigint, Proposal>();
  /** What the counter of an epoch begins behind. */
  readonly #firstCounter: bigint;

  constructor(firstCounter = 0n) {
    this.#firstCounter = firstCounter;
  }

  /** A member has these transactions, committed or not. */
  propose(window: TxnWindow): void {
    for (let index = window.length - 1; index >= 0; index--) {
      const { zxidHigh, zxidLow, bytes, start, end } = window.at(index);
      const zxid = longOf(zxidHigh, zxidLow);
      const known = this.#proposals.get(zxid);
      const previous = index === 0 ? null : previousIn(window, index);
      if (known !== undefined && (known.previous !== null || previous === null)) return;
      this.#proposals.set(zxid, { bytes: Buffer.from(bytes.subarray(start, end)), previous });
    }
  }

  /**
   * A leader begins an epoch with a history that ends there: all of it counts as committed.
   * @throws Error when no member was ever seen to have its end.
   */
  adopt(lastZxid: bigint, nowMs: number): void {
    let zxid: bigint | null = lastZxid;
    while (zxid !== null && !this.#isEpoch(zxid) && !this.#txns.has(zxid)) {
      const proposal = this.#proposals.get(zxid);
      if (proposal === undefined) throw new Error(`a leader begins with ${hex(zxid)}, and nobody has made it`);
      this.#add(zxid, proposal.bytes, proposal.previous, nowMs);
      zxid = proposal.previous ?? zxid - 1n;
    }
  }

  /**
   * A member has applied the window's transactions up to `lastZxid`; those up to `sinceZxid` have been looked at before.
   * @throws Error when another member has shown something else.
   */
  note(window: TxnWindow, { lastZxid, sinceZxid }: { lastZxid: bigint; sinceZxid: bigint }, nowMs: number): void {
    for (let index = window.committedCount - 1; index >= 0; index--) {
      const { zxidHigh, zxidLow, bytes, start, end } = window.at(index);
      const zxid = longOf(zxidHigh, zxidLow);
      if (zxid > lastZxid) continue;
      if (zxid <= sinceZxid) return;
      const previous = index === 0 ? null : previousIn(window, index);
      this.#add(zxid, bytes.subarray(start, end), previous, nowMs);
    }
  }

  /** The whole log, in order. @throws Error when members have shown prefixes of different logs. */
  inOrder(): CommittedTxn[] {
    return inOrder(this.#txns.values(), this.#firstCounter);
  }

  /** Whether it is no transaction's, but where an epoch begins, or everything. */
  #isEpoch(zxid: bigint): boolean {
    return zxid === 0n || (zxid & 0xffffffffn) === this.#firstCounter;
  }

  #add(zxid: bigint, bytes: Buffer, previous: bigint | null, nowMs: number): void {
    const known = this.#txns.get(zxid);
    const txn =
      known === undefined
        ? { ...fieldsOf(bytes), bytes: Buffer.from(bytes), previous, seenMs: nowMs }
        : joined(known, { bytes, previous });
    this.#txns.set(zxid, txn);
  }
}

function previousIn(window: TxnWindow, index: number): bigint {
  const { zxidHigh, zxidLow } = window.at(index - 1);
  return longOf(zxidHigh, zxidLow);
}
