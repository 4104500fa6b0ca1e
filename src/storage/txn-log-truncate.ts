/**
 * Cuts off the end of the transaction log: what this server has logged and no quorum kept (TRUNC).
 *
 *   snapshots above the zxid    removed first: the next start would load one of them, and with it what was cut off
 *   log files that begin above  removed, the newest first
 *   the file that it lies in    truncated behind its record
 *
 * A crash in between leaves a log that is shorter than it was and no shorter than it shall be; none of what it lost was
 * committed. ZooKeeper leaves the snapshots, and resurrects from them (ZOOKEEPER-1549).
 * Source: FileTxnLog.truncate, FileTxnSnapLog.truncateLog.
 */

import { compareHalves, hexOfHalves } from "#base/zxid.ts";
import type { Disk, DiskFile } from "#host/disk.ts";
import type { Logger } from "#host/logger.ts";
import { zxidInTxnHeader } from "#protocol/txn-header.ts";
import type { DataFolders } from "./datadir.ts";
import { filesOfKind, type NamedFile } from "./file-names.ts";
import { FileWindow } from "./file-window.ts";
import { findValidSnapshots } from "./recovery.ts";
import { datasync, txnLogHeaderBytes } from "./txn-log-file.ts";
import { recordOverheadBytes, recordPrefixBytes } from "./txn-log.ts";

export interface TruncateOptions extends DataFolders {
  readonly disk: Disk;
  readonly logger: Logger;
}

/**
 * Removes everything behind that zxid from log and snapshots, durably. The log must not be open.
 * @returns false, with nothing changed, when no snapshot would be left to start from.
 * @throws DiskError: the server must stop.
 */
export async function truncateTxnLog(options: TruncateOptions, zxidHigh: number, zxidLow: number): Promise<boolean> {
  const { disk, logger, snapshotFolder, logFolder } = options;
  const isAbove = (file: NamedFile): boolean => compareHalves(file.zxidHigh, file.zxidLow, zxidHigh, zxidLow) > 0;
  const valid = await findValidSnapshots(options, snapshotFolder, Number.POSITIVE_INFINITY);
  if (valid.every(isAbove)) return false;
  const zxid = `0x${hexOfHalves(zxidHigh, zxidLow)}`;
  const snapshots = filesOfKind(snapshotFolder, await disk.list(snapshotFolder), "snapshot").filter(isAbove);
  await removeAll(disk, snapshotFolder, snapshots);
  const logs = filesOfKind(logFolder, await disk.list(logFolder), "log");
  await removeAll(disk, logFolder, logs.filter(isAbove).reverse());
  const last = logs.findLast((file) => !isAbove(file));
  const cutAt = last === undefined ? -1 : await truncateFile(disk, last, zxidHigh, zxidLow);
  logger.warn(
    { zxid, file: last?.name, offset: cutAt, snapshotsRemoved: snapshots.length },
    `Truncated the log behind ${zxid}`,
  );
  return true;
}

async function removeAll(disk: Disk, folder: string, files: readonly NamedFile[]): Promise<void> {
  for (const { path } of files) await disk.remove(path);
  if (files.length > 0) await disk.syncFolder(folder);
}

/** @returns where the file was cut, or -1 when it has nothing behind the zxid. */
async function truncateFile(disk: Disk, { path }: NamedFile, zxidHigh: number, zxidLow: number): Promise<number> {
  const file = await disk.open(path, "update");
  try {
    const offset = await offsetBehind(file, zxidHigh, zxidLow);
    if (offset < 0) return -1;
    await file.truncate(offset);
    await datasync(file);
    return offset;
  } finally {
    await file.close();
  }
}

/** Where the first record behind the zxid begins, or -1. */
async function offsetBehind(file: DiskFile, zxidHigh: number, zxidLow: number): Promise<number> {
  const window = new FileWindow(file, await file.sizeBytes());
  if (!(await window.fill(txnLogHeaderBytes))) return -1;
  window.start = txnLogHeaderBytes;
  const neededBytes = recordPrefixBytes + zxidInTxnHeader + 8;
  for (;;) {
    if (window.available < neededBytes && !(await window.fill(neededBytes))) return -1;
    const { bytes, start } = window;
    const length = bytes.readInt32BE(start + 8);
    if (length <= 0) return -1;
    const zxidAt = start + recordPrefixBytes + zxidInTxnHeader;
    if (compareHalves(bytes.readInt32BE(zxidAt), bytes.readInt32BE(zxidAt + 4), zxidHigh, zxidLow) > 0) {
      return window.offset;
    }
    const recordBytes = recordOverheadBytes + length;
    if (recordBytes <= window.available) window.start += recordBytes;
    else window.seek(window.offset + recordBytes);
  }
}
