import { expect, test } from "vitest";
import { EndedSessions } from "#session/ended-sessions.ts";

test("sessions that have ended are remembered for a period at least, and forgotten behind the next", () => {
  const ended = new EndedSessions(1_000);
  ended.add(1, 1, 0);
  ended.add(1, 2, 999);
  expect([ended.has(1, 1), ended.has(1, 2), ended.has(2, 1)]).toEqual([true, true, false]);
  ended.add(1, 3, 1_000);
  expect([ended.has(1, 1), ended.has(1, 2), ended.has(1, 3)]).toEqual([true, true, true]);
  ended.add(1, 4, 2_000);
  expect([ended.has(1, 1), ended.has(1, 2), ended.has(1, 3), ended.has(1, 4)]).toEqual([false, false, true, true]);
});
