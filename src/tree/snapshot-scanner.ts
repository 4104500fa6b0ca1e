/**
 * The first half of reading a snapshot: where each session, ACL list and znode lies, and for a znode what its bytes alone
 * tell: the hash of its path and the two checksums of the tree digest. That is as much work as putting it into
 * the tree, and needs nothing of the tree.
 * Source: SerializeUtils.deserializeSnapshot, DigestCalculator.java.
 */

import { crc32 } from "#base/crc32.ts";
import { MarshallingError, readInt32 } from "#jute/reader.ts";
import { hashOfPath } from "./path-index.ts";
import { lastSlash } from "./path.ts";
import { Row, RowKind, rowWords, type SnapshotScanner } from "./snapshot-stream.ts";

/** What decides over hashes and checksums; the same as for the tree that is to be filled. */
export interface ScannerOptions {
  readonly hashSeed: number;
  readonly digestEnabled: boolean;
}

type Section = "sessionCount" | "sessions" | "aclCount" | "acls" | "znodes" | "done";

const countBytes = 4;
const sessionBytes = 12;
const aclIdBytes = 8;
/** Size of StatPersisted; see {@link checksum} for its fields. */
const statPersistedBytes = 60;

export class TreeSnapshotScanner implements SnapshotScanner {
  readonly #options: ScannerOptions;
  #section: Section = "sessionCount";
  #left = 0;
  count = 0;

  constructor(options: ScannerOptions) {
    this.#options = options;
  }

  get isComplete(): boolean {
    return this.#section === "done";
  }

  scan(bytes: Buffer, start: number, end: number, rows: Int32Array): number {
    const rowsMax = Math.floor(rows.length / rowWords);
    this.count = 0;
    for (let at = start; ;) {
      const next = this.count === rowsMax ? -1 : this.#takeItem(bytes, at, end, rows);
      if (next < 0) return at;
      at = next;
    }
  }

  /** @returns the end of the item, or -1 when it is not all there, or no more is expected. */
  #takeItem(bytes: Buffer, at: number, end: number, rows: Int32Array): number {
    switch (this.#section) {
      case "znodes":
        return this.#takeZnode(bytes, at, end, rows);
      case "sessionCount":
        return this.#takeCount(bytes, at, end, "sessions", "aclCount");
      case "aclCount":
        return this.#takeCount(bytes, at, end, "acls", "znodes");
      case "sessions":
        if (end - at < sessionBytes) return -1;
        this.#addRow(rows, RowKind.session, at);
        if (--this.#left === 0) this.#section = "aclCount";
        return at + sessionBytes;
      case "acls": {
        const next = endOfAclItem(bytes, at, end);
        if (next < 0) return -1;
        const row = this.#addRow(rows, RowKind.acl, at);
        rows[row + Row.dataEnd] = next;
        if (--this.#left === 0) this.#section = "znodes";
        return next;
      }
      case "done":
        return -1;
    }
  }

  #takeCount(bytes: Buffer, at: number, end: number, some: Section, none: Section): number {
    if (end - at < countBytes) return -1;
    this.#left = readInt32(bytes, at);
    this.#section = this.#left > 0 ? some : none;
    return at + countBytes;
  }

  #addRow(rows: Int32Array, kind: number, at: number): number {
    const row = this.count++ * rowWords;
    rows[row + Row.kind] = kind;
    rows[row + Row.start] = at;
    return row;
  }

  #takeZnode(bytes: Buffer, at: number, end: number, rows: Int32Array): number {
    const pathEnd = endOfBuffer(bytes, at, end);
    if (pathEnd < 0) return -1;
    const pathStart = at + 4;
    if (isEndMark(bytes, pathStart, pathEnd)) {
      this.#section = "done";
      return pathEnd;
    }
    const dataEnd = endOfBuffer(bytes, pathEnd, end);
    const statStart = dataEnd + aclIdBytes;
    if (dataEnd < 0 || end - statStart < statPersistedBytes) return -1;
    const { hashSeed, digestEnabled } = this.#options;
    const row = this.#addRow(rows, RowKind.znode, at);
    rows[row + Row.nameStart] = lastSlash(bytes, pathStart, pathEnd) + 1;
    rows[row + Row.pathEnd] = pathEnd;
    rows[row + Row.dataEnd] = dataEnd;
    rows[row + Row.hash] = hashOfPath(hashSeed, bytes, pathStart, pathEnd);
    if (digestEnabled) checksum(bytes, pathStart, pathEnd, dataEnd, statStart, rows, row);
    return statStart + statPersistedBytes;
  }
}

/**
 * Puts the checksums of a znode into its row. The digest wants pzxid, which StatPersisted has last, behind mzxid:
 * czxid mzxid | ctime mtime version cversion aversion ephemeralOwner | pzxid.
 */
function checksum(
  bytes: Buffer,
  pathStart: number,
  pathEnd: number,
  dataEnd: number,
  stat: number,
  rows: Int32Array,
  row: number,
): void {
  const content = crc32(crc32(0, bytes, pathStart, pathEnd), bytes, pathEnd + 4, dataEnd);
  rows[row + Row.contentCrc] = content;
  const zxids = crc32(crc32(content, bytes, stat, stat + 16), bytes, stat + 52, stat + 60);
  rows[row + Row.nodeCrc] = crc32(zxids, bytes, stat + 16, stat + 52);
}

/** End of the jute buffer at `at`, or -1 when it is not all there. @throws MarshallingError on an impossible length. */
function endOfBuffer(bytes: Buffer, at: number, end: number): number {
  if (end - at < 4) return -1;
  const length = readInt32(bytes, at);
  if (length < -1) throw new MarshallingError(`unreasonable length ${length} at offset ${at}`);
  const stop = at + 4 + Math.max(length, 0);
  return stop <= end ? stop : -1;
}

/** The path "/" ends the znodes; the root itself is written as the empty path. */
function isEndMark(bytes: Buffer, pathStart: number, pathEnd: number): boolean {
  return pathEnd - pathStart === 1 && bytes[pathStart] === 0x2f;
}

/** id | count | (perms, scheme, id)*; -1 when it is not all there. */
function endOfAclItem(bytes: Buffer, start: number, end: number): number {
  if (end - start < 12) return -1;
  const count = readInt32(bytes, start + 8);
  let at = start + 12;
  for (let i = 0; i < count; i++) {
    if (end - at < 4) return -1;
    at = endOfBuffer(bytes, at + 4, end);
    if (at < 0) return -1;
    at = endOfBuffer(bytes, at, end);
    if (at < 0) return -1;
  }
  return at;
}
