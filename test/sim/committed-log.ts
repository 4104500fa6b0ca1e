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

/** A transaction, read as ZooKeeper documents it: TxnHeader, body, TxnDigest. */
export interface CommittedTxn {
  readonly session: bigint;
  readonly cxid: number;
  readonly zxid: bigint;
  readonly timeMs: number;
  readonly type: number;
  /** Header, body and digest. */
  readonly bytes: Buffer;
  /** When the first member was seen to have applied it. */
  readonly seenMs: number;
  /** The one before it; null while no member has shown that. */
  previous: bigint | null;
}

const headerBytes = 32;
const digestBytes = 12;
const digestVersion = 2;

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
    const txns = [...this.#txns.values()].sort((a, b) => (a.zxid < b.zxid ? -1 : 1));
    for (const [i, { zxid, previous }] of txns.entries()) {
      const before = txns[i - 1]?.zxid ?? 0n;
      if (previous !== null && previous !== before) {
        throw new Error(`${hex(zxid)} came behind ${hex(previous)} at a member, and behind ${hex(before)} at another`);
      }
      const isEpochStart = (zxid & 0xffffffffn) === this.#firstCounter + 1n && zxid >> 32n > before >> 32n;
      if (!isEpochStart && zxid !== before + 1n) throw new Error(`between ${hex(before)} and ${hex(zxid)} is a gap`);
    }
    return txns;
  }

  /** Whether it is no transaction's, but where an epoch begins, or everything. */
  #isEpoch(zxid: bigint): boolean {
    return zxid === 0n || (zxid & 0xffffffffn) === this.#firstCounter;
  }

  #add(zxid: bigint, bytes: Buffer, previous: bigint | null, nowMs: number): void {
    const known = this.#txns.get(zxid);
    if (known === undefined) {
      this.#txns.set(zxid, { ...fieldsOf(bytes), bytes: Buffer.from(bytes), previous, seenMs: nowMs });
      return;
    }
    // Behind a tree that is on its way transactions are sent without their digests.
    const length = Math.min(bytes.length, known.bytes.length);
    const isSame = bytes.subarray(0, length).equals(known.bytes.subarray(0, length));
    const difference = Math.abs(bytes.length - known.bytes.length);
    if (!isSame || (difference !== 0 && difference !== digestBytes)) {
      throw new Error(`two transactions are ${hex(zxid)}: ${bytes.toString("hex")} and ${known.bytes.toString("hex")}`);
    }
    if (bytes.length > known.bytes.length) this.#txns.set(zxid, { ...known, bytes: Buffer.from(bytes) });
    if (previous === null) return;
    if (known.previous !== null && known.previous !== previous) {
      throw new Error(
        `${hex(zxid)} came behind ${hex(previous)} at a member, and behind ${hex(known.previous)} before`,
      );
    }
    this.#txns.get(zxid)!.previous = previous;
  }
}

function previousIn(window: TxnWindow, index: number): bigint {
  const { zxidHigh, zxidLow } = window.at(index - 1);
  return longOf(zxidHigh, zxidLow);
}

function fieldsOf(bytes: Buffer): Pick<CommittedTxn, "session" | "cxid" | "zxid" | "timeMs" | "type"> {
  return {
    session: bytes.readBigInt64BE(0),
    cxid: bytes.readInt32BE(8),
    zxid: bytes.readBigInt64BE(12),
    timeMs: Number(bytes.readBigInt64BE(20)),
    type: bytes.readInt32BE(28),
  };
}

/** The configuration that a reconfiguration makes: what lies behind the znode's path. */
export function configIn({ bytes }: CommittedTxn): Buffer {
  const dataAt = headerBytes + 4 + bytes.readInt32BE(headerBytes);
  return bytes.subarray(dataAt + 4, dataAt + 4 + bytes.readInt32BE(dataAt));
}

/** The error code of a transaction that refuses something. */
export function errorIn({ bytes }: CommittedTxn): number {
  return bytes.readInt32BE(headerBytes);
}

/** The tree's digest, which a transaction carries at its end unless it was only seen behind a tree on its way. */
export function digestIn({ bytes }: CommittedTxn): bigint | null {
  const at = bytes.length - digestBytes;
  return at > headerBytes && bytes.readInt32BE(at) === digestVersion ? bytes.readBigUInt64BE(at + 4) : null;
}

function hex(zxid: bigint): string {
  return `0x${zxid.toString(16)}`;
}
