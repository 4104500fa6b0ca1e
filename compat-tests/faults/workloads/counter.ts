/**
 * Counter in a multi: a process reads the counter and, in one multi, sets it to one more under the version that it has read and creates
 * a znode for that number. The counter never goes back, no increment is half done, none that was acknowledged is lost, and no
 * number is given to two.
 */

import { expectNone, type Operation, only, repeated } from "../operations.ts";
import { childrenOf, create, dataOf, setData, textOf, type Workload } from "./workload.ts";

export const counter: Workload = {
  name: "counter",
  processes: 2,
  begin() {
    return {
      setUp: async (process) => {
        await process.insist(create("/counter", "0"));
        await process.insist(create("/increments", ""));
      },
      step: async (process) => {
        const read = await process.operate("read", null, async () => {
          const answer = await process.ask({ op: "getData", path: "/counter", watch: process.dice.oneIn(4) });
          if (answer === null) return { type: "unknown" };
          const value = Number(textOf(answer.body));
          return { type: "ok", result: [value, answer.body.stat().version] };
        });
        if (read.type !== "ok") return;
        const [value, version] = read.result as [number, number];
        const parts = [setData("/counter", String(value + 1), version), create(`/increments/${value + 1}`, "")];
        await process.operate("increment", value + 1, async () => {
          const answer = await process.ask({ op: "multi", parts });
          if (answer === null) return { type: "unknown" };
          // A multi that is refused is answered without an error, and says so in its parts.
          return { type: answer.err === 0 && answer.body.int() === 5 ? "ok" : "fail" };
        });
      },
      finish: async (process) => {
        const children = await childrenOf(process, "/increments");
        const value = Number(await dataOf(process, "/counter"));
        await process.operate("end", null, async () => ({ type: "ok", result: [value, ...children.map(Number)] }));
      },
    };
  },
  check(operations: readonly Operation[]): void {
    const [value, ...increments] = (only(operations, "end", "ok").at(-1)?.result ?? []) as readonly number[];
    if (value === undefined) throw new Error("nobody has read the counter in the end");
    const acknowledged = only(operations, "increment", "ok").map(({ value: number }) => number as number);
    const there = new Set(increments);
    expectNone("acknowledged twice", repeated(acknowledged));
    expectNone(
      "acknowledged and lost",
      acknowledged.filter((number) => !there.has(number) || number > value),
    );
    const expected = Array.from({ length: value }, (_, i) => i + 1);
    expectNone(
      `the counter is ${value}, without the znodes of`,
      expected.filter((number) => !there.has(number)),
    );
    expectNone(
      `the counter is ${value}, with znodes of`,
      increments.filter((number) => number > value),
    );
    for (const [process, reads] of Map.groupBy(only(operations, "read", "ok"), (read) => read.process)) {
      const values = reads.map(({ result }) => (result as readonly number[])[0]!);
      expectNone(
        `went back for process ${process}`,
        values.filter((each, i) => i > 0 && each < values[i - 1]!),
      );
    }
  },
};
