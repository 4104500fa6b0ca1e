/**
 * Reads the transaction log from a zxid on, in the order it was written, and leaves it without a torn tail.
 *
 *   files    every log.<hex> above the zxid, and the one with the largest name at or below it
 *   record   checksum int64 | length int32 | payload | 0x42              length 0 = padding, the file's end
 *
 * ZooKeeper stops silently at a record that was not completely written, and refuses to start at a bad checksum. Both are
 * what a crash leaves in the newest file, so there both are a torn tail (txn-log-tail.ts says when not): the file is cut
 * behind its last good record, which ZooKeeper reads as well, and one line is logged. In an older file an incomplete
 * record is what a restarted ZooKeeper leaves behind, and is accepted when nothing is missing in the file after it.
 *
 * Always: within an epoch each zxid handed out is one more than the one before, the first one more than the zxid asked
 * for; behind a file that breaks off in an earlier epoch comes an epoch's first; a newest file that never got a header is
 * removed; anything else that is not as it was written is a CorruptionError with file and offset.
 * Source: FileTxnLog.FileTxnIterator, ZKDatabase.addCommittedProposal.
 */

import { adler32, adler32Start } from "#base/adler32.ts";
import { CorruptionError } from "#base/errors.ts";
import { compareHalves, hexOfHalves } from "#base/zxid.ts";
import type { Disk, DiskFile } from "#host/disk.ts";
import type { Logger } from "#host/logger.ts";
import { MarshallingError } from "#jute/reader.ts";
import { txnHeaderBytes, zxidInTxnHeader } from "#protocol/txn-header.ts";
import { filesOfKind, type NamedFile } from "./file-names.ts";
import { FileWindow } from "./file-window.ts";
import { datasync, txnLogHeaderBytes, txnLogMagic, txnLogVersion } from "./txn-log-file.ts";
import { judgeTail } from "./txn-log-tail.ts";
import { recordEndMark, recordOverheadBytes, recordPrefixBytes } from "./txn-log.ts";

export interface TxnLogReadOptions {
  readonly disk: Disk;
  readonly folder: string;
  readonly logger: Logger;
  /** Records above this zxid are handed out. */
  readonly afterHigh: number;
  readonly afterLow: number;
  /** What the counter of each epoch begins behind: 0, but for tests. */
  readonly firstCounter?: number;
  /** True leaves the files as they are; a torn tail is then only reported. */
  readonly isReadOnly?: boolean;
  /** Reading ends before the first record of that zxid or a later one: what a log that is being written has for sure. */
  readonly until?: { readonly zxidHigh: number; readonly zxidLow: number };
  /** Awaited before each piece of a file, so that whoever takes the records is not given more than it can hold. */
  pace?(): Promise<void>;
  /**
   * Takes a payload, `bytes[start, end)`: TxnHeader, body, digest. Borrowed until it returns. A MarshallingError says that it
   * is no transaction: the log is damaged there.
   */
  onRecord(bytes: Buffer, start: number, end: number): void;
}

export interface TxnLogReadResult {
  /** The last record's zxid, or the one asked for when there was none above it. */
  readonly lastZxidHigh: number;
  readonly lastZxidLow: number;
  /** Records handed out. */
  readonly recordCount: number;
  /** Where the newest file was cut, or would be. */
  readonly tornTail: { readonly path: string; readonly offset: number } | null;
}

/**
 * Hands out every record above a zxid.
 * @throws CorruptionError when the log is damaged. @throws DiskError
 */
export async function readTxnLog(options: TxnLogReadOptions): Promise<TxnLogReadResult> {
  return new LogReading(options).run();
}

/** The last zxid in the log, or the newest file's name when it holds no record; null when there is no log. */
export async function readLastLoggedZxid(
  options: Pick<TxnLogReadOptions, "disk" | "folder" | "logger">,
): Promise<{ zxidHigh: number; zxidLow: number } | null> {
  const newest = filesOfKind(options.folder, await options.disk.list(options.folder), "log").at(-1);
  if (newest === undefined) return null;
  const result = await readTxnLog({
    ...options,
    afterHigh: newest.zxidHigh,
    afterLow: newest.zxidLow,
    isReadOnly: true,
    onRecord: () => {},
  });
  return { zxidHigh: result.lastZxidHigh, zxidLow: result.lastZxidLow };
}

/** Why the records of a file end where they do. */
interface FileEnd {
  readonly file: NamedFile;
  readonly offset: number;
  /** The last good zxid before it. */
  readonly zxidHigh: number;
  readonly zxidLow: number;
  readonly kind: "padding" | "incomplete" | "bad-checksum";
  readonly expected: string;
  readonly found: string;
}

class LogReading {
  readonly #options: TxnLogReadOptions;
  #zxidHigh: number;
  #zxidLow: number;
  #isHandingOut = false;
  #isDone = false;
  #recordCount = 0;
  /** Ends of files behind which no record was met yet. */
  #openEnds: FileEnd[] = [];
  #tornTail: { path: string; offset: number } | null = null;

  constructor(options: TxnLogReadOptions) {
    this.#options = options;
    this.#zxidHigh = options.afterHigh;
    this.#zxidLow = options.afterLow;
  }

  async run(): Promise<TxnLogReadResult> {
    const { disk, folder } = this.#options;
    const all = filesOfKind(folder, await disk.list(folder), "log");
    const files = await this.#withoutUnbornFiles(this.#filesToRead(all));
    for (const file of files) {
      await this.#readFile(file);
      if (this.#isDone) break;
    }
    if (!this.#isDone) for (const end of this.#openEnds) await this.#judgeNewestEnd(end);
    return {
      lastZxidHigh: this.#zxidHigh,
      lastZxidLow: this.#zxidLow,
      recordCount: this.#recordCount,
      tornTail: this.#tornTail,
    };
  }

  #filesToRead(files: readonly NamedFile[]): NamedFile[] {
    const { afterHigh, afterLow } = this.#options;
    const above = files.findIndex((file) => compareHalves(file.zxidHigh, file.zxidLow, afterHigh, afterLow) > 0);
    return files.slice(Math.max(0, (above < 0 ? files.length : above) - 1));
  }

  /** A crash while the newest file was being created leaves it without a header, or with part of one. */
  async #withoutUnbornFiles(files: NamedFile[]): Promise<NamedFile[]> {
    const { logger, isReadOnly } = this.#options;
    for (let newest = files.at(-1); newest !== undefined; newest = files.at(-1)) {
      if (!(await this.#isUnborn(newest))) break;
      files.pop();
      if (isReadOnly === true) continue;
      await this.#options.disk.remove(newest.path);
      await this.#options.disk.syncFolder(this.#options.folder);
      logger.warn({ path: newest.path }, `Delete empty tail log file to recover from corruption file: ${newest.name}`);
    }
    return files;
  }

  #isUnborn(file: NamedFile): Promise<boolean> {
    return withFile(this.#options.disk, file.path, async (opened, sizeBytes) => {
      if (sizeBytes === 0) return true;
      const header = Buffer.alloc(txnLogHeaderBytes);
      await opened.read(header, 0, header.length, 0);
      if (sizeBytes >= txnLogHeaderBytes && header.readInt32BE(0) === txnLogMagic) return false;
      if (!isPartOfHeader(header)) return false;
      const offset = Math.min(txnLogHeaderBytes, sizeBytes);
      const tail = await judgeTail(opened, sizeBytes, { offset, zxidHigh: 0, zxidLow: 0 });
      return tail.validAt < 0;
    });
  }

  #readFile(file: NamedFile): Promise<void> {
    return withFile(this.#options.disk, file.path, async (opened, sizeBytes) => {
      const window = new FileWindow(opened, sizeBytes);
      const hasHeader = await window.fill(txnLogHeaderBytes);
      if (!hasHeader || window.bytes.readInt32BE(0) !== txnLogMagic) {
        const found = hasHeader ? `0x${window.bytes.toString("hex", 0, 4)}` : `${window.available} bytes`;
        throw new CorruptionError({ path: file.path, offset: 0, expected: "a log file header with ZKLG", found });
      }
      window.start = txnLogHeaderBytes;
      for (;;) {
        await this.#options.pace?.();
        const stop = this.#takeRecords(file, window);
        if (stop === "open-ends") await this.#closeOpenEnds(file, window);
        else if (typeof stop === "object") return this.#noteEnd(stop);
        else if (this.#isDone) return;
        else if (!(await window.fill(stop)))
          return this.#noteEnd(endOfBytes(file, window, this.#zxidHigh, this.#zxidLow));
      }
    });
  }

  /**
   * Takes the records that lie whole in the window.
   * @returns the bytes that are needed to go on, why the file ends here, or that earlier ends must be looked at first.
   */
  #takeRecords(file: NamedFile, window: FileWindow): number | FileEnd | "open-ends" {
    const { bytes, end } = window;
    while (window.available >= recordPrefixBytes) {
      const start = window.start;
      const length = bytes.readInt32BE(start + 8);
      const isPadding = length === 0;
      if (isPadding) return this.#end(file, window, "padding", "a record or zeros", "a record without length");
      if (length < 0 || window.offset + recordOverheadBytes + length > window.sizeBytes) {
        const kind = length < 0 ? "bad-checksum" : "incomplete";
        return this.#end(file, window, kind, "a record that ends within the file", `length ${length}`);
      }
      if (recordOverheadBytes + length > end - start) return recordOverheadBytes + length;
      const payloadStart = start + recordPrefixBytes;
      const payloadEnd = payloadStart + length;
      const fault = faultOf(bytes, start, payloadEnd);
      if (fault !== null) return this.#end(file, window, fault.kind, fault.expected, fault.found);
      if (this.#openEnds.length > 0) return "open-ends";
      this.#take(file, window, payloadStart, payloadEnd);
      if (this.#isDone) break;
      window.start = payloadEnd + 1;
    }
    return recordPrefixBytes;
  }

  #end(file: NamedFile, window: FileWindow, kind: FileEnd["kind"], expected: string, found: string): FileEnd {
    return { file, offset: window.offset, zxidHigh: this.#zxidHigh, zxidLow: this.#zxidLow, kind, expected, found };
  }

  #take(file: NamedFile, window: FileWindow, payloadStart: number, payloadEnd: number): void {
    const { bytes, offset } = window;
    if (payloadEnd - payloadStart < txnHeaderBytes) {
      const found = `${payloadEnd - payloadStart} bytes`;
      throw new CorruptionError({ path: file.path, offset, expected: "a transaction header of 32 bytes", found });
    }
    const high = bytes.readInt32BE(payloadStart + zxidInTxnHeader);
    const low = bytes.readInt32BE(payloadStart + zxidInTxnHeader + 4);
    const order = compareHalves(high, low, this.#zxidHigh, this.#zxidLow);
    if (order <= 0 && !this.#isHandingOut) return;
    const { until } = this.#options;
    if (until !== undefined && compareHalves(high, low, until.zxidHigh, until.zxidLow) >= 0) {
      this.#isDone = true;
      return;
    }
    if (order > 0 && high === this.#zxidHigh && low !== ((this.#zxidLow + 1) | 0)) {
      const expected = `zxid 0x${hexOfHalves(high, this.#zxidLow + 1)}`;
      throw new CorruptionError({ path: file.path, offset, expected, found: `0x${hexOfHalves(high, low)}` });
    }
    if (order <= 0) this.#reportDisorder(file, high, low);
    this.#isHandingOut = true;
    this.#recordCount++;
    if (order > 0) {
      this.#zxidHigh = high;
      this.#zxidLow = low;
    }
    this.#handOut(file, window, payloadStart, payloadEnd);
  }

  /**
   * Whether transactions are missing between a file that breaks off and the next. A log that has one of an epoch has all that came before
   * it in that epoch. An upgraded log may begin anywhere: what comes behind -1 leaves no gap.
   */
  #isGap(end: FileEnd, nextHigh: number, nextLow: number): boolean {
    if (nextHigh === end.zxidHigh) return nextLow !== ((end.zxidLow + 1) | 0);
    return end.zxidHigh !== -1 && nextLow !== (((this.#options.firstCounter ?? 0) + 1) | 0);
  }

  /** What is whole and makes no sense was written that way: nothing behind it can be trusted. */
  #handOut(file: NamedFile, { bytes, offset }: FileWindow, payloadStart: number, payloadEnd: number): void {
    try {
      this.#options.onRecord(bytes, payloadStart, payloadEnd);
    } catch (error) {
      if (!(error instanceof MarshallingError)) throw error;
      throw new CorruptionError({ path: file.path, offset, expected: "a transaction", found: error.message });
    }
  }

  /** Quirk: ZooKeeper logs a zxid that does not rise, and applies the record all the same. */
  #reportDisorder(file: NamedFile, high: number, low: number): void {
    const last = `0x${hexOfHalves(this.#zxidHigh, this.#zxidLow)}`;
    const next = `0x${hexOfHalves(high, low)}`;
    this.#options.logger.error({ path: file.path }, `${last}(highestZxid) > ${next}(next log)`);
  }

  #noteEnd(end: FileEnd): void {
    this.#openEnds.push(end);
  }

  /** A record follows in a later file: whatever was lost before it must be nothing. */
  async #closeOpenEnds(file: NamedFile, window: FileWindow): Promise<void> {
    const ends = this.#openEnds;
    this.#openEnds = [];
    const zxidAt = window.start + recordPrefixBytes + zxidInTxnHeader;
    const nextHigh = window.bytes.readInt32BE(zxidAt);
    const nextLow = window.bytes.readInt32BE(zxidAt + 4);
    for (const end of ends) {
      const isSkipped = compareHalves(nextHigh, nextLow, this.#options.afterHigh, this.#options.afterLow) <= 0;
      const isNext = nextHigh === end.zxidHigh && nextLow === ((end.zxidLow + 1) | 0);
      const isGap = !isSkipped && this.#isGap(end, nextHigh, nextLow);
      if (end.kind === "bad-checksum" || (end.kind === "incomplete" && isGap)) throw damage(end);
      if (!isNext && !isSkipped && (await this.#judge(end)) === "damaged") throw damage(end);
      if (end.kind === "incomplete") this.#reportOldTear(end, file);
    }
  }

  #reportOldTear(end: FileEnd, next: NamedFile): void {
    this.#options.logger.warn(
      { path: end.file.path, offset: end.offset },
      `Incomplete record at offset ${end.offset} of ${end.file.path}; nothing is missing, ${next.name} goes on after it`,
    );
  }

  #judge(end: FileEnd): Promise<"padding" | "torn" | "damaged"> {
    return withFile(this.#options.disk, end.file.path, async (opened, sizeBytes) => {
      return (await judgeTail(opened, sizeBytes, end)).kind;
    });
  }

  async #judgeNewestEnd(end: FileEnd): Promise<void> {
    const kind = await this.#judge(end);
    if (kind === "damaged") throw damage(end);
    if (kind === "padding") return;
    this.#tornTail = { path: end.file.path, offset: end.offset };
    if (this.#options.isReadOnly === true) return;
    await this.#cut(end);
  }

  async #cut(end: FileEnd): Promise<void> {
    const { disk, logger } = this.#options;
    const file = await disk.open(end.file.path, "update");
    try {
      await file.truncate(end.offset);
      await datasync(file);
    } finally {
      await file.close();
    }
    logger.warn(
      { path: end.file.path, offset: end.offset, expected: end.expected, found: end.found },
      `Cut ${end.file.path} at offset ${end.offset}, taking what follows for the last write before a crash: ` +
        `expected ${end.expected}, found ${end.found}`,
    );
  }
}

/** What is wrong with the record at `start` whose payload ends at `payloadEnd`, if anything. */
function faultOf(
  bytes: Buffer,
  start: number,
  payloadEnd: number,
): { kind: FileEnd["kind"]; expected: string; found: string } | null {
  const mark = bytes[payloadEnd];
  if (mark !== recordEndMark)
    return { kind: "incomplete", expected: "end mark 0x42", found: `0x${mark!.toString(16)}` };
  const sum = adler32(adler32Start, bytes, start + recordPrefixBytes, payloadEnd);
  if (bytes.readInt32BE(start) === 0 && bytes.readUInt32BE(start + 4) === sum) return null;
  const found = `0x${sum.toString(16)}`;
  return { kind: "bad-checksum", expected: `checksum 0x${bytes.toString("hex", start, start + 8)}`, found };
}

function endOfBytes(file: NamedFile, window: FileWindow, zxidHigh: number, zxidLow: number): FileEnd {
  const kind = window.available === 0 ? "padding" : "incomplete";
  const found = `${window.available} bytes`;
  return { file, offset: window.offset, zxidHigh, zxidLow, kind, expected: "a whole record", found };
}

function damage(end: FileEnd): CorruptionError {
  const { file, offset, expected, found } = end;
  return new CorruptionError({ path: file.path, offset, expected, found });
}

/** Each byte is the header's or zero: the header, or a part of it, was never written. */
function isPartOfHeader(found: Buffer): boolean {
  const expected = Buffer.alloc(txnLogHeaderBytes);
  expected.writeInt32BE(txnLogMagic, 0);
  expected.writeInt32BE(txnLogVersion, 4);
  return found.every((byte, index) => byte === 0 || byte === expected[index]);
}

async function withFile<Result>(
  disk: Disk,
  path: string,
  use: (file: DiskFile, sizeBytes: number) => Promise<Result>,
): Promise<Result> {
  const file = await disk.open(path, "read");
  try {
    return await use(file, await file.sizeBytes());
  } finally {
    await file.close();
  }
}
