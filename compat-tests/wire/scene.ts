/**
 * A scenario and its stage. A scenario is written once against a {@link Scene} and played to a server; what the server
 * said is the scene's transcript, one section per connection. Played to two servers it gives two transcripts, and the
 * test is that they are the same text.
 *
 * Connections are sections of their own because no order is defined between them. Within one connection everything is
 * in the order in which it arrived, events included. `settle` ends a scene: a ping on every connection that is still
 * open, behind whose reply every event owed to it has arrived.
 */

import { frame as framed, int, record } from "./bytes.ts";
import { WireConnection, type ConnectOptions, type Session } from "./connection.ts";
import { Reader } from "./reader.ts";
import {
  auth,
  closeSession,
  getChildren,
  op,
  openAcl,
  ping,
  remove,
  setAcl,
  setData,
  type Asked,
  type Request,
} from "./requests.ts";
import { describeHandshake, describeReply, type Header, headerOf, isEvent, Names } from "./transcript.ts";

export interface Reply extends Header {
  readonly body: Buffer;
}

interface Pending {
  readonly xid: number;
  readonly code: number;
}

/** One connection that speaks in a scene. */
export class Actor {
  readonly connection: WireConnection;
  readonly lines: string[] = [];
  session: Session = { id: 0n, password: Buffer.alloc(16), timeoutMs: 0 };
  isClosed = false;
  readonly #names: Names;
  readonly #pending: Pending[] = [];

  constructor(connection: WireConnection, names: Names) {
    this.connection = connection;
    this.#names = names;
  }

  /**
   * Handshake, in one piece with requests if there are any, whose replies are then owed.
   * @returns false when there is no session; the server's answer is in the transcript.
   */
  async connect(options: ConnectOptions = {}, behind: readonly Asked[] = []): Promise<boolean> {
    const response = await this.connection.handshake(options, this.framesOf(behind));
    this.lines.push(describeHandshake(response, this.#names));
    if (response === null) {
      this.isClosed = true;
      return false;
    }
    const reader = new Reader(response);
    reader.int();
    const timeoutMs = reader.int();
    this.session = { timeoutMs, id: reader.long(), password: reader.buffer() ?? Buffer.alloc(0) };
    return this.session.id !== 0n;
  }

  /** Sends one request and waits for its reply; null when the connection ended instead. */
  async ask(request: Request, xid?: number): Promise<Reply | null> {
    return (await this.pipeline([request], xid))[0] ?? null;
  }

  /** Sends requests in one piece and waits for a reply to each. */
  async pipeline(requests: readonly Request[], xid?: number): Promise<(Reply | null)[]> {
    this.connection.send(this.framesOf(requests, xid));
    return this.hear(requests.length);
  }

  /** The requests as they go over the wire; their replies are owed from now on. */
  framesOf(requests: readonly Asked[], xid?: number): Buffer {
    const frames: Buffer[] = [];
    for (const request of requests) {
      const used = request.xid ?? xid ?? this.connection.nextXid(request.op);
      this.#pending.push({ xid: request.op === op.ping ? -2 : used, code: request.op });
      this.lines.push(`> ${request.title}`);
      frames.push(framed(record(int(used), int(request.op), request.body)));
    }
    return Buffer.concat(frames);
  }

  /** Waits for so many replies, or for the end of the connection. */
  async hear(count: number): Promise<(Reply | null)[]> {
    const replies: (Reply | null)[] = [];
    for (let index = 0; index < count && !this.isClosed; index++) replies.push(await this.#nextReply());
    return replies;
  }

  /** Sends bytes as they are, with the name that the transcript gives them. */
  sendRaw(bytes: Uint8Array, title: string): void {
    this.lines.push(`> ${title}`);
    this.connection.send(bytes);
  }

  /** Waits for the end of the connection; frames that come before it are in the transcript. */
  async untilClosed(): Promise<void> {
    while (!this.isClosed) await this.#nextReply();
  }

  /** Waits for a notification when no reply is owed. */
  async untilEvent(): Promise<void> {
    const frame = await this.connection.nextFrame();
    this.lines.push(frame === null ? "< closed" : `< ${describeReply(null, frame, this.#names)}`);
  }

  /** Waits until every event owed so far has arrived. */
  async settle(): Promise<void> {
    if (!this.isClosed) await this.ask(ping);
  }

  async #nextReply(): Promise<Reply | null> {
    for (;;) {
      const frame = await this.connection.nextFrame();
      if (frame === null) {
        this.isClosed = true;
        this.lines.push("< closed");
        return null;
      }
      if (frame.length < 16) {
        this.lines.push(`< 0x${frame.toString("hex")}`);
        continue;
      }
      const header = headerOf(frame);
      const at = isEvent(frame) ? -1 : this.#pending.findIndex((pending) => pending.xid === header.xid);
      const code = at === -1 ? null : this.#pending[at]!.code;
      this.lines.push(`< ${describeReply(code, frame, this.#names)}`);
      if (header.xid === -1 && at === -1) continue;
      if (at !== -1) this.#pending.splice(at, 1);
      return { ...header, body: frame.subarray(16) };
    }
  }
}

export class Scene {
  readonly names: Names;
  readonly #port: number;
  readonly #actors: { readonly name: string; readonly actor: Actor }[] = [];

  private constructor(port: number, names: Names) {
    this.#port = port;
    this.names = names;
  }

  /** Opens a scene on the server at `port`; its zxids count from now. */
  static async open(port: number, options: { sortAcl?: boolean } = {}): Promise<Scene> {
    const probe = new Actor(await WireConnection.open(port), new Names(0n));
    await probe.connect();
    const answer = await probe.ask(ping);
    await probe.ask(closeSession);
    await probe.untilClosed();
    return new Scene(port, new Names(answer?.zxid ?? 0n, options.sortAcl ?? false));
  }

  /** A connection with a session. */
  async actor(name: string, options: ConnectOptions = {}): Promise<Actor> {
    const actor = await this.stranger(name);
    await actor.connect(options);
    return actor;
  }

  /** A connection without a handshake. */
  async stranger(name: string): Promise<Actor> {
    const actor = new Actor(await WireConnection.open(this.#port), this.names);
    this.#actors.push({ name, actor });
    return actor;
  }

  /** Everything said so far. */
  transcript(): string {
    return this.#actors.map(({ name, actor }) => `== ${name}\n${actor.lines.join("\n")}\n`).join("");
  }

  /** Waits for events, closes all sessions, and gives the transcript up to the closing. */
  async end(): Promise<string> {
    for (const { actor } of this.#actors) await actor.settle();
    const text = this.transcript();
    for (const { actor } of this.#actors) {
      if (!actor.isClosed) {
        await actor.ask(closeSession);
        await actor.untilClosed();
      }
      actor.connection.cut();
    }
    return text;
  }
}

const ownZnodes = ["/", "/zookeeper", "/zookeeper/quota", "/zookeeper/config"];

/** Removes every znode but ZooKeeper's own, which get their data and ACLs back, so that the next scenario finds an empty tree. */
export async function clearTree(port: number, superWords: string | null): Promise<void> {
  const actor = new Actor(await WireConnection.open(port), new Names(0n));
  await actor.connect();
  if (superWords !== null) await actor.ask(auth("digest", superWords));
  await actor.pipeline(ownZnodes.slice(0, 3).flatMap((path) => [setAcl(path, openAcl), setData(path, "")]));
  const found = await descendants(actor);
  const doomed = found.filter((path) => !ownZnodes.includes(path)).reverse();
  for (let from = 0; from < doomed.length; from += 200) {
    await actor.pipeline(doomed.slice(from, from + 200).map((path) => remove(path)));
  }
  await actor.ask(closeSession);
  await actor.untilClosed();
}

/** Every path but the root's, parents before their children, level by level. */
export async function descendants(actor: Actor): Promise<string[]> {
  const all: string[] = [];
  for (let level = ["/"]; level.length > 0;) {
    const replies = await actor.pipeline(level.map((path) => getChildren(path)));
    level = level.flatMap((path, index) => childrenOf(path, replies[index] ?? null));
    all.push(...level);
  }
  return all;
}

function childrenOf(path: string, reply: Reply | null): string[] {
  if (reply === null || reply.err !== 0) return [];
  const reader = new Reader(reply.body);
  const names = reader.vector(() => reader.ustring() ?? "") ?? [];
  return names.sort().map((name) => `${path === "/" ? "" : path}/${name}`);
}
