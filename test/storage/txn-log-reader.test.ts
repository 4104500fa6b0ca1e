import { assert as assertProperty, asyncProperty, integer } from "fast-check";
import { describe, expect, test } from "vitest";
import { CorruptionError } from "#base/errors.ts";
import { MarshallingError } from "#jute/reader.ts";
import {
  readLastLoggedZxid,
  readTxnLog,
  type TxnLogReadOptions,
  type TxnLogReadResult,
} from "#storage/txn-log-reader.ts";
import { MemoryDisk } from "../support/memory-disk.ts";
import { failureOf, logFile, logHeader, MemoryLogger, payload, range, record, zxidOfPayload } from "./builders.ts";

const folder = "/data/version-2";
const recordBytes = record(payload(1n)).length;

interface Read {
  readonly zxids: bigint[];
  readonly result: TxnLogReadResult;
  readonly warnings: string[];
  readonly disk: MemoryDisk;
}

function diskWith(files: Record<string, Uint8Array>): MemoryDisk {
  const disk = new MemoryDisk();
  disk.put(`${folder}/.keep`, Buffer.alloc(0));
  for (const [name, bytes] of Object.entries(files)) disk.put(`${folder}/${name}`, bytes);
  return disk;
}

async function read(disk: MemoryDisk, after = 0n, options: Partial<TxnLogReadOptions> = {}): Promise<Read> {
  const zxids: bigint[] = [];
  const logger = new MemoryLogger();
  const result = await readTxnLog({
    disk,
    folder,
    logger,
    afterHigh: Number(after >> 32n),
    afterLow: Number(BigInt.asIntN(32, after)),
    onRecord(bytes, start, end) {
      const zxid = zxidOfPayload(bytes, start);
      expect(bytes.subarray(start, end).equals(payload(zxid, end - start - 32))).toBe(true);
      zxids.push(zxid);
    },
    ...options,
  });
  expect(disk.openFiles).toBe(0);
  return { zxids, result, warnings: logger.warnings(), disk };
}

async function corruptionOf(disk: MemoryDisk, after = 0n): Promise<CorruptionError["facts"]> {
  const error = await failureOf(read(disk, after));
  expect(error).toBeInstanceOf(CorruptionError);
  expect(disk.openFiles).toBe(0);
  return (error as CorruptionError).facts;
}

function flipped(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[at]! ^= 0x10;
  return copy;
}

function patched(bytes: Buffer, at: number, patch: Uint8Array): Buffer {
  const copy = Buffer.from(bytes);
  copy.set(patch, at);
  return copy;
}

describe("which records are handed out", () => {
  const files = {
    "log.1": logFile(range(1n, 9n), { zeros: 4096 }),
    "log.a": logFile(range(10n, 19n)),
    "log.14": logFile(range(20n, 29n)),
  };

  test("all above the zxid asked for, over file boundaries, in order", async () => {
    for (const after of [0n, 1n, 8n, 9n, 10n, 11n, 19n, 20n, 28n]) {
      const { zxids, result, warnings } = await read(diskWith(files), after);
      expect(zxids).toEqual(range(after + 1n, 29n));
      expect(result).toMatchObject({ lastZxidLow: 29, recordCount: zxids.length, tornTail: null });
      expect(warnings).toEqual([]);
    }
  });

  test("none when the log ends there or is empty", async () => {
    const atEnd = await read(diskWith(files), 29n);
    expect(atEnd.zxids).toEqual([]);
    expect(atEnd.result.lastZxidLow).toBe(29);
    const nothing = await read(diskWith({}), 0x300000005n);
    expect(nothing.result).toMatchObject({ lastZxidHigh: 3, lastZxidLow: 5, recordCount: 0 });
  });

  test("only files at or above the last one that begins at or below the zxid are opened", async () => {
    const disk = diskWith({ ...files, "log.1": Buffer.from("not a log at all") });
    expect((await read(disk, 10n)).zxids).toEqual(range(11n, 29n));
  });

  test("only those before a zxid, at the pace of whoever takes them, whatever is behind them", async () => {
    const disk = diskWith({
      "log.1": logFile(range(1n, 4n)),
      "log.5": Buffer.concat([logFile(range(5n, 8n)), Buffer.from("being written")]),
    });
    let pieces = 0;
    const pace = async (): Promise<void> => void pieces++;
    const { zxids, result } = await read(disk, 2n, { isReadOnly: true, until: { zxidHigh: 0, zxidLow: 7 }, pace });
    expect(zxids).toEqual(range(3n, 6n));
    expect([result.lastZxidLow, result.tornTail, pieces > 1]).toEqual([6, null, true]);
  });

  test("a larger epoch may follow without a gap being seen in it", async () => {
    const disk = diskWith({ "log.1": logFile([1n, 2n]), "log.200000001": logFile([0x200000001n, 0x200000002n]) });
    expect((await read(disk)).zxids).toEqual([1n, 2n, 0x200000001n, 0x200000002n]);
  });

  test("records larger than the reading window come whole", async () => {
    const disk = diskWith({ "log.1": logFile(range(1n, 3n), { bodyBytes: 700_000, zeros: 300_000 }) });
    expect((await read(disk)).zxids).toEqual([1n, 2n, 3n]);
  });

  test("a zxid that does not rise is handed out again, with an error in the log", async () => {
    const { zxids, warnings } = await read(diskWith({ "log.1": logFile([1n, 2n, 3n, 2n, 3n, 4n]) }));
    expect(zxids).toEqual([1n, 2n, 3n, 2n, 3n, 4n]);
    expect(warnings).toHaveLength(2);
  });

  test("one that is whole and no transaction is damage, named with its place", async () => {
    const disk = diskWith({ "log.1": logFile(range(1n, 4n)) });
    const error = await failureOf(read(disk, 0n, { onRecord: refuseThird }));
    expect(error).toBeInstanceOf(CorruptionError);
    const { path, offset, found } = (error as CorruptionError).facts;
    expect([path, offset, found]).toEqual([`${folder}/log.1`, logHeader.length + 2 * recordBytes, "it makes no sense"]);
  });

  test("the last logged zxid is the newest file's last record, or its name, or nothing", async () => {
    const logger = new MemoryLogger();
    const last = (disk: MemoryDisk) => readLastLoggedZxid({ disk, folder, logger });
    expect(await last(diskWith(files))).toEqual({ zxidHigh: 0, zxidLow: 29 });
    expect(await last(diskWith({ ...files, "log.1e": logHeader }))).toEqual({ zxidHigh: 0, zxidLow: 30 });
    expect(await last(diskWith({}))).toBeNull();
  });
});

describe("a torn tail", () => {
  const whole = logFile(range(1n, 6n));
  const endings: Record<string, (cut: Buffer) => Buffer> = {
    "the file's end": (cut) => cut,
    "preallocated zeros": (cut) => Buffer.concat([cut, Buffer.alloc(5000)]),
    "seven zeros": (cut) => Buffer.concat([cut, Buffer.alloc(7)]),
    "a zero, then sectors of garbage": (cut) => {
      return Buffer.concat([cut, Buffer.alloc(1), Buffer.alloc(1536, 0xa5), Buffer.alloc(2048)]);
    },
    "zeros, then garbage": (cut) => Buffer.concat([cut, Buffer.alloc(600), Buffer.alloc(512, 0x5a)]),
  };

  test.each(Object.keys(endings))(
    "at any offset, with %s behind it, costs only records that were cut",
    async (ending) => {
      for (let cutAt = 16; cutAt <= whole.length; cutAt++) {
        const disk = diskWith({ "log.1": endings[ending]!(whole.subarray(0, cutAt)) });
        const wholeRecords = Math.floor((cutAt - 16) / recordBytes);
        const first = await read(disk);
        expect(first.zxids).toEqual(range(1n, BigInt(wholeRecords)));
        const goodEnd = 16 + wholeRecords * recordBytes;
        const { tornTail } = first.result;
        if (tornTail !== null) {
          expect(tornTail).toEqual({ path: `${folder}/log.1`, offset: goodEnd });
          expect(disk.get(`${folder}/log.1`)).toEqual(whole.subarray(0, goodEnd));
          expect(first.warnings).toHaveLength(1);
          expect(first.warnings[0]).toContain(`Cut ${folder}/log.1 at offset ${goodEnd}`);
        } else {
          expect(
            disk
              .get(`${folder}/log.1`)
              .subarray(goodEnd)
              .every((byte) => byte === 0),
          ).toBe(true);
          expect(first.warnings).toEqual([]);
        }
        const second = await read(disk);
        expect(second.zxids).toEqual(first.zxids);
        expect(second.result.tornTail).toBeNull();
      }
    },
  );

  test("is durable as it was cut", async () => {
    const disk = diskWith({ "log.1": whole.subarray(0, whole.length - 5) });
    await read(disk);
    expect(disk.crash(() => false).get(`${folder}/log.1`)).toEqual(logFile(range(1n, 5n)));
  });

  test("that lost its end mark, or a sector in its middle, is cut", async () => {
    const marked = patched(whole, whole.length - 1, Buffer.alloc(1));
    expect((await read(diskWith({ "log.1": Buffer.concat([marked, Buffer.alloc(3000)]) }))).zxids).toEqual(
      range(1n, 5n),
    );
    const big = logFile(range(1n, 2n), { bodyBytes: 3000, zeros: 2000 });
    expect((await read(diskWith({ "log.1": patched(big, 8 * 512, Buffer.alloc(512)) }))).zxids).toEqual([1n]);
  });

  test("that lost whole sectors of one unsynced write is cut before them", async () => {
    const big = logFile(range(1n, 8n), { bodyBytes: 900, zeros: 2000 });
    for (const sector of [2, 5, 9, 12]) {
      const disk = diskWith({ "log.1": patched(big, sector * 512, Buffer.alloc(512)) });
      const { zxids } = await read(disk);
      expect(zxids).toEqual(range(1n, BigInt(Math.floor((sector * 512 - 16) / (900 + 45)))));
      expect((await read(disk)).zxids).toEqual(zxids);
    }
  });

  test("is only reported when the files must not be changed", async () => {
    const torn = whole.subarray(0, whole.length - 5);
    const disk = diskWith({ "log.1": torn, "log.7": Buffer.alloc(0) });
    const { zxids, result } = await read(disk, 0n, { isReadOnly: true });
    expect(zxids).toEqual(range(1n, 5n));
    expect(result.tornTail?.offset).toBe(16 + 5 * recordBytes);
    expect(disk.get(`${folder}/log.1`)).toEqual(torn);
    expect(disk.names(folder)).toContain("log.7");
  });

  test("whose last record holds a copy of an older log is still only a torn tail", async () => {
    const copied = Buffer.concat([payload(7n), Buffer.alloc(3, 1), logFile(range(1n, 5n))]);
    const bytes = Buffer.concat([whole, record(copied).subarray(0, copied.length)]);
    const { zxids, result } = await read(diskWith({ "log.1": bytes }));
    expect(zxids).toEqual(range(1n, 6n));
    expect(result.tornTail?.offset).toBe(whole.length);
  });
});

describe("a newest file that was never finished", () => {
  test.each([
    ["is empty", Buffer.alloc(0)],
    ["has part of a header", logHeader.subarray(0, 9)],
    ["has zeros for a header", Buffer.alloc(16)],
    ["has its padding but no header", Buffer.alloc(9000)],
    ["has part of a header and its padding", patched(Buffer.alloc(9000), 0, logHeader.subarray(0, 3))],
  ])("is removed when it %s", async (_what, bytes) => {
    const disk = diskWith({ "log.1": logFile([1n, 2n]), "log.3": bytes });
    const { zxids, warnings } = await read(disk);
    expect(zxids).toEqual([1n, 2n]);
    expect(disk.names(folder)).toEqual([".keep", "log.1"]);
    expect(warnings).toEqual(["Delete empty tail log file to recover from corruption file: log.3"]);
  });

  test("is kept when it has a header, and the file before it is then the newest with records", async () => {
    const torn = logFile(range(1n, 4n)).subarray(0, -3);
    const disk = diskWith({ "log.1": torn, "log.5": Buffer.concat([logHeader, Buffer.alloc(4096)]) });
    const { zxids, result } = await read(disk);
    expect(zxids).toEqual([1n, 2n, 3n]);
    expect(result.tornTail).toEqual({ path: `${folder}/log.1`, offset: 16 + 3 * recordBytes });
    expect(disk.names(folder)).toContain("log.5");
  });
});

describe("damage", () => {
  test("in any byte of a record that is not the last stops the start and names file and offset", async () => {
    const whole = logFile(range(1n, 5n), { zeros: 1000 });
    for (let at = 16 + recordBytes; at < 16 + 2 * recordBytes; at++) {
      const disk = diskWith({ "log.1": flipped(whole, at) });
      expect(await corruptionOf(disk)).toMatchObject({ path: `${folder}/log.1`, offset: 16 + recordBytes });
      expect(disk.get(`${folder}/log.1`)).toEqual(flipped(whole, at));
    }
  });

  test("in any byte of the very last record stops it too: it was written to its end, and perhaps acknowledged", async () => {
    const whole = logFile(range(1n, 5n));
    for (const zeros of [0, 3000]) {
      for (let at = 16 + 4 * recordBytes; at < whole.length; at++) {
        const bytes = Buffer.concat([flipped(whole, at), Buffer.alloc(zeros)]);
        const disk = diskWith({ "log.1": bytes });
        expect(await corruptionOf(disk)).toMatchObject({ path: `${folder}/log.1`, offset: 16 + 4 * recordBytes });
        expect(disk.get(`${folder}/log.1`)).toEqual(bytes);
      }
    }
  });

  test("is not cut away as a torn write when more follows than is ever unsynced", async () => {
    const bytes = logFile(range(1n, 40n), { bodyBytes: 60_000 });
    const disk = diskWith({ "log.1": patched(bytes, 51_200, Buffer.alloc(512)) });
    expect((await corruptionOf(disk)).offset).toBe(16);
  });

  test("is not taken for a lost sector because a record's four leading zeros end one", async () => {
    const bytes = Buffer.concat([logHeader, record(payload(1n, 447)), record(payload(2n)), record(payload(3n))]);
    const disk = diskWith({ "log.1": flipped(bytes, 508 + 20) });
    expect((await corruptionOf(disk)).offset).toBe(508);
  });

  test("is seen when the only record behind a run of zeros is a large one, whose leading zeros join the run", async () => {
    const lost = record(payload(2n, 4094 - 45));
    const bytes = Buffer.concat([logFile([1n]), Buffer.alloc(lost.length), record(payload(3n, 1_100_000))]);
    expect((await corruptionOf(diskWith({ "log.1": bytes }))).offset).toBe(16 + recordBytes);
  });

  test("of a header", async () => {
    const bad = flipped(logFile([1n, 2n]), 2);
    expect(await corruptionOf(diskWith({ "log.1": bad }))).toMatchObject({ path: `${folder}/log.1`, offset: 0 });
    const short = { "log.1": logHeader.subarray(0, 9), "log.3": logFile([3n]) };
    expect(await corruptionOf(diskWith(short), 0n)).toMatchObject({ path: `${folder}/log.1`, offset: 0 });
    const foreign = diskWith({ "log.1": logFile([1n, 2n]), "log.3": Buffer.from("somebody else's notes") });
    expect(await corruptionOf(foreign)).toMatchObject({ path: `${folder}/log.3`, offset: 0 });
    expect(foreign.names(folder)).toContain("log.3");
    const headless = patched(logFile([1n, 2n]), 0, Buffer.alloc(16));
    expect((await corruptionOf(diskWith({ "log.1": headless }))).offset).toBe(0);
  });

  test("of an empty file that is not the newest", async () => {
    const disk = diskWith({ "log.1": Buffer.alloc(0), "log.2": logFile([2n]) });
    expect((await corruptionOf(disk, 1n)).path).toBe(`${folder}/log.1`);
  });

  test("of an older file whose missing records do not stand in the next one", async () => {
    const torn = logFile(range(1n, 5n)).subarray(0, -1);
    const facts = await corruptionOf(diskWith({ "log.1": torn, "log.6": logFile([6n, 7n]) }));
    expect(facts).toMatchObject({ path: `${folder}/log.1`, offset: 16 + 4 * recordBytes });
  });

  test("of an older file that lacks what a later epoch began with", async () => {
    const first = logFile([0x100000001n, 0x100000002n, 0x200000001n]);
    const next = { "log.200000003": logFile([0x200000003n]) };
    // Torn in the earlier epoch, and in the later one.
    for (const [lacking, offset] of [
      [first.subarray(0, 16 + recordBytes + 5), 16 + recordBytes],
      [first.subarray(0, -1), 16 + 2 * recordBytes],
    ] as const) {
      const facts = await corruptionOf(diskWith({ "log.100000001": lacking, ...next }), 0n);
      expect(facts).toMatchObject({ path: `${folder}/log.100000001`, offset });
    }
    // What a snapshot has is not missing, nor what comes before the first number of all epochs.
    const torn = { "log.100000001": first.subarray(0, 16 + recordBytes + 5), ...next };
    expect((await read(diskWith(torn), 0x200000002n)).zxids).toEqual([0x200000003n]);
    expect((await read(diskWith(torn), 0n, { firstCounter: 2 })).zxids).toEqual([0x100000001n, 0x200000003n]);
  });

  test("is not what a restarted ZooKeeper leaves: an incomplete record, and the next file goes on from it", async () => {
    for (const next of [5n, 0x100000001n]) {
      const torn = Buffer.concat([logFile(range(1n, 5n)).subarray(0, -1), Buffer.alloc(2000)]);
      const disk = diskWith({ "log.1": torn, [`log.${next.toString(16)}`]: logFile([next]) });
      const { zxids, warnings, result } = await read(disk);
      expect(zxids).toEqual([1n, 2n, 3n, 4n, next]);
      expect(warnings).toHaveLength(1);
      expect(result.tornTail).toBeNull();
      expect(disk.get(`${folder}/log.1`)).toEqual(torn);
    }
  });

  test("of an older file is found before a new epoch as well", async () => {
    const zeroed = patched(logFile(range(1n, 5n)), 16 + recordBytes, Buffer.alloc(recordBytes));
    const disk = diskWith({ "log.1": zeroed, "log.100000001": logFile([0x100000001n]) });
    expect(await corruptionOf(disk)).toMatchObject({ path: `${folder}/log.1`, offset: 16 + recordBytes });
  });

  test("of a checksum in an older file stops the start, as it stops ZooKeeper", async () => {
    const bad = flipped(logFile(range(1n, 5n)), 16 + 4 * recordBytes + 20);
    const disk = diskWith({ "log.1": bad, "log.5": logFile([5n]) });
    expect((await corruptionOf(disk)).offset).toBe(16 + 4 * recordBytes);
  });

  test("is a gap of zxids inside an epoch, within a file, between files, and behind the snapshot", async () => {
    expect(await corruptionOf(diskWith({ "log.1": logFile([1n, 2n, 4n]) }))).toMatchObject({
      offset: 16 + 2 * recordBytes,
      expected: "zxid 0x3",
      found: "0x4",
    });
    const files = { "log.1": logFile([1n, 2n]), "log.5": logFile([5n, 6n]) };
    expect(await corruptionOf(diskWith(files))).toMatchObject({ path: `${folder}/log.5`, offset: 16 });
    expect(await corruptionOf(diskWith({ "log.5": logFile([5n]) }), 3n)).toMatchObject({ expected: "zxid 0x4" });
    expect((await read(diskWith(files), 4n)).zxids).toEqual([5n, 6n]);
  });

  test("is a record with a right checksum and no room for a transaction header", async () => {
    const bytes = Buffer.concat([logHeader, record(Buffer.from("short"))]);
    expect((await corruptionOf(diskWith({ "log.1": bytes }))).expected).toContain("transaction header");
  });

  test("of any single byte never yields a record that was not written, and never loses one before it", async () => {
    const whole = logFile(range(1n, 8n), { bodyBytes: 30, zeros: 700 });
    const bytesPerRecord = record(payload(1n, 30)).length;
    await assertProperty(
      asyncProperty(integer({ min: 16, max: whole.length - 1 }), integer({ min: 1, max: 255 }), async (at, mask) => {
        const bytes = Buffer.from(whole);
        bytes[at]! ^= mask;
        const hit = Math.floor((at - 16) / bytesPerRecord);
        const zxids: bigint[] = [];
        const disk = diskWith({ "log.1": bytes });
        const onRecord = (from: Buffer, start: number): void => void zxids.push(zxidOfPayload(from, start));
        const outcome = await read(disk, 0n, { onRecord }).then(
          () => "read",
          () => "refused",
        );
        expect(zxids).toEqual(range(1n, BigInt(Math.min(8, hit))));
        // A last end mark of zero is as a torn write leaves it; behind it is padding.
        const isLikeTorn = bytes[16 + 8 * bytesPerRecord - 1] === 0;
        expect(outcome).toBe(hit < 8 && !isLikeTorn ? "refused" : "read");
      }),
      { numRuns: 150 },
    );
  });
});

function refuseThird(bytes: Buffer, start: number): void {
  if (zxidOfPayload(bytes, start) === 3n) throw new MarshallingError("it makes no sense");
}
