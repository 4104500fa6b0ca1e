/**
 * Plays what was committed to a model of the tree, in the order of zxids, and holds every answer and every event of every
 * connection against it.
 *
 *   txn    what its request, which a client asked for, comes to in the model: the answer, the digest, the sessions
 *   reply  what the model answers at the reply's zxid
 *   event  exactly those that the connection's watches are owed, each before any reply of its zxid or a later one
 *
 * The model shares nothing with the server (support/tree-model.ts).
 */

import type { Identity } from "../support/acl-model.ts";
import { multiLine, outcomeLine } from "../support/outcome-lines.ts";
import { answerTo } from "../support/read-model.ts";
import { line, type ReadRequest, type Request, type WriteRequest } from "../support/requests.ts";
import { type Caller, Refusal, TreeModel } from "../support/tree-model.ts";
import { WatchModel } from "../support/watch-model.ts";
import { type CommittedTxn, configIn, digestIn, errorIn } from "./committed-txn.ts";
import type { Call, Conversation, Said } from "./conversation.ts";

const nobody: readonly Identity[] = [];

const reconfig = 16;
const createSession = -10;
const closeSession = -11;
const errorTxn = -1;
/** A leader's word on who may ask, of which the tree knows nothing, and sessions do. */
const sessionExpired = -112;
const sessionMoved = -118;

/** BadArguments: what a follower has its leader answer to a request whose client has gone on elsewhere. */
const badArguments = -8;

/** A connection while the log is played. */
interface Listener {
  readonly conversation: Conversation;
  readonly watches: WatchModel<null>;
  /** What comes next in what was said to it. */
  at: number;
}

/** A request, and the connection on which it was asked. */
interface Asked {
  readonly call: Call;
  readonly conversation: Conversation;
}

export interface ReplayRules {
  /** Whether a session may be one of which there is no transaction. */
  readonly areSessionsLocal: boolean;
  /** Whether somebody of whom no conversation is kept changes who the members are. */
  readonly areMembersChanged: boolean;
  /** Servers of 3.9.5, some of whose ways are held against nobody. */
  readonly referenceServers: ReadonlySet<string>;
  /** The digest is compared at each transaction whose number divides by this. */
  readonly digestEvery: number;
}

/** Plays the log. @returns the model's tree at its end. @throws Error that says what does not fit. */
export function replay(
  log: readonly CommittedTxn[],
  conversations: readonly Conversation[],
  rules: ReplayRules,
): Replay {
  const play = new Replay(conversations, rules);
  for (const txn of log) play.take(txn);
  play.end();
  return play;
}

export class Replay {
  readonly tree: TreeModel = new TreeModel(false);
  readonly sessions: Set<bigint> = new Set();
  readonly #ended = new Set<bigint>();
  /** Not over when they were refused as over: they are to end in that epoch. */
  readonly #expiring = new Map<bigint, CommittedTxn>();
  readonly #calls = new Map<string, Asked>();
  readonly #ofSession: ReadonlyMap<bigint, readonly Conversation[]>;
  readonly #listeners: Listener[];
  readonly #carriedOut = new Set<Call>();
  /** Last cxid of each session: a client's requests are carried out in its order. */
  readonly #lastCxid = new Map<bigint, number>();

  readonly #rules: ReplayRules;
  #count = 0;

  constructor(conversations: readonly Conversation[], rules: ReplayRules) {
    this.#rules = rules;
    this.#listeners = conversations.map((conversation) => ({ conversation, watches: new WatchModel<null>(), at: 0 }));
    this.#ofSession = Map.groupBy(conversations, ({ session }) => session);
    for (const conversation of conversations) {
      for (const call of conversation.calls) {
        if (call.xid > 0) this.#calls.set(keyOf(call.session, call.xid), { call, conversation });
      }
    }
  }

  take(txn: CommittedTxn): void {
    for (const listener of this.#listeners) this.#hear(listener, txn.zxid);
    const expected = this.#carryOut(txn);
    const digest = ++this.#count % this.#rules.digestEvery === 0 ? digestIn(txn) : null;
    if (digest !== null && digest !== this.tree.digest()) fail(txn, "its digest is not the model's");
    for (const change of this.tree.changes.splice(0)) {
      for (const listener of this.#listeners) this.#tell(listener, listener.watches.changed(change), txn.zxid);
    }
    const { call } = this.#calls.get(keyOf(txn.session, txn.cxid)) ?? {};
    if (call === undefined) return;
    this.#carriedOut.add(call);
    if (expected === null || call.answer === null) return;
    if (call.answer.line !== expected) fail(txn, `it was answered ${call.answer.line}, and is ${expected}`);
  }

  /** The log has ended: nothing may be left that only more of it would explain. */
  end(): void {
    for (const [, refused] of this.#expiring) fail(refused, "the session lived on that was refused as over");
    for (const { call } of this.#calls.values()) {
      if (!isWrite(call.request) || call.answer === null || this.#carriedOut.has(call)) continue;
      if (call.request.op === "closeSession" && this.#isLocal(call.session)) continue;
      // A refusal is a transaction like any other: it has its place among the changes that it was judged by.
      const what = call.answer.err === 0 ? "acknowledged and lost" : "refused by no transaction";
      throw new Error(`${what}: ${call.answer.line}, asked for by client ${call.client}`);
    }
    for (const listener of this.#listeners) {
      this.#hear(listener, BigInt(Number.MAX_SAFE_INTEGER) << 10n);
      // Events that a setWatches had found missed say nothing without its reply, which was cut off.
      const left = listener.conversation.said[listener.at + this.#missedAt(listener)];
      if (left !== undefined) {
        throw new Error(`client ${listener.conversation.client} was told what never happened: ${left.line}`);
      }
    }
  }

  /** @returns the answer to whoever asked for it, or null when nobody did. */
  #carryOut(txn: CommittedTxn): string | null {
    const { session, cxid, zxid, type } = txn;
    if (type === createSession) {
      if (this.sessions.has(session) || this.#ended.has(session)) fail(txn, "the session was there before");
      this.sessions.add(session);
      return null;
    }
    const asked = this.#calls.get(keyOf(session, cxid));
    if (type === closeSession) {
      const isAskedFor = cxid === 0 || asked?.call.request.op === "closeSession" || !this.#ofSession.has(session);
      if (!isAskedFor) fail(txn, "nobody asked for the session's end");
      this.#end(txn);
      return cxid === 0 ? null : line.reply(cxid, zxid, 0);
    }
    if (asked === undefined && this.#isOperators(txn)) return null;
    if (asked === undefined) fail(txn, "nobody asked for it");
    const said = errorIn(txn);
    if (said === sessionExpired || said === sessionMoved) return this.#refuse(txn, asked, said);
    const { call } = asked;
    if (said === badArguments) {
      if (hasGoneOn(call)) return null;
      // It may be back where it was, and what it has asked for elsewhere in vain come late: an observer cannot tell.
      if (call.answer?.err === badArguments && this.#hasMoved(asked, txn)) return line.reply(cxid, zxid, said);
    }
    const err = type === errorTxn ? said : 0;
    const last = this.#lastCxid.get(session) ?? 0;
    if (cxid <= last) fail(txn, `request ${last} of its session was carried out before it`);
    this.#lastCxid.set(session, cxid);
    if (!this.sessions.has(session) && !this.#isLocal(session)) fail(txn, "its session was over");
    const outcome = this.#outcome(call.request, { txn, err });
    return line.reply(cxid, zxid, outcome.err, outcome.body);
  }

  #end(txn: CommittedTxn): void {
    const { session, zxid } = txn;
    if (!this.sessions.delete(session)) fail(txn, "there is no such session");
    const refused = this.#expiring.get(session);
    if (refused !== undefined && refused.zxid >> 32n === zxid >> 32n) this.#expiring.delete(session);
    this.#ended.add(session);
    this.tree.endSession(session, zxid);
  }

  /** What is refused for its session's sake, whatever it asks for. @returns the answer. */
  #refuse(txn: CommittedTxn, asked: Asked, err: number): string {
    const { session, cxid, zxid, type } = txn;
    const { call, conversation } = asked;
    if (err === sessionMoved && !this.#hasMoved(asked, txn)) fail(txn, "its session was nowhere else");
    // A leader refuses a session that expires before the end of it is proposed.
    const isOver = this.#ended.has(session) || this.#isLocal(session);
    if (err === sessionExpired && !isOver && !this.#expiring.has(session)) this.#expiring.set(session, txn);
    if (type === errorTxn || call.request.op !== "multi") return line.reply(cxid, zxid, err);
    // A leader refuses the parts of a multi, and all members answer them one by one; 3.9.5's leader alone, as a whole.
    const isReference = this.#rules.referenceServers.has(conversation.server);
    if (isReference && call.answer?.err === err) return line.reply(cxid, zxid, err);
    return line.reply(cxid, zxid, 0, multiLine(call.request.parts, { failedAt: 0, code: err }));
  }

  /**
   * Whether its client has asked for the session on another connection meanwhile. One on which that was in vain may have been before:
   * what it asked for may come late.
   */
  #hasMoved({ conversation }: Asked, { session, seenMs }: CommittedTxn): boolean {
    return this.#ofSession.get(session)!.some((other) => {
      if (other === conversation || Math.floor(other.knockedMs) > seenMs) return false;
      return other.knockedMs > conversation.knockedMs || !other.isGranted;
    });
  }

  /** A change of the members, made or refused: nothing of the tree that clients see. */
  #isOperators({ session, type }: CommittedTxn): boolean {
    if (!this.#rules.areMembersChanged || (type !== reconfig && type !== errorTxn)) return false;
    return !this.#ofSession.has(session);
  }

  /** Whether it has not been the ensemble's so far. */
  #isLocal(session: bigint): boolean {
    return this.#rules.areSessionsLocal && !this.sessions.has(session) && !this.#ended.has(session);
  }

  #outcome(request: Request, { txn, err }: { txn: CommittedTxn; err: number }): { err: number; body?: string } {
    const { session: sessionId, zxid, timeMs } = txn;
    // What may be changed when is the ensemble's affair (core-ensemble.test.ts); what was is in the transaction.
    if (request.op === "reconfig") return err === 0 ? { err, body: line.data(configIn(txn)) } : { err };
    const caller: Caller = { sessionId, identities: nobody, zxid, timeMs, quotas: null };
    if (request.op === "multi") {
      return { err: 0, body: multiLine(request.parts, this.tree.multi(request.parts, caller)) };
    }
    if (!isPlainWrite(request)) fail(txn, "it is no write");
    try {
      const body = outcomeLine(request, this.tree.write(request, caller, false));
      if (err !== 0) fail(txn, `it was refused with ${err}, and should not have been`);
      return { err: 0, body };
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      if (err !== error.code) fail(txn, `it should have been refused with ${error.code}`);
      return { err };
    }
  }

  /** The events that a change owes to a connection come next, unless it was cut off before. */
  #tell(listener: Listener, events: readonly { readonly type: number; readonly path: string }[], zxid: bigint): void {
    for (const { type, path } of events) {
      if (isCutOff(listener)) return;
      const expected = line.event(type, path, zxid);
      const next = listener.conversation.said[listener.at++]!;
      if (next.line !== expected) {
        throw new Error(`client ${listener.conversation.client} was owed ${expected}, and told ${next.line}`);
      }
    }
  }

  /** Holds what was said, up to that zxid, against the tree as it is now. */
  #hear(listener: Listener, untilZxid: bigint): void {
    const { said, client } = listener.conversation;
    for (;;) {
      const missed = this.#missedAt(listener);
      const next = said[listener.at + missed];
      if (next === undefined || next.zxid >= untilZxid) return;
      if (next.call === null) throw new Error(`client ${client} was told of nothing: ${next.line}`);
      this.#judge(listener, next, missed);
      listener.at += missed + 1;
    }
  }

  /** How many events come next that a setWatches has found missed; they have no zxid, and come before its reply. */
  #missedAt({ conversation, at }: Listener): number {
    let count = 0;
    while (conversation.said[at + count]?.zxid === -1n) count++;
    return count;
  }

  #judge({ conversation, watches, at }: Listener, { call, zxid, line: told }: Said, missed: number): void {
    const { request, xid } = call!;
    // Writes are judged by their transactions.
    if (isWrite(request)) return;
    const owed: string[] = [];
    const reader = { tree: this.tree, watches, watcher: null, identities: nobody, sessionId: call!.session };
    const answer = answerTo(request as ReadRequest, { ...reader, tell: (event) => void owed.push(event) });
    const expected = typeof answer === "number" ? line.reply(xid, zxid, answer) : line.reply(xid, zxid, 0, answer);
    if (told !== expected) throw new Error(`client ${conversation.client} was answered ${told}, and it is ${expected}`);
    const missedEvents = conversation.said.slice(at, at + missed).map((event) => event.line);
    if (JSON.stringify(missedEvents) !== JSON.stringify(owed)) {
      throw new Error(
        `client ${conversation.client} had missed ${owed.join(", ")}, and was told ${missedEvents.join()}`,
      );
    }
  }
}

/** Whether the client may have left the server that it asked, which then answers nobody, or that the session has moved. */
function hasGoneOn({ answer }: Call): boolean {
  return answer === null || answer.err === sessionMoved;
}

const plainOps: ReadonlySet<string> = new Set(["create", "delete", "setData", "setACL"]);
const changingOps: ReadonlySet<string> = new Set([...plainOps, "multi", "closeSession", "reconfig"]);

function isPlainWrite(request: Request): request is WriteRequest {
  return plainOps.has(request.op);
}

function isCutOff({ conversation, at }: Listener): boolean {
  return at >= conversation.said.length;
}

function isWrite({ op }: Request): boolean {
  return changingOps.has(op);
}

function keyOf(session: bigint, xid: number): string {
  return `${session} ${xid}`;
}

function fail({ zxid, session, cxid, type }: CommittedTxn, what: string): never {
  const id = BigInt.asUintN(64, session).toString(16);
  throw new Error(`${what}: transaction 0x${zxid.toString(16)} of type ${type}, request ${cxid} of session 0x${id}`);
}
