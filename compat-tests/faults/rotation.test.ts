/** The rotation meets everything, and soon. */

import { expect, test } from "vitest";
import { nemeses } from "./nemeses/nemeses.ts";
import { mixtures, ofOurs, rotation, type Turn } from "./rotation.ts";

const ensembles = [...ofOurs, ...mixtures];

function turns(count: number, seed: number, chosen = nemeses): Turn[] {
  return rotation(ensembles, chosen, seed).take(count).toArray();
}

test("every ensemble is met within five rounds, whenever they begin", () => {
  const builds = turns(200, 7).map((turn) => turn.builds);
  for (let from = 0; from + 5 <= builds.length; from++) {
    expect(new Set(builds.slice(from, from + 5)).size).toBe(ensembles.length);
  }
});

test.each([22, 20, 15, 5, 3, 1])("%i nemeses meet every ensemble, each once", (count) => {
  const chosen = nemeses.slice(0, count);
  const met = turns(count * ensembles.length, 7, chosen).map(
    ({ builds, nemesis }) => `${builds.join()} ${nemesis.name}`,
  );
  expect(new Set(met).size).toBe(count * ensembles.length);
});

test("a round of nemeses leaves none out", () => {
  expect(new Set(turns(nemeses.length, 7).map(({ nemesis }) => nemesis)).size).toBe(nemeses.length);
});

test("a seed is an order", () => {
  expect(turns(50, 7)).toEqual(turns(50, 7));
  expect(turns(50, 8)).not.toEqual(turns(50, 7));
});
