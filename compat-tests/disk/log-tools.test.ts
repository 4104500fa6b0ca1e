/**
 * ZooKeeper's own tools over the transaction logs that ours wrote: printed, rewritten, chopped off, repaired and purged,
 * with the same outcome as for the reference's logs after the same writes; and what the tools make of our files is opened
 * by both servers.
 */

import { cpSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { expect, test } from "vitest";
import { type Build, subject } from "../reference/server.ts";
import { filesOf, readLogs } from "./files.ts";
import { ofEach, type Played, withBoth, withOurs } from "./played.ts";
import { readingOf, refused } from "./reading.ts";
import { maskedTxns, outputOf, runTool, SessionNames } from "./tools.ts";

/** A dozen virtual machines start in each test, whatever else the machine has to do. */
const timeout = 300_000;

const everyEnd = ["stop", "kill"] as const;
const builds: readonly Build[] = [subject, "reference"];

/** Two servers' settings for folders with TTL znodes. */
const settings = { config: { extendedTypesEnabled: "true" } };

async function txnsOf(...files: readonly string[]): Promise<string> {
  const outputs: string[] = [];
  for (const file of files) outputs.push(await outputOf("TxnLogToolkit", file));
  return maskedTxns(outputs, new SessionNames());
}

/** The only log of a folder. */
function logOf({ logs }: Played): string {
  expect(logs).toHaveLength(1);
  return logs[0]!;
}

/** What a server reads in a copy of a folder after `change`. */
function readingBy(build: Build, one: Played, change: (folder: string) => void): Promise<string> {
  const fill = (dataFolder: string): void => {
    cpSync(one.dataFolder, dataFolder, { recursive: true });
    change(join(dataFolder, "version-2"));
  };
  return readingOf(build, fill, settings);
}

/** What each server reads; both must agree. */
async function readingByBoth(one: Played, change: (folder: string) => void): Promise<string> {
  const [found, expected] = await Promise.all(builds.map((build) => readingBy(build, one, change)));
  expect(found).toBe(expected);
  return found!;
}

test.each(everyEnd)("TxnLogToolkit prints the same of our log as of the reference's: %s", { timeout }, async (end) => {
  await withBoth({ end, config: {} }, async (ours, reference) => {
    const [found, expected] = await ofEach([ours, reference], (one) => txnsOf(logOf(one)));
    expect(expected).toMatch(/ zxid 0x4 create \/round-0,0,/);
    expect(found).toBe(expected);
  });
});

test.each(everyEnd)(
  "many small logs and snapshots of ours are printed like the reference's: %s",
  { timeout },
  async (end) => {
    await withBoth({ end, config: { snapCount: 60, preAllocSize: 0 } }, async (ours, reference) => {
      const [found, expected] = await ofEach([ours, reference], ({ logs }) => txnsOf(...logs));
      expect(ours.logs.length).toBeGreaterThan(2);
      expect(found).toBe(expected);
      const folder = join(ours.dataFolder, "version-2");
      for (const name of filesOf(ours.dataFolder, "snapshot")) await outputOf("SnapshotFormatter", join(folder, name));
    });
  },
);

test(
  "TxnLogToolkit rewrites our log byte by byte, and chops it off where both servers then end",
  { timeout },
  async () => {
    await withBoth({ end: "kill", config: { preAllocSize: 0 } }, async (ours, reference) => {
      const log = logOf(ours);
      expect(await outputOf("TxnLogToolkit", "-r", "-v", log)).toContain("written with 0 fixed CRC error(s)");
      expect(withoutPadding(`${log}.fixed`).equals(withoutPadding(log))).toBe(true);
      rmSync(`${log}.fixed`);
      const [found, expected] = await ofEach([ours, reference], async (one) => {
        expect(await outputOf("TxnLogToolkit", "-c", "-z", "0x40", logOf(one))).toContain("new log has 64 records");
        return txnsOf(`${logOf(one)}.chopped64`);
      });
      expect(found).toBe(expected);
      const reading = await readingByBoth(ours, (folder) => {
        for (const name of readdirSync(folder)) if (!/^snapshot\.0$|chopped/.test(name)) rmSync(join(folder, name));
        renameSync(join(folder, `${basename(log)}.chopped64`), log.replace(/^.*\//, `${folder}/`));
      });
      expect(reading).toMatch(/^0x40\n/);
    });
  },
);

test(
  "a broken checksum in our log is told and mended by TxnLogToolkit, and both servers open what it made",
  { timeout },
  async () => {
    await withOurs({ end: "kill", config: { preAllocSize: 0 } }, async (ours) => {
      const log = logOf(ours);
      const whole = await readingBy("reference", ours, removeNewestSnapshot);
      const record = readLogs(ours.dataFolder).find(({ zxid }) => zxid === 0x20n)!;
      const bytes = readFileSync(log);
      bytes[record.offset + 7]! ^= 0xff;
      writeFileSync(log, bytes);
      expect((await runTool("TxnLogToolkit", log)).output.match(/^CRC ERROR - /gm)).toHaveLength(1);
      expect(await readingByBoth(ours, removeNewestSnapshot)).toBe(refused);
      expect(await outputOf("TxnLogToolkit", "-r", "-y", log)).toContain("written with 1 fixed CRC error(s)");
      renameSync(`${log}.fixed`, log);
      expect(await readingByBoth(ours, removeNewestSnapshot)).toBe(whole);
    });
  },
);

/** Leaves snapshot.0, so that everything must come out of the log. */
function removeNewestSnapshot(folder: string): void {
  for (const name of readdirSync(folder)) if (/^snapshot\.(?!0$)/.test(name)) rmSync(join(folder, name));
}

test("PurgeTxnLog leaves of our folder what both servers read as before", { timeout }, async () => {
  await withOurs({ end: "kill", config: { snapCount: 10, preAllocSize: 0 }, times: 3 }, async (ours) => {
    const before = await readingBy("reference", ours, () => {});
    const count = filesOf(ours.dataFolder, "snapshot").length;
    expect(count).toBeGreaterThan(3);
    const output = await outputOf("PurgeTxnLog", ours.dataFolder, "-n", "3");
    expect(output.match(/^Removing file: .*snapshot\./gm)).toHaveLength(count - 3);
    const [oldest, ...newer] = filesOf(ours.dataFolder, "snapshot");
    expect(newer).toHaveLength(2);
    await outputOf("SnapshotFormatter", join(ours.dataFolder, "version-2", oldest!));
    const replayed = await readingByBoth(ours, (folder) => {
      for (const name of newer) rmSync(join(folder, name));
    });
    expect(replayed).toBe(before);
  });
});

/** A log up to the zeros at its end. */
function withoutPadding(file: string): Buffer {
  const bytes = readFileSync(file);
  return bytes.subarray(0, bytes.findLastIndex((byte) => byte !== 0) + 1);
}
