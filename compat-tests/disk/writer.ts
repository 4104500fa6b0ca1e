/**
 * One client of a crash test: a session, a subtree of its own, a stream of random writes with a few of them in flight,
 * and the knowledge of what was acknowledged.
 *
 *   confirmed    the subtree after the last reply
 *   unanswered   writes sent behind it, in order: a server may have kept any number of the first ones
 *
 * Every reply is compared with the model at once. After a crash `settle` finds the beginning of `unanswered` that explains
 * what the next server found, and `attach` asks for the session again, which must be there exactly if it was not closed.
 */

import { expect } from "vitest";
import { WireConnection, type Session } from "../wire/connection.ts";
import { Dice } from "../wire/dice.ts";
import { Reader } from "../wire/reader.ts";
import { auth, create, digestIdOf, getEphemerals, type Request } from "../wire/requests.ts";
import { headerOf } from "../wire/transcript.ts";
import { nextWrite } from "./random-writes.ts";
import { dumpText, type ZnodeDump } from "./tree-dump.ts";
import { requestOf, type Write, type Writing, type Zxid, ZnodeModel } from "./znode-model.ts";

/** Writes in flight at most. */
export const windowSize = 12;

/** Longer than a round takes, and within the 20 ticks that servers grant. */
const timeoutMsMin = 30_000;

/** The server went away in the middle of something; no failure here. */
class EndOfConnection extends Error {}

export class Writer {
  readonly root: string;
  readonly #dice: Dice;
  readonly #words: string;
  /** What an `auth` entry of an ACL expands to. */
  readonly identity: { readonly scheme: "digest"; readonly id: string };
  #connection: WireConnection | null = null;
  #session: Session | null = null;
  /** A session that ended for good. */
  #ended: Session | null = null;
  /** Whether the session is still open after a crash: both when nothing tells. */
  #mayBeOpen: ReadonlySet<boolean> = new Set([true]);
  #confirmed = new ZnodeModel();
  /** The subtree when everything that was sent will have been done: what the next write is drawn from. */
  #sent = new ZnodeModel();
  #unanswered: Write[] = [];
  /** Sessions asked for and not granted when the connection ended: 0 or 1. */
  openingCount = 0;
  /** Transactions that were acknowledged in this round. */
  acknowledgedCount = 0;

  constructor(index: number, seed: number) {
    this.root = `/writer-${index}`;
    this.#dice = new Dice(seed * 31 + index + 1);
    this.#words = `w${index}:secret`;
    this.identity = { scheme: "digest", id: digestIdOf(this.#words) };
  }

  /** Takes back the session, or opens one; a session that must be gone is asked for too. */
  async attach(port: number, where: string): Promise<void> {
    if (this.#ended !== null) {
      expect(await this.#handshake(port, this.#ended, where), `${where}: a closed session`).toBe(false);
    }
    const session = this.#session;
    const isOpen = session !== null && (await this.#handshake(port, session, where));
    if (session !== null) {
      expect([...this.#mayBeOpen], `${where}: ${this.root} keeps its session`).toContain(isOpen);
      if (!isOpen) this.#ended = session;
    }
    if (!isOpen) await this.#handshake(port, null, where);
    await this.#introduce(where);
    this.openingCount = 0;
    this.#sent = this.#confirmed.clone();
  }

  /** Makes the subtree's root. */
  async plant(): Promise<void> {
    const { zxid } = headerOf(await this.#ask(create(this.root)));
    this.#confirmed.plant(this.root, zxid);
    this.#sent = this.#confirmed.clone();
  }

  /** Writes until the connection ends. `onReply` is told of every acknowledged write. */
  async write(port: number, onReply: () => void): Promise<void> {
    this.acknowledgedCount = 0;
    try {
      for (;;) {
        this.#fillWindow();
        const frame = await this.#connection!.nextFrame();
        if (frame === null) return;
        const write = this.#take(frame);
        this.acknowledgedCount++;
        onReply();
        if (write.kind === "close") await this.#reopen(port);
      }
    } catch (error) {
      if (!isEndOfConnection(error)) throw error;
    }
  }

  #fillWindow(): void {
    while (this.#unanswered.length < windowSize && this.#unanswered.at(-1)?.kind !== "close") {
      const write = nextWrite(this.#dice, this.root, this.#sent);
      this.#sent.apply(write, this.#writing(null));
      this.#unanswered.push(write);
      this.#connection!.submit(requestOf(write));
    }
  }

  #take(frame: Buffer): Write {
    const write = this.#unanswered.shift()!;
    const { zxid, err } = headerOf(frame);
    const outcome = this.#confirmed.apply(write, this.#writing(zxid));
    const text = `${this.root}: ${JSON.stringify(write)}`;
    expect(write.kind === "multi" ? firstError(frame) : err, text).toBe(outcome.err);
    if (outcome.created !== null) expect(new Reader(frame.subarray(16)).ustring(), text).toBe(outcome.created);
    return write;
  }

  async #reopen(port: number): Promise<void> {
    this.#ended = this.#session;
    this.#session = null;
    this.openingCount = 1;
    await this.#handshake(port, null, "after a close");
    this.openingCount = 0;
    this.acknowledgedCount++;
    await this.#introduce("after a close");
  }

  /**
   * Opens a connection with a session, a new one for null.
   * @returns false when the server does not know the session.
   */
  async #handshake(port: number, session: Session | null, where: string): Promise<boolean> {
    const connection = await WireConnection.open(port);
    const timeoutMs = session?.timeoutMs ?? timeoutMsMin + 500 * this.#dice.below(20);
    const known = session === null ? {} : { sessionId: session.id, password: session.password };
    const response = await connection.handshake({ timeoutMs, ...known });
    if (response === null) throw new EndOfConnection(where);
    const reader = new Reader(response);
    reader.int();
    const granted = { timeoutMs: reader.int(), id: reader.long(), password: reader.buffer() ?? Buffer.alloc(0) };
    if (granted.id === 0n) return false;
    expect(granted.timeoutMs, where).toBe(timeoutMs);
    if (session !== null) expect(granted, where).toEqual(session);
    this.#session = granted;
    this.#connection = connection;
    return true;
  }

  /** Says who it is on a fresh connection, and compares the session's ephemerals. */
  async #introduce(where: string): Promise<void> {
    await this.#ask(auth("digest", this.#words));
    const reader = new Reader((await this.#ask(getEphemerals("/"))).subarray(16));
    const paths = reader.vector(() => reader.ustring() ?? "") ?? [];
    expect(paths.sort(), `${where}: ephemerals`).toEqual(this.#confirmed.ownedBy(this.#session!.id));
  }

  async #ask(request: Request): Promise<Buffer> {
    this.#connection!.submit(request);
    const frame = await this.#connection!.nextFrame();
    if (frame === null) throw new EndOfConnection(request.title);
    expect(headerOf(frame).err, request.title).toBe(0);
    return frame;
  }

  /**
   * Finds which beginnings of the unacknowledged writes explain what a server found, and goes on from there.
   * @returns how many of them it kept, at least and at most: the last ones may have changed nothing.
   */
  settle(tree: readonly ZnodeDump[], where: string): { readonly min: number; readonly max: number } {
    const found = tree.filter(({ path }) => path === this.root || path.startsWith(`${this.root}/`));
    const text = dumpText(found);
    const model = this.#confirmed.clone();
    const counts: number[] = [];
    for (let count = 0; ; count++) {
      if (dumpText(model.expectedDump(found)) === text) counts.push(count);
      if (count === this.#unanswered.length) break;
      model.apply(this.#unanswered[count]!, this.#writing(null));
    }
    if (counts.length === 0) expect(text, where).toBe(dumpText(this.#confirmed.expectedDump(found)));
    const [min, max] = [counts[0]!, counts.at(-1)!];
    for (const write of this.#unanswered.slice(0, min)) this.#confirmed.apply(write, this.#writing(null));
    this.#confirmed.learn(found);
    this.#mayBeOpen = new Set(counts.map((count) => this.#unanswered[count - 1]?.kind !== "close"));
    this.#unanswered = [];
    return { min, max };
  }

  #writing(zxid: Zxid): Writing {
    return { sessionId: this.#session!.id, identity: `digest:${this.identity.id}`, zxid };
  }
}

/** The error that made a multi fail, 0 when it did not. */
function firstError(frame: Buffer): number {
  const { err } = headerOf(frame);
  if (err !== 0) return err;
  const reader = new Reader(frame.subarray(16));
  const type = reader.int();
  if (type !== -1) return 0;
  for (;;) {
    reader.byte();
    reader.int();
    const code = reader.int();
    // A part before the one that failed has 0, one behind it -2.
    if (code !== 0) return code;
    reader.int();
  }
}

function isEndOfConnection(error: unknown): boolean {
  if (error instanceof EndOfConnection) return true;
  const { code } = error as { code?: unknown };
  return code === "ECONNREFUSED" || code === "ECONNRESET";
}
