/**
 * The changes in flight: what the tree will be once everything prepared has been applied. A write is judged on this
 * view, so version checks, sequence names and existence are exact however deep the pipeline is.
 *
 * A change record is one znode's state after its latest change in flight. Records are found by the bytes of their path,
 * hashed as the tree hashes them, and stand in a queue in zxid order; when a transaction is applied its records leave
 * both, unless a later change took their place. They come from a pool: preparing a write allocates nothing.
 *
 * The view carries the tree digest as well: a transaction holds the digest of the tree after it, which is known, here,
 * before the transaction is even logged.
 * Source: ZooKeeperServer.ChangeRecord, outstandingChanges, PrepRequestProcessor.getRecordForPath.
 */

import { copyBytes } from "#base/copy-bytes.ts";
import { crc32 } from "#base/crc32.ts";
import { Deque } from "#base/deque.ts";
import { compareHalves } from "#base/zxid.ts";
import type { AclEntry } from "#tree/acl-cache.ts";
import type { DataTree } from "#tree/data-tree.ts";
import { DigestSum } from "#tree/tree-digest.ts";
import { Field, StatField, ZnodeFlag, ZnodeKind } from "#tree/znode-store.ts";

export class ChangeRecord {
  /** The path is `path[0, pathLength)`; the root's is empty. */
  path: Buffer = Buffer.allocUnsafe(64);
  pathLength = 0;
  hash = 0;
  /** Changes of its transaction that it holds. */
  changeCount = 0;
  /** False while it only shows what the tree has. */
  isInFlight = false;
  /** The znode in the tree that this is the latest state of; 0 for one that is only in flight. */
  znode = 0;
  /** Another path's latest record, in the same bucket. */
  next: ChangeRecord | null = null;
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

  setPath(bytes: Uint8Array, start: number, end: number, hash: number): void {
    const length = end - start;
    if (length > this.path.length) this.path = Buffer.allocUnsafe(length * 2);
    copyBytes(bytes, start, end, this.path, 0);
    this.pathLength = length;
    this.hash = hash;
  }

  isPath(bytes: Uint8Array, start: number, end: number): boolean {
    if (end - start !== this.pathLength) return false;
    for (let i = 0; i < this.pathLength; i++) if (this.path[i] !== bytes[start + i]) return false;
    return true;
  }

  /** The path's bytes as latin1 text. */
  get pathKey(): string {
    return this.path.toString("latin1", 0, this.pathLength);
  }

  /** Takes over everything but the path and the place in the queue. */
  copyFrom(other: ChangeRecord): void {
    this.znode = other.znode;
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
  initialize(timeHigh: number, timeLow: number): void {
    this.znode = 0;
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

/** A power of two. */
const bucketsAtStart = 1024;

export class OutstandingChanges {
  /** Digest of the tree after everything in flight. */
  readonly digest: DigestSum = new DigestSum();
  readonly #tree: DataTree;
  /**
   * The latest record of each path, in chains by the low bits of its hash. A Map would be rebuilt time and again as paths
   * come and go, a hundred bytes a write.
   */
  #buckets = newBuckets(bucketsAtStart);
  #linked = 0;
  #changeCount = 0;
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

  /** Records in flight. */
  get length(): number {
    return this.#queue.length;
  }

  /** Changes in flight, as ZooKeeper counts them: one for each step of a transaction that changes a znode. */
  get changeCount(): number {
    return this.#changeCount;
  }

  /** The znode at a path as it will be, or null. For reading only: valid until the second next call. */
  get(bytes: Buffer, start: number, givenEnd: number): ChangeRecord | null {
    const end = givenEnd - start === 1 && bytes[start] === 0x2f ? start : givenEnd;
    const hash = this.#tree.hash(bytes, start, end);
    if (this.#linked > 0) {
      const pending = this.#find(hash, bytes, start, end);
      if (pending !== null) return pending.exists ? pending : null;
    }
    const id = this.#tree.findHashed(hash, bytes, start, end);
    if (id === 0) return null;
    const record = this.#fromTree[(this.#turn ^= 1)]!;
    record.setPath(bytes, start, end, hash);
    this.#fill(record, id);
    return record;
  }

  /** A new record in flight under this zxid, to be filled by {@link ChangeRecord.initialize}. */
  add(bytes: Buffer, start: number, end: number, zxidHigh: number, zxidLow: number): ChangeRecord {
    return this.#add(bytes, start, end, this.#tree.hash(bytes, start, end), zxidHigh, zxidLow);
  }

  #add(bytes: Buffer, start: number, end: number, hash: number, zxidHigh: number, zxidLow: number): ChangeRecord {
    const record = this.#pool.pop() ?? new ChangeRecord();
    record.setPath(bytes, start, end, hash);
    record.previous = this.#find(hash, bytes, start, end);
    if (record.previous !== null) this.#unlink(record.previous);
    this.#enqueue(record, zxidHigh, zxidLow);
    return record;
  }

  #enqueue(record: ChangeRecord, zxidHigh: number, zxidLow: number): void {
    record.zxidHigh = zxidHigh;
    record.zxidLow = zxidLow;
    record.isInFlight = true;
    record.changeCount = 1;
    this.#changeCount++;
    this.#link(record);
    this.#queue.push(record);
  }

  #find(hash: number, bytes: Buffer, start: number, end: number): ChangeRecord | null {
    let record = this.#buckets[hash & (this.#buckets.length - 1)] ?? null;
    while (record !== null && (record.hash !== hash || !record.isPath(bytes, start, end))) record = record.next;
    return record;
  }

  /** Makes the record its path's latest. */
  #link(record: ChangeRecord): void {
    if (this.#linked === this.#buckets.length) this.#grow();
    this.#linked++;
    const bucket = record.hash & (this.#buckets.length - 1);
    record.next = this.#buckets[bucket] ?? null;
    this.#buckets[bucket] = record;
  }

  /** Takes the record from among the latest ones, if it is one of them. */
  #unlink(record: ChangeRecord): void {
    const bucket = record.hash & (this.#buckets.length - 1);
    let before: ChangeRecord | null = null;
    for (let at = this.#buckets[bucket] ?? null; at !== null; before = at, at = at.next) {
      if (at !== record) continue;
      if (before === null) this.#buckets[bucket] = at.next;
      else before.next = at.next;
      this.#linked--;
      return;
    }
  }

  #grow(): void {
    const old = this.#buckets;
    this.#buckets = newBuckets(old.length * 2);
    this.#linked = 0;
    for (const head of old) {
      for (let record = head; record !== null;) {
        const { next } = record;
        this.#link(record);
        record = next;
      }
    }
  }

  /**
   * The record of a transaction that is about to be applied and changes a single znode of the tree, or null: it knows the
   * znode and its checksum already.
   */
  soleChangeOf(zxidHigh: number, zxidLow: number): ChangeRecord | null {
    if (this.#queue.length === 0) return null;
    const record = this.#queue.at(0);
    return record.zxidHigh === zxidHigh && record.zxidLow === zxidLow && record.znode !== 0 ? record : null;
  }

  /**
   * A record in flight that begins as what {@link get} gave, which must not be used any more. A transaction that changes a
   * znode again and again, as the parent of all that a closing session leaves, has one record for it.
   */
  derive(current: ChangeRecord, zxidHigh: number, zxidLow: number): ChangeRecord {
    let record = current;
    if (current.isInFlight) {
      if (current.zxidHigh === zxidHigh && current.zxidLow === zxidLow) {
        current.changeCount++;
        this.#changeCount++;
        return current;
      }
      record = this.#add(current.path, 0, current.pathLength, current.hash, zxidHigh, zxidLow);
      record.copyFrom(current);
    } else {
      // Filled from the tree, so that nothing is in flight for its path: it goes itself.
      this.#fromTree[current === this.#fromTree[0] ? 0 : 1] = this.#pool.pop() ?? new ChangeRecord();
      this.#enqueue(record, zxidHigh, zxidLow);
    }
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
      this.#unlink(record);
      this.#recycle(record);
    }
    this.digest.set(this.#tree.digest.high, this.#tree.digest.low);
  }

  /** Takes back every record added since the queue had `length`, and the digest was this: a multi has failed. */
  rollBack(length: number, digestHigh: number, digestLow: number): void {
    this.digest.set(digestHigh, digestLow);
    while (this.#queue.length > length) {
      const record = this.#queue.pop();
      this.#unlink(record);
      if (record.previous !== null) this.#link(record.previous);
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
    this.#changeCount -= record.changeCount;
    record.acl = null;
    record.previous = null;
    record.next = null;
    record.isInFlight = false;
    this.#pool.push(record);
  }

  #fill(record: ChangeRecord, id: number): void {
    const { store } = this.#tree;
    const view = store.recordView(id);
    const at = store.recordOffset(id);
    record.znode = id;
    record.exists = true;
    record.childCount = view.getInt32(at + StatField.numChildren);
    record.dataLength = view.getInt32(at + StatField.dataLength);
    record.kind = store.kind(id);
    record.acl = this.#tree.aclOf(id);
    record.isOutsideDigest = store.hasFlag(id, ZnodeFlag.outsideDigest);
    record.contentCrc = store.get(id, Field.contentCrc);
    record.nodeCrc = store.get(id, Field.nodeCrc);
    record.version = view.getInt32(at + StatField.version);
    record.cversion = view.getInt32(at + StatField.storedCversion);
    record.aversion = view.getInt32(at + StatField.aversion);
    record.czxidHigh = view.getInt32(at + StatField.czxid);
    record.czxidLow = view.getInt32(at + StatField.czxid + 4);
    record.mzxidHigh = view.getInt32(at + StatField.mzxid);
    record.mzxidLow = view.getInt32(at + StatField.mzxid + 4);
    record.pzxidHigh = view.getInt32(at + StatField.pzxid);
    record.pzxidLow = view.getInt32(at + StatField.pzxid + 4);
    record.ctimeHigh = view.getInt32(at + StatField.ctime);
    record.ctimeLow = view.getInt32(at + StatField.ctime + 4);
    record.mtimeHigh = view.getInt32(at + StatField.mtime);
    record.mtimeLow = view.getInt32(at + StatField.mtime + 4);
    record.ownerHigh = view.getInt32(at + StatField.ephemeralOwner);
    record.ownerLow = view.getInt32(at + StatField.ephemeralOwner + 4);
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

function newBuckets(count: number): (ChangeRecord | null)[] {
  return Array.from<ChangeRecord | null>({ length: count }).fill(null);
}
