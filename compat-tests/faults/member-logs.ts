/**
 * The log that the members' logs are parts of. In the end a log of ours has what was committed and nothing else. One of the reference's
 * may still have what was cut off, behind a tree that came whole; so may files that were kept or put aside. What only they have counts
 * where a client was told of it or of what came later in its epoch, or where others have what came later. What is left is the end of an
 * epoch, of which a new leader had as much as some file has, or nothing: all are possible, and the history has to hold with one.
 *
 * Committed or not, a zxid is one transaction's in all files. So is what comes before it in logs of ours: whoever has a transaction has
 * all of its leader's log before it, or a tree. The reference goes on writing behind what a tree has replaced.
 */

import { globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type CommittedTxn, fieldsOf, inOrder, joined } from "../../test/history/committed-txn.ts";
import type { Conversation } from "../../test/history/conversation.ts";
import { adler32, filesOf, zxidOfName } from "../disk/files.ts";
import type { Build } from "../reference/server.ts";

/** Nothing ends in more doubt than that. */
const readingsMax = 64;

/**
 * What may have been committed: one reading of the files in a round's folder, or several.
 * @throws Error when they are not parts of one log.
 */
export function committedLogs(
  folder: string,
  builds: readonly Build[],
  conversations: readonly Conversation[],
): (readonly CommittedTxn[])[] {
  const files = logFiles(folder, builds);
  const txns = new Map<bigint, CommittedTxn>();
  for (const one of files.flatMap((file) => file.txns)) {
    const known = txns.get(one.zxid);
    txns.set(one.zxid, known === undefined ? one : joined(known, one));
  }
  const final = files.filter(({ isFinal }) => isFinal).flatMap((file) => file.txns);
  const maxOfEpoch = new Map<bigint, bigint>();
  for (const { zxid } of [...final, ...conversations.flatMap(({ said }) => said)]) {
    if (zxid > (maxOfEpoch.get(zxid >> 32n) ?? 0n)) maxOfEpoch.set(zxid >> 32n, zxid);
  }
  const isCertain = ({ zxid }: CommittedTxn): boolean => zxid <= (maxOfEpoch.get(zxid >> 32n) ?? 0n);
  const [certain, doubtful] = [
    [...txns.values()].filter(isCertain),
    [...txns.values()].filter((one) => !isCertain(one)),
  ];
  const ends = [...Map.groupBy(doubtful, ({ zxid }) => zxid >> 32n)].map(([epoch, end]) => {
    const lasts = new Set(files.map((file) => file.txns.findLast(({ zxid }) => zxid >> 32n === epoch)?.zxid ?? 0n));
    return [...lasts].map((last) => end.filter(({ zxid }) => zxid <= last)).filter(({ length }) => length > 0);
  });
  return readings(certain, ends);
}

/**
 * Without the doubtful ends of epochs, and with as much of each as some file has.
 * @param ends the beginnings of each of them that may have been committed.
 * @throws Error when there is a gap in all of them.
 */
function readings(
  certain: readonly CommittedTxn[],
  ends: readonly (readonly (readonly CommittedTxn[])[])[],
): (readonly CommittedTxn[])[] {
  let choices: (readonly CommittedTxn[])[] = [[]];
  for (const parts of ends) {
    choices = choices.flatMap((choice) => [choice, ...parts.map((part) => [...choice, ...part])]).slice(0, readingsMax);
  }
  const found: (readonly CommittedTxn[])[] = [];
  let problem: unknown = null;
  for (const choice of choices) {
    try {
      found.push(inOrder([...certain, ...choice]));
    } catch (error) {
      problem ??= error;
    }
  }
  if (found.length === 0) throw problem;
  return found;
}

interface LogFile {
  readonly txns: readonly CommittedTxn[];
  /** Whether it is one of those that a member of ours has in the end. */
  readonly isFinal: boolean;
}

function logFiles(folder: string, builds: readonly Build[]): LogFile[] {
  const found: LogFile[] = [];
  const places = ["server-*/data", "server-*/data/kept", "archive/*"].map((place) => join(place, "version-2"));
  for (const name of globSync(places, { cwd: folder }).map(dirname)) {
    const sid = Number(/server-(\d+)/.exec(name)![1]);
    const isOurs = builds[sid - 1] === "ours";
    const isFinal = isOurs && name === join(`server-${sid}`, "data");
    const isDamaged = globSync(`archive/*-server-${sid}`, { cwd: folder }).length > 0;
    const files = filesOf(join(folder, name), "log").map((log) => txnsIn(join(folder, name, "version-2", log)));
    if (isFinal && !isDamaged) joinFiles(files, filesOf(join(folder, name), "snapshot").map(zxidOfName));
    if (!isOurs) for (const one of files.flat()) one.previous = null;
    found.push(...files.map((txns) => ({ txns, isFinal })));
  }
  return found;
}

/** A member's log goes on from one file to the next, unless there is a tree between them that came whole. */
function joinFiles(files: readonly (readonly CommittedTxn[])[], snapshots: readonly bigint[]): void {
  let last: bigint | null = null;
  for (const [first, ...others] of files) {
    if (first === undefined) continue;
    const before: bigint | null = last;
    const hasTree = before !== null && snapshots.some((zxid) => zxid > before && zxid < first.zxid);
    if (!hasTree) first.previous = before;
    last = (others.at(-1) ?? first).zxid;
  }
}

/** Those of a log file, up to its padding or to the first that is damaged. */
function txnsIn(file: string): CommittedTxn[] {
  const found: CommittedTxn[] = [];
  const bytes = readFileSync(file);
  for (let at = 16; at + 12 <= bytes.length;) {
    const length = bytes.readInt32BE(at + 8);
    if (length <= 0 || at + 12 + length >= bytes.length) break;
    const payload = bytes.subarray(at + 12, at + 12 + length);
    if (bytes.readBigInt64BE(at) !== BigInt(adler32(payload))) break;
    const fields = fieldsOf(payload);
    found.push({ ...fields, bytes: payload, seenMs: fields.timeMs, previous: found.at(-1)?.zxid ?? null });
    at += 13 + length;
  }
  return found;
}
