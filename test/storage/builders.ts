/**
 * Bytes of logs and snapshots from a slow and obvious builder that shares no code with src, and small doubles for the
 * things that storage is handed. The fake snapshot body is `(int n > 0 | n bytes)* | int 0`.
 */

import type { Clock } from "#host/clock.ts";
import type { Disk } from "#host/disk.ts";
import type { Logger } from "#host/logger.ts";
import { MarshallingError } from "#jute/reader.ts";
import type { JuteWriter } from "#jute/writer.ts";
import { readSnapshot, scanSnapshot, type SnapshotTrailer } from "#storage/snapshot-reader.ts";
import { Row, rowWords, type SnapshotScanner, type SnapshotSink, type SnapshotSource } from "#tree/snapshot-stream.ts";
import { Bytes } from "../support/bytes.ts";

/** Adler-32 as RFC 1950 words it. */
export function slowAdler32(bytes: Uint8Array): bigint {
  let a = 1;
  let b = 0;
  for (const byte of bytes) {
    a = (a + byte) % 65521;
    b = (b + a) % 65521;
  }
  return BigInt(b) * 65536n + BigInt(a);
}

export const logHeader: Buffer = new Bytes().raw(Buffer.from("ZKLG")).int(2).long(0n).build();

/** A payload: TxnHeader of an error txn, then `bodyBytes` bytes that look like nothing in particular. */
export function payload(zxid: bigint, bodyBytes = 4): Buffer {
  const body = Buffer.from(
    Array.from({ length: bodyBytes }, (_, index) => ((index * 7 + Number(zxid % 251n)) % 255) + 1),
  );
  return new Bytes().long(0x100000000000001n).int(1).long(zxid).long(1700000000000n).int(-1).raw(body).build();
}

export function record(payload: Buffer): Buffer {
  return new Bytes().long(slowAdler32(payload)).buffer(payload).raw(Buffer.from("B")).build();
}

/** A log file with records of these zxids. */
export function logFile(zxids: readonly bigint[], options: { bodyBytes?: number; zeros?: number } = {}): Buffer {
  const records = zxids.map((zxid) => record(payload(zxid, options.bodyBytes)));
  return Buffer.concat([logHeader, ...records, Buffer.alloc(options.zeros ?? 0)]);
}

export function range(from: bigint, to: bigint): bigint[] {
  return Array.from({ length: Number(to - from) + 1 }, (_, index) => from + BigInt(index));
}

/** The zxid in a payload. */
export function zxidOfPayload(bytes: Buffer, start: number): bigint {
  return bytes.readBigInt64BE(start + 12);
}

export function seal(before: Buffer): Buffer {
  return new Bytes().long(slowAdler32(before)).string("/").build();
}

export function snapshotBody(items: readonly Buffer[]): Buffer {
  const body = new Bytes();
  for (const item of items) body.buffer(item);
  return body.int(0).build();
}

/** A snapshot file, uncompressed. */
export function snapshotFile(
  items: readonly Buffer[],
  sections: { digest?: { zxid: bigint; digest: bigint }; lastZxid?: bigint } = {},
): Buffer {
  const { digest, lastZxid } = sections;
  const file = new Bytes().raw(Buffer.from("ZKSN")).int(2).long(-1n).raw(snapshotBody(items));
  file.raw(seal(file.build()));
  if (digest !== undefined) {
    file.long(digest.zxid).int(2).long(digest.digest);
    file.raw(seal(file.build()));
  }
  if (lastZxid !== undefined) {
    file.long(lastZxid);
    file.raw(seal(file.build()));
  }
  return file.build();
}

/** Gives the fake body of these items. */
export class ItemSource implements SnapshotSource {
  readonly zxidHigh: number;
  readonly zxidLow: number;
  readonly #items: readonly Buffer[];
  readonly #final: { zxid: bigint; digest: bigint };
  #next = 0;
  isClosed = false;

  constructor(zxid: bigint, items: readonly Buffer[], final: { zxid: bigint; digest: bigint } = { zxid, digest: 7n }) {
    this.zxidHigh = Number(zxid >> 32n);
    this.zxidLow = Number(BigInt.asIntN(32, zxid));
    this.#items = items;
    this.#final = final;
  }

  writeSome(out: JuteWriter, bytesMax: number): boolean {
    const limit = out.length + bytesMax;
    while (this.#next < this.#items.length && out.length < limit) out.writeBuffer(this.#items[this.#next++]!);
    if (this.#next < this.#items.length) return false;
    out.writeInt(0);
    return true;
  }

  finalState(): { zxidHigh: number; zxidLow: number; digestHigh: number; digestLow: number } {
    const { zxid, digest } = this.#final;
    return {
      zxidHigh: Number(zxid >> 32n),
      zxidLow: Number(BigInt.asIntN(32, zxid)),
      digestHigh: Number(BigInt.asIntN(32, digest >> 32n)),
      digestLow: Number(BigInt.asIntN(32, digest)),
    };
  }

  close(): void {
    this.isClosed = true;
  }
}

/** Finds the items of a fake body. */
export class ItemScanner implements SnapshotScanner {
  count = 0;
  isComplete = false;

  scan(bytes: Buffer, start: number, end: number, rows: Int32Array): number {
    this.count = 0;
    let at = start;
    while (!this.isComplete && end - at >= 4 && (this.count + 1) * rowWords <= rows.length) {
      const length = bytes.readInt32BE(at);
      if (length < 0) throw new MarshallingError(`length ${length}`);
      if (end - at < 4 + length) break;
      if (length === 0) this.isComplete = true;
      else rows[this.count++ * rowWords + Row.start] = at;
      at += 4 + length;
    }
    return at;
  }
}

/** Collects them. */
export class ItemSink implements SnapshotSink {
  readonly items: Buffer[] = [];

  take(bytes: Buffer, rows: Int32Array, count: number): void {
    for (let i = 0; i < count; i++) {
      const at = rows[i * rowWords + Row.start]!;
      this.items.push(Buffer.from(bytes.subarray(at + 4, at + 4 + bytes.readInt32BE(at))));
    }
  }
}

/** Reads a snapshot with a fake body. */
export async function readItems(disk: Disk, path: string): Promise<{ items: Buffer[]; trailer: SnapshotTrailer }> {
  const sink = new ItemSink();
  const trailer = await readSnapshot(path, scanSnapshot(disk, path, new ItemScanner()), sink);
  return { items: sink.items, trailer };
}

/** Remembers the lines that were logged. */
export class MemoryLogger implements Logger {
  readonly lines: { level: "debug" | "info" | "warn" | "error"; message: string; facts: object }[] = [];
  debug(facts: object, message: string): void {
    this.lines.push({ level: "debug", message, facts });
  }
  info(facts: object, message: string): void {
    this.lines.push({ level: "info", message, facts });
  }
  warn(facts: object, message: string): void {
    this.lines.push({ level: "warn", message, facts });
  }
  error(facts: object, message: string): void {
    this.lines.push({ level: "error", message, facts });
  }
  warnings(): string[] {
    return this.lines.filter((line) => line.level === "warn" || line.level === "error").map((line) => line.message);
  }
}

/** Time that moves by one millisecond with each look. */
export class TickingClock implements Clock {
  stepMs = 1;
  #ms = 0;
  monotonicMs(): number {
    return (this.#ms += this.stepMs);
  }
  wallMs(): number {
    return 1_700_000_000_000 + this.#ms;
  }
}

/** Lets everything happen that needs no timer and no real input. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** The error that `work` fails with. */
export async function failureOf(work: Promise<unknown>): Promise<unknown> {
  try {
    await work;
  } catch (error) {
    return error;
  }
  throw new Error("it did not fail");
}
