/**
 * What a member of an ensemble replicates: the tree, the log and the snapshots behind it, the epochs, and the window of
 * transactions between them.
 *
 *   log  ->  window  ->  durable (the log says so) and committed (the quorum says so)  ->  applied to the tree
 *
 * Nothing is applied before it is both. So whatever a client is told, or sees, is on this server's own disk as well as on a
 * quorum's; ZooKeeper applies what is committed without waiting for its own disk.
 *
 * Work on files outside the log (epochs, truncation, whole trees) is done one after the other. A failure ends the
 * process: nothing is tried twice.
 *
 * A tree that comes whole replaces what is on the disk. While the old state reaches further than the new one, the
 * next start would prefer it: for that time a file says that this server has to rejoin, and has no vote.
 * Source: ZKDatabase.java, Learner.syncWithLeader, LearnerZooKeeperServer.java.
 */

import { compareHalves, hexOfHalves, highOf, longOf, lowOf, type ZxidHalves } from "#base/zxid.ts";
import { ExitCode } from "#config/exit-code.ts";
import { MarshallingError, readInt32 } from "#jute/reader.ts";
import { PacketType, writePacket } from "#protocol/quorum-packet.ts";
import { txnBodyEnd } from "#protocol/txn-body.ts";
import { zxidInTxnHeader } from "#protocol/txn-header.ts";
import { asDurable, type Durable } from "#quorum/durable.ts";
import type { LearnerHandler } from "#quorum/learner-handler.ts";
import type { LearnerSyncMode } from "#quorum/learner-output.ts";
import type { PeerHistory, PeerReplica } from "#quorum/peer-parts.ts";
import { QuorumError } from "#quorum/quorum-link.ts";
import { TxnWindow, type WindowTxn } from "#quorum/txn-window.ts";
import { EpochFiles } from "#storage/epoch-files.ts";
import { RejoinMark } from "#storage/rejoin-mark.ts";
import type { Recovery } from "#storage/recovery.ts";
import { type LogBatch, recordOverheadBytes, recordPrefixBytes } from "#storage/txn-log.ts";
import { truncateTxnLog } from "#storage/txn-log-truncate.ts";
import type { Database } from "./database.ts";
import { LogSync, type LogSyncEvents } from "./log-sync.ts";
import type { PersistenceParts } from "./persistence.ts";
import { ReplicaStore } from "./replica-store.ts";
import type { ReplicationMeter } from "./replication-meter.ts";
import { sendTree, TreeReceiver } from "./tree-stream.ts";

/** Who serves clients from the tree, and has its transactions applied with what they wait for. */
export interface TxnConsumer {
  applied(bytes: Buffer, start: number, end: number, nowMs: number, wallMs: number): void;
  /** What waited for them has made so much work that others come first, if it has taken long. */
  readonly isShareSpent: boolean;
  /** What waits for them has to be answered before more is applied, in the next turn. */
  readonly mustRest: boolean;
  /** Some have been applied: replies may be sent. */
  someApplied(): void;
  /** All that can be applied for now has been. */
  allApplied(nowMs: number): void;
}

export interface ReplicaParts extends PersistenceParts {
  /** Something has happened outside of any connection's turn: what follows one has to follow. */
  readonly turnEnded: () => void;
}

/** Transactions applied between two sends. */
const repliesPerSend = 128;
/** How long transactions are applied before other work gets its turn. */
const applyMsMax = 4;

export class Replica implements PeerReplica {
  readonly window: TxnWindow;
  readonly store: ReplicaStore;
  /** Null while nobody is served. */
  consumer: TxnConsumer | null = null;
  /** Null while nobody is served: what comes before that is caught up with, and says nothing of the ensemble. */
  meter: ReplicationMeter | null = null;
  /** Told what has become durable, in order. */
  onLogged: (zxid: Durable<ZxidHalves>) => void = () => {};
  readonly #parts: ReplicaParts;
  readonly #epochs: EpochFiles;
  readonly #rejoin: RejoinMark;
  /** Work on files, in order. */
  #files: Promise<void> = Promise.resolve();
  #durableHigh = 0;
  #durableLow = 0;
  #isApplyDue = false;
  /** More is committed than {@link apply} has seen. */
  #hasCommits = false;
  /** A tree is being received, or waits to be written: transactions go into it without passing the log. */
  #receiver: TreeReceiver | null = null;
  /** What the disk has reaches further than the tree that is being received. */
  #isDiskAhead = false;
  readonly #treeSends = new Map<LearnerHandler, () => void>();

  private constructor(parts: ReplicaParts, store: ReplicaStore) {
    this.#parts = parts;
    this.store = store;
    this.window = store.window;
    const { disk } = parts.host;
    this.#epochs = new EpochFiles(disk, store.folders.snapshotFolder);
    this.#rejoin = new RejoinMark(disk, store.folders.snapshotFolder);
    store.onDurable = (batch) => this.#onDurable(batch);
    this.#noteLoaded();
  }

  /** Loads what the folders hold. @throws what stands in the way. */
  static async open(parts: ReplicaParts): Promise<{ replica: Replica; history: PeerHistory; recovery: Recovery }> {
    const store = await ReplicaStore.load(parts);
    const replica = new Replica(parts, store);
    const { recovery } = store;
    const isRejoining = recovery.kind === "distrusted" || (await replica.#mustRejoin());
    const lastZxid = longOf(recovery.lastZxidHigh, recovery.lastZxidLow);
    const epochs = await replica.#epochs.load(lastZxid);
    if (isRejoining) {
      parts.host.logger.warn({}, "This server has no vote until it has received a leader's whole tree");
    }
    return { replica, recovery, history: { ...epochs, lastZxid: isRejoining ? -1n : lastZxid } };
  }

  /** Whether only a whole tree makes a history of what was loaded. A truncation that was interrupted is found out about here. */
  async #mustRejoin(): Promise<boolean> {
    const reason = await this.#rejoin.reason();
    if (reason !== "truncation" || !this.store.isExact) return reason !== null;
    await this.#rejoin.clear();
    return false;
  }

  get database(): Database {
    return this.store.database;
  }

  storeAcceptedEpoch(epoch: bigint, done: (epoch: Durable<bigint>, nowMs: number) => void): void {
    this.#onFiles(
      () => this.#epochs.accept(epoch),
      () => done(asDurable(epoch), this.#nowMs()),
    );
  }

  storeCurrentEpoch(epoch: bigint, done: (epoch: Durable<bigint>, nowMs: number) => void): void {
    this.#onFiles(
      async () => {
        // Of what was loaded nothing has been cut: it is the history of this epoch.
        await this.store.ensureSnapshot();
        await this.#epochs.establish(epoch);
      },
      () => done(asDurable(epoch), this.#nowMs()),
    );
  }

  /** A transaction of the leader's. @throws QuorumError when it is none. */
  log(bytes: Buffer, start: number, end: number): void {
    checkProposal(bytes, start, end);
    this.window.append(bytes, start, end);
    this.meter?.proposed(bytes, start, this.#parts.host.clock.wallMs());
    if (this.#receiver === null) this.store.append(bytes, start, end);
  }

  commit(zxidHigh: number, zxidLow: number): void {
    this.window.commit(zxidHigh, zxidLow);
    this.#hasCommits = true;
  }

  /**
   * Applies what has been committed, as far as it is durable. To be called at the end of each turn that may have brought commits:
   * they come one by one, and each client is to be answered by one write for all of them.
   */
  apply(): void {
    if (!this.#hasCommits) return;
    this.#apply();
  }

  truncate(zxid: bigint, done: (isDone: boolean, nowMs: number) => void): void {
    let isDone = false;
    this.#onFiles(
      async () => {
        await this.store.closeLog();
        const { disk, logger } = this.#parts.host;
        // If this server dies before it knows whether the snapshot will do, the next start has to look.
        await this.#rejoin.set("truncation");
        const isCut = await truncateTxnLog({ disk, logger, ...this.store.folders }, highOf(zxid), lowOf(zxid));
        await this.#reload();
        isDone = this.store.isExact && isCut;
        if (isDone) await this.#rejoin.clear();
      },
      () => done(isDone, this.#nowMs()),
    );
  }

  beginTree(zxid: bigint): void {
    const { lastZxidHigh, lastZxidLow } = this.database.tree;
    this.#isDiskAhead = longOf(lastZxidHigh, lastZxidLow) > zxid;
    this.#receiver = new TreeReceiver(this.store.newDatabase(), zxid);
    this.window.clear();
  }

  takeTree(bytes: Buffer, start: number, end: number): { taken: number; isComplete: boolean } {
    const receiver = this.#receiver!;
    const taken = receiver.take(bytes, start, end);
    const { isComplete } = receiver;
    if (isComplete) this.store.adopt(receiver.finish());
    return { taken, isComplete };
  }

  persist(mode: LearnerSyncMode, done: (history: Durable<"history">, nowMs: number) => void): void {
    const finished = (): void => done(asDurable("history"), this.#nowMs());
    if (mode === "snap") this.#onFiles(() => this.#persistTree(), finished);
    else this.#onFiles(() => this.store.flushed(), finished);
  }

  sendTree(handler: LearnerHandler, done: (nowMs: number) => void): bigint {
    const { lastZxidHigh, lastZxidLow } = this.database.tree;
    writePacket(handler.link.open(), PacketType.snap, lastZxidHigh, lastZxidLow);
    const { timers, treeSliceBytes } = this.#parts.host;
    const sent = (): void => {
      this.#treeSends.delete(handler);
      done(this.#nowMs());
      this.#parts.turnEnded();
    };
    const cancel = sendTree(this.database, { link: handler.link, timers, sliceBytes: treeSliceBytes }, sent);
    this.#treeSends.set(handler, cancel);
    return longOf(lastZxidHigh, lastZxidLow);
  }

  sendLog(handler: LearnerHandler, learnerZxid: bigint, events: LogSyncEvents): void {
    void new LogSync(this.#parts, this.store.folders, this.window).run(handler, learnerZxid, events);
  }

  /** A learner is gone: nothing more is sent to it. */
  forget(handler: LearnerHandler): void {
    this.#treeSends.get(handler)?.();
    this.#treeSends.delete(handler);
  }

  settle(isTreeBroken: boolean, done: (lastZxid: bigint, nowMs: number) => void): void {
    let lastZxid = -1n;
    this.#onFiles(
      async () => {
        await this.store.flushed();
        this.#receiver = null;
        if (isTreeBroken) {
          await this.store.closeLog();
          await this.#reload();
        }
        await this.#applyAll();
        this.database.sessions.stop();
        const { lastZxidHigh, lastZxidLow } = this.database.tree;
        if ((await this.#rejoin.reason()) === null) lastZxid = longOf(lastZxidHigh, lastZxidLow);
      },
      () => done(lastZxid, this.#nowMs()),
    );
  }

  /** Writes out what was logged and closes the log. */
  async close(): Promise<void> {
    await this.#files;
    await this.store.closeLog();
  }

  /** The tree has been received and its window committed as far as it was: both become the state of the disk. */
  async #persistTree(): Promise<void> {
    const { database } = this;
    await this.#drain();
    // All that was committed behind the tree is in it by now: it is exact.
    database.applier.isFuzzy = false;
    await this.store.closeLog();
    if (this.#isDiskAhead) await this.#rejoin.set("tree");
    await this.store.replaceDisk();
    await this.#rejoin.clear();
    this.#receiver = null;
    this.#noteLoaded();
    const { window } = this;
    for (let index = window.committedCount; index < window.length; index++) {
      const { bytes, start, end } = window.at(index);
      this.store.append(bytes, start, end);
    }
    await this.store.flushed();
  }

  async #reload(): Promise<void> {
    this.window.clear();
    await this.store.reload();
    this.#noteLoaded();
  }

  /** What the tree holds came from the disk, or is on it. */
  #noteLoaded(): void {
    const { lastZxidHigh, lastZxidLow } = this.database.tree;
    this.#durableHigh = lastZxidHigh;
    this.#durableLow = lastZxidLow;
  }

  #onDurable(batch: LogBatch): void {
    const { bytes, length } = batch;
    const { meter } = this;
    const wallMs = this.#parts.host.clock.wallMs();
    let at = 0;
    let last = 0;
    while (at < length) {
      last = at;
      meter?.durable(bytes, at + recordPrefixBytes, wallMs);
      at += readInt32(bytes, at + 8) + recordOverheadBytes;
    }
    const zxidAt = last + recordPrefixBytes + zxidInTxnHeader;
    const zxidHigh = readInt32(bytes, zxidAt);
    const zxidLow = readInt32(bytes, zxidAt + 4);
    this.store.log.release(batch);
    this.#durableHigh = zxidHigh;
    this.#durableLow = zxidLow;
    this.onLogged(asDurable({ zxidHigh, zxidLow }));
    this.#apply();
    this.#parts.turnEnded();
  }

  /** The next transaction that may be applied, or null. */
  #next(): WindowTxn | null {
    const { window } = this;
    const { lastZxidHigh, lastZxidLow } = this.database.tree;
    const index = window.indexBehind(lastZxidHigh, lastZxidLow);
    if (index >= window.committedCount) return null;
    const txn = window.at(index);
    if (this.#receiver !== null) return this.#receiver.isComplete ? txn : null;
    return compareHalves(txn.zxidHigh, txn.zxidLow, this.#durableHigh, this.#durableLow) <= 0 ? txn : null;
  }

  readonly #apply = (): void => {
    if (this.#isApplyDue) return;
    this.#hasCommits = false;
    const { clock, timers } = this.#parts.host;
    const nowMs = clock.monotonicMs();
    const wallMs = clock.wallMs();
    this.meter?.committed(wallMs);
    const stopMs = nowMs + applyMsMax;
    for (let count = 1; ; count++) {
      const txn = this.#next();
      if (txn === null) break;
      const mustRest = this.consumer?.mustRest === true;
      if (!mustRest) this.#applyOne(txn, nowMs, wallMs);
      if (!mustRest && count % repliesPerSend !== 0 && this.consumer?.isShareSpent !== true) continue;
      this.consumer?.someApplied();
      if (!mustRest && clock.monotonicMs() <= stopMs) continue;
      this.#isApplyDue = true;
      timers.atTurnEnd(() => {
        this.#isApplyDue = false;
        this.#apply();
      });
      break;
    }
    const { lastZxidHigh, lastZxidLow } = this.database.tree;
    this.window.trim(lastZxidHigh, lastZxidLow);
    this.#reportMismatches();
    this.consumer?.allApplied(nowMs);
  };

  #applyOne({ bytes, start, end }: WindowTxn, nowMs: number, wallMs: number): void {
    const { database, consumer } = this;
    if (consumer === null) database.applier.apply(bytes, start, end);
    else consumer.applied(bytes, start, end, nowMs, wallMs);
    const { zxidHigh, zxidLow } = database.applier.header;
    if (!database.applier.isFuzzy) database.digests.applied(zxidHigh, zxidLow, database.tree.digest);
  }

  /** Applies the whole window, committed or not: what the next start would do. */
  async #applyAll(): Promise<void> {
    const { window } = this;
    const last = window.newest;
    if (last === null) return;
    // What no quorum may have could be cut off some day, and a snapshot that begins before it would be kept.
    if (window.length > window.committedCount) this.store.snapshots.revoke();
    window.commit(last.zxidHigh, last.zxidLow);
    await this.#drain();
  }

  /** Applies all that is committed and may be applied, while nobody is served. */
  async #drain(): Promise<void> {
    const { window } = this;
    const { clock, timers } = this.#parts.host;
    let stopMs = clock.monotonicMs() + applyMsMax;
    for (let txn = this.#next(); txn !== null; txn = this.#next()) {
      this.#applyOne(txn, 0, 0);
      if (clock.monotonicMs() <= stopMs) continue;
      await new Promise<void>((resolve) => timers.atTurnEnd(resolve));
      stopMs = clock.monotonicMs() + applyMsMax;
    }
    const { lastZxidHigh, lastZxidLow } = this.database.tree;
    window.trim(lastZxidHigh, lastZxidLow);
    this.#reportMismatches();
  }

  #reportMismatches(): void {
    const { applier, tree } = this.database;
    const count = applier.digestMismatchCount;
    if (count === 0) return;
    applier.digestMismatchCount = 0;
    this.#parts.metrics.digestMismatchesCount.increment(count);
    const zxid = `0x${hexOfHalves(tree.lastZxidHigh, tree.lastZxidLow)}`;
    this.#parts.host.logger.error({ zxid, count }, `Digests are not matching at ${zxid}`);
  }

  /** Does work on files when the work before is done, then calls `finished`. A failure ends the process. */
  #onFiles(work: () => Promise<void>, finished: () => void): void {
    this.#files = this.#files.then(work).then(
      () => {
        finished();
        this.#parts.turnEnded();
      },
      (error: unknown) => this.#fail(error),
    );
  }

  #fail(error: unknown): void {
    this.#parts.host.logger.error(
      { error: String(error) },
      "Severe unrecoverable error, exiting: the data cannot be written",
    );
    this.#parts.exit(ExitCode.unexpectedError);
  }

  #nowMs(): number {
    return this.#parts.host.clock.monotonicMs();
  }
}

/** What cannot be applied must not be logged: it would end this server now, and at every start. */
function checkProposal(bytes: Buffer, start: number, end: number): void {
  try {
    txnBodyEnd(bytes, start, end);
  } catch (error) {
    if (!(error instanceof MarshallingError)) throw error;
    throw new QuorumError(`a proposal that is no transaction: ${error.message}`);
  }
}
