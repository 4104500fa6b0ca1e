/**
 * A learner (follower or observer), from the moment that it is connected to its leader.
 *
 *   ExpectLeaderInfo   told the leader which epoch we accepted last
 *   StoringEpoch       a newer one: on the disk before anything is said
 *   ExpectSync         told it where our history ends: DIFF, TRUNC or SNAP?
 *   Truncating         what nobody else kept is cut off, and the tree loaded anew
 *   ReceivingTree      the leader's tree comes in
 *   ExpectNewLeader    what we lack comes in; NEWLEADER says that it was all
 *   Persisting         transactions (or the tree) on the disk, then currentEpoch; only then is NEWLEADER acknowledged
 *   ExpectUpToDate     a quorum has done the same: UPTODATE
 *   Serving            proposals, commits, pings, answers to what our clients ask
 *
 * Transactions that come behind a DIFF or TRUNC are logged as they come, and applied when they are committed and durable, as
 * always. Those that come behind a tree are kept in memory and, once committed, go into the tree; it is written as a
 * snapshot when NEWLEADER says that it is whole, and replaces what the disk had before.
 *
 * Always: what is acknowledged is durable ({@link Durable}); proposals come without a gap, or the connection ends; a commit
 * is for the oldest proposal that waits for one. A proposal that comes twice is logged once, and acknowledged again once it is
 * durable.
 * Source: Learner.java (registerWithLeader, syncWithLeader), Follower.java, Observer.java.
 */

import { compareHalves, hexOfHalves, highOf, longOf, lowOf, type ZxidHalves } from "#base/zxid.ts";
import { readInt32 } from "#jute/reader.ts";
import { type PacketView, PacketType, packetName, writePacket } from "#protocol/quorum-packet.ts";
import { txnHeaderBytes, zxidInTxnHeader } from "#protocol/txn-header.ts";
import type { Durable } from "./durable.ts";
import { zabVersion } from "./learner-handler.ts";
import type { LearnerOutput, LearnerSyncMode } from "./learner-output.ts";
import { QuorumError, type QuorumLink } from "./quorum-link.ts";
import { configIn, isReconfig, leaderBytes, leaderIn } from "./reconfig-packets.ts";
import type { TxnWindow } from "./txn-window.ts";

export type LearnerState =
  | "ExpectLeaderInfo"
  | "StoringEpoch"
  | "ExpectSync"
  | "Truncating"
  | "ReceivingTree"
  | "ExpectNewLeader"
  | "Persisting"
  | "ExpectUpToDate"
  | "Serving"
  | "Over";

export class Learning {
  readonly link: QuorumLink;
  state: LearnerState = "ExpectLeaderInfo";
  mode: LearnerSyncMode = "diff";
  readonly isObserver: boolean;
  /** The leader's epoch, once this server stands for it; null before. */
  established: Durable<bigint> | null = null;
  /** When all was said that the leader has to know to bring us up to date. */
  syncBegunMs = 0;
  readonly #window: TxnWindow;
  readonly #output: LearnerOutput;
  readonly #limits: { readonly initTimeoutMs: number; readonly syncTimeoutMs: number };
  readonly #acceptedEpoch: bigint;
  readonly #currentEpoch: bigint;
  readonly #lastZxid: bigint;
  #epoch = 0n;
  /** The same, to compare with the upper half of every zxid. */
  #epochNumber = 0;
  /** The configuration that the leader has seen last, and completes if it was not committed. */
  #newLeaderConfig: string | null = null;
  #isTreeBroken = false;
  #heardMs: number;
  /** The newest transaction that came; before the first, where our history ends. */
  #receivedHigh = 0;
  #receivedLow = 0;
  /** The newest that is known to be committed. */
  #committedHigh = 0;
  #committedLow = 0;
  /** The newest that is durable. */
  #loggedHigh = 0;
  #loggedLow = 0;
  /** The newest that was acknowledged, or need not be. */
  #ackedHigh = 0;
  #ackedLow = 0;

  /** @param parts.lastZxid where this server's history ends; -1 when it has none that counts. */
  constructor(parts: {
    sid: bigint;
    isObserver: boolean;
    configVersion: bigint;
    acceptedEpoch: bigint;
    currentEpoch: bigint;
    lastZxid: bigint;
    window: TxnWindow;
    limits: { readonly initTimeoutMs: number; readonly syncTimeoutMs: number };
    link: QuorumLink;
    output: LearnerOutput;
    nowMs: number;
  }) {
    this.isObserver = parts.isObserver;
    this.#window = parts.window;
    this.#output = parts.output;
    this.#limits = parts.limits;
    this.#acceptedEpoch = parts.acceptedEpoch;
    this.#currentEpoch = parts.currentEpoch;
    this.#lastZxid = parts.lastZxid;
    this.#heardMs = parts.nowMs;
    this.link = parts.link;
    this.#introduce(parts.sid, parts.configVersion);
  }

  /** Whether a tree was begun and is not safe on the disk: memory says nothing then, and the disk what it said before. */
  /** The leader's epoch is older than one that this server has accepted: it will be so at the next try. */
  isTurnedAway = false;

  get isTreeBroken(): boolean {
    return this.#isTreeBroken;
  }

  /** The last zxid that is known to be committed. */
  get committedZxid(): bigint {
    return longOf(this.#committedHigh, this.#committedLow);
  }

  /** Whether the leader has been silent for too long. */
  isTimedOut(nowMs: number): boolean {
    const { initTimeoutMs, syncTimeoutMs } = this.#limits;
    const isSynced = this.state === "ExpectUpToDate" || this.state === "Serving";
    const isOurTurn = this.state === "StoringEpoch" || this.state === "Truncating" || this.state === "Persisting";
    return !isOurTurn && nowMs - this.#heardMs > (isSynced ? syncTimeoutMs : initTimeoutMs);
  }

  /** Takes a packet. What breaks the protocol ends the role. */
  take(packet: PacketView, nowMs: number): void {
    this.#heardMs = nowMs;
    try {
      this.#receive(packet, nowMs);
    } catch (error) {
      if (!(error instanceof QuorumError)) throw error;
      this.stop(error.message);
    }
  }

  /** Takes bytes of a tree. @returns how many were its. */
  takeTree(bytes: Buffer, start: number, end: number, nowMs: number): number {
    this.#heardMs = nowMs;
    const { taken, isComplete } = this.#output.takeTree(bytes, start, end);
    if (isComplete) this.state = "ExpectNewLeader";
    return taken;
  }

  /** Everything up to that zxid is in the log, for good. It is acknowledged, or will be once this server is in step. */
  logged(zxid: Durable<ZxidHalves>): void {
    this.#loggedHigh = zxid.zxidHigh;
    this.#loggedLow = zxid.zxidLow;
    if (this.state === "Serving" || this.state === "ExpectUpToDate") this.#ackLogged();
  }

  stop(reason: string): void {
    if (this.state === "Over") return;
    this.state = "Over";
    this.link.close();
    this.#output.over(reason);
  }

  #introduce(sid: bigint, configVersion: bigint): void {
    const out = this.link.open();
    out.writeInt(this.isObserver ? PacketType.observerInfo : PacketType.followerInfo);
    out.writeBigInt(this.#acceptedEpoch << 32n);
    out.writeInt(20);
    out.writeBigInt(sid);
    out.writeInt(zabVersion);
    out.writeBigInt(configVersion);
    out.writeInt(-1);
  }

  #receive(packet: PacketView, nowMs: number): void {
    switch (this.state) {
      case "ExpectLeaderInfo":
        this.#takeLeaderInfo(packet);
        return;
      case "ExpectSync":
        this.#takeSync(packet);
        return;
      case "ExpectNewLeader":
        if (packet.type === PacketType.newLeader) this.#takeNewLeader(packet);
        else this.#takeTxn(packet);
        return;
      case "ExpectUpToDate":
        if (packet.type === PacketType.upToDate) this.#serve();
        else this.#takeTxn(packet);
        return;
      case "Serving":
        this.#takeServed(packet, nowMs);
        return;
      case "StoringEpoch":
      case "Truncating":
      case "ReceivingTree":
      case "Persisting":
      case "Over":
        throw new QuorumError(`${packetName(packet.type)} from the leader in state ${this.state}`);
    }
  }

  #takeLeaderInfo(packet: PacketView): void {
    if (packet.type !== PacketType.leaderInfo || packet.dataBytes < 4) {
      throw new QuorumError(`First packet should have been LEADERINFO, not ${packetName(packet.type)}`);
    }
    const epoch = BigInt(packet.zxidHigh);
    this.#epoch = epoch;
    this.#epochNumber = packet.zxidHigh;
    if (epoch < this.#acceptedEpoch) {
      this.isTurnedAway = true;
      throw new QuorumError(`Leaders epoch, ${epoch} is less than accepted epoch, ${this.#acceptedEpoch}`);
    }
    if (epoch === this.#acceptedEpoch) {
      // It is on our disk already, and was acknowledged: this answer must not count a second time.
      this.#ackEpoch(-1n);
      return;
    }
    this.state = "StoringEpoch";
    this.link.pause();
    this.#output.storeAcceptedEpoch(epoch, (stored, nowMs) => {
      if (this.state !== "StoringEpoch") return;
      this.#heardMs = nowMs;
      this.#ackNewEpoch(stored);
      this.link.resume();
    });
  }

  #ackNewEpoch(_stored: Durable<bigint>): void {
    this.#ackEpoch(this.#currentEpoch);
  }

  #ackEpoch(currentEpoch: bigint): void {
    const out = this.link.open();
    out.writeInt(PacketType.ackEpoch);
    out.writeBigInt(this.#lastZxid);
    out.writeInt(4);
    out.writeInt(Number(currentEpoch));
    out.writeInt(-1);
    this.syncBegunMs = this.#heardMs;
    this.state = "ExpectSync";
  }

  #takeSync({ type, zxidHigh, zxidLow }: PacketView): void {
    const zxid = longOf(zxidHigh, zxidLow);
    const historyEnd = type === PacketType.diff ? this.#lastZxid : zxid;
    this.#receivedHigh = highOf(historyEnd);
    this.#receivedLow = lowOf(historyEnd);
    this.#committedHigh = highOf(historyEnd);
    this.#committedLow = lowOf(historyEnd);
    switch (type) {
      case PacketType.diff:
        this.state = "ExpectNewLeader";
        return;
      case PacketType.snap:
        this.#checkEpoch(zxidHigh);
        this.mode = "snap";
        this.#isTreeBroken = true;
        this.state = "ReceivingTree";
        this.#output.beginTree(zxid);
        return;
      case PacketType.trunc:
        this.#checkEpoch(zxidHigh);
        this.mode = "trunc";
        this.#isTreeBroken = true;
        this.state = "Truncating";
        this.link.pause();
        this.#output.truncate(zxid, (isDone, nowMs) => {
          if (this.state !== "Truncating") return;
          if (!isDone) {
            this.stop(`no snapshot to truncate to 0x${zxid.toString(16)} from`);
            return;
          }
          this.#heardMs = nowMs;
          this.#isTreeBroken = false;
          this.state = "ExpectNewLeader";
          this.link.resume();
        });
        return;
      default:
        throw new QuorumError(`Got unexpected packet from leader: ${packetName(type)}`);
    }
  }

  /** What may come before UPTODATE, and goes on behind it. */
  #takeTxn(packet: PacketView): void {
    const { type, zxidHigh, zxidLow } = packet;
    switch (type) {
      case PacketType.proposal:
        this.#log(packet, packet.dataStart);
        return;
      case PacketType.commit:
        this.#commit(zxidHigh, zxidLow);
        return;
      case PacketType.inform:
        if (this.#log(packet, packet.dataStart)) this.#commit(zxidHigh, zxidLow);
        return;
      case PacketType.commitAndActivate:
        this.#takeCommitAndActivate(packet);
        return;
      case PacketType.informAndActivate:
        this.#takeInformAndActivate(packet);
        return;
      default:
      // A ping before UPTODATE gets no answer.
    }
  }

  #takeServed(packet: PacketView, nowMs: number): void {
    const { type } = packet;
    if (type === PacketType.ping) this.#answerPing(packet);
    else if (type === PacketType.sync || type === PacketType.revalidate) this.#output.received(packet, nowMs);
    else if (!this.isObserver || type === PacketType.inform || type === PacketType.informAndActivate) {
      this.#takeTxn(packet);
    }
  }

  /** The leader named behind the zxid is the one from now on; the configuration is that of the oldest proposal that waits. */
  #takeCommitAndActivate(packet: PacketView): void {
    const { zxidHigh, zxidLow } = packet;
    const leader = leaderIn(packet);
    const window = this.#window;
    const isPending = window.committedCount < window.length;
    const txn = isPending ? window.at(window.committedCount) : null;
    if (txn === null || compareHalves(txn.zxidHigh, txn.zxidLow, zxidHigh, zxidLow) !== 0) {
      // As with a commit: one that came before, or one too many.
      this.#commit(zxidHigh, zxidLow);
      return;
    }
    const text = configIn(txn.bytes, txn.start, txn.end);
    this.#commit(zxidHigh, zxidLow, leader);
    this.#activate(text, leader, longOf(zxidHigh, zxidLow));
  }

  #takeInformAndActivate(packet: PacketView): void {
    const { bytes, zxidHigh, zxidLow } = packet;
    const leader = leaderIn(packet);
    const txnStart = packet.dataStart + leaderBytes;
    if (!this.#log(packet, txnStart)) return;
    this.#commit(zxidHigh, zxidLow);
    this.#activate(configIn(bytes, txnStart, packet.dataEnd), leader, longOf(zxidHigh, zxidLow));
  }

  #activate(text: string, leader: bigint | null, zxid: bigint): void {
    if (this.#output.activate(text, leader, zxid)) this.stop("changes proposed in reconfig");
  }

  /** @param start where the transaction begins in the packet. @returns false when it came before. */
  #log({ bytes, dataEnd }: PacketView, start: number): boolean {
    if (start < 0 || dataEnd - start < txnHeaderBytes) {
      throw new QuorumError(`a transaction of ${Math.max(dataEnd - start, 0)} bytes`);
    }
    const zxidHigh = readInt32(bytes, start + zxidInTxnHeader);
    const zxidLow = readInt32(bytes, start + zxidInTxnHeader + 4);
    if (compareHalves(zxidHigh, zxidLow, this.#receivedHigh, this.#receivedLow) <= 0) {
      this.#ackAgain(zxidHigh, zxidLow);
      return false;
    }
    this.#checkEpoch(zxidHigh);
    const isNext = zxidHigh === this.#receivedHigh && zxidLow === ((this.#receivedLow + 1) | 0);
    if (!isNext && zxidHigh === this.#receivedHigh) {
      const got = hexOfHalves(zxidHigh, zxidLow);
      throw new QuorumError(
        `got proposal 0x${got}, last queued 0x${hexOfHalves(this.#receivedHigh, this.#receivedLow)}`,
      );
    }
    this.#receivedHigh = zxidHigh;
    this.#receivedLow = zxidLow;
    if (!this.isObserver && isReconfig(bytes, start)) this.#output.sawProposedConfig(configIn(bytes, start, dataEnd));
    this.#output.log(bytes, start, dataEnd);
    return true;
  }

  /** A proposal has come once more. If it is not on the disk yet, its acknowledgement is still to come. */
  #ackAgain(zxidHigh: number, zxidLow: number): void {
    if (this.state !== "Serving" || this.isObserver) return;
    const isLogged = compareHalves(zxidHigh, zxidLow, this.#loggedHigh, this.#loggedLow) <= 0;
    const needsNone = compareHalves(zxidHigh, zxidLow, this.#ackedHigh, this.#ackedLow) <= 0;
    if (isLogged || needsNone) writePacket(this.link.open(), PacketType.ack, zxidHigh, zxidLow);
  }

  /**
   * Nothing that a leader sends is of a later epoch than its own: with such a history this server would have joined an epoch
   * that it has never accepted, and not start again.
   */
  #checkEpoch(zxidHigh: number): void {
    if (zxidHigh < 0 || zxidHigh > this.#epochNumber) {
      throw new QuorumError(`a transaction of epoch ${zxidHigh} from a leader of epoch ${this.#epoch}`);
    }
  }

  /** @param leader whom that reconfiguration makes the leader; null for other transactions. */
  #commit(zxidHigh: number, zxidLow: number, leader: bigint | null = null): void {
    const window = this.#window;
    if (window.committedCount === window.length) {
      // A leader of 3.9 that proposes a zxid twice commits it twice.
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

  #takeNewLeader({ bytes, dataStart, dataEnd, dataBytes }: PacketView): void {
    this.state = "Persisting";
    this.link.pause();
    // ZooKeepers of before 3.5 send none.
    this.#newLeaderConfig = dataBytes > 1 ? bytes.toString("utf8", dataStart, dataEnd) : null;
    if (this.#newLeaderConfig === null) this.#persist();
    else {
      this.#output.sawLeadersConfig(this.#newLeaderConfig, () => {
        if (this.state === "Persisting") this.#persist();
      });
    }
  }

  #persist(): void {
    this.#output.persist(this.mode, (history) => {
      this.#isTreeBroken = false;
      if (this.state !== "Persisting") return;
      this.#output.storeCurrentEpoch(this.#epoch, history, (established, nowMs) => {
        if (this.state !== "Persisting") return;
        this.#heardMs = nowMs;
        this.#ackNewLeader(established);
        this.link.resume();
      });
    });
  }

  #ackNewLeader(established: Durable<bigint>): void {
    const { committedCount } = this.#window;
    // What is committed need not be acknowledged one by one.
    if (committedCount > 0) {
      const last = this.#window.at(committedCount - 1);
      this.#ackedHigh = last.zxidHigh;
      this.#ackedLow = last.zxidLow;
    }
    this.established = established;
    const zxid = established << 32n;
    writePacket(this.link.open(), PacketType.ack, highOf(zxid), lowOf(zxid));
    this.state = "ExpectUpToDate";
  }

  #ackLogged(): void {
    if (this.isObserver) return;
    const window = this.#window;
    const end = window.indexBehind(this.#loggedHigh, this.#loggedLow);
    const out = this.link.open();
    for (let index = window.indexBehind(this.#ackedHigh, this.#ackedLow); index < end; index++) {
      const txn = window.at(index);
      writePacket(out, PacketType.ack, txn.zxidHigh, txn.zxidLow);
      this.#ackedHigh = txn.zxidHigh;
      this.#ackedLow = txn.zxidLow;
    }
  }

  #serve(): void {
    if (this.#newLeaderConfig !== null && this.#output.activate(this.#newLeaderConfig, null, this.#epoch << 32n)) {
      this.stop("changes proposed in reconfig");
      return;
    }
    const zxid = this.#epoch << 32n;
    writePacket(this.link.open(), PacketType.ack, highOf(zxid), lowOf(zxid));
    this.state = "Serving";
    this.#ackLogged();
    this.#output.serve(this.#epoch);
  }

  #answerPing({ zxidHigh, zxidLow }: PacketView): void {
    const sessions = this.#output.touchedSessions();
    const out = this.link.open();
    out.writeInt(PacketType.ping);
    out.writeLong(zxidHigh, zxidLow);
    out.writeBuffer(sessions);
    out.writeInt(-1);
  }
}
