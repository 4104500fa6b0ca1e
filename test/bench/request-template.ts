/**
 * Requests made by overwriting digits. Znode `i` of a bench tree is ROOT/dDDDDD/nNNN, a thousand to a folder, so every
 * request of one kind has the same length, and only the xid and eight digits differ from one to the next.
 */

import { body, op, requestFrame } from "../support/wire-client.ts";

export type Operation = "getData" | "setData" | "create" | "delete";

export const znodesPerFolder = 1000;

/** The path of znode `index`. */
export function znodePath(root: string, index: number): string {
  return `${folderPath(root, Math.floor(index / znodesPerFolder))}/n${String(index % znodesPerFolder).padStart(3, "0")}`;
}

export function folderPath(root: string, folder: number): string {
  return `${root}/d${String(folder).padStart(5, "0")}`;
}

const xidAt = 4;
const pathAt = 16;

export class RequestTemplate {
  readonly frameBytes: number;
  /** Length that a good reply announces. */
  readonly replyBytes: number;
  /** True when each znode is asked for once and in turn, false when at random. */
  readonly isSequential: boolean;
  readonly #frame: Buffer;
  readonly #folderDigitsAt: number;
  readonly #znodeDigitsAt: number;

  constructor(options: { operation: Operation; root: string; dataBytes: number }) {
    const { operation, root } = options;
    this.isSequential = operation === "create" || operation === "delete";
    this.#frame = requestFrame(0, op[operation], requestBody(operation, znodePath(root, 0), options.dataBytes));
    this.frameBytes = this.#frame.length;
    this.replyBytes = replyBytes(operation, znodePath(root, 0), options.dataBytes);
    this.#folderDigitsAt = pathAt + Buffer.byteLength(`${root}/d`);
    this.#znodeDigitsAt = this.#folderDigitsAt + "00000/n".length;
  }

  /** Writes the request for znode `index` at `at`. */
  write(target: Buffer, at: number, xid: number, index: number): void {
    this.#frame.copy(target, at);
    target.writeInt32BE(xid, at + xidAt);
    writeDigits(target, at + this.#folderDigitsAt, 5, Math.floor(index / znodesPerFolder));
    writeDigits(target, at + this.#znodeDigitsAt, 3, index % znodesPerFolder);
  }
}

function writeDigits(target: Buffer, at: number, count: number, value: number): void {
  let rest = value;
  for (let i = at + count - 1; i >= at; i--) {
    target[i] = 0x30 + (rest % 10);
    rest = Math.floor(rest / 10);
  }
}

function requestBody(operation: Operation, path: string, dataBytes: number): Buffer {
  if (operation === "getData") return body.watched(path);
  if (operation === "delete") return body.versioned(path);
  const data = Buffer.alloc(dataBytes, "x");
  return operation === "setData" ? body.setData(path, data) : body.create(path, data);
}

function replyBytes(operation: Operation, path: string, dataBytes: number): number {
  const headerBytes = 16;
  const statBytes = 68;
  const bodyBytes = {
    getData: 4 + dataBytes + statBytes,
    setData: statBytes,
    create: 4 + Buffer.byteLength(path),
    delete: 0,
  };
  return headerBytes + bodyBytes[operation];
}
