/**
 * Digests of the tree at every 128th zxid, the last 1024 of them: what `hash` shows, so that two servers can be compared
 * at the same zxid.
 * Source: DataTree.logZxidDigest.
 */

import type { DigestSum } from "#tree/tree-digest.ts";
import type { DigestFacts } from "./server-facts.ts";

const interval = 128;
const entriesMax = 1024;

export class DigestLog {
  readonly #entries: DigestFacts[] = [];

  /** A transaction was applied. */
  applied(zxidHigh: number, zxidLow: number, digest: DigestSum): void {
    if ((zxidLow & (interval - 1)) !== 0) return;
    this.#entries.push({ zxidHigh, zxidLow, digestHigh: digest.high, digestLow: digest.low });
    if (this.#entries.length > entriesMax) this.#entries.shift();
  }

  get entries(): readonly DigestFacts[] {
    return this.#entries;
  }
}
