/**
 * Targets of a start, whatever its files hold:
 *
 *   log        one log behind an empty snapshot
 *   snapshot   one snapshot: plain, gz or snappy, as its first bytes say
 *   folders    many files: byte length of name | name | int length | bytes, again and again
 *   epochs     acceptedEpoch and currentEpoch: long zxid | text | 0xff | text
 *
 * A start succeeds with a state that means something: a restart finds the same, so does a snapshot of it and a log of the same
 * transactions, and counts are what counting finds. Or it is refused by a CorruptionError (or, for the folder as a whole, a RecoveryError) that
 * names a file and an offset. Nothing else, no file left open, no more calls and memory than the files' size explains.
 */

import { readdirSync, readFileSync } from "node:fs";
import { CorruptionError } from "#base/errors.ts";
import { EpochFiles, type Epochs } from "#storage/epoch-files.ts";
import { gzipMagic, snappyMagic } from "#storage/snapshot-compression.ts";
import { MemoryDisk } from "../../support/memory-disk.ts";
import {
  checkState,
  diskWith,
  emptySnapshot,
  folder,
  logOf,
  type Start,
  startFrom,
  stateOf,
} from "../database-bench.ts";
import { repairLog, repairSnapshot } from "../repair.ts";
import { demand, diceOf, type FuzzTarget, OracleError } from "../target.ts";

const fixtures = new URL("../../fixtures/disk/", import.meta.url);
const bytesMax = 16_384;
const allocatedBytesMax = 48 << 20;
const words: readonly (string | Buffer)[] = [
  "/",
  "/a",
  "/zookeeper",
  "/zookeeper/quota/a/zookeeper_limits",
  "/zookeeper/quota/a/zookeeper_stats",
  "world",
  "anyone",
  "count=1,bytes=-1",
  "count=1",
  "B",
  "ZKLG",
  "ZKSN",
  ...[1, 2, 5, 7, 14, 15, 16, 19, 20, 21, 13, -1, -10, -11].map((type) => {
    const bytes = Buffer.alloc(4);
    bytes.writeInt32BE(type);
    return bytes;
  }),
];

/** The files that a real ZooKeeper wrote, by folder. */
function fixtureFolders(): Record<string, Buffer>[] {
  return readdirSync(fixtures, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => {
      const inside = new URL(`${name}/version-2/`, fixtures);
      return Object.fromEntries(readdirSync(inside).map((file) => [file, readFileSync(new URL(file, inside))]));
    });
}

function fixtureFiles(kind: string): Buffer[] {
  return fixtureFolders()
    .flatMap((files) => Object.entries(files).filter(([name]) => name.startsWith(kind)))
    .map(([, bytes]) => bytes)
    .filter(({ length }) => length <= bytesMax);
}

/** A start that must have worked, since another from the same did. */
async function startAgain(disk: MemoryDisk, what: string): Promise<Start> {
  const again = await startFrom(disk);
  if (again instanceof Error) throw new OracleError(`${what} is refused: ${again.message}`);
  return again;
}

/** A restart finds what the first start found, and nothing more to mend. */
async function checkRestart(start: Start, disk: MemoryDisk): Promise<void> {
  const again = await startAgain(
    disk.crash(() => false),
    "a restart",
  );
  demand(again.recovery.tornTail === null, "a restart cuts the log once more");
  demand(stateOf(again.database) === stateOf(start.database), "a restart finds another state");
  demand(again.recovery.txnsReplayed === start.recovery.txnsReplayed, "a restart replays another number");
}

/** The same with one bit flipped, wherever dice say. */
function damaged(input: Buffer): Buffer {
  const dice = diceOf(input, 9);
  const copy = Buffer.from(input);
  copy[Math.floor(dice.next() * copy.length)]! ^= 1 << Math.floor(dice.next() * 8);
  return copy;
}

/** Damage is refused, or costs the end of the log; it never leads to other transactions. */
async function checkDamagedLog(input: Buffer, txns: readonly Buffer[]): Promise<void> {
  const start = await startFrom(diskWith({ "snapshot.0": emptySnapshot, "log.1": damaged(input) }));
  if (start instanceof Error) return;
  const isBeginning = start.txns.every((txn, index) => txns[index]?.equals(txn) === true);
  demand(isBeginning, "with one bit flipped it has other transactions");
}

async function playLog(input: Buffer): Promise<void> {
  const disk = diskWith({ "snapshot.0": emptySnapshot, "log.1": input });
  const start = await startFrom(disk);
  if (start instanceof Error) {
    demand(start instanceof CorruptionError && start.facts.offset <= input.length, `refused by ${start.message}`);
    return;
  }
  await checkRestart(start, disk);
  await checkState(start);
  const rewritten = diskWith({ "snapshot.0": emptySnapshot, "log.1": logOf(start.txns) });
  const again = await startAgain(rewritten, "a log of its transactions");
  demand(stateOf(again.database) === stateOf(start.database), "a log of its transactions leads elsewhere");
  await checkDamagedLog(input, start.txns);
}

export const log: FuzzTarget = {
  name: "log",
  kind: "bytes",
  bytesMax,
  words,
  allocatedBytesMax,
  seeds: () => fixtureFiles("log."),
  repair: repairLog,
  run: playLog,
};

function snapshotName(input: Buffer): string {
  if (input.subarray(0, 2).equals(gzipMagic)) return "snapshot.5.gz";
  return input.subarray(0, snappyMagic.length).equals(snappyMagic) ? "snapshot.5.snappy" : "snapshot.5";
}

async function playSnapshot(input: Buffer): Promise<void> {
  const disk = diskWith({ [snapshotName(input)]: input });
  const start = await startFrom(disk);
  if (start instanceof Error || start.recovery.kind === "empty") return;
  await checkState(start);
  if (snapshotName(input) !== "snapshot.5") return;
  const again = await startFrom(diskWith({ "snapshot.5": damaged(input) }));
  // One that does not end like a snapshot is none, as in ZooKeeper.
  demand(again instanceof Error || again.recovery.kind === "empty", "with one bit flipped it is taken all the same");
}

export const snapshot: FuzzTarget = {
  name: "snapshot",
  kind: "bytes",
  bytesMax,
  words,
  allocatedBytesMax,
  seeds: () => fixtureFiles("snapshot."),
  repair: (input) => (snapshotName(input) === "snapshot.5" ? repairSnapshot(input) : input),
  run: playSnapshot,
};

function packed(files: Readonly<Record<string, Buffer>>): Buffer {
  const parts = Object.entries(files).flatMap(([name, bytes]) => {
    const length = Buffer.alloc(4);
    length.writeInt32BE(bytes.length);
    return [Buffer.from([name.length]), Buffer.from(name), length, bytes];
  });
  return Buffer.concat(parts);
}

/** Whatever the bytes are, they are some files. */
function unpacked(input: Buffer): Record<string, Buffer> {
  const files: Record<string, Buffer> = {};
  for (let at = 0; at < input.length;) {
    const nameEnd = at + 1 + input[at]!;
    if (nameEnd + 4 > input.length) break;
    const name = input.toString("latin1", at + 1, nameEnd).replaceAll("/", "_");
    const end = nameEnd + 4 + Math.max(0, Math.min(input.readInt32BE(nameEnd), input.length - nameEnd - 4));
    if (name !== "") files[name] = input.subarray(nameEnd + 4, end);
    at = end;
  }
  return files;
}

function repairFile(name: string, bytes: Buffer): Buffer {
  if (name.startsWith("log.")) return repairLog(bytes);
  return name.startsWith("snapshot.") && !/\.(gz|snappy)$/.test(name) ? repairSnapshot(bytes) : bytes;
}

async function playFolders(input: Buffer): Promise<void> {
  const disk = diskWith(unpacked(input));
  await disk.makeFolder(folder);
  const start = await startFrom(disk);
  if (start instanceof Error) return;
  if (start.recovery.kind !== "empty") {
    await checkRestart(start, disk);
    await checkState(start);
  }
}

export const folders: FuzzTarget = {
  name: "folders",
  kind: "bytes",
  bytesMax: 2 * bytesMax,
  words: [
    ...words,
    "\u0005log.1",
    "\u0005log.2",
    "\u0005log.6",
    "\u000asnapshot.0",
    "\u000asnapshot.1",
    "\u000asnapshot.5",
  ],
  allocatedBytesMax,
  seeds: () =>
    fixtureFolders()
      .map(packed)
      .filter(({ length }) => length <= bytesMax),
  repair: (input) =>
    packed(Object.fromEntries(Object.entries(unpacked(input)).map(([name, bytes]) => [name, repairFile(name, bytes)]))),
  run: playFolders,
};

/** The upper half of a zxid, which is not negative. */
const epochMax = 0x7fff_ffffn;

/** The epochs as a start finds them, or null when it is refused. */
async function loadEpochs(disk: MemoryDisk, lastZxid: bigint): Promise<Epochs | null> {
  try {
    return await new EpochFiles(disk, folder).load(lastZxid);
  } catch (error) {
    if (!(error instanceof CorruptionError)) throw error;
    demand(error.facts.path.startsWith(`${folder}/`) && !error.message.includes("\n"), `refused by ${error.message}`);
    return null;
  }
}

async function playEpochs(input: Buffer): Promise<void> {
  const lastZxid = input.length < 8 ? 0n : input.readBigInt64BE();
  const rest = input.subarray(8);
  const middle = rest.indexOf(0xff);
  const disk = diskWith({ acceptedEpoch: rest.subarray(0, middle < 0 ? rest.length : middle) });
  if (middle >= 0) disk.put(`${folder}/currentEpoch`, rest.subarray(middle + 1));
  const epochs = await loadEpochs(disk, lastZxid);
  if (epochs === null) return;
  const { acceptedEpoch, currentEpoch } = epochs;
  demand(
    currentEpoch >= 0n && acceptedEpoch >= currentEpoch && acceptedEpoch <= epochMax,
    `epochs ${acceptedEpoch} and ${currentEpoch}`,
  );
  demand(lastZxid < 0n || currentEpoch >= lastZxid >> 32n, "an epoch behind that of the log");
  const next = acceptedEpoch + 1n;
  if (next > epochMax) return;
  const files = new EpochFiles(disk, folder);
  await files.accept(next);
  const accepted = await loadEpochs(
    disk.crash(() => false),
    lastZxid,
  );
  demand(accepted?.acceptedEpoch === next && accepted.currentEpoch === currentEpoch, "an accepted epoch is not there");
  await files.establish(next);
  const established = await loadEpochs(
    disk.crash(() => false),
    lastZxid,
  );
  demand(established?.acceptedEpoch === next && established.currentEpoch === next, "an established epoch is not there");
}

export const epochs: FuzzTarget = {
  name: "epochs",
  kind: "bytes",
  bytesMax: 256,
  words: [
    "0",
    "1",
    "-1",
    "\n",
    "\r\n",
    "999999999999999999",
    "9223372036854775807",
    "\u00ff",
    " ",
    "2147483648",
    "4294967295",
  ],
  allocatedBytesMax: 256 << 10,
  seeds: () =>
    ["1\u00ff1", "2\u00ff1\n", "5", "\u00ff"].map((text) =>
      Buffer.concat([Buffer.from("0000000100000005", "hex"), Buffer.from(text, "latin1")]),
    ),
  run: playEpochs,
};
