/**
 * A disk in memory that takes virtual time: each call begins when it is made and happens after a delay, in the order of the delays;
 * a machine that has died in between never hears of it. What the memory disk below forgets in a crash, and keeps, is
 * thrown by dice.
 */

import type { Disk, DiskFile, OpenMode } from "#host/disk.ts";
import { MemoryDisk } from "../support/memory-disk.ts";
import type { Dice } from "./schedule.ts";

export interface DiskPace {
  readonly dice: Dice;
  /** Longest usual delay of a call. */
  readonly delayMsMax: number;
  /** Does it later, unless the machine has died by then that made the call. */
  readonly later: (delayMs: number, action: () => void) => void;
}

export class SimDisk implements Disk {
  readonly memory: MemoryDisk;
  readonly #pace: DiskPace;

  constructor(memory: MemoryDisk, pace: DiskPace) {
    this.memory = memory;
    this.#pace = pace;
  }

  async open(path: string, mode: OpenMode): Promise<DiskFile> {
    await this.#wait();
    return new SimFile(await this.memory.open(path, mode), this.#pace);
  }

  async list(folder: string): Promise<string[]> {
    await this.#wait();
    return this.memory.list(folder);
  }

  async stat(path: string): Promise<{ sizeBytes: number; modifiedMs: number; isFolder: boolean } | null> {
    await this.#wait();
    return this.memory.stat(path);
  }

  peek(path: string, length: number): Uint8Array | null {
    return this.memory.peek(path, length);
  }

  async makeFolder(path: string): Promise<void> {
    await this.#wait();
    await this.memory.makeFolder(path);
  }

  async isWritable(path: string): Promise<boolean> {
    await this.#wait();
    return this.memory.isWritable(path);
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#wait();
    await this.memory.rename(from, to);
  }

  async remove(path: string): Promise<void> {
    await this.#wait();
    await this.memory.remove(path);
  }

  async syncFolder(path: string): Promise<void> {
    await this.#wait();
    await this.memory.syncFolder(path);
  }

  #wait(): Promise<void> {
    return new Promise((resolve) => later(this.#pace, resolve));
  }
}

class SimFile implements DiskFile {
  readonly #file: DiskFile;
  readonly #pace: DiskPace;

  constructor(file: DiskFile, pace: DiskPace) {
    this.#file = file;
    this.#pace = pace;
  }

  get path(): string {
    return this.#file.path;
  }

  get isDurableOnWrite(): boolean {
    return this.#file.isDurableOnWrite;
  }

  write(bytes: Uint8Array, position: number, done: (error: Error | null) => void): void {
    later(this.#pace, () => this.#file.write(bytes, position, done));
  }

  datasync(done: (error: Error | null) => void): void {
    later(this.#pace, () => this.#file.datasync(done));
  }

  async read(target: Uint8Array, targetOffset: number, length: number, position: number): Promise<number> {
    await this.#wait();
    return this.#file.read(target, targetOffset, length, position);
  }

  async truncate(sizeBytes: number): Promise<void> {
    await this.#wait();
    await this.#file.truncate(sizeBytes);
  }

  async sizeBytes(): Promise<number> {
    await this.#wait();
    return this.#file.sizeBytes();
  }

  async close(): Promise<void> {
    await this.#wait();
    await this.#file.close();
  }

  #wait(): Promise<void> {
    return new Promise((resolve) => later(this.#pace, resolve));
  }
}

function later({ dice, delayMsMax, later: inTime }: DiskPace, action: () => void): void {
  inTime(dice.skewed(delayMsMax), action);
}
