/**
 * Frames of the client protocol, built and read for tests with slow and obvious code of its own. It shares nothing with src/, so
 * that an encoder bug cannot excuse itself.
 *
 *   first frame   > ConnectRequest (44 bytes, or 45 with readOnly)   < ConnectResponse (36 or 37)
 *   later frames  > xid int | type int | body                        < xid int | zxid long | err int | body
 *   watch event   < xid -1 | zxid long | 0 | type int | state int | path ustring
 */

import { Bytes } from "./bytes.ts";

/** Request types by ZooKeeper's names. */
export const op = {
  create: 1,
  delete: 2,
  exists: 3,
  getData: 4,
  setData: 5,
  getACL: 6,
  setACL: 7,
  getChildren: 8,
  sync: 9,
  ping: 11,
  getChildren2: 12,
  check: 13,
  multi: 14,
  create2: 15,
  reconfig: 16,
  checkWatches: 17,
  removeWatches: 18,
  createContainer: 19,
  deleteContainer: 20,
  createTTL: 21,
  multiRead: 22,
  auth: 100,
  setWatches: 101,
  sasl: 102,
  getEphemerals: 103,
  getAllChildrenNumber: 104,
  setWatches2: 105,
  addWatch: 106,
  whoAmI: 107,
  createSession: -10,
  closeSession: -11,
} as const;

/** The error codes that tests name. */
export const err = {
  marshalling: -5,
  unimplemented: -6,
  badArguments: -8,
  noNode: -101,
  badVersion: -103,
  noChildrenForEphemerals: -108,
  nodeExists: -110,
  notEmpty: -111,
  authFailed: -115,
} as const;

export const flag = { persistent: 0, ephemeral: 1, sequential: 2, ephemeralSequential: 3, container: 4 } as const;

export const eventType = { created: 1, deleted: 2, dataChanged: 3, childrenChanged: 4 } as const;

export interface Stat {
  readonly czxid: bigint;
  readonly mzxid: bigint;
  readonly ctime: bigint;
  readonly mtime: bigint;
  readonly version: number;
  readonly cversion: number;
  readonly aversion: number;
  readonly ephemeralOwner: bigint;
  readonly dataLength: number;
  readonly numChildren: number;
  readonly pzxid: bigint;
}

export interface Acl {
  readonly perms: number;
  readonly scheme: string;
  readonly id: string;
}

export const openAcl: readonly Acl[] = [{ perms: 31, scheme: "world", id: "anyone" }];

/** What a client must show to come back to its session. */
interface Session {
  readonly id: bigint;
  readonly password: Buffer;
}

export interface HandshakeReply extends Session {
  /** Negotiated session timeout; 0 says that the session asked for does not exist. */
  readonly timeoutMs: number;
  /** Null when the server left the byte out, as it must for a client that did. */
  readonly isReadOnly: boolean | null;
}

/** Reads bytes in wire order; running out is a RangeError. */
export class Cursor {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  int(): number {
    this.#at += 4;
    return this.#bytes.readInt32BE(this.#at - 4);
  }

  long(): bigint {
    this.#at += 8;
    return this.#bytes.readBigInt64BE(this.#at - 8);
  }

  bool(): boolean {
    this.#at += 1;
    return this.#bytes.readInt8(this.#at - 1) !== 0;
  }

  buffer(): Buffer | null {
    const length = this.int();
    if (length === -1) return null;
    if (length < 0 || length > this.left) throw new RangeError(`length ${length} with ${this.left} bytes left`);
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  string(): string | null {
    const bytes = this.buffer();
    return bytes === null ? null : bytes.toString("utf8");
  }

  strings(): string[] {
    return Array.from({ length: this.int() }, () => this.string() ?? "");
  }

  stat(): Stat {
    return {
      czxid: this.long(),
      mzxid: this.long(),
      ctime: this.long(),
      mtime: this.long(),
      version: this.int(),
      cversion: this.int(),
      aversion: this.int(),
      ephemeralOwner: this.long(),
      dataLength: this.int(),
      numChildren: this.int(),
      pzxid: this.long(),
    };
  }

  rest(): Buffer {
    return this.#bytes.subarray(this.#at);
  }
}

/** `body` behind its length. */
export function frame(body: Uint8Array): Buffer {
  return new Bytes().buffer(body).build();
}

export interface HandshakeOptions {
  readonly timeoutMs?: number;
  readonly session?: Session | undefined;
  readonly lastZxidSeen?: bigint;
  /** Is content with a server that only reads. */
  readonly isReadOnly?: boolean;
  /** Leaves the readOnly byte out, as clients up to 3.3 did. */
  readonly isOldForm?: boolean;
}

/** The framed ConnectRequest. */
export function connectRequest(options: HandshakeOptions = {}): Buffer {
  const body = new Bytes()
    .int(0)
    .long(options.lastZxidSeen ?? 0n)
    .int(options.timeoutMs ?? 30_000)
    .long(options.session?.id ?? 0n)
    .buffer(options.session?.password ?? Buffer.alloc(16));
  return frame((options.isOldForm === true ? body : body.bool(options.isReadOnly === true)).build());
}

/** A framed request. */
export function requestFrame(xid: number, type: number, body: Uint8Array = Buffer.alloc(0)): Buffer {
  return frame(new Bytes().int(xid).int(type).raw(body).build());
}

/** Bodies of the requests that tests build by hand. */
export const body = {
  path: (path: string): Buffer => new Bytes().string(path).build(),
  watched: (path: string, watch = false): Buffer => new Bytes().string(path).bool(watch).build(),
  versioned: (path: string, version = -1): Buffer => new Bytes().string(path).int(version).build(),
  setData: (path: string, data: Uint8Array | string, version = -1): Buffer =>
    new Bytes().string(path).buffer(Buffer.from(data)).int(version).build(),
  create: (path: string, data: Uint8Array | string = "", flags = 0, acl: readonly Acl[] = openAcl): Buffer =>
    new Bytes().string(path).buffer(Buffer.from(data)).acl(acl).int(flags).build(),
  multi: (parts: readonly { type: number; body: Uint8Array }[]): Buffer => {
    const bytes = new Bytes();
    for (const part of parts) bytes.int(part.type).bool(false).int(-1).raw(part.body);
    return bytes.int(-1).bool(true).int(-1).build();
  },
};

/** The handshake's answer. */
export function readConnectResponse(bytes: Buffer): HandshakeReply {
  const cursor = new Cursor(bytes);
  cursor.int();
  const timeoutMs = cursor.int();
  const id = cursor.long();
  const password = Buffer.from(cursor.buffer() ?? Buffer.alloc(0));
  return { timeoutMs, id, password, isReadOnly: cursor.left > 0 ? cursor.bool() : null };
}
