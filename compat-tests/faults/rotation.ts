/**
 * Which nemesis strikes which ensemble, round by round. Ensembles take turns, so that a few minutes meet all of them; nemeses do, each
 * time with another ensemble, until every one of them has met every one. The order is the dice's, and the same for the same seed.
 */

import { Dice } from "../../test/sim/schedule.ts";
import type { Build } from "../reference/server.ts";
import { type Nemesis, shuffled } from "./nemeses/nemesis.ts";

export type Builds = readonly Build[];

/** Three and five of ours. */
export const ofOurs: readonly Builds[] = [3, 5].map((count) => Array.from({ length: count }, () => "ours" as const));

/** Ours and the reference, each once in the majority, and five of them. */
export const mixtures: readonly Builds[] = [
  ["ours", "reference", "ours"],
  ["reference", "ours", "reference"],
  ["ours", "reference", "ours", "reference", "ours"],
];

export interface Turn {
  readonly builds: Builds;
  readonly nemesis: Nemesis;
}

/** Turns without end. Of as many as there are pairs no two are alike. */
export function* rotation(
  ensembles: readonly Builds[],
  nemeses: readonly Nemesis[],
  seed: number,
): Generator<Turn, never> {
  const dice = new Dice(seed, "rotation");
  const [shapes, strikers] = [shuffled(ensembles, dice), shuffled(nemeses, dice)];
  const roundTrip = leastCommonMultiple(shapes.length, strikers.length);
  for (let turn = 0; ; turn++) {
    // Both are where they began together: from there one is a step ahead.
    const ahead = Math.floor(turn / roundTrip);
    yield { builds: shapes[turn % shapes.length]!, nemesis: strikers[(turn + ahead) % strikers.length]! };
  }
}

function leastCommonMultiple(a: number, b: number): number {
  let multiple = a;
  while (multiple % b !== 0) multiple += a;
  return multiple;
}
