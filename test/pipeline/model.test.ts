/**
 * The whole of a request's way, put beside the model: random conversations of several clients, whose requests are
 * prepared ahead of a log that becomes durable in random batches. Every reply and every event of every connection has to
 * be the model's, in the model's order, and so have tree, sessions, watches and digest at the end.
 */

import * as fc from "fast-check";
import { describe, test } from "vitest";
import { conversation } from "../support/operations.ts";
import { Duel } from "../support/duel.ts";

/** Always the same, so that a failure here is the last change's. */
const seeds = [1, 2, 3, 4];
const freshSeed = Date.now() | 0;

/** Ends the search for a smaller counterexample. */
const timeLimitMs = 20_000;

function check(seed: number, numRuns: number): void {
  const settings = fc.record({
    extendedTypesEnabled: fc.boolean(),
    enforceQuota: fc.boolean(),
    closeSessionTxnEnabled: fc.boolean(),
    hashSeed: fc.integer(),
  });
  fc.assert(
    fc.property(settings, conversation(250), (options, steps) => {
      const duel = new Duel(options);
      for (const step of steps) duel.step(step);
      duel.finish();
    }),
    { seed, numRuns, interruptAfterTimeLimit: timeLimitMs },
  );
}

describe("a server answers as its model does", () => {
  test.each(seeds)("in conversations of seed %i", (seed) => check(seed, 250));

  test(`in conversations of a fresh seed, ${freshSeed} this time`, () => check(freshSeed, 250));
});
