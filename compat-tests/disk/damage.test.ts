/**
 * Damaged folders: both servers read the same of them, or both refuse. The folders are the recorded fixtures, so the
 * reference's own reading of them is checked on the way.
 */

import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { repositoryFolder } from "../reference/artifacts.ts";
import { type Build, subject, TestServer } from "../reference/server.ts";
import { adler32, filesOf, type LogRecord, readLogs } from "./files.ts";
import { readingOf } from "./reading.ts";
import { dumpText, dumpTree } from "./tree-dump.ts";

const fixtures = join(repositoryFolder, "test", "fixtures", "disk");

interface Expected {
  readonly config: Record<string, string | number>;
  readonly zxid: string;
  readonly tree: Parameters<typeof dumpText>[0];
}

/** What a server finds in a copy of a fixture that was changed by `change`; "refused" when it does not start. */
async function reading(
  build: Build,
  name: string,
  change: (dataFolder: string) => void,
  further: Readonly<Record<string, string>> = {},
): Promise<string> {
  const fill = (dataFolder: string): void => {
    cpSync(join(fixtures, name, "version-2"), join(dataFolder, "version-2"), { recursive: true });
    change(dataFolder);
  };
  return readingOf(build, fill, { config: { ...expectedOf(name).config, ...further } });
}

function expectedOf(name: string): Expected {
  return JSON.parse(readFileSync(join(fixtures, name, "expected.json"), "utf8")) as Expected;
}

const names = readdirSync(fixtures, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map((entry) => entry.name);

test.each(names)("the folder %s holds what the reference once read in it", async (name) => {
  const { zxid, tree } = expectedOf(name);
  expect(await reading(subject, name, () => {})).toBe(`${zxid}\n${dumpText(tree)}`);
});

/** Starts ours on a damaged copy, then the reference on what ours made of it. */
async function readingInTurn(name: string, change: (dataFolder: string) => void): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), "compat-damage-"));
  const found: string[] = [];
  try {
    for (const build of [subject, "reference"] as const) {
      const server = new TestServer(build, { folder, config: expectedOf(name).config });
      if (found.length === 0) {
        cpSync(join(fixtures, name, "version-2"), join(server.dataFolder, "version-2"), { recursive: true });
        change(server.dataFolder);
      }
      try {
        await server.start();
        found.push(dumpText(await dumpTree(server.port)));
      } finally {
        await server.kill();
      }
    }
    return found;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Damage {
  readonly what: string;
  readonly change: (dataFolder: string, last: LogRecord) => void;
}

const damages: readonly Damage[] = [
  { what: "ends in a checksum", change: (_, last) => truncateSync(last.file, last.offset + 5) },
  { what: "ends before a length", change: (_, last) => truncateSync(last.file, last.offset + 8) },
  { what: "ends in a length", change: (_, last) => truncateSync(last.file, last.offset + 10) },
  { what: "ends in a payload", change: (_, last) => truncateSync(last.file, last.offset + 30) },
  { what: "ends before an end mark", change: (_, last) => truncateSync(last.file, endOf(last) - 1) },
  { what: "ends with a record", change: (_, last) => truncateSync(last.file, endOf(last)) },
  { what: "lacks its last end mark", change: (_, last) => overwrite(last.file, endOf(last) - 1, Buffer.from([0])) },
  {
    what: "has zeros from the middle of its last record on",
    change: (_, last) => overwrite(last.file, last.offset + 40, Buffer.alloc(endOf(last) - last.offset - 40)),
  },
  { what: "has zeros for its last record", change: (_, last) => overwrite(last.file, last.offset, Buffer.alloc(64)) },
  {
    what: "has zeros for its last payload",
    change: (_, last) => overwrite(last.file, last.offset + 12, Buffer.alloc(20)),
  },
  { what: "has a negative length", change: (_, last) => overwrite(last.file, last.offset + 8, Buffer.alloc(4, 0xfe)) },
  {
    what: "has a huge length",
    change: (_, last) => overwrite(last.file, last.offset + 8, Buffer.from("7fffffff", "hex")),
  },
  {
    what: "has an unknown type",
    change: (_, last) => overwrite(last.file, last.offset + 12 + 28, Buffer.from("00000063", "hex")),
  },
  { what: "lost its magic", change: (_, last) => overwrite(last.file, 0, Buffer.from("ZKLH")) },
  { what: "is empty", change: (_, last) => truncateSync(last.file, 0) },
  { what: "is only a header", change: (_, last) => truncateSync(last.file, 16) },
];

test.each(damages)("a last log that $what is read, or refused, as by the reference", async ({ change }) => {
  const damage = (dataFolder: string): void => change(dataFolder, readLogs(dataFolder).at(-1)!);
  expect(await reading(subject, "plain", damage)).toBe(await reading("reference", "plain", damage));
});

/** What the reference refuses although only the end of the newest log is affected, and ours cuts off as a torn write. */
const tornForUs: readonly Damage[] = [
  {
    what: "lacks a sector of its last record",
    change: (_, last) => overwrite(last.file, endOf(last), holedRecord(last)),
  },
  { what: "is 9 bytes", change: (_, last) => truncateSync(last.file, 9) },
];

/** A record to stand behind the last, with zeros for the first whole sector that it covers. */
function holedRecord(last: LogRecord): Buffer {
  const length = 2_000;
  const bytes = Buffer.alloc(12 + length + 1, 0x33);
  bytes.writeBigInt64BE(0x33333333n, 0);
  bytes.writeInt32BE(length, 8);
  bytes[bytes.length - 1] = 0x42;
  const holeAt = 512 - (endOf(last) % 512);
  return Buffer.concat([bytes.subarray(0, holeAt), Buffer.alloc(512), bytes.subarray(holeAt + 512)]);
}

test.each(tornForUs)("damaged-end-of-the-last-log: the reference refuses a last log that $what", async ({ change }) => {
  const damage = (dataFolder: string): void => change(dataFolder, readLogs(dataFolder).at(-1)!);
  expect(await reading("reference", "plain", damage)).toBe("refused");
});

const tornForOurs = subject === "ours" ? tornForUs : [];

test.each(tornForOurs)(
  "damaged-end-of-the-last-log: ours mends a last log that $what, for the reference too",
  async ({ change }) => {
    const damage = (dataFolder: string): void => change(dataFolder, readLogs(dataFolder).at(-1)!);
    const [ours, reference] = await readingInTurn("plain", damage);
    expect(ours).toContain('"/plain"');
    expect(reference).toBe(ours);
  },
);

test("damage in the middle of a log is refused by both", async () => {
  for (const build of ["reference", subject] as const) {
    expect(await reading(build, "plain", damageTheMiddle)).toBe("refused");
  }
});

function damageTheMiddle(dataFolder: string): void {
  const middle = readLogs(dataFolder).find((record) => record.zxid === 0x13n)!;
  overwrite(middle.file, middle.offset + 12 + 40, Buffer.from([0xee, 0xee]));
}

/**
 * A byte of `/plain`'s owner is changed, so that the newest snapshot does not load, and seems to be an ephemeral on the
 * way. The reference falls back to the older snapshot, but its index of owners keeps the entry and it deletes the znode.
 */
test("failed-snapshot-leaves-nothing-behind: only the reference loses znodes to a snapshot that it did not load", async () => {
  expect(await reading("reference", "plain", damageAnOwner)).not.toContain('"/plain"');
  const { zxid, tree } = expectedOf("plain");
  if (subject === "ours") expect(await reading("ours", "plain", damageAnOwner)).toBe(`${zxid}\n${dumpText(tree)}`);
});

function damageAnOwner(dataFolder: string): void {
  const path = join(dataFolder, "version-2", filesOf(dataFolder, "snapshot").at(-1)!);
  const dataAt = placeOf(path, "/plain") + "/plain".length;
  const ownerAt = dataAt + 4 + readFileSync(path).readInt32BE(dataAt) + 8 + 32 + 12;
  overwrite(path, ownerAt, Buffer.from([1]));
}

const snapshotDamages: readonly { what: string; change: (path: string, sizeBytes: number) => void }[] = [
  { what: "is cut in half", change: (path, sizeBytes) => truncateSync(path, Math.floor(sizeBytes / 2)) },
  { what: "is empty", change: (path) => truncateSync(path, 0) },
  { what: "lacks its last byte", change: (path, sizeBytes) => truncateSync(path, sizeBytes - 1) },
  { what: "has a changed byte", change: (path) => overwrite(path, placeOf(path, "in a multi"), Buffer.from("I")) },
  { what: "lost its magic", change: (path) => overwrite(path, 0, Buffer.from("ZKSX")) },
  { what: "lacks both trailing sections", change: (path, sizeBytes) => truncateSync(path, sizeBytes - 54) },
  { what: "is gone", change: (path) => rmSync(path) },
];

test.each(snapshotDamages)(
  "a newest snapshot that $what is passed over, or refused, as by the reference",
  async ({ change }) => {
    const damage = (dataFolder: string): void => {
      const path = join(dataFolder, "version-2", filesOf(dataFolder, "snapshot").at(-1)!);
      change(path, readFileSync(path).length);
    };
    expect(await reading(subject, "plain", damage)).toBe(await reading("reference", "plain", damage));
  },
);

test("a log whose digests disagree with the tree is applied all the same, and counted", async () => {
  for (const build of ["reference", subject] as const) {
    const folder = mkdtempSync(join(tmpdir(), "compat-damage-"));
    const server = new TestServer(build, { folder });
    try {
      cpSync(join(fixtures, "log-only", "version-2"), join(server.dataFolder, "version-2"), { recursive: true });
      for (const record of readLogs(server.dataFolder).slice(2, 5)) falsifyDigest(record);
      await server.start();
      expect(await server.fourLetterWord("mntr"), build).toContain("zk_digest_mismatches_count\t3\n");
      expect(dumpText(await dumpTree(server.port)), build).toBe(dumpText(expectedOf("log-only").tree));
    } finally {
      await server.kill();
      rmSync(folder, { recursive: true, force: true });
    }
  }
});

/** Changes the digest at the end of a record and makes its checksum fit. */
function falsifyDigest(record: LogRecord): void {
  const payload = Buffer.from(record.payload);
  payload[payload.length - 1] = payload.at(-1)! ^ 0xff;
  const checksum = Buffer.alloc(8);
  checksum.writeUInt32BE(adler32(payload), 4);
  overwrite(record.file, record.offset, checksum);
  overwrite(record.file, record.offset + 12, payload);
}

test("logs without any snapshot are refused, unless they are trusted", async () => {
  for (const build of ["reference", subject] as const) {
    expect(await reading(build, "log-only", removeSnapshots)).toBe("refused");
  }
  const trusting = { "snapshot.trust.empty": "true" };
  const found = await reading(subject, "log-only", removeSnapshots, trusting);
  expect(found).toContain('"/plain"');
  expect(found).toBe(await reading("reference", "log-only", removeSnapshots, trusting));
});

function removeSnapshots(dataFolder: string): void {
  for (const name of filesOf(dataFolder, "snapshot")) rmSync(join(dataFolder, "version-2", name));
}

function endOf(record: LogRecord): number {
  return record.offset + 13 + record.payload.length;
}

function placeOf(path: string, text: string): number {
  return readFileSync(path).indexOf(text);
}

function overwrite(path: string, offset: number, bytes: Buffer): void {
  const content = readFileSync(path);
  bytes.copy(content, offset);
  writeFileSync(path, content);
}
