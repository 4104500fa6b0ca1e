/**
 * One table of watches: path -> connections, each with its modes, and back. ZooKeeper has two of them, for data and for
 * children; watches.ts knows which event looks where.
 *
 * Watches come in millions, so the common case, one connection watching a path, is a plain number in a map: the
 * connection's number and its modes packed together. Only a path with several watchers has a map of its own. Paths are
 * given as their bytes read as latin1, a text with one character a byte, and keyed as base/map-key.ts has it.
 * Source: WatchManager.java.
 */

import { mapKey, PathLengths } from "#base/map-key.ts";

/** What a connection wants of one path; all three can coexist. */
export const WatchMode = { standard: 1, persistent: 2, recursive: 4 } as const;
export type WatchMode = (typeof WatchMode)[keyof typeof WatchMode];

/** Stands for the null path, which clients may watch though nothing ever happens there; no byte read as latin1 gives it. */
export const nullPathKey = "\u0100";

const modeBits = 3;
const modeMask = (1 << modeBits) - 1;

/** `connection << 3 | modes`, or connection -> modes where there are several. */
type Watchers = number | Map<number, number>;

export class WatchTable {
  readonly #byPath = new Map<string, Watchers>();
  /** Quirk: a connection whose last watch has fired stays, and counts as watching, until it removes one or ends. */
  readonly #byConnection = new Map<number, Set<string>>();
  /** Paths that are too long to be their own keys. */
  readonly #longPaths = new Map<string, string>();
  /** Of the paths that are watched recursively. */
  readonly #recursive = new PathLengths();
  #size = 0;

  /** Pairs of path and connection. */
  get size(): number {
    return this.#size;
  }

  get pathCount(): number {
    return this.#byPath.size;
  }

  get connectionCount(): number {
    return this.#byConnection.size;
  }

  /** True while any connection watches recursively: only then do ancestors matter. */
  get hasRecursive(): boolean {
    return !this.#recursive.isEmpty;
  }

  /** Adds a mode; adding one that is there changes nothing. */
  add(path: string, connection: number, mode: WatchMode): void {
    const key = mapKey(path);
    const modes = this.#modesOf(key, connection);
    if ((modes & mode) !== 0) return;
    if (key !== path) this.#longPaths.set(key, path);
    this.#store(key, connection, modes, modes | mode);
  }

  /** Takes modes away. @returns true when any of them was there. */
  remove(path: string, connection: number, modesToRemove: number): boolean {
    const key = mapKey(path);
    const modes = this.#modesOf(key, connection);
    if ((modes & modesToRemove) === 0) return false;
    this.#store(key, connection, modes, modes & ~modesToRemove);
    if (this.#byConnection.get(connection)!.size === 0) this.#byConnection.delete(connection);
    return true;
  }

  /** Modes of a connection on exactly this path; 0 for none. */
  modesOf(path: string, connection: number): number {
    return this.#modesOf(mapKey(path), connection);
  }

  #modesOf(key: string, connection: number): number {
    const watchers = this.#byPath.get(key);
    if (watchers === undefined) return 0;
    if (typeof watchers !== "number") return watchers.get(connection) ?? 0;
    return watchers >>> modeBits === connection ? watchers & modeMask : 0;
  }

  /** Takes away a connection's watches, up to so many. @returns whether it is forgotten. */
  removeSome(connection: number, max: number): boolean {
    const keys = this.#byConnection.get(connection);
    if (keys === undefined) return true;
    let left = max;
    for (const key of keys) {
      if (left-- === 0) return false;
      this.#store(key, connection, this.#modesOf(key, connection), 0);
    }
    this.#byConnection.delete(connection);
    return true;
  }

  /**
   * Collects into `hits` everyone whom an event at `path` concerns: all watchers of the path, whose standard mode is
   * spent by it, and, if ancestors are looked at, the recursive watchers above. Nobody is collected twice.
   */
  collect(path: string, hits: number[]): void {
    const key = mapKey(path);
    const watchers = this.#byPath.get(key);
    if (typeof watchers === "number") {
      hits.push(watchers >>> modeBits);
      this.#spend(key, watchers >>> modeBits, watchers & modeMask);
    } else if (watchers !== undefined) {
      for (const [connection, modes] of watchers) {
        hits.push(connection);
        this.#spend(key, connection, modes);
      }
    }
    if (this.hasRecursive) for (const above of this.#recursive.ancestorKeys(path)) this.#collectRecursive(above, hits);
  }

  #spend(key: string, connection: number, modes: number): void {
    if ((modes & WatchMode.standard) !== 0) this.#store(key, connection, modes, modes & ~WatchMode.standard);
  }

  #collectRecursive(key: string, hits: number[]): void {
    const watchers = this.#byPath.get(key);
    if (typeof watchers === "number") {
      if ((watchers & WatchMode.recursive) !== 0) addOnce(hits, watchers >>> modeBits);
    } else if (watchers !== undefined) {
      for (const [connection, modes] of watchers) {
        if ((modes & WatchMode.recursive) !== 0) addOnce(hits, connection);
      }
    }
  }

  #store(key: string, connection: number, before: number, after: number): void {
    if ((before & WatchMode.recursive) !== (after & WatchMode.recursive)) {
      if ((after & WatchMode.recursive) === 0) this.#recursive.remove(this.#pathOf(key));
      else this.#recursive.add(this.#pathOf(key));
    }
    const watchers = this.#byPath.get(key);
    if (typeof watchers === "object") {
      if (after === 0) watchers.delete(connection);
      else watchers.set(connection, after);
      if (watchers.size === 0) this.#forgetPath(key);
    } else if (watchers === undefined || watchers >>> modeBits === connection) {
      if (after === 0) this.#forgetPath(key);
      else this.#byPath.set(key, (connection << modeBits) | after);
    } else {
      this.#byPath.set(
        key,
        new Map([
          [watchers >>> modeBits, watchers & modeMask],
          [connection, after],
        ]),
      );
    }
    if (before === 0) this.#index(key, connection);
    else if (after === 0) this.#unindex(key, connection);
  }

  #forgetPath(key: string): void {
    this.#byPath.delete(key);
    this.#longPaths.delete(key);
  }

  #index(key: string, connection: number): void {
    this.#size++;
    const keys = this.#byConnection.get(connection);
    if (keys === undefined) this.#byConnection.set(connection, new Set([key]));
    else keys.add(key);
  }

  #unindex(key: string, connection: number): void {
    this.#size--;
    this.#byConnection.get(connection)!.delete(key);
  }

  #pathOf(key: string): string {
    return this.#longPaths.get(key) ?? key;
  }

  /** Path and connections, for the operator. */
  *paths(): IterableIterator<{ path: string; connections: number[] }> {
    for (const [key, watchers] of this.#byPath) {
      const path = this.#pathOf(key);
      yield { path, connections: typeof watchers === "number" ? [watchers >>> modeBits] : [...watchers.keys()] };
    }
  }

  /** Connection and paths, for the operator. */
  *connections(): IterableIterator<{ connection: number; paths: Iterable<string> }> {
    for (const [connection, keys] of this.#byConnection) yield { connection, paths: this.#pathsOf(keys) };
  }

  *#pathsOf(keys: Iterable<string>): IterableIterator<string> {
    for (const key of keys) yield this.#pathOf(key);
  }
}

function addOnce(hits: number[], connection: number): void {
  if (!hits.includes(connection)) hits.push(connection);
}

/** A path of the table as text. */
export function pathTextOf(path: string): string {
  return path === nullPathKey ? "null" : Buffer.from(path, "latin1").toString("utf8");
}
