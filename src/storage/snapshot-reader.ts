/**
 * Reading a snapshot (snapshot-file.ts has the format): the file's bytes are expanded, summed and cut into slices whose
 * items have been found, and whoever asks for the slices makes state of them.
 *
 *   file -> expanded chunks -> a window -> scanner -> slice { bytes, rows } -> sink
 *                                 `--- the rest, moved to the memory of the next slice
 *
 * All that is before the sink needs the file only, and may run on another thread (snapshot-thread.ts).
 * Source: FileSnap.deserialize, SnapStream.java.
 */

import { adler32, adler32Start } from "#base/adler32.ts";
import { CorruptionError } from "#base/errors.ts";
import type { Disk, DiskFile } from "#host/disk.ts";
import { MarshallingError } from "#jute/reader.ts";
import { rowWords, type SnapshotScanner, type SnapshotSink } from "#tree/snapshot-stream.ts";
import { compressionOfName, parseFileName } from "./file-names.ts";
import { chunkBytes } from "./file-window.ts";
import { CompressionError, expanded, gzipMagic, snappyMagic } from "./snapshot-compression.ts";
import { digestBytes, headerBytes, lastZxidBytes, sealBytes, sealText, snapshotMagic } from "./snapshot-file.ts";

const trailerBytesMax = 3 * sealBytes + digestBytes + lastZxidBytes;
/** Bytes gathered before they are scanned; some milliseconds of work for the sink. */
const sliceBytes = 2 * chunkBytes;
const rowsPerSlice = 8192;

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

/** A run of whole items. Borrowed until the next is asked for. */
export interface SnapshotSlice {
  readonly bytes: Buffer;
  /** The rows that a scanner made of `bytes`, and how many there are. */
  readonly rows: Int32Array;
  readonly count: number;
  /** Where `bytes` begin in the uncompressed stream. */
  readonly offset: number;
  /** With the last slice, when every seal has been verified; null before. */
  readonly trailer: SnapshotTrailer | null;
}

/** Where a slice lies. `bytes` is replaced by more when an item does not fit. */
export interface SliceMemory {
  bytes: Buffer;
  readonly rows: Int32Array;
}

/** Gives the memory of the slices. */
export interface SliceMemorySource {
  /** Memory that nobody reads any more. */
  next(): SliceMemory | Promise<SliceMemory>;
  allocate(sizeBytes: number): Buffer;
}

/** @param allocate gives zeroed or unzeroed memory of that size, in bytes. */
export function newSliceMemory(allocate: (sizeBytes: number) => Buffer): SliceMemory {
  const { buffer, byteOffset } = allocate(rowsPerSlice * rowWords * 4);
  return { bytes: allocate(2 * sliceBytes), rows: new Int32Array(buffer, byteOffset, rowsPerSlice * rowWords) };
}

/** Two memories in turn: while one is used the other takes what was left over. */
function ownMemory(): SliceMemorySource {
  const memories = [newSliceMemory(allocateOwn), newSliceMemory(allocateOwn)] as const;
  let turn = 0;
  return { next: () => memories[(turn ^= 1) as 0 | 1], allocate: allocateOwn };
}

function allocateOwn(sizeBytes: number): Buffer {
  return Buffer.allocUnsafeSlow(sizeBytes);
}

/**
 * The slices of a snapshot file, the last of which has the trailer.
 * @throws CorruptionError, with an offset in the uncompressed stream; DiskError
 */
export async function* scanSnapshot(
  disk: Disk,
  path: string,
  scanner: SnapshotScanner,
  source: SliceMemorySource = ownMemory(),
): AsyncGenerator<SnapshotSlice> {
  const file = await disk.open(path, "read");
  const scan = new SnapshotScan(path, scanner, source, await source.next());
  try {
    for await (const chunk of expanded(chunksOf(file), compressionOfName(path))) {
      scan.append(chunk);
      if (scan.length >= sliceBytes) yield* wholeSlices(scan, source);
    }
    yield* wholeSlices(scan, source);
    yield scan.finish();
  } catch (error) {
    if (error instanceof MarshallingError || error instanceof CompressionError) {
      throw scan.corruption("a snapshot", error.message);
    }
    throw error;
  } finally {
    await file.close();
  }
}

async function* wholeSlices(scan: SnapshotScan, source: SliceMemorySource): AsyncGenerator<SnapshotSlice> {
  for (let slice = scan.cut(); slice !== null; slice = scan.cut()) {
    yield slice;
    scan.moveOn(await source.next());
  }
}

/**
 * Fills `sink` from the slices of the snapshot at `path`.
 * @throws CorruptionError, and what the slices throw. The sink is then to be thrown away.
 */
export async function readSnapshot(
  path: string,
  slices: AsyncIterable<SnapshotSlice>,
  sink: SnapshotSink,
): Promise<SnapshotTrailer> {
  for await (const { bytes, rows, count, offset, trailer } of slices) {
    try {
      sink.take(bytes, rows, count);
    } catch (error) {
      if (!(error instanceof MarshallingError)) throw error;
      throw new CorruptionError({ path, offset, expected: "a snapshot", found: error.message });
    }
    if (trailer !== null) return trailer;
  }
  throw new CorruptionError({ path, offset: 0, expected: "a snapshot", found: "no last slice" });
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

class SnapshotScan {
  readonly #path: string;
  readonly #scanner: SnapshotScanner;
  readonly #source: SliceMemorySource;
  /** Bytes not given out yet: the first `length` of the memory. */
  #memory: SliceMemory;
  length = 0;
  /** How many of them the last slice has. */
  #taken = 0;
  /** Offset in the stream of the first of them, and the checksum of all before it. */
  #offset = 0;
  #sum = adler32Start;

  constructor(path: string, scanner: SnapshotScanner, source: SliceMemorySource, memory: SliceMemory) {
    this.#path = path;
    this.#scanner = scanner;
    this.#source = source;
    this.#memory = memory;
  }

  append(chunk: Buffer): void {
    const memory = this.#memory;
    const needed = this.length + chunk.length;
    if (needed > memory.bytes.length) {
      const grown = this.#source.allocate(Math.max(needed, memory.bytes.length * 2));
      memory.bytes.copy(grown, 0, 0, this.length);
      memory.bytes = grown;
    }
    chunk.copy(memory.bytes, this.length);
    this.length = needed;
  }

  /** The items that are there, or null when there is not a whole one; {@link moveOn} before the next call. */
  cut(): SnapshotSlice | null {
    const { bytes, rows } = this.#memory;
    const scanner = this.#scanner;
    let start = 0;
    if (this.#offset === 0) {
      if (this.length < headerBytes) return null;
      this.#checkHeader();
      start = headerBytes;
    }
    this.#taken = scanner.scan(bytes, start, this.length, rows);
    if (scanner.isComplete && this.length - this.#taken > trailerBytesMax) {
      const found = `${this.length - this.#taken} and more`;
      throw this.corruption(`at most ${trailerBytesMax} bytes behind the end mark`, found);
    }
    if (this.#taken === 0) return null;
    return { bytes, rows, count: scanner.count, offset: this.#offset, trailer: null };
  }

  /** Leaves the slice that was cut to its reader and takes what is behind it to `memory`. */
  moveOn(memory: SliceMemory): void {
    const { bytes } = this.#memory;
    const rest = bytes.subarray(this.#taken, this.length);
    this.#sumUp(0, this.#taken);
    this.#memory = memory;
    this.length = 0;
    this.append(rest);
  }

  /** The last slice: what is left must be the seals, and the sections that are there. */
  finish(): SnapshotSlice {
    if (!this.#scanner.isComplete) throw this.corruption("the rest of the snapshot", "the end of the file");
    const { bytes, rows } = this.#memory;
    const offset = this.#offset;
    const left = this.length - sealBytes;
    this.#takeSeal(0);
    const hasDigest = left === digestBytes + sealBytes || left === digestBytes + lastZxidBytes + 2 * sealBytes;
    const hasLastZxid = left === lastZxidBytes + sealBytes || left === digestBytes + lastZxidBytes + 2 * sealBytes;
    if (left !== 0 && !hasDigest && !hasLastZxid) {
      throw this.corruption("0, 21, 33 or 54 bytes behind the seal", `${left} (body ends at ${offset})`);
    }
    const digest = hasDigest ? this.#takeDigest(sealBytes) : null;
    const lastZxid = hasLastZxid ? this.#takeLastZxid(this.length - lastZxidBytes - sealBytes) : null;
    return { bytes, rows, count: 0, offset, trailer: { digest, lastZxid } };
  }

  corruption(expected: string, found: string): CorruptionError {
    return new CorruptionError({ path: this.#path, offset: this.#offset, expected, found });
  }

  #sumUp(from: number, count: number): void {
    this.#sum = adler32(this.#sum, this.#memory.bytes, from, from + count);
    this.#offset += count;
  }

  #checkHeader(): void {
    const { bytes } = this.#memory;
    if (bytes.readInt32BE(0) === snapshotMagic) return;
    throw this.corruption("a snapshot header with ZKSN", `0x${bytes.toString("hex", 0, 4)}`);
  }

  #takeSeal(at: number): void {
    const { bytes } = this.#memory;
    if (this.length - at < sealBytes) throw this.corruption("a seal of 13 bytes", `${this.length - at} bytes`);
    const found = bytes.toString("hex", at, at + sealBytes);
    const expected = `00000000${this.#sum.toString(16).padStart(8, "0")}${sealText.toString("hex")}`;
    if (found !== expected) throw this.corruption(`the seal ${expected}`, found);
    this.#sumUp(at, sealBytes);
  }

  #takeDigest(at: number): SnapshotTrailer["digest"] {
    const { bytes } = this.#memory;
    const digest = {
      zxidHigh: bytes.readInt32BE(at),
      zxidLow: bytes.readInt32BE(at + 4),
      version: bytes.readInt32BE(at + 8),
      digestHigh: bytes.readInt32BE(at + 12),
      digestLow: bytes.readInt32BE(at + 16),
    };
    this.#sumUp(at, digestBytes);
    this.#takeSeal(at + digestBytes);
    return digest;
  }

  #takeLastZxid(at: number): SnapshotTrailer["lastZxid"] {
    const { bytes } = this.#memory;
    const lastZxid = { zxidHigh: bytes.readInt32BE(at), zxidLow: bytes.readInt32BE(at + 4) };
    this.#sumUp(at, lastZxidBytes);
    this.#takeSeal(at + lastZxidBytes);
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
