/**
 * Batches: 1 to 40 requests that are sent in one piece. Where the order of a real server's threads would show, and so two
 * real servers might differ (COMPATIBILITY.md), a request does not follow another:
 *
 *   behind a setACL            no write that asks for the permissions of the same znode
 *   behind a multi that may    nothing but reads: its first parts may still be seen
 *   fail by an exception       (an odd multi, or one with a null or a flag that nobody foresaw)
 *   under enforced quotas      behind a write below a quota, no other that a quota is asked about: the statistics are those
 *                              of what has been applied
 *   counters at their ends     behind a write at the root, no other: once its cversion has passed the largest int, what
 *                              is in flight counts on and what has been applied does not
 *   auth                       at the head only: it is answered at once
 *   sasl                       alone: it is answered at once
 *   a frame that is too long   not in a batch: it ends the connection, whatever else is still to be answered
 */

import { mangled } from "./mangled.ts";
import { identity, oddMulti, oddPing, parts, read, write } from "./random-requests.ts";
import { frameBytesMax, type Draw } from "./random-values.ts";
import { Reader } from "./reader.ts";
import { flag, multi, op, sasl, type Asked, type Request } from "./requests.ts";

const treeWrites: ReadonlySet<number> = new Set([
  op.create,
  op.create2,
  op.createContainer,
  op.createTTL,
  op.delete,
  op.setData,
  op.setACL,
  op.reconfig,
  op.multi,
]);

const oddXids = [0, -1, -2, -4, -8, 7, 7, 2_147_483_647, -2_147_483_648];

/** The next batch of a session. */
export function drawBatch(draw: Draw): Asked[] {
  const { dice } = draw;
  if (dice.isOneIn(30)) return [spoken(draw, sasl(dice.bytes(dice.below(20))))];
  const batch = new Batch(draw);
  if (dice.isOneIn(12)) for (let count = 1 + dice.below(2); count > 0; count--) batch.add(identity(draw));
  const size = 1 + dice.below(40);
  for (let tries = 0; tries < size; tries++) addNext(batch, draw);
  return batch.asked;
}

/** A batch that leaves nothing half done in a server, whatever follows in the same piece. */
export function drawCalmBatch(draw: Draw): Asked[] {
  const batch = new Batch(draw);
  const size = 1 + draw.dice.below(30);
  for (let tries = 0; tries < size && !batch.isOver; tries++) addNext(batch, draw);
  return batch.isOver ? batch.asked.slice(0, -1) : batch.asked;
}

/** Requests that change nothing, for when several sessions speak at once. */
export function drawReads(draw: Draw): Asked[] {
  const drawn = draw.dice.times(1 + draw.dice.below(20), () => read(draw));
  return drawn.filter((one) => !isTooLong(one, draw)).map((one) => spoken(draw, one));
}

/** Requests for a connection that will not hear the answers: none that leaves a watch behind. */
export function drawUnheard(draw: Draw): Asked[] {
  const batch = new Batch(draw);
  for (let tries = 1 + draw.dice.below(12); tries > 0; tries--) batch.add(write(draw));
  return batch.asked;
}

/** Adds one more request of any kind, where it may follow. */
function addNext(batch: Batch, draw: Draw): void {
  const { dice } = draw;
  const throwOf = dice.below(40);
  if (throwOf < 17) batch.add(write(draw));
  else if (throwOf < 20) batch.addMulti(parts(draw));
  else if (throwOf === 20) batch.add(dice.isOneIn(3) ? oddMulti(draw) : oddPing(draw));
  else if (throwOf === 21) batch.add(mangled(dice, dice.isOneIn(2) ? write(draw) : read(draw)));
  else if (throwOf === 22 && dice.isOneIn(2)) batch.add(mangled(dice, multi(...parts(draw))));
  else batch.add(read(draw));
}

function spoken(draw: Draw, request: Asked): Asked {
  return draw.dice.isOneIn(60) ? { ...request, xid: draw.dice.pick(oddXids) } : request;
}

class Batch {
  readonly asked: Asked[] = [];
  readonly #draw: Draw;
  /** Znodes whose ACL has been set. */
  readonly #opened = new Set<string>();
  #onlyReads = false;
  #hasUsedQuota = false;
  #hasUsedRoot = false;

  constructor(draw: Draw) {
    this.#draw = draw;
  }

  /** True once something was taken behind which only reads may follow. */
  get isOver(): boolean {
    return this.#onlyReads;
  }

  /** Takes the request unless it may not follow what is there. A multi that comes this way is an odd one. */
  add(request: Asked): void {
    if (isTooLong(request, this.#draw)) return;
    if (treeWrites.has(request.op) && !this.#mayFollow(request)) return;
    this.asked.push(spoken(this.#draw, request));
    if (request.op === op.setACL) this.#opened.add(pathOf(request));
    if (request.op === op.multi) this.#onlyReads = true;
  }

  addMulti(of: readonly Request[]): void {
    const request = multi(...of);
    if (isTooLong(request, this.#draw) || !this.#mayFollow(request)) return;
    this.asked.push(spoken(this.#draw, request));
    if (!of.every(isForeseen)) this.#onlyReads = true;
  }

  #mayFollow(request: Request): boolean {
    if (this.#onlyReads || this.#asksForChangedAcl(request)) return false;
    const { hasQuotas, hasOldRoot } = this.#draw.configuration;
    return (!hasQuotas || this.#quotaAllows(request)) && (!hasOldRoot || this.#rootAllows(request));
  }

  #rootAllows(request: Request): boolean {
    if (request.op !== op.multi && !/^\/[^/]*$/.test(pathOf(request))) return true;
    if (this.#hasUsedRoot) return false;
    this.#hasUsedRoot = true;
    return true;
  }

  #asksForChangedAcl(request: Request): boolean {
    if (this.#opened.size === 0) return false;
    if (request.op === op.multi) return true;
    const path = pathOf(request);
    return this.#opened.has(path) || this.#opened.has(path.slice(0, path.lastIndexOf("/")) || "/");
  }

  #quotaAllows(request: Request): boolean {
    if (request.op === op.setACL || request.op === op.reconfig) return true;
    if (request.op !== op.multi && !/^\/(?:q|r|zookeeper\/q)/.test(pathOf(request))) return true;
    if (this.#hasUsedQuota && request.op !== op.delete) return false;
    this.#hasUsedQuota = true;
    return true;
  }
}

function isTooLong({ body }: Request, draw: Draw): boolean {
  return body.length + 8 > frameBytesMax(draw);
}

/** The path as a body spells it; bytes that are not text stay apart. */
function pathOf({ body }: Request): string {
  if (body.length < 4) return "";
  const length = Math.max(0, body.readInt32BE(0));
  return body.subarray(4, 4 + length).toString("latin1") || "/";
}

/** Whether a part of a multi can only succeed or be refused: no null where a server looks, no flag of another opcode. */
function isForeseen({ op: code, body }: Request): boolean {
  const reader = new Reader(body);
  if (reader.buffer() === null) return false;
  if (code === op.delete || code === op.check || code === op.setData) return true;
  reader.buffer();
  const hasNull = (): boolean => {
    reader.int();
    const scheme = reader.buffer();
    return reader.buffer() === null || scheme === null;
  };
  const entries = reader.vector(hasNull);
  if (entries === null || entries.includes(true)) return false;
  const flags = reader.int();
  if (code === op.createTTL) return flags === flag.ttl || flags === flag.sequentialTtl;
  return code === op.createContainer ? flags === flag.container : flags >= flag.persistent && flags <= flag.container;
}
