/**
 * A window that slides over a file, for readers that must not hold the event loop: bytes come in chunks of 256 KiB with
 * an await before each, and grow beyond that only for an item that is larger.
 *
 *   bytes  | taken | start ... end | free |      `offset` is where bytes[start] lies in the file
 *
 * Source: none; ZooKeeper reads through BufferedInputStream.
 */

import type { DiskFile } from "#host/disk.ts";

/** Read at a time: small enough to be parsed and applied within a few milliseconds. */
export const chunkBytes: number = 256 * 1024;

export class FileWindow {
  readonly sizeBytes: number;
  readonly #file: DiskFile;
  bytes: Buffer = Buffer.allocUnsafeSlow(chunkBytes);
  /** First byte that was not taken; advanced by the reader. */
  start = 0;
  /** First byte that was not read from the file yet. */
  end = 0;
  #offsetOfBytes = 0;

  constructor(file: DiskFile, sizeBytes: number) {
    this.#file = file;
    this.sizeBytes = sizeBytes;
  }

  /** Offset of the first byte not taken. */
  get offset(): number {
    return this.#offsetOfBytes + this.start;
  }

  get available(): number {
    return this.end - this.start;
  }

  /** Continues at another offset. */
  seek(offset: number): void {
    this.#offsetOfBytes = offset;
    this.start = 0;
    this.end = 0;
  }

  /**
   * Reads on until `count` bytes are available or the file ends; at least one chunk when there is one.
   * @returns whether there are `count`.
   */
  async fill(count: number): Promise<boolean> {
    this.#makeRoom(count);
    for (;;) {
      const got = await this.#file.read(
        this.bytes,
        this.end,
        this.bytes.length - this.end,
        this.#offsetOfBytes + this.end,
      );
      this.end += got;
      if (this.available >= count) return true;
      if (got === 0) return false;
    }
  }

  #makeRoom(count: number): void {
    const available = this.available;
    const target = count > this.bytes.length ? Buffer.allocUnsafeSlow(count + chunkBytes) : this.bytes;
    this.bytes.copy(target, 0, this.start, this.end);
    this.bytes = target;
    this.#offsetOfBytes += this.start;
    this.start = 0;
    this.end = available;
  }
}
