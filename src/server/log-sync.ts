/**
 * Brings a learner up to date from the log's files: what it lacks that the window has no more.
 *
 *   files  ... | learner's last | sent as PROPOSAL and COMMIT ... | window: sent by the broadcast, as always
 *
 * Used only when the files have every transaction from the learner's last one on, and are not larger than a part of the
 * newest snapshot (zookeeper.snapshotSizeFactor; 0 is no limit): else the tree is the shorter way. While files are being
 * read the window keeps what it has.
 * Source: LearnerHandler.syncFollower, TxnLogProposalIterator.java, ZKDatabase.calculateTxnLogSizeLimit.
 */

import { CorruptionError } from "#base/errors.ts";
import { highOf, longOf, lowOf } from "#base/zxid.ts";
import { readInt32 } from "#jute/reader.ts";
import { PacketType, writePacket, writePacketWithData } from "#protocol/quorum-packet.ts";
import { zxidInTxnHeader } from "#protocol/txn-header.ts";
import type { LearnerHandler } from "#quorum/learner-handler.ts";
import type { TxnWindow } from "#quorum/txn-window.ts";
import type { DataFolders } from "#storage/datadir.ts";
import { filesOfKind, type NamedFile } from "#storage/file-names.ts";
import { findValidSnapshots } from "#storage/recovery.ts";
import { readTxnLog } from "#storage/txn-log-reader.ts";
import type { HostParts } from "./host-parts.ts";
import type { ReplicaParts } from "./replica.ts";

export interface LogSyncEvents {
  /** Told first: whether the files have it all. */
  found(isComplete: boolean): void;
  /** They have been sent up to there; the window goes on. */
  done(lastZxid: bigint, nowMs: number): void;
}

export class LogSync {
  readonly #parts: ReplicaParts;
  readonly #host: HostParts;
  readonly #folders: DataFolders;
  readonly #window: TxnWindow;

  constructor(parts: ReplicaParts, folders: DataFolders, window: TxnWindow) {
    this.#parts = parts;
    this.#host = parts.host;
    this.#folders = folders;
    this.#window = window;
  }

  /** Sends what the files have behind the learner's zxid, if they have all of it. */
  async run(handler: LearnerHandler, learnerZxid: bigint, events: LogSyncEvents): Promise<void> {
    const release = this.#window.hold();
    try {
      await this.#run(handler, learnerZxid, events);
    } catch (error) {
      if (!(error instanceof CorruptionError)) throw error;
      this.#host.logger.warn({ ...error.facts }, `the log cannot be read for a learner: ${error.message}`);
      handler.close("the log cannot be read");
    } finally {
      release();
      this.#parts.turnEnded();
    }
  }

  async #run(handler: LearnerHandler, learnerZxid: bigint, events: LogSyncEvents): Promise<void> {
    const { disk, logger, clock, timers } = this.#host;
    // With nothing in the window nobody knows how far the files may be trusted.
    if (this.#window.committedCount === 0) {
      events.found(false);
      return;
    }
    const { zxidHigh, zxidLow } = this.#window.at(0);
    const until = { zxidHigh, zxidLow };
    if (!(await this.#isWorthwhile(learnerZxid)) || !(await this.#canRead(learnerZxid, until))) {
      events.found(false);
      return;
    }
    events.found(true);
    let last = learnerZxid;
    await readTxnLog({
      disk,
      logger,
      folder: this.#folders.logFolder,
      afterHigh: highOf(learnerZxid),
      afterLow: lowOf(learnerZxid),
      firstCounter: this.#parts.config.ensemble!.firstCounter,
      isReadOnly: true,
      until,
      pace: async () => {
        if (handler.state === "Gone") return;
        const { promise, resolve } = Promise.withResolvers<void>();
        if (handler.link.flushPiece(resolve)) timers.atTurnEnd(resolve);
        await promise;
      },
      onRecord: (bytes, start, end) => {
        if (handler.state === "Gone") return;
        const zxidHigh = readInt32(bytes, start + zxidInTxnHeader);
        const zxidLow = readInt32(bytes, start + zxidInTxnHeader + 4);
        const out = handler.link.open();
        writePacketWithData(out, PacketType.proposal, { zxidHigh, zxidLow }, bytes, start, end);
        writePacket(out, PacketType.commit, zxidHigh, zxidLow);
        last = longOf(zxidHigh, zxidLow);
      },
    });
    events.done(last, clock.monotonicMs());
  }

  /**
   * Whether reading the files is less work than sending the tree. As in ZooKeeper, the file that the learner's last
   * transaction is in does not count: some of it is behind the learner, and some of it may be padding.
   */
  async #isWorthwhile(learnerZxid: bigint): Promise<boolean> {
    const { disk, logger } = this.#host;
    const { snapshotSizeFactor } = this.#parts.config.ensemble!;
    if (snapshotSizeFactor === 0) return true;
    const { snapshotFolder } = this.#folders;
    const [newest] = await findValidSnapshots({ disk, logger }, snapshotFolder, 1);
    if (newest === undefined) return true;
    const snapshotBytes = (await disk.stat(newest.path))?.sizeBytes ?? 0;
    let logBytes = 0;
    const [_, ...files] = await this.#filesFrom(learnerZxid);
    for (const { path } of files) logBytes += (await disk.stat(path))?.sizeBytes ?? 0;
    return logBytes <= snapshotBytes * snapshotSizeFactor;
  }

  /**
   * Whether {@link #hasAll} holds. A gap is no damage here: where this server once was sent a tree, its files lack what the
   * tree had.
   */
  async #canRead(learnerZxid: bigint, until: { zxidHigh: number; zxidLow: number }): Promise<boolean> {
    try {
      return await this.#hasAll(learnerZxid, until);
    } catch (error) {
      if (!(error instanceof CorruptionError)) throw error;
      this.#host.logger.info({ ...error.facts }, `not sent from the log, but as a tree: ${error.message}`);
      return false;
    }
  }

  /** Whether the files have the learner's last transaction and everything from there up to the window. */
  async #hasAll(learnerZxid: bigint, until: { zxidHigh: number; zxidLow: number }): Promise<boolean> {
    const { disk, logger } = this.#host;
    const before = learnerZxid - 1n;
    let isFound = false;
    let last = before;
    await readTxnLog({
      disk,
      logger,
      folder: this.#folders.logFolder,
      afterHigh: highOf(before),
      afterLow: lowOf(before),
      firstCounter: this.#parts.config.ensemble!.firstCounter,
      isReadOnly: true,
      until,
      onRecord: (bytes, start) => {
        last = longOf(readInt32(bytes, start + zxidInTxnHeader), readInt32(bytes, start + zxidInTxnHeader + 4));
        if (last === learnerZxid) isFound = true;
      },
    });
    const first = longOf(until.zxidHigh, until.zxidLow);
    const isJoined = last + 1n === first || (first & 0xffffffffn) === 1n;
    return isFound && isJoined;
  }

  async #filesFrom(zxid: bigint): Promise<NamedFile[]> {
    const { logFolder } = this.#folders;
    const files = filesOfKind(logFolder, await this.#host.disk.list(logFolder), "log");
    const above = files.findIndex((file) => longOf(file.zxidHigh, file.zxidLow) > zxid);
    return files.slice(Math.max(0, (above < 0 ? files.length : above) - 1));
  }
}
