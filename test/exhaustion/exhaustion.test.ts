/**
 * All attacks, small, one after the other on the same servers: what is no number (a crash, a session lost, memory without end)
 * shows at any size. `npm run exhaust -- --scale full` measures.
 */

import { afterAll, describe, expect, test } from "vitest";
import { type Attack, commonLimits, judge, numberText } from "./attack.ts";
import { attacks } from "./attacks.ts";
import { Stage } from "./stage.ts";
import { rowOf } from "./table.ts";

const attackTimeoutMs = 60_000;
const stage = new Stage("small");

afterAll(() => stage[Symbol.asyncDispose]());

describe("limits hold against", () => {
  test.each(attacks)(
    "$name",
    async (attack) => {
      const { broken } = judge(attack, await attack.run(stage), stage.scale);
      expect(broken).toEqual([]);
    },
    attackTimeoutMs,
  );
});

describe("the judge", () => {
  const attack: Attack = {
    name: "example",
    about: "a | b",
    limits: () => [{ measure: "open", atLeast: 1, atMost: 60 }],
    run: () => Promise.resolve({}),
  };
  const good = { open: 60, sessionsLost: 0, maxMs: 12.345 };

  test("finds nothing broken at the limits", () => {
    expect(judge(attack, good, "small").broken).toEqual([]);
  });

  test("names what is beyond a limit, its own or a common one, and what was not measured", () => {
    expect(judge(attack, { ...good, open: 61 }, "small").broken).toEqual(["open at once >= 1, <= 60: 61"]);
    expect(judge(attack, { ...good, sessionsLost: 1 }, "small").broken).toEqual(["others' sessions lost <= 0: 1"]);
    expect(judge(attack, { sessionsLost: 0 }, "small").broken).toEqual(["open at once: not measured"]);
  });

  test("looks at the event loop's work at full scale only", () => {
    const stalled = { ...good, busyMs: 5000 };
    expect(judge(attack, stalled, "small").broken).toEqual([]);
    expect(judge(attack, stalled, "full").broken).toEqual(["longest work without a pause, ms of CPU <= 200: 5,000"]);
  });

  test("lets an attack's own limit stand in for a common one", () => {
    const lenient = { ...attack, limits: () => [{ measure: "maxMs" as const, atMost: 5000 }] };
    expect(judge(lenient, { ...good, maxMs: 4000 }, "full").broken).toEqual([]);
    expect(commonLimits("full").some(({ measure, atMost }) => measure === "maxMs" && atMost === 2500)).toBe(true);
  });

  test("writes a line that a table can hold", () => {
    const row = rowOf(judge(attack, good, "small"), "small", "today");
    expect(row).toBe(
      "| **example**: a \\| b | small | open at once >= 1, <= 60 | others' longest wait, ms 12.3; " +
        "others' sessions lost 0; open at once 60 | yes | today |",
    );
  });

  test("writes numbers with three digits that count", () => {
    expect([0.12345, 12.345, 500, 12_345.6].map(numberText)).toEqual(["0.123", "12.3", "500", "12,346"]);
  });
});
