/**
 * What must hold of a history, whatever happened while it was made. The checks know requests and answers, and the trees that the
 * members end with; they share no code with the server.
 *
 *   writes   one order for all, their zxids: it agrees with time, with versions, and with what is there in the end
 *   reads    show some state that was, never go back within a client, and know the client's own writes
 *   state    every member ends with the same tree
 */

import type { Call } from "./sim-client.ts";

/** A znode at the end, as a member has it. */
export interface FinalZnode {
  readonly data: string;
  readonly version: number;
  readonly czxid: bigint;
  readonly mzxid: bigint;
}

interface Acknowledged extends Call {
  readonly answer: NonNullable<Call["answer"]>;
}

/** Checks the calls of all clients against what is there in the end. @throws Error that says what is wrong. */
export function checkHistory(calls: readonly Call[], end: ReadonlyMap<string, FinalZnode>): void {
  const answered = calls.filter((call): call is Acknowledged => call.answer !== null);
  const writes = answered.filter(({ request, answer }) => answer.err === 0 && isWrite(request.op));
  checkTime(writes);
  checkCreates(writes, end);
  checkVersions(writes, end);
  checkReads(answered, writes);
  checkClients(answered);
}

function isWrite(op: string): boolean {
  return op === "create" || op === "setData" || op === "delete" || op === "multi";
}

/** What was acknowledged before something else was asked for comes before it. */
function checkTime(writes: readonly Acknowledged[]): void {
  const zxids = new Set<bigint>();
  for (const call of writes) {
    if (zxids.has(call.answer.zxid)) fail("two writes have one zxid", call);
    zxids.add(call.answer.zxid);
  }
  const sorted = [...writes].sort((a, b) => a.answer.atMs - b.answer.atMs);
  let maxZxid = -1n;
  const pending = [...writes].sort((a, b) => a.askedMs - b.askedMs);
  let next = 0;
  for (const asked of pending) {
    while (next < sorted.length && sorted[next]!.answer.atMs < asked.askedMs) {
      const { zxid } = sorted[next++]!.answer;
      if (zxid > maxZxid) maxZxid = zxid;
    }
    if (asked.answer.zxid <= maxZxid)
      fail(`it comes before zxid ${maxZxid.toString(16)}, which was known before it was asked`, asked);
  }
}

/** What was created under a name of its own is there. */
function checkCreates(writes: readonly Acknowledged[], end: ReadonlyMap<string, FinalZnode>): void {
  const names = new Set<string>();
  for (const call of writes) {
    if (call.request.op !== "create" || (call.request.flags & 1) !== 0) continue;
    const path = pathIn(call.answer.line);
    if (names.has(path)) fail("its name was given before", call);
    names.add(path);
    const found = end.get(path);
    if (found === undefined) fail("it was acknowledged and is gone", call);
    else if (found.czxid !== call.answer.zxid) fail(`it is there with czxid ${found.czxid.toString(16)}`, call);
  }
}

/** The versions of a znode are counted once each, in the order of zxids. */
function checkVersions(writes: readonly Acknowledged[], end: ReadonlyMap<string, FinalZnode>): void {
  const byPath = new Map<string, { version: number; call: Acknowledged }[]>();
  for (const call of writes) {
    if (call.request.op !== "setData") continue;
    const path = call.request.path!;
    byPath.set(path, [...(byPath.get(path) ?? []), { version: statIn(call.answer.line).version, call }]);
  }
  for (const [path, sets] of byPath) {
    sets.sort((a, b) => a.version - b.version);
    for (const [i, { version, call }] of sets.entries()) {
      const before = sets[i - 1];
      if (before === undefined) continue;
      if (before.version === version) fail("another write got the same version", call);
      if (before.call.answer.zxid >= call.answer.zxid) fail("an earlier version has a later zxid", call);
    }
    const last = sets.at(-1)!;
    const found = end.get(path);
    if (found === undefined || found.version < last.version) fail("it was acknowledged and is lost", last.call);
    else if (found.version === last.version && found.data !== dataOf(last.call)) fail("other data is there", last.call);
  }
}

/** What a read shows was written so. */
function checkReads(answered: readonly Acknowledged[], writes: readonly Acknowledged[]): void {
  const known = new Map<string, Acknowledged>();
  for (const call of writes) {
    if (call.request.op === "setData") known.set(`${call.request.path} ${statIn(call.answer.line).version}`, call);
  }
  for (const call of answered) {
    if (call.request.op !== "getData" || call.answer.err !== 0) continue;
    const stat = statIn(call.answer.line);
    const write = known.get(`${call.request.path} ${stat.version}`);
    if (write === undefined) continue;
    if (dataIn(call.answer.line) !== dataOf(write)) fail("the data of that version was other", call);
    if (stat.mzxid !== write.answer.zxid) fail("the zxid of that version was other", call);
    if (stat.mzxid > call.answer.zxid) fail("it shows what comes later than its zxid", call);
  }
}

/** Within a client nothing goes back, and its own writes are seen. */
function checkClients(answered: readonly Acknowledged[]): void {
  const lastOf = new Map<string, bigint>();
  for (const call of answered) {
    const key = `${call.client} ${call.session}`;
    const last = lastOf.get(key) ?? 0n;
    if (call.answer.zxid < last) fail(`the client had seen zxid ${last.toString(16)}`, call);
    lastOf.set(key, call.answer.zxid);
  }
}

function statIn(line: string): { version: number; mzxid: bigint } {
  const fields = /(-?\d+(?:,-?\d+){10})/.exec(line)?.[1]?.split(",") ?? [];
  return { mzxid: BigInt(fields[1] ?? -1), version: Number(fields[4] ?? -1) };
}

function pathIn(line: string): string {
  return /err=0 (\S+)/.exec(line)?.[1] ?? "";
}

function dataIn(line: string): string {
  return JSON.parse(/err=0 (".*?"|null)/.exec(line)?.[1] ?? "null") as string;
}

function dataOf({ request }: Call): string {
  return request.op === "setData" ? (request.data ?? "") : "";
}

function fail(what: string, { client, request, answer, askedMs }: Call): never {
  const reply = answer === null ? "no answer" : `${answer.line} at ${answer.atMs.toFixed(1)}`;
  const asked = JSON.stringify(request, (_, value: unknown) => (typeof value === "bigint" ? String(value) : value));
  throw new Error(`${what}: client ${client} asked ${asked} at ${askedMs.toFixed(1)}: ${reply}`);
}
