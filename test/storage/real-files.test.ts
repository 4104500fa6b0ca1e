/**
 * Files that a real ZooKeeper 3.9.5 wrote (test/fixtures/disk) go through the readers, and what was read goes back
 * through the writers: the bytes must be the same.
 */

import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { JuteReader, MarshallingError } from "#jute/reader.ts";
import type { JuteWriter } from "#jute/writer.ts";
import { filesOfKind } from "#storage/file-names.ts";
import { type Recovery, recover } from "#storage/recovery.ts";
import { writeSnapshot } from "#storage/snapshot-file.ts";
import { readSnapshot, scanSnapshot, type SnapshotTrailer } from "#storage/snapshot-reader.ts";
import { TxnLog } from "#storage/txn-log.ts";
import { Row, type SnapshotScanner, type SnapshotSink, type SnapshotSource } from "#tree/snapshot-stream.ts";
import { MemoryDisk } from "../support/memory-disk.ts";
import { MemoryLogger, TickingClock, zxidOfPayload } from "./builders.ts";

const fixtures = fileURLToPath(new URL("../fixtures/disk/", import.meta.url));
const names = readdirSync(fixtures, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map((entry) => entry.name);
const folder = "/data/version-2";

interface Expected {
  readonly zxid: string;
  readonly lastRecordZxid: string;
  readonly digest: { readonly zxid: string } | null;
}

/** Takes a whole real body for one item. */
class BodyScanner implements SnapshotScanner {
  count = 0;
  isComplete = false;

  scan(bytes: Buffer, start: number, end: number, rows: Int32Array): number {
    this.count = 0;
    if (this.isComplete) return start;
    try {
      const reader = new JuteReader(bytes, start, end);
      this.#skipBody(reader);
      rows[Row.start] = start;
      rows[Row.dataEnd] = reader.offset;
      this.count = 1;
      this.isComplete = true;
      return reader.offset;
    } catch (error) {
      if (error instanceof MarshallingError) return start;
      throw error;
    }
  }

  #skipBody(reader: JuteReader): void {
    reader.skip(reader.readInt() * 12);
    for (let lists = reader.readInt(); lists > 0; lists--) {
      reader.skip(8);
      for (let entries = reader.readInt(); entries > 0; entries--) {
        reader.skip(4);
        reader.skipBuffer();
        reader.skipBuffer();
      }
    }
    while (reader.readString() !== "/") {
      reader.skipBuffer();
      reader.skip(68);
    }
  }
}

class BodySink implements SnapshotSink {
  body: Buffer = Buffer.alloc(0);

  take(bytes: Buffer, rows: Int32Array, count: number): void {
    if (count > 0) this.body = Buffer.from(bytes.subarray(rows[Row.start], rows[Row.dataEnd]));
  }
}

class BodySource implements SnapshotSource {
  readonly zxidHigh: number;
  readonly zxidLow: number;
  readonly #body: Buffer;
  readonly #digest: NonNullable<SnapshotTrailer["digest"]>;

  constructor(recovery: NonNullable<Recovery["snapshot"]>, body: Buffer) {
    this.zxidHigh = recovery.zxidHigh;
    this.zxidLow = recovery.zxidLow;
    this.#body = body;
    this.#digest = recovery.trailer.digest ?? { zxidHigh: 0, zxidLow: 0, version: 2, digestHigh: 0, digestLow: 0 };
  }

  writeSome(out: JuteWriter): boolean {
    out.writeRaw(this.#body, 0, this.#body.length);
    return true;
  }

  finalState(): NonNullable<SnapshotTrailer["digest"]> {
    return this.#digest;
  }

  close(): void {}
}

function load(name: string): { disk: MemoryDisk; expected: Expected } {
  const disk = new MemoryDisk();
  const source = `${fixtures}${name}/version-2`;
  for (const file of readdirSync(source)) disk.put(`${folder}/${file}`, readFileSync(`${source}/${file}`));
  const expected = JSON.parse(readFileSync(`${fixtures}${name}/expected.json`, "utf8")) as Expected;
  return { disk, expected };
}

async function start(
  disk: MemoryDisk,
): Promise<{ result: Recovery; body: Buffer; txns: Buffer[]; warnings: string[] }> {
  const logger = new MemoryLogger();
  const txns: Buffer[] = [];
  let body: Buffer = Buffer.alloc(0);
  const result = await recover({
    disk,
    dataDir: "/data",
    dataLogDir: "/data",
    isDatadirAutocreate: false,
    isDbAutocreate: true,
    isEmptySnapshotTrusted: false,
    clock: new TickingClock(),
    logger,
    newSink: () => new BodySink(),
    scan: (path) => scanSnapshot(disk, path, new BodyScanner()),
    onSnapshot: (sink) => (body = sink.body),
    onTxn: (bytes, start, end) => txns.push(Buffer.from(bytes.subarray(start, end))),
  });
  return { result, body, txns, warnings: logger.warnings() };
}

function hex(zxidHigh: number, zxidLow: number): string {
  return `0x${((BigInt(zxidHigh) << 32n) | BigInt(zxidLow >>> 0)).toString(16)}`;
}

describe.each(names)("the files of %s", (name) => {
  test("are restored up to the zxid that ZooKeeper reached", async () => {
    const { disk, expected } = load(name);
    const { result, txns, warnings } = await start(disk);
    expect(hex(result.lastZxidHigh, result.lastZxidLow)).toBe(expected.zxid);
    const last = txns.at(-1);
    if (last !== undefined) expect(`0x${zxidOfPayload(last, 0).toString(16)}`).toBe(expected.lastRecordZxid);
    expect(result.tornTail !== null).toBe(name === "torn-tail");
    expect(warnings).toHaveLength(name === "torn-tail" ? 1 : 0);
  });

  test("hold only snapshots whose every seal is right", async () => {
    const { disk } = load(name);
    const files = filesOfKind(folder, disk.names(folder), "snapshot");
    expect(files.length).toBeGreaterThan(0);
    for (const { path } of files) {
      const slices = scanSnapshot(disk, path, new BodyScanner());
      const trailer = await readSnapshot(path, slices, new BodySink());
      expect(trailer.digest !== null).toBe(name !== "no-digest-no-zxid");
      expect(trailer.lastZxid !== null).toBe(name !== "no-digest-no-zxid" && name !== "digest-only");
    }
  });

  test("are the bytes that our writers make of the same content", async () => {
    const { disk } = load(name);
    const before = load(name).disk;
    const { result, body, txns } = await start(disk);
    const { snapshot } = result;
    const copy = new MemoryDisk();
    await copy.makeFolder(folder);
    await writeSnapshot(new BodySource(snapshot!, body), {
      disk: copy,
      folder,
      compression: "none",
      hasDigest: snapshot!.trailer.digest !== null,
      hasLastZxid: snapshot!.trailer.lastZxid !== null,
    });
    const plainPath = snapshot!.path.replace(/\.(gz|snappy)$/, "");
    if (plainPath === snapshot!.path) expect(copy.get(plainPath).equals(disk.get(plainPath))).toBe(true);
    const log = filesOfKind(folder, before.names(folder), "log").at(-1);
    const named = txns.findIndex(
      (txn) => log !== undefined && zxidOfPayload(txn, 0) === BigInt(`0x${log.name.slice(4)}`),
    );
    if (log === undefined || named < 0) return;
    await writeLog(copy, txns.slice(named));
    const ours = copy.get(log.path);
    expect(disk.get(log.path).subarray(0, ours.length).equals(ours)).toBe(true);
    expect(
      disk
        .get(log.path)
        .subarray(ours.length)
        .every((byte) => byte === 0),
    ).toBe(true);
  });
});

async function writeLog(disk: MemoryDisk, txns: readonly Buffer[]): Promise<void> {
  const log = new TxnLog({
    disk,
    folder,
    preAllocSizeKb: 0,
    forceSync: true,
    txnLogSizeLimitKb: 0,
    fsyncWarningThresholdMs: 1000,
    clock: new TickingClock(),
    logger: new MemoryLogger(),
    onDurable: () => {},
    onFailure(error) {
      throw error;
    },
    onFsync: () => {},
  });
  for (const txn of txns) {
    log.beginRecord().writeRaw(txn, 0, txn.length);
    log.endRecord(txn.readInt32BE(12), txn.readInt32BE(16));
  }
  await log.close();
}
