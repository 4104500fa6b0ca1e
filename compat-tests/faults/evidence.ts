/**
 * What a round leaves, as files in its folder, and the checkers read: the judge sees a round that has just ended and one that was kept
 * for a year the same way.
 *
 *   plan.json            what was to happen: members, workloads, nemesis, seed
 *   operations.jsonl     what the workloads' processes did (operations.ts)
 *   conversations.jsonl  all that clients asked and were told, a connection a line; at the end who was told that its session is over
 *   outcome.json         the trees in the end, before and after everybody's last start; what was wrong while it ran
 *   nemesis.log          what befell whom, when
 *   server-N/            zoo.cfg, the server's output, its data
 *   archive/             files of members that were then damaged
 */

import { existsSync, globSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type CommittedTxn, fieldsOf, inOrder } from "../../test/history/committed-txn.ts";
import type { Call, Conversation, Refusal } from "../../test/history/conversation.ts";
import { adler32 } from "../disk/files.ts";
import type { Build } from "../reference/server.ts";
import type { Operation } from "./operations.ts";

export interface RoundPlan {
  readonly builds: readonly Build[];
  readonly workloads: readonly string[];
  readonly nemesis: string;
  readonly seed: number;
  readonly troubleMs: number;
  /** Whether members have networks of their own, so that links can be touched. */
  readonly isCuttable: boolean;
}

export interface RoundOutcome {
  /** A text for each member's tree, before everybody was killed and after everybody has started again. */
  readonly trees: readonly string[];
  readonly treesAfterRestart: readonly string[];
  /** By member. */
  readonly digestMismatches: readonly number[];
  readonly problems: readonly string[];
}

export interface Evidence {
  readonly plan: RoundPlan;
  readonly operations: readonly Operation[];
  readonly conversations: readonly Conversation[];
  readonly refusals: readonly Refusal[];
  readonly outcome: RoundOutcome;
  /** What may have been committed: one reading of the members' logs, or several where they leave a doubt. */
  readonly logs: readonly (readonly CommittedTxn[])[];
}

/** A conversation as it is written: what was said names its call by number. */
interface WrittenConversation {
  readonly client: number;
  readonly session: bigint;
  readonly server: string;
  readonly aliveMs: number;
  readonly calls: readonly Omit<Call, "client" | "session">[];
  readonly said: readonly (readonly [zxid: bigint, what: number | string])[];
}

/** Nothing ends in more doubt than that. */
const readingsMax = 64;

export function writePlan(folder: string, plan: RoundPlan): void {
  writeFileSync(join(folder, "plan.json"), textOf(plan));
}

export function readPlan(folder: string): RoundPlan {
  return valueOf(readFileSync(join(folder, "plan.json"), "utf8")) as RoundPlan;
}

export function writeHistory(
  folder: string,
  history: Pick<Evidence, "operations" | "conversations" | "refusals" | "outcome">,
): void {
  writeLines(join(folder, "operations.jsonl"), history.operations);
  writeLines(join(folder, "conversations.jsonl"), [
    ...history.conversations.map(written),
    { refusals: history.refusals },
  ]);
  writeFileSync(join(folder, "outcome.json"), textOf(history.outcome));
}

/** @throws Error when the members' logs are not prefixes of one log. */
export function readEvidence(folder: string): Evidence {
  const plan = readPlan(folder);
  const lines = readLines(join(folder, "conversations.jsonl")) as (WrittenConversation & { refusals?: Refusal[] })[];
  const { refusals = [] } = lines.pop() ?? {};
  const conversations = lines.map(read);
  return {
    plan,
    conversations,
    refusals,
    operations: readLines(join(folder, "operations.jsonl")) as Operation[],
    outcome: valueOf(readFileSync(join(folder, "outcome.json"), "utf8")) as RoundOutcome,
    logs: committedLogs(folder, plan.builds, conversations),
  };
}

/**
 * The log that the members' logs are parts of. In the end a log of ours has what was committed and nothing else. One of the reference's
 * may still have what was cut off, behind a tree that came whole; so may files that were kept or put aside. What only they have counts
 * where a client was told of it or of what came later in its epoch, or where others have what came later. What is left is the end of an
 * epoch, of which a new leader had as much as some file has, or nothing: all are possible, and the history has to hold with one.
 */
function committedLogs(
  folder: string,
  builds: readonly Build[],
  conversations: readonly Conversation[],
): (readonly CommittedTxn[])[] {
  const txns = new Map<bigint, CommittedTxn>();
  const maxOfEpoch = new Map<bigint, bigint>();
  const note = (zxid: bigint): void => {
    const epoch = zxid >> 32n;
    if (zxid > (maxOfEpoch.get(epoch) ?? 0n)) maxOfEpoch.set(epoch, zxid);
  };
  const ofOurs = builds.flatMap((build, i) => (build === "ours" ? [join(folder, `server-${i + 1}`, "data")] : []));
  for (const one of ofOurs.flatMap(logFiles).flatMap(txnsIn)) {
    const known = txns.get(one.zxid);
    if (known === undefined) txns.set(one.zxid, one);
    else if (!isSame(known, one)) throw new Error(`two transactions are 0x${one.zxid.toString(16)}`);
    else known.previous ??= one.previous;
    note(one.zxid);
  }
  for (const { said } of conversations) for (const { zxid } of said) note(zxid);
  const others = globSync(["server-*/data", "server-*/data/kept", "archive/*"], { cwd: folder });
  const ends = new Map<bigint, DoubtfulEnd>();
  for (const file of others.flatMap((name) => logFiles(join(folder, name)))) {
    const lasts = new Map<bigint, bigint>();
    for (const one of txnsIn(file)) {
      if (txns.has(one.zxid)) continue;
      const epoch = one.zxid >> 32n;
      const txn = { ...one, previous: null };
      if (one.zxid <= (maxOfEpoch.get(epoch) ?? 0n)) {
        txns.set(one.zxid, txn);
        continue;
      }
      const end = ends.get(epoch) ?? { txns: new Map(), lasts: new Set() };
      ends.set(epoch, end);
      end.txns.set(one.zxid, txn);
      lasts.set(epoch, one.zxid);
    }
    for (const [epoch, last] of lasts) ends.get(epoch)!.lasts.add(last);
  }
  return readings(txns, [...ends.values()]);
}

/** What files have of an epoch beyond what is certain, and the last that each of them has. */
interface DoubtfulEnd {
  readonly txns: Map<bigint, CommittedTxn>;
  readonly lasts: Set<bigint>;
}

/** Without the doubtful ends of epochs, and with as much of each as some file has. @throws Error when there is a gap in all of them. */
function readings(
  certain: ReadonlyMap<bigint, CommittedTxn>,
  ends: readonly DoubtfulEnd[],
): (readonly CommittedTxn[])[] {
  let choices: (readonly CommittedTxn[])[] = [[]];
  for (const { txns, lasts } of ends) {
    const parts = [...lasts].map((last) => [...txns.values()].filter(({ zxid }) => zxid <= last));
    choices = choices.flatMap((choice) => [choice, ...parts.map((part) => [...choice, ...part])]).slice(0, readingsMax);
  }
  const found: (readonly CommittedTxn[])[] = [];
  let problem: unknown = null;
  for (const choice of choices) {
    try {
      found.push(inOrder([...certain.values(), ...choice]));
    } catch (error) {
      problem ??= error;
    }
  }
  if (found.length === 0) throw problem;
  return found;
}

function logFiles(dataFolder: string): string[] {
  return globSync(join(dataFolder, "version-2", "log.*"));
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

/** Behind a tree that is on its way transactions are sent without their digests: the shorter one is the longer one's beginning. */
function isSame(a: CommittedTxn, b: CommittedTxn): boolean {
  const length = Math.min(a.bytes.length, b.bytes.length);
  return a.bytes.subarray(0, length).equals(b.bytes.subarray(0, length));
}

function written({ client, session, server, aliveMs, calls, said }: Conversation): WrittenConversation {
  const numbers = new Map(calls.map((call, i) => [call, i]));
  return {
    client,
    session,
    server,
    aliveMs,
    calls: calls.map(({ xid, request, askedMs, answer }) => ({ xid, request, askedMs, answer })),
    said: said.map(({ zxid, line, call }) => [zxid, call === null ? line : numbers.get(call)!] as const),
  };
}

function read({ client, session, server, aliveMs, calls, said }: WrittenConversation): Conversation {
  const all: Call[] = calls.map((call) => ({ ...call, client, session }));
  return {
    client,
    session,
    server,
    aliveMs,
    calls: all,
    said: said.map(([zxid, what]) => {
      if (typeof what === "string") return { zxid, line: what, call: null };
      const call = all[what]!;
      return { zxid, line: call.answer!.line, call };
    }),
  };
}

function writeLines(path: string, values: readonly unknown[]): void {
  writeFileSync(path, values.map((value) => `${textOf(value)}\n`).join(""));
}

function readLines(path: string): unknown[] {
  if (!existsSync(path)) return [];
  return readFileSync(path, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map(valueOf);
}

/** JSON in which a bigint is a text that ends with n. */
function textOf(value: unknown): string {
  return JSON.stringify(value, (_, each: unknown) => (typeof each === "bigint" ? `${each}n` : each));
}

function valueOf(text: string): unknown {
  return JSON.parse(text, (_, each: unknown) => {
    return typeof each === "string" && /^-?\d+n$/.test(each) ? BigInt(each.slice(0, -1)) : each;
  });
}
