/**
 * A socket that waits in the kernel, as a thread of a C client does, and not in an event loop: that would add its own turns to
 * every answer, and half of what is measured would be the generator.
 */

import { readSync, writeSync } from "node:fs";
import type { Socket } from "node:net";

/** What node keeps behind a socket. */
interface BlockingHandle {
  readonly fd: number;
  readStop(): number;
  setBlocking(isBlocking: boolean): number;
}

export class BlockingSocket {
  readonly #fd: number;

  /** Takes a connected socket over; its events are over. */
  constructor(socket: Socket) {
    const handle = (socket as Socket & { readonly _handle: BlockingHandle })._handle;
    handle.readStop();
    handle.setBlocking(true);
    this.#fd = handle.fd;
  }

  write(bytes: Uint8Array): void {
    writeSync(this.#fd, bytes);
  }

  /** Waits for bytes and puts them into `into`, from `offset` on. @returns how many; 0 when the other end has closed. */
  read(into: Buffer, offset: number, length: number = into.length - offset): number {
    return readSync(this.#fd, into, offset, length, null);
  }
}
