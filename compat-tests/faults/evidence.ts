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

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { CommittedTxn } from "../../test/history/committed-txn.ts";
import type { Call, Conversation, Refusal } from "../../test/history/conversation.ts";
import type { Build } from "../reference/server.ts";
import { committedLogs } from "./member-logs.ts";
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
  readonly strikes: readonly StrikeTime[];
}

/** When a strike began, and when all members served again under one leader. */
export interface StrikeTime {
  readonly fromMs: number;
  readonly untilMs: number;
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
interface WrittenConversation extends Omit<Conversation, "calls" | "said"> {
  readonly calls: readonly Omit<Call, "client" | "session">[];
  readonly said: readonly (readonly [zxid: bigint, what: number | string])[];
}

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

function written({ calls, said, ...others }: Conversation): WrittenConversation {
  const numbers = new Map(calls.map((call, i) => [call, i]));
  return {
    ...others,
    calls: calls.map(({ xid, request, askedMs, answer }) => ({ xid, request, askedMs, answer })),
    said: said.map(({ zxid, line, call }) => [zxid, call === null ? line : numbers.get(call)!] as const),
  };
}

function read({ calls, said, ...others }: WrittenConversation): Conversation {
  const { client, session } = others;
  const all: Call[] = calls.map((call) => ({ ...call, client, session }));
  return {
    ...others,
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
