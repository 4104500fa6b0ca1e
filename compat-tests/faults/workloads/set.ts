/**
 * Set: every process adds elements, each a znode of its own. In the end all that were acknowledged are there, once, and nothing that
 * nobody has added.
 */

import { expectNone, type Operation, only, repeated } from "../operations.ts";
import { childrenOf, create, outcomeOf, type Workload } from "./workload.ts";

export const set: Workload = {
  name: "set",
  processes: 2,
  begin() {
    let next = 1;
    return {
      setUp: async (process) => void (await process.insist(create("/set", ""))),
      step: async (process) => {
        const element = next++;
        await process.operate("add", element, async () => outcomeOf(await process.ask(create(`/set/${element}`, ""))));
      },
      finish: async (process) => {
        const children = await childrenOf(process, "/set");
        await process.operate("read", null, async () => ({ type: "ok", result: children.map(Number) }));
      },
    };
  },
  check(operations: readonly Operation[]): void {
    const read = only(operations, "read", "ok").at(-1);
    if (read === undefined) throw new Error("nobody has read the set in the end");
    const found = read.result as readonly number[];
    const there = new Set(found);
    const tried = new Set(only(operations, "add", "ok", "unknown").map(({ value }) => value as number));
    const added = only(operations, "add", "ok").map(({ value }) => value as number);
    expectNone(
      "added and lost",
      added.filter((element) => !there.has(element)),
    );
    expectNone(
      "there, and never added",
      found.filter((element) => !tried.has(element)),
    );
    expectNone("there more than once", repeated(found));
  },
};
