/**
 * Requests about watches: setting them again after a reconnect, adding persistent ones, asking, removing.
 *
 * setWatches carries what the client believed at `relativeZxid`. Whatever changed since is told at once, as an event
 * without a zxid and without a look at ACLs; the rest is registered:
 *
 *   data        missing: NodeDeleted;  mzxid newer: NodeDataChanged;      else registered
 *   exist       present: NodeCreated;                                     else registered
 *   child       missing: NodeDeleted;  pzxid newer: NodeChildrenChanged;  else registered
 *   persistent, persistentRecursive: registered, no catching up
 *
 * Source: DataTree.setWatches, addWatch, containsWatcher, removeWatch; Watcher.WatcherType.
 */

import { compareHalves } from "#base/zxid.ts";
import { MarshallingError, type JuteReader } from "#jute/reader.ts";
import type { JuteWriter } from "#jute/writer.ts";
import { ErrorCode } from "#protocol/error-code.ts";
import { OpCode } from "#protocol/op-code.ts";
import type { DataTree } from "#tree/data-tree.ts";
import { nullPathKey, WatchMode } from "#tree/watch-table.ts";
import { EventType } from "#tree/watches.ts";
import { StatField } from "#tree/znode-store.ts";
import type { Client } from "./client.ts";

/** What checkWatches and removeWatches are about. */
const WatcherType = { children: 1, data: 2, any: 3, persistent: 4, persistentRecursive: 5 } as const;
const AddWatchMode = { persistent: 0, persistentRecursive: 1 } as const;
const allModes = WatchMode.standard | WatchMode.persistent | WatchMode.recursive;

export class WatchAnswerer {
  /** Where catch-up events go. */
  onCatchUpEvent: (client: Client, type: number, path: Buffer, start: number, end: number) => void = () => {};
  readonly #tree: DataTree;

  constructor(tree: DataTree) {
    this.#tree = tree;
  }

  setWatches(type: number, client: Client, reader: JuteReader): ErrorCode {
    const bodyAt = reader.offset;
    const listCount = type === OpCode.setWatches2 ? 5 : 3;
    // Decoded whole before anything is registered, as a record is.
    reader.skip(8);
    for (let list = 0; list < listCount; list++) skipList(reader);
    reader.offset = bodyAt;
    const zxidHigh = reader.readInt();
    const zxidLow = reader.readInt();
    this.#forEachPath(reader, () => this.#setData(client, reader, zxidHigh, zxidLow));
    this.#forEachPath(reader, () => this.#setExist(client, reader));
    this.#forEachPath(reader, () => this.#setChild(client, reader, zxidHigh, zxidLow));
    if (type === OpCode.setWatches2) {
      this.#forEachPath(reader, () => this.#tree.watches.addPersistent(keyOf(reader), client.number, false));
      this.#forEachPath(reader, () => this.#tree.watches.addPersistent(keyOf(reader), client.number, true));
    }
    return ErrorCode.ok;
  }

  addWatch(client: Client, reader: JuteReader, out: JuteWriter): ErrorCode {
    reader.readRange();
    const mode = reader.readInt();
    if (mode !== AddWatchMode.persistent && mode !== AddWatchMode.persistentRecursive) {
      throw new MarshallingError(`watch mode ${mode}`);
    }
    this.#tree.watches.addPersistent(keyOf(reader), client.number, mode === AddWatchMode.persistentRecursive);
    out.writeInt(0);
    return ErrorCode.ok;
  }

  checkWatches(client: Client, reader: JuteReader): ErrorCode {
    reader.readRange();
    const type = readWatcherType(reader);
    const { data, child } = this.#tree.watches;
    const path = keyOf(reader);
    const dataModes = data.modesOf(path, client.number);
    const childModes = child.modesOf(path, client.number);
    return hasWatch(type, dataModes, childModes) ? ErrorCode.ok : ErrorCode.noWatcher;
  }

  removeWatches(client: Client, reader: JuteReader): ErrorCode {
    reader.readRange();
    const type = readWatcherType(reader);
    const path = keyOf(reader);
    return this.#remove(type, path, client.number) ? ErrorCode.ok : ErrorCode.noWatcher;
  }

  #remove(type: number, path: string, connection: number): boolean {
    const { data, child } = this.#tree.watches;
    switch (type) {
      case WatcherType.children:
        return child.remove(path, connection, WatchMode.standard);
      case WatcherType.data:
        return data.remove(path, connection, WatchMode.standard);
      case WatcherType.persistent: {
        const wasInData = data.remove(path, connection, WatchMode.persistent);
        return child.remove(path, connection, WatchMode.persistent) || wasInData;
      }
      case WatcherType.persistentRecursive:
        return data.remove(path, connection, WatchMode.recursive);
      default: {
        const wasInData = data.remove(path, connection, allModes);
        return child.remove(path, connection, allModes) || wasInData;
      }
    }
  }

  #setData(client: Client, reader: JuteReader, zxidHigh: number, zxidLow: number): void {
    const id = this.#find(reader);
    if (id === 0) this.#tell(client, EventType.nodeDeleted, reader);
    else if (this.#isNewer(id, StatField.mzxid, zxidHigh, zxidLow))
      this.#tell(client, EventType.nodeDataChanged, reader);
    else this.#tree.watches.data.add(keyOf(reader), client.number, WatchMode.standard);
  }

  #setExist(client: Client, reader: JuteReader): void {
    if (this.#find(reader) !== 0) this.#tell(client, EventType.nodeCreated, reader);
    else this.#tree.watches.data.add(keyOf(reader), client.number, WatchMode.standard);
  }

  #setChild(client: Client, reader: JuteReader, zxidHigh: number, zxidLow: number): void {
    const id = this.#find(reader);
    if (id === 0) this.#tell(client, EventType.nodeDeleted, reader);
    else if (this.#isNewer(id, StatField.pzxid, zxidHigh, zxidLow))
      this.#tell(client, EventType.nodeChildrenChanged, reader);
    else this.#tree.watches.child.add(keyOf(reader), client.number, WatchMode.standard);
  }

  #isNewer(id: number, field: StatField, zxidHigh: number, zxidLow: number): boolean {
    const { store } = this.#tree;
    return compareHalves(store.stat(id, field), store.statLow(id, field), zxidHigh, zxidLow) > 0;
  }

  #find(reader: JuteReader): number {
    if (reader.rangeStart < 0) throw new MarshallingError("a null path");
    return this.#tree.find(reader.bytes, reader.rangeStart, reader.rangeEnd);
  }

  #tell(client: Client, type: number, reader: JuteReader): void {
    this.onCatchUpEvent(client, type, reader.bytes, reader.rangeStart, reader.rangeEnd);
  }

  /**
   * Calls `visit` with the reader's range on each path of a list.
   * @throws MarshallingError for a null list, and for a null path where one is looked up. Quirk: ZooKeeper finds out as
   *   late as that; what came before has been told and registered.
   */
  #forEachPath(reader: JuteReader, visit: () => void): void {
    const count = reader.readCount();
    if (count === -1) throw new MarshallingError("a null list of paths");
    for (let left = count; left > 0; left--) {
      reader.readRange();
      visit();
    }
  }
}

function skipList(reader: JuteReader): void {
  for (let left = reader.readCount(); left > 0; left--) reader.readRange();
}

function readWatcherType(reader: JuteReader): number {
  const type = reader.readInt();
  if (type < WatcherType.children || type > WatcherType.persistentRecursive) {
    throw new MarshallingError(`watcher type ${type}`);
  }
  return type;
}

function hasWatch(type: number, dataModes: number, childModes: number): boolean {
  switch (type) {
    case WatcherType.children:
      return (childModes & WatchMode.standard) !== 0;
    case WatcherType.data:
      return (dataModes & WatchMode.standard) !== 0;
    case WatcherType.persistent:
      return (dataModes & WatchMode.persistent) !== 0;
    case WatcherType.persistentRecursive:
      return (dataModes & WatchMode.recursive) !== 0;
    default:
      return (dataModes | childModes) !== 0;
  }
}

/** Watches are keyed by the path's bytes as latin1 text. Quirk: null is a path like any other, which no znode has. */
function keyOf(reader: JuteReader): string {
  return reader.rangeStart < 0 ? nullPathKey : reader.bytes.toString("latin1", reader.rangeStart, reader.rangeEnd);
}
