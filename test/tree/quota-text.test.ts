/** Quota text as StatsTrack reads and writes it, and the limits. */

import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  exceededQuotas,
  formatQuotaText,
  parseQuotaText,
  quotaExceededMessage,
  type QuotaText,
} from "#tree/quota-text.ts";

const unlimited: QuotaText = {
  count: -1,
  bytes: -1,
  countHardLimit: -1,
  byteHardLimit: -1,
  furtherKeys: new Map(),
};

function parsed(text: string): number[] | null {
  const quota = parseQuotaText(text);
  return quota && [quota.count, quota.bytes, quota.countHardLimit, quota.byteHardLimit];
}

function rewritten(text: string): string | null {
  const quota = parseQuotaText(text);
  return quota && formatQuotaText(quota.count, quota.bytes, quota.furtherKeys);
}

describe("reading", () => {
  test.each([
    ["count=5,bytes=100", [5, 100, -1, -1]],
    ["count=5,bytes=-1=;byteHardLimit=1000;countHardLimit=7", [5, -1, 7, 1000]],
    ["", [-1, -1, -1, -1]],
    [",;,", [-1, -1, -1, -1]],
    ["bytes=3", [-1, 3, -1, -1]],
    ["count=1;;,bytes=2,", [1, 2, -1, -1]],
    ["count==9,bytes=2", [-1, 2, -1, -1]],
    ["count=+4,bytes=007", [4, 7, -1, -1]],
    ["count=1,count=2", [2, -1, -1, -1]],
  ])("%j has the numbers %j", (text, numbers) => {
    expect(parsed(text)).toEqual(numbers);
  });

  test.each([
    ["a key without a number", "count"],
    ["a key with nothing behind its =", "count="],
    ["a number without a key's end", "="],
    ["a separator at the start", ",count=1"],
    ["a word for a number", "count=many"],
    ["a blank before a number", "count= 1"],
    ["a number beyond a Java long", "count=9223372036854775808"],
  ])("%s is a text that ZooKeeper trips over", (_what, text) => {
    expect(parsed(text)).toBeNull();
  });

  test("a znode with null data has no quota text", () => {
    expect(parseQuotaText(null)).toBeNull();
  });
});

describe("writing", () => {
  test("totals alone are written without the stray =", () => {
    expect(formatQuotaText(3, 11)).toBe("count=3,bytes=11");
  });

  test("further keys are sorted behind a stray =, hard limits among them", () => {
    expect(rewritten("countHardLimit=-1;zz=5;bytes=2;byteHardLimit=1000;count=1")).toBe(
      "count=1,bytes=2=;byteHardLimit=1000;countHardLimit=-1;zz=5",
    );
  });

  test("a key that is only carried along keeps every digit of a Java long", () => {
    expect(rewritten("x=9223372036854775807,y=+007")).toBe("count=-1,bytes=-1=;x=9223372036854775807;y=7");
  });

  test("what was written reads back the same", () => {
    const number = fc.integer({ min: -1, max: 2 ** 31 });
    const keys = fc.dictionary(fc.constantFrom("byteHardLimit", "countHardLimit", "other", "a"), number.map(String));
    fc.assert(
      fc.property(number, number, keys, (count, bytes, further) => {
        const text = formatQuotaText(count, bytes, new Map(Object.entries(further)));
        expect(parseQuotaText(text)).toMatchObject({ count, bytes, furtherKeys: new Map(Object.entries(further)) });
        expect(rewritten(text)).toBe(text);
      }),
    );
  });
});

describe("limits", () => {
  const totals = { ...unlimited, count: 10, bytes: 100 };
  const create = { count: 1, bytes: 5 };

  test("without limits nothing is exceeded", () => {
    expect(exceededQuotas(unlimited, totals, create)).toEqual([]);
  });

  test("a total that reaches its limit is within it", () => {
    expect(exceededQuotas({ ...unlimited, countHardLimit: 11, byteHardLimit: 105 }, totals, create)).toEqual([]);
  });

  test("a soft limit of zero is a limit", () => {
    expect(exceededQuotas({ ...unlimited, count: 0 }, totals, create)).toEqual([
      { what: "count", isHard: false, total: 11, limit: 0 },
    ]);
  });

  test("where both limits are set the hard one alone counts", () => {
    expect(exceededQuotas({ ...unlimited, count: 5, countHardLimit: 20 }, totals, create)).toEqual([]);
    expect(exceededQuotas({ ...unlimited, count: 50, countHardLimit: 10 }, totals, create)).toEqual([
      { what: "count", isHard: true, total: 11, limit: 10 },
    ]);
  });

  test("a hard count limit is reported before bytes are looked at", () => {
    const limits = { ...unlimited, countHardLimit: 10, byteHardLimit: 10 };
    expect(exceededQuotas(limits, totals, create).map((excess) => excess.what)).toEqual(["count"]);
  });

  test("a soft count limit is reported beside the bytes", () => {
    const limits = { ...unlimited, count: 10, byteHardLimit: 10 };
    expect(exceededQuotas(limits, totals, create)).toEqual([
      { what: "count", isHard: false, total: 11, limit: 10 },
      { what: "bytes", isHard: true, total: 105, limit: 10 },
    ]);
  });

  test("a change of nothing is not checked, even beyond the limit", () => {
    const limits = { ...unlimited, countHardLimit: 1, byteHardLimit: 1 };
    expect(exceededQuotas(limits, totals, { count: 0, bytes: 0 })).toEqual([]);
  });

  test("data that shrinks is refused as long as the total stays beyond the limit", () => {
    const limits = { ...unlimited, byteHardLimit: 50 };
    expect(exceededQuotas(limits, totals, { count: 0, bytes: -10 })).toEqual([
      { what: "bytes", isHard: true, total: 90, limit: 50 },
    ]);
    expect(exceededQuotas(limits, totals, { count: 0, bytes: -50 })).toEqual([]);
  });

  test("the warning is worded as operators know it", () => {
    expect(quotaExceededMessage("/a", { what: "count", isHard: true, total: 11, limit: 10 })).toBe(
      "Quota exceeded: /a [current count=11, hardCountLimit=10]",
    );
    expect(quotaExceededMessage("/a", { what: "bytes", isHard: false, total: 6, limit: 5 })).toBe(
      "Quota exceeded: /a [current bytes=6, softByteLimit=5]",
    );
  });
});
