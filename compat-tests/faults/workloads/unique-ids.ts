/**
 * Unique ids: every process takes numbers from sequential znodes. No number is given twice, and whoever asks when another has its
 * number gets a higher one.
 */

import { expectNone, type Operation, only, repeated } from "../operations.ts";
import { create, sequential, ephemeral, type Workload } from "./workload.ts";

export const uniqueIds: Workload = {
  name: "unique-ids",
  processes: 2,
  begin() {
    return {
      setUp: async (process) => void (await process.insist(create("/ids", ""))),
      step: async (process) => {
        await process.operate("generate", null, async () => {
          // Names that go with their session take numbers like all others.
          const flags = process.dice.oneIn(4) ? sequential | ephemeral : sequential;
          const answer = await process.ask(create("/ids/id-", String(process.number), flags));
          if (answer === null) return { type: "unknown" };
          if (answer.err !== 0) return { type: "fail" };
          return { type: "ok", result: Number(answer.body.string()!.slice("/ids/id-".length)) };
        });
      },
      // What was given is what counts, not what is there.
      finish: async () => {},
    };
  },
  check(operations: readonly Operation[]): void {
    const given = only(operations, "generate", "ok");
    const ids = given.map(({ result }) => result as number);
    expectNone("given twice", repeated(ids));
    const byEnd = given.toSorted((a, b) => a.completedMs - b.completedMs);
    let highest = -1;
    let next = 0;
    for (const { invokedMs, result } of given.toSorted((a, b) => a.invokedMs - b.invokedMs)) {
      for (; next < byEnd.length && byEnd[next]!.completedMs < invokedMs; next++) {
        highest = Math.max(highest, byEnd[next]!.result as number);
      }
      if ((result as number) <= highest) throw new Error(`${result as number} was given when ${highest} had been`);
    }
  },
};
