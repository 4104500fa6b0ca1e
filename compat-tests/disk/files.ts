/**
 * ZooKeeper's files read without the server's help: just enough to say what a data folder holds. Slow and plain, like
 * wire/reader.ts, and for the same reason.
 *
 *   log       "ZKLG" version dbid | (checksum long, length int, payload, 0x42)* | zeros
 *   snapshot  header | sessions | ACL table | znodes, then "/" | seal
 *             | digest section: zxid long, version int, digest long | seal | last zxid long | seal
 *
 * A seal is the Adler-32 of everything before it, as a long, and the text "/".
 */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { uncompress } from "snappyjs";
import { Reader } from "../wire/reader.ts";
import { hexOf } from "./tree-dump.ts";

export interface LogRecord {
  readonly file: string;
  readonly offset: number;
  readonly sessionId: bigint;
  readonly cxid: number;
  readonly zxid: bigint;
  readonly type: number;
  readonly payload: Buffer;
}

/** Names of one kind in a folder's `version-2`, by rising zxid. */
export function filesOf(folder: string, kind: "log" | "snapshot"): string[] {
  const names = readdirSync(join(folder, "version-2")).filter((name) => name.startsWith(`${kind}.`));
  return names.sort((a, b) => (zxidOfName(a) < zxidOfName(b) ? -1 : 1));
}

/** The zxid in a file's name. */
export function zxidOfName(name: string): bigint {
  return BigInt(`0x${name.split(".")[1] ?? "0"}`);
}

/** Every record of every log in a folder, in order, up to each file's padding. */
export function readLogs(folder: string): LogRecord[] {
  return filesOf(folder, "log").flatMap((file) => readLog(join(folder, "version-2", file)));
}

function readLog(path: string): LogRecord[] {
  const bytes = readFileSync(path);
  const records: LogRecord[] = [];
  let at = 16;
  while (at + 12 <= bytes.length) {
    const length = bytes.readInt32BE(at + 8);
    if (length <= 0 || at + 12 + length >= bytes.length) break;
    const payload = bytes.subarray(at + 12, at + 12 + length);
    records.push({
      file: path,
      offset: at,
      sessionId: payload.readBigInt64BE(0),
      cxid: payload.readInt32BE(8),
      zxid: payload.readBigInt64BE(12),
      type: payload.readInt32BE(28),
      payload,
    });
    at += 13 + length;
  }
  return records;
}

/** Digest of the tree after the last record that carries one, with that record's zxid; null when none does. */
export function lastDigest(folder: string): { zxid: bigint; digest: bigint } | null {
  for (const record of readLogs(folder).reverse()) {
    const end = record.payload.length;
    const isError = record.type === -1;
    if (!isError && end >= 44 && record.payload.readInt32BE(end - 12) === 2) {
      return { zxid: record.zxid, digest: record.payload.readBigUInt64BE(end - 8) };
    }
  }
  return null;
}

/** The digest section of a snapshot that has both trailing sections. */
export function snapshotDigest(path: string): { zxid: bigint; digest: bigint } {
  const bytes = unpacked(path);
  const at = bytes.length - 54;
  return { zxid: bytes.readBigInt64BE(at), digest: bytes.readBigUInt64BE(at + 12) };
}

/** The list that number -1 stands for, without an entry in the table. */
const openAclText = "31:world:anyone";

/** What a snapshot with both trailing sections holds, in an order of its own: servers write hash order. */
export interface SnapshotContent {
  /** `id timeout`, sorted. */
  readonly sessions: readonly string[];
  /** Each list of the ACL table that a znode has, but the open one, sorted. */
  readonly acls: readonly string[];
  /** Lists of the table that no znode has: changes in flight hold theirs while a server writes under load. */
  readonly unusedAclCount: number;
  /** Whether the table has the open list: ours never gives it a number, see COMPATIBILITY.md. */
  readonly isOpenAclListed: boolean;
  /** A line for each znode, its ACL spelt out, by path. */
  readonly znodes: readonly string[];
  /** The stored ephemeralOwner by path, of containers and TTL znodes too: clients see 0 there. */
  readonly owners: ReadonlyMap<string, string>;
  readonly digest: { readonly zxid: string; readonly version: number; readonly digest: string };
  readonly lastZxid: string;
}

/**
 * Reads a snapshot, plain or compressed.
 * @throws Error when it is not whole.
 */
export function readSnapshot(path: string): SnapshotContent {
  const bytes = unpacked(path);
  const reader = new Reader(bytes);
  const header = reader.raw(16).toString("hex");
  if (header !== "5a4b534e00000002ffffffffffffffff") throw new Error(`${path} begins with ${header}`);
  const sessions = reader.vector(() => `${hexOf(reader.long())} ${reader.int()}`) ?? [];
  const table = new Map(reader.vector(() => [reader.long(), aclText(reader)] as const) ?? []);
  const znodes: string[] = [];
  const owners = new Map<string, string>();
  const used = new Set<string>();
  for (let name = reader.ustring() ?? ""; name !== "/"; name = reader.ustring() ?? "") {
    const data = reader.buffer()?.toString("base64") ?? null;
    const aclId = reader.long();
    const acl = aclId === -1n ? openAclText : (table.get(aclId) ?? `unknown list ${aclId}`);
    used.add(acl);
    const stat = reader.raw(60);
    znodes.push(`${name} data=${data} acl=${acl} stat=${stat.toString("hex")}`);
    owners.set(name || "/", hexOf(stat.readBigInt64BE(44)));
  }
  checkSeal(bytes, reader, path);
  const digest = { zxid: hexOf(reader.long()), version: reader.int(), digest: hexOf(reader.long()) };
  checkSeal(bytes, reader, path);
  const lastZxid = hexOf(reader.long());
  checkSeal(bytes, reader, path);
  if (reader.left !== 0) throw new Error(`${path} has ${reader.left} bytes too many`);
  const lists = [...table.values()].sort();
  const listed = lists.filter((list) => list !== openAclText);
  const acls = listed.filter((list) => used.has(list));
  return {
    sessions: sessions.sort(),
    acls,
    unusedAclCount: listed.length - acls.length,
    isOpenAclListed: listed.length < lists.length,
    znodes: znodes.sort(),
    owners,
    digest,
    lastZxid,
  };
}

function aclText(reader: Reader): string {
  return (reader.acl() ?? []).map(({ perms, scheme, id }) => `${perms}:${scheme}:${id}`).join(",");
}

function checkSeal(bytes: Buffer, reader: Reader, path: string): void {
  const sum = adler32(bytes.subarray(0, bytes.length - reader.left));
  const found = reader.long();
  const mark = reader.ustring();
  if (found !== BigInt(sum) || mark !== "/") throw new Error(`${path} has a seal that does not fit`);
}

/** A snapshot's bytes as they are before compression, which its name tells. */
function unpacked(path: string): Buffer {
  const file = readFileSync(path);
  if (path.endsWith(".gz")) return gunzipSync(file);
  return path.endsWith(".snappy") ? unsnappied(file) : file;
}

/** xerial's framing: a magic of 8 bytes, two versions, then blocks with their lengths. */
function unsnappied(file: Buffer): Buffer {
  const blocks: Buffer[] = [];
  const reader = new Reader(file.subarray(16));
  while (reader.left > 0) blocks.push(uncompress(reader.buffer() ?? Buffer.alloc(0)));
  return Buffer.concat(blocks);
}

export function adler32(bytes: Buffer): number {
  let a = 1;
  let b = 0;
  for (const byte of bytes) {
    a = (a + byte) % 65_521;
    b = (b + a) % 65_521;
  }
  return b * 65_536 + a;
}
