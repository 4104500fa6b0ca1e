/**
 * The tree as the body of a fuzzy snapshot (snapshot-stream.ts), in slices between which transactions are applied.
 *
 * Sessions and ACL lists are copied when the first slice is taken, the znodes are walked. A znode created after the
 * snapshot began is left out: the log has its create, no path can come twice, and a storm of creates cannot keep the
 * walk from ending. What the snapshot holds of later changes to older znodes is a subset of the log, which replay
 * settles. An ACL is the exception: a znode is written with the list that it had when the lists were copied, since
 * ZooKeeper cannot replay a log over a znode whose list is not in the table.
 * Source: SerializeUtils.serializeSnapshot, DataTree.serialize.
 */

import { compareHalves } from "#base/zxid.ts";
import type { JuteWriter } from "#jute/writer.ts";
import type { DataTree } from "./data-tree.ts";
import type { SnapshotSource } from "./snapshot-stream.ts";
import { TreeWalker } from "./tree-walker.ts";
import { Field, rootId, StatField } from "./znode-store.ts";

/** The global sessions, as the session layer lists them. */
export type SessionLister = (visit: (idHigh: number, idLow: number, timeoutMs: number) => void) => void;

export class TreeSnapshotSource implements SnapshotSource {
  readonly zxidHigh: number;
  readonly zxidLow: number;
  readonly #tree: DataTree;
  readonly #sessions: SessionLister;
  readonly #walker: TreeWalker;
  /** Znodes with children that were left out, since they are newer than the snapshot. */
  readonly #leftOut = new Set<number>();
  #hasBegun = false;

  constructor(tree: DataTree, sessions: SessionLister) {
    this.#tree = tree;
    this.#sessions = sessions;
    this.zxidHigh = tree.lastZxidHigh;
    this.zxidLow = tree.lastZxidLow;
    this.#walker = new TreeWalker(tree, rootId);
  }

  writeSome(out: JuteWriter, bytesMax: number): boolean {
    const stop = out.length + bytesMax;
    if (!this.#hasBegun) {
      this.#hasBegun = true;
      this.#writeSessions(out);
      this.#writeAcls(out);
    }
    while (out.length < stop) {
      const id = this.#walker.next();
      if (id === 0) {
        out.writeString("/");
        this.#walker.close();
        return true;
      }
      if (this.#isNewer(id)) {
        if (this.#tree.store.get(id, Field.firstChild) !== 0) this.#leftOut.add(id);
      } else {
        if (this.#leftOut.size > 0) this.#writeLeftOut(out, id);
        this.#writeZnode(out, id);
      }
    }
    return false;
  }

  /**
   * Writes those ancestors of an older znode that were left out as newer. No tree of ours is like that; one that another server
   * has sent may be, and a znode without its parent could not be read again.
   */
  #writeLeftOut(out: JuteWriter, id: number): void {
    const parent = this.#tree.store.get(id, Field.parent);
    if (!this.#leftOut.delete(parent)) return;
    this.#writeLeftOut(out, parent);
    this.#writeZnode(out, parent);
  }

  finalState(): { zxidHigh: number; zxidLow: number; digestHigh: number; digestLow: number } {
    const { lastZxidHigh, lastZxidLow, digest } = this.#tree;
    return { zxidHigh: lastZxidHigh, zxidLow: lastZxidLow, digestHigh: digest.high, digestLow: digest.low };
  }

  close(): void {
    this.#walker.close();
  }

  #isNewer(id: number): boolean {
    const { store } = this.#tree;
    return (
      compareHalves(store.stat(id, StatField.czxid), store.statLow(id, StatField.czxid), this.zxidHigh, this.zxidLow) >
      0
    );
  }

  #writeSessions(out: JuteWriter): void {
    const countAt = out.length;
    out.writeInt(0);
    let count = 0;
    this.#sessions((idHigh, idLow, timeoutMs) => {
      out.writeLong(idHigh, idLow);
      out.writeInt(timeoutMs);
      count++;
    });
    out.view.setInt32(countAt, count);
  }

  #writeAcls(out: JuteWriter): void {
    this.#walker.keepAcls();
    out.writeInt(this.#tree.acls.size);
    for (const entry of this.#tree.acls.entries()) {
      out.writeLong(0, entry.id);
      out.writeRaw(entry.bytes, 0, entry.bytes.length);
    }
  }

  #writeZnode(out: JuteWriter, id: number): void {
    const { store } = this.#tree;
    const lengthAt = out.length;
    out.writeInt(0);
    const length = store.copyPath(id, out);
    out.view.setInt32(lengthAt, length);
    store.copyData(id, out);
    const aclId = this.#walker.aclBefore(id);
    out.writeLong(aclId >> 31, aclId);
    store.copyStatPersisted(id, out);
  }
}
