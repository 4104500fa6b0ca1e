/**
 * The transaction log: every change a member has promised to remember, in zxid order. This is its writing side, with
 * group commit; txn-log-reader.ts reads it, txn-log-file.ts knows the file.
 *
 *   record  checksum int64 | length int32 | payload | 0x42
 *   payload TxnHeader | txn body | optional TxnDigest
 *
 * The checksum is Adler-32 over the payload only, neither the length nor the end mark, and its upper half is zero.
 *
 * Records are encoded straight into the batch that is being collected. A flush hands that batch to the disk and collects
 * into another one, so at most one write is in flight and whatever arrives meanwhile shares the next. That one starts
 * before the batch that has become durable is handed back: the disk works while its transactions are applied.
 *
 *   beginRecord .. endRecord -> collecting --flush--> flying --durable--> lent to onDurable --release--> free
 *                                                       `--> the next flush by itself
 *
 * A roll is a mark in the batch: the records behind it go to a new file, named by the first of them. The old file is
 * durable as a whole before the new one is created, so a hole can only ever be in the newest file.
 *
 * Always: batches become durable in the order of their records; nothing is reported durable before its sync; after a
 * failure nothing is written, retried or reported again.
 * Source: FileTxnLog.java, SyncRequestProcessor.java.
 */

import { adler32, adler32Start } from "#base/adler32.ts";
import { assert } from "#base/assert.ts";
import { DiskError } from "#base/errors.ts";
import { compareHalves, hexOfHalves } from "#base/zxid.ts";
import type { Clock } from "#host/clock.ts";
import type { Disk } from "#host/disk.ts";
import type { Logger } from "#host/logger.ts";
import { JuteWriter } from "#jute/writer.ts";
import { logFileName } from "./file-names.ts";
import { createTxnLogFile, type TxnLogFile } from "./txn-log-file.ts";

/** Bytes before the payload of a record: checksum and length. */
export const recordPrefixBytes = 12;
/** Bytes of a record beside its payload. */
export const recordOverheadBytes = 13;
/** "B", which ends a record. */
export const recordEndMark = 0x42;

const batchBytesStart = 64 * 1024;
/** A buffer that grew beyond the first is kept while batches fill a quarter of it, beyond the second never. */
const batchBytesKept = 4 << 20;
const batchBytesKeptWhileUsed = 16 << 20;
/** One collecting, one flying, one or two being applied. */
const freeBatchesMax = 4;

/**
 * Records as they are on the disk, one behind the other: a record's payload starts 12 bytes after the record, its length
 * is the int at 8, the next record follows 13 + length bytes after it. Borrowed until it is released.
 */
export interface LogBatch {
  readonly bytes: Buffer;
  /** Only `bytes[0, length)` belongs to the batch. */
  readonly length: number;
  readonly recordCount: number;
}

export interface TxnLogOptions {
  readonly disk: Disk;
  /** The folder of the files, version-2 included; it must exist. */
  readonly folder: string;
  readonly preAllocSizeKb: number;
  /** False skips every sync: a crash of the machine may then lose what was acknowledged. */
  readonly forceSync: boolean;
  /** A file larger than this, padding included, is rolled after a flush; 0 or less: never. */
  readonly txnLogSizeLimitKb: number;
  /** A flush that takes longer is logged as a warning. */
  readonly fsyncWarningThresholdMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The records of the batch are on the disk. May begin new records; gives the batch back by {@link TxnLog.release}. */
  onDurable(batch: LogBatch): void;
  /** The log can no longer be written. Called once; the server must stop. */
  onFailure(error: DiskError): void;
  /** How long a batch took from the first write to durability. */
  onFsync(ms: number): void;
}

export class TxnLog {
  /** Whether nothing more is to be written for now; what is being written goes on. */
  isHeld = false;
  readonly #options: TxnLogOptions;
  #collecting = new Batch();
  #flying: Batch | null = null;
  /** Batches that were released, to be filled again. */
  readonly #free: Batch[] = [];
  #flyingBytes = 0;
  #flyingSinceMs = 0;
  /** Bytes of the flying batch that are durable, and marks that were followed. */
  #durableEnd = 0;
  #rollsDone = 0;
  #file: TxnLogFile | null = null;
  #rolledBytes = 0;
  /** The open file is part of the rolled bytes already. */
  #isFileRolled = false;
  #isRollDue = true;
  /** Start of the record being encoded, -1 when there is none. */
  #recordStart = -1;
  #lastZxidHigh = 0;
  #lastZxidLow = 0;
  #hasFailed = false;
  #onClosed: (() => void) | null = null;

  constructor(options: TxnLogOptions) {
    this.#options = options;
  }

  /** Bytes of records, framing included, that are not durable yet. */
  get pendingBytes(): number {
    return this.#collecting.length + this.#flyingBytes;
  }

  /** The file being written, which must not be purged; null before the first record. */
  get openPath(): string | null {
    return this.#file?.path ?? null;
  }

  /** Size of the files written since {@link resetTotalBytes}, padding included: what snapSizeLimit is compared with. */
  get totalBytes(): number {
    return this.#rolledBytes + (this.#isFileRolled ? 0 : (this.#file?.sizeBytes ?? 0));
  }

  resetTotalBytes(): void {
    this.#rolledBytes = 0;
  }

  /**
   * Starts a record and returns the writer to append its payload to, in this turn. The writer is the log's own: only
   * append, and give it back by {@link endRecord} or {@link abortRecord}.
   */
  beginRecord(): JuteWriter {
    assert(this.#recordStart < 0, "the record before was ended");
    assert(this.#onClosed === null, "the log is open");
    const writer = this.#collecting.writer;
    this.#recordStart = writer.length;
    writer.ensure(recordPrefixBytes);
    writer.length += recordPrefixBytes;
    return writer;
  }

  /** Completes the record: its checksum, its length, its end mark. It is written by the next {@link flush}. */
  endRecord(zxidHigh: number, zxidLow: number): void {
    const start = this.#recordStart;
    const batch = this.#collecting;
    const writer = batch.writer;
    const payloadStart = start + recordPrefixBytes;
    assert(start >= 0 && writer.length > payloadStart, "a record with a payload was begun");
    writer.view.setInt32(start, 0);
    writer.view.setInt32(start + 4, adler32(adler32Start, writer.bytes, payloadStart, writer.length));
    writer.view.setInt32(start + 8, writer.length - payloadStart);
    writer.writeByte(recordEndMark);
    if (this.#isRollDue) {
      this.#isRollDue = false;
      batch.rolls.push(start, zxidHigh, zxidLow);
    }
    batch.recordCount++;
    this.#recordStart = -1;
    this.#noteZxid(zxidHigh, zxidLow);
  }

  /** Forgets the record that was begun. */
  abortRecord(): void {
    assert(this.#recordStart >= 0, "a record was begun");
    this.#collecting.writer.length = this.#recordStart;
    this.#recordStart = -1;
  }

  /** Writes what was collected; when a write is in flight, that follows by itself as soon as it is durable. */
  flush(): void {
    if (this.#flying === null && !this.isHeld && !this.#hasFailed && this.#collecting.recordCount > 0) this.#takeOff();
  }

  /** Records begun from now on go to a new file, which is created for the first of them. */
  roll(): void {
    assert(this.#recordStart < 0, "the record before was ended");
    if (this.#isRollDue) return;
    this.#isRollDue = true;
    if (this.#isFileRolled || this.#file === null) return;
    this.#rolledBytes += this.#file.sizeBytes;
    this.#isFileRolled = true;
  }

  /** Writes what was collected and closes the file. Resolves after a failure as well, which onFailure reported. */
  close(): Promise<void> {
    assert(this.#recordStart < 0, "the record before was ended");
    assert(this.#onClosed === null, "the log is closed once");
    return new Promise((resolve) => {
      this.#onClosed = resolve;
      if (this.#flying !== null) return;
      this.flush();
      this.#closeIfIdle();
    });
  }

  #noteZxid(zxidHigh: number, zxidLow: number): void {
    if (compareHalves(zxidHigh, zxidLow, this.#lastZxidHigh, this.#lastZxidLow) > 0) {
      this.#lastZxidHigh = zxidHigh;
      this.#lastZxidLow = zxidLow;
      return;
    }
    const zxid = `0x${hexOfHalves(zxidHigh, zxidLow)}`;
    const last = `0x${hexOfHalves(this.#lastZxidHigh, this.#lastZxidLow)}`;
    this.#options.logger.warn({ zxid, last }, `Current zxid ${zxid} is <= ${last}`);
  }

  #takeOff(): void {
    assert(this.#recordStart < 0, "no record is cut by a flush");
    const batch = this.#collecting;
    this.#collecting = this.#free.pop() ?? new Batch();
    this.#flying = batch;
    this.#flyingBytes = batch.length;
    this.#durableEnd = 0;
    this.#rollsDone = 0;
    this.#flyingSinceMs = this.#options.clock.monotonicMs();
    this.#nextRun();
  }

  /** Writes the records up to the next roll mark, or follows the mark. */
  #nextRun(): void {
    const { rolls, length, bytes } = this.#flying!;
    const rollAt = rolls[this.#rollsDone * 3];
    if (rollAt === this.#durableEnd) {
      this.#openNext(rolls[this.#rollsDone * 3 + 1]!, rolls[this.#rollsDone * 3 + 2]!);
      return;
    }
    const end = rollAt ?? length;
    const from = this.#durableEnd;
    this.#durableEnd = end;
    this.#file!.append(bytes, from, end, this.#onRunDurable);
  }

  readonly #onRunDurable = (error: Error | null): void => {
    if (error !== null) this.#fail(error);
    else if (this.#durableEnd < this.#flying!.length) this.#nextRun();
    else this.#land();
  };

  #openNext(zxidHigh: number, zxidLow: number): void {
    const { disk, folder, preAllocSizeKb, forceSync, logger } = this.#options;
    const name = logFileName(zxidHigh, zxidLow);
    const old = this.#file;
    logger.info({ file: name }, `Creating new log file: ${name}`);
    const preAllocBytes = preAllocSizeKb * 1024;
    const opened = (old === null ? Promise.resolve() : old.close()).then(() => {
      this.#file = null;
      return createTxnLogFile({ disk, folder, name, preAllocBytes, isForceSync: forceSync });
    });
    opened.then(this.#onOpened, this.#onOpenFailed);
  }

  readonly #onOpened = (file: TxnLogFile): void => {
    this.#file = file;
    this.#isFileRolled = false;
    this.#rollsDone++;
    this.#nextRun();
  };

  readonly #onOpenFailed = (error: unknown): void => {
    this.#fail(error);
  };

  #land(): void {
    const batch = this.#flying!;
    this.#flying = null;
    this.#flyingBytes = 0;
    this.#reportTime();
    const limitBytes = this.#options.txnLogSizeLimitKb * 1024;
    if (limitBytes > 0 && !this.#isFileRolled && this.#file!.sizeBytes > limitBytes) this.roll();
    this.flush();
    // The next write may fail at once, because of zeros that could not be written; then nothing is reported any more.
    if (this.#hasFailed) return;
    this.#options.onDurable(batch);
    // What onDurable has begun was not flushed by anybody if nothing was collected before.
    this.flush();
    this.#closeIfIdle();
  }

  /** Takes a batch back that onDurable was lent; its bytes are written over from now on. */
  release(batch: LogBatch): void {
    assert(batch instanceof Batch, "a batch is given back to its log");
    // Those that lie unused may be as large as this one, from the same rush.
    if (batch.isTooLarge) this.#free.length = 0;
    batch.clear();
    if (this.#free.length < freeBatchesMax) this.#free.push(batch);
  }

  #reportTime(): void {
    const { clock, fsyncWarningThresholdMs, logger, forceSync } = this.#options;
    if (!forceSync) return;
    const ms = clock.monotonicMs() - this.#flyingSinceMs;
    this.#options.onFsync(ms);
    if (ms <= fsyncWarningThresholdMs) return;
    const fileBytes = this.#file!.sizeBytes;
    logger.warn(
      { ms, fileBytes, path: this.#file!.path },
      `fsync-ing the write ahead log in SyncThread took ${Math.round(ms)}ms which will adversely effect operation ` +
        `latency.File size is ${fileBytes} bytes. See the ZooKeeper troubleshooting guide`,
    );
  }

  #fail(error: unknown): void {
    const path = this.#options.folder;
    this.#hasFailed = true;
    this.#flying = null;
    this.#flyingBytes = 0;
    this.#options.onFailure(
      error instanceof DiskError ? error : new DiskError({ path, action: "write the log" }, error),
    );
    this.#closeIfIdle();
  }

  #closeIfIdle(): void {
    const file = this.#file;
    const onClosed = this.#onClosed;
    if (onClosed === null || this.#flying !== null) return;
    this.#file = null;
    // All that was acknowledged is durable; what a failing close reports cannot change that.
    if (file === null) onClosed();
    else file.close().then(onClosed, onClosed);
  }
}

class Batch implements LogBatch {
  writer: JuteWriter = new JuteWriter(batchBytesStart);
  recordCount = 0;
  /** Triples: offset of a record that opens a new file, and its zxid's halves. */
  readonly rolls: number[] = [];

  get bytes(): Buffer {
    return this.writer.bytes;
  }

  get length(): number {
    return this.writer.length;
  }

  get isTooLarge(): boolean {
    const { bytes, length } = this.writer;
    return bytes.length > (length * 4 < bytes.length ? batchBytesKept : batchBytesKeptWhileUsed);
  }

  clear(): void {
    if (this.isTooLarge) this.writer = new JuteWriter(batchBytesStart);
    this.writer.length = 0;
    this.recordCount = 0;
    this.rolls.length = 0;
  }
}
