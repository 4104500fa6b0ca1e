/**
 * Watches as the reference describes them: two tables of path -> watcher -> modes, and what a change makes of them.
 * Shares nothing with src/.
 */

import type { Acl } from "./acl-model.ts";
import type { Change } from "./tree-model.ts";

export type Mode = "standard" | "persistent" | "recursive";
type Table<Watcher> = Map<string, Map<Watcher, Set<Mode>>>;

export interface ModelEvent<Watcher> {
  readonly watcher: Watcher;
  readonly type: number;
  readonly path: string;
  /** Whoever may not read by this list is not told. */
  readonly acl: readonly Acl[];
}

export class WatchModel<Watcher> {
  readonly data: Table<Watcher> = new Map();
  readonly child: Table<Watcher> = new Map();

  add(table: "data" | "child", path: string, watcher: Watcher, mode: Mode): void {
    const watchers = this[table].get(path) ?? new Map<Watcher, Set<Mode>>();
    this[table].set(path, watchers);
    watchers.set(watcher, (watchers.get(watcher) ?? new Set()).add(mode));
  }

  addPersistent(path: string, watcher: Watcher, isRecursive: boolean): void {
    this.add("data", path, watcher, isRecursive ? "recursive" : "persistent");
    if (!isRecursive) this.add("child", path, watcher, "persistent");
  }

  /** Whether checkWatches finds something. */
  has(path: string, watcher: Watcher, type: number): boolean {
    const data = this.data.get(path)?.get(watcher) ?? new Set();
    const child = this.child.get(path)?.get(watcher) ?? new Set();
    return [
      false,
      child.has("standard"),
      data.has("standard"),
      data.size + child.size > 0,
      data.has("persistent"),
      data.has("recursive"),
    ][type]!;
  }

  /** @returns whether there was something to remove. */
  remove(path: string, watcher: Watcher, type: number): boolean {
    if (!this.has(path, watcher, type)) return false;
    const all: Mode[] = ["standard", "persistent", "recursive"];
    const fromData: Mode[][] = [[], [], ["standard"], all, ["persistent"], ["recursive"]];
    const fromChild: Mode[][] = [[], ["standard"], [], all, ["persistent"], []];
    for (const mode of fromData[type]!) this.#drop("data", path, watcher, mode);
    for (const mode of fromChild[type]!) this.#drop("child", path, watcher, mode);
    return true;
  }

  forget(watcher: Watcher): void {
    for (const table of [this.data, this.child]) {
      for (const [path, watchers] of table) {
        watchers.delete(watcher);
        if (watchers.size === 0) table.delete(path);
      }
    }
  }

  /** Pairs of path and watcher. */
  sizeOf(table: "data" | "child"): number {
    return [...this[table].values()].reduce((sum, watchers) => sum + watchers.size, 0);
  }

  /** The events that a change gives, in their order; standard watches on their paths are spent. */
  changed(change: Change): ModelEvent<Watcher>[] {
    const { path, acl, parentAcl } = change;
    const parent = path.slice(0, path.lastIndexOf("/")) || "/";
    const events: ModelEvent<Watcher>[] = [];
    const tell = (watchers: Iterable<Watcher>, type: number, at: string, list: readonly Acl[]): void => {
      for (const watcher of watchers) events.push({ watcher, type, path: at, acl: list });
    };
    if (change.kind === "dataChanged") {
      tell(this.#fire("data", path), 3, path, acl);
      return events;
    }
    const type = change.kind === "created" ? 1 : 2;
    const told = this.#fire("data", path);
    tell(told, type, path, acl);
    if (change.kind === "deleted") {
      tell(
        [...this.#fire("child", path)].filter((watcher) => !told.has(watcher)),
        type,
        path,
        acl,
      );
    }
    tell(this.#fire("child", parent), 4, parent, parentAcl);
    return events;
  }

  /** Everybody whom an event at a path concerns, nobody twice. */
  #fire(table: "data" | "child", path: string): Set<Watcher> {
    const concerned = new Set<Watcher>();
    for (const [watched, watchers] of this[table]) {
      const isAbove = watched === "/" || (watched !== "" && path.startsWith(`${watched}/`));
      for (const [watcher, modes] of watchers) {
        if (watched === path || (isAbove && modes.has("recursive"))) concerned.add(watcher);
      }
    }
    for (const watcher of concerned) this.#drop(table, path, watcher, "standard");
    return concerned;
  }

  #drop(table: "data" | "child", path: string, watcher: Watcher, mode: Mode): void {
    const watchers = this[table].get(path);
    const modes = watchers?.get(watcher);
    modes?.delete(mode);
    if (modes?.size === 0) watchers!.delete(watcher);
    if (watchers?.size === 0) this[table].delete(path);
  }
}
