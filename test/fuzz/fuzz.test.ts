/**
 * All that was ever kept for a target is run again, and some that was not: the same inputs each time. Two minutes of new ones are
 * a step of their own (.ci/run), hours are up to whoever changes something (`npm run fuzz`).
 */

import { describe, expect, test } from "vitest";
import { readCorpus } from "./corpus.ts";
import { Fuzzer } from "./fuzzer.ts";
import { targets } from "./targets.ts";

const newInputs = 40;

describe("whatever is given to", () => {
  test.each(targets.map((target) => [target.name, target] as const))(
    "%s, nothing comes of it that may not",
    async (name, target) => {
      const corpus = readCorpus(name).map(({ input }) => input);
      const fuzzer = new Fuzzer(target, { seed: 1, corpus, coverage: null, watchdog: null });
      await fuzzer.replay();
      await fuzzer.fuzz({ runs: newInputs, untilMs: Number.POSITIVE_INFINITY });
      expect(fuzzer.findings.map(({ fault, input }) => `${fault.text}\n${input.toString("hex")}`)).toEqual([]);
    },
  );
});
