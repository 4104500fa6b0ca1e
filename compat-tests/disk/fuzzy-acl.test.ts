/**
 * ACLs that change while a snapshot is written. A snapshot copies its table of lists first and its znodes afterwards, so a
 * znode may come with the number of a list that the table lacks. The log says which list it is, but the reference looks
 * at a parent's list whenever it replays a create below it, and ends there: with that folder it never starts again.
 */

import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type Build, subject, TestServer } from "../reference/server.ts";
import { timed } from "../reporting/cases.ts";
import { aclOf, create, remove, setAcl, type Request } from "../wire/requests.ts";
import { type Actor, Scene } from "../wire/scene.ts";
import { adler32, filesOf, readSnapshot, snapshotDigest, zxidOfName } from "./files.ts";
import { readingOf, refused } from "./reading.ts";

const builds: readonly Build[] = ["reference", subject];

/** Lets `work` drive a server on a folder that `look` sees when the server was killed. */
async function leftBy(
  build: Build,
  snapCount: number,
  work: (actor: Actor, dataFolder: string) => Promise<void>,
  look: (dataFolder: string) => Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "compat-fuzzy-"));
  const server = new TestServer(build, { folder, config: { snapCount } });
  try {
    await timed(build, async () => {
      await server.start();
      const scene = await Scene.open(server.port);
      await work(await scene.actor("a"), server.dataFolder);
    });
    await server.kill();
    await look(server.dataFolder);
  } finally {
    await server.kill();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What a server reads in a copy of a folder without the snapshots above a zxid. */
async function readingUpTo(build: Build, dataFolder: string, zxid: bigint): Promise<string> {
  return readingOf(build, (copy) => {
    cpSync(dataFolder, copy, { recursive: true });
    for (const name of filesOf(copy, "snapshot")) if (zxidOfName(name) > zxid) rmSync(join(copy, "version-2", name));
  });
}

test("acl-that-a-snapshot-does-not-list: the reference does not start again, ours reads what the log says", async () => {
  await leftBy("reference", 100_000, createBelowAChangedRoot, async (dataFolder) => {
    const whole = await readingUpTo("reference", dataFolder, 0n);
    expect(whole).toContain("1:ip:10.0.0.1");
    giveRootUnknownList(join(dataFolder, "version-2", "snapshot.0"));
    expect(await readingUpTo("reference", dataFolder, 0n)).toBe(refused);
    if (subject === "ours") expect(await readingUpTo("ours", dataFolder, 0n)).toBe(whole);
  });
});

async function createBelowAChangedRoot(actor: Actor): Promise<void> {
  const list = [aclOf(31, "world", "anyone"), aclOf(1, "ip", "10.0.0.1")];
  const replies = await actor.pipeline([create("/p"), setAcl("/", list)]);
  expect(replies.map((reply) => reply?.err)).toEqual([0, 0]);
}

/** As if the snapshot had been under way at the setACL: the root's list gets a number that the table lacks; the three seals are made to fit again. */
function giveRootUnknownList(path: string): void {
  const bytes = readFileSync(path);
  const { length } = bytes;
  // Header, no sessions, one list with one entry: 4 + 8 + 4 + 4 + (4 + 5) + (4 + 6) bytes; then path and data of the root.
  const root = 16 + 4 + 39 + 4 + 4;
  expect(bytes.readBigInt64BE(root)).toBe(-1n);
  bytes.writeBigInt64BE(99n, root);
  for (const seal of [length - 67, length - 34, length - 13]) {
    bytes.writeBigInt64BE(BigInt(adler32(bytes.subarray(0, seal))), seal);
  }
  writeFileSync(path, bytes);
}

const znodeCount = 20_000;
const fuzzyWanted = 3;

/** The reference's own would not always be opened by itself. */
const writers: readonly Build[] = subject === "ours" ? ["ours"] : [];

test.each(writers)("snapshots that %s writes while every ACL changes are opened by both", async (writer) => {
  await leftBy(writer, 2000, changeEveryAcl, async (dataFolder) => {
    const last = fuzzyOf(dataFolder).at(-1)!;
    const { znodes } = readSnapshot(join(dataFolder, "version-2", last));
    expect(znodes.filter((line) => line.includes("unknown list"))).toEqual([]);
    const readings = await Promise.all(builds.map((build) => readingUpTo(build, dataFolder, zxidOfName(last))));
    expect(readings[0]).not.toBe(refused);
    expect(readings[1]).toBe(readings[0]);
  });
});

async function changeEveryAcl(actor: Actor, dataFolder: string): Promise<void> {
  await inPieces(
    actor,
    Array.from({ length: znodeCount }, (_, index) => create(pathOf(index), { data })),
  );
  for (let turn = 0; fuzzyOf(dataFolder).length < fuzzyWanted; turn++) {
    await inPieces(actor, Array.from({ length: 300 }, (_, index) => changesOf(turn * 7919 + index * 67)).flat());
  }
}

const data = "x".repeat(200);

function pathOf(index: number): string {
  return `/znode-${index % znodeCount}`;
}

/** A create below a znode, and then a list for that znode which nobody had before. */
function changesOf(index: number): Request[] {
  const path = pathOf(index);
  const list = [aclOf(31, "world", "anyone"), aclOf(1, "digest", `user-${index}:x`)];
  return [create(`${path}/child`), setAcl(path, list), remove(`${path}/child`)];
}

async function inPieces(actor: Actor, requests: readonly Request[]): Promise<void> {
  for (let from = 0; from < requests.length; from += 300) {
    const replies = await actor.pipeline(requests.slice(from, from + 300));
    expect(replies.map((reply) => reply?.err)).toEqual(replies.map(() => 0));
  }
}

/** Snapshots, oldest first, whose digest is of a later transaction than the one they began at. */
function fuzzyOf(dataFolder: string): string[] {
  return filesOf(dataFolder, "snapshot").filter(
    (name) => snapshotDigest(join(dataFolder, "version-2", name)).zxid > zxidOfName(name),
  );
}
