/**
 * The newest transactions, as bytes in memory: those that are proposed and not committed, and behind them some of those
 * that are. Learners that missed a little are brought up to date from here; the tree is changed from here.
 *
 *      dropped | kept, committed          | proposed
 *      --------+---------------------------+----------->  zxid
 *              ^ first                     ^ committedCount
 *
 * A transaction lies in one piece in a segment of bytes; segments are filled one behind the other, dropped from the front
 * and filled again. Within an epoch the zxids that are kept have no gap: a learner that was sent a gap could not tell.
 * Source: ZKDatabase.committedLog, Leader.outstandingProposals, toBeApplied.
 */

import { assert } from "#base/assert.ts";
import { copyBytes } from "#base/copy-bytes.ts";
import { compareHalves } from "#base/zxid.ts";
import { readInt32 } from "#jute/reader.ts";
import { zxidInTxnHeader } from "#protocol/txn-header.ts";

/** A transaction in the window: `bytes[start, end)`, borrowed until it is dropped. */
export interface WindowTxn {
  readonly zxidHigh: number;
  readonly zxidLow: number;
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
}

export interface TxnWindowOptions {
  /** Committed transactions that are kept at least, bytes permitting (zookeeper.commitLogCount). */
  readonly committedCountMin: number;
  /** Bytes beyond which fewer are kept. */
  readonly committedBytesMax: number;
  readonly segmentBytes?: number;
}

const segmentBytesDefault: number = 256 * 1024;
const spareSegmentsMax = 4;

export class TxnWindow {
  readonly #options: TxnWindowOptions;
  readonly #segmentBytes: number;
  /** A ring of entries that are used again and again. */
  #ring: Entry[] = Array.from({ length: 16 }, () => new Entry());
  #head = 0;
  #length = 0;
  #committedCount = 0;
  #keptBytes = 0;
  #holds = 0;
  #open: Segment | null = null;
  readonly #spare: Segment[] = [];

  constructor(options: TxnWindowOptions) {
    this.#options = options;
    this.#segmentBytes = options.segmentBytes ?? segmentBytesDefault;
  }

  /** Number of transactions in the window. */
  get length(): number {
    return this.#length;
  }

  /** Number of those that are committed: they come first. */
  get committedCount(): number {
    return this.#committedCount;
  }

  /** The last transaction, committed or not; null when there is none. */
  get newest(): WindowTxn | null {
    return this.#length === 0 ? null : this.#entry(this.#length - 1);
  }

  at(index: number): WindowTxn {
    assert(index >= 0 && index < this.#length, "a transaction within the window");
    return this.#entry(index);
  }

  /** Takes a copy of a transaction: header, body, digest. It is newer than all that are there. */
  append(bytes: Buffer, start: number, end: number): void {
    const zxidHigh = readInt32(bytes, start + zxidInTxnHeader);
    const zxidLow = readInt32(bytes, start + zxidInTxnHeader + 4);
    if (this.#length > 0) {
      const last = this.#entry(this.#length - 1);
      assert(compareHalves(last.zxidHigh, last.zxidLow, zxidHigh, zxidLow) < 0, "zxids of transactions grow");
      assert(last.zxidHigh !== zxidHigh || ((last.zxidLow + 1) | 0) === zxidLow, "zxids of an epoch have no gap");
    }
    const count = end - start;
    const segment = this.#segmentFor(count);
    copyBytes(bytes, start, end, segment.bytes, segment.length);
    if (this.#length === this.#ring.length) this.#grow();
    const entry = this.#entry(this.#length++);
    entry.zxidHigh = zxidHigh;
    entry.zxidLow = zxidLow;
    entry.segment = segment;
    entry.bytes = segment.bytes;
    entry.start = segment.length;
    segment.length += count;
    segment.count++;
    entry.end = segment.length;
  }

  /** Index of the first transaction behind that zxid, which need not be in the window; `length` when there is none. */
  indexBehind(zxidHigh: number, zxidLow: number): number {
    let low = 0;
    let high = this.#length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const entry = this.#entry(middle);
      if (compareHalves(entry.zxidHigh, entry.zxidLow, zxidHigh, zxidLow) <= 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The oldest proposed transactions are committed now, up to and with that zxid. */
  commit(zxidHigh: number, zxidLow: number): void {
    const count = this.indexBehind(zxidHigh, zxidLow);
    assert(count >= this.#committedCount, "nothing that was committed is undone");
    for (let i = this.#committedCount; i < count; i++) this.#keptBytes += this.#entry(i).byteLength;
    this.#committedCount = count;
  }

  /**
   * Drops the oldest committed transactions, as many as are too many, but none behind that zxid: up to there they have been
   * applied, and nobody reads them any more.
   */
  trim(zxidHigh: number, zxidLow: number): void {
    if (this.#holds > 0) return;
    const { committedCountMin, committedBytesMax } = this.#options;
    while (this.#committedCount > committedCountMin || this.#keptBytes > committedBytesMax) {
      if (this.#committedCount === 0) return;
      const first = this.#entry(0);
      if (compareHalves(first.zxidHigh, first.zxidLow, zxidHigh, zxidLow) > 0) return;
      this.#keptBytes -= first.byteLength;
      this.#committedCount--;
      this.#dropFirst();
    }
  }

  /** Keeps everything that is there until what is returned is called: somebody is about to read it. */
  hold(): () => void {
    this.#holds++;
    let isHeld = true;
    return () => {
      if (isHeld) this.#holds--;
      isHeld = false;
    };
  }

  /** Forgets everything, as when the tree is loaded anew. */
  clear(): void {
    this.#committedCount = 0;
    this.#keptBytes = 0;
    while (this.#length > 0) this.#dropFirst();
  }

  #dropFirst(): void {
    const entry = this.#entry(0);
    const segment = entry.segment!;
    entry.segment = null;
    this.#head = (this.#head + 1) & (this.#ring.length - 1);
    this.#length--;
    if (--segment.count > 0) return;
    segment.length = 0;
    if (segment === this.#open) return;
    const isUsual = segment.bytes.length === this.#segmentBytes;
    if (isUsual && this.#spare.length < spareSegmentsMax) this.#spare.push(segment);
  }

  #entry(index: number): Entry {
    return this.#ring[(this.#head + index) & (this.#ring.length - 1)]!;
  }

  #segmentFor(count: number): Segment {
    const open = this.#open;
    if (open !== null && open.bytes.length - open.length >= count) return open;
    if (count > this.#segmentBytes) return new Segment(count);
    this.#open = this.#spare.pop() ?? new Segment(this.#segmentBytes);
    return this.#open;
  }

  #grow(): void {
    const grown = Array.from({ length: this.#ring.length * 2 }, (_, i) => {
      return i < this.#length ? this.#entry(i) : new Entry();
    });
    this.#ring = grown;
    this.#head = 0;
  }
}

class Segment {
  readonly bytes: Buffer;
  length = 0;
  /** Transactions in it that have not been dropped. */
  count = 0;

  constructor(byteLength: number) {
    this.bytes = Buffer.allocUnsafeSlow(byteLength);
  }
}

class Entry implements WindowTxn {
  zxidHigh = 0;
  zxidLow = 0;
  segment: Segment | null = null;
  bytes: Buffer = noBytes;
  start = 0;
  end = 0;

  get byteLength(): number {
    return this.end - this.start;
  }
}

const noBytes = Buffer.alloc(0);
