/** Keys are as good as the texts, and none is so long that V8 does not look at what it says. */

import { expect, test } from "vitest";
import { mapKey, PathLengths } from "#base/map-key.ts";

const hashedLengthMax = 16_383;
const name = "n".repeat(4_000);
/** Five levels, the deepest too long to be its own key. */
const path = `/${name}/${name}/${name}/${name}/${name}`;

test("a text is its own key as long as its hash depends on all of it", () => {
  const longest = "x".repeat(hashedLengthMax);
  expect(mapKey("/a")).toBe("/a");
  expect(mapKey(longest)).toBe(longest);
  expect(mapKey(`${longest}x`).length).toBeLessThan(hashedLengthMax);
});

test("long texts that differ anywhere have different keys, and equal ones the same", () => {
  const texts = [path, `${path}n`, `${path.slice(0, -1)}m`, path.replace("n", "m"), path.replace("n", "\u00ff")];
  expect(new Set(texts.map(mapKey)).size).toBe(texts.length);
  expect(mapKey(`${path.slice(0, -1)}m`)).toBe(mapKey(texts[2]!));
});

test("ancestors of a length that somebody has are found by the keys that they have themselves", () => {
  const above = [1, 2, 3, 4].map((levels) => `/${name}`.repeat(levels));
  const lengths = new PathLengths();
  expect([...lengths.ancestorKeys(path)]).toEqual([]);
  for (const ancestor of ["/", ...above]) lengths.add(ancestor);
  expect([...lengths.ancestorKeys(path)]).toEqual(["/", ...above.map(mapKey)]);
  expect([...lengths.ancestorKeys("/")]).toEqual([]);
  expect([...lengths.ancestorKeys("/a")]).toEqual(["/"]);
});

test("a length counts as long as a path has it", () => {
  const lengths = new PathLengths();
  lengths.add("/a");
  lengths.add("/b");
  lengths.remove("/b");
  expect([...lengths.ancestorKeys("/a/c")]).toEqual(["/a"]);
  lengths.remove("/a");
  expect([...lengths.ancestorKeys("/a/c")]).toEqual([]);
  expect(lengths.isEmpty).toBe(true);
});
