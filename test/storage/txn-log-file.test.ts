/**
 * A log file whose writes end when the test says so, in any order: records and the zeros ahead of them are under way at
 * the same time and must never meet.
 */

import { array, assert, integer, nat, property } from "fast-check";
import { describe, expect, test } from "vitest";
import type { Disk, DiskFile } from "#host/disk.ts";
import { createTxnLogFile, type TxnLogFile, txnLogHeaderBytes } from "#storage/txn-log-file.ts";

interface HeldWrite {
  readonly bytes: Uint8Array;
  readonly position: number;
  readonly end: number;
  readonly done: (error: Error | null) => void;
}

class HeldFile implements DiskFile {
  readonly path: string = "/log.1";
  readonly isDurableOnWrite: boolean = true;
  readonly underWay: HeldWrite[] = [];
  content: Buffer = Buffer.alloc(0);
  isClosed = false;
  isHolding = false;

  write(bytes: Uint8Array, position: number, done: (error: Error | null) => void): void {
    const held = { bytes: Uint8Array.from(bytes), position, end: position + bytes.length, done };
    for (const other of this.underWay) {
      if (position < other.end && other.position < held.end) throw new Error("two writes meet");
    }
    this.underWay.push(held);
    if (!this.isHolding) this.end(0);
  }

  /** Ends one of the writes under way. */
  end(index: number, error: Error | null = null): void {
    const [held] = this.underWay.splice(index, 1);
    if (error === null) {
      if (held!.end > this.content.length)
        this.content = Buffer.concat([this.content, Buffer.alloc(held!.end - this.content.length)]);
      this.content.set(held!.bytes, held!.position);
    }
    held!.done(error);
  }

  /** Ends all of them, and those that follow. */
  endAll(): void {
    while (this.underWay.length > 0) this.end(0);
  }

  datasync(): void {
    throw new Error("writes are durable");
  }

  async read(): Promise<number> {
    throw new Error("nobody reads");
  }

  async truncate(): Promise<void> {
    throw new Error("nobody cuts");
  }

  async sizeBytes(): Promise<number> {
    return this.content.length;
  }

  async close(): Promise<void> {
    this.isClosed = true;
  }
}

const kib = 1024;

async function create(preAllocKib = 4096): Promise<{ log: TxnLogFile; file: HeldFile }> {
  const file = new HeldFile();
  const disk = { open: async () => file, syncFolder: async () => {} } as unknown as Disk;
  const options = { disk, folder: "/", name: "log.1", preAllocBytes: preAllocKib * kib, isForceSync: true };
  const log = await createTxnLogFile(options);
  file.isHolding = true;
  return { log, file };
}

/** Appends so many bytes; what became of it. */
function append(log: TxnLogFile, sizeBytes: number, value = 7): { outcome: Error | null | undefined } {
  const result: { outcome: Error | null | undefined } = { outcome: undefined };
  log.append(Buffer.alloc(sizeBytes, value), 0, sizeBytes, (error) => (result.outcome = error));
  return result;
}

function ranges(file: HeldFile): string[] {
  return file.underWay.map(({ bytes, position, end }) => `${bytes[0] === 0 ? "zeros" : "records"} ${position}-${end}`);
}

/** The file has been given its size, and the first records are in it. */
async function begun(): Promise<{ log: TxnLogFile; file: HeldFile }> {
  const { log, file } = await create();
  const first = append(log, 1000);
  file.end(0);
  expect(ranges(file)).toEqual(["records 16-1016", "zeros 1016-525304"]);
  file.end(0);
  expect(first.outcome).toBeNull();
  return { log, file };
}

describe("zeros ahead of the records", () => {
  test("are written beside them, and the records do not wait", async () => {
    const { log, file } = await begun();
    file.endAll();
    const second = append(log, 2000);
    expect(ranges(file)).toEqual(["records 1016-3016", "zeros 525304-1049592"]);
    file.end(0);
    expect(second.outcome).toBeNull();
    const third = append(log, 500_000);
    expect(ranges(file)).toEqual(["zeros 525304-1049592", "records 3016-503016"]);
    file.end(1);
    expect(third.outcome).toBeNull();
  });

  test("that records have caught up with are waited for", async () => {
    const { log, file } = await begun();
    const second = append(log, 10);
    expect(ranges(file)).toEqual(["zeros 1016-525304"]);
    file.end(0);
    expect(ranges(file)).toEqual(["records 1016-1026", "zeros 525304-1049592"]);
    file.end(0);
    expect(second.outcome).toBeNull();
  });

  test("are not written behind a large batch", async () => {
    const { log, file } = await create();
    append(log, 600 * kib);
    file.end(0);
    expect(ranges(file)).toEqual([`records 16-${16 + 600 * kib}`]);
  });

  test("that cannot be written fail the next batch, not the one that is durable", async () => {
    const { log, file } = await begun();
    file.endAll();
    const second = append(log, 100);
    file.end(1, new Error("ENOSPC"));
    file.end(0);
    expect(second.outcome).toBeNull();
    expect(append(log, 100).outcome).toEqual(new Error("ENOSPC"));
    expect(file.underWay).toEqual([]);
  });

  test("that cannot be written fail the batch that waits for them", async () => {
    const { log, file } = await begun();
    const second = append(log, 100);
    file.end(0, new Error("EIO"));
    expect(second.outcome).toEqual(new Error("EIO"));
    expect(file.underWay).toEqual([]);
  });

  test("are on the disk before the file is closed", async () => {
    const { log, file } = await begun();
    const closed = log.close();
    await Promise.resolve();
    expect(file.isClosed).toBe(false);
    file.endAll();
    await closed;
    expect(file.isClosed).toBe(true);
  });

  test("never meet a record, and never lie over one, whatever ends first", async () => {
    // Sizes around the slice of zeros, and files so small that they grow on the way.
    const batches = array(integer({ min: 1, max: 700 * kib }), { minLength: 1, maxLength: 12 });
    const files: { log: TxnLogFile; file: HeldFile }[] = [];
    for (let i = 0; i < 300; i++) files.push(await create(i % 3 === 0 ? 64 : 1024));
    let run = 0;
    assert(
      property(batches, array(nat(1), { minLength: 1, maxLength: 9 }), (sizes, order) => {
        const { log, file } = files[run++]!;
        const expected: Buffer[] = [];
        let turn = 0;
        for (const [index, size] of sizes.entries()) {
          const result = append(log, size, index + 1);
          expected.push(Buffer.alloc(size, index + 1));
          while (result.outcome === undefined) {
            file.end(Math.min(order[turn++ % order.length]!, file.underWay.length - 1));
          }
          expect(result.outcome).toBeNull();
        }
        file.endAll();
        const records = Buffer.concat(expected);
        const end = txnLogHeaderBytes + records.length;
        expect(file.content.subarray(txnLogHeaderBytes, end).equals(records)).toBe(true);
        expect(file.content.subarray(end).every((byte) => byte === 0)).toBe(true);
      }),
      { numRuns: files.length },
    );
  });
});
