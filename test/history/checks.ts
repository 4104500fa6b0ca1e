/**
 * What must hold of a history, whatever happened while it was made. The checks know requests, answers and the log that all members
 * have shown to be theirs; they share no code with the server.
 *
 *   log        played to a model it gives every answer and every event (replay.ts)
 *   time       a write that was acknowledged before another was asked for comes before it
 *   clients    nothing that a client is told goes back behind what it was told before, over all its connections
 *   sync       what was acknowledged to anybody before a sync is seen behind it
 *   sessions   none is ended, or said to be over, while its client is heard of
 */

import type { CommittedTxn } from "./committed-txn.ts";
import type { Call, Conversation, Refusal } from "./conversation.ts";
import { replay, type Replay } from "./replay.ts";

interface Acknowledged extends Call {
  readonly answer: NonNullable<Call["answer"]>;
}

const createSession = -10;
const closeSession = -11;

export interface SessionRules {
  readonly sessionTimeoutMs: number;
  /** How much sooner than its timeout a session may be ended, by what its client was answered, then for the last time. */
  readonly slackMsAt: (aliveMs: number) => number;
}

export interface HistoryRules extends SessionRules {
  /** Whether sessions begin, and may end, without a transaction. */
  readonly areSessionsLocal: boolean;
  /** Whether somebody of whom no conversation is kept changes who the members are. */
  readonly areMembersChanged: boolean;
  /** Whether no leader can have been replaced then and not have known, and so have answered the sync. */
  readonly isSyncFresh: (askedMs: number) => boolean;
  /**
   * Servers of 3.9.5. They answer their own clients' syncs, while they lead, from what they have applied (ZOOKEEPER-1675); what else they
   * do differently says the replay.
   */
  readonly referenceServers: ReadonlySet<string>;
  /** The tree's digest is compared at each transaction whose number divides by this: the model adds it up anew each time. */
  readonly digestEvery: number;
}

/**
 * Checks all conversations against the log.
 * @returns the model at the log's end.
 * @throws Error that says what is wrong.
 */
export function checkHistory(
  log: readonly CommittedTxn[],
  conversations: readonly Conversation[],
  rules: HistoryRules,
): Replay {
  const answered = conversations.flatMap(({ calls }) => calls).filter(isAcknowledged);
  const writes = answered.filter(({ request, answer }) => answer.err === 0 && isWrite(request.op));
  checkTime(writes);
  checkClients(conversations);
  const held = conversations.filter(({ server }) => !rules.referenceServers.has(server)).flatMap(({ calls }) => calls);
  const syncs = held.filter(({ request, askedMs }) => request.op === "sync" && rules.isSyncFresh(askedMs));
  checkSyncs(syncs.filter(isAcknowledged), writes);
  checkSessions(log, conversations, rules);
  return replay(log, conversations, rules);
}

function isAcknowledged(call: Call): call is Acknowledged {
  return call.answer !== null && call.xid > 0;
}

function isWrite(op: string): boolean {
  return op === "create" || op === "setData" || op === "delete" || op === "multi" || op === "reconfig";
}

/** What was acknowledged before something else was asked for comes before it. */
function checkTime(writes: readonly Acknowledged[]): void {
  const byAnswer = writes.toSorted((a, b) => a.answer.atMs - b.answer.atMs);
  let maxZxid = -1n;
  let next = 0;
  for (const asked of writes.toSorted((a, b) => a.askedMs - b.askedMs)) {
    for (; next < byAnswer.length && byAnswer[next]!.answer.atMs < asked.askedMs; next++) {
      const { zxid } = byAnswer[next]!.answer;
      if (zxid > maxZxid) maxZxid = zxid;
    }
    if (asked.answer.zxid <= maxZxid) fail(`0x${maxZxid.toString(16)} was known before it was asked`, asked);
  }
}

/** What a client is told never goes back, whichever member tells it. */
function checkClients(conversations: readonly Conversation[]): void {
  const lastOf = new Map<number, bigint>();
  for (const { client, said } of conversations) {
    for (const { zxid, call } of said) {
      if (call === null) continue;
      const last = lastOf.get(client) ?? 0n;
      if (zxid < last) fail(`the client had seen 0x${last.toString(16)}`, call);
      lastOf.set(client, zxid);
    }
  }
}

/** A sync's answer knows all that anybody had been told before the sync was asked for. */
function checkSyncs(syncs: readonly Acknowledged[], writes: readonly Acknowledged[]): void {
  for (const sync of syncs) {
    if (sync.answer.err !== 0) continue;
    for (const write of writes) {
      if (write.answer.atMs < sync.askedMs && write.answer.zxid > sync.answer.zxid) {
        fail(`0x${write.answer.zxid.toString(16)} was acknowledged before it was asked`, sync);
      }
    }
  }
}

/** A session that its client did not close itself ends its timeout after it was last heard of, not before. */
function checkSessions(
  log: readonly CommittedTxn[],
  conversations: readonly Conversation[],
  rules: SessionRules,
): void {
  const lastAliveMs = new Map<bigint, number>();
  for (const { session, aliveMs } of conversations) {
    lastAliveMs.set(session, Math.max(lastAliveMs.get(session) ?? 0, aliveMs));
  }
  for (const { type, cxid, session, seenMs } of log) {
    if (type !== closeSession || cxid !== 0) continue;
    expectSilence({ session, aliveMs: lastAliveMs.get(session) ?? 0, untilMs: seenMs }, rules, "ended");
  }
}

interface Silence {
  readonly session: bigint;
  readonly aliveMs: number;
  readonly untilMs: number;
}

function expectSilence({ session, aliveMs, untilMs }: Silence, rules: SessionRules, what: string): void {
  const silentMs = untilMs - aliveMs;
  if (silentMs >= rules.sessionTimeoutMs - rules.slackMsAt(aliveMs)) return;
  throw new Error(`session 0x${session.toString(16)} was ${what} ${silentMs.toFixed(0)} ms after it was heard of`);
}

/** Those of sessions that were no longer local when their clients came back: all servers are to know them. */
export function ofTheEnsemble(refusals: readonly Refusal[], log: readonly CommittedTxn[]): Refusal[] {
  const sinceMs = new Map(log.filter(({ type }) => type === createSession).map((txn) => [txn.session, txn.seenMs]));
  return refusals.filter(({ session, askedMs }) => (sinceMs.get(session) ?? Number.POSITIVE_INFINITY) < askedMs);
}

/** As long as a session has to be kept, its client is not told that it is over. */
export function checkRefusals(refusals: readonly Refusal[], rules: SessionRules): void {
  for (const { session, aliveMs, toldMs } of refusals) {
    expectSilence({ session, aliveMs, untilMs: toldMs }, rules, "refused");
  }
}

function fail(what: string, { client, request, answer, askedMs }: Call): never {
  const reply = answer === null ? "no answer" : `${answer.line} at ${answer.atMs.toFixed(1)}`;
  const asked = JSON.stringify(request, (_, value: unknown) => (typeof value === "bigint" ? String(value) : value));
  throw new Error(`${what}: client ${client} asked ${asked} at ${askedMs.toFixed(1)}: ${reply}`);
}
