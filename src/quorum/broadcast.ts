/**
 * The heart of ZAB: a leader's transactions go to everybody, and count when a quorum has them on disk.
 *
 *   propose   into the window, and as PROPOSAL to every participant that is being forwarded to
 *   ack       a voter has that transaction, and all before it, on its disk
 *   settle    what a quorum has is committed: COMMIT to participants, INFORM to observers, in zxid order; then the syncs
 *             that waited for it are answered
 *
 * Disks hold prefixes, so one zxid per voter says all; there is no set for each proposal. The bytes of a transaction
 * are those that the log has: they are copied into the window and into each learner's output, never encoded again.
 *
 * Always, for each learner: proposals without a gap, commits in the order of the proposals and of nothing that it was
 * not proposed. A Java follower ends its process at a COMMIT that it did not expect; so these are asserted here.
 * Source: Leader.propose, processAck, tryToCommit, processSync; Zab paper, section on broadcast.
 */

import { assert } from "#base/assert.ts";
import { Deque } from "#base/deque.ts";
import { compareHalves } from "#base/zxid.ts";
import { readInt32 } from "#jute/reader.ts";
import type { JuteWriter } from "#jute/writer.ts";
import { OpCode } from "#protocol/op-code.ts";
import { PacketType, writePacket, writePacketWithData } from "#protocol/quorum-packet.ts";
import { txnDigestBytes, txnHeaderBytes } from "#protocol/txn-header.ts";
import type { Durable } from "./durable.ts";
import type { QuorumViews } from "./quorum-verifier.ts";
import type { TxnWindow, WindowTxn } from "./txn-window.ts";

/** A zxid in halves. */
export interface ZxidHalves {
  readonly zxidHigh: number;
  readonly zxidLow: number;
}

/** A learner, as far as the broadcast is concerned. */
export class Subscriber {
  /** False for an observer: it hears what is committed only. */
  isParticipant = true;
  /** The writer to append its next packet to. */
  readonly open: () => JuteWriter;
  /**
   * Its tree is being filled while ours changes, and would not match the digests of transactions until that is over: it is
   * sent none (see learner-handler.ts).
   */
  isFuzzy = false;
  /** The newest transaction that it was sent as a proposal (an observer: informed of), and as a commit. */
  proposedHigh = 0;
  proposedLow = 0;
  committedHigh = 0;
  committedLow = 0;
  /** Since when the acknowledgement of some proposal has been awaited; infinite when none is. */
  unackedSinceMs: number = Number.POSITIVE_INFINITY;
  #awaitedHigh = 0;
  #awaitedLow = 0;

  constructor(open: () => JuteWriter) {
    this.open = open;
  }

  /** It was sent that proposal: some acknowledgement is due. */
  awaitAck({ zxidHigh, zxidLow }: ZxidHalves, nowMs: number): void {
    if (this.unackedSinceMs !== Number.POSITIVE_INFINITY) return;
    this.unackedSinceMs = nowMs;
    this.#awaitedHigh = zxidHigh;
    this.#awaitedLow = zxidLow;
  }

  /**
   * It has acknowledged that proposal: if it is the awaited one or a later one, the newest is awaited next. Where nothing is
   * awaited it speaks of what it was brought up to date with, or of UPTODATE.
   */
  acked(zxidHigh: number, zxidLow: number, nowMs: number): void {
    if (this.unackedSinceMs === Number.POSITIVE_INFINITY) return;
    if (compareHalves(zxidHigh, zxidLow, this.#awaitedHigh, this.#awaitedLow) < 0) return;
    this.unackedSinceMs = Number.POSITIVE_INFINITY;
    const { proposedHigh, proposedLow } = this;
    if (compareHalves(zxidHigh, zxidLow, proposedHigh, proposedLow) >= 0) return;
    this.awaitAck({ zxidHigh: proposedHigh, zxidLow: proposedLow }, nowMs);
  }

  /** Its history ends with that zxid, and all of it counts as committed. */
  startBehind(zxidHigh: number, zxidLow: number): void {
    this.proposedHigh = this.committedHigh = zxidHigh;
    this.proposedLow = this.committedLow = zxidLow;
  }
}

export interface BroadcastOutput {
  /** Everything up to that zxid is committed. */
  committed(zxidHigh: number, zxidLow: number): void;
}

/** Where the type stands in a TxnHeader. */
const typeInTxnHeader = 28;

interface WaitingSync extends ZxidHalves {
  readonly subscriber: Subscriber;
}

interface Acked {
  zxidHigh: number;
  zxidLow: number;
}

export class Broadcast {
  readonly window: TxnWindow;
  readonly #views: QuorumViews;
  readonly #sid: bigint;
  readonly #output: BroadcastOutput;
  /** Whether the transactions of this leader end with a digest. */
  readonly #hasDigests: boolean;
  readonly #subscribers: Subscriber[] = [];
  readonly #acked = new Map<bigint, Acked>();
  readonly #syncs = new Deque<WaitingSync>();
  #proposedHigh: number;
  #proposedLow: number;
  #committedHigh: number;
  #committedLow: number;
  /** The zxid that a quorum is looked for, and who has it. */
  #soughtHigh = 0;
  #soughtLow = 0;
  readonly #hasSought = (sid: bigint): boolean => {
    const acked = this.#acked.get(sid);
    return acked !== undefined && compareHalves(acked.zxidHigh, acked.zxidLow, this.#soughtHigh, this.#soughtLow) >= 0;
  };

  /** @param start zxid that the epoch begins with; the window holds what is committed already. */
  constructor(parts: {
    window: TxnWindow;
    views: QuorumViews;
    sid: bigint;
    start: ZxidHalves;
    hasDigests: boolean;
    output: BroadcastOutput;
  }) {
    assert(parts.window.length === parts.window.committedCount, "a leader's history counts as committed");
    this.window = parts.window;
    this.#views = parts.views;
    this.#sid = parts.sid;
    this.#output = parts.output;
    this.#hasDigests = parts.hasDigests;
    this.#proposedHigh = this.#committedHigh = parts.start.zxidHigh;
    this.#proposedLow = this.#committedLow = parts.start.zxidLow;
  }

  get proposed(): ZxidHalves {
    return { zxidHigh: this.#proposedHigh, zxidLow: this.#proposedLow };
  }

  get committed(): ZxidHalves {
    return { zxidHigh: this.#committedHigh, zxidLow: this.#committedLow };
  }

  /** Number of proposals that no quorum has acknowledged yet. */
  get outstanding(): number {
    return this.window.length - this.window.committedCount;
  }

  /** The epoch is established: its transactions follow. */
  beginEpoch(epoch: number): void {
    assert(this.outstanding === 0, "an epoch begins with nothing outstanding");
    this.#proposedHigh = this.#committedHigh = epoch;
    this.#proposedLow = this.#committedLow = 0;
  }

  /** Syncs of learners that wait for a commit. */
  get pendingSyncs(): number {
    return this.#syncs.length;
  }

  /** Proposes the next transaction; `bytes[start, end)` is what the log has of it. */
  propose(bytes: Buffer, start: number, end: number, nowMs: number): void {
    this.window.append(bytes, start, end);
    const txn = this.window.at(this.window.length - 1);
    this.#proposedHigh = txn.zxidHigh;
    this.#proposedLow = txn.zxidLow;
    for (const subscriber of this.#subscribers) {
      if (!subscriber.isParticipant) continue;
      this.#sendProposal(subscriber, txn);
      subscriber.awaitAck(txn, nowMs);
    }
  }

  /** A voter has that transaction and all before it on its disk. What was never proposed is ignored. */
  ack(sid: bigint, zxidHigh: number, zxidLow: number): void {
    if (compareHalves(zxidHigh, zxidLow, this.#proposedHigh, this.#proposedLow) > 0) return;
    const acked = this.#acked.get(sid);
    if (acked === undefined) {
      this.#acked.set(sid, { zxidHigh, zxidLow });
    } else if (compareHalves(acked.zxidHigh, acked.zxidLow, zxidHigh, zxidLow) < 0) {
      acked.zxidHigh = zxidHigh;
      acked.zxidLow = zxidLow;
    }
  }

  /** This server has it on its own disk, which counts like any other. */
  ackOwn(zxid: Durable<ZxidHalves>): void {
    this.ack(this.#sid, zxid.zxidHigh, zxid.zxidLow);
  }

  /** Commits what a quorum has. Called once for all acknowledgements of a turn. */
  settle(): void {
    if (!this.#seekQuorum()) return;
    const { window } = this;
    const from = window.committedCount;
    window.commit(this.#soughtHigh, this.#soughtLow);
    for (let index = from; index < window.committedCount; index++) {
      const txn = window.at(index);
      for (const subscriber of this.#subscribers) {
        if (subscriber.isParticipant) sendCommit(subscriber, txn);
        else this.#sendInform(subscriber, txn);
      }
      // Right behind what they waited for: the learner has to answer its client before it applies the next.
      if (this.#syncs.length > 0) this.#answerSyncs(txn);
    }
    this.#committedHigh = this.#soughtHigh;
    this.#committedLow = this.#soughtLow;
    this.#output.committed(this.#committedHigh, this.#committedLow);
  }

  /**
   * Starts forwarding to a learner, which has been sent, or is about to be, everything up to where it was told to start: what
   * is committed behind that follows now, and what is proposed, unless it is an observer.
   */
  subscribe(subscriber: Subscriber): void {
    const { window } = this;
    const { committedHigh, committedLow } = subscriber;
    for (let index = window.indexBehind(committedHigh, committedLow); index < window.length; index++) {
      const isCommitted = index < window.committedCount;
      if (!isCommitted && !subscriber.isParticipant) break;
      const txn = window.at(index);
      this.#sendProposal(subscriber, txn);
      if (isCommitted) sendCommit(subscriber, txn);
    }
    this.#subscribers.push(subscriber);
  }

  /** The learner is gone; syncs that it waits for are forgotten with it. */
  unsubscribe(subscriber: Subscriber): void {
    const index = this.#subscribers.indexOf(subscriber);
    if (index >= 0) this.#subscribers.splice(index, 1);
  }

  /** A learner asks to hear when all that was proposed before now is committed. Answers keep their order. */
  sync(subscriber: Subscriber): void {
    if (this.outstanding === 0 && this.#syncs.length === 0) writePacket(subscriber.open(), PacketType.sync, 0, 0);
    else this.#syncs.push({ subscriber, zxidHigh: this.#proposedHigh, zxidLow: this.#proposedLow });
  }

  #answerSyncs(committed: ZxidHalves): void {
    while (this.#syncs.length > 0) {
      const { zxidHigh, zxidLow, subscriber } = this.#syncs.at(0);
      if (compareHalves(zxidHigh, zxidLow, committed.zxidHigh, committed.zxidLow) > 0) return;
      this.#syncs.shift();
      if (this.#subscribers.includes(subscriber)) writePacket(subscriber.open(), PacketType.sync, 0, 0);
    }
  }

  /** Finds the newest zxid that a quorum has. @returns whether it is newer than what is committed. */
  #seekQuorum(): boolean {
    let isFound = false;
    let foundHigh = this.#committedHigh;
    let foundLow = this.#committedLow;
    for (const { zxidHigh, zxidLow } of this.#acked.values()) {
      if (compareHalves(zxidHigh, zxidLow, foundHigh, foundLow) <= 0) continue;
      this.#soughtHigh = zxidHigh;
      this.#soughtLow = zxidLow;
      if (!this.#views.hasQuorums(this.#hasSought)) continue;
      isFound = true;
      foundHigh = zxidHigh;
      foundLow = zxidLow;
    }
    this.#soughtHigh = foundHigh;
    this.#soughtLow = foundLow;
    return isFound;
  }

  #sendProposal(subscriber: Subscriber, txn: WindowTxn): void {
    checkFollows(txn, subscriber.proposedHigh, subscriber.proposedLow);
    subscriber.proposedHigh = txn.zxidHigh;
    subscriber.proposedLow = txn.zxidLow;
    const { bytes, start, end } = txn;
    const isError = readInt32(bytes, start + typeInTxnHeader) === OpCode.error;
    const hasDigest = this.#hasDigests && !isError && end - start > txnHeaderBytes;
    const sentEnd = subscriber.isFuzzy && hasDigest ? end - txnDigestBytes : end;
    writePacketWithData(subscriber.open(), PacketType.proposal, txn, bytes, start, sentEnd);
  }

  #sendInform(subscriber: Subscriber, txn: WindowTxn): void {
    checkFollows(txn, subscriber.committedHigh, subscriber.committedLow);
    subscriber.proposedHigh = subscriber.committedHigh = txn.zxidHigh;
    subscriber.proposedLow = subscriber.committedLow = txn.zxidLow;
    writePacketWithData(subscriber.open(), PacketType.inform, txn, txn.bytes, txn.start, txn.end);
  }
}

function sendCommit(subscriber: Subscriber, txn: ZxidHalves): void {
  const { zxidHigh, zxidLow } = txn;
  checkFollows(txn, subscriber.committedHigh, subscriber.committedLow);
  const order = compareHalves(zxidHigh, zxidLow, subscriber.proposedHigh, subscriber.proposedLow);
  assert(order <= 0, "nothing is committed to a learner that was not proposed to it");
  subscriber.committedHigh = zxidHigh;
  subscriber.committedLow = zxidLow;
  writePacket(subscriber.open(), PacketType.commit, zxidHigh, zxidLow);
}

/** Within an epoch the next one; else of a later epoch. */
function checkFollows({ zxidHigh, zxidLow }: ZxidHalves, lastHigh: number, lastLow: number): void {
  const isNext = zxidHigh === lastHigh ? zxidLow === ((lastLow + 1) | 0) : zxidHigh > lastHigh;
  assert(isNext, "a learner is sent transactions without a gap");
}
