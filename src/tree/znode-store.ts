/**
 * The fixed part of every znode: 116 bytes in pages outside the JavaScript heap, addressed by a number, the znode's id.
 * The Stat lies there in the wire's own byte order, so that answering a read is a copy and not an encoding.
 *
 *   bytes 0..67    Stat as the client sees it: czxid mzxid ctime mtime version cversion aversion ephemeralOwner
 *                  dataLength numChildren pzxid, big-endian
 *   words 17..28   links, hash, ACL, flags, checksums, blob: see Field, native order
 *
 * Two fields differ from what a client may see. ephemeralOwner holds the stored owner, which a client must not see for
 * container and TTL znodes; copyStat blanks it. The client's cversion is 2 * creates - numChildren, and rises with
 * every create and delete; the number of creates, which names sequential znodes and enters the digest, is kept beside.
 *
 * Children form a ring through previousSibling (the first child's previous is the last), so that a child is appended
 * and unlinked in constant time and siblings stay in the order of their creation.
 *
 * Source: DataNode.java, StatPersisted in zookeeper.jute.
 */

import { copyBytes } from "#base/copy-bytes.ts";
import type { JuteWriter } from "#jute/writer.ts";
import { BlobArena } from "./blob-arena.ts";

/** Id of the root, whose path is empty. Id 0 is no znode. */
export const rootId = 1;

const recordWords = 29;
const recordBytes = recordWords * 4;
const statWords = 17;
/** Size of a Stat on the wire. */
export const statBytes = 68;
const pageShift = 12;
const pageRecords = 1 << pageShift;
const pageMask = pageRecords - 1;
const isLittleEndian = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1;

/** Word index of a native field within a record. */
export const Field = {
  parent: 17,
  firstChild: 18,
  previousSibling: 19,
  nextSibling: 20,
  hash: 21,
  aclId: 22,
  flags: 24,
  /** CRC-32 state after path and data: what a change of the stat continues from. */
  contentCrc: 25,
  /** CRC-32 of path, data and stat: the znode's share of the tree digest. */
  nodeCrc: 26,
  blob: 27,
  nameLength: 28,
} as const;
export type Field = (typeof Field)[keyof typeof Field];

/** Byte offset of a big-endian field within a record. */
export const StatField = {
  czxid: 0,
  mzxid: 8,
  ctime: 16,
  mtime: 24,
  version: 32,
  cversion: 36,
  aversion: 40,
  ephemeralOwner: 44,
  dataLength: 52,
  numChildren: 56,
  pzxid: 60,
  /** Number of creates below the znode: the cversion of StatPersisted. */
  storedCversion: 92,
} as const;
export type StatField = (typeof StatField)[keyof typeof StatField];

/** What kind of owner a znode has: the low two bits of its flags. */
export const ZnodeKind = { persistent: 0, ephemeral: 1, container: 2, ttl: 3 } as const;
export type ZnodeKind = (typeof ZnodeKind)[keyof typeof ZnodeKind];

/** Flag bits above the kind. */
export const ZnodeFlag = {
  kindMask: 3,
  /** Data is null, which is not the same as empty. */
  nullData: 4,
  /** Below /zookeeper: left out of the tree digest. */
  outsideDigest: 8,
} as const;

export class ZnodeStore {
  readonly blobs: BlobArena = new BlobArena();
  readonly #words: Int32Array[] = [];
  readonly #views: DataView[] = [];
  /** Depends on what {@link touch} read, lest the compiler leave the reads out; of no other use. */
  touchMix = 0;
  #freeHead = 0;
  #next: number = rootId;
  #count = 0;

  /** Znodes in use. */
  get count(): number {
    return this.#count;
  }

  /** Bytes taken from the operating system. */
  get reservedBytes(): number {
    return this.#words.length * pageRecords * recordBytes + this.blobs.reservedBytes;
  }

  /** A zeroed record. */
  allocate(): number {
    this.#count++;
    let id = this.#freeHead;
    if (id !== 0) {
      this.#freeHead = this.get(id, Field.nextSibling);
      const words = this.#words[id >>> pageShift]!;
      const base = (id & pageMask) * recordWords;
      words.fill(0, base, base + recordWords);
      return id;
    }
    id = this.#next++;
    if (id >>> pageShift >= this.#words.length) {
      const memory = new SharedArrayBuffer(pageRecords * recordBytes);
      this.#words.push(new Int32Array(memory));
      this.#views.push(new DataView(memory));
    }
    return id;
  }

  /**
   * Reads a little of each of these znodes, so that they are in the processor's caches when they are used: all records,
   * then all blobs, for the processor waits for many reads at once if none needs the result of another. Uses up `ids`.
   */
  touch(ids: Int32Array, count: number): void {
    let mix = 0;
    for (let i = 0; i < count; i++) {
      const id = ids[i]!;
      const words = this.#words[id >>> pageShift]!;
      const base = (id & pageMask) * recordWords;
      mix ^= words[base]!;
      ids[i] = words[base + Field.blob]!;
    }
    for (let i = 0; i < count; i++) {
      const ref = ids[i]!;
      mix ^= this.blobs.bufferOf(ref)[this.blobs.offsetOf(ref)]!;
    }
    this.touchMix = mix;
  }

  /** Gives a record and its blob back. */
  release(id: number): void {
    this.blobs.release(this.get(id, Field.blob), this.get(id, Field.nameLength) + this.stat(id, StatField.dataLength));
    this.set(id, Field.nextSibling, this.#freeHead);
    this.#freeHead = id;
    this.#count--;
  }

  get(id: number, field: Field): number {
    return this.#words[id >>> pageShift]![(id & pageMask) * recordWords + field]!;
  }

  set(id: number, field: Field, value: number): void {
    this.#words[id >>> pageShift]![(id & pageMask) * recordWords + field] = value;
  }

  /** An int of the Stat, or the high half of a long of it. */
  stat(id: number, field: StatField): number {
    return this.#views[id >>> pageShift]!.getInt32((id & pageMask) * recordBytes + field);
  }

  setStat(id: number, field: StatField, value: number): void {
    this.#views[id >>> pageShift]!.setInt32((id & pageMask) * recordBytes + field, value);
  }

  /** The low half of a long of the Stat. */
  statLow(id: number, field: StatField): number {
    return this.#views[id >>> pageShift]!.getInt32((id & pageMask) * recordBytes + field + 4);
  }

  setStatLong(id: number, field: StatField, high: number, low: number): void {
    const view = this.#views[id >>> pageShift]!;
    const at = (id & pageMask) * recordBytes + field;
    view.setInt32(at, high);
    view.setInt32(at + 4, low);
  }

  /** The page of a record, for whoever reads many of its fields; they begin at {@link recordOffset}. */
  recordView(id: number): DataView {
    return this.#views[id >>> pageShift]!;
  }

  recordOffset(id: number): number {
    return (id & pageMask) * recordBytes;
  }

  /** Whether the path of a znode is `bytes[start, end)`: its names are compared from the leaf up to the root. */
  hasPath(id: number, bytes: Uint8Array, start: number, end: number): boolean {
    let stop = end;
    for (let at = id; at !== rootId;) {
      const words = this.#words[at >>> pageShift]!;
      const base = (at & pageMask) * recordWords;
      const length = words[base + Field.nameLength]!;
      const from = stop - length;
      if (from <= start || bytes[from - 1] !== 0x2f) return false;
      const blob = words[base + Field.blob]!;
      const name = this.blobs.bufferOf(blob);
      const offset = this.blobs.offsetOf(blob);
      for (let i = 0; i < length; i++) {
        if (bytes[from + i] !== name[offset + i]) return false;
      }
      stop = from - 1;
      at = words[base + Field.parent]!;
    }
    return stop === start;
  }

  kind(id: number): ZnodeKind {
    return (this.get(id, Field.flags) & ZnodeFlag.kindMask) as ZnodeKind;
  }

  hasFlag(id: number, flag: number): boolean {
    return (this.get(id, Field.flags) & flag) !== 0;
  }

  /** Appends the Stat as a client may see it: 68 bytes. */
  copyStat(id: number, out: JuteWriter): void {
    out.ensure(statBytes);
    const words = this.#words[id >>> pageShift]!;
    const base = (id & pageMask) * recordWords;
    const view = out.view;
    let at = out.length;
    for (let i = 0; i < statWords; i++, at += 4) view.setInt32(at, words[base + i]!, isLittleEndian);
    if ((words[base + Field.flags]! & ZnodeFlag.kindMask) >= ZnodeKind.container) {
      view.setInt32(out.length + StatField.ephemeralOwner, 0);
      view.setInt32(out.length + StatField.ephemeralOwner + 4, 0);
    }
    out.length = at;
  }

  /** Appends StatPersisted, the 60 bytes that a snapshot keeps. */
  copyStatPersisted(id: number, out: JuteWriter): void {
    out.ensure(60);
    const words = this.#words[id >>> pageShift]!;
    const base = (id & pageMask) * recordWords;
    const view = out.view;
    let at = out.length;
    for (let i = 0; i < 9; i++, at += 4) view.setInt32(at, words[base + i]!, isLittleEndian);
    view.setInt32(at, words[base + 23]!, isLittleEndian);
    for (let i = 10; i < 13; i++) view.setInt32((at += 4), words[base + i]!, isLittleEndian);
    view.setInt32((at += 4), words[base + 15]!, isLittleEndian);
    view.setInt32((at += 4), words[base + 16]!, isLittleEndian);
    out.length = at + 4;
  }

  /** Writes the 60 bytes over which the digest runs, in its order, into `target`. */
  copyDigestStat(id: number, target: DataView): void {
    const words = this.#words[id >>> pageShift]!;
    const base = (id & pageMask) * recordWords;
    for (let i = 0; i < 15; i++) target.setInt32(i * 4, words[base + digestOrder[i]!]!, isLittleEndian);
  }

  /** Buffer, first byte and length of the name; valid until the znode changes. */
  nameBuffer(id: number): Buffer {
    return this.blobs.bufferOf(this.get(id, Field.blob));
  }

  nameOffset(id: number): number {
    return this.blobs.offsetOf(this.get(id, Field.blob));
  }

  dataOffset(id: number): number {
    return this.nameOffset(id) + this.get(id, Field.nameLength);
  }

  /** Appends the data as a jute buffer, null as null. */
  copyData(id: number, out: JuteWriter): void {
    if (this.hasFlag(id, ZnodeFlag.nullData)) {
      out.writeInt(-1);
      return;
    }
    const length = this.stat(id, StatField.dataLength);
    out.writeInt(length);
    if (length === 0) return;
    const start = this.dataOffset(id);
    out.writeRaw(this.nameBuffer(id), start, start + length);
  }

  /** Replaces the data; `start < 0` stores null. The name stays. */
  setData(id: number, bytes: Uint8Array, start: number, end: number): void {
    const isNull = start < 0;
    const oldLength = this.stat(id, StatField.dataLength);
    const newLength = isNull ? 0 : end - start;
    const nameLength = this.get(id, Field.nameLength);
    const oldRef = this.get(id, Field.blob);
    if (!this.blobs.fits(oldRef, nameLength + oldLength, nameLength + newLength)) {
      const newRef = this.blobs.allocate(nameLength + newLength);
      const oldStart = this.blobs.offsetOf(oldRef);
      copyBytes(
        this.blobs.bufferOf(oldRef),
        oldStart,
        oldStart + nameLength,
        this.blobs.bufferOf(newRef),
        this.blobs.offsetOf(newRef),
      );
      this.blobs.release(oldRef, nameLength + oldLength);
      this.set(id, Field.blob, newRef);
    }
    if (newLength > 0) copyBytes(bytes, start, end, this.nameBuffer(id), this.dataOffset(id));
    this.setStat(id, StatField.dataLength, newLength);
    const flags = this.get(id, Field.flags);
    this.set(id, Field.flags, isNull ? flags | ZnodeFlag.nullData : flags & ~ZnodeFlag.nullData);
  }

  /** Stores name and data of a fresh record; `dataStart < 0` stores null. */
  setContent(
    id: number,
    bytes: Uint8Array,
    nameStart: number,
    nameEnd: number,
    data: Uint8Array,
    dataStart: number,
    dataEnd: number,
  ): void {
    const nameLength = nameEnd - nameStart;
    const dataLength = dataStart < 0 ? 0 : dataEnd - dataStart;
    const ref = this.blobs.allocate(nameLength + dataLength);
    this.set(id, Field.blob, ref);
    this.set(id, Field.nameLength, nameLength);
    this.setStat(id, StatField.dataLength, dataLength);
    if (dataStart < 0) this.set(id, Field.flags, this.get(id, Field.flags) | ZnodeFlag.nullData);
    const buffer = this.blobs.bufferOf(ref);
    const offset = this.blobs.offsetOf(ref);
    copyBytes(bytes, nameStart, nameEnd, buffer, offset);
    if (dataLength > 0) copyBytes(data, dataStart, dataEnd, buffer, offset + nameLength);
  }

  /** Makes `child` the last child of `parent`; counts are the caller's. */
  linkChild(parent: number, child: number): void {
    this.set(child, Field.parent, parent);
    const first = this.get(parent, Field.firstChild);
    if (first === 0) {
      this.set(parent, Field.firstChild, child);
      this.set(child, Field.previousSibling, child);
      return;
    }
    const last = this.get(first, Field.previousSibling);
    this.set(last, Field.nextSibling, child);
    this.set(child, Field.previousSibling, last);
    this.set(first, Field.previousSibling, child);
  }

  unlinkChild(child: number): void {
    const parent = this.get(child, Field.parent);
    const first = this.get(parent, Field.firstChild);
    const next = this.get(child, Field.nextSibling);
    const previous = this.get(child, Field.previousSibling);
    if (child === first) this.set(parent, Field.firstChild, next);
    else this.set(previous, Field.nextSibling, next);
    if (next !== 0) this.set(next, Field.previousSibling, previous);
    else if (child !== first) this.set(first, Field.previousSibling, previous);
  }

  /** Appends the path ("" for the root) without a length. @returns its length in bytes. */
  copyPath(id: number, out: JuteWriter): number {
    let length = 0;
    for (let at = id; at !== rootId; at = this.get(at, Field.parent)) length += 1 + this.get(at, Field.nameLength);
    out.ensure(length);
    let end = out.length + length;
    for (let at = id; at !== rootId; at = this.get(at, Field.parent)) {
      const nameLength = this.get(at, Field.nameLength);
      const source = this.nameBuffer(at);
      const from = this.nameOffset(at);
      end -= nameLength + 1;
      out.bytes[end] = 0x2f;
      copyBytes(source, from, from + nameLength, out.bytes, end + 1);
    }
    out.length += length;
    return length;
  }
}

/** Record words in the order of the digest: czxid mzxid pzxid ctime mtime version cversion aversion owner. */
const digestOrder: readonly number[] = [0, 1, 2, 3, 15, 16, 4, 5, 6, 7, 8, 23, 10, 11, 12];
