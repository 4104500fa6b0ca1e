/**
 * Log, window and state of a server of a CoreEnsemble: what storage and tree are to a member, with a list of transactions in the
 * place of the tree.
 */

import { highOf, longOf, lowOf } from "#base/zxid.ts";
import { asDurable, type Durable } from "#quorum/durable.ts";
import type { LearnerHandler } from "#quorum/learner-handler.ts";
import type { LearnerSyncMode } from "#quorum/learner-output.ts";
import type { PeerReplica } from "#quorum/peer-parts.ts";
import type { QuorumPeer } from "#quorum/quorum-peer.ts";
import { TxnWindow } from "#quorum/txn-window.ts";
import type { Schedule } from "../sim/schedule.ts";
import { type CoreDisk, type CoreTxn, type DiskOwner, txnOf } from "./core-disk.ts";

export interface ReplicaOwner extends DiskOwner {
  readonly peer: QuorumPeer;
}

/** What a replica knows of the ensemble. */
export interface ReplicaTown {
  readonly schedule: Schedule;
  /** Committed transactions that a window keeps. */
  readonly windowCount: number;
  delayMs(): number;
  endTurn(): void;
  /** A leader, whose window that is, has committed what it has up to that zxid. */
  committed(window: TxnWindow, upTo: bigint): void;
}

export class CoreReplica implements PeerReplica {
  window!: TxnWindow;
  /** Transactions that the state consists of, by zxid. */
  applied: Map<bigint, CoreTxn> = new Map();
  lastApplied = 0n;
  readonly #owner: ReplicaOwner;
  readonly #town: ReplicaTown;
  readonly #disk: CoreDisk;
  #loggedZxid = 0n;
  #isTreeMode = false;
  #treeBytes: Buffer = Buffer.alloc(0);

  constructor(owner: ReplicaOwner, town: ReplicaTown, disk: CoreDisk) {
    this.#owner = owner;
    this.#town = town;
    this.#disk = disk;
  }

  start(): void {
    this.#isTreeMode = false;
    this.window = new TxnWindow({ committedCountMin: this.#town.windowCount, committedBytesMax: 1 << 20 });
    this.#load();
  }

  /** Logs what is in the window, or is going to be. */
  append(bytes: Buffer): void {
    const txn = txnOf(bytes);
    this.#disk.write(
      (files) => files.log.push(txn),
      () => {
        this.#loggedZxid = txn.zxid;
        this.#logged();
        this.#apply();
      },
    );
  }

  storeAcceptedEpoch(epoch: bigint, done: (epoch: Durable<bigint>, nowMs: number) => void): void {
    this.#disk.write(
      (files) => (files.acceptedEpoch = epoch),
      () => done(asDurable(epoch), this.#town.schedule.nowMs),
    );
  }

  storeCurrentEpoch(epoch: bigint, done: (epoch: Durable<bigint>, nowMs: number) => void): void {
    this.#disk.write(
      (files) => (files.currentEpoch = epoch),
      () => done(asDurable(epoch), this.#town.schedule.nowMs),
    );
  }

  log(bytes: Buffer, start: number, end: number): void {
    this.window.append(bytes, start, end);
    if (!this.#isTreeMode) this.append(Buffer.from(bytes.subarray(start, end)));
  }

  commit(zxidHigh: number, zxidLow: number): void {
    // A leader's broadcast has told the window already.
    if (this.#owner.peer.leading === null) this.window.commit(zxidHigh, zxidLow);
    else this.#town.committed(this.window, longOf(zxidHigh, zxidLow));
    this.#apply();
  }

  truncate(zxid: bigint, done: (isDone: boolean, nowMs: number) => void): void {
    this.#disk.write(
      (files) => {
        files.log = files.log.filter((txn) => txn.zxid <= zxid);
        files.snapshot = files.snapshot.filter((txn) => txn.zxid <= zxid);
      },
      () => {
        this.#load();
        done(true, this.#town.schedule.nowMs);
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
    const finished = (): void => done(asDurable("history"), this.#town.schedule.nowMs);
    if (mode !== "snap") {
      this.#disk.write(() => undefined, finished);
      return;
    }
    const snapshot = [...this.applied.values()];
    const waiting: CoreTxn[] = [];
    for (let i = this.window.committedCount; i < this.window.length; i++) waiting.push(this.#windowTxn(i));
    this.#disk.write(
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
    const { life } = this.#owner;
    const sendSome = (isLast: boolean): void => {
      if (life !== this.#owner.life || handler.state === "Gone") return;
      const link = handler.link.open();
      for (const txn of this.applied.values()) {
        if (sent.has(txn.zxid)) continue;
        sent.add(txn.zxid);
        link.writeBuffer(txn.bytes);
      }
      if (isLast) {
        link.writeInt(0);
        done(this.#town.schedule.nowMs);
      } else {
        this.#town.schedule.after(this.#town.delayMs() * 3, () => sendSome(true));
      }
      this.#town.endTurn();
    };
    this.#town.schedule.after(this.#town.delayMs(), () => sendSome(false));
    return zxid;
  }

  #treeZxid(): bigint {
    const { leading } = this.#owner.peer;
    const epochStart = (leading?.isServing === true ? (leading.epoch ?? 0n) : 0n) << 32n;
    return this.lastApplied > epochStart ? this.lastApplied : epochStart;
  }

  sendLog(
    handler: LearnerHandler,
    learnerZxid: bigint,
    events: { found(isComplete: boolean): void; done(lastZxid: bigint, nowMs: number): void },
  ): void {
    const { life } = this.#owner;
    this.#town.schedule.after(this.#town.delayMs(), () => {
      if (life !== this.#owner.life || handler.state === "Gone") return;
      const first = this.window.length > 0 ? this.#windowTxn(0).zxid : this.lastApplied + 1n;
      const { log } = this.#disk.files;
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
        events.done(log[to - 1]!.zxid, this.#town.schedule.nowMs);
      }
      this.#town.endTurn();
    });
  }

  settle(isTreeBroken: boolean, done: (lastZxid: bigint, nowMs: number) => void): void {
    this.#disk.write(
      () => undefined,
      () => {
        this.#isTreeMode = false;
        if (isTreeBroken) this.#load();
        for (let i = 0; i < this.window.length; i++) this.#applyOne(this.#windowTxn(i));
        if (this.window.length > 0) {
          const last = this.window.at(this.window.length - 1);
          this.window.commit(last.zxidHigh, last.zxidLow);
        }
        done(this.lastApplied, this.#town.schedule.nowMs);
      },
    );
  }

  #windowTxn(index: number): CoreTxn {
    const { bytes, start, end } = this.window.at(index);
    return txnOf(Buffer.from(bytes.subarray(start, end)));
  }

  #logged(): void {
    const zxid = asDurable({ zxidHigh: highOf(this.#loggedZxid), zxidLow: lowOf(this.#loggedZxid) });
    this.#owner.peer.logged(zxid);
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
    const { snapshot, log } = this.#disk.files;
    this.applied = new Map(snapshot.map((txn) => [txn.zxid, txn]));
    this.window.clear();
    this.lastApplied = snapshot.reduce((last, { zxid }) => (zxid > last ? zxid : last), 0n);
    for (const txn of log) {
      this.applied.set(txn.zxid, txn);
      if (txn.zxid > this.lastApplied) this.lastApplied = txn.zxid;
      this.window.append(txn.bytes, 0, txn.bytes.length);
      this.window.commit(highOf(txn.zxid), lowOf(txn.zxid));
      this.window.trim(highOf(txn.zxid), lowOf(txn.zxid));
    }
    this.#loggedZxid = this.lastApplied;
  }
}
