/**
 * What a learner has of its leader's transactions: four places in one history, each of which only moves on.
 *
 *   received      the newest that came; what comes next follows it without a gap, or begins another epoch
 *   logged        the newest that is durable
 *   acknowledged  the newest that the leader was told of, or need not be
 *   committed     the newest that counts; a commit is for the oldest one in the window that waits for it
 *
 * Once more is not wrong: leaders of 3.9 may propose and commit what a learner has already.
 * Source: Learner.java (syncWithLeader), Follower.java (processPacket), FollowerZooKeeperServer.java (commit), SendAckRequestProcessor.java.
 */

import { compareHalves, hexOfHalves, highOf, longOf, lowOf, type ZxidHalves } from "#base/zxid.ts";
import { readInt32 } from "#jute/reader.ts";
import { type PacketView, PacketType, writePacket } from "#protocol/quorum-packet.ts";
import { txnHeaderBytes, zxidInTxnHeader } from "#protocol/txn-header.ts";
import type { Durable } from "./durable.ts";
import type { LearnerOutput } from "./learner-output.ts";
import { QuorumError, type QuorumLink } from "./quorum-link.ts";
import { configIn, isReconfig } from "./reconfig-packets.ts";
import type { TxnWindow } from "./txn-window.ts";

export class LearnerTxns {
  /** In step with the leader: it hears again of what it proposes again. */
  isInStep = false;
  readonly #isObserver: boolean;
  readonly #window: TxnWindow;
  readonly #link: QuorumLink;
  readonly #output: LearnerOutput;
  #epoch = 0;
  #receivedHigh = 0;
  #receivedLow = 0;
  #committedHigh = 0;
  #committedLow = 0;
  #loggedHigh = 0;
  #loggedLow = 0;
  #ackedHigh = 0;
  #ackedLow = 0;

  constructor(parts: { isObserver: boolean; window: TxnWindow; link: QuorumLink; output: LearnerOutput }) {
    this.#isObserver = parts.isObserver;
    this.#window = parts.window;
    this.#link = parts.link;
    this.#output = parts.output;
  }

  /** The last zxid that is known to be committed. */
  get committedZxid(): bigint {
    return longOf(this.#committedHigh, this.#committedLow);
  }

  /** What a leader of that epoch sends follows that zxid, where what we have of its history ends. */
  begin(historyEnd: bigint, epoch: number): void {
    this.#epoch = epoch;
    this.#receivedHigh = highOf(historyEnd);
    this.#receivedLow = lowOf(historyEnd);
    this.#committedHigh = this.#receivedHigh;
    this.#committedLow = this.#receivedLow;
  }

  /**
   * A transaction has come: it is logged.
   * @param start where it begins in the packet.
   * @returns false when it came before.
   */
  receive({ bytes, dataEnd }: PacketView, start: number): boolean {
    if (start < 0 || dataEnd - start < txnHeaderBytes) {
      throw new QuorumError(`a transaction of ${Math.max(dataEnd - start, 0)} bytes`);
    }
    const zxidHigh = readInt32(bytes, start + zxidInTxnHeader);
    const zxidLow = readInt32(bytes, start + zxidInTxnHeader + 4);
    if (compareHalves(zxidHigh, zxidLow, this.#receivedHigh, this.#receivedLow) <= 0) {
      this.#ackAgain(zxidHigh, zxidLow);
      return false;
    }
    this.checkEpoch(zxidHigh);
    if (zxidHigh === this.#receivedHigh && zxidLow !== ((this.#receivedLow + 1) | 0)) {
      const got = hexOfHalves(zxidHigh, zxidLow);
      throw new QuorumError(
        `got proposal 0x${got}, last queued 0x${hexOfHalves(this.#receivedHigh, this.#receivedLow)}`,
      );
    }
    this.#receivedHigh = zxidHigh;
    this.#receivedLow = zxidLow;
    if (!this.#isObserver && isReconfig(bytes, start)) this.#output.sawProposedConfig(configIn(bytes, start, dataEnd));
    this.#output.log(bytes, start, dataEnd);
    return true;
  }

  /**
   * Nothing that a leader sends is of a later epoch than its own: with such a history this server would have joined an epoch
   * that it has never accepted, and not start again.
   */
  checkEpoch(zxidHigh: number): void {
    if (zxidHigh < 0 || zxidHigh > this.#epoch) {
      throw new QuorumError(`a transaction of epoch ${zxidHigh} from a leader of epoch ${this.#epoch}`);
    }
  }

  /** @param leader whom that reconfiguration makes the leader; null for other transactions. */
  commit(zxidHigh: number, zxidLow: number, leader: bigint | null = null): void {
    const window = this.#window;
    if (window.committedCount === window.length) {
      if (compareHalves(zxidHigh, zxidLow, this.#receivedHigh, this.#receivedLow) <= 0) return;
      throw new QuorumError(`Committing 0x${hexOfHalves(zxidHigh, zxidLow)} without seeing txn`);
    }
    const next = window.at(window.committedCount);
    const order = compareHalves(zxidHigh, zxidLow, next.zxidHigh, next.zxidLow);
    if (order < 0) return;
    if (order > 0) {
      const pending = hexOfHalves(next.zxidHigh, next.zxidLow);
      throw new QuorumError(`Committing zxid 0x${hexOfHalves(zxidHigh, zxidLow)} but next pending txn 0x${pending}`);
    }
    this.#committedHigh = zxidHigh;
    this.#committedLow = zxidLow;
    this.#output.commit(zxidHigh, zxidLow, leader);
  }

  logged(zxid: Durable<ZxidHalves>): void {
    this.#loggedHigh = zxid.zxidHigh;
    this.#loggedLow = zxid.zxidLow;
  }

  /** What is committed need not be acknowledged one by one. */
  skipCommitted(): void {
    const { committedCount } = this.#window;
    if (committedCount === 0) return;
    const last = this.#window.at(committedCount - 1);
    this.#ackedHigh = last.zxidHigh;
    this.#ackedLow = last.zxidLow;
  }

  /** Acknowledges what is durable and was not acknowledged yet. */
  acknowledge(): void {
    if (this.#isObserver) return;
    const window = this.#window;
    const end = window.indexBehind(this.#loggedHigh, this.#loggedLow);
    const out = this.#link.open();
    for (let index = window.indexBehind(this.#ackedHigh, this.#ackedLow); index < end; index++) {
      const txn = window.at(index);
      writePacket(out, PacketType.ack, txn.zxidHigh, txn.zxidLow);
      this.#ackedHigh = txn.zxidHigh;
      this.#ackedLow = txn.zxidLow;
    }
  }

  /** A proposal has come once more. If it is not on the disk yet, its acknowledgement is still to come. */
  #ackAgain(zxidHigh: number, zxidLow: number): void {
    if (!this.isInStep || this.#isObserver) return;
    const isLogged = compareHalves(zxidHigh, zxidLow, this.#loggedHigh, this.#loggedLow) <= 0;
    const needsNone = compareHalves(zxidHigh, zxidLow, this.#ackedHigh, this.#ackedLow) <= 0;
    if (isLogged || needsNone) writePacket(this.#link.open(), PacketType.ack, zxidHigh, zxidLow);
  }
}
