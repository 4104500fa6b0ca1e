/**
 * Requests as plain objects, their frames, and replies as lines of text. A conversation with a server becomes a list of
 * lines, one for each frame that came back, so that two servers (or a server and a model) are compared by comparing
 * lists, and a difference reads itself:
 *
 *   7 zxid=12 err=0 /a 12,12,1000,1000,0,0,0,0,1,0,12      a create2: path and Stat
 *   event 3 /a zxid=13
 */

import type { Acl } from "./acl-model.ts";
import { Bytes } from "./bytes.ts";
import { Cursor, op, requestFrame, type Stat } from "./wire-frames.ts";

/** Bytes are written as latin1 text here, which shows them in a failure. */
type Data = string | null;

export interface CreateRequest {
  readonly op: "create";
  readonly type: 1 | 15 | 19 | 21;
  readonly path: string | null;
  readonly data: Data;
  readonly acl: readonly Acl[] | null;
  readonly flags: number;
  readonly ttlMs: bigint;
}

export type WriteRequest =
  | CreateRequest
  | { readonly op: "delete" | "check"; readonly path: string | null; readonly version: number }
  | { readonly op: "setData"; readonly path: string | null; readonly data: Data; readonly version: number }
  | {
      readonly op: "setACL";
      readonly path: string | null;
      readonly acl: readonly Acl[] | null;
      readonly version: number;
    };

/** Reads of one znode that exists. */
export type ZnodeRead =
  | {
      readonly op: "getData" | "getChildren" | "getChildren2";
      readonly path: string;
      readonly watch: boolean;
    }
  | { readonly op: "getACL" | "getAllChildrenNumber"; readonly path: string };

export type SetWatches = {
  readonly op: "setWatches" | "setWatches2";
  /** What the client saw last. */
  readonly zxid: bigint;
  readonly data: readonly string[];
  readonly exist: readonly string[];
  readonly child: readonly string[];
  readonly persistent: readonly string[];
  readonly recursive: readonly string[];
};

export type ReadRequest =
  | ZnodeRead
  | SetWatches
  | { readonly op: "exists"; readonly path: string; readonly watch: boolean }
  | { readonly op: "getEphemerals" | "sync"; readonly path: string }
  | { readonly op: "multiRead"; readonly items: readonly { op: "getData" | "getChildren"; path: string }[] }
  | { readonly op: "whoAmI" | "ping" }
  | { readonly op: "addWatch"; readonly path: string; readonly mode: number }
  | { readonly op: "checkWatches" | "removeWatches"; readonly path: string; readonly type: number }
  /** A body that is cut short. */
  | { readonly op: "broken"; readonly type: number }
  /** A type that a client may not send. */
  | { readonly op: "unknown"; readonly type: number }
  | { readonly op: "deleteContainer"; readonly path: string };

export type Request =
  | WriteRequest
  | ReadRequest
  | { readonly op: "multi"; readonly parts: readonly WriteRequest[] }
  | { readonly op: "closeSession" }
  | {
      readonly op: "reconfig";
      /** A whole configuration, by its lines. */
      readonly newMembers?: string;
      /** Or what is different, in ZooKeeper's lists; nothing of either is a change that says nothing. */
      readonly joining?: string;
      readonly leaving?: string;
      /** The version that it is a change of; any when there is none. */
      readonly curConfigId?: bigint;
    }
  | { readonly op: "auth"; readonly credentials: string };

export function typeOf(request: Request): number {
  if (request.op === "create" || request.op === "broken" || request.op === "unknown") return request.type;
  return op[request.op];
}

/** The frame with its length. */
export function frameOf(request: Request, xid: number): Buffer {
  return requestFrame(xid, typeOf(request), bodyOf(request));
}

function bodyOf(request: Request): Buffer {
  const out = new Bytes();
  switch (request.op) {
    case "create":
    case "delete":
    case "check":
    case "setData":
    case "setACL":
      return writeBody(request);
    case "multi":
      for (const part of request.parts) out.int(typeOf(part)).bool(false).int(-1).raw(writeBody(part));
      return out.int(-1).bool(true).int(-1).build();
    case "multiRead":
      for (const item of request.items) out.int(op[item.op]).bool(false).int(-1).string(item.path).bool(false);
      return out.int(-1).bool(true).int(-1).build();
    case "exists":
    case "getData":
    case "getChildren":
    case "getChildren2":
      return out.string(request.path).bool(request.watch).build();
    case "getACL":
    case "getAllChildrenNumber":
    case "getEphemerals":
    case "sync":
    case "deleteContainer":
      return out.string(request.path).build();
    case "addWatch":
      return out.string(request.path).int(request.mode).build();
    case "checkWatches":
    case "removeWatches":
      return out.string(request.path).int(request.type).build();
    case "setWatches":
    case "setWatches2":
      out.long(request.zxid).strings(request.data).strings(request.exist).strings(request.child);
      if (request.op === "setWatches2") out.strings(request.persistent).strings(request.recursive);
      return out.build();
    case "auth":
      return out.int(0).string("digest").buffer(Buffer.from(request.credentials)).build();
    case "reconfig": {
      const { newMembers, joining, leaving, curConfigId = -1n } = request;
      const lists = [joining, leaving, newMembers];
      const absent = lists.every((list) => list === undefined) ? "" : null;
      for (const list of lists) out.string(list ?? absent);
      return out.long(curConfigId).build();
    }
    case "broken":
      return Buffer.from([0, 0]);
    case "whoAmI":
    case "ping":
    case "closeSession":
    case "unknown":
      return out.build();
  }
}

function writeBody(request: WriteRequest): Buffer {
  const out = new Bytes().string(request.path);
  switch (request.op) {
    case "create":
      out.buffer(bytesOf(request.data));
      addAcl(out, request.acl).int(request.flags);
      return (request.type === 21 ? out.long(request.ttlMs) : out).build();
    case "delete":
    case "check":
      return out.int(request.version).build();
    case "setData":
      return out.buffer(bytesOf(request.data)).int(request.version).build();
    case "setACL":
      return addAcl(out, request.acl).int(request.version).build();
  }
}

function addAcl(out: Bytes, acl: readonly Acl[] | null): Bytes {
  return acl === null ? out.int(-1) : out.acl(acl);
}

function bytesOf(data: Data): Buffer | null {
  return data === null ? null : Buffer.from(data, "latin1");
}

export const line = {
  reply: (xid: number, zxid: bigint, err: number, body = ""): string => `${xid} zxid=${zxid} err=${err} ${body}`.trim(),
  event: (type: number, path: string, zxid: bigint): string => `event ${type} ${path} zxid=${zxid}`,
  /** The answer to a handshake; id 0 says that there is no such session. */
  session: (id: bigint, timeoutMs: number, isReadOnly = false): string =>
    `session ${id.toString(16)} timeout=${timeoutMs}${isReadOnly ? " read-only" : ""}`,
  stat: (stat: Stat): string => Object.values(stat).join(","),
  data: (data: Uint8Array | null): string =>
    data === null ? "null" : JSON.stringify(Buffer.from(data).toString("latin1")),
  acl: (acl: readonly Acl[]): string => acl.map(({ perms, scheme, id }) => `${perms}:${scheme}:${id}`).join(" "),
  /** Lists that the protocol does not order. */
  names: (names: readonly string[]): string => `[${[...names].sort().join("|")}]`,
  part: (type: number, code: number, body = ""): string => `(${type} ${code} ${body})`,
};

/** Reads one frame, without its length. `request` is what the frame answers, undefined for an event. */
export function lineOf(bytes: Buffer, requestOf: (xid: number) => Request): string {
  const cursor = new Cursor(bytes);
  const xid = cursor.int();
  const zxid = cursor.long();
  const err = cursor.int();
  if (xid === -1) {
    const type = cursor.int();
    const state = cursor.int();
    const path = cursor.string();
    return line.event(type, state === 3 ? path! : `state ${state}`, zxid) + leftOver(cursor);
  }
  const request = requestOf(xid);
  const body = err === 0 ? bodyLine(request, cursor) : "";
  return line.reply(xid, zxid, err, body + leftOver(cursor));
}

/** Reads the answer to a handshake that had a readOnly byte. */
export function sessionLineOf(bytes: Buffer): string {
  const cursor = new Cursor(bytes);
  cursor.int();
  const timeoutMs = cursor.int();
  const id = cursor.long();
  const password = cursor.buffer();
  const isReadOnly = cursor.bool();
  return (
    line.session(id, timeoutMs, isReadOnly) +
    (password?.length === 16 ? "" : " and a password of another size") +
    leftOver(cursor)
  );
}

function leftOver(cursor: Cursor): string {
  return cursor.left === 0 ? "" : ` and ${cursor.left} bytes more`;
}

function bodyLine(request: Request, cursor: Cursor): string {
  switch (request.op) {
    case "create":
      return request.type === 1 ? cursor.string()! : `${cursor.string()} ${line.stat(cursor.stat())}`;
    case "setData":
    case "setACL":
    case "exists":
      return line.stat(cursor.stat());
    case "getData":
      return `${line.data(cursor.buffer())} ${line.stat(cursor.stat())}`;
    case "reconfig": {
      const text = line.data(cursor.buffer());
      // Its Stat is the server's own affair: the znode is set without a transaction, too.
      cursor.stat();
      return text;
    }
    case "getChildren":
      return line.names(cursor.strings());
    case "getChildren2":
      return `${line.names(cursor.strings())} ${line.stat(cursor.stat())}`;
    case "getACL":
      return `${line.acl(readAcl(cursor))} ${line.stat(cursor.stat())}`;
    case "getAllChildrenNumber":
      return String(cursor.int());
    case "getEphemerals":
      return line.names(cursor.strings());
    case "sync":
      return cursor.string() ?? "null";
    case "addWatch":
      return String(cursor.int());
    case "whoAmI":
      return line.names(Array.from({ length: cursor.int() }, () => `${cursor.string()}:${cursor.string()}`));
    case "multi":
    case "multiRead":
      return multiLine(cursor);
    case "auth":
    case "broken":
    case "check":
    case "checkWatches":
    case "closeSession":
    case "delete":
    case "deleteContainer":
    case "ping":
    case "removeWatches":
    case "setWatches":
    case "setWatches2":
    case "unknown":
      return "";
  }
}

function multiLine(cursor: Cursor): string {
  let text = "";
  for (;;) {
    const type = cursor.int();
    const isDone = cursor.bool();
    const err = cursor.int();
    if (isDone) return `${text}(${type} ${err})`;
    text += line.part(type, err, partBody(type, cursor));
  }
}

function partBody(type: number, cursor: Cursor): string {
  switch (type) {
    case 1:
      return cursor.string()!;
    case 15:
      return `${cursor.string()} ${line.stat(cursor.stat())}`;
    case 5:
      return line.stat(cursor.stat());
    case 4:
      return `${line.data(cursor.buffer())} ${line.stat(cursor.stat())}`;
    case 8:
      return line.names(cursor.strings());
    case -1:
      return String(cursor.int());
    default:
      return "";
  }
}

function readAcl(cursor: Cursor): Acl[] {
  return Array.from({ length: cursor.int() }, () => ({
    perms: cursor.int(),
    scheme: cursor.string()!,
    id: cursor.string()!,
  }));
}
