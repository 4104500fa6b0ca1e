/**
 * When a snapshot is due, and taking it.
 *
 * After every transaction: if more than snapCount/2 + r1 were logged since the last roll, or more than snapSizeLimit/2 +
 * r2 bytes, the log is rolled, new r1 and r2 are drawn, and a snapshot begins in the background, unless one is still
 * being written (the roll has happened all the same). The random part keeps the members of an ensemble from all doing it
 * at once. The snapshot is written in slices while transactions are applied; it is fuzzy by definition.
 *
 * Under hundreds of thousands of writes a second snapCount comes round several times a second, and a server that did
 * nothing but write snapshots would help nobody: after a snapshot that took T none begins for 4 T. What the log holds
 * beyond the newest snapshot stays bounded by that, and is replayed in less time than it took to write.
 *
 * A snapshot that cannot be written ends the server with exit code 10: the disk is full or broken.
 * Source: SyncRequestProcessor.java, ZooKeeperServer.takeSnapshot.
 */

import { assert } from "#base/assert.ts";
import type { ServerMetrics } from "#base/metrics.ts";
import { type Random, randomBelow } from "#base/prng.ts";
import type { Clock } from "#host/clock.ts";
import type { Logger } from "#host/logger.ts";
import { type SnapshotWriteOptions, writeSnapshot } from "#storage/snapshot-file.ts";
import type { TxnLog } from "#storage/txn-log.ts";
import type { JuteWriter } from "#jute/writer.ts";
import { TreeSnapshotSource } from "#tree/snapshot-source.ts";
import type { SnapshotSource } from "#tree/snapshot-stream.ts";
import type { Database } from "./database.ts";

export interface SnapshotTakerParts {
  readonly database: Database;
  readonly log: TxnLog;
  readonly write: SnapshotWriteOptions;
  readonly snapCount: number;
  /** Bytes of log between snapshots, KiB; 0 or less for no limit. */
  readonly snapSizeLimitKb: number;
  readonly random: Random;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: ServerMetrics;
  readonly onFailure: (error: unknown) => void;
}

/** The pause after a snapshot, in times it took. */
const pauseFactor = 4;

export class SnapshotTaker {
  readonly #parts: SnapshotTakerParts;
  #txnCount = 0;
  #countLimit = 0;
  #bytesLimit = 0;
  /** On the monotonic clock: no snapshot begins earlier. */
  #notBeforeMs = 0;
  #running: Promise<void> | null = null;
  #source: RevocableSource | null = null;

  constructor(parts: SnapshotTakerParts) {
    this.#parts = parts;
    this.#draw();
  }

  /** A transaction was handed to the log. */
  txnLogged(): void {
    const { log } = this.#parts;
    this.#txnCount++;
    if (this.#txnCount <= this.#countLimit && !(this.#bytesLimit > 0 && log.totalBytes > this.#bytesLimit)) return;
    this.#txnCount = 0;
    this.#draw();
    log.roll();
    log.resetTotalBytes();
    if (this.#running === null && this.#parts.clock.monotonicMs() >= this.#notBeforeMs) void this.take();
    else this.#parts.logger.warn({}, "Too busy to snap, skipping");
  }

  /** Takes a snapshot of the tree as it is and as it changes meanwhile; resolves when it is durable, or has failed. */
  take(): Promise<void> {
    assert(this.#running === null, "one snapshot is written at a time");
    this.#running = this.#take().finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  /**
   * What is applied from now on must not get into the snapshot that is being written: it is given up, unless all of the tree
   * has been read.
   */
  revoke(): void {
    if (this.#source !== null) this.#source.isRevoked = true;
  }

  /** Resolves when no snapshot is being written. */
  async settled(): Promise<void> {
    await this.#running;
  }

  async #take(): Promise<void> {
    const { database, clock, logger, metrics, write, onFailure } = this.#parts;
    const startMs = clock.monotonicMs();
    const tree = new TreeSnapshotSource(database.tree, (visit) => {
      for (const session of database.sessions.committed()) visit(session.idHigh, session.idLow, session.timeoutMs);
    });
    const source = new RevocableSource(tree);
    this.#source = source;
    try {
      const { path, sizeBytes } = await writeSnapshot(source, write);
      const endMs = clock.monotonicMs();
      this.#notBeforeMs = endMs + (endMs - startMs) * pauseFactor;
      const ms = Math.round(endMs - startMs);
      metrics.snapshottime.add(ms);
      logger.info({ path, sizeBytes, ms }, `Snapshot taken in ${ms} ms`);
    } catch (error) {
      if (error instanceof SnapshotRevoked) logger.info({}, "The snapshot that was being written is given up");
      else onFailure(error);
    } finally {
      source.close();
      this.#source = null;
    }
  }

  #draw(): void {
    const { snapCount, snapSizeLimitKb, random } = this.#parts;
    const half = Math.floor(snapCount / 2);
    this.#countLimit = half + randomBelow(half, random);
    const halfBytes = (snapSizeLimitKb * 1024) / 2;
    this.#bytesLimit = snapSizeLimitKb <= 0 ? 0 : halfBytes + randomBelow(halfBytes, random);
  }
}

/** The snapshot would have had what it must not. */
class SnapshotRevoked extends Error {}

class RevocableSource implements SnapshotSource {
  isRevoked = false;
  readonly #tree: TreeSnapshotSource;

  constructor(tree: TreeSnapshotSource) {
    this.#tree = tree;
  }

  get zxidHigh(): number {
    return this.#tree.zxidHigh;
  }

  get zxidLow(): number {
    return this.#tree.zxidLow;
  }

  writeSome(out: JuteWriter, bytesMax: number): boolean {
    if (this.isRevoked) throw new SnapshotRevoked();
    return this.#tree.writeSome(out, bytesMax);
  }

  finalState(): ReturnType<SnapshotSource["finalState"]> {
    return this.#tree.finalState();
  }

  close(): void {
    this.#tree.close();
  }
}
