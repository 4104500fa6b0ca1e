/**
 * Compressed snapshots: the whole stream, header and seals included, goes through one of
 *
 *   none     as it is
 *   gz       one gzip member
 *   snappy   82 "SNAPPY" 00 | int 1 | int 1 | (int blockBytes | raw snappy block)*      (xerial's framing)
 *
 * A snappy block holds at most 32 KiB of the stream when we or ZooKeeper write it. snappy-java's reader also accepts a
 * second header where a block length should be (files that were joined), and so do we. Verified both ways against
 * snappy-java 1.1.10.5, which ZooKeeper 3.9.5 uses.
 * Source: SnapStream.java; org.xerial.snappy.SnappyOutputStream.
 */

import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip, createGzip, type Gunzip, type Gzip } from "node:zlib";
import { errorCode } from "#base/errors.ts";
import { compress as compressBlock } from "snappyjs";
import { expandSnappyBlock } from "./snappy-block.ts";

/** The bytes are not of the format that the file's name promises. */
export class CompressionError extends Error {
  readonly code = "COMPRESSION";
}

export type SnapshotCompression = "none" | "gz" | "snappy";

export const gzipMagic: Buffer = Buffer.from([0x1f, 0x8b]);
export const snappyMagic: Buffer = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0]);

const zlibChunkBytes = 64 * 1024;
const snappyHeaderBytes = 16;
const snappyBlockBytes = 32 * 1024;
/** snappy-java lets a writer choose blocks up to this size. */
const snappyBlockBytesMax = 32 * 1024 * 1024;

/** Compresses a stream of borrowed slices; a slice given out is borrowed until the next is asked for. */
export function compressed(slices: AsyncIterable<Buffer>, method: SnapshotCompression): AsyncIterable<Buffer> {
  switch (method) {
    case "none":
      return slices;
    case "gz":
      return through(copies(slices), createGzip({ chunkSize: zlibChunkBytes }));
    case "snappy":
      return snappyBlocks(slices);
    default:
      return method satisfies never;
  }
}

/**
 * Expands a stream that {@link compressed} or ZooKeeper wrote.
 * @throws CompressionError from the iteration.
 */
export function expanded(chunks: AsyncIterable<Buffer>, method: SnapshotCompression): AsyncIterable<Buffer> {
  switch (method) {
    case "none":
      return chunks;
    case "gz":
      return through(copies(chunks), createGunzip({ chunkSize: zlibChunkBytes }));
    case "snappy":
      return snappyExpanded(chunks);
    default:
      return method satisfies never;
  }
}

async function* through(input: AsyncIterable<Buffer>, transform: Gzip | Gunzip): AsyncIterable<Buffer> {
  const finished = pipeline(Readable.from(input), transform);
  // The iteration below ends with the same error; unobserved, this one would end the process.
  finished.catch(() => {});
  try {
    for await (const chunk of transform) yield chunk as Buffer;
    await finished;
  } catch (error) {
    throw isZlibError(error) ? new CompressionError(error.message, { cause: error }) : error;
  }
}

function isZlibError(error: unknown): error is Error {
  return error instanceof Error && errorCode(error).startsWith("Z_");
}

/** zlib works on another thread and is fed ahead, so that it needs slices of its own. */
async function* copies(slices: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
  for await (const slice of slices) yield Buffer.from(slice);
}

async function* snappyBlocks(slices: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
  const header = Buffer.alloc(snappyHeaderBytes);
  snappyMagic.copy(header);
  header.writeInt32BE(1, 8);
  header.writeInt32BE(1, 12);
  yield header;
  for await (const slice of slices) {
    const parts: Buffer[] = [];
    for (let at = 0; at < slice.length; at += snappyBlockBytes) {
      const block = compressBlock(slice.subarray(at, at + snappyBlockBytes));
      const prefix = Buffer.alloc(4);
      prefix.writeInt32BE(block.length);
      parts.push(prefix, block);
    }
    yield Buffer.concat(parts);
  }
}

async function* snappyExpanded(chunks: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
  let rest: Buffer = Buffer.alloc(0);
  let isHeaderDue = true;
  for await (const chunk of chunks) {
    rest = rest.length === 0 ? Buffer.from(chunk) : Buffer.concat([rest, chunk]);
    const parts: Buffer[] = [];
    let at = 0;
    for (;;) {
      const available = rest.length - at;
      const isHeader = isHeaderDue || (available >= 4 && rest.readInt32BE(at) === snappyMagic.readInt32BE(0));
      if (isHeader) {
        if (available < snappyHeaderBytes) break;
        checkSnappyHeader(rest, at);
        isHeaderDue = false;
        at += snappyHeaderBytes;
        continue;
      }
      if (available < 4) break;
      const blockBytes = rest.readInt32BE(at);
      if (blockBytes < 0 || blockBytes > snappyBlockBytesMax * 2)
        throw new CompressionError(`snappy block of ${blockBytes} bytes`);
      if (available < 4 + blockBytes) break;
      parts.push(expandedBlock(rest.subarray(at + 4, at + 4 + blockBytes)));
      at += 4 + blockBytes;
    }
    rest = rest.subarray(at);
    if (parts.length > 0) yield Buffer.concat(parts);
  }
  if (isHeaderDue || rest.length > 0) throw new CompressionError("snappy stream ends within a block");
}

function expandedBlock(block: Buffer): Buffer {
  try {
    return expandSnappyBlock(block, snappyBlockBytesMax);
  } catch (cause) {
    throw new CompressionError("not a snappy block", { cause });
  }
}

function checkSnappyHeader(bytes: Buffer, at: number): void {
  if (snappyMagic.compare(bytes, at, at + snappyMagic.length) !== 0) throw new CompressionError("not a snappy stream");
}
