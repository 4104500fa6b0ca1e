/**
 * A snapshot: sessions, ACLs and every znode, as they were, more or less, when the tree had reached the zxid in the
 * file's name. Replaying the log over it makes it exact.
 *
 *   file     header | body | seal | (digest | seal)? | (last zxid | seal)?
 *   header   "ZKSN" | version int32 = 2 | dbId int64 = -1                        (16 bytes)
 *   body     tree/snapshot-stream.ts
 *   seal     Adler-32 of all bytes before it, int64 | ustring "/"                (13 bytes)
 *   digest   zxid int64 | digest version int32 = 2 | digest int64                (20 bytes)
 *   last     lastProcessedZxid int64                                             (8 bytes)
 *
 * A seal covers the earlier seals too. ZooKeeper decides by its own flags whether the last two sections are there; we
 * look at how many bytes are left, which cannot be mistaken: 0, 33, 21 or 54.
 *
 * A snapshot is written under a name that nobody takes for a snapshot, synced every few megabytes so that the log does
 * not have to wait behind it for long, and renamed when it is complete and durable. So a snapshot.<hex> of ours is whole
 * unless the disk damaged it, and an interrupted one is a file to be removed.
 * Source: FileSnap.java, SnapStream.java, DataTree.serializeZxidDigest.
 */

import { adler32, adler32Start } from "#base/adler32.ts";
import type { Disk, DiskFile } from "#host/disk.ts";
import { JuteWriter } from "#jute/writer.ts";
import type { SnapshotSource } from "#tree/snapshot-stream.ts";
import { snapshotFileName, temporaryNameOf } from "./file-names.ts";
import { compressed, type SnapshotCompression } from "./snapshot-compression.ts";
import { datasync } from "./txn-log-file.ts";

/** "ZKSN". */
export const snapshotMagic = 0x5a4b534e;
const snapshotVersion = 2;
const digestVersion = 2;
export const headerBytes = 16;
export const sealBytes = 13;
export const digestBytes = 20;
export const lastZxidBytes = 8;
/** What a seal ends with: the ustring "/". */
export const sealText: Buffer = Buffer.from([0, 0, 0, 1, 0x2f]);
const sliceBytes = 256 * 1024;
/** Bytes written between two syncs. */
const unsyncedSnapshotBytesMax = 8 << 20;

export interface SnapshotWriteOptions {
  readonly disk: Disk;
  /** The folder of the snapshots, version-2 included. */
  readonly folder: string;
  readonly compression: SnapshotCompression;
  /** Whether to write the digest section: `digest.enabled`. */
  readonly hasDigest: boolean;
  /** Whether to write the last section: `serializeLastProcessedZxid.enabled`. */
  readonly hasLastZxid: boolean;
}

export interface SnapshotWritten {
  readonly path: string;
  readonly sizeBytes: number;
}

/**
 * Writes a snapshot, in slices with other work between them, and gives it its name once it is durable. Closes `source`.
 * @throws DiskError; nothing is left behind then, as far as the disk still allows that.
 */
export async function writeSnapshot(source: SnapshotSource, options: SnapshotWriteOptions): Promise<SnapshotWritten> {
  const { disk, folder, compression } = options;
  const name = snapshotFileName(source.zxidHigh, source.zxidLow, compression);
  const path = `${folder}/${name}`;
  const temporaryPath = `${folder}/${temporaryNameOf(name)}`;
  try {
    const sizeBytes = await writeStream(source, temporaryPath, options);
    await disk.rename(temporaryPath, path);
    await disk.syncFolder(folder);
    return { path, sizeBytes };
  } catch (error) {
    await disk.remove(temporaryPath).catch(() => {});
    throw error;
  } finally {
    source.close();
  }
}

async function writeStream(source: SnapshotSource, path: string, options: SnapshotWriteOptions): Promise<number> {
  const file = await options.disk.open(path, "create");
  try {
    let position = 0;
    let unsyncedBytes = 0;
    for await (const chunk of compressed(slicesOf(source, options), options.compression)) {
      await write(file, chunk, position);
      position += chunk.length;
      unsyncedBytes += chunk.length;
      if (unsyncedBytes < unsyncedSnapshotBytesMax) continue;
      await datasync(file);
      unsyncedBytes = 0;
    }
    await datasync(file);
    return position;
  } finally {
    await file.close();
  }
}

/** The uncompressed stream; each slice is borrowed until the next is asked for. */
async function* slicesOf(source: SnapshotSource, options: SnapshotWriteOptions): AsyncGenerator<Buffer> {
  const out = new JuteWriter(sliceBytes * 2);
  let sum = adler32Start;
  let isComplete = false;
  out.writeInt(snapshotMagic);
  out.writeInt(snapshotVersion);
  out.writeLong(-1, -1);
  while (!isComplete) {
    isComplete = source.writeSome(out, sliceBytes);
    sum = adler32(sum, out.bytes, 0, out.length);
    if (isComplete) writeTrailer(out, sum, source, options);
    yield out.bytes.subarray(0, out.length);
    out.length = 0;
  }
}

/** Appends the seals and the sections between them; `sum` covers all that is in the stream so far. */
function writeTrailer(out: JuteWriter, sum: number, source: SnapshotSource, options: SnapshotWriteOptions): void {
  const { zxidHigh, zxidLow, digestHigh, digestLow } = source.finalState();
  let sealed = writeSeal(out, sum);
  if (options.hasDigest) {
    const at = out.length;
    const isKnown = zxidHigh !== 0 || zxidLow !== 0;
    out.writeLong(zxidHigh, zxidLow);
    out.writeInt(digestVersion);
    out.writeLong(isKnown ? digestHigh : 0, isKnown ? digestLow : 0);
    sealed = writeSeal(out, adler32(sealed, out.bytes, at, out.length));
  }
  if (options.hasLastZxid) {
    const at = out.length;
    out.writeLong(zxidHigh, zxidLow);
    writeSeal(out, adler32(sealed, out.bytes, at, out.length));
  }
}

/** @returns the checksum continued over the seal itself. */
function writeSeal(out: JuteWriter, sum: number): number {
  const at = out.length;
  out.writeLong(0, sum);
  out.writeRaw(sealText, 0, sealText.length);
  return adler32(sum, out.bytes, at, out.length);
}

function write(file: DiskFile, bytes: Buffer, position: number): Promise<void> {
  return new Promise((resolve, reject) => {
    file.write(bytes, position, (error) => (error === null ? resolve() : reject(error)));
  });
}
