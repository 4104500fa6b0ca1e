import { describe, expect, test } from "vitest";
import { gzipSync } from "node:zlib";
import { CorruptionError, DiskError } from "#base/errors.ts";
import { type SnapshotWriteOptions, writeSnapshot } from "#storage/snapshot-file.ts";
import { isValidSnapshot } from "#storage/snapshot-reader.ts";
import { MemoryDisk } from "../support/memory-disk.ts";
import { failureOf, ItemSource, readItems, settled, snapshotFile } from "./builders.ts";

const folder = "/data/version-2";
const items = Array.from({ length: 40 }, (_, index) => Buffer.alloc(20 + index * 3, index + 1));
/** About 1.5 MB, so that it takes several slices and several chunks. */
const bigItems = Array.from({ length: 3000 }, (_, index) => Buffer.alloc(500, (index % 255) + 1));

async function write(source: ItemSource, options: Partial<SnapshotWriteOptions> = {}): Promise<MemoryDisk> {
  const disk = new MemoryDisk();
  await disk.makeFolder(folder);
  await writeSnapshot(source, { disk, folder, compression: "none", hasDigest: true, hasLastZxid: true, ...options });
  expect(source.isClosed).toBe(true);
  expect(disk.openFiles).toBe(0);
  return disk;
}

async function corruptionOf(bytes: Buffer, name = "snapshot.5"): Promise<CorruptionError["facts"]> {
  const disk = new MemoryDisk();
  disk.put(`${folder}/${name}`, bytes);
  const error = await failureOf(readItems(disk, `${folder}/${name}`));
  expect(error).toBeInstanceOf(CorruptionError);
  expect(disk.openFiles).toBe(0);
  return (error as CorruptionError).facts;
}

async function isValid(name: string, bytes: Buffer): Promise<boolean> {
  const disk = new MemoryDisk();
  disk.put(`${folder}/${name}`, bytes);
  return isValidSnapshot(disk, `${folder}/${name}`);
}

describe("the bytes of a snapshot", () => {
  test("are header, body and seals, with the sections that the flags ask for", async () => {
    const digest = { zxid: 0x100000007n, digest: -3n };
    const cases = [
      [true, true, { digest, lastZxid: digest.zxid }],
      [true, false, { digest }],
      [false, true, { lastZxid: digest.zxid }],
      [false, false, {}],
    ] as const;
    for (const [hasDigest, hasLastZxid, sections] of cases) {
      const disk = await write(new ItemSource(0x100000005n, items, digest), { hasDigest, hasLastZxid });
      expect(disk.names(folder)).toEqual(["snapshot.100000005"]);
      expect(disk.get(`${folder}/snapshot.100000005`)).toEqual(snapshotFile(items, sections));
    }
  });

  test("of an empty database have no digest yet", async () => {
    const disk = await write(new ItemSource(0n, []));
    expect(disk.get(`${folder}/snapshot.0`)).toEqual(
      snapshotFile([], { digest: { zxid: 0n, digest: 0n }, lastZxid: 0n }),
    );
  });

  test("do not depend on how they were sliced", async () => {
    const disk = await write(new ItemSource(5n, bigItems, { zxid: 9n, digest: 11n }));
    const expected = snapshotFile(bigItems, { digest: { zxid: 9n, digest: 11n }, lastZxid: 9n });
    expect(disk.get(`${folder}/snapshot.5`).equals(expected)).toBe(true);
  });

  test("are written in slices, each durable before the next eight megabytes", async () => {
    const disk = new MemoryDisk();
    await disk.makeFolder(folder);
    const actions: string[] = [];
    disk.onCall = (action) => (actions.push(action), "ok");
    const source = new ItemSource(
      5n,
      Array.from({ length: 40 }, () => Buffer.alloc(500_000, 1)),
    );
    await writeSnapshot(source, { disk, folder, compression: "none", hasDigest: true, hasLastZxid: true });
    expect(actions.slice(-5)).toEqual(["write", "datasync", "close", "rename", "syncFolder"]);
    expect(actions.filter((action) => action === "datasync")).toHaveLength(3);
  });
});

describe("reading", () => {
  test.each(["none", "gz", "snappy"] as const)("gives back what was written (%s)", async (compression) => {
    for (const written of [items, bigItems, []]) {
      const disk = await write(new ItemSource(5n, written, { zxid: 9n, digest: -2n }), { compression });
      const path = `${folder}/snapshot.5${compression === "none" ? "" : `.${compression}`}`;
      expect(await isValidSnapshot(disk, path)).toBe(true);
      const { items: read, trailer } = await readItems(disk, path);
      expect(Buffer.concat(read).equals(Buffer.concat(written))).toBe(true);
      expect(trailer).toEqual({
        digest: { zxidHigh: 0, zxidLow: 9, version: 2, digestHigh: -1, digestLow: -2 },
        lastZxid: { zxidHigh: 0, zxidLow: 9 },
      });
    }
  });

  test("goes by the bytes behind the first seal, whatever wrote them", async () => {
    const digest = { zxid: 3n, digest: 4n };
    for (const sections of [{}, { digest }, { lastZxid: 3n }, { digest, lastZxid: 3n }]) {
      const disk = new MemoryDisk();
      disk.put(`${folder}/snapshot.3`, snapshotFile(items, sections));
      const { trailer } = await readItems(disk, `${folder}/snapshot.3`);
      expect(trailer.digest?.zxidLow).toBe("digest" in sections ? 3 : undefined);
      expect(trailer.lastZxid?.zxidLow).toBe("lastZxid" in sections ? 3 : undefined);
    }
  });

  test("takes an item that is larger than a chunk", async () => {
    const disk = await write(new ItemSource(5n, [Buffer.alloc(1_200_000, 3), Buffer.alloc(1)]));
    const { items: read } = await readItems(disk, `${folder}/snapshot.5`);
    expect(read.map((item) => item.length)).toEqual([1_200_000, 1]);
  });
});

describe("damage", () => {
  const whole = snapshotFile(items.slice(0, 4), { digest: { zxid: 5n, digest: 6n }, lastZxid: 5n });

  test("of any byte but those nobody looks at is found", async () => {
    for (let at = 0; at < whole.length; at++) {
      if (at >= 4 && at < 16) continue;
      const bytes = Buffer.from(whole);
      bytes[at]! ^= 0x08;
      expect((await corruptionOf(bytes)).path).toBe(`${folder}/snapshot.5`);
    }
  });

  test("of the version or dbId in the header is found by the seal", async () => {
    const bytes = Buffer.from(whole);
    bytes[7]! ^= 1;
    expect((await corruptionOf(bytes)).expected).toContain("the seal");
  });

  test("by cutting the file anywhere is found, unless it ends at a seal", async () => {
    const sealEnds = new Set([whole.length - 54, whole.length - 21]);
    for (let length = 0; length < whole.length; length++) {
      if (!sealEnds.has(length)) await corruptionOf(whole.subarray(0, length));
    }
    await corruptionOf(Buffer.concat([whole, Buffer.alloc(1)]));
    await corruptionOf(Buffer.concat([whole, Buffer.alloc(500_000)]));
  });

  test("of a compressed file is found, not taken for a failing disk", async () => {
    const gz = gzipSync(whole);
    await corruptionOf(gz.subarray(0, gz.length - 20), "snapshot.5.gz");
    await corruptionOf(Buffer.from("no gzip at all"), "snapshot.5.gz");
    const disk = await write(new ItemSource(5n, bigItems), { compression: "snappy" });
    const snappy = disk.get(`${folder}/snapshot.5.snappy`);
    await corruptionOf(snappy.subarray(0, snappy.length - 20), "snapshot.5.snappy");
    await corruptionOf(Buffer.from("no snappy at all, not by far"), "snapshot.5.snappy");
    const bad = Buffer.from(snappy);
    bad.fill(0xff, 24, 600);
    await corruptionOf(bad, "snapshot.5.snappy");
  });

  test("is not what a failing disk is called", async () => {
    for (const name of ["snapshot.5", "snapshot.5.gz", "snapshot.5.snappy"]) {
      const disk = new MemoryDisk();
      disk.put(`${folder}/${name}`, whole);
      disk.onCall = (action) => (action === "read" ? { code: "EIO" } : "ok");
      expect(await failureOf(readItems(disk, `${folder}/${name}`))).toBeInstanceOf(DiskError);
    }
  });
});

describe("the cheap test", () => {
  test("wants a snapshot's name, and the end or the beginning of its format", async () => {
    const whole = snapshotFile(items);
    expect(await isValid("snapshot.5", whole)).toBe(true);
    expect(await isValid("snapshot.5", whole.subarray(0, whole.length - 1))).toBe(false);
    expect(await isValid("snapshot.5", Buffer.from([0, 0, 0, 1, 0x2f]))).toBe(false);
    expect(await isValid("snapshot.5", Buffer.alloc(0))).toBe(false);
    expect(await isValid("snapshot.x", whole)).toBe(false);
    expect(await isValid("snapshot.5.gz", gzipSync(whole))).toBe(true);
    expect(await isValid("snapshot.5.gz", Buffer.from([0x1f]))).toBe(false);
    expect(await isValid("snapshot.5.snappy", Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0]))).toBe(true);
    expect(await isValid("snapshot.5.snappy", whole)).toBe(false);
  });
});

describe("an interrupted snapshot", () => {
  test.each(["open", "write", "datasync", "rename", "syncFolder"])(
    "is reported when %s fails, and leaves no other name than that of a whole one",
    async (failing) => {
      const disk = new MemoryDisk();
      await disk.makeFolder(folder);
      disk.onCall = (action) => (action === failing ? { code: "ENOSPC" } : "ok");
      const source = new ItemSource(5n, items);
      const options = { disk, folder, compression: "none", hasDigest: true, hasLastZxid: true } as const;
      expect(await failureOf(writeSnapshot(source, options))).toBeInstanceOf(DiskError);
      expect(source.isClosed).toBe(true);
      expect(disk.openFiles).toBe(0);
      expect(disk.names(folder)).toEqual(failing === "syncFolder" ? ["snapshot.5"] : []);
    },
  );

  test("at any call to the disk leaves no snapshot or a whole one, whatever the crash kept", async () => {
    for (let dieAt = 1; dieAt < 16; dieAt++) {
      const disk = new MemoryDisk();
      await disk.makeFolder(folder);
      disk.onCall = (_action, _path, index) => (index === dieAt ? "die" : "ok");
      const source = new ItemSource(5n, bigItems);
      void writeSnapshot(source, { disk, folder, compression: "none", hasDigest: true, hasLastZxid: true });
      await settled();
      for (let choice = 0; choice < 8; choice++) {
        let asked = 0;
        const crashed = disk.crash(({ kind }) =>
          kind === "name" ? (choice & 1) === 1 : asked++ % 5 < 3 === ((choice & 2) === 0),
        );
        for (const name of crashed.names(folder)) {
          if (!name.startsWith("snapshot.")) continue;
          expect((await readItems(crashed, `${folder}/${name}`)).items).toHaveLength(bigItems.length);
        }
      }
    }
  });
});
