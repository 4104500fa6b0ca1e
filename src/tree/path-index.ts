/**
 * From the bytes of a path to a znode's id, probed with the bytes of the request where they lie: no string is made.
 *
 * 256 open-addressing tables, chosen by the top byte of the path's hash; a slot is hash and id, side by side, probed
 * linearly. Each table grows, and shrinks when less than an eighth of it is used, by itself, so that this comes in
 * slices: at a million znodes one table moves four thousand slots, some tens of microseconds. Removal shifts the run back
 * instead of leaving tombstones, so tables never decay.
 *
 * The hash is FNV-1a with murmur's finish, from a seed that is drawn at start, lest a client build collisions at home.
 * A rotation after each byte lets every bit of the seed count: in plain FNV-1a only the low byte of the state decides
 * whether two texts collide, and one seed in 256 would do.
 * A hit is verified by comparing names from the leaf up to the root.
 */

import type { ZnodeStore } from "./znode-store.ts";

const tableCount = 256;
const slotsAtStart = 16;

export class PathIndex {
  readonly #store: ZnodeStore;
  readonly #seed: number;
  readonly #tables: Int32Array[] = [];
  readonly #used = new Int32Array(tableCount);
  /** Depends on what {@link touch} read, lest the compiler leave the reads out; of no other use. */
  touchMix = 0;

  constructor(store: ZnodeStore, seed: number) {
    this.#store = store;
    this.#seed = seed | 0;
    for (let i = 0; i < tableCount; i++) this.#tables.push(new Int32Array(slotsAtStart * 2));
  }

  /** Bytes of all tables. */
  get reservedBytes(): number {
    return this.#tables.reduce((sum, table) => sum + table.byteLength, 0);
  }

  /** Hash of a path; the same bytes hash alike on this server only. */
  hash(bytes: Uint8Array, start: number, end: number): number {
    return hashOfPath(this.#seed, bytes, start, end);
  }

  /** Id of the znode with this path, whose hash is given, or 0. */
  find(hash: number, bytes: Uint8Array, start: number, end: number): number {
    const table = this.#tables[hash >>> 24]!;
    const mask = (table.length >> 1) - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const id = table[slot * 2 + 1]!;
      if (id === 0) return 0;
      if (table[slot * 2] === hash && this.#store.hasPath(id, bytes, start, end)) return id;
    }
  }

  /**
   * Puts the ids of the znodes with these hashes in their place, leaving out hashes without one. Paths are not compared.
   * @returns how many ids there are.
   */
  lookUpAll(hashes: Int32Array, count: number): number {
    let found = 0;
    for (let i = 0; i < count; i++) {
      const id = this.#lookUp(hashes[i]!);
      if (id !== 0) hashes[found++] = id;
    }
    return found;
  }

  /**
   * Reads a little of the table where each of `count` paths has its place, or will have it, so that it is in the processor's caches
   * when they are looked up and added (as ZnodeStore.touch).
   * @param words has the hashes, the first at `at` and `step` words apart.
   */
  touch(words: Int32Array, at: number, step: number, count: number): void {
    let mix = 0;
    for (const end = at + step * count; at < end; at += step) {
      const hash = words[at]!;
      const table = this.#tables[hash >>> 24]!;
      mix ^= table[(hash & ((table.length >> 1) - 1)) * 2]!;
    }
    this.touchMix = mix;
  }

  #lookUp(hash: number): number {
    const table = this.#tables[hash >>> 24]!;
    const mask = (table.length >> 1) - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const id = table[slot * 2 + 1]!;
      if (id === 0 || table[slot * 2] === hash) return id;
    }
  }

  /** Adds a znode whose path is not there yet. */
  insert(hash: number, id: number): void {
    const which = hash >>> 24;
    const used = ++this.#used[which]!;
    let table = this.#tables[which]!;
    if (used * 8 > table.length * 3) {
      table = rebuilt(table, table.length * 2);
      this.#tables[which] = table;
    }
    place(table, hash, id);
  }

  remove(hash: number, id: number): void {
    const which = hash >>> 24;
    const table = this.#tables[which]!;
    const mask = (table.length >> 1) - 1;
    let hole = hash & mask;
    while (table[hole * 2 + 1] !== id) hole = (hole + 1) & mask;
    const used = --this.#used[which]!;
    for (let slot = (hole + 1) & mask; table[slot * 2 + 1] !== 0; slot = (slot + 1) & mask) {
      const home = table[slot * 2]! & mask;
      // A slot may move into the hole unless its home lies after the hole in its run.
      if (((slot - home) & mask) < ((slot - hole) & mask)) continue;
      table[hole * 2] = table[slot * 2]!;
      table[hole * 2 + 1] = table[slot * 2 + 1]!;
      hole = slot;
    }
    table[hole * 2] = 0;
    table[hole * 2 + 1] = 0;
    if (used * 16 < table.length && table.length > slotsAtStart * 2) {
      this.#tables[which] = rebuilt(table, table.length / 2);
    }
  }
}

/** Hash of a path under a seed (an int32). */
export function hashOfPath(seed: number, bytes: Uint8Array, start: number, end: number): number {
  let h = seed ^ 0x811c9dc5;
  for (let i = start; i < end; i++) {
    h = Math.imul(h ^ bytes[i]!, 0x01000193);
    h = (h << 13) | (h >>> 19);
  }
  h ^= h >>> 16;
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return h ^ (h >>> 16);
}

function place(table: Int32Array, hash: number, id: number): void {
  const mask = (table.length >> 1) - 1;
  let slot = hash & mask;
  while (table[slot * 2 + 1] !== 0) slot = (slot + 1) & mask;
  table[slot * 2] = hash;
  table[slot * 2 + 1] = id;
}

function rebuilt(table: Int32Array, length: number): Int32Array {
  const result = new Int32Array(length);
  for (let i = 0; i < table.length; i += 2) {
    if (table[i + 1] !== 0) place(result, table[i]!, table[i + 1]!);
  }
  return result;
}
