/**
 * The heart of ZAB: a leader's transactions go to everybody, and count when a quorum has them on disk.
 *
 *   propose   into the window, and as PROPOSAL to every participant that is being forwarded to
 *   ack       a voter has that transaction, and all before it, on its disk
 *   settle    what a quorum has is committed: COMMIT to participants, INFORM to observers, in zxid order; then the syncs
 *             that waited for it are answered
 *
 * A reconfiguration needs a quorum of the old configuration and of the new one, as does everything behind it until it is
 * committed. It goes out as COMMITANDACTIVATE or INFORMANDACTIVATE, which say who leads from now on; if that is somebody
 * else, this leader commits nothing any more: what follows is for the new one to decide.
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
import { compareHalves, type ZxidHalves } from "#base/zxid.ts";
import { PacketType, writePacket } from "#protocol/quorum-packet.ts";
import type { Durable } from "./durable.ts";
import type { QuorumViews } from "./quorum-verifier.ts";
import { isReconfig } from "./reconfig-packets.ts";
import type { Subscriber } from "./subscriber.ts";
import type { TxnWindow, WindowTxn } from "./txn-window.ts";

export interface BroadcastOutput {
  /** Everything up to that zxid is committed. */
  committed(zxidHigh: number, zxidLow: number): void;
  /** The reconfiguration under way is committed: makes its configuration the one that counts. @returns who leads from now on. */
  activate(zxidHigh: number, zxidLow: number): bigint;
}

/** The last number that a transaction may have. ZooKeeper ends an epoch before it as well. */
const counterMax = 0xfffffffe;

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
  readonly #subscribers = new Set<Subscriber>();
  readonly #acked = new Map<bigint, Acked>();
  readonly #syncs = new Deque<WaitingSync>();
  #proposedHigh: number;
  #proposedLow: number;
  #committedHigh: number;
  #committedLow: number;
  /** The reconfiguration that is proposed and not committed; there is one at most. */
  #reconfig: ZxidHalves | null = null;
  #isHandedOver = false;
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
    output: BroadcastOutput;
  }) {
    assert(parts.window.length === parts.window.committedCount, "a leader's history counts as committed");
    this.window = parts.window;
    this.#views = parts.views;
    this.#sid = parts.sid;
    this.#output = parts.output;
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

  /** Whether a reconfiguration has made somebody else the leader: nothing is committed here any more. */
  get isHandedOver(): boolean {
    return this.#isHandedOver;
  }

  /** Somebody else leads from now on. */
  handOver(): void {
    this.#isHandedOver = true;
  }

  /** Of those servers the one that has acknowledged most, the first of equals; null when none has acknowledged anything. */
  mostAdvanced(sids: readonly bigint[]): bigint | null {
    let best: bigint | null = null;
    for (const sid of sids) {
      const acked = this.#acked.get(sid);
      if (acked === undefined) continue;
      const most = best === null ? undefined : this.#acked.get(best);
      const isMore =
        most === undefined || compareHalves(acked.zxidHigh, acked.zxidLow, most.zxidHigh, most.zxidLow) > 0;
      if (isMore) best = sid;
    }
    return best;
  }

  /** The epoch is established: its transactions follow, counted from behind that number. */
  beginEpoch(epoch: number, counter: number): void {
    assert(this.outstanding === 0, "an epoch begins with nothing outstanding");
    this.#proposedHigh = this.#committedHigh = epoch;
    this.#proposedLow = this.#committedLow = counter | 0;
  }

  /** How many more transactions the epoch has numbers for. */
  get countersLeft(): number {
    return counterMax - (this.#proposedLow >>> 0);
  }

  /** Syncs of learners that wait for a commit. */
  get pendingSyncs(): number {
    return this.#syncs.length;
  }

  /** Proposes the next transaction; `bytes[start, end)` is what the log has of it. */
  propose(bytes: Buffer, start: number, end: number, nowMs: number): void {
    this.window.append(bytes, start, end);
    const txn = this.window.newest!;
    assert(txn.zxidHigh === this.#proposedHigh, "the numbers of an epoch are used up before the next begins");
    this.#proposedHigh = txn.zxidHigh;
    this.#proposedLow = txn.zxidLow;
    if (isReconfig(txn.bytes, txn.start)) this.#reconfig = { zxidHigh: txn.zxidHigh, zxidLow: txn.zxidLow };
    for (const subscriber of this.#subscribers) {
      if (!subscriber.isParticipant) continue;
      subscriber.sendProposal(txn);
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
    while (!this.#isHandedOver && this.#seekQuorum()) {
      const reconfig = this.#reconfig;
      const isReached =
        reconfig !== null && compareHalves(reconfig.zxidHigh, reconfig.zxidLow, this.#soughtHigh, this.#soughtLow) <= 0;
      if (!isReached) {
        this.#commitUpTo(this.#soughtHigh, this.#soughtLow);
        return;
      }
      // What lies behind it needs a quorum of the new configuration alone, and is another leader's if that changes.
      this.#commitUpTo(reconfig.zxidHigh, reconfig.zxidLow);
      this.#reconfig = null;
    }
  }

  #commitUpTo(zxidHigh: number, zxidLow: number): void {
    const { window } = this;
    const from = window.committedCount;
    window.commit(zxidHigh, zxidLow);
    for (let index = from; index < window.committedCount; index++) {
      const txn = window.at(index);
      if (this.#reconfig !== null && isReconfig(txn.bytes, txn.start)) this.#commitReconfig(txn);
      else this.#sendCommits(txn);
      // Right behind what they waited for: the learner has to answer its client before it applies the next.
      if (this.#syncs.length > 0) this.#answerSyncs(txn);
    }
    this.#committedHigh = zxidHigh;
    this.#committedLow = zxidLow;
    this.#output.committed(zxidHigh, zxidLow);
  }

  #sendCommits(txn: WindowTxn): void {
    for (const subscriber of this.#subscribers) {
      if (subscriber.isParticipant) subscriber.sendCommit(txn);
      else subscriber.sendInform(txn);
    }
  }

  #commitReconfig(txn: WindowTxn): void {
    const leader = this.#output.activate(txn.zxidHigh, txn.zxidLow);
    if (leader !== this.#sid) this.#isHandedOver = true;
    for (const subscriber of this.#subscribers) subscriber.sendActivation(txn, leader);
  }

  /**
   * Starts forwarding to a learner, which has been sent, or is about to be, everything up to where it was told to start: what
   * is committed behind that follows now, and what is proposed, unless it is an observer.
   */
  subscribe(subscriber: Subscriber): void {
    subscriber.catchUp(this.window);
    this.#subscribers.add(subscriber);
  }

  /** The learner is gone; syncs that it waits for are forgotten with it. */
  unsubscribe(subscriber: Subscriber): void {
    this.#subscribers.delete(subscriber);
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
      if (this.#subscribers.has(subscriber)) writePacket(subscriber.open(), PacketType.sync, 0, 0);
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
}
