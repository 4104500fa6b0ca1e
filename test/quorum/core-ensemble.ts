/**
 * An ensemble of nothing but the core: elections and roles as they are, over links that deliver bytes late, in pieces or
 * never, and disks that finish their work in order, late, and lose what was not finished. No tree: the state of a server is
 * the list of transactions that it has applied. A run is a seed; a thousand runs take seconds.
 *
 * The whole server runs in test/sim; what goes wrong in the protocol shows here first, and in fewer steps.
 */

import { highOf, longOf, lowOf } from "#base/zxid.ts";
import { JuteWriter } from "#jute/writer.ts";
import { PacketView } from "#protocol/quorum-packet.ts";
import { asDurable, type Durable } from "#quorum/durable.ts";
import type { LearnerHandler } from "#quorum/learner-handler.ts";
import type { Leading } from "#quorum/leading.ts";
import type { LearnerSyncMode } from "#quorum/learner-output.ts";
import type { Learning } from "#quorum/learning.ts";
import { decodeNotification, encodeNotification } from "#quorum/notification.ts";
import type { QuorumLink } from "#quorum/quorum-link.ts";
import type { PeerReplica, PeerService, PeerWire } from "#quorum/peer-parts.ts";
import { QuorumPeer } from "#quorum/quorum-peer.ts";
import { type QuorumVerifier, QuorumViews } from "#quorum/quorum-verifier.ts";
import { TxnWindow } from "#quorum/txn-window.ts";
import type { Vote } from "#quorum/vote.ts";
import { OpCode } from "#protocol/op-code.ts";
import { Dice, Schedule } from "../sim/schedule.ts";
import { configsOf, memberLines, verifierOf } from "./support.ts";

const tickTimeMs = 100;
const limits = {
  tickTimeMs,
  initLimit: 10,
  syncLimit: 5,
  isSnapshotSyncForced: false,
  isLogSyncEnabled: true,
  treeSyncsMax: 10,
  txnSyncsMax: 100,
  firstCounter: 0,
  connectToLearnerMasterLimit: 0,
  connectRetryMs: 100,
  observerReconnectDelayMs: 0,
  observerElectionDelayMs: 20,
  epochWaitMsMax: -1,
};
const electionOptions = { notificationIntervalMsMin: 200, notificationIntervalMsMax: 2_000 };

/** A transaction: a header with its zxid, and eight bytes that no other has. */
export interface CoreTxn {
  readonly zxid: bigint;
  readonly bytes: Buffer;
}

function txnOf(bytes: Buffer): CoreTxn {
  return { zxid: bytes.readBigInt64BE(12), bytes };
}

/** What survives: the files of a server. */
interface Files {
  acceptedEpoch: bigint;
  currentEpoch: bigint;
  /** The newest snapshot: what was applied when it was taken. */
  snapshot: readonly CoreTxn[];
  log: CoreTxn[];
  committed: QuorumVerifier;
  lastSeen: QuorumVerifier;
}

/** One end of a connection of the quorum port. */
class Link implements QuorumLink {
  readonly remote: string;
  isOpen = true;
  other: Link | null = null;
  /** Takes what arrived, as far as it can; returns how many bytes. */
  onBytes: (bytes: Buffer) => number = (bytes) => bytes.length;
  onClosed: () => void = () => undefined;
  readonly #town: CoreEnsemble;
  readonly #sids: readonly [bigint, bigint];
  #out = new JuteWriter();
  #inbox: Buffer = Buffer.alloc(0);
  #isDead = false;
  #isPaused = false;
  #isReading = false;
  #arrivesMs = 0;

  constructor(town: CoreEnsemble, from: bigint, to: bigint) {
    this.#town = town;
    this.#sids = [from, to];
    this.remote = `server ${to}`;
  }

  open(): JuteWriter {
    this.#town.touched.add(this);
    return this.#out;
  }

  flush(): void {
    if (!this.isOpen || this.#out.length === 0) return;
    const bytes = this.#out.toBytes();
    this.#out.length = 0;
    const { schedule, dice } = this.#town;
    const cut = dice.oneIn(3) ? dice.below(bytes.length + 1) : bytes.length;
    for (const piece of [bytes.subarray(0, cut), bytes.subarray(cut)]) {
      if (piece.length === 0) continue;
      // Never two at once, since what happens at once happens in any order.
      this.#arrivesMs = Math.max(this.#arrivesMs + 0.01, schedule.nowMs + this.#town.delayMs());
      const other = this.other!;
      schedule.after(this.#arrivesMs - schedule.nowMs, () => {
        // Once bytes were lost nothing behind them arrives: both ends find out by their patience.
        if (this.#town.isCut(...this.#sids)) this.#isDead = true;
        if (other.isOpen && !this.#isDead) other.arrive(piece);
      });
    }
  }

  flushPiece(): boolean {
    throw new Error("trees are small here");
  }

  arrive(piece: Buffer): void {
    this.#inbox = Buffer.concat([this.#inbox, piece]);
    this.#read();
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.#read();
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  #read(): void {
    if (this.#isReading) return;
    this.#isReading = true;
    while (this.isOpen && !this.#isPaused && this.#inbox.length > 0) {
      const taken = this.onBytes(this.#inbox);
      this.#inbox = this.#inbox.subarray(taken);
      if (taken === 0) break;
    }
    this.#isReading = false;
    this.#town.endTurn();
  }

  close(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    const other = this.other!;
    this.#town.schedule.after(this.#town.delayMs(), () => other.close());
    this.onClosed();
  }

  /** The connection is gone at both ends. */
  break(): void {
    this.close();
    this.other!.close();
  }
}

export class CoreServer implements PeerReplica, PeerService, PeerWire {
  readonly town: CoreEnsemble;
  readonly sid: bigint;
  readonly files: Files;
  views!: QuorumViews;
  peer!: QuorumPeer;
  window!: TxnWindow;
  isUp = false;
  isServing = false;
  readonly hasDelivered: boolean = true;
  /** Transactions that the state consists of, by zxid. */
  applied: Map<bigint, CoreTxn> = new Map();
  lastApplied = 0n;
  #life = 0;
  #isListening = false;
  readonly #links = new Set<Link>();
  /** Work for the disk, in order; each completes after the one before. */
  #disk: { change: (files: Files) => void; done: () => void }[] = [];
  /** Configurations that were seen and have to be on the disk before the next write begins. */
  #holds = 0;
  #isDiskBusy = false;
  #configDoneMs = 0;
  #loggedZxid = 0n;
  #wakesAtMs: number = Number.POSITIVE_INFINITY;
  #isTreeMode = false;
  #treeBytes: Buffer = Buffer.alloc(0);

  constructor(town: CoreEnsemble, sid: bigint) {
    this.town = town;
    this.sid = sid;
    const config = verifierOf(town.linesAtStart(sid));
    this.files = {
      acceptedEpoch: 0n,
      currentEpoch: 0n,
      snapshot: [],
      log: [],
      committed: config,
      lastSeen: config,
    };
  }

  start(): void {
    this.isUp = true;
    this.#life++;
    this.#disk = [];
    this.#isDiskBusy = false;
    this.#isTreeMode = false;
    this.#wakesAtMs = Number.POSITIVE_INFINITY;
    this.window = new TxnWindow({ committedCountMin: this.town.windowCount, committedBytesMax: 1 << 20 });
    this.#load();
    const { committed, lastSeen } = this.files;
    this.views = new QuorumViews(committed, lastSeen.version > committed.version ? lastSeen : committed);
    this.peer = new QuorumPeer({
      sid: this.sid,
      configs: configsOf(this.views, {
        storeSeen: (config, done) => this.#storeSeen(config, done),
        activated: (config) => this.#writeConfig((files) => (files.committed = config)),
      }),
      electionOptions,
      limits,
      observerMasters: null,
      random: this.town.dice,
      wire: this,
      replica: this,
      service: this,
    });
    const { acceptedEpoch, currentEpoch } = this.files;
    // Transactions of an epoch are only ever logged behind all that it began with.
    const epoch = this.lastApplied >> 32n;
    const current = epoch > currentEpoch ? epoch : currentEpoch;
    this.peer.start({ acceptedEpoch, currentEpoch: current, lastZxid: this.lastApplied }, this.town.schedule.nowMs);
    this.#wake();
    this.town.endTurn();
  }

  /** Dies: what the disk has not finished is lost, or some of it is not. */
  crash(): void {
    this.isUp = false;
    this.isServing = false;
    this.#isListening = false;
    const begun = this.#holds > 0 ? Number(this.#isDiskBusy) : this.#disk.length;
    const kept = this.town.dice.below(begun + 1);
    for (const { change } of this.#disk.slice(0, kept)) change(this.files);
    for (const link of this.#links) link.close();
    this.#links.clear();
    // What the end of its connections has set off dies with it.
    this.#life++;
    this.#disk = [];
    this.#holds = 0;
  }

  /** Proposes a transaction, if this server leads. */
  propose(payload: bigint): void {
    const { leading } = this.peer;
    if (!this.isServing || leading === null) return;
    const body = Buffer.alloc(8);
    body.writeBigInt64BE(payload);
    this.#propose(leading, body, 0);
  }

  /** Proposes other members, if this server leads and they may be. */
  reconfigure(lines: string): void {
    const { leading } = this.peer;
    if (!this.isServing || leading === null) return;
    const { zxidHigh, zxidLow } = leading.broadcast.proposed;
    const request = { joiningServers: null, leavingServers: null, newMembers: lines, curConfigId: -1n };
    const verdict = leading.judgeReconfig(request, longOf(zxidHigh, zxidLow) + 1n);
    if ("error" in verdict) return;
    leading.proposing(verdict);
    const body = new JuteWriter();
    body.writeString("/zookeeper/config");
    body.writeBuffer(Buffer.from(verdict.text));
    body.writeInt(-1);
    this.#propose(leading, body.toBytes(), OpCode.reconfig);
    this.town.reconfigs++;
  }

  #propose(leading: Leading, body: Buffer, type: number): void {
    const { zxidHigh, zxidLow } = leading.broadcast.proposed;
    const bytes = Buffer.concat([Buffer.alloc(32), body]);
    bytes.writeInt32BE(zxidHigh, 12);
    bytes.writeInt32BE(zxidLow + 1, 16);
    bytes.writeInt32BE(type, 28);
    leading.broadcast.propose(bytes, 0, bytes.length, this.town.schedule.nowMs);
    this.#append(bytes);
    this.town.endTurn();
  }

  breakLinks(): void {
    for (const link of this.#links) link.break();
  }

  // The ports.

  sendVote(sid: bigint, vote: Vote): void {
    this.town.post(this.sid, sid, encodeNotification(vote, this.views.committed.text));
    const { schedule } = this.town;
    const life = this.#life;
    schedule.after(this.town.delayMs(), () => {
      if (life !== this.#life || this.town.server(sid).isUp || this.town.isCut(this.sid, sid)) return;
      this.peer.voterRefused(sid, schedule.nowMs);
      this.#wake();
      this.town.endTurn();
    });
  }

  connectAll(): void {}

  listen(): void {
    this.#isListening = true;
  }

  unlisten(): void {
    this.#isListening = false;
  }

  connect(sid: bigint): void {
    const { schedule } = this.town;
    const life = this.#life;
    schedule.after(this.town.delayMs(), () => {
      if (life !== this.#life) return;
      const leader = this.town.server(sid);
      if (!leader.isUp || !leader.#isListening || this.town.isCut(this.sid, sid)) {
        this.peer.connectFailed(schedule.nowMs);
      } else {
        this.#join(leader);
      }
      this.#wake();
      this.town.endTurn();
    });
  }

  #join(leader: CoreServer): void {
    const mine = new Link(this.town, this.sid, leader.sid);
    const theirs = new Link(this.town, leader.sid, this.sid);
    mine.other = theirs;
    theirs.other = mine;
    this.#links.add(mine);
    leader.#links.add(theirs);
    const handler = leader.peer.learnerConnected(theirs, this.town.schedule.nowMs);
    const learning = this.peer.connected(mine, this.town.schedule.nowMs);
    if (handler === null || learning === null) {
      mine.break();
      return;
    }
    theirs.onBytes = (bytes) => leader.#takeFromLearner(handler, theirs, bytes);
    theirs.onClosed = () => {
      leader.#links.delete(theirs);
      handler.close("connection lost");
    };
    mine.onBytes = (bytes) => this.#takeFromLeader(learning, mine, bytes);
    mine.onClosed = () => {
      this.#links.delete(mine);
      learning.stop("connection lost");
      this.#wake();
    };
  }

  readonly #packet = new PacketView();

  #takeFromLearner(handler: LearnerHandler, link: Link, bytes: Buffer): number {
    let at = 0;
    while (link.isOpen && !link.isPaused && this.#packet.read(bytes, at, bytes.length, 1 << 20)) {
      at = this.#packet.end;
      this.peer.leading?.take(handler, this.#packet, this.town.schedule.nowMs);
    }
    this.peer.leading?.broadcast.settle();
    return at;
  }

  #takeFromLeader(learning: Learning, link: Link, bytes: Buffer): number {
    let at = 0;
    while (link.isOpen && !link.isPaused && at < bytes.length) {
      if (learning.state === "ReceivingTree") {
        at += learning.takeTree(bytes, at, bytes.length, this.town.schedule.nowMs);
        continue;
      }
      if (!this.#packet.read(bytes, at, bytes.length, 1 << 20)) break;
      at = this.#packet.end;
      learning.take(this.#packet, this.town.schedule.nowMs);
    }
    return at;
  }

  // The replica.

  storeAcceptedEpoch(epoch: bigint, done: (epoch: Durable<bigint>, nowMs: number) => void): void {
    this.#write(
      (files) => (files.acceptedEpoch = epoch),
      () => done(asDurable(epoch), this.town.schedule.nowMs),
    );
  }

  storeCurrentEpoch(epoch: bigint, done: (epoch: Durable<bigint>, nowMs: number) => void): void {
    this.#write(
      (files) => (files.currentEpoch = epoch),
      () => done(asDurable(epoch), this.town.schedule.nowMs),
    );
  }

  log(bytes: Buffer, start: number, end: number): void {
    this.window.append(bytes, start, end);
    if (!this.#isTreeMode) this.#append(Buffer.from(bytes.subarray(start, end)));
  }

  commit(zxidHigh: number, zxidLow: number): void {
    // A leader's broadcast has told the window already.
    if (this.peer.leading === null) this.window.commit(zxidHigh, zxidLow);
    else this.town.committed(this, longOf(zxidHigh, zxidLow));
    this.#apply();
  }

  truncate(zxid: bigint, done: (isDone: boolean, nowMs: number) => void): void {
    this.#write(
      (files) => {
        files.log = files.log.filter((txn) => txn.zxid <= zxid);
        files.snapshot = files.snapshot.filter((txn) => txn.zxid <= zxid);
      },
      () => {
        this.#load();
        done(true, this.town.schedule.nowMs);
      },
    );
  }

  beginTree(zxid: bigint): void {
    this.#isTreeMode = true;
    this.#treeBytes = Buffer.alloc(0);
    this.applied = new Map();
    this.lastApplied = zxid;
    this.window.clear();
  }

  /** The form of a tree here: `(int length | transaction)* | int 0 | signature`. */
  takeTree(bytes: Buffer, start: number, end: number): { taken: number; isComplete: boolean } {
    const had = this.#treeBytes.length;
    this.#treeBytes = Buffer.concat([this.#treeBytes, bytes.subarray(start, end)]);
    const txns: CoreTxn[] = [];
    for (let at = 0; at + 4 <= this.#treeBytes.length;) {
      const length = this.#treeBytes.readInt32BE(at);
      if (length > 0) {
        if (at + 4 + length > this.#treeBytes.length) break;
        txns.push(txnOf(Buffer.from(this.#treeBytes.subarray(at + 4, at + 4 + length))));
        at += 4 + length;
        continue;
      }
      const treeEnd = at + 4 + 14;
      if (this.#treeBytes.length < treeEnd) break;
      for (const txn of txns) this.applied.set(txn.zxid, txn);
      return { taken: treeEnd - had, isComplete: true };
    }
    return { taken: end - start, isComplete: false };
  }

  persist(mode: LearnerSyncMode, done: (history: Durable<"history">, nowMs: number) => void): void {
    const finished = (): void => done(asDurable("history"), this.town.schedule.nowMs);
    if (mode !== "snap") {
      this.#write(() => undefined, finished);
      return;
    }
    const snapshot = [...this.applied.values()];
    const waiting: CoreTxn[] = [];
    for (let i = this.window.committedCount; i < this.window.length; i++) waiting.push(this.#windowTxn(i));
    this.#write(
      (files) => {
        files.snapshot = snapshot;
        files.log = waiting;
      },
      () => {
        this.#loggedZxid = waiting.at(-1)?.zxid ?? this.lastApplied;
        this.#logged();
        finished();
      },
    );
    this.#isTreeMode = false;
  }

  sendTree(handler: LearnerHandler, done: (nowMs: number) => void): bigint {
    const zxid = this.#treeZxid();
    const out = handler.link.open();
    out.writeInt(15);
    out.writeBigInt(zxid);
    out.writeInt(-1);
    out.writeInt(-1);
    const sent = new Set<bigint>();
    const life = this.#life;
    const sendSome = (isLast: boolean): void => {
      if (life !== this.#life || handler.state === "Gone") return;
      const link = handler.link.open();
      for (const txn of this.applied.values()) {
        if (sent.has(txn.zxid)) continue;
        sent.add(txn.zxid);
        link.writeBuffer(txn.bytes);
      }
      if (isLast) {
        link.writeInt(0);
        done(this.town.schedule.nowMs);
      } else {
        this.town.schedule.after(this.town.delayMs() * 3, () => sendSome(true));
      }
      this.town.endTurn();
    };
    this.town.schedule.after(this.town.delayMs(), () => sendSome(false));
    return zxid;
  }

  #treeZxid(): bigint {
    const epochStart = (this.peer.leading?.isServing === true ? (this.peer.leading.epoch ?? 0n) : 0n) << 32n;
    return this.lastApplied > epochStart ? this.lastApplied : epochStart;
  }

  sendLog(
    handler: LearnerHandler,
    learnerZxid: bigint,
    events: { found(isComplete: boolean): void; done(lastZxid: bigint, nowMs: number): void },
  ): void {
    const life = this.#life;
    this.town.schedule.after(this.town.delayMs(), () => {
      if (life !== this.#life || handler.state === "Gone") return;
      const first = this.window.length > 0 ? this.#windowTxn(0).zxid : this.lastApplied + 1n;
      const { log } = this.files;
      const from = log.findIndex(({ zxid }) => zxid === learnerZxid);
      const to = log.findIndex(({ zxid }) => zxid === first);
      events.found(from >= 0 && to > from);
      if (from >= 0 && to > from) {
        const out = handler.link.open();
        for (const { zxid, bytes } of log.slice(from + 1, to)) {
          out.writeInt(2);
          out.writeBigInt(zxid);
          out.writeBuffer(bytes);
          out.writeInt(-1);
          out.writeInt(4);
          out.writeBigInt(zxid);
          out.writeInt(-1);
          out.writeInt(-1);
        }
        events.done(log[to - 1]!.zxid, this.town.schedule.nowMs);
      }
      this.town.endTurn();
    });
  }

  settle(isTreeBroken: boolean, done: (lastZxid: bigint, nowMs: number) => void): void {
    this.#write(
      () => undefined,
      () => {
        this.#isTreeMode = false;
        if (isTreeBroken) this.#load();
        for (let i = 0; i < this.window.length; i++) this.#applyOne(this.#windowTxn(i));
        if (this.window.length > 0) {
          const last = this.window.at(this.window.length - 1);
          this.window.commit(last.zxidHigh, last.zxidLow);
        }
        done(this.lastApplied, this.town.schedule.nowMs);
        this.#wake();
      },
    );
  }

  // The service.

  lead(leading: Leading, epoch: bigint): void {
    this.isServing = true;
    this.town.leads(this, epoch);
    leading.broadcast.ackOwn(asDurable({ zxidHigh: Number(epoch), zxidLow: 0 }));
  }

  learn(): void {
    this.isServing = true;
  }

  stop(): void {
    this.isServing = false;
  }

  receivedFromLearner(): void {}
  receivedFromLeader(): void {}
  learnerSyncing(): void {}
  learnerGone(): void {}

  deserted(): void {}
  stateChanged(): void {}

  touchedSessions(): Uint8Array {
    return Buffer.alloc(0);
  }

  // Inside.

  #windowTxn(index: number): CoreTxn {
    const { bytes, start, end } = this.window.at(index);
    return txnOf(Buffer.from(bytes.subarray(start, end)));
  }

  #append(bytes: Buffer): void {
    const txn = txnOf(bytes);
    this.#write(
      (files) => files.log.push(txn),
      () => {
        this.#loggedZxid = txn.zxid;
        this.#logged();
        this.#apply();
      },
    );
  }

  #logged(): void {
    const zxid = asDurable({ zxidHigh: highOf(this.#loggedZxid), zxidLow: lowOf(this.#loggedZxid) });
    this.peer.logged(zxid);
  }

  #apply(): void {
    const { window } = this;
    for (
      let i = window.indexBehind(highOf(this.lastApplied), lowOf(this.lastApplied));
      i < window.committedCount;
      i++
    ) {
      const txn = this.#windowTxn(i);
      if (!this.#isTreeMode && txn.zxid > this.#loggedZxid) break;
      this.#applyOne(txn);
    }
    window.trim(highOf(this.lastApplied), lowOf(this.lastApplied));
  }

  #applyOne(txn: CoreTxn): void {
    this.applied.set(txn.zxid, txn);
    if (txn.zxid > this.lastApplied) this.lastApplied = txn.zxid;
  }

  /** Loads what the disk has. */
  #load(): void {
    this.applied = new Map(this.files.snapshot.map((txn) => [txn.zxid, txn]));
    this.window.clear();
    this.lastApplied = this.files.snapshot.reduce((last, { zxid }) => (zxid > last ? zxid : last), 0n);
    for (const txn of this.files.log) {
      this.applied.set(txn.zxid, txn);
      if (txn.zxid > this.lastApplied) this.lastApplied = txn.zxid;
      this.window.append(txn.bytes, 0, txn.bytes.length);
      this.window.commit(highOf(txn.zxid), lowOf(txn.zxid));
      this.window.trim(highOf(txn.zxid), lowOf(txn.zxid));
    }
    this.#loggedZxid = this.lastApplied;
  }

  #write(change: (files: Files) => void, done: () => void): void {
    this.#disk.push({ change, done });
    if (!this.#isDiskBusy) this.#nextWrite();
  }

  /** Nothing is logged that comes behind it before it is written. */
  #storeSeen(config: QuorumVerifier, done: () => void): void {
    this.#holds++;
    this.#writeConfig(
      (files) => (files.lastSeen = config),
      () => {
        this.#holds--;
        if (!this.#isDiskBusy) this.#nextWrite();
        done();
      },
    );
  }

  /** Files of configurations are written in order; but for what was seen, at any time before or after what else is written. */
  #writeConfig(change: (files: Files) => void, done: () => void = () => undefined): void {
    const life = this.#life;
    const { schedule } = this.town;
    this.#configDoneMs = Math.max(schedule.nowMs + this.town.diskMs() * 5, this.#configDoneMs + 0.01);
    schedule.after(this.#configDoneMs - schedule.nowMs, () => {
      if (life !== this.#life) return;
      change(this.files);
      done();
      this.#wake();
      this.town.endTurn();
    });
  }

  #nextWrite(): void {
    const next = this.#holds > 0 ? undefined : this.#disk[0];
    this.#isDiskBusy = next !== undefined;
    if (next === undefined) return;
    const life = this.#life;
    this.town.schedule.after(this.town.diskMs(), () => {
      if (life !== this.#life) return;
      next.change(this.files);
      this.#disk.shift();
      next.done();
      this.#wake();
      this.town.endTurn();
      this.#nextWrite();
    });
  }

  /** Sees to it that the peer's timer is called. */
  #wake(): void {
    if (!this.isUp) return;
    const { deadlineMs } = this.peer;
    if (deadlineMs >= this.#wakesAtMs || deadlineMs === Number.POSITIVE_INFINITY) return;
    this.#wakesAtMs = deadlineMs;
    const life = this.#life;
    this.town.schedule.after(Math.max(deadlineMs - this.town.schedule.nowMs, 0), () => {
      if (this.#wakesAtMs === deadlineMs) this.#wakesAtMs = Number.POSITIVE_INFINITY;
      if (life !== this.#life) return;
      this.peer.timer(this.town.schedule.nowMs);
      this.#wake();
      this.town.endTurn();
    });
  }

  receiveVote(sid: bigint, bytes: Buffer): void {
    this.peer.receiveVote(sid, decodeNotification(bytes), this.town.schedule.nowMs);
    this.#wake();
    this.town.endTurn();
  }
}

/** All of it, and what must hold. */
export class CoreEnsemble {
  readonly schedule: Schedule;
  readonly dice: Dice;
  readonly servers: CoreServer[];
  /** Changes of the members that were proposed. */
  reconfigs = 0;
  readonly #voters: number;
  readonly #observers: number;
  readonly windowCount: number;
  readonly touched: Set<Link> = new Set();
  isCut: (a: bigint, b: bigint) => boolean = () => false;
  delayMsMax = 20;
  diskMsMax = 10;
  /** What a leader has committed: a client may have been told. */
  readonly acknowledged: Map<bigint, bigint> = new Map();
  readonly #leaders = new Map<bigint, bigint>();
  readonly #lastPost = new Map<string, number>();

  /** @param options.spares servers that are no members at first. */
  constructor(seed: number, options: { voters: number; observers?: number; spares?: number; windowCount?: number }) {
    const { voters, observers = 0, spares = 0 } = options;
    this.schedule = new Schedule(seed);
    this.dice = new Dice(seed, "everything");
    this.#voters = voters;
    this.#observers = observers;
    this.windowCount = options.windowCount ?? 5;
    const count = voters + observers + spares;
    this.servers = Array.from({ length: count }, (_, i) => new CoreServer(this, BigInt(i + 1)));
  }

  /** The members as a server's own file has them: a spare server has itself beside them, as an observer. */
  linesAtStart(sid: bigint): string {
    const lines = memberLines(this.#voters, this.#observers);
    const isMember = Number(sid) <= this.#voters + this.#observers;
    return isMember ? lines : `${lines}\nserver.${sid}=h${sid}:2888:3888:observer`;
  }

  server(sid: bigint): CoreServer {
    return this.servers[Number(sid) - 1]!;
  }

  delayMs(): number {
    return 1 + this.dice.below(this.delayMsMax);
  }

  diskMs(): number {
    return 1 + this.dice.below(this.diskMsMax);
  }

  /** Sends a vote; votes of one server reach another in order. */
  post(from: bigint, to: bigint, bytes: Buffer): void {
    const link = `${from} ${to}`;
    const atMs = Math.max(this.schedule.nowMs + this.delayMs(), (this.#lastPost.get(link) ?? 0) + 0.01);
    this.#lastPost.set(link, atMs);
    this.schedule.after(atMs - this.schedule.nowMs, () => {
      const server = this.servers[Number(to) - 1];
      if (server?.isUp === true && this.server(from).isUp && !this.isCut(from, to)) server.receiveVote(from, bytes);
    });
  }

  /** What was written in this turn leaves. */
  endTurn(): void {
    for (const link of this.touched) {
      this.touched.delete(link);
      link.flush();
    }
  }

  run(forMs: number): void {
    const untilMs = this.schedule.nowMs + forMs;
    while (this.schedule.step(untilMs));
    this.schedule.nowMs = untilMs;
  }

  get leader(): CoreServer | undefined {
    return this.servers.find(({ isUp, isServing, peer }) => isUp && isServing && peer.leading !== null);
  }

  leads(server: CoreServer, epoch: bigint): void {
    const other = this.#leaders.get(epoch);
    if (other !== undefined) throw new Error(`servers ${other} and ${server.sid} both lead epoch ${epoch}`);
    this.#leaders.set(epoch, server.sid);
  }

  committed(server: CoreServer, upTo: bigint): void {
    const { window } = server;
    for (let i = 0; i < window.committedCount; i++) {
      const { bytes, start, zxidHigh, zxidLow } = window.at(i);
      const zxid = longOf(zxidHigh, zxidLow);
      if (zxid > upTo) break;
      const payload = bytes.readBigInt64BE(start + 32);
      const other = this.acknowledged.get(zxid);
      if (other !== undefined && other !== payload) throw new Error(`zxid ${zxid.toString(16)} was committed twice`);
      this.acknowledged.set(zxid, payload);
    }
  }

  /** Everybody is up and connected: checks that all come to have the same history, with all that was acknowledged in it. */
  converge(): void {
    this.isCut = () => false;
    for (const server of this.servers) if (!server.isUp) server.start();
    const untilMs = this.schedule.nowMs + 60_000;
    while (this.schedule.nowMs < untilMs) {
      this.run(500);
      this.leader?.propose(BigInt(this.schedule.nowMs));
      this.run(500);
      if (this.servers.every(({ isServing }) => isServing) && this.#isEqual()) return;
    }
    const states = this.servers.map(({ sid, peer, lastApplied, views }) => {
      const { committed, lastSeen } = views;
      const config = `${committed.text} | ${lastSeen.text}`
        .replaceAll("\n", " ")
        .replaceAll(/h\d+:2888:3888:|;0.0.0.0:2181/g, "");
      return `\n${sid} ${peer.state} ${lastApplied.toString(16)}: ${config}`;
    });
    throw new Error(`no convergence: ${states.join(", ")}`);
  }

  #isEqual(): boolean {
    const [first, ...others] = this.servers.map(historyOf);
    return others.every((history) => history === first);
  }

  checkNothingLost(): void {
    const [first] = this.servers;
    for (const [zxid, payload] of this.acknowledged) {
      const found = first!.applied.get(zxid)?.bytes.readBigInt64BE(32);
      if (found !== payload) throw new Error(`zxid ${zxid.toString(16)} was acknowledged and is lost`);
    }
  }
}

function historyOf(server: CoreServer): string {
  const zxids = [...server.applied.keys()].sort((a, b) => (a < b ? -1 : 1));
  return zxids.map((zxid) => `${zxid}:${server.applied.get(zxid)!.bytes.toString("hex", 32)}`).join(" ");
}
