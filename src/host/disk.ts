/**
 * The disk, handed in: the real one (node/disk.ts), or a test's, which forgets unsynced bytes and fails on demand.
 * The transaction log's two calls take callbacks, since they run on the request path; everything else is a promise.
 * Every failure is a DiskError that names path and action.
 */

export type OpenMode = "read" | "create" | "create-durable" | "update";

export interface DiskFile {
  readonly path: string;
  /** True when a write is durable once it is done, so that datasync has nothing left to do. */
  readonly isDurableOnWrite: boolean;
  /** Writes all of `bytes` at `position`; `bytes` must stay untouched until `done`. */
  write(bytes: Uint8Array, position: number, done: (error: Error | null) => void): void;
  /** Makes what was written durable (fdatasync). */
  datasync(done: (error: Error | null) => void): void;
  /** Reads up to `length` bytes into `target` at `targetOffset`; resolves to the count, 0 at the end of the file. */
  read(target: Uint8Array, targetOffset: number, length: number, position: number): Promise<number>;
  truncate(sizeBytes: number): Promise<void>;
  sizeBytes(): Promise<number>;
  close(): Promise<void>;
}

export interface Disk {
  /**
   * "read": must exist. "create": truncated if it exists. "create-durable": the same, and each write is durable when it
   * is done, where the system can do that in one call. "update": must exist, readable and writable.
   */
  open(path: string, mode: OpenMode): Promise<DiskFile>;
  /** Names in a folder, unsorted; an absent folder is an error. */
  list(folder: string): Promise<string[]>;
  /** Size and modification time, or null when there is no such file. */
  stat(path: string): Promise<{ sizeBytes: number; modifiedMs: number; isFolder: boolean } | null>;
  /** The first bytes of a file, at once, or null when there are none: for a word that somebody else writes there. */
  peek(path: string, length: number): Uint8Array | null;
  /** Creates a folder and the missing ones above it; an existing one is no error. */
  makeFolder(path: string): Promise<void>;
  /** Whether this process may create files in the folder. */
  isWritable(path: string): Promise<boolean>;
  rename(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  /** Makes creations, renames and removals in a folder durable. */
  syncFolder(path: string): Promise<void>;
}
