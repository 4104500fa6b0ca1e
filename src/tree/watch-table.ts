/**
 * One table of watches: path -> connections, each with its modes, and back. ZooKeeper has two of them, for data and for
 * children; watches.ts knows which event looks where.
 *
 * Watches come in millions, so the common case, one connection watching a path, is a plain number in a map: the
 * connection's number and its modes packed together. Only a path with several watchers has a map of its own. Paths are
 * keyed by their bytes read as latin1, a text with one character a byte.
 * Source: WatchManager.java.
 */

/** What a connection wants of one path; all three can coexist. */
export const WatchMode = { standard: 1, persistent: 2, recursive: 4 } as const;
export type WatchMode = (typeof WatchMode)[keyof typeof WatchMode];

/** Key of the null path, which clients may watch though nothing ever happens there; no byte read as latin1 gives it. */
export const nullPathKey = "\u0100";

const modeBits = 3;
const modeMask = (1 << modeBits) - 1;

/** `connection << 3 | modes`, or connection -> modes where there are several. */
type Watchers = number | Map<number, number>;

export class WatchTable {
  readonly #byPath = new Map<string, Watchers>();
  /** Quirk: a connection whose last watch has fired stays, and counts as watching, until it removes one or ends. */
  readonly #byConnection = new Map<number, Set<string>>();
  #size = 0;
  #recursiveCount = 0;

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
    return this.#recursiveCount > 0;
  }

  /** Adds a mode; adding one that is there changes nothing. */
  add(path: string, connection: number, mode: WatchMode): void {
    const modes = this.modesOf(path, connection);
    if ((modes & mode) !== 0) return;
    this.#store(path, connection, modes, modes | mode);
  }

  /** Takes modes away. @returns true when any of them was there. */
  remove(path: string, connection: number, modesToRemove: number): boolean {
    const modes = this.modesOf(path, connection);
    if ((modes & modesToRemove) === 0) return false;
    this.#store(path, connection, modes, modes & ~modesToRemove);
    if (this.#byConnection.get(connection)!.size === 0) this.#byConnection.delete(connection);
    return true;
  }

  /** Modes of a connection on exactly this path; 0 for none. */
  modesOf(path: string, connection: number): number {
    const watchers = this.#byPath.get(path);
    if (watchers === undefined) return 0;
    if (typeof watchers !== "number") return watchers.get(connection) ?? 0;
    return watchers >>> modeBits === connection ? watchers & modeMask : 0;
  }

  /** Takes away a connection's watches, up to so many. @returns whether it is forgotten. */
  removeSome(connection: number, max: number): boolean {
    const paths = this.#byConnection.get(connection);
    if (paths === undefined) return true;
    let left = max;
    for (const path of paths) {
      if (left-- === 0) return false;
      this.#store(path, connection, this.modesOf(path, connection), 0);
    }
    this.#byConnection.delete(connection);
    return true;
  }

  /**
   * Collects into `hits` everyone whom an event at `path` concerns: all watchers of the path, whose standard mode is
   * spent by it, and, if ancestors are looked at, the recursive watchers above. Nobody is collected twice.
   */
  collect(path: string, hits: number[]): void {
    const watchers = this.#byPath.get(path);
    if (typeof watchers === "number") {
      hits.push(watchers >>> modeBits);
      this.#spend(path, watchers >>> modeBits, watchers & modeMask);
    } else if (watchers !== undefined) {
      for (const [connection, modes] of watchers) {
        hits.push(connection);
        this.#spend(path, connection, modes);
      }
    }
    if (this.#recursiveCount > 0) this.#collectAncestors(path, hits);
  }

  #spend(path: string, connection: number, modes: number): void {
    if ((modes & WatchMode.standard) !== 0) this.#store(path, connection, modes, modes & ~WatchMode.standard);
  }

  #collectAncestors(path: string, hits: number[]): void {
    let end = path === "/" ? 0 : path.length;
    while (end > 0) {
      end = path.lastIndexOf("/", end - 1);
      const watchers = this.#byPath.get(end <= 0 ? "/" : path.slice(0, end));
      if (typeof watchers === "number") {
        if ((watchers & WatchMode.recursive) !== 0) addOnce(hits, watchers >>> modeBits);
      } else if (watchers !== undefined) {
        for (const [connection, modes] of watchers) {
          if ((modes & WatchMode.recursive) !== 0) addOnce(hits, connection);
        }
      }
    }
  }

  #store(path: string, connection: number, before: number, after: number): void {
    if ((before & WatchMode.recursive) !== (after & WatchMode.recursive)) {
      this.#recursiveCount += (after & WatchMode.recursive) === 0 ? -1 : 1;
    }
    const watchers = this.#byPath.get(path);
    if (typeof watchers === "object") {
      if (after === 0) watchers.delete(connection);
      else watchers.set(connection, after);
      if (watchers.size === 0) this.#byPath.delete(path);
    } else if (watchers === undefined || watchers >>> modeBits === connection) {
      if (after === 0) this.#byPath.delete(path);
      else this.#byPath.set(path, (connection << modeBits) | after);
    } else {
      this.#byPath.set(
        path,
        new Map([
          [watchers >>> modeBits, watchers & modeMask],
          [connection, after],
        ]),
      );
    }
    if (before === 0) this.#index(path, connection);
    else if (after === 0) this.#unindex(path, connection);
  }

  #index(path: string, connection: number): void {
    this.#size++;
    const paths = this.#byConnection.get(connection);
    if (paths === undefined) this.#byConnection.set(connection, new Set([path]));
    else paths.add(path);
  }

  #unindex(path: string, connection: number): void {
    this.#size--;
    this.#byConnection.get(connection)!.delete(path);
  }

  /** Path and connections, for the operator. */
  *paths(): IterableIterator<{ path: string; connections: number[] }> {
    for (const [path, watchers] of this.#byPath) {
      yield { path, connections: typeof watchers === "number" ? [watchers >>> modeBits] : [...watchers.keys()] };
    }
  }

  /** Connection and paths, for the operator. */
  *connections(): IterableIterator<{ connection: number; paths: ReadonlySet<string> }> {
    for (const [connection, paths] of this.#byConnection) yield { connection, paths };
  }
}

function addOnce(hits: number[], connection: number): void {
  if (!hits.includes(connection)) hits.push(connection);
}

/** A key of the table as text. */
export function pathTextOf(key: string): string {
  return key === nullPathKey ? "null" : Buffer.from(key, "latin1").toString("utf8");
}
