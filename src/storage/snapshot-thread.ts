/**
 * Reading a snapshot on two threads: one reads, expands, sums and scans the file; the other, the event loop's, puts
 * what was found into the tree. A slice goes from one to the other without being copied: it lies in shared memory, of which
 * there is a handful, taken in turn.
 *
 *   scanner's thread   --- slice -->   event loop
 *                      <-- "used" --
 *
 * It pays from some megabytes on: a thread takes some thirty milliseconds to begin. A million znodes of 100 bytes are
 * loaded in 0.6 s instead of 0.9 s, on 2 cores. Letting the second thread also touch the memory that the tree will need
 * next makes it 0.75 s: page faults of one process wait for each other.
 * Source: none; ZooKeeper reads on one thread.
 */

import { CorruptionError, DiskError, errorMessage } from "#base/errors.ts";
import type { Disk } from "#host/disk.ts";
import type { ThreadPort, Threads } from "#host/threads.ts";
import type { Timers } from "#host/timers.ts";
import type { SnapshotScanner } from "#tree/snapshot-stream.ts";
import {
  newSliceMemory,
  scanSnapshot,
  type SliceMemory,
  type SliceMemorySource,
  type SnapshotSlice,
} from "./snapshot-reader.ts";

/** Slices that may be between the threads. */
const memoryCount = 4;

/** What the scanner's thread is told when it starts. */
export interface ScanTask<ScannerOptions> {
  readonly path: string;
  readonly scannerOptions: ScannerOptions;
}

/** Sent to the scanner: the memory of the oldest slice is free again. */
const used = "used";

/** Sent by the scanner: a slice, or why there are no more. */
type FromScanner =
  | { readonly kind: "slice"; readonly slice: SnapshotSlice }
  | { readonly kind: "corrupt"; readonly facts: CorruptionError["facts"] }
  | { readonly kind: "diskFailed"; readonly facts: DiskError["facts"]; readonly cause: string };

/**
 * As scanSnapshot, with the work done by another thread, which ends with the iteration.
 * @throws CorruptionError, DiskError
 */
export async function* scanOnThread<ScannerOptions>(
  threads: Threads,
  timers: Timers,
  task: ScanTask<ScannerOptions>,
): AsyncGenerator<SnapshotSlice> {
  const inbox = new Inbox();
  const thread = threads.start("snapshot-thread", task, {
    message: (message) => inbox.push(message as FromScanner),
    failed: (error) => inbox.push(error),
  });
  try {
    for (;;) {
      // One slice in a turn of the event loop, even when more are there already.
      await new Promise<void>((resolve) => timers.atTurnEnd(resolve));
      const message = await inbox.next();
      if (message instanceof Error) throw message;
      if (message.kind === "corrupt") throw new CorruptionError(message.facts);
      if (message.kind === "diskFailed") throw new DiskError(message.facts, message.cause);
      const { bytes } = message.slice;
      yield { ...message.slice, bytes: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length) };
      if (message.slice.trailer !== null) return;
      thread.post(used);
    }
  } finally {
    thread.stop();
  }
}

/** What the thread sent and nobody has looked at. */
class Inbox {
  readonly #messages: (FromScanner | Error)[] = [];
  #wake: (() => void) | null = null;

  push(message: FromScanner | Error): void {
    this.#messages.push(message);
    this.#wake?.();
  }

  async next(): Promise<FromScanner | Error> {
    for (;;) {
      const message = this.#messages.shift();
      if (message !== undefined) return message;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}

/** The other end: scans the file and posts its slices, waiting for memory to come back. */
export async function serveScan(disk: Disk, path: string, scanner: SnapshotScanner, port: ThreadPort): Promise<void> {
  const memories = new SharedMemories();
  const post = (message: FromScanner): void => port.post(message);
  port.onMessage(() => memories.giveBackOldest());
  try {
    for await (const slice of scanSnapshot(disk, path, scanner, memories)) post({ kind: "slice", slice });
  } catch (error) {
    if (error instanceof CorruptionError) post({ kind: "corrupt", facts: error.facts });
    else if (error instanceof DiskError) {
      post({ kind: "diskFailed", facts: error.facts, cause: errorMessage(error.cause) });
    } else throw error;
  }
}

class SharedMemories implements SliceMemorySource {
  readonly #memories: readonly SliceMemory[] = Array.from({ length: memoryCount }, () =>
    newSliceMemory(allocateShared),
  );
  #given = 0;
  #givenBack = 0;
  #wake: (() => void) | null = null;

  async next(): Promise<SliceMemory> {
    while (this.#given - this.#givenBack === memoryCount) await new Promise<void>((resolve) => (this.#wake = resolve));
    return this.#memories[this.#given++ % memoryCount]!;
  }

  allocate(sizeBytes: number): Buffer {
    return allocateShared(sizeBytes);
  }

  giveBackOldest(): void {
    this.#givenBack++;
    this.#wake?.();
  }
}

function allocateShared(sizeBytes: number): Buffer {
  return Buffer.from(new SharedArrayBuffer(sizeBytes));
}
