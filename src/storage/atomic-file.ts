/**
 * Small files that are replaced as a whole: the new content is written under another name, synced, and renamed. Whoever reads
 * the file, after whatever crash, finds the old content or the new one.
 * Source: AtomicFileWritingIdiom.java, AtomicFileOutputStream.java.
 */

import type { Disk } from "#host/disk.ts";
import { datasync } from "./txn-log-file.ts";

/** As ZooKeeper names a file on its way (AtomicFileOutputStream.TMP_EXTENSION). */
const temporaryExtension = ".tmp";

/** Puts the content of a file under its temporary name, durably but for the name. @throws DiskError */
export async function writeTemporary(disk: Disk, path: string, bytes: Uint8Array): Promise<void> {
  const file = await disk.open(path + temporaryExtension, "create");
  try {
    await new Promise<void>((resolve, reject) => {
      file.write(bytes, 0, (error) => (error === null ? resolve() : reject(error)));
    });
    await datasync(file);
  } finally {
    await file.close();
  }
}

/** Gives the file its name, durably. @throws DiskError */
export async function renameTemporary(disk: Disk, path: string): Promise<void> {
  await disk.rename(path + temporaryExtension, path);
  await disk.syncFolder(folderOf(path));
}

/** Replaces the content of a file, durably. @throws DiskError */
export async function writeAtomically(disk: Disk, path: string, bytes: Uint8Array): Promise<void> {
  await writeTemporary(disk, path, bytes);
  await renameTemporary(disk, path);
}

/** Takes a file away, durably, if it is there. @throws DiskError */
export async function removeIfThere(disk: Disk, path: string): Promise<void> {
  if ((await disk.stat(path)) === null) return;
  await disk.remove(path);
  await disk.syncFolder(folderOf(path));
}

/** The content of a small file; `bytesMax` of it at most, where nobody knows what has become of it. @throws DiskError */
export async function readWhole(
  disk: Disk,
  path: string,
  bytesMax: number = Number.POSITIVE_INFINITY,
): Promise<Buffer> {
  const file = await disk.open(path, "read");
  try {
    const bytes = Buffer.alloc(Math.min(await file.sizeBytes(), bytesMax));
    let length = 0;
    for (let count = -1; count !== 0 && length < bytes.length; length += count) {
      count = await file.read(bytes, length, bytes.length - length, length);
    }
    return bytes.subarray(0, length);
  } finally {
    await file.close();
  }
}

function folderOf(path: string): string {
  const slash = path.lastIndexOf("/");
  return slash < 0 ? "." : path.slice(0, Math.max(slash, 1));
}
