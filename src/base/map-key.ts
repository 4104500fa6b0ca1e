/**
 * Keys of maps that strangers choose: texts with one character a byte (latin1). V8 hashes a text of up to 16,383 characters by what it
 * says, from a seed that nobody knows, and a longer one by its length alone: among thousands of long keys of one length each look-up
 * compares with all of them, for milliseconds. So a longer text is keyed by its digest, marked with a character that no byte gives. Of
 * texts that differ, digests can be taken to differ as well.
 */

import { createHash, type Hash } from "node:crypto";

const plainLengthMax = 16_383;
const mark = "\u0101";

/** The key of a text: itself, or its digest. */
export function mapKey(text: string): string {
  return text.length <= plainLengthMax ? text : new PrefixKeys(text).keyOf(text.length);
}

/**
 * Which lengths the paths have that are looked for among the ancestors of others. A path may have a hundred thousand ancestors, hundreds of
 * kilobytes long; those of other lengths need no look.
 */
export class PathLengths {
  readonly #counts = new Map<number, number>();

  get isEmpty(): boolean {
    return this.#counts.size === 0;
  }

  add(path: string): void {
    this.#counts.set(path.length, (this.#counts.get(path.length) ?? 0) + 1);
  }

  remove(path: string): void {
    const count = this.#counts.get(path.length)! - 1;
    if (count === 0) this.#counts.delete(path.length);
    else this.#counts.set(path.length, count);
  }

  /** Keys of the ancestors of a path that have one of the lengths, "/" first. */
  *ancestorKeys(path: string): Generator<string, void, undefined> {
    if (path.length > 1 && this.#counts.has(1)) yield "/";
    const keys = new PrefixKeys(path);
    for (let end = path.indexOf("/", 1); end > 0; end = path.indexOf("/", end + 1)) {
      if (this.#counts.has(end)) yield keys.keyOf(end);
    }
  }
}

/** Keys of the beginnings of a text, the shorter first: of those that are digests, all take as long as the longest. */
class PrefixKeys {
  readonly #text: string;
  #hash: Hash | null = null;
  #hashedLength = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** @param length no shorter than the last one. */
  keyOf(length: number): string {
    if (length <= plainLengthMax) return this.#text.slice(0, length);
    this.#hash ??= createHash("sha256");
    this.#hash.update(this.#text.slice(this.#hashedLength, length), "latin1");
    this.#hashedLength = length;
    return mark + this.#hash.copy().digest("latin1");
  }
}
