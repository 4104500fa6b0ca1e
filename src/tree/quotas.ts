/**
 * Quotas: limits on the number and bytes of znodes below a path, kept in ordinary znodes that clients create.
 *
 *   /zookeeper/quota<P>/zookeeper_limits   its creation registers P, its deletion ends the quota
 *   /zookeeper/quota<P>/zookeeper_stats    totals below P, P included, which the server keeps up to date
 *
 * The deepest registered path that is a prefix of a changed one takes the change. Totals are rewritten silently: no
 * version, no zxid, no watch, no log. They are counted anew when the stats znode is created and when a database is
 * loaded. A quota on the root is stored and never applied. Totals that a client has overwritten with something else
 * are counted anew instead of stopping the server, as ZooKeeper's parser does.
 * Source: Quotas.java, DataTree.updateQuotaStat, ZooKeeperServer.checkQuota.
 */

import { mapKey, PathLengths } from "#base/map-key.ts";
import type { DataTree } from "./data-tree.ts";
import { isBytes } from "./path.ts";
import { exceededQuotas, formatQuotaText, parseQuotaText, type QuotaExcess, type QuotaText } from "./quota-text.ts";
import { TreeWalker } from "./tree-walker.ts";
import { Field, StatField, ZnodeFlag } from "./znode-store.ts";

const quotaRoot = "/zookeeper/quota";
const limitsName = Buffer.from("zookeeper_limits");
const statsName = Buffer.from("zookeeper_stats");

/** The limits a change would cross, and the path whose quota it is. */
export interface QuotaVerdict {
  readonly path: string;
  readonly excesses: readonly QuotaExcess[];
}

export class Quotas {
  readonly #tree: DataTree;
  /** Paths with a quota, as latin1 text of their bytes, by their keys. */
  readonly #paths = new Map<string, string>();
  #lengths = new PathLengths();

  constructor(tree: DataTree) {
    this.#tree = tree;
  }

  get paths(): Iterable<string> {
    return this.#paths.values();
  }

  afterCreate(path: Buffer, start: number, nameStart: number, end: number, id: number): void {
    if (isBytes(path, nameStart, end, limitsName)) {
      const target = quotaTarget(path, start, nameStart);
      if (target !== null && target !== "") this.#register(target);
    } else if (isBytes(path, nameStart, end, statsName)) {
      const target = quotaTarget(path, start, nameStart);
      if (target !== null && target !== "") this.recount(target);
    }
    if (this.#paths.size > 0) this.#change(path, start, end, this.#tree.store.stat(id, StatField.dataLength), 1);
  }

  afterDelete(path: Buffer, start: number, nameStart: number, end: number, dataLength: number): void {
    if (this.#paths.size === 0) return;
    if (isBytes(path, nameStart, end, limitsName)) {
      const target = quotaTarget(path, start, nameStart);
      if (target !== null && this.#paths.delete(mapKey(target))) this.#lengths.remove(target);
    }
    this.#change(path, start, end, -dataLength, -1);
  }

  afterSetData(path: Buffer, start: number, end: number, bytesDifference: number): void {
    if (this.#paths.size > 0) this.#change(path, start, end, bytesDifference, 0);
  }

  /** What a change of the given size below `path` would exceed; null when no quota looks at it. */
  judge(
    path: Buffer,
    start: number,
    end: number,
    bytesDifference: number,
    countDifference: number,
  ): QuotaVerdict | null {
    const target = this.#targetOf(path, start, end);
    if (target === null) return null;
    const limits = this.#read(`${quotaRoot}${target}/zookeeper_limits`);
    const totals = this.#read(`${quotaRoot}${target}/zookeeper_stats`);
    if (limits === null || totals === null) return null;
    const excesses = exceededQuotas(limits, totals, { count: countDifference, bytes: bytesDifference });
    return { path: Buffer.from(target, "latin1").toString("utf8"), excesses };
  }

  /** Limits and totals of a registered path, for metrics. */
  usageOf(target: string): { limits: QuotaText | null; totals: QuotaText | null } {
    return {
      limits: this.#read(`${quotaRoot}${target}/zookeeper_limits`),
      totals: this.#read(`${quotaRoot}${target}/zookeeper_stats`),
    };
  }

  /** Registers every quota of a loaded tree and counts its totals. */
  rebuild(): void {
    this.#paths.clear();
    this.#lengths = new PathLengths();
    const { store } = this.#tree;
    const top = this.#tree.find(Buffer.from(quotaRoot), 0, quotaRoot.length);
    if (top === 0) return;
    const walker = new TreeWalker(this.#tree, top);
    for (let id = walker.next(); id !== 0; id = walker.next()) {
      const at = store.nameOffset(id);
      if (!isBytes(store.nameBuffer(id), at, at + store.get(id, Field.nameLength), limitsName)) continue;
      const target = this.#tree.pathOf(store.get(id, Field.parent), "latin1").slice(quotaRoot.length);
      if (target !== "") this.#register(target);
    }
    walker.close();
    for (const target of this.paths) this.recount(target);
  }

  /** Counts a path's totals anew and writes them into its stats znode, if that exists. */
  recount(target: string): void {
    const stats = this.#findText(`${quotaRoot}${target}/zookeeper_stats`);
    if (stats === 0) return;
    const { store } = this.#tree;
    const top = this.#findText(target);
    let count = 0;
    let bytes = 0;
    if (top !== 0) {
      const walker = new TreeWalker(this.#tree, top);
      for (let id = walker.next(); id !== 0; id = walker.next()) {
        count++;
        bytes += store.stat(id, StatField.dataLength);
      }
      walker.close();
    }
    this.#tree.setDataSilently(stats, Buffer.from(formatQuotaText(count, bytes)));
  }

  #change(path: Buffer, start: number, end: number, bytesDifference: number, countDifference: number): void {
    const target = this.#targetOf(path, start, end);
    if (target === null) return;
    const statsPath = `${quotaRoot}${target}/zookeeper_stats`;
    const stats = this.#findText(statsPath);
    if (stats === 0) return;
    const totals = this.#read(statsPath);
    if (totals === null) {
      this.recount(target);
      return;
    }
    const text = formatQuotaText(totals.count + countDifference, totals.bytes + bytesDifference, totals.furtherKeys);
    this.#tree.setDataSilently(stats, Buffer.from(text));
  }

  #register(target: string): void {
    const key = mapKey(target);
    if (this.#paths.has(key)) return;
    this.#paths.set(key, target);
    this.#lengths.add(target);
  }

  /** The deepest registered prefix of a path. */
  #targetOf(path: Buffer, start: number, end: number): string | null {
    if (this.#paths.size === 0) return null;
    const text = path.toString("latin1", start, end);
    let target = this.#paths.get(mapKey(text));
    if (target !== undefined) return target;
    for (const key of this.#lengths.ancestorKeys(text)) target = this.#paths.get(key) ?? target;
    return target ?? null;
  }

  #findText(path: string): number {
    const bytes = Buffer.from(path, "latin1");
    return this.#tree.find(bytes, 0, bytes.length);
  }

  #read(path: string): QuotaText | null {
    const id = this.#findText(path);
    if (id === 0) return null;
    const { store } = this.#tree;
    if (store.hasFlag(id, ZnodeFlag.nullData)) return null;
    const at = store.dataOffset(id);
    return parseQuotaText(store.nameBuffer(id).toString("utf8", at, at + store.stat(id, StatField.dataLength)));
  }
}

/** The P of `/zookeeper/quota<P>/`, whose last slash stands before `nameStart`; null outside the quota tree. */
function quotaTarget(path: Buffer, start: number, nameStart: number): string | null {
  const parent = path.toString("latin1", start, nameStart - 1);
  return parent === quotaRoot || parent.startsWith(`${quotaRoot}/`) ? parent.slice(quotaRoot.length) : null;
}
