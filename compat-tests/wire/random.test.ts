/**
 * A hundred thousand random operations, the same to both servers, compared reply by reply, event by event, closing by
 * closing, and at last tree by tree. They come in plans of some thousand, each drawn from a seed of its own, under
 * several configurations.
 *
 *   npm run compat -- wire/random                                  seeds that never change, and some that nobody has seen
 *   COMPAT_OPERATIONS=1000000 npm run compat -- wire/random        ten times as many
 *   COMPAT_SEED=7 COMPAT_OPERATIONS=1 npm run compat -- wire/random      seed 7, under each configuration
 *
 * A plan on which the servers differ is made as small as it gets and kept (verdict.ts).
 */

import { expect, test } from "vitest";
import { reportCases, type Case } from "../reporting/cases.ts";
import { configurations } from "./configurations.ts";
import { Stage } from "./play.ts";
import { drawPlan } from "./plan.ts";
import { verdictOn } from "./verdict.ts";
import { isShort } from "../shard.ts";

const planOperations = 2000;
const operations = Number(process.env["COMPAT_OPERATIONS"] ?? 100_000);
const planCount = Math.ceil(operations / configurations.length / planOperations);
/**
 * Of the plans under a configuration, those whose seeds are fresh, unless a seed is given. A change is judged by seeds that it
 * shares with the change before it: none is fresh in the shard.
 */
const freshCount = isShort ? 0 : Math.floor(planCount / 4);

/** Time for a plan on a busy machine, and for making one small. */
const planMs = 20_000;
const shrinkingMs = 240_000;

function seedsOfThisRun(): number[] {
  const given = process.env["COMPAT_SEED"];
  if (given !== undefined) return seedsFrom(Number(given), planCount);
  const fresh = 1_000_000 + (Date.now() % 1_000_000_000);
  return [...seedsFrom(1, planCount - freshCount), ...seedsFrom(fresh, freshCount)];
}

function seedsFrom(first: number, count: number): number[] {
  return Array.from({ length: count }, (_, index) => first + index);
}

const seeds = seedsOfThisRun();
process.stdout.write(`random plans, ${planOperations} operations each, of the seeds ${seeds.join(" ")}\n`);

test.for(configurations)(
  "plans under $name: both servers say the same",
  { timeout: planCount * planMs + shrinkingMs },
  async (configuration, { task }) => {
    const stage = new Stage(configuration);
    const cases: Case[] = [];
    const failures: string[] = [];
    try {
      for (const seed of seeds) {
        const failure = await verdictOn(stage, drawPlan(seed, configuration.name, planOperations));
        const name = `seed ${seed}, ${configuration.name}`;
        if (failure === null) cases.push({ name, ours: "passed", reference: "passed" });
        else cases.push({ name, ours: "failed", reference: "passed", detail: failure });
        // One small plan is enough to work on; the next ones would most likely tell the same story.
        if (failure === null) continue;
        failures.push(failure);
        break;
      }
    } finally {
      await stage.dispose();
      reportCases(task, cases);
    }
    expect(failures.join("\n\n")).toBe("");
  },
);
