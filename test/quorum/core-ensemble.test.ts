import { describe, expect, it } from "vitest";
import { CoreEnsemble } from "./core-ensemble.ts";

/** More by SEEDS=..., for a longer look. */
const seeds = Number(process.env["SEEDS"] ?? 200);

describe("the core of an ensemble", () => {
  it("elects a leader, commits, and has the same history everywhere", () => {
    const town = new CoreEnsemble(1, { voters: 3, observers: 1 });
    for (const server of town.servers) server.start();
    town.run(3_000);
    expect(town.leader).toBeDefined();
    for (let i = 1; i <= 20; i++) town.leader!.propose(BigInt(i));
    town.run(1_000);
    expect(town.acknowledged.size).toBe(20);
    town.converge();
    town.checkNothingLost();
  });

  it.each([3, 5])("loses nothing and converges, with crashes and cuts, %i voters", (voters) => {
    for (let seed = 1; seed <= seeds; seed++) {
      try {
        play(seed, voters);
      } catch (error) {
        throw new Error(`seed ${seed}, ${voters} voters: ${String(error)}`, { cause: error });
      }
    }
  });
});

function play(seed: number, voters: number): void {
  const town = new CoreEnsemble(seed, { voters, observers: seed % 3 === 0 ? 1 : 0, windowCount: 1 + (seed % 7) });
  const { dice } = town;
  for (const server of town.servers) server.start();
  let payload = 0n;
  for (let step = 0; step < 40; step++) {
    town.run(dice.below(600));
    const server = town.servers[dice.below(town.servers.length)]!;
    const die = dice.below(12);
    if (die < 5) {
      for (let i = dice.below(5); i >= 0; i--) for (const one of town.servers) if (one.isUp) one.propose(++payload);
    } else if (die < 7) {
      if (server.isUp) server.crash();
    } else if (die < 9) {
      if (!server.isUp) server.start();
    } else if (die === 9) {
      if (server.isUp) server.breakLinks();
    } else if (die === 10) {
      const island = new Set(town.servers.filter(() => dice.below(2) === 0).map(({ sid }) => sid));
      town.isCut = (a, b) => island.has(a) !== island.has(b);
    } else {
      town.isCut = () => false;
    }
  }
  town.converge();
  town.checkNothingLost();
}
