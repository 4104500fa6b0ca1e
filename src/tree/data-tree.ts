/**
 * The replicated state: znodes in a tree, found by the bytes of their paths. Only committed transactions change it
 * (apply-txn.ts), in zxid order; everything else reads.
 *
 * Rules of the Stat, which make replay over a fuzzy snapshot converge:
 *   create   the parent's stored cversion and pzxid take the transaction's values only if its cversion is larger
 *   delete   the parent's pzxid rises to the transaction's zxid, never falls; its stored cversion stays
 *   setData  absolute values, so that a second time changes nothing
 *
 * The root's path is empty here; "/" is accepted for it everywhere. Ranges of bytes are borrowed and copied.
 * Source: DataTree.java.
 */

import { crc32 } from "#base/crc32.ts";
import { compareHalves } from "#base/zxid.ts";
import { readInt32 } from "#jute/reader.ts";
import { JuteWriter } from "#jute/writer.ts";
import { ErrorCode } from "#protocol/error-code.ts";
import type { TxnHeader } from "#protocol/txn-header.ts";
import { AclCache, type AclEntry } from "./acl-cache.ts";
import { kindOfOwner, OwnedZnodes, type OwnerOptions } from "./ephemeral-owner.ts";
import { PathIndex } from "./path-index.ts";
import { isBytes, lastSlash } from "./path.ts";
import { Quotas } from "./quotas.ts";
import { Row, rowWords } from "./snapshot-stream.ts";
import { DigestSum } from "./tree-digest.ts";
import type { TreeWalker } from "./tree-walker.ts";
import { Watches } from "./watches.ts";
import { Field, rootId, StatField, ZnodeFlag, ZnodeStore } from "./znode-store.ts";

export interface DataTreeOptions extends OwnerOptions {
  /** Seed of the path hash: random in production, fixed in tests. */
  readonly hashSeed: number;
  readonly digestEnabled: boolean;
}

const noBytes = Buffer.alloc(0);

export class DataTree {
  readonly store: ZnodeStore = new ZnodeStore();
  readonly acls: AclCache = new AclCache();
  readonly owned: OwnedZnodes = new OwnedZnodes();
  readonly watches: Watches = new Watches();
  readonly quotas: Quotas;
  readonly digest: DigestSum = new DigestSum();
  readonly options: DataTreeOptions;
  /** Zxid of the last transaction applied, as halves. */
  lastZxidHigh = 0;
  lastZxidLow = 0;
  /** Sum of the lengths of all paths and data, bytes. */
  approximateDataSize = 1;
  readonly #index: PathIndex;
  readonly #walkers: Set<TreeWalker> = new Set();
  #lastParent: number = rootId;
  readonly #pathScratch: JuteWriter = new JuteWriter(256);
  readonly #statScratch: Uint8Array = new Uint8Array(60);
  readonly #statScratchView: DataView = new DataView(this.#statScratch.buffer);

  /** An empty tree holds the root only; see system-znodes.ts for what a fresh database has. */
  constructor(options: DataTreeOptions) {
    this.options = options;
    this.#index = new PathIndex(this.store, options.hashSeed);
    this.quotas = new Quotas(this);
    const root = this.store.allocate();
    this.store.set(root, Field.aclId, this.acls.open.id);
    this.#refreshCrc(root, noBytes, 0, 0);
  }

  /**
   * Znodes as the operator counts them. Quirk: ZooKeeper holds the root under two names and counts both.
   */
  get nodeCount(): number {
    return this.store.count + 1;
  }

  /** Id of the znode with this path, or 0. Paths need not be valid: an odd one is simply absent. */
  find(bytes: Uint8Array, start: number, end: number): number {
    if (end - start <= 1 && (end === start || bytes[start] === 0x2f)) return rootId;
    return this.#index.find(this.#index.hash(bytes, start, end), bytes, start, end);
  }

  /** Hash of a path, for {@link findHashed} and for whoever keeps paths beside the tree. */
  hash(bytes: Uint8Array, start: number, end: number): number {
    return this.#index.hash(bytes, start, end);
  }

  /** As {@link find} for a path whose hash is known; the root's path is empty here. */
  findHashed(hash: number, bytes: Uint8Array, start: number, end: number): number {
    return end === start ? rootId : this.#index.find(hash, bytes, start, end);
  }

  /** Brings the znodes with these hashes closer (ZnodeStore.touch). Uses up `hashes`. @returns how many there are. */
  touch(hashes: Int32Array, count: number): number {
    const found = this.#index.lookUpAll(hashes, count);
    this.store.touch(hashes, found);
    return found;
  }

  /** Makes ready to restore the `count` znodes with these rows; see {@link restore}. */
  expect(rows: Int32Array, firstRow: number, count: number): void {
    this.#index.touch(rows, firstRow + Row.hash, rowWords, count);
  }

  /** A znode's path as text, or with "latin1" as the key that stands for its bytes; "" for the root. */
  pathOf(id: number, encoding: "utf8" | "latin1" = "utf8"): string {
    this.#pathScratch.length = 0;
    const length = this.store.copyPath(id, this.#pathScratch);
    return this.#pathScratch.bytes.toString(encoding, 0, length);
  }

  aclOf(id: number): AclEntry {
    const aclId = this.store.get(id, Field.aclId);
    return aclId === -1 ? this.acls.open : this.acls.get(aclId);
  }

  /**
   * Adds a znode. `nameStart` is the first byte after the path's last slash.
   * @returns ok, noNode (no parent) or nodeExists, in which case its ACL is taken over, as replay needs.
   */
  create(
    txn: TxnHeader,
    path: Buffer,
    start: number,
    nameStart: number,
    end: number,
    data: Buffer,
    dataStart: number,
    dataEnd: number,
    acl: AclEntry,
    ownerHigh: number,
    ownerLow: number,
    parentCversion: number,
  ): ErrorCode {
    const store = this.store;
    const parent = this.#parentBefore(path, start, nameStart);
    if (parent === 0) return ErrorCode.noNode;
    const hash = this.#index.hash(path, start, end);
    const existing = end - start <= 1 ? rootId : this.#index.find(hash, path, start, end);
    if (existing !== 0) {
      this.#replaceAcl(existing, acl);
      return ErrorCode.nodeExists;
    }
    const id = store.allocate();
    store.setContent(id, path, nameStart, end, data, dataStart, dataEnd);
    this.acls.acquire(acl);
    store.set(id, Field.aclId, acl.id);
    store.setStatLong(id, StatField.czxid, txn.zxidHigh, txn.zxidLow);
    store.setStatLong(id, StatField.mzxid, txn.zxidHigh, txn.zxidLow);
    store.setStatLong(id, StatField.pzxid, txn.zxidHigh, txn.zxidLow);
    store.setStatLong(id, StatField.ctime, txn.timeHigh, txn.timeLow);
    store.setStatLong(id, StatField.mtime, txn.timeHigh, txn.timeLow);
    store.setStatLong(id, StatField.ephemeralOwner, ownerHigh, ownerLow);
    this.#attach(parent, id, hash);
    this.#own(id);
    this.approximateDataSize += end - start + store.stat(id, StatField.dataLength);
    this.#raiseParent(parent, parentCversion, txn);
    this.#refreshCrc(id, path, start, end);
    this.quotas.afterCreate(path, start, nameStart, end, id);
    this.watches.created(txn, path, start, nameStart, end, acl, this.aclOf(parent));
    return ErrorCode.ok;
  }

  /** Removes a znode. @returns ok or noNode; with a parent but no znode the parent's pzxid rises all the same. */
  delete(txn: TxnHeader, path: Buffer, start: number, nameStart: number, end: number): ErrorCode {
    const store = this.store;
    const parent = this.#parentBefore(path, start, nameStart);
    if (parent === 0) return ErrorCode.noNode;
    if (
      compareHalves(
        txn.zxidHigh,
        txn.zxidLow,
        store.stat(parent, StatField.pzxid),
        store.statLow(parent, StatField.pzxid),
      ) > 0
    ) {
      store.setStatLong(parent, StatField.pzxid, txn.zxidHigh, txn.zxidLow);
    }
    const hash = this.#index.hash(path, start, end);
    const id = this.#index.find(hash, path, start, end);
    if (id === 0) {
      this.#refreshStatCrc(parent);
      return ErrorCode.noNode;
    }
    if (store.get(id, Field.firstChild) !== 0) this.#deleteBelow(txn, id);
    for (const walker of this.#walkers) walker.beforeUnlink(id);
    this.#index.remove(hash, id);
    store.unlinkChild(id);
    store.setStat(parent, StatField.numChildren, store.stat(parent, StatField.numChildren) - 1);
    this.#refreshCversion(parent);
    this.#refreshStatCrc(parent);
    if (!store.hasFlag(id, ZnodeFlag.outsideDigest)) this.digest.subtract(store.get(id, Field.nodeCrc));
    const acl = this.aclOf(id);
    this.#disown(id);
    const dataLength = store.stat(id, StatField.dataLength);
    this.approximateDataSize -= end - start + dataLength;
    store.release(id);
    this.quotas.afterDelete(path, start, nameStart, end, dataLength);
    this.watches.deleted(txn, path, start, nameStart, end, acl, this.aclOf(parent));
    this.acls.release(acl);
    return ErrorCode.ok;
  }

  /**
   * Removes what is below a znode that goes. Nobody deletes a znode with children; but a fuzzy snapshot may hold what was
   * created after the znode had gone and come back, and the log behind it, replayed, deletes and creates it all again.
   */
  #deleteBelow(txn: TxnHeader, id: number): void {
    const store = this.store;
    const path = new JuteWriter(256);
    for (let leaf = store.get(id, Field.firstChild); leaf !== 0; leaf = store.get(id, Field.firstChild)) {
      for (let child = leaf; child !== 0; child = store.get(child, Field.firstChild)) leaf = child;
      path.length = 0;
      store.copyPath(leaf, path);
      this.delete(txn, path.bytes, 0, lastSlash(path.bytes, 0, path.length) + 1, path.length);
    }
  }

  /**
   * Replaces data, version, mzxid and mtime of a znode.
   * @param contentCrc CRC-32 of path and data where it is known, else null.
   */
  setData(
    txn: TxnHeader,
    id: number,
    path: Buffer,
    start: number,
    end: number,
    data: Buffer,
    dataStart: number,
    dataEnd: number,
    version: number,
    contentCrc: number | null,
  ): void {
    const store = this.store;
    const before = store.stat(id, StatField.dataLength);
    store.setData(id, data, dataStart, dataEnd);
    store.setStat(id, StatField.version, version);
    store.setStatLong(id, StatField.mzxid, txn.zxidHigh, txn.zxidLow);
    store.setStatLong(id, StatField.mtime, txn.timeHigh, txn.timeLow);
    const difference = store.stat(id, StatField.dataLength) - before;
    this.approximateDataSize += difference;
    if (contentCrc === null) {
      this.#refreshCrc(id, path, start, id === rootId ? start : end);
    } else {
      store.set(id, Field.contentCrc, contentCrc);
      this.#refreshStatCrc(id);
    }
    this.quotas.afterSetData(path, start, end, difference);
    this.watches.dataChanged(txn, path, start, end, this.aclOf(id));
  }

  /** Replaces the ACL and aversion; no time, no zxid, no watch. @returns the znode's id, or 0 when there is none. */
  setAcl(path: Buffer, start: number, end: number, acl: AclEntry, version: number): number {
    const id = this.find(path, start, end);
    if (id === 0) return 0;
    this.#replaceAcl(id, acl);
    this.store.setStat(id, StatField.aversion, version);
    this.#refreshStatCrc(id);
    return id;
  }

  /** What replaying a plain create over an existing znode does to its parent (setCversionPzxid in Java). */
  raiseCversion(txn: TxnHeader, path: Buffer, start: number, nameStart: number, parentCversion: number): ErrorCode {
    const parent = this.#parentBefore(path, start, nameStart);
    if (parent === 0) return ErrorCode.noNode;
    this.#raiseParent(parent, parentCversion, txn);
    return ErrorCode.ok;
  }

  /** Replaces data without a trace in the Stat: quota statistics. They lie below /zookeeper, outside the digest. */
  setDataSilently(id: number, data: Buffer): void {
    const before = this.store.stat(id, StatField.dataLength);
    this.store.setData(id, data, 0, data.length);
    this.approximateDataSize += data.length - before;
  }

  /**
   * Adds a znode of a snapshot: its Stat comes from there and its parent's is left alone.
   * @param rows what a scanner found in `bytes`; the znode's row begins at word `row` (snapshot-stream.ts).
   * @returns its id, or 0 when the parent is missing.
   */
  restore(bytes: Buffer, rows: Int32Array, row: number, acl: AclEntry): number {
    const store = this.store;
    const start = rows[row + Row.start]! + 4;
    const nameStart = rows[row + Row.nameStart]!;
    const end = rows[row + Row.pathEnd]!;
    const dataEnd = rows[row + Row.dataEnd]!;
    const dataStart = readInt32(bytes, end) === -1 ? -1 : end + 4;
    const hash = rows[row + Row.hash]!;
    let id: number = rootId;
    let parent = 0;
    if (end > start) {
      parent = nameStart > start ? this.#parentOf(bytes, start, nameStart) : 0;
      if (parent === 0) return 0;
      id = this.#index.find(hash, bytes, start, end);
    }
    if (id === 0) {
      id = store.allocate();
      store.setContent(id, bytes, nameStart, end, bytes, dataStart, dataEnd);
      this.approximateDataSize += end - start;
      this.acls.acquire(acl);
      store.set(id, Field.aclId, acl.id);
      this.#attach(parent, id, hash);
      this.#refreshCversion(parent);
    } else {
      // The root, or a path that a fuzzy snapshot holds twice: the later one counts.
      this.approximateDataSize -= store.stat(id, StatField.dataLength);
      store.setData(id, bytes, dataStart, dataEnd);
      this.#replaceAcl(id, acl);
      this.#disown(id);
    }
    this.approximateDataSize += store.stat(id, StatField.dataLength);
    this.#setPersisted(id, bytes, dataEnd + 8);
    this.#own(id);
    this.#refreshCversion(id);
    if (this.options.digestEnabled && !store.hasFlag(id, ZnodeFlag.outsideDigest)) {
      this.digest.subtract(store.get(id, Field.nodeCrc));
      this.digest.add(rows[row + Row.nodeCrc]!);
      store.set(id, Field.contentCrc, rows[row + Row.contentCrc]!);
      store.set(id, Field.nodeCrc, rows[row + Row.nodeCrc]!);
    }
    return id;
  }

  /**
   * The znode whose path ends before the slash before `nameStart`, or 0. As a parent the root is the empty path: nothing is
   * called `//a`, which would be found by that name only, and be listed as `/a`.
   */
  #parentBefore(path: Buffer, start: number, nameStart: number): number {
    return nameStart - start === 2 ? 0 : this.find(path, start, nameStart - 1);
  }

  /**
   * Parent of a znode of a snapshot, which lists a family together: most have the parent that the one before had. While a
   * snapshot is loaded nothing is removed, so that the parent remembered is still there.
   */
  #parentOf(path: Buffer, start: number, nameStart: number): number {
    if (this.store.hasPath(this.#lastParent, path, start, nameStart - 1)) return this.#lastParent;
    const parent = this.#parentBefore(path, start, nameStart);
    if (parent !== 0) this.#lastParent = parent;
    return parent;
  }

  /** Keeps a walk over the tree informed of removals and changed ACLs until {@link endWalk}. */
  beginWalk(walker: TreeWalker): void {
    this.#walkers.add(walker);
  }

  endWalk(walker: TreeWalker): void {
    this.#walkers.delete(walker);
  }

  #attach(parent: number, id: number, hash: number): void {
    const store = this.store;
    // Only what lies below /zookeeper is outside the digest; /zookeeper itself counts.
    if (store.hasFlag(parent, ZnodeFlag.outsideDigest) || this.#isZookeeper(parent)) {
      store.set(id, Field.flags, store.get(id, Field.flags) | ZnodeFlag.outsideDigest);
    }
    store.set(id, Field.hash, hash);
    store.linkChild(parent, id);
    store.setStat(parent, StatField.numChildren, store.stat(parent, StatField.numChildren) + 1);
    this.#index.insert(hash, id);
  }

  /** Classifies a znode by its stored owner and files it there. */
  #own(id: number): void {
    const store = this.store;
    const ownerHigh = store.stat(id, StatField.ephemeralOwner);
    const ownerLow = store.statLow(id, StatField.ephemeralOwner);
    const kind = kindOfOwner(ownerHigh, ownerLow, this.options);
    store.set(id, Field.flags, (store.get(id, Field.flags) & ~ZnodeFlag.kindMask) | kind);
    this.owned.add(id, kind, ownerHigh, ownerLow);
  }

  #disown(id: number): void {
    const store = this.store;
    const ownerHigh = store.stat(id, StatField.ephemeralOwner);
    this.owned.remove(id, store.kind(id), ownerHigh, store.statLow(id, StatField.ephemeralOwner));
  }

  #isZookeeper(id: number): boolean {
    const store = this.store;
    if (store.get(id, Field.parent) !== rootId) return false;
    const at = store.nameOffset(id);
    return isBytes(store.nameBuffer(id), at, at + store.get(id, Field.nameLength), zookeeperName);
  }

  #raiseParent(parent: number, parentCversion: number, txn: TxnHeader): void {
    const store = this.store;
    const current = store.stat(parent, StatField.storedCversion);
    const next = parentCversion === -1 ? (current + 1) | 0 : parentCversion;
    if (next > current) {
      store.setStat(parent, StatField.storedCversion, next);
      store.setStatLong(parent, StatField.pzxid, txn.zxidHigh, txn.zxidLow);
    }
    this.#refreshCversion(parent);
    this.#refreshStatCrc(parent);
  }

  #replaceAcl(id: number, acl: AclEntry): void {
    const old = this.aclOf(id);
    for (const walker of this.#walkers) walker.beforeAclChange(id);
    this.acls.acquire(acl);
    this.store.set(id, Field.aclId, acl.id);
    this.acls.release(old);
  }

  /** cversion as clients see it: one step for every create and every delete. */
  #refreshCversion(id: number): void {
    const store = this.store;
    const creates = store.stat(id, StatField.storedCversion);
    store.setStat(id, StatField.cversion, (creates * 2 - store.stat(id, StatField.numChildren)) | 0);
  }

  #setPersisted(id: number, stat: Buffer, at: number): void {
    const store = this.store;
    for (let i = 0; i < 32; i += 8) {
      store.setStatLong(id, i as StatField, readInt32(stat, at + i), readInt32(stat, at + i + 4));
    }
    store.setStat(id, StatField.version, readInt32(stat, at + 32));
    store.setStat(id, StatField.storedCversion, readInt32(stat, at + 36));
    store.setStat(id, StatField.aversion, readInt32(stat, at + 40));
    store.setStatLong(id, StatField.ephemeralOwner, readInt32(stat, at + 44), readInt32(stat, at + 48));
    store.setStatLong(id, StatField.pzxid, readInt32(stat, at + 52), readInt32(stat, at + 56));
  }

  /** Recomputes a znode's share of the digest after a change of its data. The path may be "/" nowhere: root is empty. */
  #refreshCrc(id: number, path: Buffer, start: number, end: number): void {
    if (!this.options.digestEnabled || this.store.hasFlag(id, ZnodeFlag.outsideDigest)) return;
    const store = this.store;
    let crc = crc32(0, path, start, end);
    const length = store.stat(id, StatField.dataLength);
    if (length > 0) {
      const from = store.dataOffset(id);
      crc = crc32(crc, store.nameBuffer(id), from, from + length);
    }
    store.set(id, Field.contentCrc, crc);
    this.#refreshStatCrc(id);
  }

  /** Recomputes it after a change of the stat alone. */
  #refreshStatCrc(id: number): void {
    if (!this.options.digestEnabled || this.store.hasFlag(id, ZnodeFlag.outsideDigest)) return;
    const store = this.store;
    store.copyDigestStat(id, this.#statScratchView);
    const crc = crc32(store.get(id, Field.contentCrc), this.#statScratch, 0, 60);
    this.digest.subtract(store.get(id, Field.nodeCrc));
    this.digest.add(crc);
    store.set(id, Field.nodeCrc, crc);
  }
}

const zookeeperName = Buffer.from("zookeeper");
