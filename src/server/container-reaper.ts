/**
 * Removes containers that have lost their last child, and TTL znodes that nobody has set for too long.
 *
 *   container   no children, and had one (stored cversion > 0); or never had one, and older than
 *               znode.container.maxNeverUsedIntervalMs, if that is set
 *   TTL         no children, and now - mtime > ttl
 *
 * Looked for every znode.container.checkIntervalMs; removed one by one, at most znode.container.maxPerMinute, by
 * requests of the server's own that are judged again when their turn comes. A scan over millions of znodes goes in
 * slices.
 * Source: ContainerManager.java.
 */

import { numberOf } from "#base/zxid.ts";
import type { Clock } from "#host/clock.ts";
import type { Logger } from "#host/logger.ts";
import type { Timer, Timers } from "#host/timers.ts";
import type { DataTree } from "#tree/data-tree.ts";
import { ttlOfOwner } from "#tree/ephemeral-owner.ts";
import { StatField } from "#tree/znode-store.ts";

export interface ReaperOptions {
  readonly checkIntervalMs: number;
  readonly maxPerMinute: number;
  readonly maxNeverUsedIntervalMs: number;
}

/** Znodes looked at before other work gets its turn. */
const sliceZnodesMax = 10_000;

export class ContainerReaper {
  readonly #tree: DataTree;
  readonly #options: ReaperOptions;
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #logger: Logger;
  readonly #remove: (path: Buffer) => void;
  #timer: Timer | null = null;
  #isStopped = false;

  /** `remove` submits the removal of a path. */
  constructor(parts: {
    tree: DataTree;
    options: ReaperOptions;
    clock: Clock;
    timers: Timers;
    logger: Logger;
    remove: (path: Buffer) => void;
  }) {
    this.#tree = parts.tree;
    this.#options = parts.options;
    this.#clock = parts.clock;
    this.#timers = parts.timers;
    this.#logger = parts.logger;
    this.#remove = parts.remove;
  }

  start(): void {
    this.#wait(this.#options.checkIntervalMs, () => this.#scan(this.#candidates()));
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
  }

  #wait(delayMs: number, action: () => void): void {
    if (!this.#isStopped) this.#timer = this.#timers.after(delayMs, action);
  }

  /** Goes on until a candidate is found or a slice is over. */
  #scan(candidates: Iterator<number>): void {
    for (let looked = 0; looked < sliceZnodesMax; looked++) {
      const next = candidates.next();
      if (next.done === true) {
        this.start();
        return;
      }
      if (next.value === 0) continue;
      const path = this.#tree.pathOf(next.value);
      this.#logger.info({ path }, `Attempting to delete candidate container: ${path}`);
      this.#remove(Buffer.from(path));
      this.#wait(60_000 / this.#options.maxPerMinute, () => this.#scan(candidates));
      return;
    }
    this.#wait(0, () => this.#scan(candidates));
  }

  /** Ids of what may go; 0 for what may not, so that a caller can count what was looked at. */
  *#candidates(): Generator<number> {
    const nowMs = this.#clock.wallMs();
    for (const id of this.#tree.owned.containers) yield this.#isContainerDue(id, nowMs) ? id : 0;
    for (const id of this.#tree.owned.ttls) yield this.#isTtlDue(id, nowMs) ? id : 0;
  }

  #isContainerDue(id: number, nowMs: number): boolean {
    const { store } = this.#tree;
    if (store.stat(id, StatField.numChildren) > 0) return false;
    if (store.stat(id, StatField.storedCversion) > 0) return true;
    const { maxNeverUsedIntervalMs } = this.#options;
    return maxNeverUsedIntervalMs !== 0 && nowMs - this.#mtimeMs(id) > maxNeverUsedIntervalMs;
  }

  #isTtlDue(id: number, nowMs: number): boolean {
    const { store } = this.#tree;
    if (store.stat(id, StatField.numChildren) > 0) return false;
    const ttlMs = ttlOfOwner(store.stat(id, StatField.ephemeralOwner), store.statLow(id, StatField.ephemeralOwner));
    return nowMs - this.#mtimeMs(id) > ttlMs;
  }

  #mtimeMs(id: number): number {
    const { store } = this.#tree;
    return numberOf(store.stat(id, StatField.mtime), store.statLow(id, StatField.mtime));
  }
}
