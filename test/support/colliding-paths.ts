/** Paths that a hash does not tell apart: with 32 bits, a hundred thousand names hold about one pair. */

import type { PathIndex } from "#tree/path-index.ts";

/** At least so many pairs of top-level paths with the same hash, none of them in two pairs. */
export function collidingPaths(index: PathIndex, pairs: number): [string, string][] {
  const byHash = new Map<number, string>();
  const found: [string, string][] = [];
  for (let i = 0; found.length < pairs; i++) {
    const path = `/${i.toString(36)}`;
    const bytes = Buffer.from(path, "latin1");
    const hash = index.hash(bytes, 0, bytes.length);
    const other = byHash.get(hash);
    if (other === undefined) {
      byHash.set(hash, path);
    } else {
      found.push([other, path]);
      byHash.delete(hash);
    }
  }
  return found;
}
