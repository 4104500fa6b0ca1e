/**
 * The body of a snapshot as a stream, in slices: sessions, ACL table, znodes in pre-order, end mark. It is what
 * SerializeUtils.serializeSnapshot writes, so the file layer (header, seals, compression) and a learner's SNAP are fed
 * from one place. Slices are what keeps a snapshot of millions of znodes from holding the event loop.
 *
 *   body  int count | (sessionId long, timeOut int)*
 *         int count | (aclId long, vector<ACL>)*
 *         (path ustring, data buffer, aclId long, StatPersisted)*  "/"
 */

import type { JuteWriter } from "#jute/writer.ts";

/** Gives the body of a fuzzy snapshot: transactions may be applied between two calls. */
export interface SnapshotSource {
  /** Last zxid applied when the source was opened: the snapshot's name. */
  readonly zxidHigh: number;
  readonly zxidLow: number;
  /**
   * Appends whole items to `out` until about `bytesMax` bytes were added.
   * @returns true when the body, its end mark included, is complete.
   */
  writeSome(out: JuteWriter, bytesMax: number): boolean;
  /** Once the body is complete: the zxid last applied by then and the tree digest after it. */
  finalState(): { zxidHigh: number; zxidLow: number; digestHigh: number; digestLow: number };
  /** Ends an unfinished walk, so that the tree stops keeping it informed. */
  close(): void;
}

/**
 * Reading has two halves. A scanner finds the items of a body and works out what depends on their bytes alone; a sink
 * makes state of them, in order. Only the sink needs the tree, so a scanner may run on another thread, one slice ahead.
 */
export interface SnapshotScanner {
  /**
   * Finds whole items in `bytes[start, end)` and describes each by a row of {@link rowWords} in `rows`, as long as there is
   * room; `count` is then the number of rows.
   * @returns the offset of the first byte not taken; the caller presents it again, with more bytes or empty rows.
   * @throws MarshallingError when the bytes cannot be a snapshot.
   */
  scan(bytes: Buffer, start: number, end: number, rows: Int32Array): number;
  /** Rows that the last scan filled. */
  readonly count: number;
  /** True once the end mark was taken. */
  readonly isComplete: boolean;
}

/** Rebuilds state from the items of a body. */
export interface SnapshotSink {
  /**
   * Takes the items that a scanner found in `bytes`, in their order.
   * @throws MarshallingError when they do not make a state.
   */
  take(bytes: Buffer, rows: Int32Array, count: number): void;
}

/** Int32 words of a row. */
export const rowWords = 8;

/** Word of a row; the places are offsets in the bytes that were scanned. */
export const Row = {
  /** One of {@link RowKind}. */
  kind: 0,
  /** Where the item begins. */
  start: 1,
  /** Of a znode: the first byte of its name, the end of its path, the end of its data; of an ACL list: its end. */
  nameStart: 2,
  pathEnd: 3,
  dataEnd: 4,
  /** Of a znode: the hash of its path, and its two checksums (znode-store.ts). */
  hash: 5,
  contentCrc: 6,
  nodeCrc: 7,
} as const;

/** What an item is. */
export const RowKind = { session: 0, acl: 1, znode: 2 } as const;
