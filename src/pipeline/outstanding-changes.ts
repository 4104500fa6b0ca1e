/**
 * The changes in flight: what the tree will be once everything prepared has been applied. A write is judged on this
 * view, so version checks, sequence names and existence are exact however deep the pipeline is.
 *
 * A change record is one znode's state after its latest change in flight. Records are kept by path and, in zxid order,
 * in a queue; when a transaction is applied its records leave both, unless a later change took their place. They come
 * from a pool: preparing a write allocates nothing.
 *
 * The view carries the tree digest as well: a transaction holds the digest of the tree after it, which is known, here,
 * before the transaction is even logged.
 * Source: ZooKeeperServer.ChangeRecord, outstandingChanges, PrepRequestProcessor.getRecordForPath.
 */

import { crc32 } from "#base/crc32.ts";
import { Deque } from "#base/deque.ts";
import { compareHalves } from "#base/zxid.ts";
import type { AclEntry } from "#tree/acl-cache.ts";
import type { DataTree } from "#tree/data-tree.ts";
import { DigestSum } from "#tree/tree-digest.ts";
import { Field, StatField, ZnodeFlag, ZnodeKind } from "#tree/znode-store.ts";

export class ChangeRecord {
  /** The path's bytes as latin1 text; the root is "". */
  path = "";
  zxidHigh = 0;
  zxidLow = 0;
  exists = false;
  childCount = 0;
  dataLength = 0;
  kind: ZnodeKind = ZnodeKind.persistent;
  acl: AclEntry | null = null;
  /** The record this one took the place of, while it is in flight itself. */
  previous: ChangeRecord | null = null;
  isOutsideDigest = false;
  contentCrc = 0;
  nodeCrc = 0;
  version = 0;
  /** Stored: the number of creates. */
  cversion = 0;
  aversion = 0;
  czxidHigh = 0;
  czxidLow = 0;
  mzxidHigh = 0;
  mzxidLow = 0;
  pzxidHigh = 0;
  pzxidLow = 0;
  ctimeHigh = 0;
  ctimeLow = 0;
  mtimeHigh = 0;
  mtimeLow = 0;
  ownerHigh = 0;
  ownerLow = 0;

  copyFrom(other: ChangeRecord): void {
    this.path = other.path;
    this.exists = other.exists;
    this.childCount = other.childCount;
    this.dataLength = other.dataLength;
    this.kind = other.kind;
    this.acl = other.acl;
    this.isOutsideDigest = other.isOutsideDigest;
    this.contentCrc = other.contentCrc;
    this.nodeCrc = other.nodeCrc;
    this.version = other.version;
    this.cversion = other.cversion;
    this.aversion = other.aversion;
    this.czxidHigh = other.czxidHigh;
    this.czxidLow = other.czxidLow;
    this.mzxidHigh = other.mzxidHigh;
    this.mzxidLow = other.mzxidLow;
    this.pzxidHigh = other.pzxidHigh;
    this.pzxidLow = other.pzxidLow;
    this.ctimeHigh = other.ctimeHigh;
    this.ctimeLow = other.ctimeLow;
    this.mtimeHigh = other.mtimeHigh;
    this.mtimeLow = other.mtimeLow;
    this.ownerHigh = other.ownerHigh;
    this.ownerLow = other.ownerLow;
  }

  /** A znode that is being created: all its versions are 0. */
  initialize(path: string, timeHigh: number, timeLow: number): void {
    this.path = path;
    this.exists = true;
    this.childCount = 0;
    this.nodeCrc = 0;
    this.version = 0;
    this.cversion = 0;
    this.aversion = 0;
    this.czxidHigh = this.mzxidHigh = this.pzxidHigh = this.zxidHigh;
    this.czxidLow = this.mzxidLow = this.pzxidLow = this.zxidLow;
    this.ctimeHigh = this.mtimeHigh = timeHigh;
    this.ctimeLow = this.mtimeLow = timeLow;
  }
}

export class OutstandingChanges {
  /** Digest of the tree after everything in flight. */
  readonly digest: DigestSum = new DigestSum();
  readonly #tree: DataTree;
  readonly #byPath = new Map<string, ChangeRecord>();
  readonly #queue = new Deque<ChangeRecord>();
  readonly #pool: ChangeRecord[] = [];
  /** Records filled from the tree, handed out in turn: preparing one operation looks at two znodes. */
  readonly #fromTree = [new ChangeRecord(), new ChangeRecord()];
  #turn = 0;
  readonly #stat = new Uint8Array(60);
  readonly #statView = new DataView(this.#stat.buffer);

  constructor(tree: DataTree) {
    this.#tree = tree;
    this.digest.set(tree.digest.high, tree.digest.low);
  }

  get length(): number {
    return this.#queue.length;
  }

  /**
   * The znode at a path as it will be, or null. For reading only: valid until the second next call.
   * @param path the key; "" for the root. The same path lies in `bytes[start, end)`.
   */
  get(path: string, bytes: Buffer, start: number, end: number): ChangeRecord | null {
    if (this.#byPath.size > 0) {
      const pending = this.#byPath.get(path);
      if (pending !== undefined) return pending.exists ? pending : null;
    }
    const id = this.#tree.find(bytes, start, end);
    if (id === 0) return null;
    const record = this.#fromTree[(this.#turn ^= 1)]!;
    this.#fill(record, path, id);
    return record;
  }

  /** A new record in flight under this zxid, to be filled by {@link ChangeRecord.copyFrom} or `initialize`. */
  add(path: string, zxidHigh: number, zxidLow: number): ChangeRecord {
    const record = this.#pool.pop() ?? new ChangeRecord();
    record.path = path;
    record.zxidHigh = zxidHigh;
    record.zxidLow = zxidLow;
    record.previous = this.#byPath.get(path) ?? null;
    this.#byPath.set(path, record);
    this.#queue.push(record);
    return record;
  }

  /** A new record in flight that begins as a copy of `current`. */
  derive(current: ChangeRecord, zxidHigh: number, zxidLow: number): ChangeRecord {
    const record = this.add(current.path, zxidHigh, zxidLow);
    record.copyFrom(current);
    this.#hold(record);
    return record;
  }

  /** Gives the record a list, which it holds while it is in flight. */
  setAcl(record: ChangeRecord, acl: AclEntry): void {
    if (record.acl !== null) this.#tree.acls.release(record.acl);
    record.acl = acl;
    this.#hold(record);
  }

  /** Brings the digest up to date with a record whose stat or content has changed. */
  refreshDigest(record: ChangeRecord): void {
    if (record.isOutsideDigest || !this.#tree.options.digestEnabled) return;
    this.digest.subtract(record.nodeCrc);
    this.#writeStat(record);
    record.nodeCrc = crc32(record.contentCrc, this.#stat, 0, 60);
    this.digest.add(record.nodeCrc);
  }

  /** The record's znode is gone: so is its share of the digest. */
  remove(record: ChangeRecord): void {
    record.exists = false;
    if (!record.isOutsideDigest) this.digest.subtract(record.nodeCrc);
    record.nodeCrc = 0;
  }

  /** Forgets the records of transactions up to this zxid, which have been applied. */
  applied(zxidHigh: number, zxidLow: number): void {
    while (this.#queue.length > 0) {
      const record = this.#queue.at(0);
      if (compareHalves(record.zxidHigh, record.zxidLow, zxidHigh, zxidLow) > 0) return;
      this.#queue.shift();
      if (this.#byPath.get(record.path) === record) this.#byPath.delete(record.path);
      this.#recycle(record);
    }
    this.digest.set(this.#tree.digest.high, this.#tree.digest.low);
  }

  /** Takes back every record added since the queue had `length`: a multi has failed. The digest is the caller's. */
  rollBack(length: number): void {
    while (this.#queue.length > length) {
      const record = this.#queue.pop();
      if (record.previous === null) this.#byPath.delete(record.path);
      else this.#byPath.set(record.path, record.previous);
      this.#recycle(record);
    }
  }

  /** Calls `visit` for every record, oldest first. */
  forEach(visit: (record: ChangeRecord) => void): void {
    for (let i = 0; i < this.#queue.length; i++) visit(this.#queue.at(i));
  }

  #hold(record: ChangeRecord): void {
    if (record.acl !== null) this.#tree.acls.acquire(record.acl);
  }

  #recycle(record: ChangeRecord): void {
    if (record.acl !== null) this.#tree.acls.release(record.acl);
    record.acl = null;
    record.previous = null;
    this.#pool.push(record);
  }

  #fill(record: ChangeRecord, path: string, id: number): void {
    const { store } = this.#tree;
    record.path = path;
    record.exists = true;
    record.childCount = store.stat(id, StatField.numChildren);
    record.dataLength = store.stat(id, StatField.dataLength);
    record.kind = store.kind(id);
    record.acl = this.#tree.aclOf(id);
    record.isOutsideDigest = store.hasFlag(id, ZnodeFlag.outsideDigest);
    record.contentCrc = store.get(id, Field.contentCrc);
    record.nodeCrc = store.get(id, Field.nodeCrc);
    record.version = store.stat(id, StatField.version);
    record.cversion = store.stat(id, StatField.storedCversion);
    record.aversion = store.stat(id, StatField.aversion);
    record.czxidHigh = store.stat(id, StatField.czxid);
    record.czxidLow = store.statLow(id, StatField.czxid);
    record.mzxidHigh = store.stat(id, StatField.mzxid);
    record.mzxidLow = store.statLow(id, StatField.mzxid);
    record.pzxidHigh = store.stat(id, StatField.pzxid);
    record.pzxidLow = store.statLow(id, StatField.pzxid);
    record.ctimeHigh = store.stat(id, StatField.ctime);
    record.ctimeLow = store.statLow(id, StatField.ctime);
    record.mtimeHigh = store.stat(id, StatField.mtime);
    record.mtimeLow = store.statLow(id, StatField.mtime);
    record.ownerHigh = store.stat(id, StatField.ephemeralOwner);
    record.ownerLow = store.statLow(id, StatField.ephemeralOwner);
  }

  /** The digest's sixty bytes: see tree-digest.ts. */
  #writeStat(record: ChangeRecord): void {
    const view = this.#statView;
    view.setInt32(0, record.czxidHigh);
    view.setInt32(4, record.czxidLow);
    view.setInt32(8, record.mzxidHigh);
    view.setInt32(12, record.mzxidLow);
    view.setInt32(16, record.pzxidHigh);
    view.setInt32(20, record.pzxidLow);
    view.setInt32(24, record.ctimeHigh);
    view.setInt32(28, record.ctimeLow);
    view.setInt32(32, record.mtimeHigh);
    view.setInt32(36, record.mtimeLow);
    view.setInt32(40, record.version);
    view.setInt32(44, record.cversion);
    view.setInt32(48, record.aversion);
    view.setInt32(52, record.ownerHigh);
    view.setInt32(56, record.ownerLow);
  }
}
