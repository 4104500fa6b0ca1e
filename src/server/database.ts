/**
 * The state of a server and how it comes back: the newest valid snapshot, and the log replayed over it.
 *
 * A snapshot that turns out to be damaged half-way has filled a tree by then, so each attempt gets a database of its
 * own. Digests can be compared again from the zxid on that the snapshot's digest belongs to.
 * Source: ZKDatabase.java, FileTxnSnapLog.restore, ZooKeeperServer.loadData.
 */

import { CorruptionError, DiskError } from "#base/errors.ts";
import { compareHalves, hexOfHalves } from "#base/zxid.ts";
import type { Clock } from "#host/clock.ts";
import type { Logger } from "#host/logger.ts";
import type { Threads } from "#host/threads.ts";
import type { Timers } from "#host/timers.ts";
import { zxidInTxnHeader } from "#protocol/txn-header.ts";
import { SessionTracker } from "#session/session-tracker.ts";
import { type LoadedSnapshot, recover, type Recovery, type RecoveryOptions } from "#storage/recovery.ts";
import { scanSnapshot, type SnapshotSlice } from "#storage/snapshot-reader.ts";
import { scanOnThread } from "#storage/snapshot-thread.ts";
import { type SessionEvents, TxnApplier } from "#tree/apply-txn.ts";
import { DataTree, type DataTreeOptions } from "#tree/data-tree.ts";
import { type ScannerOptions, TreeSnapshotScanner } from "#tree/snapshot-scanner.ts";
import { TreeSnapshotSink } from "#tree/snapshot-sink.ts";
import { addSystemZnodes } from "#tree/system-znodes.ts";
import { DigestLog } from "./digest-log.ts";

export class Database implements SessionEvents {
  readonly tree: DataTree;
  readonly sessions: SessionTracker;
  readonly applier: TxnApplier;
  readonly digests: DigestLog = new DigestLog();
  readonly #clock: Clock;

  constructor(options: DataTreeOptions, tickTimeMs: number, clock: Clock) {
    this.#clock = clock;
    this.tree = new DataTree(options);
    this.sessions = new SessionTracker(tickTimeMs);
    this.applier = new TxnApplier(this.tree, this);
  }

  sessionCreated(idHigh: number, idLow: number, timeoutMs: number): void {
    this.sessions.commit(idHigh, idLow, timeoutMs, this.#clock.monotonicMs());
  }

  sessionClosed(idHigh: number, idLow: number): void {
    this.sessions.remove(idHigh, idLow);
  }

  /** Removes ephemerals whose session is not in the table: what a crash between the two can leave. */
  dropOrphans(logger: Logger): void {
    const orphans: [number, number][] = [];
    this.tree.owned.bySession.forEach((_ids, high, low) => {
      if (this.sessions.get(high, low) === undefined) orphans.push([high, low]);
    });
    for (const [high, low] of orphans) {
      logger.info(
        { session: `0x${hexOfHalves(high, low)}` },
        `Removing the ephemerals of session 0x${hexOfHalves(high, low)}, which has ended`,
      );
      this.applier.endSession(high, low);
    }
  }
}

/** A sink with the database that it fills. */
class DatabaseSink extends TreeSnapshotSink {
  readonly database: Database;

  constructor(database: Database) {
    super(database.tree, (high, low, timeoutMs) => void database.sessions.restore(high, low, timeoutMs));
    this.database = database;
  }
}

/** Snapshots of at least this many bytes are read on two threads: starting the second takes as long as reading them alone. */
export const threadedSnapshotBytesMin: number = 8 << 20;

export interface LoadOptions extends Omit<RecoveryOptions<DatabaseSink>, "newSink" | "scan" | "onSnapshot" | "onTxn"> {
  readonly timers: Timers;
  /** Null where there are none: everything is read on this one. */
  readonly threads: Threads | null;
  readonly tree: DataTreeOptions;
  readonly tickTimeMs: number;
  /** Told each transaction that was replayed; borrowed until it returns. */
  readonly onReplayed?: ((bytes: Buffer, start: number, end: number) => void) | undefined;
}

export interface LoadedDatabase {
  readonly database: Database;
  readonly recovery: Recovery;
  /** Whether the snapshot holds, in part, transactions that the log does not have. */
  readonly isSnapshotAhead: boolean;
  /** How long reading the snapshot took, and replaying the log over it. */
  readonly snapshotMs: number;
  readonly replayMs: number;
}

/** Loads what the folders hold. @throws what {@link recover} throws. */
export async function loadDatabase(options: LoadOptions): Promise<LoadedDatabase> {
  const loading = new Loading(options);
  const startMs = options.clock.monotonicMs();
  const recovery = await recover({
    ...options,
    newSink: () => new DatabaseSink(loading.newDatabase()),
    scan: (path) => slicesOf(path, options),
    onSnapshot: (sink, snapshot) => loading.takeSnapshot(sink.database, snapshot),
    onTxn: (bytes, start, end) => loading.replay(bytes, start, end),
  });
  const { database, isSnapshotAhead } = loading.finish();
  const snapshotMs = Math.max(loading.snapshotReadAtMs - startMs, 0);
  return {
    database,
    recovery,
    isSnapshotAhead,
    snapshotMs,
    replayMs: options.clock.monotonicMs() - startMs - snapshotMs,
  };
}

async function* slicesOf(path: string, options: LoadOptions): AsyncGenerator<SnapshotSlice> {
  const { disk, threads, timers, logger, tree } = options;
  const sizeBytes = (await disk.stat(path))?.sizeBytes ?? 0;
  if (threads === null || sizeBytes < threadedSnapshotBytesMin) {
    yield* scanSnapshot(disk, path, new TreeSnapshotScanner(tree));
    return;
  }
  const scannerOptions: ScannerOptions = { hashSeed: tree.hashSeed, digestEnabled: tree.digestEnabled };
  let hasBegun = false;
  try {
    for await (const slice of scanOnThread(threads, timers, { path, scannerOptions })) {
      hasBegun = true;
      yield slice;
    }
  } catch (error) {
    // Where the system has no thread to give, this one does it all.
    if (hasBegun || error instanceof CorruptionError || error instanceof DiskError) throw error;
    logger.warn({ error: String(error) }, "No second thread to read the snapshot; reading on one");
    yield* scanSnapshot(disk, path, new TreeSnapshotScanner(tree));
  }
}

class Loading {
  readonly #options: LoadOptions;
  #database: Database;
  #digest: LoadedSnapshot["trailer"]["digest"] = null;
  /** On the monotonic clock; 0 when there was no snapshot. */
  snapshotReadAtMs = 0;

  constructor(options: LoadOptions) {
    this.#options = options;
    this.#database = this.newDatabase();
    addSystemZnodes(this.#database.tree);
  }

  newDatabase(): Database {
    return new Database(this.#options.tree, this.#options.tickTimeMs, this.#options.clock);
  }

  takeSnapshot(database: Database, snapshot: LoadedSnapshot): void {
    this.#database = database;
    this.snapshotReadAtMs = this.#options.clock.monotonicMs();
    const { tree, applier } = database;
    tree.lastZxidHigh = snapshot.zxidHigh;
    tree.lastZxidLow = snapshot.zxidLow;
    tree.acls.dropUnused();
    // Before the log: what it changes below a path with a quota has to be counted.
    tree.quotas.rebuild();
    const { digest } = snapshot.trailer;
    if (digest === null || (digest.zxidHigh | digest.zxidLow) === 0) return;
    const order = compareHalves(digest.zxidHigh, digest.zxidLow, snapshot.zxidHigh, snapshot.zxidLow);
    if (order < 0) return;
    this.#digest = digest;
    applier.isFuzzy = order > 0;
    if (order === 0) this.#compare();
  }

  replay(bytes: Buffer, start: number, end: number): void {
    const { applier } = this.#database;
    const { isFuzzy } = applier;
    const order = isFuzzy ? this.#orderToDigest(bytes, start + zxidInTxnHeader) : 1;
    // From the transaction that the snapshot's digest belongs to on, digests are comparable.
    if (isFuzzy && order >= 0) applier.isFuzzy = false;
    applier.apply(bytes, start, end);
    if (isFuzzy && order === 0) this.#compare();
    const { zxidHigh, zxidLow } = applier.header;
    if (!isFuzzy) this.#database.digests.applied(zxidHigh, zxidLow, this.#database.tree.digest);
    this.#options.onReplayed?.(bytes, start, end);
  }

  #orderToDigest(bytes: Buffer, zxidAt: number): number {
    const { zxidHigh, zxidLow } = this.#digest!;
    return compareHalves(bytes.readInt32BE(zxidAt), bytes.readInt32BE(zxidAt + 4), zxidHigh, zxidLow);
  }

  finish(): { database: Database; isSnapshotAhead: boolean } {
    const { applier } = this.#database;
    const isSnapshotAhead = applier.isFuzzy;
    if (isSnapshotAhead) {
      this.#options.logger.warn({}, "The log ends before the transaction that the snapshot's digest belongs to");
      applier.isFuzzy = false;
    }
    if (applier.digestMismatchCount > 0) {
      const count = applier.digestMismatchCount;
      this.#options.logger.error({ count }, `The tree's digest differs ${count} times from that of snapshot or log`);
    }
    return { database: this.#database, isSnapshotAhead };
  }

  #compare(): void {
    const { digest } = this.#database.tree;
    const expected = this.#digest!;
    if (digest.high === expected.digestHigh && digest.low === expected.digestLow) return;
    this.#database.applier.digestMismatchCount++;
    const zxid = `0x${hexOfHalves(expected.zxidHigh, expected.zxidLow)}`;
    this.#options.logger.error({ zxid }, `The tree's digest differs from that of the snapshot at ${zxid}`);
  }
}
