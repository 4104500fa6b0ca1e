/** Reads the body of a snapshot from memory, in one piece or in many, as a file's would come. */

import { TreeSnapshotScanner } from "#tree/snapshot-scanner.ts";
import type { DataTree } from "#tree/data-tree.ts";
import { type SessionRestorer, TreeSnapshotSink } from "#tree/snapshot-sink.ts";
import { rowWords } from "#tree/snapshot-stream.ts";

export interface PieceSizes {
  /** Bytes that arrive next; at least one. */
  readonly bytes: () => number;
  /** Rows that there is room for next; at least one. */
  readonly rows: () => number;
}

const inOnePiece: PieceSizes = { bytes: () => Number.MAX_SAFE_INTEGER, rows: () => 4096 };

/** Fills an empty tree from a body; throws when it is not a whole one, or when there is more than one. */
export function loadBody(
  tree: DataTree,
  body: Buffer,
  onSession: SessionRestorer = () => {},
  sizes: PieceSizes = inOnePiece,
): void {
  const scanner = new TreeSnapshotScanner(tree.options);
  const sink = new TreeSnapshotSink(tree, onSession);
  let taken = 0;
  for (let there = 0; there < body.length;) {
    if (scanner.isComplete) throw new Error(`the body ends before offset ${there}`);
    there = Math.min(there + sizes.bytes(), body.length);
    for (let before = -1; before < taken;) {
      before = taken;
      const rows = new Int32Array(sizes.rows() * rowWords);
      taken = scanner.scan(body, taken, there, rows);
      sink.take(body, rows, scanner.count);
    }
  }
  if (!scanner.isComplete || taken !== body.length) throw new Error(`the body was taken up to ${taken} only`);
}
