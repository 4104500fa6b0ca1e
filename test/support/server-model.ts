/**
 * A standalone server as the reference describes it: sessions, connections, the order of replies. It is given requests
 * one after the other and told when the log has made the oldest write durable; each connection keeps a transcript of
 * what it was sent, as lines (requests.ts).
 *
 * A write takes its zxid, time, credentials and view of quotas when it comes in, and is judged and carried out when it
 * is durable: a pipeline that judges earlier must not be told from one that does not. A read waits for the writes that
 * its connection sent before it, and for nothing else.
 */

import { digestIdentity, mayDo, perm, type Identity } from "./acl-model.ts";
import { multiLine, outcomeLine } from "./outcome-lines.ts";
import { answerTo, type Reader } from "./read-model.ts";
import { line, type ReadRequest, type Request, type WriteRequest } from "./requests.ts";
import { Refusal, TreeModel, type Caller } from "./tree-model.ts";
import { WatchModel } from "./watch-model.ts";

export interface ServerModelOptions {
  readonly isTtlEnabled: boolean;
  readonly isQuotaEnforced: boolean;
  /** Id of the first session; the others follow. */
  readonly firstSessionId: bigint;
}

interface ModelSession {
  readonly id: bigint;
  readonly timeoutMs: number;
  isCommitted: boolean;
  isClosing: boolean;
  connection: ModelConnection | null;
}

/** A request that waits for its turn among those of its connection. */
type Waiting = { kind: "write" } | { kind: "read"; request: ReadRequest; xid: number; identities: readonly Identity[] };

export class ModelConnection {
  /** What the client was sent, in order. */
  readonly transcript: string[] = [];
  session: ModelSession | null = null;
  identities: readonly Identity[];
  readonly waiting: Waiting[] = [];
  isAttached = false;
  isOpen = true;
  /** The connection was cut: what was under way to it may or may not have come through. */
  isCut = false;
  timeoutMs = 0;

  constructor(address: string) {
    this.identities = [{ scheme: "ip", id: address }];
  }
}

interface PendingWrite {
  readonly connection: ModelConnection | null;
  readonly session: ModelSession | null;
  readonly caller: Caller;
  readonly xid: number;
  readonly work: Work;
}

type Work =
  | { kind: "write"; request: WriteRequest }
  | { kind: "multi"; parts: readonly WriteRequest[] }
  | { kind: "reap"; path: string }
  | { kind: "refused"; code: number }
  | { kind: "openSession" | "closeSession" };

export class ServerModel {
  readonly tree: TreeModel;
  readonly watches: WatchModel<ModelConnection> = new WatchModel();
  readonly sessions: Map<bigint, ModelSession> = new Map();
  lastZxid = 0n;
  readonly #options: ServerModelOptions;
  readonly #pending: PendingWrite[] = [];
  #zxidsTaken = 0n;
  #nextSessionId: bigint;

  constructor(options: ServerModelOptions) {
    this.#options = options;
    this.#nextSessionId = options.firstSessionId;
    this.tree = new TreeModel(options.isTtlEnabled);
  }

  get pendingCount(): number {
    return this.#pending.length;
  }

  /** A handshake for a new session. */
  open(connection: ModelConnection, timeoutMs: number, nowMs: number): void {
    const session: ModelSession = {
      id: this.#nextSessionId++,
      timeoutMs,
      isCommitted: false,
      isClosing: false,
      connection,
    };
    this.sessions.set(session.id, session);
    connection.session = session;
    connection.timeoutMs = timeoutMs;
    this.#submit(connection, session, 0, { kind: "openSession" }, nowMs);
  }

  /** A handshake for a session of before. */
  renew(connection: ModelConnection, id: bigint, isPasswordRight: boolean, timeoutMs: number): void {
    const session = this.sessions.get(id);
    if (session === undefined || !isPasswordRight || !session.isCommitted || session.isClosing) {
      connection.transcript.push(line.session(0n, 0));
      this.drop(connection);
      return;
    }
    if (session.connection !== null) this.#cut(session.connection);
    session.connection = connection;
    connection.session = session;
    connection.isAttached = true;
    connection.transcript.push(line.session(id, timeoutMs));
  }

  /** The connection is gone. What it has in flight is carried out and not answered. */
  drop(connection: ModelConnection): void {
    connection.isOpen = false;
    connection.waiting.length = 0;
    this.watches.forget(connection);
    if (connection.session?.connection === connection) connection.session.connection = null;
  }

  request(connection: ModelConnection, request: Request, xid: number, nowMs: number): void {
    const session = connection.session!;
    if (request.op === "auth") {
      this.#authenticate(connection, request.credentials, xid);
      return;
    }
    if (session.isClosing) return;
    const work = workOf(request);
    if (work !== null) {
      this.#submit(connection, session, xid, work, nowMs);
      if (work.kind === "closeSession") session.isClosing = true;
      return;
    }
    connection.waiting.push({
      kind: "read",
      // A multi that becomes nothing is answered as a body that does not decode, in its turn.
      request: request.op === "multi" ? { op: "broken", type: 14 } : (request as ReadRequest),
      xid,
      identities: connection.identities,
    });
    this.#answerReads(connection);
  }

  /** The session has not been heard of for too long. */
  expire(session: ModelSession, nowMs: number): void {
    session.isClosing = true;
    this.#submit(null, session, 0, { kind: "closeSession" }, nowMs);
  }

  reap(path: string, nowMs: number): void {
    this.#submit(null, null, 0, { kind: "reap", path }, nowMs);
  }

  /** The oldest write is durable. */
  durable(): void {
    const write = this.#pending.shift()!;
    const { connection, session, caller, xid, work } = write;
    this.lastZxid = caller.zxid;
    const { err, body } = this.#carryOut(write);
    this.#deliver(caller.zxid);
    if (work.kind === "closeSession" && (connection === null || !connection.isOpen)) {
      if (session!.connection !== null) this.#cut(session!.connection);
    }
    if (connection === null || !connection.isOpen) return;
    connection.waiting.shift();
    if (work.kind === "openSession") {
      connection.isAttached = true;
      connection.transcript.push(line.session(session!.id, session!.timeoutMs));
    } else {
      connection.transcript.push(line.reply(xid, caller.zxid, err, body));
    }
    if (work.kind === "closeSession") this.drop(connection);
    else this.#answerReads(connection);
  }

  #submit(
    connection: ModelConnection | null,
    session: ModelSession | null,
    xid: number,
    work: Work,
    nowMs: number,
  ): void {
    const caller: Caller = {
      sessionId: session?.id ?? 0n,
      identities: connection?.identities ?? [],
      zxid: ++this.#zxidsTaken,
      timeMs: nowMs,
      quotas: this.#options.isQuotaEnforced ? this.tree.quotaViews() : null,
    };
    this.#pending.push({ connection, session, caller, xid, work });
    connection?.waiting.push({ kind: "write" });
  }

  #carryOut({ caller, work, session }: PendingWrite): { err: number; body?: string } {
    try {
      switch (work.kind) {
        case "write":
          return { err: 0, body: outcomeLine(work.request, this.tree.write(work.request, caller, false)) };
        case "multi":
          return { err: 0, body: multiLine(work.parts, this.tree.multi(work.parts, caller)) };
        case "reap":
          this.tree.reap(work.path, caller);
          return { err: 0 };
        case "refused":
          return { err: work.code };
        case "openSession":
          session!.isCommitted = true;
          return { err: 0 };
        case "closeSession":
          this.tree.endSession(session!.id, caller.zxid);
          this.sessions.delete(session!.id);
          return { err: 0 };
      }
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return { err: error.code };
    }
  }

  /** Events leave before the reply that would reveal the change, to those who may read the znode. */
  #deliver(zxid: bigint): void {
    for (const change of this.tree.changes.splice(0)) {
      for (const { watcher, type, path, acl } of this.watches.changed(change)) {
        if (mayDo(acl, perm.read, watcher.identities)) watcher.transcript.push(line.event(type, path, zxid));
      }
    }
  }

  #cut(connection: ModelConnection): void {
    connection.isCut = true;
    this.drop(connection);
  }

  #authenticate(connection: ModelConnection, credentials: string, xid: number): void {
    const identity = digestIdentity(credentials);
    if (!connection.identities.some(({ scheme, id }) => scheme === identity.scheme && id === identity.id)) {
      connection.identities = [...connection.identities, identity];
    }
    connection.transcript.push(line.reply(xid, 0n, 0));
  }

  #readerFor(watcher: ModelConnection, identities: readonly Identity[]): Reader<ModelConnection> {
    const { tree, watches } = this;
    const sessionId = watcher.session!.id;
    return { tree, watches, watcher, identities, sessionId, tell: (event) => void watcher.transcript.push(event) };
  }

  #answerReads(connection: ModelConnection): void {
    for (let next = connection.waiting[0]; next?.kind === "read"; next = connection.waiting[0]) {
      connection.waiting.shift();
      const { request, xid, identities } = next;
      if (request.op === "unknown") {
        connection.transcript.push(line.reply(xid, -1n, -6));
        this.drop(connection);
        return;
      }
      const answer = answerTo(request, this.#readerFor(connection, identities));
      const [err, body] = typeof answer === "number" ? [answer, ""] : [0, answer];
      connection.transcript.push(line.reply(request.op === "ping" ? -2 : xid, this.lastZxid, err, body));
    }
  }
}

/** What a request becomes in the log, or null when it becomes nothing. */
function workOf(request: Request): Work | null {
  const { op } = request;
  if (op === "create" || op === "delete" || op === "setData" || op === "setACL") return { kind: "write", request };
  if (op === "multi") return workOfMulti(request.parts);
  if (op === "closeSession") return { kind: "closeSession" };
  if (op === "reconfig") return { kind: "refused", code: -123 };
  return op === "broken" && request.type === 14 ? { kind: "refused", code: -5 } : null;
}

/** The first part that does not decode decides; a path that is null is met only when its part is judged. */
function workOfMulti(parts: readonly WriteRequest[]): Work | null {
  for (const part of parts) {
    if (part.op === "setACL") return { kind: "refused", code: -5 };
    if (part.op !== "create") continue;
    const isTtlFlag = part.flags === 5 || part.flags === 6;
    if (part.type !== 21 && (part.flags < 0 || part.flags > 6 || isTtlFlag)) return { kind: "refused", code: -5 };
    if (part.acl === null) return null;
  }
  return parts.some((part) => part.path === null) ? { kind: "refused", code: -5 } : { kind: "multi", parts };
}
