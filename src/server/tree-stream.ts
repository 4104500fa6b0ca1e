/**
 * A whole tree on the quorum port: the body of a snapshot, with no header or checksum around it, then a signature.
 *
 *   SNAP | sessions, ACLs, znodes, "/" | ustring "BenWasHere"
 *
 * The sender takes slices of its tree while it changes and as fast as the learner takes them; the receiver fills a
 * database of its own, from pieces that are cut anywhere.
 * Source: LearnerHandler.run, Learner.syncWithLeader, SerializeUtils.java.
 */

import { CarriedBytes } from "#base/carried-bytes.ts";
import { highOf, lowOf } from "#base/zxid.ts";
import { MarshallingError, readInt32 } from "#jute/reader.ts";
import type { Timers } from "#host/timers.ts";
import { treeSignature } from "#quorum/learner-handler.ts";
import type { QuorumLink } from "#quorum/quorum-link.ts";
import { TreeSnapshotScanner } from "#tree/snapshot-scanner.ts";
import { TreeSnapshotSink } from "#tree/snapshot-sink.ts";
import { TreeSnapshotSource } from "#tree/snapshot-source.ts";
import { rowWords } from "#tree/snapshot-stream.ts";
import type { Database } from "./database.ts";

const signatureBytes: number = 4 + treeSignature.length;
const sliceBytesDefault = 64 * 1024;
const rowsPerScan = 1024;
/** Room for what the last znode of a slice has more than that; a longer one makes its own. */
const lastZnodeBytes = 4096;
/** Slices handed over before other work gets its turn. */
const slicesPerTurn = 4;

/**
 * Sends the database's tree to the link, then calls `done`.
 * @returns what ends it before that, without a word.
 */
export function sendTree(
  database: Database,
  to: { readonly link: QuorumLink; readonly timers: Timers; readonly sliceBytes?: number | undefined },
  done: () => void,
): () => void {
  const { link, timers, sliceBytes = sliceBytesDefault } = to;
  const source = new TreeSnapshotSource(database.tree, (visit) => {
    for (const session of database.sessions.committed()) visit(session.idHigh, session.idLow, session.timeoutMs);
  });
  let isOver = false;
  const sendSome = (): void => {
    for (let slices = 0; slices < slicesPerTurn && !isOver; slices++) {
      const out = link.open();
      out.ensure(sliceBytes + lastZnodeBytes);
      const isComplete = source.writeSome(out, sliceBytes);
      const mayGoOn = link.flushPiece(sendSome);
      if (isComplete) {
        isOver = true;
        source.close();
        done();
      } else if (!mayGoOn) {
        return;
      }
    }
    if (!isOver) timers.atTurnEnd(sendSome);
  };
  sendSome();
  return () => {
    isOver = true;
    source.close();
  };
}

/** Takes a tree from a stream into an empty database. */
export class TreeReceiver {
  readonly database: Database;
  readonly #scanner: TreeSnapshotScanner;
  readonly #sink: TreeSnapshotSink;
  readonly #rows = new Int32Array(rowsPerScan * rowWords);
  /** What could not be scanned before more arrives. */
  readonly #carried = new CarriedBytes();
  readonly #zxid: bigint;
  #isComplete = false;

  /** @param zxid the last one that is in the tree as a whole; some of what came later may be in it, too. */
  constructor(database: Database, zxid: bigint) {
    this.#zxid = zxid;
    const { tree, sessions } = database;
    this.database = database;
    this.#scanner = new TreeSnapshotScanner(tree.options);
    this.#sink = new TreeSnapshotSink(tree, (high, low, timeoutMs) => void sessions.restore(high, low, timeoutMs));
  }

  /** Whether the tree and its signature are there. */
  get isComplete(): boolean {
    return this.#isComplete;
  }

  /**
   * Takes bytes of the stream.
   * @returns how many were its.
   * @throws MarshallingError when they are no tree: the connection must be closed.
   */
  take(bytes: Buffer, start: number, end: number): number {
    const carried = this.#carried;
    const carriedBytes = carried.length;
    carried.append(bytes, start, end);
    const taken = this.#scan(carried.bytes, carried.start, carried.end) - carried.start;
    carried.drop(taken);
    if (this.#scanner.isComplete && carried.length >= signatureBytes) {
      checkSignature(carried.bytes, carried.start);
      carried.clear();
      this.#isComplete = true;
      return taken + signatureBytes - carriedBytes;
    }
    return end - start;
  }

  /** The tree as it is complete: what is applied to it may be in it already, and digests say nothing yet. */
  finish(): Database {
    const { tree, applier } = this.database;
    tree.lastZxidHigh = highOf(this.#zxid);
    tree.lastZxidLow = lowOf(this.#zxid);
    tree.acls.dropUnused();
    tree.quotas.rebuild();
    applier.isFuzzy = true;
    return this.database;
  }

  /** @returns the offset of what could not be scanned yet. */
  #scan(bytes: Buffer, start: number, end: number): number {
    for (let at = start; ;) {
      const next = this.#scanner.scan(bytes, at, end, this.#rows);
      this.#sink.take(bytes, this.#rows, this.#scanner.count);
      if (next === at) return at;
      at = next;
    }
  }
}

function checkSignature(bytes: Buffer, at: number): void {
  const found = bytes.toString("latin1", at + 4, at + signatureBytes);
  if (readInt32(bytes, at) !== treeSignature.length || found !== treeSignature) {
    throw new MarshallingError(`Missing signature. Got ${JSON.stringify(found)}`);
  }
}
