/**
 * Requests made by overwriting digits. Znode `i` of a bench tree is ROOT/dDDDDD/nNNN, a thousand to a folder, so every
 * request of one kind has the same length, and only the xid and some digits differ from one to the next.
 */

import { body, op, requestFrame } from "../support/wire-frames.ts";

export type Operation = "getData" | "exists" | "setData" | "create" | "delete" | "multi" | "getChildren";

export const znodesPerFolder = 1000;
/** Each part of a multi is a setData. */
const multiParts = 10;

/** The path of znode `index`. */
export function znodePath(root: string, index: number): string {
  return `${folderPath(root, Math.floor(index / znodesPerFolder))}/n${String(index % znodesPerFolder).padStart(3, "0")}`;
}

export function folderPath(root: string, folder: number): string {
  return `${root}/d${String(folder).padStart(5, "0")}`;
}

/** What the requests of a run are about. */
export interface RequestShape {
  readonly operation: Operation;
  /** Path before the digits; of getChildren, the znode whose children are asked for. */
  readonly root: string;
  readonly dataBytes: number;
  /** How many children getChildren finds, each with a name of {@link childName}'s length. */
  readonly children?: number;
}

/** The name of a child below the znode that getChildren asks for. */
export function childName(index: number): string {
  return `n${String(index).padStart(7, "0")}`;
}

const xidAt = 4;

export class RequestTemplate {
  /** One request; a run copies it and overwrites its digits. */
  readonly frame: Buffer;
  /** Length that a good reply announces. */
  readonly replyBytes: number;
  /** True when each znode is asked for once and in turn, false when at random. */
  readonly isSequential: boolean;
  /** Where the digits of each path's folder stand; its znode's follow. */
  readonly #digitsAt: readonly number[];

  constructor(shape: RequestShape) {
    const { operation, root } = shape;
    this.isSequential = operation === "create" || operation === "delete";
    this.frame = requestFrame(0, op[operation], requestBody(shape));
    this.replyBytes = replyBytes(shape);
    this.#digitsAt = operation === "getChildren" ? [] : offsetsOf(this.frame, `${root}/d`);
  }

  /** How many znodes one request names. */
  get paths(): number {
    return this.#digitsAt.length;
  }

  /** Makes a copy of {@link frame} at `at` into the request for znode `index`, or for that many from it on. */
  address(target: Buffer, at: number, xid: number, index: number): void {
    target[at + xidAt] = xid >>> 24;
    target[at + xidAt + 1] = xid >>> 16;
    target[at + xidAt + 2] = xid >>> 8;
    target[at + xidAt + 3] = xid;
    const digitsAt = this.#digitsAt;
    for (let path = 0; path < digitsAt.length; path++) {
      const digits = at + digitsAt[path]!;
      const znode = index + path;
      writeDigits(target, digits, 5, Math.floor(znode / znodesPerFolder));
      writeDigits(target, digits + "00000/n".length, 3, znode % znodesPerFolder);
    }
  }
}

/** Behind each place where `text` stands. */
function offsetsOf(bytes: Buffer, text: string): number[] {
  const offsets: number[] = [];
  for (let at = bytes.indexOf(text); at !== -1; at = bytes.indexOf(text, at + 1)) offsets.push(at + text.length);
  return offsets;
}

function writeDigits(target: Buffer, at: number, count: number, value: number): void {
  let rest = value;
  for (let i = at + count - 1; i >= at; i--) {
    const tens = Math.floor(rest / 10);
    target[i] = 0x30 + rest - tens * 10;
    rest = tens;
  }
}

function requestBody({ operation, root, dataBytes }: RequestShape): Buffer {
  const path = znodePath(root, 0);
  const data = Buffer.alloc(dataBytes, "x");
  switch (operation) {
    case "getData":
    case "exists":
      return body.watched(path);
    case "getChildren":
      return body.watched(root);
    case "delete":
      return body.versioned(path);
    case "setData":
      return body.setData(path, data);
    case "create":
      return body.create(path, data);
    case "multi": {
      const part = { type: op.setData, body: body.setData(path, data) };
      return body.multi(Array.from({ length: multiParts }, () => part));
    }
  }
}

function replyBytes({ operation, root, dataBytes, children = 0 }: RequestShape): number {
  const headerBytes = 16;
  const statBytes = 68;
  /** type, done, err */
  const multiHeaderBytes = 9;
  const bodyBytes: Record<Operation, number> = {
    getData: 4 + dataBytes + statBytes,
    exists: statBytes,
    setData: statBytes,
    create: 4 + Buffer.byteLength(znodePath(root, 0)),
    delete: 0,
    multi: multiParts * (multiHeaderBytes + statBytes) + multiHeaderBytes,
    getChildren: 4 + children * (4 + childName(0).length),
  };
  return headerBytes + bodyBytes[operation];
}
