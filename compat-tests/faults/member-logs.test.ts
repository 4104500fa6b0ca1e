/** What members' files tell of one log: what may differ, and what is never lawful. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Bytes } from "../../test/support/bytes.ts";
import { adler32 } from "../disk/files.ts";
import type { Build } from "../reference/server.ts";
import { committedLogs } from "./member-logs.ts";

const builds: readonly Build[] = ["ours", "reference", "ours"];

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "faults-logs-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A transaction as a log holds it: a setData of that znode. */
function txn(zxid: number, path = "/a", hasDigest = true): Buffer {
  const out = new Bytes().long(7n).int(1).long(BigInt(zxid)).long(1_000n).int(5);
  out.string(path).buffer(Buffer.from("x")).int(1);
  return (hasDigest ? out.int(2).long(77n) : out).build();
}

/** Writes a log file of so many transactions. */
function log(place: string, payloads: readonly Buffer[]): void {
  const out = new Bytes().raw(Buffer.from("ZKLG")).int(2).long(0n);
  for (const payload of payloads)
    out
      .long(BigInt(adler32(payload)))
      .buffer(payload)
      .raw(Buffer.from([0x42]));
  out.raw(Buffer.alloc(64));
  mkdirSync(join(folder, place, "version-2"), { recursive: true });
  const name = `log.${payloads[0]!.readBigInt64BE(12).toString(16)}`;
  writeFileSync(join(folder, place, "version-2", name), out.build());
}

function snapshot(place: string, zxid: number): void {
  writeFileSync(join(folder, place, "version-2", `snapshot.${zxid.toString(16)}`), "");
}

const first = 2 ** 32 + 1;
const [one, two, three, four, five] = [first, first + 1, first + 2, first + 3, first + 4];
/** The first of the next epoch. */
const next = 2 ** 33 + 1;

/** The zxids of each reading. */
function read(): number[][] {
  return committedLogs(folder, builds, []).map((txns) => txns.map(({ zxid }) => Number(zxid)));
}

test("members' files are parts of one log, and a tail that only a kept file has is in doubt", () => {
  log("server-1/data", [txn(one), txn(two)]);
  log("server-2/data", [txn(one), txn(two), txn(three)]);
  log("server-3/data", [txn(one, "/a", false), txn(two)]);
  expect(read()).toEqual([
    [one, two],
    [one, two, three],
  ]);
});

const copies = ["server-1/data/kept", "archive/1-server-1", "server-2/data", "server-3/data"];

test.each(copies)("two transactions of one zxid are found, one of them in %s", (place) => {
  log("server-1/data", [txn(one), txn(two)]);
  log(place, [txn(one), txn(two, "/b")]);
  expect(read).toThrow("two transactions are 0x100000002");
});

test("two transactions of one zxid are found that nobody has committed", () => {
  log("server-1/data", [txn(one)]);
  log("server-1/data/kept", [txn(one), txn(two)]);
  log("server-2/data", [txn(one), txn(two, "/b")]);
  expect(read).toThrow("two transactions are 0x100000002");
});

test("a transaction that ends early is another one, unless it lacks its digest and nothing else", () => {
  log("server-1/data", [txn(one)]);
  log("server-3/data", [txn(one, "/a", false).subarray(0, -1)]);
  expect(read).toThrow("two transactions are 0x100000001");
});

test("a hole in a log is found that is in no other", () => {
  log("server-1/data", [txn(one), txn(two), txn(three)]);
  log("server-3/data", [txn(one), txn(three)]);
  expect(read).toThrow(/0x100000003 came behind 0x10000000[12] at a member/);
});

test("a hole is found in a log that was kept", () => {
  log("server-1/data", [txn(one), txn(two), txn(next)]);
  log("server-3/data/kept", [txn(one), txn(next)]);
  expect(read).toThrow(/0x200000001 came behind 0x10000000[12] at a member/);
});

test("a hole is found between two files of a member", () => {
  log("server-1/data", [txn(one), txn(two), txn(three), txn(four), txn(five)]);
  log("server-3/data", [txn(one), txn(two)]);
  log("server-3/data", [txn(four), txn(five)]);
  expect(read).toThrow(/0x100000004 came behind 0x10000000[23] at a member/);
});

test("what a member lacks between two files is a tree that came whole", () => {
  log("server-1/data", [txn(one), txn(two), txn(three), txn(four), txn(five)]);
  log("server-3/data", [txn(one), txn(two)]);
  log("server-3/data", [txn(four), txn(five)]);
  snapshot("server-3/data", three);
  expect(read()).toEqual([[one, two, three, four, five]]);
});

test("what a member lacks between two files may have been damaged", () => {
  log("server-1/data", [txn(one), txn(two), txn(three), txn(four)]);
  log("server-3/data", [txn(one)]);
  log("server-3/data", [txn(four)]);
  log("archive/1-server-3", [txn(one), txn(two), txn(three)]);
  expect(read()).toEqual([[one, two, three, four]]);
});

test("the reference goes on behind a tail that a tree has replaced", () => {
  log("server-1/data", [txn(one), txn(next)]);
  log("server-2/data", [txn(one), txn(two), txn(next)]);
  log("server-3/data", [txn(one), txn(next)]);
  expect(read()).toEqual([[one, next]]);
});
