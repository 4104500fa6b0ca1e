/**
 * Makes checksums of changed files right again. A disk does not change bytes and their checksum alike, but a bug in whoever wrote
 * them does, and without this nothing behind the first checksum would ever be tried.
 *
 *   log        header | (checksum int64 | length int32 | payload | 0x42)*
 *   snapshot   header | body | seal | (digest | seal)? | (zxid | seal)?
 */

import { adler32, adler32Start } from "#base/adler32.ts";
import { crc32 } from "#base/crc32.ts";
import { MarshallingError } from "#jute/reader.ts";
import { TreeSnapshotScanner } from "#tree/snapshot-scanner.ts";
import { rowWords } from "#tree/snapshot-stream.ts";

const logHeader = Buffer.from("5a4b4c47000000020000000000000000", "hex");
const zxidInPayload = 12;
const snapshotHeader = Buffer.from("5a4b534e00000002ffffffffffffffff", "hex");
const seal = Buffer.from("0000000000000000000000012f", "hex");
const digestBytes = 20;
const lastZxidBytes = 8;

/** A log whose records are whole, as far as their lengths lead; every second time their zxids count on by one, too. */
export function repairLog(input: Buffer): Buffer {
  const bytes = Buffer.from(input);
  logHeader.copy(bytes);
  const isCounted = crc32(0, input, 0, input.length) % 2 === 0;
  let last: bigint | null = null;
  for (let at = logHeader.length; at + 13 <= bytes.length;) {
    const length = bytes.readInt32BE(at + 8);
    const start = at + 12;
    const end = start + length;
    if (length <= 0 || end >= bytes.length) break;
    if (length >= zxidInPayload + 8) {
      const zxid = bytes.readBigInt64BE(start + zxidInPayload);
      const next: bigint = isCounted && last !== null ? last + 1n : zxid;
      bytes.writeBigInt64BE(BigInt.asIntN(64, next), start + zxidInPayload);
      last = next;
    }
    bytes.writeInt32BE(0, at);
    bytes.writeUInt32BE(adler32(adler32Start, bytes, start, end), at + 4);
    bytes[end] = 0x42;
    at = end + 1;
  }
  return bytes;
}

/** A snapshot whose seals are right, if its body has an end. */
export function repairSnapshot(input: Buffer): Buffer {
  const bytes = Buffer.from(input);
  snapshotHeader.copy(bytes);
  const end = endOfBody(bytes, snapshotHeader.length);
  if (end < 0) return bytes;
  const left = bytes.length - end - seal.length;
  const parts = [bytes.subarray(0, end)];
  addSeal(parts);
  let at = end + seal.length;
  if (left >= digestBytes + seal.length) {
    parts.push(bytes.subarray(at, at + digestBytes));
    addSeal(parts);
    at += digestBytes + seal.length;
  }
  if (bytes.length - at >= lastZxidBytes + seal.length) {
    parts.push(bytes.subarray(at, at + lastZxidBytes));
    addSeal(parts);
  }
  return Buffer.concat(parts);
}

function addSeal(parts: Buffer[]): void {
  const before = Buffer.concat(parts);
  const next = Buffer.from(seal);
  next.writeUInt32BE(adler32(adler32Start, before, 0, before.length), 4);
  parts.push(next);
}

/** @returns where the body ends, or -1. */
function endOfBody(bytes: Buffer, start: number): number {
  const scanner = new TreeSnapshotScanner({ hashSeed: 0, digestEnabled: false });
  const rows = new Int32Array(64 * rowWords);
  try {
    for (let at = start; ;) {
      const next = scanner.scan(bytes, at, bytes.length, rows);
      if (scanner.isComplete) return next;
      if (next === at) return -1;
      at = next;
    }
  } catch (error) {
    if (error instanceof MarshallingError) return -1;
    throw error;
  }
}
