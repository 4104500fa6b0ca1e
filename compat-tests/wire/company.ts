/**
 * The clients of a plan on one server's stage: they act out the steps, and what each of them is told goes into its
 * section. Two servers are compared by the sections of each step.
 *
 * A session whose connection ended, by its own step or by the server, is back before the next step, with a connection of
 * its own if the server still knows it, else as a new session. After each step every connection is asked for a
 * ping, behind whose reply every event that the step caused has arrived.
 */

import type { TestServer } from "../reference/server.ts";
import { fourLetterWord, superUser } from "../reference/server.ts";
import { frame, long } from "./bytes.ts";
import { connectRequest, WireConnection } from "./connection.ts";
import { configurationOf } from "./configurations.ts";
import type { Hello, Plan, Step } from "./plan.ts";
import { closeSession, getAcl, getData, ping, auth, type Asked } from "./requests.ts";
import { Actor, descendants, Scene } from "./scene.ts";
import { describeHandshake } from "./transcript.ts";
import { describeWord } from "./words.ts";

/** What was said, by speaker. */
export type Sections = Readonly<Record<string, readonly string[]>>;

/** A server that is alive and well answers far sooner. */
const patienceMs = 20_000;
const shortTimeoutMs = 400;

export class Company {
  readonly #server: TestServer;
  readonly #plan: Plan;
  readonly #scene: Scene;
  readonly #actors: Actor[] = [];
  /** What strangers were told in this step. */
  readonly #asides: string[] = [];
  #lastZxid = 0n;

  private constructor(server: TestServer, plan: Plan, scene: Scene) {
    this.#server = server;
    this.#plan = plan;
    this.#scene = scene;
  }

  /** The plan's sessions, connected to the server. */
  static async gather(server: TestServer, plan: Plan): Promise<Company> {
    const scene = await Scene.open(server.port, { sortAcl: true });
    const company = new Company(server, plan, scene);
    for (let who = 0; who < plan.sessions.length; who++) await company.#enter(who);
    await company.#settle();
    return company;
  }

  /** Acts out a step, to the last event that it causes. */
  async play(step: Step): Promise<void> {
    await this.#act(step);
    for (let who = 0; who < this.#actors.length; who++) if (this.#actors[who]!.isClosed) await this.#enter(who);
    await this.#settle();
  }

  /** What was said since the last time. */
  take(inAnyOrder = false): Sections {
    const sections: Record<string, string[]> = {};
    for (const [who, actor] of this.#actors.entries()) sections[`session ${who}`] = actor.lines.splice(0);
    const told = this.#asides.splice(0);
    if (told.length > 0) sections["strangers"] = told;
    if (inAnyOrder) for (const lines of Object.values(sections)) sortEvents(lines);
    return sections;
  }

  /** The counts and the whole tree, as the server has them now. */
  async look(): Promise<void> {
    for (const word of ["mntr", "wchs", "wchp", "wchc", "dump"]) await this.#ask(word);
    const reader = new Actor(await WireConnection.open(this.#server.port, patienceMs), this.#scene.names);
    await reader.connect();
    if (this.#hasSuperUser) await reader.ask(auth("digest", superUser));
    const paths = ["/", ...(await descendants(reader))];
    reader.lines.length = 0;
    await reader.pipeline(paths.flatMap((path) => [getData(path), getAcl(path)]));
    this.#asides.push(...reader.lines);
    await reader.ask(closeSession);
    await reader.untilClosed();
  }

  /** Ends all sessions: one that is left to expire would do so in the next plan, in each server at a moment of its own. */
  async leave(): Promise<void> {
    for (const actor of this.#actors) {
      await actor.ask(closeSession);
      await actor.untilClosed();
    }
  }

  /** Cuts all connections, when the play is over too soon. */
  breakUp(): void {
    for (const actor of this.#actors) actor.connection.cut();
  }

  get #hasSuperUser(): boolean {
    return configurationOf(this.#plan.configuration).hasDigest;
  }

  async #act(step: Step): Promise<void> {
    switch (step.kind) {
      case "speak":
        return this.#speak(this.#actors[step.who]!, step.asked, step.pieceBytes);
      case "offend":
        this.#send(this.#actors[step.who]!, step.asked);
        return this.#actors[step.who]!.untilClosed();
      case "chorus":
        for (const voice of step.voices) this.#send(this.#actors[voice.who]!, voice.asked);
        for (const voice of step.voices) await this.#actors[voice.who]!.hear(voice.asked.length);
        return;
      case "leave":
        return this.#leave(step.who, step.asked, step.behind);
      case "arrive":
        return this.#arrive(step.who, step.asked);
      case "return":
        return this.#return(step.who);
      case "cut":
        return this.#cut(step.who, step.partial, step.wrong);
      case "half":
        return this.#half(this.#actors[step.who]!, step.asked);
      case "spoil":
        this.#actors[step.who]!.sendRaw(step.bytes, "bytes that end the connection");
        return this.#actors[step.who]!.untilClosed();
      case "knock":
        return this.#knock(step.hello);
      case "rattle": {
        const stranger = await this.#stranger();
        stranger.sendRaw(step.bytes, "bytes that are no handshake");
        await stranger.untilClosed();
        this.#asides.push(...stranger.lines);
        return;
      }
      case "word":
        return this.#ask(step.word);
      case "expire":
        return this.#expire(step.who, step.asked);
      default:
        return step satisfies never;
    }
  }

  #send(actor: Actor, asked: readonly Asked[]): void {
    actor.connection.send(this.#framesOf(actor, asked));
  }

  #framesOf(actor: Actor, asked: readonly Asked[]): Buffer {
    return actor.framesOf(asked.map((one) => this.#dated(one)));
  }

  /** The request with the zxid that it is to begin with. */
  #dated(asked: Asked): Asked {
    if (asked.zxidAgo === undefined) return asked;
    const zxid = this.#lastZxid - BigInt(asked.zxidAgo);
    return { ...asked, body: Buffer.concat([long(zxid), asked.body.subarray(8)]) };
  }

  async #speak(actor: Actor, asked: readonly Asked[], pieceBytes: number): Promise<void> {
    const bytes = this.#framesOf(actor, asked);
    const step = pieceBytes > 0 ? pieceBytes : Math.max(1, bytes.length);
    for (let from = 0; from < bytes.length; from += step) {
      actor.connection.send(bytes.subarray(from, from + step));
      if (pieceBytes > 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await actor.hear(asked.length);
  }

  /**
   * What comes behind closeSession may be unread when the server closes, and then the client's system throws away what it
   * has not read either: in that case nothing but the end is compared.
   */
  async #leave(who: number, asked: readonly Asked[], behind: readonly Asked[]): Promise<void> {
    const actor = this.#actors[who]!;
    if (behind.length === 0) {
      this.#send(actor, [...asked, closeSession]);
      await actor.hear(asked.length + 1);
      await actor.untilClosed();
    } else {
      this.#send(actor, asked);
      await actor.hear(asked.length);
      this.#send(actor, [closeSession, ...behind]);
      await this.#untilClosedUnheard(actor);
    }
    await this.#enter(who, true);
  }

  /**
   * The answers are not compared: how many of them leave before the server notices the end is a matter of chance. That the
   * requests have been done shows behind somebody's write; reads need not wait for what another connection asked.
   */
  async #half(actor: Actor, asked: readonly Asked[]): Promise<void> {
    this.#send(actor, asked);
    actor.connection.halfClose();
    await this.#untilClosedUnheard(actor);
    const passer = await this.#stranger();
    await passer.connect();
    await passer.ask(closeSession);
    await passer.untilClosed();
  }

  async #untilClosedUnheard(actor: Actor): Promise<void> {
    const heard = actor.lines.length;
    await actor.untilClosed();
    actor.lines.splice(heard, actor.lines.length, "< closed");
  }

  async #arrive(who: number, asked: readonly Asked[]): Promise<void> {
    const before = this.#actors[who]!;
    await before.ask(closeSession);
    await before.untilClosed();
    const next = await this.#stranger();
    next.lines.push(...before.lines.splice(0));
    this.#actors[who] = next;
    await next.connect(
      this.#plan.sessions[who],
      asked.map((one) => this.#dated(one)),
    );
    await next.hear(asked.length);
  }

  async #return(who: number): Promise<void> {
    const old = this.#actors[who]!;
    await this.#enter(who);
    await old.untilClosed();
    this.#actors[who]!.lines.push(...old.lines);
  }

  async #cut(who: number, partial: Buffer, wrong: readonly (Buffer | null)[]): Promise<void> {
    const actor = this.#actors[who]!;
    actor.sendRaw(partial, `${partial.length} bytes of a frame, then the end`);
    actor.connection.cut();
    actor.isClosed = true;
    for (const password of wrong) {
      const thief = await this.#stranger();
      const isLet = await thief.connect({ ...this.#plan.sessions[who], sessionId: actor.session.id, password });
      if (!isLet) await thief.untilClosed();
      this.#asides.push(...thief.lines);
    }
  }

  async #knock(hello: Hello): Promise<void> {
    const stranger = await this.#stranger();
    const whole = connectRequest({ ...hello, lastZxidSeen: this.#lastZxid + BigInt(hello.zxidAhead) });
    const cut = whole.subarray(0, whole.length - hello.missing);
    stranger.sendRaw(frame(Buffer.concat([cut, Buffer.alloc(hello.behind)])), "a handshake");
    const response = await stranger.connection.nextFrame();
    stranger.lines.push(describeHandshake(response, this.#scene.names));
    stranger.isClosed = response === null;
    const hasSession = response !== null && response.length >= 16 && response.readBigInt64BE(8) !== 0n;
    if (hasSession) await stranger.ask(closeSession);
    await stranger.untilClosed();
    this.#asides.push(...stranger.lines);
  }

  async #expire(who: number, asked: readonly Asked[]): Promise<void> {
    const before = this.#actors[who]!;
    await before.ask(closeSession);
    await before.untilClosed();
    await this.#enter(who, true, shortTimeoutMs);
    const actor = this.#actors[who]!;
    this.#send(actor, asked);
    await actor.hear(asked.length);
    // Whether it still hears of its own ephemerals' end before its connection ends is a matter of chance.
    await this.#untilClosedUnheard(actor);
    actor.session = { ...actor.session, id: 0n };
  }

  async #ask(word: string): Promise<void> {
    const answer = await fourLetterWord(this.#server.port, word);
    this.#asides.push(`> ${word}`, ...describeWord(word, answer, this.#scene.names));
  }

  async #stranger(): Promise<Actor> {
    return new Actor(await WireConnection.open(this.#server.port, patienceMs), this.#scene.names);
  }

  /** A connection for a session: its own again, or a new one. */
  async #enter(who: number, asNew = false, timeoutMs?: number): Promise<void> {
    const old = this.#actors[who];
    const manners = this.#plan.sessions[who]!;
    const next = await this.#stranger();
    if (old !== undefined) next.lines.push(...old.lines.splice(0));
    this.#actors[who] = next;
    const known = asNew || old === undefined ? {} : { sessionId: old.session.id, password: old.session.password };
    const isIn = await next.connect({ ...manners, ...known, ...(timeoutMs === undefined ? {} : { timeoutMs }) });
    if (!isIn && !asNew) await this.#enter(who, true);
  }

  async #settle(): Promise<void> {
    for (const actor of this.#actors) if (!actor.isClosed) this.#send(actor, [ping]);
    for (const actor of this.#actors) {
      const [reply] = await actor.hear(1);
      if (reply !== null && reply !== undefined) this.#lastZxid = reply.zxid;
    }
  }
}

/** Sorts events that stand together: a closing session's ephemerals go in hash order. */
function sortEvents(lines: string[]): void {
  for (let from = 0; from < lines.length; from++) {
    let end = from;
    while (lines[end]?.startsWith("< xid=-1 ") === true) end++;
    lines.splice(from, end - from, ...lines.slice(from, end).sort());
    from = Math.max(from, end - 1);
  }
}
