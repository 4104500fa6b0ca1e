/**
 * A walk over the tree in pre-order that survives changes: between two steps, transactions may be applied. The walk
 * stands *before* a znode; when that znode is about to be unlinked, the walk moves on to its successor. Since only
 * childless znodes are ever removed, the successor is the next sibling, or the next sibling of the nearest ancestor
 * that has one, and finding it costs no more than the depth.
 *
 * Snapshots and counts over subtrees walk like this, in slices.
 */

import type { DataTree } from "./data-tree.ts";
import { Field } from "./znode-store.ts";

export class TreeWalker {
  readonly #tree: DataTree;
  readonly #top: number;
  #at: number;
  #aclsBefore: Map<number, number> | null = null;

  /** Walks the subtree below and including `top`. */
  constructor(tree: DataTree, top: number) {
    this.#tree = tree;
    this.#top = top;
    this.#at = top;
    tree.beginWalk(this);
  }

  /** The next znode's id, or 0 at the end. */
  next(): number {
    const id = this.#at;
    if (id === 0) return 0;
    const child = this.#tree.store.get(id, Field.firstChild);
    this.#at = child !== 0 ? child : this.#after(id);
    return id;
  }

  /** From now on remembers the ACL that a znode had before it was given another. */
  keepAcls(): void {
    this.#aclsBefore = new Map();
  }

  /** The ACL that a znode had at {@link keepAcls}. */
  aclBefore(id: number): number {
    return this.#aclsBefore?.get(id) ?? this.#tree.store.get(id, Field.aclId);
  }

  /** Called by the tree before it gives a znode another ACL. */
  beforeAclChange(id: number): void {
    if (this.#aclsBefore?.has(id) === false) this.#aclsBefore.set(id, this.#tree.store.get(id, Field.aclId));
  }

  /** Called by the tree before it unlinks a childless znode. */
  beforeUnlink(id: number): void {
    if (id === this.#at) this.#at = this.#after(id);
  }

  close(): void {
    this.#at = 0;
    this.#tree.endWalk(this);
  }

  #after(id: number): number {
    const store = this.#tree.store;
    for (let at = id; at !== this.#top; at = store.get(at, Field.parent)) {
      const sibling = store.get(at, Field.nextSibling);
      if (sibling !== 0) return sibling;
    }
    return 0;
  }
}
