/**
 * Fills an empty tree from the body of a snapshot, in whatever pieces it comes (snapshot-stream.ts). Each znode is
 * found a place under its parent, which comes before it; a path that comes twice, as a fuzzy snapshot of another
 * server may have it, counts as it came last.
 * Source: SerializeUtils.deserializeSnapshot, DataTree.deserialize.
 */

import { JuteReader, MarshallingError, readInt32 } from "#jute/reader.ts";
import { skipAclList } from "./apply-txn.ts";
import type { DataTree } from "./data-tree.ts";
import type { SnapshotSink } from "./snapshot-stream.ts";

/** Told about every session of the table. */
export type SessionRestorer = (idHigh: number, idLow: number, timeoutMs: number) => void;

type Section = "sessionCount" | "sessions" | "aclCount" | "acls" | "znodes" | "done";

const statPersistedBytes = 60;

export class TreeSnapshotSink implements SnapshotSink {
  readonly #tree: DataTree;
  readonly #onSession: SessionRestorer;
  readonly #reader = new JuteReader(Buffer.alloc(0));
  #section: Section = "sessionCount";
  #left = 0;

  constructor(tree: DataTree, onSession: SessionRestorer) {
    this.#tree = tree;
    this.#onSession = onSession;
  }

  get isComplete(): boolean {
    return this.#section === "done";
  }

  readSome(bytes: Buffer, start: number, end: number): number {
    const reader = this.#reader;
    reader.reset(bytes, start, end);
    let taken = start;
    while (this.#section !== "done") {
      if (!this.#hasWholeItem(bytes, taken, end)) break;
      this.#takeItem(reader);
      taken = reader.offset;
    }
    return taken;
  }

  /** Whether the next item lies wholly within `[at, end)`, found without reading it. */
  #hasWholeItem(bytes: Buffer, at: number, end: number): boolean {
    switch (this.#section) {
      case "sessionCount":
      case "aclCount":
        return end - at >= 4;
      case "sessions":
        return end - at >= 12;
      case "acls":
        return hasWholeAclItem(bytes, at, end);
      case "znodes": {
        const pathEnd = endOfBuffer(bytes, at, end);
        if (pathEnd < 0) return false;
        if (isEndMark(bytes, at)) return true;
        const dataEnd = endOfBuffer(bytes, pathEnd, end);
        return dataEnd >= 0 && end - dataEnd >= 8 + statPersistedBytes;
      }
      case "done":
        return false;
    }
  }

  #takeItem(reader: JuteReader): void {
    switch (this.#section) {
      case "sessionCount":
        this.#left = reader.readInt();
        this.#section = this.#left > 0 ? "sessions" : "aclCount";
        return;
      case "sessions": {
        const idHigh = reader.readInt();
        const idLow = reader.readInt();
        this.#onSession(idHigh, idLow, reader.readInt());
        if (--this.#left === 0) this.#section = "aclCount";
        return;
      }
      case "aclCount":
        this.#left = reader.readInt();
        this.#section = this.#left > 0 ? "acls" : "znodes";
        return;
      case "acls":
        this.#takeAcl(reader);
        if (--this.#left === 0) this.#section = "znodes";
        return;
      case "znodes":
        this.#takeZnode(reader);
        return;
      case "done":
        return;
    }
  }

  #takeAcl(reader: JuteReader): void {
    reader.skip(4);
    const id = reader.readInt();
    const start = reader.offset;
    skipAclList(reader);
    this.#tree.acls.restore(id, reader.bytes, start, reader.offset);
  }

  #takeZnode(reader: JuteReader): void {
    const { bytes } = reader;
    const pathStart = reader.offset + 4;
    if (isEndMark(bytes, reader.offset)) {
      reader.skip(5);
      this.#section = "done";
      return;
    }
    const pathEnd = endOfBuffer(bytes, reader.offset, reader.end);
    reader.offset = pathEnd;
    const isNull = reader.readInt() === -1;
    const dataStart = isNull ? -1 : reader.offset;
    const dataEnd = endOfBuffer(bytes, pathEnd, reader.end);
    reader.offset = dataEnd;
    reader.skip(4);
    const acl = this.#tree.acls.restored(reader.readInt());
    const statStart = reader.offset;
    reader.skip(statPersistedBytes);
    const id = this.#tree.restore(bytes, pathStart, pathEnd, bytes, dataStart, dataEnd, acl, bytes, statStart);
    if (id === 0) {
      throw new MarshallingError(`znode ${bytes.toString("utf8", pathStart, pathEnd)} has no parent before it`);
    }
  }
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
function isEndMark(bytes: Buffer, at: number): boolean {
  return readInt32(bytes, at) === 1 && bytes[at + 4] === 0x2f;
}

function hasWholeAclItem(bytes: Buffer, start: number, end: number): boolean {
  if (end - start < 12) return false;
  const count = readInt32(bytes, start + 8);
  let at = start + 12;
  for (let i = 0; i < count; i++) {
    if (end - at < 4) return false;
    at = endOfBuffer(bytes, at + 4, end);
    if (at < 0) return false;
    at = endOfBuffer(bytes, at, end);
    if (at < 0) return false;
  }
  return true;
}
