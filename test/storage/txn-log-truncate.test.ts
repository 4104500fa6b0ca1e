import { describe, expect, it } from "vitest";
import { highOf, lowOf } from "#base/zxid.ts";
import { readTxnLog } from "#storage/txn-log-reader.ts";
import { truncateTxnLog } from "#storage/txn-log-truncate.ts";
import { MemoryDisk } from "../support/memory-disk.ts";
import { logFile, MemoryLogger, range, snapshotFile, zxidOfPayload } from "./builders.ts";

const folder = "/d/version-2";
const logger = new MemoryLogger();

/** Snapshots 0, 4 and 8; logs 1 to 5 and 6 to 10. */
function diskWithLogs(): MemoryDisk {
  const disk = new MemoryDisk();
  for (const zxid of [0n, 4n, 8n]) disk.put(`${folder}/snapshot.${zxid}`, snapshotFile([]));
  disk.put(`${folder}/log.1`, logFile(range(1n, 5n), { zeros: 2_000 }));
  disk.put(`${folder}/log.6`, logFile(range(6n, 10n), { zeros: 2_000, bodyBytes: 300_000 }));
  return disk;
}

function truncate(disk: MemoryDisk, zxid: bigint): Promise<boolean> {
  return truncateTxnLog({ disk, logger, snapshotFolder: folder, logFolder: folder }, highOf(zxid), lowOf(zxid));
}

async function zxidsOn(disk: MemoryDisk): Promise<bigint[]> {
  const zxids: bigint[] = [];
  await readTxnLog({
    disk,
    folder,
    logger,
    afterHigh: 0,
    afterLow: 0,
    onRecord: (bytes, start) => zxids.push(zxidOfPayload(bytes, start)),
  });
  return zxids;
}

describe("a log that is truncated", () => {
  it.each([0n, 1n, 3n, 4n, 5n, 6n, 7n, 9n, 10n, 11n])("ends with that zxid: %i", async (zxid) => {
    const disk = diskWithLogs();
    expect(await truncate(disk, zxid)).toBe(true);
    expect(await zxidsOn(disk)).toEqual(range(1n, zxid < 10n ? zxid : 10n));
    const snapshots = disk.names(folder).filter((name) => name.startsWith("snapshot"));
    expect(snapshots).toEqual(["snapshot.0", "snapshot.4", "snapshot.8"].filter((_, i) => BigInt(i * 4) <= zxid));
  });

  it("stays as it is when no snapshot would be left", async () => {
    const disk = diskWithLogs();
    for (const name of ["snapshot.0", "snapshot.4"]) await disk.remove(`${folder}/${name}`);
    disk.put(`${folder}/snapshot.2`, Buffer.from("damaged"));
    expect(await truncate(disk, 5n)).toBe(false);
    expect(await zxidsOn(disk)).toEqual(range(1n, 10n));
    expect(disk.names(folder)).toContain("snapshot.8");
  });

  it("is nowhere shorter than it shall be after a crash at any call, and no snapshot is ahead of it", async () => {
    for (let dieAt = 0; dieAt < 100; dieAt++) {
      for (const keep of [true, false]) {
        const disk = diskWithLogs();
        disk.onCall = (_, __, index) => (index === dieAt ? "die" : "ok");
        await Promise.race([truncate(disk, 3n), new Promise(setImmediate)]);
        const after = disk.crash(() => keep);
        const zxids = await zxidsOn(after);
        expect(zxids.slice(0, 3), `died in call ${dieAt}`).toEqual([1n, 2n, 3n]);
        expect(zxids).toEqual(range(1n, BigInt(zxids.length)));
        const snapshots = after.names(folder).filter((name) => name.startsWith("snapshot."));
        for (const name of snapshots) {
          expect(Number(name.slice(9)), `${name}, died in call ${dieAt}`).toBeLessThanOrEqual(zxids.length);
        }
        if (!disk.isDead) return;
      }
    }
    throw new Error("more calls than expected");
  });
});
