/**
 * A learner, as far as the broadcast is concerned: where its packets go, and how far it has been told.
 *
 * Always: proposals without a gap, commits in their order and of nothing that was not proposed. A Java follower ends its
 * process at a commit that it did not expect; so these are asserted here.
 * Source: LearnerHandler.java, Leader.sendPacket.
 */

import { assert } from "#base/assert.ts";
import { compareHalves, type ZxidHalves } from "#base/zxid.ts";
import type { JuteWriter } from "#jute/writer.ts";
import { PacketType, writePacket, writePacketWithData } from "#protocol/quorum-packet.ts";
import { txnDigestStart } from "#protocol/txn-body.ts";
import { writeCommitAndActivate, writeInformAndActivate } from "./reconfig-packets.ts";
import type { TxnWindow, WindowTxn } from "./txn-window.ts";

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

  /** Sends what the window has behind that: what is committed, and what is proposed, unless it is an observer. */
  catchUp(window: TxnWindow): void {
    for (let index = window.indexBehind(this.committedHigh, this.committedLow); index < window.length; index++) {
      const isCommitted = index < window.committedCount;
      if (!isCommitted && !this.isParticipant) return;
      const txn = window.at(index);
      this.sendProposal(txn);
      if (isCommitted) this.sendCommit(txn);
    }
  }

  sendProposal(txn: WindowTxn): void {
    checkFollows(txn, this.proposedHigh, this.proposedLow);
    this.proposedHigh = txn.zxidHigh;
    this.proposedLow = txn.zxidLow;
    writePacketWithData(this.open(), PacketType.proposal, txn, txn.bytes, txn.start, this.#sentEnd(txn));
  }

  /** A proposal is committed. */
  sendCommit(txn: ZxidHalves): void {
    this.#noteCommit(txn);
    writePacket(this.open(), PacketType.commit, txn.zxidHigh, txn.zxidLow);
  }

  /** An observer is sent a transaction, committed. */
  sendInform(txn: WindowTxn): void {
    this.#noteInform(txn);
    writePacketWithData(this.open(), PacketType.inform, txn, txn.bytes, txn.start, this.#sentEnd(txn));
  }

  /** A reconfiguration is committed, and that server leads from now on. */
  sendActivation(txn: WindowTxn, leader: bigint): void {
    if (this.isParticipant) {
      this.#noteCommit(txn);
      writeCommitAndActivate(this.open(), txn, leader);
    } else {
      this.#noteInform(txn);
      writeInformAndActivate(this.open(), { ...txn, end: this.#sentEnd(txn) }, leader);
    }
  }

  #sentEnd({ bytes, start, end }: WindowTxn): number {
    return this.isFuzzy ? txnDigestStart(bytes, start, end) : end;
  }

  #noteCommit(txn: ZxidHalves): void {
    const { zxidHigh, zxidLow } = txn;
    checkFollows(txn, this.committedHigh, this.committedLow);
    const order = compareHalves(zxidHigh, zxidLow, this.proposedHigh, this.proposedLow);
    assert(order <= 0, "nothing is committed to a learner that was not proposed to it");
    this.committedHigh = zxidHigh;
    this.committedLow = zxidLow;
  }

  #noteInform(txn: ZxidHalves): void {
    checkFollows(txn, this.committedHigh, this.committedLow);
    this.proposedHigh = this.committedHigh = txn.zxidHigh;
    this.proposedLow = this.committedLow = txn.zxidLow;
  }
}

/** Within an epoch the next one; else of a later epoch. */
function checkFollows({ zxidHigh, zxidLow }: ZxidHalves, lastHigh: number, lastLow: number): void {
  const isNext = zxidHigh === lastHigh ? zxidLow === ((lastLow + 1) | 0) : zxidHigh > lastHigh;
  assert(isNext, "a learner is sent transactions without a gap");
}
