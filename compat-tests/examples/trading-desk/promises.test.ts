/** The judge of the day can be trusted: made-up days that break a promise are found out. */

import { expect, test } from "vitest";
import { judge, promises } from "./promises.ts";

const smallDay = [
  "role primary epoch=1",
  "order o-1 filled",
  "config c-0000000000 risk-limits v0 max-order=500",
  "config c-0000000001 risk-limits v1 max-order=300",
  "trade t-0000000000 o-1 ACME buy 100 10.25 epoch=1 by=alpha",
  "trade t-0000000001 o-2 ACME sell 10 10.30 epoch=1 by=alpha",
];

/** For each promise, a small day that breaks it: what an actor says instead of a line of the whole day. */
const brokenDays: readonly (readonly [says: string, who: string | null, line: string, instead: string])[] = [
  ["every reader sees the same trades in the same order, each once", "quotes", smallDay[5]!, "silence"],
  ["every process applies the same changes in the same order, each once", "bravo", smallDay[3]!, smallDay[2]!],
  ["trades and changes are numbered without a gap", null, "t-0000000001", "t-0000000002"],
  ["an order is traded once, and every order reported filled is traded", null, "0 o-1 ", "0 o-2 "],
  ["each epoch has one primary, and none publishes after the next began", null, "epoch=1 by=alpha", "epoch=2 by=alpha"],
  ["a setting's versions follow one another", null, " v1 ", " v2 "],
];

test("the judge is content with a good day", () => {
  expect(judge(dayOf(null, "", "")).flatMap(({ broken }) => broken)).toEqual([]);
  expect(brokenDays.map(([says]) => says)).toEqual(promises);
});

test.each(brokenDays)("the judge sees when this is broken: %s", (says, who, line, instead) => {
  const verdict = judge(dayOf(who, line, instead)).find((promised) => promised.says === says);
  expect(verdict?.broken).not.toEqual([]);
});

/** The small day, as all readers tell it, but with `instead` for `line` in what `who`, or everybody, says. */
function dayOf(who: string | null, line: string, instead: string): Parameters<typeof judge>[0] {
  return {
    history: (name) => {
      const lines = smallDay.filter((said) => name === "alpha" || !/^(role|order)/.test(said));
      return who === null || who === name ? lines.map((said) => said.replace(line, instead)) : lines;
    },
  };
}
