/**
 * Removes what no start needs any more: all snapshots older than the newest N valid ones, and the logs that lie wholly
 * before the oldest of those. A log's name tells where it begins, not where it ends, so the last one that begins at or
 * before the oldest kept snapshot stays too.
 *
 *   logs       1      40     90     130
 *   snapshots     25     60*     100*   140*       kept with N = 3: *, and logs from 40 on
 *
 * Snapshots go before logs: whenever a purge is interrupted, each snapshot that is left still has its log. Only names
 * that are ours are touched; ZooKeeper also removes `log.*` and `snapshot.*` whose rest is no number.
 * Source: PurgeTxnLog.java, DatadirCleanupManager.java.
 */

import { compareHalves } from "#base/zxid.ts";
import type { Disk } from "#host/disk.ts";
import type { Logger } from "#host/logger.ts";
import type { DataFolders } from "./datadir.ts";
import { filesOfKind, type NamedFile } from "./file-names.ts";
import { findValidSnapshots } from "./recovery.ts";

/** Fewer snapshots are never kept. */
const snapshotsKeptMin = 3;

export interface PurgeOptions extends DataFolders {
  readonly disk: Disk;
  readonly logger: Logger;
  /** Valid snapshots to keep: `autopurge.snapRetainCount`. Less than 3 means 3. */
  readonly snapRetainCount: number;
  /** The log file being written, if any: never removed. */
  readonly openLogPath: string | null;
}

/**
 * @returns the paths that were removed.
 * @throws DiskError
 */
export async function purge(options: PurgeOptions): Promise<string[]> {
  const { disk, snapshotFolder, logFolder, openLogPath } = options;
  const count = Math.max(snapshotsKeptMin, options.snapRetainCount);
  const oldestKept = (await findValidSnapshots(options, snapshotFolder, count)).at(-1);
  if (oldestKept === undefined) return [];
  const snapshots = filesOfKind(snapshotFolder, await disk.list(snapshotFolder), "snapshot");
  const logs = filesOfKind(logFolder, await disk.list(logFolder), "log");
  const oldSnapshots = snapshots.filter((file) => compareFiles(file, oldestKept) < 0);
  const needed = logs.findLast((file) => compareFiles(file, oldestKept) <= 0);
  const oldLogs = needed === undefined ? [] : logs.filter((file) => compareFiles(file, needed) < 0);
  const isClosed = (file: NamedFile): boolean => file.path !== openLogPath;
  return [
    ...(await removeAll(options, snapshotFolder, oldSnapshots)),
    ...(await removeAll(options, logFolder, oldLogs.filter(isClosed))),
  ];
}

async function removeAll(options: PurgeOptions, folder: string, files: readonly NamedFile[]): Promise<string[]> {
  const removed: string[] = [];
  for (const { path } of files) {
    await options.disk.remove(path);
    options.logger.info({ path }, `Removing file: ${path}`);
    removed.push(path);
  }
  if (removed.length > 0) await options.disk.syncFolder(folder);
  return removed;
}

function compareFiles(a: NamedFile, b: NamedFile): number {
  return compareHalves(a.zxidHigh, a.zxidLow, b.zxidHigh, b.zxidLow);
}
