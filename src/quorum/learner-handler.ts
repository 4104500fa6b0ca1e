/**
 * One learner, as its leader sees it: from the first packet of a connection to the last.
 *
 *   ExpectLearnerInfo    who are you, which epoch have you accepted?
 *   AwaitEpoch           ... until a quorum has said so
 *   ExpectAckEpoch       LEADERINFO is sent: where does your history end?
 *   AwaitEstablished     ... until a quorum has accepted the epoch
 *   Syncing              a file or a tree is being sent; live traffic waits behind it
 *   ExpectNewLeaderAck   DIFF, TRUNC or SNAP and all that was missing is sent, and NEWLEADER: is it on your disk?
 *   AwaitService         ... until that holds for a quorum, and the leader serves
 *   Serving              UPTODATE is sent: acknowledgements, requests, pings
 *
 * From "Syncing" on the learner is a subscriber of the broadcast: what is proposed after the plan was made reaches it, before
 * NEWLEADER or behind it. A tree that is sent while it changes is no moment's tree, and the digests of the transactions
 * behind it would not match; so proposals go without digests until the tree has left.
 *
 * An acknowledgement that overtakes the one of NEWLEADER (followers of 3.5.10 to 3.8.4 can send such) counts as what it
 * is, and the other one is waited for.
 * Source: LearnerHandler.java.
 */

import { epochMax, highOf, longOf, lowOf } from "#base/zxid.ts";
import { JuteWriter } from "#jute/writer.ts";
import { type PacketView, PacketType, packetName, writePacket } from "#protocol/quorum-packet.ts";
import type { Durable } from "./durable.ts";
import type { StateSummary } from "./epoch-agreement.ts";
import type { LearnerSyncPlan } from "./learner-sync-plan.ts";
import { QuorumError, type QuorumLink } from "./quorum-link.ts";
import { Subscriber } from "./subscriber.ts";

/** What is sent: transactions (DIFF, TRUNC), or the tree. */
export type SyncKind = "txns" | "tree";

/** What a learner is sent, under ZooKeeper's names. `zxid` is what the packet says; of a tree, where the tree stands. */
export interface SyncWay {
  readonly mode: "DIFF" | "TRUNC" | "SNAP";
  readonly zxid: bigint;
  /** Where the learner's history ends. */
  readonly learnerZxid: bigint;
}

export type LearnerHandlerState =
  | "ExpectLearnerInfo"
  | "AwaitEpoch"
  | "ExpectAckEpoch"
  | "AwaitEstablished"
  | "Syncing"
  | "ExpectNewLeaderAck"
  | "AwaitService"
  | "Serving"
  | "Gone";

/** What a handler needs of the leader, or of a follower that serves observers. */
export interface HandlerServices {
  /** Version of the committed configuration. */
  readonly configVersion: bigint;
  /** What NEWLEADER carries: the configuration that was last seen, and its version. */
  readonly configText: string;
  readonly seenConfigVersion: bigint;
  /** How long a learner may be silent, before and after it is synchronised. */
  readonly initTimeoutMs: number;
  readonly syncTimeoutMs: number;
  /** A learner has said which epoch it accepted; {@link LearnerHandler.epochSettled} follows, now or later. */
  proposeEpoch(handler: LearnerHandler, acceptedEpoch: bigint): void;
  /** It has accepted ours. @returns false when its history is newer than the leader's. */
  ackEpoch(handler: LearnerHandler, summary: StateSummary): boolean;
  planSync(learnerZxid: bigint): LearnerSyncPlan;
  /** @returns whether there is room for one more that is sent transactions, or the tree; of voters there are never too many. */
  mayBeginSync(handler: LearnerHandler, kind: SyncKind): boolean;
  /** It is being brought up to date in this way. */
  syncing(handler: LearnerHandler, way: SyncWay): void;
  subscribe(subscriber: Subscriber): void;
  unsubscribe(subscriber: Subscriber): void;
  /**
   * Sends the tree as it is, and changes while it is sent, to the link; then calls `done`.
   * @returns the last zxid that is in the tree now.
   */
  sendTree(handler: LearnerHandler, done: (nowMs: number) => void): bigint;
  /**
   * Sends what the log's files have behind a zxid, as proposals and commits, up to where the window begins.
   * `found` is told first whether they have it all; `done`, where they ended.
   */
  sendLog(
    handler: LearnerHandler,
    learnerZxid: bigint,
    events: { found(isComplete: boolean): void; done(lastZxid: bigint, nowMs: number): void },
  ): void;
  newLeaderAcked(handler: LearnerHandler): void;
  /** A packet of a learner that is being served, other than an acknowledgement. */
  receive(handler: LearnerHandler, packet: PacketView, nowMs: number): void;
  acked(handler: LearnerHandler, zxidHigh: number, zxidLow: number): void;
  /** The handler is done with; whatever else knows it forgets it. */
  gone(handler: LearnerHandler, reason: string): void;
}

/** protocolVersion of ZAB 1.0, which every server since 3.4 speaks. */
export const zabVersion = 0x10000;
/** Ends a tree on the wire. */
export const treeSignature = "BenWasHere";

export class LearnerHandler {
  readonly link: QuorumLink;
  readonly subscriber: Subscriber;
  sid = -1n;
  isObserver = false;
  state: LearnerHandlerState = "ExpectLearnerInfo";
  /** When it was last heard of; the leader ends it when that is too long ago. */
  heardMs: number;
  /** Up to this tick of the leader's it counts as synchronised. */
  tickDeadline = 0;
  /** What it is being brought up to date with, until it has acknowledged NEWLEADER. */
  syncKind: SyncKind | null = null;
  readonly #leader: HandlerServices;
  #epoch = 0n;
  /** Version of the configuration that NEWLEADER carried. */
  #toldVersion = 0n;
  /** Where its history ends. */
  #learnerZxid = 0n;
  /** What is meant to follow a tree or a file that is still being sent. */
  #held: JuteWriter | null = null;

  constructor(link: QuorumLink, leader: HandlerServices, nowMs: number) {
    this.link = link;
    this.#leader = leader;
    this.heardMs = nowMs;
    this.subscriber = new Subscriber(() => this.#held ?? link.open());
  }

  /** How long it may be silent now; while it waits for us, for as long as it takes. */
  get timeoutMs(): number {
    if (this.state === "Serving") return this.#leader.syncTimeoutMs;
    return this.state.startsWith("Expect") ? this.#leader.initTimeoutMs : Number.POSITIVE_INFINITY;
  }

  /** Takes a packet. @throws QuorumError when the learner breaks the protocol: the connection is to be closed. */
  receive(packet: PacketView, nowMs: number): void {
    this.heardMs = nowMs;
    switch (this.state) {
      case "ExpectLearnerInfo":
        this.#takeLearnerInfo(packet);
        return;
      case "ExpectAckEpoch":
        this.#takeAckEpoch(packet);
        return;
      case "ExpectNewLeaderAck":
        this.#takeNewLeaderAck(packet);
        return;
      case "AwaitService":
      case "Serving":
        this.#takeServed(packet, nowMs);
        return;
      case "AwaitEpoch":
      case "AwaitEstablished":
      case "Syncing":
      case "Gone":
        throw new QuorumError(`${packetName(packet.type)} from a learner in state ${this.state}`);
    }
  }

  /** The epoch is settled and on the leader's disk. */
  epochSettled(epoch: Durable<bigint>, nowMs: number): void {
    if (this.state !== "AwaitEpoch") return;
    this.heardMs = nowMs;
    this.#epoch = epoch;
    this.state = "ExpectAckEpoch";
    const out = this.link.open();
    out.writeInt(PacketType.leaderInfo);
    out.writeBigInt(epoch << 32n);
    out.writeInt(4);
    out.writeInt(zabVersion);
    out.writeInt(-1);
    this.link.resume();
  }

  /** A quorum has accepted the epoch: the learner, whose history ends there, is brought up to date. */
  epochEstablished(nowMs: number): void {
    if (this.state === "AwaitEstablished") this.#sync(this.#leader.planSync(this.#learnerZxid), nowMs);
  }

  /**
   * The leader serves, has just begun to, or has just committed a reconfiguration. UPTODATE is the word for the learner to make
   * the configuration of NEWLEADER the one that counts: if that is proposed and not committed, it waits, and what it
   * acknowledges meanwhile is heard. ZooKeeper sends it all the same, and such a learner counts a quorum of its own.
   */
  leaderServes(nowMs: number): void {
    if (this.state !== "AwaitService") return;
    this.heardMs = nowMs;
    if (this.#toldVersion > this.#leader.configVersion) {
      this.link.resume();
      return;
    }
    this.subscriber.unackedSinceMs = Number.POSITIVE_INFINITY;
    this.state = "Serving";
    writePacket(this.link.open(), PacketType.upToDate, -1, -1);
    this.link.resume();
  }

  /** Ends it. */
  close(reason: string): void {
    if (this.state === "Gone") return;
    this.state = "Gone";
    this.#held = null;
    this.link.close();
    this.#leader.unsubscribe(this.subscriber);
    this.#leader.gone(this, reason);
  }

  #takeLearnerInfo(packet: PacketView): void {
    const { type, bytes, dataStart, dataBytes } = packet;
    if (type !== PacketType.followerInfo && type !== PacketType.observerInfo) {
      throw new QuorumError(`First packet ${packetName(type)} is not FOLLOWERINFO or OBSERVERINFO!`);
    }
    if (dataBytes < 12) throw new QuorumError(`${packetName(type)} with ${dataBytes} bytes: a server of before 3.4`);
    this.sid = bytes.readBigInt64BE(dataStart);
    const version = bytes.readInt32BE(dataStart + 8);
    if (version < zabVersion) throw new QuorumError(`protocol version ${version}: a server of before 3.4`);
    const configVersion = dataBytes < 20 ? 0n : bytes.readBigInt64BE(dataStart + 12);
    if (configVersion > this.#leader.configVersion) {
      throw new QuorumError("Follower is ahead of the leader (has a later activated configuration)");
    }
    // The next one would be no upper half of a zxid, and whoever had accepted it would never hear a leader again.
    if (packet.zxidHigh === epochMax)
      throw new QuorumError(`no epoch follows ${packet.zxidHigh}, which it has accepted`);
    this.isObserver = type === PacketType.observerInfo;
    this.subscriber.isParticipant = !this.isObserver;
    this.state = "AwaitEpoch";
    this.link.pause();
    // The high half of the zxid is the epoch that it accepted last.
    this.#leader.proposeEpoch(this, BigInt(packet.zxidHigh));
  }

  #takeAckEpoch(packet: PacketView): void {
    if (packet.type !== PacketType.ackEpoch || packet.dataBytes < 4) {
      throw new QuorumError(`${packetName(packet.type)} is not ACKEPOCH`);
    }
    const currentEpoch = BigInt(packet.bytes.readInt32BE(packet.dataStart));
    this.#learnerZxid = longOf(packet.zxidHigh, packet.zxidLow);
    this.state = "AwaitEstablished";
    this.link.pause();
    if (!this.#leader.ackEpoch(this, { currentEpoch, lastZxid: this.#learnerZxid })) {
      throw new QuorumError("Follower is ahead of the leader");
    }
  }

  #sync(plan: LearnerSyncPlan, nowMs: number): void {
    this.state = "Syncing";
    switch (plan.kind) {
      case "diff":
        if (this.#sendPlan(PacketType.diff, plan.zxid)) this.#follow(this.#learnerZxid, nowMs);
        return;
      case "trunc":
        if (this.#sendPlan(PacketType.trunc, plan.zxid)) this.#follow(plan.zxid, nowMs);
        return;
      case "log":
        this.#syncFromLog(plan.zxid);
        return;
      case "snap":
        this.#syncByTree();
    }
  }

  #syncFromLog(lastZxid: bigint): void {
    this.#leader.sendLog(this, this.#learnerZxid, {
      found: (isComplete) => {
        if (this.state !== "Syncing") return;
        if (isComplete) this.#sendPlan(PacketType.diff, lastZxid);
        else this.#syncByTree();
      },
      done: (zxid, atMs) => {
        if (this.state === "Syncing") this.#follow(zxid, atMs);
      },
    });
  }

  /** @returns false when there are too many already: the connection has been closed, and the learner tries again. */
  #beginSync(kind: SyncKind): boolean {
    if (!this.#leader.mayBeginSync(this, kind)) {
      this.close(`too many learners are sent ${kind === "tree" ? "the tree" : "transactions"} at once`);
      return false;
    }
    this.syncKind = kind;
    return true;
  }

  #syncByTree(): void {
    if (!this.#beginSync("tree")) return;
    const { subscriber } = this;
    this.#held = new JuteWriter();
    subscriber.isFuzzy = true;
    const zxid = this.#leader.sendTree(this, (nowMs) => {
      const held = this.#held;
      if (held === null) return;
      this.#held = null;
      subscriber.isFuzzy = false;
      const out = this.link.open();
      out.writeString(treeSignature);
      out.writeRaw(held.bytes, 0, held.length);
      this.#announceLeader(nowMs);
    });
    this.#leader.syncing(this, { mode: "SNAP", zxid, learnerZxid: this.#learnerZxid });
    subscriber.startBehind(highOf(zxid), lowOf(zxid));
    this.#leader.subscribe(subscriber);
  }

  /** Says that transactions come next. @returns what {@link #beginSync} does. */
  #sendPlan(type: typeof PacketType.diff | typeof PacketType.trunc, zxid: bigint): boolean {
    if (!this.#beginSync("txns")) return false;
    writePacket(this.link.open(), type, highOf(zxid), lowOf(zxid));
    const mode = type === PacketType.diff ? "DIFF" : "TRUNC";
    this.#leader.syncing(this, { mode, zxid, learnerZxid: this.#learnerZxid });
    return true;
  }

  /** Sends what is behind that zxid, and everything from now on. */
  #follow(zxid: bigint, nowMs: number): void {
    this.subscriber.startBehind(highOf(zxid), lowOf(zxid));
    this.#leader.subscribe(this.subscriber);
    this.#announceLeader(nowMs);
  }

  #announceLeader(nowMs: number): void {
    this.heardMs = nowMs;
    const text = Buffer.from(this.#leader.configText);
    this.#toldVersion = this.#leader.seenConfigVersion;
    const out = this.link.open();
    out.writeInt(PacketType.newLeader);
    out.writeBigInt(this.#epoch << 32n);
    out.writeBuffer(text);
    out.writeInt(-1);
    this.state = "ExpectNewLeaderAck";
    this.link.resume();
  }

  #takeNewLeaderAck(packet: PacketView): void {
    if (packet.type !== PacketType.ack) {
      throw new QuorumError(`Next packet was supposed to be an ACK, but received packet: ${packetName(packet.type)}`);
    }
    if (BigInt(packet.zxidHigh) !== this.#epoch || packet.zxidLow !== 0) {
      this.#leader.acked(this, packet.zxidHigh, packet.zxidLow);
      return;
    }
    this.state = "AwaitService";
    this.syncKind = null;
    this.link.pause();
    this.#leader.newLeaderAcked(this);
  }

  #takeServed(packet: PacketView, nowMs: number): void {
    if (packet.type === PacketType.ack) this.#leader.acked(this, packet.zxidHigh, packet.zxidLow);
    else this.#leader.receive(this, packet, nowMs);
  }
}
