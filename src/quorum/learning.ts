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
 * is for the oldest proposal that waits for one ({@link LearnerTxns}).
 * Source: Learner.java (registerWithLeader, syncWithLeader), Follower.java, Observer.java.
 */

import { compareHalves, highOf, longOf, lowOf, type ZxidHalves } from "#base/zxid.ts";
import { type PacketView, PacketType, packetName, writePacket } from "#protocol/quorum-packet.ts";
import type { Durable } from "./durable.ts";
import { zabVersion } from "./learner-handler.ts";
import type { LearnerOutput, LearnerSyncMode } from "./learner-output.ts";
import { LearnerTxns } from "./learner-txns.ts";
import { QuorumError, type QuorumLink } from "./quorum-link.ts";
import { configIn, leaderBytes, leaderIn } from "./reconfig-packets.ts";
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
  /** The leader's epoch is older than one that this server has accepted: it will be so at the next try. */
  isTurnedAway = false;
  /** When all was said that the leader has to know to bring us up to date. */
  syncBegunMs = 0;
  readonly #window: TxnWindow;
  readonly #txns: LearnerTxns;
  readonly #output: LearnerOutput;
  readonly #limits: { readonly initTimeoutMs: number; readonly syncTimeoutMs: number };
  readonly #acceptedEpoch: bigint;
  readonly #currentEpoch: bigint;
  readonly #lastZxid: bigint;
  #epoch = 0n;
  /** The configuration that the leader has seen last, and completes if it was not committed. */
  #newLeaderConfig: string | null = null;
  #isTreeBroken = false;
  #heardMs: number;

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
    this.#txns = new LearnerTxns(parts);
    this.#introduce(parts.sid, parts.configVersion);
  }

  /** Whether a tree was begun and is not safe on the disk: memory says nothing then, and the disk what it said before. */
  get isTreeBroken(): boolean {
    return this.#isTreeBroken;
  }

  /** The last zxid that is known to be committed. */
  get committedZxid(): bigint {
    return this.#txns.committedZxid;
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
    this.#txns.logged(zxid);
    if (this.state === "Serving" || this.state === "ExpectUpToDate") this.#txns.acknowledge();
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
    this.#txns.begin(historyEnd, Number(this.#epoch));
    switch (type) {
      case PacketType.diff:
        this.state = "ExpectNewLeader";
        return;
      case PacketType.snap:
        this.#txns.checkEpoch(zxidHigh);
        this.mode = "snap";
        this.#isTreeBroken = true;
        this.state = "ReceivingTree";
        this.#output.beginTree(zxid);
        return;
      case PacketType.trunc:
        this.#txns.checkEpoch(zxidHigh);
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
        this.#txns.receive(packet, packet.dataStart);
        return;
      case PacketType.commit:
        this.#txns.commit(zxidHigh, zxidLow);
        return;
      case PacketType.inform:
        if (this.#txns.receive(packet, packet.dataStart)) this.#txns.commit(zxidHigh, zxidLow);
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
      this.#txns.commit(zxidHigh, zxidLow);
      return;
    }
    const text = configIn(txn.bytes, txn.start, txn.end);
    this.#txns.commit(zxidHigh, zxidLow, leader);
    this.#activate(text, leader, longOf(zxidHigh, zxidLow));
  }

  #takeInformAndActivate(packet: PacketView): void {
    const { bytes, zxidHigh, zxidLow } = packet;
    const leader = leaderIn(packet);
    const txnStart = packet.dataStart + leaderBytes;
    if (!this.#txns.receive(packet, txnStart)) return;
    this.#txns.commit(zxidHigh, zxidLow);
    this.#activate(configIn(bytes, txnStart, packet.dataEnd), leader, longOf(zxidHigh, zxidLow));
  }

  #activate(text: string, leader: bigint | null, zxid: bigint): void {
    if (this.#output.activate(text, leader, zxid)) this.stop("changes proposed in reconfig");
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
    this.#txns.skipCommitted();
    this.established = established;
    const zxid = established << 32n;
    writePacket(this.link.open(), PacketType.ack, highOf(zxid), lowOf(zxid));
    this.state = "ExpectUpToDate";
  }

  #serve(): void {
    if (this.#newLeaderConfig !== null && this.#output.activate(this.#newLeaderConfig, null, this.#epoch << 32n)) {
      this.stop("changes proposed in reconfig");
      return;
    }
    const zxid = this.#epoch << 32n;
    writePacket(this.link.open(), PacketType.ack, highOf(zxid), lowOf(zxid));
    this.state = "Serving";
    this.#txns.isInStep = true;
    this.#txns.acknowledge();
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
