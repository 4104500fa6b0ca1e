/**
 * A disk in memory that forgets what was not synced. Each file has the bytes that readers see and the bytes that are
 * durable; in between lies the list of writes that no sync has covered. Folders are the same with their names.
 *
 *   write -> seen, pending      datasync -> durable      syncFolder -> names durable
 *   crash(keep) -> a new disk: what was durable, and those pending changes that `keep` chooses, one 512-byte sector of a
 *   write at a time, as a device that loses power does it
 *
 * `onCall` sees every call before it happens and may fail it with an error code, or let the machine die there: that call
 * and all later ones never complete, and what the call would have written is pending. Everything runs on microtasks.
 */

import { DiskError } from "#base/errors.ts";
import type { Disk, DiskFile, OpenMode } from "#host/disk.ts";

export type CallVerdict = "ok" | "die" | { readonly code: string };

/** One thing that a crash may keep or lose. */
export interface PendingChange {
  readonly path: string;
  readonly kind: "sector" | "size" | "name";
}

const sectorBytes = 512;

interface FileChange {
  /** Null: a new size. */
  readonly bytes: Buffer | null;
  readonly position: number;
}

class Inode {
  seen: Buffer = Buffer.alloc(0);
  durable: Buffer = Buffer.alloc(0);
  pending: FileChange[] = [];
}

class Folder {
  seen = new Map<string, Inode>();
  durable = new Map<string, Inode>();
  pending: { name: string; inode: Inode | null }[] = [];

  change(name: string, inode: Inode | null): void {
    applyName(this.seen, name, inode);
    this.pending.push({ name, inode });
  }
}

export class MemoryDisk implements Disk {
  readonly isDurableOnWrite: boolean;
  readonly #folders = new Map<string, Folder>();
  readonly readOnlyFolders: Set<string> = new Set();
  /** Calls so far, by which a crash point is named. */
  calls = 0;
  isDead = false;
  openFiles = 0;
  onCall: (action: string, path: string, index: number) => CallVerdict = () => "ok";

  /** @param isDurableOnWrite whether files opened as "create-durable" are durable without a datasync. */
  constructor(isDurableOnWrite = false) {
    this.isDurableOnWrite = isDurableOnWrite;
  }

  /** Writes a file as if it had always been there. */
  put(path: string, bytes: Uint8Array): void {
    const inode = new Inode();
    inode.seen = Buffer.from(bytes);
    inode.durable = Buffer.from(bytes);
    const { folder, name } = this.#locate(path, true);
    folder.seen.set(name, inode);
    folder.durable.set(name, inode);
  }

  /** Takes a file away as if it had never been there. */
  drop(path: string): void {
    const { folder, name } = this.#locate(path, false);
    folder.seen.delete(name);
    folder.durable.delete(name);
    folder.pending = folder.pending.filter((change) => change.name !== name);
  }

  /** The bytes of a file as readers see them. */
  get(path: string): Buffer {
    return this.#inode(path).seen;
  }

  names(folder: string): string[] {
    return [...(this.#folders.get(folder)?.seen.keys() ?? [])].sort();
  }

  /** The disk after a power cut; `keep` is asked about each change that was not durable. */
  crash(keep: (change: PendingChange) => boolean): MemoryDisk {
    const next = new MemoryDisk(this.isDurableOnWrite);
    for (const [path, folder] of this.#folders) {
      const names = new Map(folder.durable);
      for (const { name, inode } of folder.pending) {
        if (keep({ path: `${path}/${name}`, kind: "name" })) applyName(names, name, inode);
      }
      next.#folders.set(path, new Folder());
      for (const [name, inode] of names) next.put(`${path}/${name}`, survivingBytes(`${path}/${name}`, inode, keep));
    }
    return next;
  }

  async open(path: string, mode: OpenMode): Promise<DiskFile> {
    await this.#call("open", path);
    const isCreate = mode === "create" || mode === "create-durable";
    const { folder, name } = this.#locate(path, false);
    let inode = folder.seen.get(name);
    if (inode === undefined) {
      if (!isCreate) throw diskError(path, "open", "ENOENT");
      inode = new Inode();
      folder.change(name, inode);
    } else if (isCreate) {
      inode.seen = Buffer.alloc(0);
      inode.pending.push({ bytes: null, position: 0 });
    }
    this.openFiles++;
    return new MemoryFile(this, path, inode, mode === "create-durable" && this.isDurableOnWrite);
  }

  async list(folder: string): Promise<string[]> {
    await this.#call("list", folder);
    if (!this.#folders.has(folder)) throw diskError(folder, "list", "ENOENT");
    return this.names(folder);
  }

  async stat(path: string): Promise<{ sizeBytes: number; modifiedMs: number; isFolder: boolean } | null> {
    await this.#call("stat", path);
    if (this.#folders.has(path)) return { sizeBytes: 0, modifiedMs: 0, isFolder: true };
    const inode = this.#folders.get(folderOf(path))?.seen.get(nameOf(path));
    return inode === undefined ? null : { sizeBytes: inode.seen.length, modifiedMs: 0, isFolder: false };
  }

  peek(path: string, length: number): Uint8Array | null {
    const inode = this.#folders.get(folderOf(path))?.seen.get(nameOf(path));
    return inode === undefined ? null : inode.seen.subarray(0, length);
  }

  async makeFolder(path: string): Promise<void> {
    await this.#call("makeFolder", path);
    for (let at = path; at !== ""; at = folderOf(at)) {
      if (!this.#folders.has(at)) this.#folders.set(at, new Folder());
    }
  }

  async isWritable(path: string): Promise<boolean> {
    await this.#call("isWritable", path);
    return !this.readOnlyFolders.has(path);
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#call("rename", from, () => {
      const inode = this.#inode(from);
      this.#locate(to, false).folder.change(nameOf(to), inode);
      this.#locate(from, false).folder.change(nameOf(from), null);
    });
  }

  async remove(path: string): Promise<void> {
    await this.#call("remove", path, () => {
      this.#inode(path);
      this.#locate(path, false).folder.change(nameOf(path), null);
    });
  }

  async syncFolder(path: string): Promise<void> {
    await this.#call("syncFolder", path);
    const folder = this.#folders.get(path);
    if (folder === undefined) throw diskError(path, "fsync folder", "ENOENT");
    folder.durable = new Map(folder.seen);
    folder.pending = [];
  }

  /** Asks onCall; `effect` happens when the call succeeds, and stays pending when the machine dies in it. */
  async #call(action: string, path: string, effect: () => void = () => {}): Promise<void> {
    const verdict = this.judge(action, path);
    if (verdict === "die") effect();
    if (verdict === "die" || verdict === "dead") await new Promise<never>(() => {});
    if (typeof verdict === "object") throw diskError(path, action, verdict.code);
    effect();
  }

  judge(action: string, path: string): CallVerdict | "dead" {
    if (this.isDead) return "dead";
    const verdict = this.onCall(action, path, this.calls++);
    if (verdict === "die") this.isDead = true;
    return verdict;
  }

  #locate(path: string, isMade: boolean): { folder: Folder; name: string } {
    let folder = this.#folders.get(folderOf(path));
    if (folder === undefined) {
      if (!isMade) throw diskError(path, "find", "ENOENT");
      for (let at = folderOf(path); at !== "" && !this.#folders.has(at); at = folderOf(at)) {
        this.#folders.set(at, new Folder());
      }
      folder = this.#folders.get(folderOf(path))!;
    }
    return { folder, name: nameOf(path) };
  }

  #inode(path: string): Inode {
    const inode = this.#folders.get(folderOf(path))?.seen.get(nameOf(path));
    if (inode === undefined) throw diskError(path, "find", "ENOENT");
    return inode;
  }
}

class MemoryFile implements DiskFile {
  readonly path: string;
  readonly isDurableOnWrite: boolean;
  readonly #disk: MemoryDisk;
  readonly #inode: Inode;
  #isClosed = false;

  constructor(disk: MemoryDisk, path: string, inode: Inode, isDurableOnWrite: boolean) {
    this.#disk = disk;
    this.path = path;
    this.#inode = inode;
    this.isDurableOnWrite = isDurableOnWrite;
  }

  write(bytes: Uint8Array, position: number, done: (error: Error | null) => void): void {
    const verdict = this.#judge("write");
    if (verdict === "dead") return;
    if (typeof verdict === "object") {
      queueMicrotask(() => done(diskError(this.path, "write", verdict.code)));
      return;
    }
    queueMicrotask(() => {
      // The bytes are taken here and not before: whoever touches them while they are lent is found out.
      const inode = this.#inode;
      const change = { bytes: Buffer.from(bytes), position };
      inode.seen = applyChange(inode.seen, change);
      inode.pending.push(change);
      if (verdict === "die") return;
      if (this.isDurableOnWrite) this.#makeDurable();
      done(null);
    });
  }

  datasync(done: (error: Error | null) => void): void {
    const verdict = this.#judge("datasync");
    if (verdict === "dead" || verdict === "die") return;
    queueMicrotask(() => {
      if (typeof verdict === "object") {
        done(diskError(this.path, "fsync", verdict.code));
        return;
      }
      this.#makeDurable();
      done(null);
    });
  }

  async read(target: Uint8Array, targetOffset: number, length: number, position: number): Promise<number> {
    await this.#call("read");
    const source = this.#inode.seen.subarray(position, position + length);
    target.set(source, targetOffset);
    return source.length;
  }

  async truncate(sizeBytes: number): Promise<void> {
    await this.#call("truncate");
    const change = { bytes: null, position: sizeBytes };
    this.#inode.seen = applyChange(this.#inode.seen, change);
    this.#inode.pending.push(change);
  }

  async sizeBytes(): Promise<number> {
    await this.#call("size");
    return this.#inode.seen.length;
  }

  async close(): Promise<void> {
    if (this.#isClosed) throw new Error(`${this.path} was closed twice`);
    this.#isClosed = true;
    this.#disk.openFiles--;
    await this.#call("close");
  }

  #makeDurable(): void {
    this.#inode.durable = Buffer.from(this.#inode.seen);
    this.#inode.pending = [];
  }

  #judge(action: string): CallVerdict | "dead" {
    if (this.#isClosed) throw new Error(`${this.path} is closed: ${action}`);
    return this.#disk.judge(action, this.path);
  }

  async #call(action: string): Promise<void> {
    const verdict = this.#disk.judge(action, this.path);
    if (verdict === "dead" || verdict === "die") await new Promise<never>(() => {});
    if (typeof verdict === "object") throw diskError(this.path, action, verdict.code);
  }
}

function applyName(names: Map<string, Inode>, name: string, inode: Inode | null): void {
  if (inode === null) names.delete(name);
  else names.set(name, inode);
}

function applyChange(bytes: Buffer, change: FileChange): Buffer {
  const end = change.bytes === null ? change.position : Math.max(bytes.length, change.position + change.bytes.length);
  const next =
    end === bytes.length
      ? bytes
      : Buffer.concat([bytes.subarray(0, end), Buffer.alloc(Math.max(0, end - bytes.length))]);
  change.bytes?.copy(next, change.position);
  return next;
}

function survivingBytes(path: string, inode: Inode, keep: (change: PendingChange) => boolean): Buffer {
  let bytes: Buffer = Buffer.from(inode.durable);
  for (const change of inode.pending) {
    if (change.bytes === null) {
      if (keep({ path, kind: "size" })) bytes = applyChange(bytes, change);
      continue;
    }
    const end = change.position + change.bytes.length;
    for (let at = change.position; at < end;) {
      const sectorEnd = Math.min(end, (Math.floor(at / sectorBytes) + 1) * sectorBytes);
      const part = change.bytes.subarray(at - change.position, sectorEnd - change.position);
      if (keep({ path, kind: "sector" })) bytes = applyChange(bytes, { bytes: part, position: at });
      at = sectorEnd;
    }
  }
  return bytes;
}

function diskError(path: string, action: string, code: string): DiskError {
  return new DiskError({ path, action }, Object.assign(new Error(`${code}: ${action}`), { code }));
}

function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/"));
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
