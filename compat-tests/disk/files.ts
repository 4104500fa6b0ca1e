/**
 * ZooKeeper's files read without the server's help: just enough to say what a data folder holds. Slow and plain, like
 * wire/reader.ts, and for the same reason.
 *
 *   log       "ZKLG" version dbid | (checksum long, length int, payload, 0x42)* | zeros
 *   snapshot  ... seal | digest section: zxid long, version int, digest long | seal | last zxid long | seal
 */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";

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

/** The digest section of a snapshot that has both trailing sections: plain or gzipped. */
export function snapshotDigest(path: string): { zxid: bigint; digest: bigint } {
  const file = readFileSync(path);
  const bytes = path.endsWith(".gz") ? gunzipSync(file) : file;
  const at = bytes.length - 54;
  return { zxid: bytes.readBigInt64BE(at), digest: bytes.readBigUInt64BE(at + 12) };
}
