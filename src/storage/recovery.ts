/**
 * A start: the newest snapshot that can be read, then every transaction the log has above it.
 *
 *   snapshot.<Z>   the tree as of zxid Z, with some later changes in it already (fuzzy)
 *   log            Z+1 ... to the end, whether it was ever committed or not
 *
 * A damaged snapshot is passed over for an older one, with a warning that names file and offset, but only when the log
 * reaches from the older one at least as far as the damaged one did: going back in time is not recovery. Without any
 * snapshot, a log means that something was lost (unless the operator says that it comes from an old version), and no log
 * means an empty database, which a member of an ensemble must have been told to trust.
 *
 * Always: what was replayed has no gap; a file is only removed or cut when a crash left it incomplete.
 * Source: FileTxnSnapLog.restore, FileSnap.deserialize.
 */

import { CorruptionError, DiskError } from "#base/errors.ts";
import { compareHalves, hexOfHalves } from "#base/zxid.ts";
import type { Clock } from "#host/clock.ts";
import type { Disk } from "#host/disk.ts";
import type { Logger } from "#host/logger.ts";
import type { SnapshotSink } from "#tree/snapshot-stream.ts";
import { type DatadirOptions, type DataFolders, prepareDatadir } from "./datadir.ts";
import { filesOfKind, isTemporaryName, type NamedFile } from "./file-names.ts";
import { isValidSnapshot, readSnapshot, type SnapshotSlice, type SnapshotTrailer } from "./snapshot-reader.ts";
import { readTxnLog, type TxnLogReadResult } from "./txn-log-reader.ts";

const snapshotsTriedMax = 100;

/** The folders hold something that no start can be made from; the message is ZooKeeper's. */
export class RecoveryError extends Error {
  readonly code = "RECOVERY";
  readonly facts: { readonly path: string };
  constructor(message: string, path: string) {
    super(`${message} (${path})`);
    this.facts = { path };
  }
}

export interface LoadedSnapshot {
  readonly path: string;
  /** The zxid of its name: replay begins behind it. */
  readonly zxidHigh: number;
  readonly zxidLow: number;
  readonly trailer: SnapshotTrailer;
}

export interface RecoveryOptions<Sink extends SnapshotSink> extends DatadirOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Whether a log without a snapshot is replayed onto an empty tree: `snapshot.trust.empty`. */
  readonly isEmptySnapshotTrusted: boolean;
  /** Whether an empty database may vote and serve without an `initialize` file: `db.autocreate`. */
  readonly isDbAutocreate: boolean;
  /** What the counter of each epoch begins behind: 0, but for tests. */
  readonly firstCounter?: number;
  /** A fresh, empty sink for each snapshot that is tried. */
  newSink(): Sink;
  /** The slices of a snapshot for it, as scanSnapshot gives them. */
  scan(path: string): AsyncIterable<SnapshotSlice>;
  /** The sink took a whole snapshot; called at most once, before any transaction. */
  onSnapshot(sink: Sink, snapshot: LoadedSnapshot): void;
  /** A transaction to apply, `bytes[start, end)`: TxnHeader, body, digest. Borrowed until it returns. */
  onTxn(bytes: Buffer, start: number, end: number): void;
}

export interface Recovery extends DataFolders {
  /**
   * "restored": from a snapshot. "log-only": onto an empty tree. "empty": there was nothing; snapshot.0 must be written
   * before the first transaction, or the next start is refused. "distrusted": there was nothing and it is not trusted.
   */
  readonly kind: "restored" | "log-only" | "empty" | "distrusted";
  /** The highest zxid restored; -1 when distrusted. */
  readonly lastZxidHigh: number;
  readonly lastZxidLow: number;
  readonly snapshot: LoadedSnapshot | null;
  readonly txnsReplayed: number;
  /** Where a torn log was cut. */
  readonly tornTail: { readonly path: string; readonly offset: number } | null;
  readonly ms: number;
}

/**
 * Restores the state from the data folders, making them if need be.
 * @throws DatadirError, RecoveryError, CorruptionError, DiskError
 */
export async function recover<Sink extends SnapshotSink>(options: RecoveryOptions<Sink>): Promise<Recovery> {
  const startMs = options.clock.monotonicMs();
  const folders = await prepareDatadir(options);
  await removeTemporaryFiles(options, folders.snapshotFolder);
  const { loaded, damaged } = await loadNewestSnapshot(options, folders.snapshotFolder);
  const isInitialize = await takeInitializeFile(options);
  const logs = filesOfKind(folders.logFolder, await options.disk.list(folders.logFolder), "log");
  const base = { ...folders, snapshot: loaded, txnsReplayed: 0, tornTail: null };
  if (loaded === null && logs.length === 0) {
    const isTrusted = isInitialize || options.isDbAutocreate;
    if (!isTrusted) options.logger.warn({}, "Unexpected empty data tree, setting zxid to -1");
    const half = isTrusted ? 0 : -1;
    const ms = options.clock.monotonicMs() - startMs;
    return { ...base, kind: isTrusted ? "empty" : "distrusted", lastZxidHigh: half, lastZxidLow: half, ms };
  }
  if (loaded === null) allowLogOnly(options, folders.logFolder);
  if (loaded !== null && damaged !== null) checkLogReachesBack(logs, loaded, damaged);
  const replayed = await replay(options, folders.logFolder, loaded);
  if (damaged !== null) checkLogReachesDamaged(replayed, damaged);
  return {
    ...base,
    kind: loaded === null ? "log-only" : "restored",
    lastZxidHigh: replayed.lastZxidHigh,
    lastZxidLow: replayed.lastZxidLow,
    txnsReplayed: replayed.recordCount,
    tornTail: replayed.tornTail,
    ms: options.clock.monotonicMs() - startMs,
  };
}

/** What a snapshot that was interrupted left behind. */
async function removeTemporaryFiles(options: { disk: Disk; logger: Logger }, folder: string): Promise<void> {
  for (const name of await options.disk.list(folder)) {
    if (!isTemporaryName(name)) continue;
    await options.disk.remove(`${folder}/${name}`);
    options.logger.info({ file: name }, `Removed ${name}, a snapshot that was never completed`);
  }
}

/** A snapshot that looked complete and could not be read; the newest of them. */
interface DamagedSnapshot {
  readonly file: NamedFile;
  readonly error: CorruptionError | DiskError;
}

async function loadNewestSnapshot<Sink extends SnapshotSink>(
  options: RecoveryOptions<Sink>,
  folder: string,
): Promise<{ loaded: LoadedSnapshot | null; damaged: DamagedSnapshot | null }> {
  const { logger } = options;
  const candidates = await findValidSnapshots(options, folder, snapshotsTriedMax);
  let damaged: DamagedSnapshot | null = null;
  for (const file of candidates) {
    const { path, zxidHigh, zxidLow } = file;
    const sink = options.newSink();
    try {
      logger.info({ path }, `Reading snapshot ${path}`);
      const loaded = { path, zxidHigh, zxidLow, trailer: await readSnapshot(path, options.scan(path), sink) };
      options.onSnapshot(sink, loaded);
      return { loaded, damaged };
    } catch (error) {
      if (!(error instanceof CorruptionError || error instanceof DiskError)) throw error;
      logger.warn({ ...error.facts }, `problem reading snap file ${path}: ${error.message}`);
      // ZooKeeper's unfinished snapshots (*.tmp) may be damaged and owe the log nothing.
      if (damaged === null && !file.name.endsWith(".tmp")) damaged = { file, error };
    }
  }
  if (candidates.length === 0) return { loaded: null, damaged: null };
  throw new RecoveryError("Not able to find valid snapshots in", folder);
}

/** The snapshots that pass the cheap test, newest first, at most `count`. */
export async function findValidSnapshots(
  options: { readonly disk: Disk; readonly logger: Logger },
  folder: string,
  count: number,
): Promise<NamedFile[]> {
  const found: NamedFile[] = [];
  const files = filesOfKind(folder, await options.disk.list(folder), "snapshot").reverse();
  for (const file of files) {
    if (found.length === count) break;
    try {
      if (await isValidSnapshot(options.disk, file.path)) found.push(file);
      else options.logger.info({ path: file.path }, `Invalid snapshot ${file.name}`);
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      options.logger.warn({ ...error.facts }, `invalid snapshot ${file.path}`);
    }
  }
  return found;
}

/** ZooKeeper looks beside the logs only, its own script writes the file beside the snapshots: both count. */
async function takeInitializeFile(options: RecoveryOptions<SnapshotSink>): Promise<boolean> {
  const { disk, logger, dataDir, dataLogDir } = options;
  let isFound = false;
  for (const folder of new Set([dataLogDir, dataDir])) {
    const path = `${folder}/initialize`;
    if ((await disk.stat(path)) === null) continue;
    await disk.remove(path);
    logger.info({ path }, "Initialize file found, an empty database will not block voting participation");
    isFound = true;
  }
  return isFound;
}

function allowLogOnly(options: RecoveryOptions<SnapshotSink>, logFolder: string): void {
  const problem = "No snapshot found, but there are log entries.";
  if (!options.isEmptySnapshotTrusted) throw new RecoveryError(`${problem} Something is broken!`, logFolder);
  options.logger.warn({ path: logFolder }, `${problem} This should only be allowed during upgrading.`);
}

async function replay(
  options: RecoveryOptions<SnapshotSink>,
  logFolder: string,
  loaded: LoadedSnapshot | null,
): Promise<TxnLogReadResult> {
  const { disk, logger, clock } = options;
  const startMs = clock.monotonicMs();
  const result = await readTxnLog({
    disk,
    logger,
    firstCounter: options.firstCounter ?? 0,
    folder: logFolder,
    afterHigh: loaded === null ? -1 : loaded.zxidHigh,
    afterLow: loaded === null ? -1 : loaded.zxidLow,
    onRecord: (bytes, start, end) => options.onTxn(bytes, start, end),
  });
  const ms = clock.monotonicMs() - startMs;
  logger.info({ txns: result.recordCount, ms }, `${result.recordCount} txns loaded in ${Math.round(ms)} ms`);
  if (loaded !== null || result.recordCount > 0) return result;
  return { ...result, lastZxidHigh: 0, lastZxidLow: 0 };
}

/** Some log file must begin at or before the first transaction that the older snapshot lacks. */
function checkLogReachesBack(logs: readonly NamedFile[], loaded: LoadedSnapshot, damaged: DamagedSnapshot): void {
  const { zxidHigh, zxidLow } = loaded;
  const nextLow = (zxidLow + 1) | 0;
  const isReached = logs.some(
    (log) =>
      compareHalves(log.zxidHigh, log.zxidLow, zxidHigh, zxidLow) <= 0 ||
      (log.zxidHigh === zxidHigh && log.zxidLow === nextLow),
  );
  if (isReached) return;
  const missing = `the log from 0x${hexOfHalves(zxidHigh, nextLow)} on is missing`;
  throw notReplaceable(damaged, `${missing}, so the older snapshot ${loaded.path} cannot stand in`);
}

function checkLogReachesDamaged(replayed: TxnLogReadResult, damaged: DamagedSnapshot): void {
  const { zxidHigh, zxidLow } = damaged.file;
  if (compareHalves(replayed.lastZxidHigh, replayed.lastZxidLow, zxidHigh, zxidLow) >= 0) return;
  const last = `0x${hexOfHalves(replayed.lastZxidHigh, replayed.lastZxidLow)}`;
  throw notReplaceable(damaged, `older snapshots and the log reach ${last} only`);
}

function notReplaceable(damaged: DamagedSnapshot, why: string): CorruptionError {
  const offset = damaged.error instanceof CorruptionError ? damaged.error.facts.offset : 0;
  const found = `${damaged.error.message}; ${why}`;
  return new CorruptionError({ path: damaged.file.path, offset, expected: "a readable snapshot", found });
}
