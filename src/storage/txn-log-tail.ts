/**
 * What lies behind the last good record of a log file: the question on which "cut it" and "refuse to start" part.
 *
 * A crash while a write was not yet durable leaves any part of it: the bytes up to some point, or any of its 512-byte
 * sectors, with zeros where the others should be. Nobody was told that those records exist. Damage to what was durable
 * looks different, and each is told apart:
 *
 *   nothing valid behind the bad place                   torn tail: cut
 *   the same, and the bad record has all its sectors
 *     and its end                                        damage: it was written whole, and perhaps acknowledged
 *   valid records behind it, a whole sector of zeros
 *     between, all within one unsynced write             torn write: cut, since the writer never has more unsynced
 *   valid records behind it, otherwise                   damage: the records behind it may have been acknowledged
 *
 * A record counts as valid when its frame and checksum are right and its zxid lies above the last good one, so that a
 * picture of a log inside someone's znode is not taken for the log.
 * Source: none; FileTxnLog either stops silently or refuses.
 */

import { adler32, adler32Start } from "#base/adler32.ts";
import { compareHalves } from "#base/zxid.ts";
import type { DiskFile } from "#host/disk.ts";
import { txnHeaderBytes, zxidInTxnHeader } from "#protocol/txn-header.ts";
import { chunkBytes, FileWindow } from "./file-window.ts";
import { unsyncedBytesMax } from "./txn-log-file.ts";
import { recordEndMark, recordOverheadBytes, recordPrefixBytes } from "./txn-log.ts";

const sectorBytes = 512;
/** The upper half of a checksum, which is always zero. */
const recordZerosBytes = 4;
const zeroRunBytes = 4096;
/** No transaction is longer; it bounds a search that is seldom made. */
const payloadBytesMax = 1 << 24;
const zeros: Buffer = Buffer.alloc(zeroRunBytes);

export interface Tail {
  /** "padding": zeros only, or nothing. */
  readonly kind: "padding" | "torn" | "damaged";
  /** Offset of the first valid record behind the bad place, or -1. */
  readonly validAt: number;
}

/** Judges `file` from `offset`, where the record after the one with the given zxid should be, to its end. */
export async function judgeTail(
  file: DiskFile,
  sizeBytes: number,
  at: { offset: number; zxidHigh: number; zxidLow: number },
): Promise<Tail> {
  if (await isZero(file, sizeBytes, at.offset)) return { kind: "padding", validAt: -1 };
  const scan = new TailScan(file, sizeBytes, at);
  await scan.run();
  if (scan.validAt < 0) {
    const isWhole = await isWholeRecord(file, sizeBytes, at.offset);
    return { kind: isWhole ? "damaged" : "torn", validAt: -1 };
  }
  const isOneWrite = scan.validEnd - at.offset <= unsyncedBytesMax;
  const isTornWrite = isOneWrite && (await hasZeroSector(file, sizeBytes, at.offset, scan.validAt));
  return { kind: isTornWrite ? "torn" : "damaged", validAt: scan.validAt };
}

async function isZero(file: DiskFile, sizeBytes: number, offset: number): Promise<boolean> {
  const window = new FileWindow(file, sizeBytes);
  window.seek(offset);
  while (await window.fill(1)) {
    while (window.available > 0) {
      const length = Math.min(zeroRunBytes, window.available);
      if (window.bytes.compare(zeros, 0, length, window.start, window.start + length) !== 0) return false;
      window.start += length;
    }
  }
  return true;
}

/**
 * Whether `[from, to)` holds a sector of zeros. The first sector counts from `from` on: what lies before is an older,
 * durable record. Four bytes would prove nothing there, since every record begins with four zeros.
 */
async function hasZeroSector(file: DiskFile, sizeBytes: number, from: number, to: number): Promise<boolean> {
  const window = new FileWindow(file, sizeBytes);
  window.seek(from);
  for (let at = from; at < to;) {
    const end = (Math.floor(at / sectorBytes) + 1) * sectorBytes;
    const length = end - at;
    if (end > to || (window.available < length && !(await window.fill(length)))) return false;
    const { bytes, start } = window;
    if (length > recordZerosBytes && bytes.compare(zeros, 0, length, start, start + length) === 0) return true;
    window.start += length;
    at = end;
  }
  return false;
}

/** Whether a record was written there to its end, and only some of its bytes are wrong. */
async function isWholeRecord(file: DiskFile, sizeBytes: number, offset: number): Promise<boolean> {
  const window = new FileWindow(file, sizeBytes);
  window.seek(offset);
  if (!(await window.fill(recordPrefixBytes))) return false;
  const checksum = window.bytes.readUInt32BE(window.start + 4);
  const length = window.bytes.readInt32BE(window.start + 8);
  const end = offset + recordOverheadBytes + length;
  if (length >= txnHeaderBytes && end <= sizeBytes && (await isEndMark(file, end - 1))) {
    return !(await hasZeroSector(file, sizeBytes, offset, end));
  }
  window.start += recordPrefixBytes;
  return endsSomewhere(window, { checksum, length });
}

/** Whether a payload with that checksum ends in the window's rest: then it is its length that is wrong, or its end mark. */
async function endsSomewhere(window: FileWindow, record: { checksum: number; length: number }): Promise<boolean> {
  let sum = adler32Start;
  for (let count = 0; count < payloadBytesMax && (window.available > 0 || (await window.fill(1))); count++) {
    const at = window.start++;
    const byte = window.bytes[at];
    const isEnd = byte === recordEndMark || (byte !== 0 && count === record.length);
    if (isEnd && count >= txnHeaderBytes && sum === record.checksum) return true;
    sum = adler32(sum, window.bytes, at, at + 1);
  }
  return false;
}

async function isEndMark(file: DiskFile, offset: number): Promise<boolean> {
  const mark = Buffer.alloc(1);
  await file.read(mark, 0, 1, offset);
  return mark[0] === recordEndMark;
}

/** Looks for valid records at every offset of a file's rest. */
class TailScan {
  /** Offset of the first valid record found, and the end of the last. */
  validAt = -1;
  validEnd = -1;
  readonly #file: DiskFile;
  readonly #window: FileWindow;
  readonly #after: { zxidHigh: number; zxidLow: number };

  constructor(file: DiskFile, sizeBytes: number, at: { offset: number; zxidHigh: number; zxidLow: number }) {
    this.#file = file;
    this.#after = at;
    this.#window = new FileWindow(file, sizeBytes);
    this.#window.seek(at.offset);
  }

  async run(): Promise<void> {
    const window = this.#window;
    while (window.available >= recordPrefixBytes || (await window.fill(recordPrefixBytes))) {
      const needed = this.#scanWindow();
      if (needed > window.available && (await this.#isEndMarkRight(needed)) && (await window.fill(needed))) {
        if (!this.#takeIfValid()) window.start++;
      } else if (needed > 0) {
        window.start++;
      }
    }
  }

  /** @returns bytes needed to judge the candidate it stopped at; 0 when the window is used up. */
  #scanWindow(): number {
    const window = this.#window;
    const { bytes, end } = window;
    while (end - window.start >= recordPrefixBytes) {
      const at = window.start;
      const length = bytes[at] === 0 && bytes.readInt32BE(at) === 0 ? bytes.readInt32BE(at + 8) : -1;
      if (length === 0) {
        window.start += this.#zeroRun(at);
      } else if (length < txnHeaderBytes || window.offset + recordOverheadBytes + length > window.sizeBytes) {
        window.start++;
      } else if (recordOverheadBytes + length > end - at) {
        return recordOverheadBytes + length;
      } else if (!this.#takeIfValid()) {
        window.start++;
      }
    }
    return 0;
  }

  /** Steps over zeros that cannot be the beginning of a record. */
  #zeroRun(at: number): number {
    const { bytes, end } = this.#window;
    if (end - at < zeroRunBytes || bytes.compare(zeros, 0, zeroRunBytes, at, at + zeroRunBytes) !== 0) return 1;
    return zeroRunBytes - recordPrefixBytes;
  }

  #takeIfValid(): boolean {
    const window = this.#window;
    const { bytes, start } = window;
    const payloadStart = start + recordPrefixBytes;
    const payloadEnd = payloadStart + bytes.readInt32BE(start + 8);
    if (bytes[payloadEnd] !== recordEndMark) return false;
    if (bytes.readUInt32BE(start + 4) !== adler32(adler32Start, bytes, payloadStart, payloadEnd)) return false;
    const zxidAt = payloadStart + zxidInTxnHeader;
    const { zxidHigh, zxidLow } = this.#after;
    if (compareHalves(bytes.readInt32BE(zxidAt), bytes.readInt32BE(zxidAt + 4), zxidHigh, zxidLow) <= 0) return false;
    if (this.validAt < 0) this.validAt = window.offset;
    window.start = payloadEnd + 1;
    this.validEnd = window.offset;
    return true;
  }

  /** Spares reading a long candidate whose last byte is wrong already. */
  async #isEndMarkRight(recordBytes: number): Promise<boolean> {
    return recordBytes <= chunkBytes || (await isEndMark(this.#file, this.#window.offset + recordBytes - 1));
  }
}
