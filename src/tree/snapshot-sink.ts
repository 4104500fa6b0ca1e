/**
 * Fills an empty tree from the items that a scanner found in a snapshot (snapshot-stream.ts). Each znode is found a
 * place under its parent, which comes before it; a path that comes twice, as a fuzzy snapshot of another server may have
 * it, counts as it came last.
 * Source: SerializeUtils.deserializeSnapshot, DataTree.deserialize.
 */

import { MarshallingError, readInt32 } from "#jute/reader.ts";
import type { DataTree } from "./data-tree.ts";
import { Row, RowKind, rowWords, type SnapshotSink } from "./snapshot-stream.ts";

/** Told about every session of the table. */
export type SessionRestorer = (idHigh: number, idLow: number, timeoutMs: number) => void;

/** Znodes whose places are looked for at a time: the waits for memory overlap. */
const expectedRows = 64;
/** How much of a path is shown. */
const shownBytesMax = 200;

export class TreeSnapshotSink implements SnapshotSink {
  readonly #tree: DataTree;
  readonly #onSession: SessionRestorer;

  constructor(tree: DataTree, onSession: SessionRestorer) {
    this.#tree = tree;
    this.#onSession = onSession;
  }

  take(bytes: Buffer, rows: Int32Array, count: number): void {
    for (let i = 0; i < count; i++) {
      const row = i * rowWords;
      if (i % expectedRows === 0) this.#tree.expect(rows, row, Math.min(expectedRows, count - i));
      const start = rows[row + Row.start]!;
      switch (rows[row + Row.kind]!) {
        case RowKind.znode:
          this.#takeZnode(bytes, start, rows, row);
          break;
        case RowKind.session:
          this.#onSession(readInt32(bytes, start), readInt32(bytes, start + 4), readInt32(bytes, start + 8));
          break;
        case RowKind.acl:
          this.#takeAcl(bytes, start, rows[row + Row.dataEnd]!);
          break;
      }
    }
  }

  /** id int64, of which the low half counts | the list. */
  #takeAcl(bytes: Buffer, start: number, end: number): void {
    this.#tree.acls.restore(readInt32(bytes, start + 4), bytes, start + 8, end);
  }

  #takeZnode(bytes: Buffer, start: number, rows: Int32Array, row: number): void {
    const dataEnd = rows[row + Row.dataEnd]!;
    const acl = this.#tree.acls.restored(readInt32(bytes, dataEnd + 4));
    if (this.#tree.restore(bytes, rows, row, acl) !== 0) return;
    const pathStart = start + 4;
    const path = bytes.toString("utf8", pathStart, Math.min(rows[row + Row.pathEnd]!, pathStart + shownBytesMax));
    // Whatever it is made of, it is shown in one line.
    throw new MarshallingError(`znode ${JSON.stringify(path)} has no parent before it`);
  }
}
