/**
 * ACL lists, interned: a million znodes share a handful of them, so a znode keeps a number and the list is kept here
 * once, as the bytes it has on the wire (a getACL reply is a copy) and decoded (for checks).
 *
 * Number -1 is the open list, world:anyone with all permissions, which is never stored. Lists are equal when their
 * bytes are, order included. Usage is counted per znode; a list that nobody uses is dropped. A change in flight holds
 * its list too, so that it is still there when the change is applied.
 *
 * A fuzzy snapshot may name a list that is not in its table, because the list came up while the snapshot was written.
 * Such a znode gets a list that nobody matches until the log, replayed, gives it the right one.
 * Source: ReferenceCountedACLCache.java.
 */

import { type Acl, isOpenAcl, openAclBytes, readAclList, writeAclList } from "#auth/acl.ts";
import { assert } from "#base/assert.ts";
import { mapKey } from "#base/map-key.ts";
import { JuteReader, MarshallingError } from "#jute/reader.ts";
import { JuteWriter } from "#jute/writer.ts";

/** Number of the open list. */
export const openAclId = -1;
/** Znodes keep the number as an int. */
const idMax = 0x7fffffff;

export interface AclEntry {
  readonly id: number;
  /** The list as vector<ACL>, count included. */
  readonly bytes: Buffer;
  readonly list: readonly Acl[];
  /** Znodes and changes in flight that refer to it. */
  usage: number;
}

export class AclCache {
  readonly open: AclEntry;
  readonly #byId = new Map<number, AclEntry>();
  /** Keyed by the list's bytes read as latin1, a faithful one-byte-per-character text (map-key.ts). */
  readonly #byBytes = new Map<string, AclEntry>();
  #lastId = 0;

  constructor() {
    const bytes = Buffer.from(openAclBytes);
    this.open = { id: openAclId, bytes, list: decode(bytes), usage: 0 };
  }

  /** Lists in use, the open one not among them. */
  get size(): number {
    return this.#byId.size;
  }

  /** The entry of a number that {@link intern} or {@link restore} gave. */
  get(id: number): AclEntry {
    if (id === openAclId) return this.open;
    const entry = this.#byId.get(id);
    assert(entry !== undefined, `ACL ${id} is in the cache`);
    return entry;
  }

  /** The entry of a list given as bytes; new lists get the next number. Usage is not counted: see {@link acquire}. */
  intern(bytes: Buffer, start: number, end: number): AclEntry {
    if (isOpenAcl(bytes, start, end)) return this.open;
    const key = mapKey(bytes.toString("latin1", start, end));
    let entry = this.#byBytes.get(key);
    if (entry === undefined) {
      entry = this.#add(this.#freeId(), key, Buffer.from(bytes.subarray(start, end)));
    }
    return entry;
  }

  acquire(entry: AclEntry): void {
    entry.usage++;
  }

  release(entry: AclEntry): void {
    if (--entry.usage === 0 && entry.id !== openAclId) this.#drop(entry);
  }

  /** Forgets a list that was interned for a change that did not come to pass. */
  dropIfUnused(entry: AclEntry): void {
    entry.usage++;
    this.release(entry);
  }

  /** Puts a list of a snapshot's table in its place. @throws MarshallingError when another has its number. */
  restore(id: number, bytes: Buffer, start: number, end: number): void {
    if (this.#byId.has(id)) throw new MarshallingError(`two ACL lists with the number ${id}`);
    this.#lastId = Math.max(this.#lastId, id);
    this.#add(id, mapKey(bytes.toString("latin1", start, end)), Buffer.from(bytes.subarray(start, end)));
  }

  /** The entry of a number read from a snapshot, whether or not the table had it. */
  restored(id: number): AclEntry {
    if (id === openAclId) return this.open;
    const entry = this.#byId.get(id);
    if (entry !== undefined) return entry;
    this.#lastId = Math.max(this.#lastId, id);
    const out = new JuteWriter(64);
    writeAclList(out, [{ perms: 31, scheme: "world", id: "nobody" }]);
    const bytes = out.toBytes();
    const stranger: AclEntry = { id, bytes, list: decode(bytes), usage: 0 };
    this.#byId.set(id, stranger);
    return stranger;
  }

  /** Drops the lists of a snapshot's table that no znode uses. */
  dropUnused(): void {
    for (const entry of this.#byId.values()) {
      if (entry.usage === 0) this.#drop(entry);
    }
  }

  entries(): IterableIterator<AclEntry> {
    return this.#byId.values();
  }

  /** The next number that is free; an int lasts for weeks of znodes that come and go with lists of their own. */
  #freeId(): number {
    do this.#lastId = this.#lastId >= idMax ? 1 : this.#lastId + 1;
    while (this.#byId.has(this.#lastId));
    return this.#lastId;
  }

  #drop(entry: AclEntry): void {
    this.#byId.delete(entry.id);
    const key = mapKey(entry.bytes.toString("latin1"));
    if (this.#byBytes.get(key) === entry) this.#byBytes.delete(key);
  }

  #add(id: number, key: string, bytes: Buffer): AclEntry {
    const entry: AclEntry = { id, bytes, list: decode(bytes), usage: 0 };
    this.#byId.set(id, entry);
    this.#byBytes.set(key, entry);
    return entry;
  }
}

function decode(bytes: Buffer): readonly Acl[] {
  return readAclList(new JuteReader(bytes)) ?? [];
}
