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

/** Rebuilds state from a body. */
export interface SnapshotSink {
  /**
   * Takes whole items from `bytes[start, end)`.
   * @returns the offset of the first byte not taken; the caller presents it again with more bytes behind it.
   * @throws MarshallingError when the bytes cannot be a snapshot.
   */
  readSome(bytes: Buffer, start: number, end: number): number;
  /** True once the end mark was taken. */
  readonly isComplete: boolean;
}
