/**
 * Tree, log, snapshots and window of a member, and how one set of them takes the place of another: loaded from the disk, loaded
 * again after the log was cut, or received from a leader.
 *
 *   load, reload   disk -> tree; the newest transactions of the log -> window, as committed
 *   adopt          a tree that was received is the tree from now on; the disk still has the old one
 *   replaceDisk    a snapshot of it is written; then what the disk had before is removed
 *   ensureSnapshot a history that was loaded from a log alone gets the snapshot that it lacks
 *
 * Source: ZKDatabase.java, FileTxnSnapLog.java.
 */

import { compareHalves } from "#base/zxid.ts";
import { readInt32 } from "#jute/reader.ts";
import { zxidInTxnHeader } from "#protocol/txn-header.ts";
import { TxnWindow } from "#quorum/txn-window.ts";
import type { DataFolders } from "#storage/datadir.ts";
import { filesOfKind } from "#storage/file-names.ts";
import type { Recovery } from "#storage/recovery.ts";
import type { LogBatch, TxnLog } from "#storage/txn-log.ts";
import { Database, type LoadedDatabase } from "./database.ts";
import { loadConfigured, newSnapshotTaker, newTxnLog, type PersistenceParts, treeOptionsOf } from "./persistence.ts";
import type { SnapshotTaker } from "./snapshot-taker.ts";

/** Bytes of committed transactions that are kept for learners, whatever their number. */
const windowBytesMax = 64 << 20;

export class ReplicaStore {
  readonly window: TxnWindow;
  readonly folders: DataFolders;
  /** How the last load went. */
  recovery: Recovery;
  /** Whether it gave the tree of the log: the snapshot may hold, in part, what the log does not have any more. */
  isExact: boolean;
  database: Database;
  log: TxnLog;
  snapshots: SnapshotTaker;
  /** Transactions have become durable; the batch is to be given back to the log. */
  onDurable: (batch: LogBatch) => void = () => {};
  readonly #parts: PersistenceParts;
  #onFlushed: (() => void)[] = [];
  #holds = 0;
  #isWithoutSnapshot: boolean;

  private constructor(parts: PersistenceParts, window: TxnWindow, loaded: LoadedDatabase) {
    const { database, recovery, isSnapshotAhead } = loaded;
    this.#parts = parts;
    this.window = window;
    this.recovery = recovery;
    this.isExact = !isSnapshotAhead;
    this.#isWithoutSnapshot = recovery.kind === "log-only";
    this.folders = { snapshotFolder: recovery.snapshotFolder, logFolder: recovery.logFolder };
    this.database = database;
    this.log = this.#newLog();
    this.snapshots = this.#newTaker();
  }

  /** Loads what the folders hold. @throws what stands in the way. */
  static async load(parts: PersistenceParts): Promise<ReplicaStore> {
    const { commitLogCount } = parts.config.ensemble!;
    const window = new TxnWindow({ committedCountMin: commitLogCount, committedBytesMax: windowBytesMax });
    return new ReplicaStore(parts, window, await loadInto(parts, window));
  }

  /** Loads it again, after the log was closed and changed. */
  async reload(): Promise<void> {
    await this.snapshots.settled();
    this.window.clear();
    const { database, recovery, isSnapshotAhead } = await loadInto(this.#parts, this.window);
    this.recovery = recovery;
    this.isExact = !isSnapshotAhead;
    this.#isWithoutSnapshot = recovery.kind === "log-only";
    this.adopt(database);
  }

  /** An empty database, to be filled. */
  newDatabase(): Database {
    const { config, host } = this.#parts;
    return new Database(treeOptionsOf(config, host), config.tickTimeMs, host.clock);
  }

  /** Another database is the state from now on. */
  adopt(database: Database): void {
    this.database = database;
    this.#rewire();
  }

  /** Appends a transaction to the log, as it is. */
  append(bytes: Buffer, start: number, end: number): void {
    const { log } = this;
    const zxidAt = start + zxidInTxnHeader;
    log.beginRecord().writeRaw(bytes, start, end);
    log.endRecord(readInt32(bytes, zxidAt), readInt32(bytes, zxidAt + 4));
    this.logged();
  }

  /** A transaction was handed to the log. */
  logged(): void {
    this.#parts.metrics.syncProcessorRequestQueued.increment();
    this.snapshots.txnLogged();
  }

  /** Keeps what is logged from now on from the disk, until what must be there first is. @returns lets it go. */
  hold(): () => void {
    this.#holds++;
    this.log.isHeld = true;
    return () => {
      if (--this.#holds > 0) return;
      this.log.isHeld = false;
      this.log.flush();
    };
  }

  /** Resolves when all that was logged is durable. */
  flushed(): Promise<void> {
    if (this.log.pendingBytes === 0) return Promise.resolve();
    this.log.flush();
    return new Promise((resolve) => this.#onFlushed.push(resolve));
  }

  /** Writes out what was logged and closes the file; what is logged from now on goes to another. */
  async closeLog(): Promise<void> {
    await this.flushed();
    await this.log.close();
    this.log = this.#newLog();
    this.#rewire();
  }

  /**
   * Writes a snapshot of the tree, which was received, then removes the logs, which lead elsewhere, and the snapshots that
   * are newer. The log has been closed.
   */
  async replaceDisk(): Promise<void> {
    const { disk } = this.#parts.host;
    const { snapshotFolder, logFolder } = this.folders;
    const { lastZxidHigh, lastZxidLow } = this.database.tree;
    await this.snapshots.take();
    this.#isWithoutSnapshot = false;
    const newer = filesOfKind(snapshotFolder, await disk.list(snapshotFolder), "snapshot").filter(
      (file) => compareHalves(file.zxidHigh, file.zxidLow, lastZxidHigh, lastZxidLow) > 0,
    );
    for (const { path } of newer) await disk.remove(path);
    await disk.syncFolder(snapshotFolder);
    const logs = filesOfKind(logFolder, await disk.list(logFolder), "log");
    for (const { path } of logs.reverse()) await disk.remove(path);
    await disk.syncFolder(logFolder);
  }

  /**
   * Writes a snapshot if the folders were loaded without one, which `snapshot.trust.empty` allows for once: the next start, which
   * need not trust so, refuses a log alone. Source: FileTxnSnapLog.shouldForceWriteInitialSnapshotAfterLeaderElection.
   */
  async ensureSnapshot(): Promise<void> {
    if (!this.#isWithoutSnapshot) return;
    await this.snapshots.settled();
    await this.snapshots.take();
    this.#isWithoutSnapshot = false;
  }

  #newLog(): TxnLog {
    const log = newTxnLog(this.#parts, this.folders, (batch) => {
      this.onDurable(batch);
      if (this.log.pendingBytes > 0) return;
      for (const resolve of this.#onFlushed.splice(0)) resolve();
    });
    log.isHeld = this.#holds > 0;
    return log;
  }

  #newTaker(): SnapshotTaker {
    const { database, log } = this;
    return newSnapshotTaker(this.#parts, this.folders, { database, log });
  }

  /** A snapshot taker belongs to one database and one log. */
  #rewire(): void {
    this.snapshots = this.#newTaker();
  }
}

/** Loads the folders into a fresh database and the window. */
function loadInto(parts: PersistenceParts, window: TxnWindow): Promise<LoadedDatabase> {
  return loadConfigured(parts, (bytes, start, end) => {
    window.append(bytes, start, end);
    const zxidHigh = readInt32(bytes, start + zxidInTxnHeader);
    const zxidLow = readInt32(bytes, start + zxidInTxnHeader + 4);
    window.commit(zxidHigh, zxidLow);
    window.trim(zxidHigh, zxidLow);
  });
}
