/**
 * A short form of `npm run faults`: three of ours under one nemesis after the other, and ours with the reference, all workloads side by
 * side. Nemeses that need more of the machine than it gives (kept-rounds.ts) are left out.
 */

import { expect, test } from "vitest";
import type { Build } from "../reference/server.ts";
import { timed } from "../reporting/cases.ts";
import { isShort } from "../shard.ts";
import { meansHere, playAndKeep, whyNot } from "./kept-rounds.ts";
import { nemeses, nemesisOf } from "./nemeses/nemeses.ts";
import { workloads } from "./workloads/workloads.ts";

const timeoutMs = 180_000;
const means = meansHere();
const seed = Number(process.env["COMPAT_SEED"] ?? 1);

function possible(names: readonly string[]): string[] {
  return names.filter((name) => whyNot(nemesisOf(name), means) === null);
}

async function expectToHold(builds: readonly Build[], nemesis: string): Promise<void> {
  const round = await timed("ours", () =>
    playAndKeep({
      builds,
      nemesis,
      workloads: workloads.map(({ name }) => name),
      seed,
      troubleMs: isShort ? 4_000 : 10_000,
      isCuttable: means.canCutLinks,
    }),
  );
  const problems = round.findings.filter(({ problem }) => problem !== null);
  expect(problems, `kept in ${round.folder}`).toEqual([]);
  expect(round.strikes).toBeGreaterThan(0);
}

const ofThree = isShort ? ["kill-leader", "isolate-leader", "flip-logs"] : nemeses.map(({ name }) => name);

test.each(possible(ofThree))("three of ours keep all promises: %s", { timeout: timeoutMs }, (nemesis) =>
  expectToHold(["ours", "ours", "ours"], nemesis),
);

const ofMixed = isShort ? ["kill-all"] : ["kill-all", "kill-leader", "isolate-leader", "blind-node", "slow-links"];

test.each(possible(ofMixed))("ours and the reference keep all promises: %s", { timeout: timeoutMs }, (nemesis) =>
  expectToHold(["ours", "reference", "ours"], nemesis),
);
