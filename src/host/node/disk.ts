/**
 * The real disk: node:fs behind the interfaces of host/disk.ts. Every failure leaves as a DiskError that names the path
 * and the action, with the system's error as its cause.
 *
 * "create-durable" opens with O_DSYNC on Linux: the kernel returns from the write when the data, and the metadata that
 * is needed to read it back, is on the device. That is write and fdatasync in one system call and one trip to the
 * thread pool. Elsewhere O_DSYNC promises less than fdatasync does (macOS keeps the device's cache), so there the file
 * says that its writes are not durable by themselves, and its owner calls datasync.
 * Source: none; ZooKeeper uses java.io.
 */

import {
  close,
  closeSync,
  constants,
  fdatasync,
  fstat,
  ftruncate,
  open,
  openSync,
  read,
  readSync,
  write,
} from "node:fs";
import { access, mkdir, open as openHandle, readdir, rename, stat, unlink } from "node:fs/promises";
import { dirname } from "node:path";
import { DiskError, errorCode } from "#base/errors.ts";
import type { Disk, DiskFile, OpenMode } from "../disk.ts";

const isDsyncTrusted = process.platform === "linux";
const filePermissions = 0o644;

/** Files and folders of this machine. */
export class NodeDisk implements Disk {
  open(path: string, mode: OpenMode): Promise<DiskFile> {
    const isDurableOnWrite = mode === "create-durable" && isDsyncTrusted;
    return new Promise((resolve, reject) => {
      open(path, openFlags(mode), filePermissions, (error, descriptor) => {
        if (error === null) resolve(new NodeFile(path, descriptor, isDurableOnWrite));
        else reject(new DiskError({ path, action: "open" }, error));
      });
    });
  }

  list(folder: string): Promise<string[]> {
    return naming(folder, "list", readdir(folder));
  }

  async stat(path: string): Promise<{ sizeBytes: number; modifiedMs: number; isFolder: boolean } | null> {
    try {
      const facts = await stat(path);
      return { sizeBytes: facts.size, modifiedMs: facts.mtimeMs, isFolder: facts.isDirectory() };
    } catch (cause) {
      // Below something that is no folder there is nothing either.
      if (errorCode(cause) === "ENOENT" || errorCode(cause) === "ENOTDIR") return null;
      throw new DiskError({ path, action: "stat" }, cause);
    }
  }

  peek(path: string, length: number): Uint8Array | null {
    try {
      const descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
      try {
        const bytes = Buffer.alloc(length);
        return bytes.subarray(0, readSync(descriptor, bytes, 0, length, 0));
      } finally {
        closeSync(descriptor);
      }
    } catch {
      return null;
    }
  }

  async makeFolder(path: string): Promise<void> {
    await naming(path, "make folder", makeFolders(path));
  }

  async isWritable(path: string): Promise<boolean> {
    try {
      await access(path, constants.W_OK);
      return true;
    } catch {
      return false;
    }
  }

  rename(from: string, to: string): Promise<void> {
    return naming(from, "rename", rename(from, to));
  }

  remove(path: string): Promise<void> {
    return naming(path, "remove", unlink(path));
  }

  async syncFolder(path: string): Promise<void> {
    if (process.platform === "win32") return;
    const handle = await naming(path, "open folder", openHandle(path, "r"));
    try {
      await naming(path, "fsync folder", handle.sync());
    } finally {
      await naming(path, "close folder", handle.close());
    }
  }
}

class NodeFile implements DiskFile {
  readonly path: string;
  readonly isDurableOnWrite: boolean;
  readonly #descriptor: number;

  constructor(path: string, descriptor: number, isDurableOnWrite: boolean) {
    this.path = path;
    this.#descriptor = descriptor;
    this.isDurableOnWrite = isDurableOnWrite;
  }

  write(bytes: Uint8Array, position: number, done: (error: Error | null) => void): void {
    this.#writeFrom(bytes, 0, position, done);
  }

  /** The system may take less than it was given: go on with the rest until all is written. */
  #writeFrom(bytes: Uint8Array, from: number, position: number, done: (error: Error | null) => void): void {
    write(this.#descriptor, bytes, from, bytes.length - from, position, (error, count) => {
      if (error !== null) done(new DiskError({ path: this.path, action: "write" }, error));
      else if (from + count === bytes.length) done(null);
      else if (count === 0) done(new DiskError({ path: this.path, action: "write" }, "no progress"));
      else this.#writeFrom(bytes, from + count, position + count, done);
    });
  }

  datasync(done: (error: Error | null) => void): void {
    fdatasync(this.#descriptor, (error) => {
      done(error === null ? null : new DiskError({ path: this.path, action: "fsync" }, error));
    });
  }

  read(target: Uint8Array, targetOffset: number, length: number, position: number): Promise<number> {
    return new Promise((resolve, reject) => {
      read(this.#descriptor, target, targetOffset, length, position, (error, count) => {
        if (error === null) resolve(count);
        else reject(new DiskError({ path: this.path, action: "read" }, error));
      });
    });
  }

  truncate(sizeBytes: number): Promise<void> {
    return new Promise((resolve, reject) => {
      ftruncate(this.#descriptor, sizeBytes, (error) => {
        if (error === null) resolve();
        else reject(new DiskError({ path: this.path, action: "truncate" }, error));
      });
    });
  }

  sizeBytes(): Promise<number> {
    return new Promise((resolve, reject) => {
      fstat(this.#descriptor, (error, facts) => {
        if (error === null) resolve(facts.size);
        else reject(new DiskError({ path: this.path, action: "stat" }, error));
      });
    });
  }

  close(): Promise<void> {
    return new Promise((resolve, reject) => {
      close(this.#descriptor, (error) => {
        if (error === null || error === undefined) resolve();
        else reject(new DiskError({ path: this.path, action: "close" }, error));
      });
    });
  }
}

function openFlags(mode: OpenMode): number {
  const create = constants.O_RDWR | constants.O_CREAT | constants.O_TRUNC;
  switch (mode) {
    case "read":
      return constants.O_RDONLY;
    case "update":
      return constants.O_RDWR;
    case "create":
      return create;
    case "create-durable":
      return isDsyncTrusted ? create | constants.O_DSYNC : create;
    default:
      return mode satisfies never;
  }
}

/** Node's own recursion goes round for ever where a folder is there and takes no other, such as /proc. */
async function makeFolders(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (cause) {
    if (errorCode(cause) === "EEXIST" && (await stat(path)).isDirectory()) return;
    if (errorCode(cause) !== "ENOENT" || dirname(path) === path) throw cause;
    await makeFolders(dirname(path));
    await mkdir(path);
  }
}

async function naming<Result>(path: string, action: string, work: Promise<Result>): Promise<Result> {
  try {
    return await work;
  } catch (cause) {
    throw new DiskError({ path, action }, cause);
  }
}
