import { describe, expect, it } from "vitest";
import { CorruptionError } from "#base/errors.ts";
import { EpochFiles } from "#storage/epoch-files.ts";
import { MemoryDisk } from "../support/memory-disk.ts";

const folder = "/d/version-2";

function diskWith(files: Readonly<Record<string, string>>): MemoryDisk {
  const disk = new MemoryDisk();
  disk.put(`${folder}/other`, Buffer.alloc(0));
  for (const [name, text] of Object.entries(files)) disk.put(`${folder}/${name}`, Buffer.from(text));
  return disk;
}

function textsOn(disk: MemoryDisk): Record<string, string> {
  const names = disk.names(folder).filter((name) => name !== "other");
  return Object.fromEntries(names.map((name) => [name, disk.get(`${folder}/${name}`).toString()]));
}

async function refusal(files: Readonly<Record<string, string>>, lastZxid = 0n): Promise<string> {
  const error = await new EpochFiles(diskWith(files), folder).load(lastZxid).then(
    () => null,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(CorruptionError);
  return (error as CorruptionError).message;
}

describe("the epochs of a start", () => {
  it("are what the files say", async () => {
    const disk = diskWith({ acceptedEpoch: "7", currentEpoch: "5" });
    expect(await new EpochFiles(disk, folder).load(0x500000001n)).toEqual({ acceptedEpoch: 7n, currentEpoch: 5n });
    expect(textsOn(disk)).toEqual({ acceptedEpoch: "7", currentEpoch: "5" });
  });

  it("are those of the last zxid where there are no files, which are written", async () => {
    const disk = diskWith({});
    expect(await new EpochFiles(disk, folder).load(0x300000002n)).toEqual({ acceptedEpoch: 3n, currentEpoch: 3n });
    expect(textsOn(disk)).toEqual({ acceptedEpoch: "3", currentEpoch: "3" });
    expect(await new EpochFiles(diskWith({}), folder).load(-1n)).toEqual({ acceptedEpoch: 0n, currentEpoch: 0n });
  });

  it("follow the log where it is ahead of currentEpoch", async () => {
    const disk = diskWith({ acceptedEpoch: "4", currentEpoch: "3", "currentEpoch.tmp": "4" });
    expect(await new EpochFiles(disk, folder).load(0x400000002n)).toEqual({ acceptedEpoch: 4n, currentEpoch: 4n });
    expect(textsOn(disk)).toEqual({ acceptedEpoch: "4", currentEpoch: "4" });
  });

  it.each([
    ["nothing", ""],
    ['"x5"', "x5"],
    ['"-1"', "-1"],
    ['"5 "', "5 "],
    ['"2147483648"', "2147483648"],
  ])("are refused when a file holds %s", async (found, text) => {
    const message = await refusal({ acceptedEpoch: "5", currentEpoch: text });
    expect(message).toBe(
      `${folder}/currentEpoch: damaged at offset 0: expected an epoch, as a decimal number, found ${found}`,
    );
  });

  it("are refused when they cannot both be true", async () => {
    expect(await refusal({ acceptedEpoch: "4", currentEpoch: "5" })).toContain(
      "at least 5, the current epoch, found 4",
    );
    expect(await refusal({ acceptedEpoch: "4", currentEpoch: "4" }, 0x500000000n)).toContain("at least 5");
  });

  it("may end with a line's end, as an operator's editor leaves it", async () => {
    const disk = diskWith({ acceptedEpoch: "7\n", currentEpoch: "5\r\n" });
    expect(await new EpochFiles(disk, folder).load(0n)).toEqual({ acceptedEpoch: 7n, currentEpoch: 5n });
  });
});

describe("an epoch", () => {
  it("is prepared for ZooKeeper when it is accepted, and renamed when it is established", async () => {
    const disk = diskWith({ acceptedEpoch: "3", currentEpoch: "3" });
    const files = new EpochFiles(disk, folder);
    await files.accept(4n);
    expect(textsOn(disk)).toEqual({ acceptedEpoch: "4", currentEpoch: "3", "currentEpoch.tmp": "4" });
    await files.establish(4n);
    expect(textsOn(disk)).toEqual({ acceptedEpoch: "4", currentEpoch: "4" });
    await files.establish(5n);
    expect(textsOn(disk)).toEqual({ acceptedEpoch: "4", currentEpoch: "5" });
  });

  it("is the old or the new one after a crash at any call, whatever the device kept", async () => {
    for (let dieAt = 0; dieAt < 40; dieAt++) {
      for (const isKept of [true, false]) {
        const disk = diskWith({ acceptedEpoch: "3", currentEpoch: "3" });
        disk.onCall = (_, __, index) => (index === dieAt ? "die" : "ok");
        const files = new EpochFiles(disk, folder);
        let accepted = 3n;
        let established = 3n;
        const work = (async (): Promise<void> => {
          await files.accept(4n);
          accepted = 4n;
          await files.establish(4n);
          established = 4n;
        })();
        await Promise.race([work, new Promise(setImmediate)]);
        const after = await new EpochFiles(
          disk.crash(() => isKept),
          folder,
        ).load(0x300000000n);
        expect(after.acceptedEpoch, `died in call ${dieAt}`).toBeGreaterThanOrEqual(accepted);
        expect(after.currentEpoch, `died in call ${dieAt}`).toBeGreaterThanOrEqual(established);
        expect(after.currentEpoch).toBeLessThanOrEqual(after.acceptedEpoch);
        if (!disk.isDead) return;
      }
    }
    throw new Error("more calls than expected");
  });
});
