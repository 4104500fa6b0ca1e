/**
 * Watches and the events they give. P is the changed znode, Q its parent.
 *
 *   created      data table at P: NodeCreated                            child table at Q: NodeChildrenChanged
 *   deleted      data table at P, then child table at P for those not
 *                told yet: NodeDeleted                                   child table at Q: NodeChildrenChanged
 *   dataChanged  data table at P: NodeDataChanged
 *
 * A connection gets at most one event a step. A standard watch is spent by the event at its own path, even when the
 * event is then withheld because its reader may not read the znode (whoever delivers decides that, with the ACL given
 * here). Nothing is merged across the parts of a multi.
 *
 *   registered by                 table          mode
 *   exists, getData               data           standard
 *   getChildren                   child          standard
 *   addWatch persistent           data, child    persistent
 *   addWatch recursive            data           recursive
 *
 * Source: DataTree.java, WatchManager.java, WatchesReport.
 */

import type { TxnHeader } from "#protocol/txn-header.ts";
import type { AclEntry } from "./acl-cache.ts";
import { WatchMode, WatchTable } from "./watch-table.ts";

/** Event types that a server sends. */
export const EventType = { nodeCreated: 1, nodeDeleted: 2, nodeDataChanged: 3, nodeChildrenChanged: 4 } as const;
export type EventType = (typeof EventType)[keyof typeof EventType];

/** One event on its way to its watchers; reused, so whoever keeps anything copies it. */
export interface WatchEvent {
  type: EventType;
  /** The path is `bytes[start, end)`, borrowed. */
  bytes: Buffer;
  start: number;
  end: number;
  zxidHigh: number;
  zxidLow: number;
  /** Whoever may not READ by this list is not told. */
  acl: AclEntry;
  /** Numbers of the connections to tell. */
  readonly connections: number[];
}

export type WatchEventSink = (event: WatchEvent) => void;

export class Watches {
  readonly data: WatchTable = new WatchTable();
  readonly child: WatchTable = new WatchTable();
  #sink: WatchEventSink = () => {};
  readonly #connections: number[] = [];
  #event: WatchEvent | null = null;

  /** Where events go; until it is set (while a log is replayed) nobody watches. */
  set sink(sink: WatchEventSink) {
    this.#sink = sink;
  }

  get size(): number {
    return this.data.size + this.child.size;
  }

  /** Takes away watches of a connection that is gone, up to so many. @returns whether none is left. */
  removeSome(connection: number, max: number): boolean {
    return this.data.removeSome(connection, max) && this.child.removeSome(connection, max);
  }

  created(
    txn: TxnHeader,
    path: Buffer,
    start: number,
    nameStart: number,
    end: number,
    acl: AclEntry,
    parentAcl: AclEntry,
  ): void {
    if (this.size === 0) return;
    const hits = this.#connections;
    hits.length = 0;
    this.data.collect(path.toString("latin1", start, end), hits);
    this.#tell(EventType.nodeCreated, txn, path, start, end, acl);
    this.#childrenChanged(txn, path, start, nameStart, parentAcl);
  }

  deleted(
    txn: TxnHeader,
    path: Buffer,
    start: number,
    nameStart: number,
    end: number,
    acl: AclEntry,
    parentAcl: AclEntry,
  ): void {
    if (this.size === 0) return;
    const hits = this.#connections;
    const key = path.toString("latin1", start, end);
    hits.length = 0;
    this.data.collect(key, hits);
    const told = hits.length > 0 && this.child.size > 0 ? hits.slice() : null;
    this.#tell(EventType.nodeDeleted, txn, path, start, end, acl);
    hits.length = 0;
    this.child.collect(key, hits);
    if (told !== null) keepOnlyAbsent(hits, told);
    this.#tell(EventType.nodeDeleted, txn, path, start, end, acl);
    this.#childrenChanged(txn, path, start, nameStart, parentAcl);
  }

  dataChanged(txn: TxnHeader, path: Buffer, start: number, end: number, acl: AclEntry): void {
    if (this.data.size === 0) return;
    this.#connections.length = 0;
    this.data.collect(path.toString("latin1", start, end), this.#connections);
    this.#tell(EventType.nodeDataChanged, txn, path, start, end, acl);
  }

  #childrenChanged(txn: TxnHeader, path: Buffer, start: number, nameStart: number, parentAcl: AclEntry): void {
    if (this.child.size === 0) return;
    // The parent of a top-level znode is written "/".
    const end = Math.max(nameStart - 1, start + 1);
    this.#connections.length = 0;
    this.child.collect(path.toString("latin1", start, end), this.#connections);
    this.#tell(EventType.nodeChildrenChanged, txn, path, start, end, parentAcl);
  }

  #tell(type: EventType, txn: TxnHeader, bytes: Buffer, start: number, end: number, acl: AclEntry): void {
    if (this.#connections.length === 0) return;
    const { zxidHigh, zxidLow } = txn;
    const event = (this.#event ??= { type, bytes, start, end, zxidHigh, zxidLow, acl, connections: this.#connections });
    event.type = type;
    event.bytes = bytes;
    event.start = start;
    event.end = end;
    event.zxidHigh = zxidHigh;
    event.zxidLow = zxidLow;
    event.acl = acl;
    this.#sink(event);
  }

  /** Registers what addWatch asks for. */
  addPersistent(path: string, connection: number, isRecursive: boolean): void {
    if (isRecursive) {
      this.data.add(path, connection, WatchMode.recursive);
      return;
    }
    this.data.add(path, connection, WatchMode.persistent);
    this.child.add(path, connection, WatchMode.persistent);
  }
}

/** Drops from `hits` whoever is in `told`. */
function keepOnlyAbsent(hits: number[], told: readonly number[]): void {
  const known = new Set(told);
  let kept = 0;
  for (const connection of hits) {
    if (!known.has(connection)) hits[kept++] = connection;
  }
  hits.length = kept;
}
