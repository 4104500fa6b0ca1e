/** The checkers of histories find what they are there for: each history here breaks one promise, by one fact, beside one that is kept. */

import { describe, expect, test } from "vitest";
import { Bytes } from "../support/bytes.ts";
import { line, type Request } from "../support/requests.ts";
import { openAcl } from "../support/wire-frames.ts";
import { checkHistory, checkRefusals, type HistoryRules } from "./checks.ts";
import { type CommittedTxn, fieldsOf } from "./committed-txn.ts";
import type { Conversation } from "./conversation.ts";

const rules: HistoryRules = {
  sessionTimeoutMs: 8_000,
  slackMsAt: () => 2_000,
  isSyncFresh: () => true,
  areSessionsLocal: false,
  areMembersChanged: false,
  referenceServers: new Set(),
  digestEvery: 1_000,
};

const session = 5n;
const epoch = 1n << 32n;
const expired = -112;
const moved = -118;
const types = { create: 1, multi: 14, createSession: -10, closeSession: -11, error: -1 } as const;

const createA: Request = { op: "create", type: 1, path: "/a", data: "", acl: openAcl, flags: 0, ttlMs: 0n };
const both: Request = { op: "multi", parts: [{ op: "check", path: "/", version: -1 }, createA] };

interface Step {
  readonly type: keyof typeof types;
  readonly cxid?: number;
  readonly body?: Buffer;
  readonly zxid?: bigint;
  readonly atMs?: number;
}

/** What was committed, a zxid and a second after the other. */
function logOf(steps: readonly Step[]): CommittedTxn[] {
  return steps.map(({ type, cxid = 0, body = Buffer.alloc(0), zxid, atMs }, i) => {
    const header = new Bytes()
      .long(session)
      .int(cxid)
      .long(zxid ?? epoch + BigInt(i + 1));
    const bytes = header
      .long(BigInt(atMs ?? 1_000 * (i + 1)))
      .int(types[type])
      .raw(body)
      .build();
    const fields = fieldsOf(bytes);
    return { ...fields, bytes, seenMs: fields.timeMs, previous: null };
  });
}

function errorOf(code: number): Buffer {
  return new Bytes().int(code).build();
}

/** A multi whose first part was refused, and with it the second: type, and the code in four bytes, of each. */
function partsOf(code: number): Buffer {
  return new Bytes().int(2).int(-1).int(4).int(code).int(-1).int(4).int(-2).build();
}

interface Talk {
  readonly server?: string;
  readonly knockedMs?: number;
  readonly isGranted?: boolean;
  readonly aliveMs?: number;
  /** Request 1 and what it was answered, in order; its answer is null where none came. */
  readonly calls?: readonly { request: Request; zxid: bigint; err: number; told: string | null; askedMs?: number }[];
}

function conversationOf({
  server = "1",
  knockedMs = 0,
  isGranted = true,
  aliveMs = 0,
  calls = [],
}: Talk): Conversation {
  const found: Conversation = { client: 0, session, server, knockedMs, isGranted, aliveMs, calls: [], said: [] };
  for (const [i, { request, zxid, err, told, askedMs = 1_500 }] of calls.entries()) {
    const answer = told === null ? null : { atMs: askedMs + 100, zxid, err, line: told };
    const call = { client: 0, session, xid: i + 1, request, askedMs, answer };
    found.calls.push(call);
    if (answer !== null) found.said.push({ zxid, line: answer.line, call });
  }
  return found;
}

function judged(steps: readonly Step[], talks: readonly Talk[], others: Partial<HistoryRules> = {}): () => void {
  return () => void checkHistory(logOf(steps), talks.map(conversationOf), { ...rules, ...others });
}

/** A request that was answered with an error under the second zxid of the log. */
function refused(request: Request, err: number, told = line.reply(1, epoch + 2n, err)): Talk {
  return { calls: [{ request, zxid: epoch + 2n, err, told }] };
}

/** A request that nobody answered. */
function unanswered(request: Request): Talk {
  return { calls: [{ request, zxid: 0n, err: 0, told: null }] };
}

const opened: Step = { type: "createSession" };

describe("a refusal", () => {
  const missing: Request = { op: "delete", path: "/a", version: -1 };

  test("has its place in the log", () => {
    expect(judged([opened, { type: "error", cxid: 1, body: errorOf(-101) }], [refused(missing, -101)])).not.toThrow();
    expect(judged([opened], [refused(missing, -101)])).toThrow("refused by no transaction: 1 zxid=4294967298 err=-101");
  });

  test("is judged by the tree as of then", () => {
    const steps = [opened, { type: "error", cxid: 1, body: errorOf(-110) }] as const;
    expect(judged(steps, [refused(createA, -110)])).toThrow("it was refused with -110, and should not have been");
  });
});

describe("a session that is refused as over", () => {
  const refusal: Step = { type: "error", cxid: 1, body: errorOf(expired) };
  const talk = refused(createA, expired);

  test("may be about to end", () => {
    expect(judged([opened, refusal, { type: "closeSession", atMs: 9_000 }], [talk])).not.toThrow();
  });

  test("has been one", () => {
    expect(judged([{ ...refusal, zxid: epoch + 2n }], [talk])).toThrow("that was refused as over");
  });

  test("does not live on", () => {
    expect(judged([opened, refusal], [talk])).toThrow("the session lived on that was refused as over");
  });

  test("does not end in another epoch, for another reason", () => {
    const later: Step = { type: "closeSession", zxid: 2n * epoch + 1n, atMs: 9_000 };
    expect(judged([opened, refusal, later], [talk])).toThrow("the session lived on that was refused as over");
  });
});

describe("a session that is refused as moved", () => {
  const steps: readonly Step[] = [opened, { type: "error", cxid: 1, body: errorOf(moved) }];

  test("is elsewhere", () => {
    expect(judged(steps, [unanswered(createA), { server: "2", knockedMs: 1_600 }])).not.toThrow();
    expect(judged(steps, [unanswered(createA)])).toThrow("its session was nowhere else");
  });

  test("has not been asked for elsewhere only later", () => {
    const talks = [unanswered(createA), { server: "2", knockedMs: 2_001 }];
    expect(judged(steps, talks)).toThrow("its session was nowhere else");
  });

  test("is not where it was before, unless that was asked for in vain and came late", () => {
    const here = { ...unanswered(createA), knockedMs: 1_000 };
    expect(judged(steps, [{ server: "2" }, here])).toThrow("its session was nowhere else");
    expect(judged(steps, [{ server: "2", isGranted: false }, here])).not.toThrow();
  });
});

describe("a multi of a session that has moved", () => {
  const elsewhere: Talk = { server: "2", knockedMs: 1_600 };
  const byParts = line.reply(1, epoch + 2n, 0, "(-1 -118 -118)(-1 -2 -2)(-1 -1)");
  const whole = line.reply(1, epoch + 2n, moved);
  const steps: readonly Step[] = [opened, { type: "multi", cxid: 1, body: partsOf(moved) }];
  const referenceServers = new Set(["3"]);

  function answered(server: string, err: number, told: string): Talk[] {
    return [{ ...refused(both, err, told), server }, elsewhere];
  }

  test("is refused part by part", () => {
    expect(judged(steps, answered("3", 0, byParts), { referenceServers })).not.toThrow();
    expect(judged(steps, answered("1", 0, byParts))).not.toThrow();
  });

  test("is answered as a whole by 3.9.5 alone", () => {
    expect(judged(steps, answered("3", moved, whole), { referenceServers })).not.toThrow();
    expect(judged(steps, answered("1", moved, whole), { referenceServers })).toThrow(/it was answered 1 .* err=-118/);
  });
});

/** From the fourth second on servers may have been cut off. */
function slackMsAt(aliveMs: number): number {
  return aliveMs < 4_000 ? 2_000 : 4_000;
}

describe("the end of a session", () => {
  const end: Step = { type: "closeSession", cxid: 1, atMs: 9_000 };

  test("was asked for, if it has a request's number", () => {
    const told = line.reply(1, epoch + 2n, 0);
    const closing: Talk = { calls: [{ request: { op: "closeSession" }, zxid: epoch + 2n, err: 0, told }] };
    expect(judged([opened, end], [closing])).not.toThrow();
    expect(judged([opened, end], [unanswered(createA)])).toThrow("nobody asked for the session's end");
    expect(judged([opened, end], [{}])).toThrow("nobody asked for the session's end");
  });

  test("comes its timeout after it was heard of, with more patience where its server may have been cut off", () => {
    const steps: readonly Step[] = [opened, { type: "closeSession", atMs: 9_000 }];
    expect(judged(steps, [{ aliveMs: 3_000 }], { slackMsAt })).not.toThrow();
    expect(judged(steps, [{ aliveMs: 3_500 }], { slackMsAt })).toThrow("was ended 5500 ms after it was heard of");
    expect(judged(steps, [{ aliveMs: 4_500 }], { slackMsAt })).not.toThrow();
    const refusal = { session, askedMs: 8_900, toldMs: 9_000 };
    expect(() => checkRefusals([{ ...refusal, aliveMs: 3_000 }], { ...rules, slackMsAt })).not.toThrow();
    expect(() => checkRefusals([{ ...refusal, aliveMs: 3_500 }], { ...rules, slackMsAt })).toThrow(
      "was refused 5500 ms",
    );
  });
});

test("a sync is fresh, unless it was asked of a leader that may have been replaced", () => {
  const steps: readonly Step[] = [opened, { type: "create", cxid: 1 }];
  const written: Talk = {
    calls: [{ request: createA, zxid: epoch + 2n, err: 0, told: line.reply(1, epoch + 2n, 0, "/a") }],
  };
  const sync = { client: 1, session: 6n, xid: 1, request: { op: "sync", path: "/" } as const, askedMs: 3_000 };
  const answer = { atMs: 3_100, zxid: epoch + 1n, err: 0, line: line.reply(1, epoch + 1n, 0, "/") };
  const said = [{ zxid: answer.zxid, line: answer.line, call: { ...sync, answer } }];
  const stale = { ...conversationOf({}), client: 1, session: 6n, calls: [{ ...sync, answer }], said };
  const check = (others: Partial<HistoryRules>) => (): void =>
    void checkHistory(logOf(steps), [conversationOf(written), stale], { ...rules, ...others });
  expect(check({})).toThrow("0x100000002 was acknowledged before it was asked");
  expect(check({ isSyncFresh: (askedMs) => askedMs < 3_000 })).not.toThrow();
  expect(check({ referenceServers: new Set(["1"]) })).not.toThrow();
});
