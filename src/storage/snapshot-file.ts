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
import { CorruptionError } from "#base/errors.ts";
import type { Disk, DiskFile } from "#host/disk.ts";
import { MarshallingError } from "#jute/reader.ts";
import { JuteWriter } from "#jute/writer.ts";
import type { SnapshotSink, SnapshotSource } from "#tree/snapshot-stream.ts";
import { compressionOfName, parseFileName, snapshotFileName, temporaryNameOf } from "./file-names.ts";
import { chunkBytes } from "./file-window.ts";
import {
  CompressionError,
  compressed,
  expanded,
  gzipMagic,
  snappyMagic,
  type SnapshotCompression,
} from "./snapshot-compression.ts";
import { datasync } from "./txn-log-file.ts";

/** "ZKSN". */
const snapshotMagic = 0x5a4b534e;
const snapshotVersion = 2;
const digestVersion = 2;
const headerBytes = 16;
const sealBytes = 13;
const digestBytes = 20;
const lastZxidBytes = 8;
const trailerBytesMax = 3 * sealBytes + digestBytes + lastZxidBytes;
const sliceBytes = 256 * 1024;
/** Bytes written between two syncs. */
const unsyncedSnapshotBytesMax = 8 << 20;
const sealText = Buffer.from([0, 0, 0, 1, 0x2f]);

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

/** What the sections behind the body say; null where there is none. */
export interface SnapshotTrailer {
  /** The tree's digest after the transaction with this zxid; zxid 0 means that no digest is known. */
  readonly digest: {
    readonly zxidHigh: number;
    readonly zxidLow: number;
    readonly version: number;
    readonly digestHigh: number;
    readonly digestLow: number;
  } | null;
  readonly lastZxid: { readonly zxidHigh: number; readonly zxidLow: number } | null;
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

/**
 * Reads a snapshot into `sink`, in slices, and verifies every seal.
 * @throws CorruptionError, with an offset in the uncompressed stream. The sink is then to be thrown away.
 */
export async function readSnapshot(disk: Disk, path: string, sink: SnapshotSink): Promise<SnapshotTrailer> {
  const file = await disk.open(path, "read");
  const reading = new SnapshotReading(path, sink);
  try {
    for await (const chunk of expanded(chunksOf(file), compressionOfName(path))) reading.take(chunk);
    return reading.finish();
  } catch (error) {
    if (error instanceof MarshallingError || error instanceof CompressionError) {
      throw reading.corruption("a snapshot", error.message);
    }
    throw error;
  } finally {
    await file.close();
  }
}

/** The file's bytes; while a chunk is digested the next one is read. A chunk is borrowed until the next is asked for. */
async function* chunksOf(file: DiskFile): AsyncGenerator<Buffer> {
  let current = Buffer.allocUnsafeSlow(chunkBytes);
  let other = Buffer.allocUnsafeSlow(chunkBytes);
  let position = 0;
  let reading = file.read(current, 0, chunkBytes, position);
  for (;;) {
    const count = await reading;
    if (count === 0) return;
    position += count;
    reading = file.read(other, 0, chunkBytes, position);
    // Whoever stops asking leaves a read behind, whose failure then concerns nobody.
    reading.catch(() => {});
    yield current.subarray(0, count);
    [current, other] = [other, current];
  }
}

class SnapshotReading {
  readonly #path: string;
  readonly #sink: SnapshotSink;
  /** Bytes not taken by the sink yet: `#bytes[0, #length)`. */
  #bytes: Buffer = Buffer.allocUnsafeSlow(chunkBytes * 2);
  #length = 0;
  /** Offset in the stream of the first of them, and the checksum of all before it. */
  #offset = 0;
  #sum = adler32Start;

  constructor(path: string, sink: SnapshotSink) {
    this.#path = path;
    this.#sink = sink;
  }

  take(chunk: Buffer): void {
    this.#append(chunk);
    if (this.#offset === 0) {
      if (this.#length < headerBytes) return;
      this.#checkHeader();
      this.#advance(headerBytes);
    }
    if (!this.#sink.isComplete) this.#advance(this.#sink.readSome(this.#bytes, 0, this.#length));
    if (this.#sink.isComplete && this.#length > trailerBytesMax) {
      throw this.corruption(`at most ${trailerBytesMax} bytes behind the end mark`, `${this.#length} and more`);
    }
  }

  finish(): SnapshotTrailer {
    if (!this.#sink.isComplete) throw this.corruption("the rest of the snapshot", "the end of the file");
    const bodyEnd = this.#offset;
    const left = this.#length - sealBytes;
    this.#takeSeal();
    const hasDigest = left === digestBytes + sealBytes || left === digestBytes + lastZxidBytes + 2 * sealBytes;
    const hasLastZxid = left === lastZxidBytes + sealBytes || left === digestBytes + lastZxidBytes + 2 * sealBytes;
    if (left !== 0 && !hasDigest && !hasLastZxid) {
      throw this.corruption("0, 21, 33 or 54 bytes behind the seal", `${left} (body ends at ${bodyEnd})`);
    }
    const digest = hasDigest ? this.#takeDigest() : null;
    const lastZxid = hasLastZxid ? this.#takeLastZxid() : null;
    return { digest, lastZxid };
  }

  corruption(expected: string, found: string): CorruptionError {
    return new CorruptionError({ path: this.#path, offset: this.#offset, expected, found });
  }

  #append(chunk: Buffer): void {
    const needed = this.#length + chunk.length;
    if (needed > this.#bytes.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.#bytes.length * 2));
      this.#bytes.copy(grown, 0, 0, this.#length);
      this.#bytes = grown;
    }
    chunk.copy(this.#bytes, this.#length);
    this.#length = needed;
  }

  /** Drops the first `count` bytes from the window, into the checksum. */
  #advance(count: number): void {
    this.#sum = adler32(this.#sum, this.#bytes, 0, count);
    this.#bytes.copyWithin(0, count, this.#length);
    this.#length -= count;
    this.#offset += count;
  }

  #checkHeader(): void {
    const magic = this.#bytes.readInt32BE(0);
    if (magic === snapshotMagic) return;
    throw this.corruption("a snapshot header with ZKSN", `0x${this.#bytes.toString("hex", 0, 4)}`);
  }

  #takeSeal(): void {
    if (this.#length < sealBytes) throw this.corruption("a seal of 13 bytes", `${this.#length} bytes`);
    const found = this.#bytes.toString("hex", 0, sealBytes);
    const expected = `00000000${this.#sum.toString(16).padStart(8, "0")}${sealText.toString("hex")}`;
    if (found !== expected) throw this.corruption(`the seal ${expected}`, found);
    this.#advance(sealBytes);
  }

  #takeDigest(): SnapshotTrailer["digest"] {
    const bytes = this.#bytes;
    const digest = {
      zxidHigh: bytes.readInt32BE(0),
      zxidLow: bytes.readInt32BE(4),
      version: bytes.readInt32BE(8),
      digestHigh: bytes.readInt32BE(12),
      digestLow: bytes.readInt32BE(16),
    };
    this.#advance(digestBytes);
    this.#takeSeal();
    return digest;
  }

  #takeLastZxid(): SnapshotTrailer["lastZxid"] {
    const lastZxid = { zxidHigh: this.#bytes.readInt32BE(0), zxidLow: this.#bytes.readInt32BE(4) };
    this.#advance(lastZxidBytes);
    this.#takeSeal();
    return lastZxid;
  }
}

/**
 * ZooKeeper's cheap test: does the file begin, or end, like a complete snapshot? Only loading it finds real damage.
 */
export async function isValidSnapshot(disk: Disk, path: string): Promise<boolean> {
  const name = path.slice(path.lastIndexOf("/") + 1);
  if (parseFileName(name, "snapshot") === null) return false;
  const file = await disk.open(path, "read");
  try {
    const compression = compressionOfName(name);
    switch (compression) {
      case "gz":
        return await hasBytesAt(file, 0, gzipMagic);
      case "snappy":
        return await hasBytesAt(file, 0, snappyMagic);
      case "none": {
        const sizeBytes = await file.sizeBytes();
        return sizeBytes >= 10 && (await hasBytesAt(file, sizeBytes - sealText.length, sealText));
      }
      default:
        return compression satisfies never;
    }
  } finally {
    await file.close();
  }
}

async function hasBytesAt(file: DiskFile, position: number, expected: Buffer): Promise<boolean> {
  const found = Buffer.alloc(expected.length);
  const count = await file.read(found, 0, found.length, position);
  return count === expected.length && found.equals(expected);
}
