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

describe("the core of an ensemble whose members change", () => {
  it("goes on with other members and another leader", () => {
    const town = new CoreEnsemble(1, { voters: 3, spares: 2 });
    for (const server of town.servers) server.start();
    town.run(5_000);
    const before = town.leader!.sid;
    town.leader!.reconfigure(lines([1n, 2n, 3n, 4n, 5n].filter((sid) => sid !== before)));
    for (let i = 1; i <= 5; i++) town.leader!.propose(BigInt(i));
    town.run(5_000);
    expect(town.leader?.sid).not.toBe(before);
    expect(town.leader?.views.committed.voters).toHaveLength(4);
    town.converge();
    town.checkNothingLost();
  });

  it("loses nothing and converges, with crashes, cuts and changes", () => {
    let reconfigs = 0;
    for (let seed = 1; seed <= seeds * 2; seed++) {
      try {
        reconfigs += playReconfigs(seed);
      } catch (error) {
        throw new Error(`seed ${seed}: ${String(error)}`, { cause: error });
      }
    }
    expect(reconfigs).toBeGreaterThan(seeds);
  });
});

/** Members with these ids; those in `observers` do not vote. */
function lines(sids: readonly bigint[], observers: readonly bigint[] = []): string {
  const role = (sid: bigint): string => (observers.includes(sid) ? "observer" : "participant");
  return sids.map((sid) => `server.${sid}=h${sid}:2888:3888:${role(sid)};2181`).join("\n");
}

type Event = "writes" | "crash" | "start" | "break" | "cut" | "heal" | "change";

/** What befalls a town, each as often as it is drawn. */
function eventsOf(weights: Partial<Record<Event, number>>): Event[] {
  return Object.entries(weights).flatMap(([event, weight]) => Array.from({ length: weight }, () => event as Event));
}

const usualEvents = eventsOf({ writes: 5, crash: 2, start: 2, break: 1, cut: 1, heal: 1 });
const eventsWithChanges = eventsOf({ writes: 4, crash: 2, start: 3, break: 1, cut: 1, heal: 1, change: 2 });

function playReconfigs(seed: number): number {
  const town = new CoreEnsemble(seed, { voters: 3, observers: seed % 2, spares: 2, windowCount: 1 + (seed % 7) });
  for (const server of town.servers) server.start();
  town.run(2_000);
  playEvents(town, eventsWithChanges, 50);
  return town.reconfigs;
}

function play(seed: number, voters: number): void {
  const town = new CoreEnsemble(seed, { voters, observers: seed % 3 === 0 ? 1 : 0, windowCount: 1 + (seed % 7) });
  for (const server of town.servers) server.start();
  playEvents(town, usualEvents, 40);
}

/** So many events, and in the end all must be well. */
function playEvents(town: CoreEnsemble, events: readonly Event[], count: number): void {
  const { dice } = town;
  let payload = 0n;
  for (let step = 0; step < count; step++) {
    town.run(dice.below(600));
    const server = town.servers[dice.below(town.servers.length)]!;
    switch (events[dice.below(events.length)]!) {
      case "writes":
        for (let i = dice.below(5); i >= 0; i--) for (const one of town.servers) if (one.isUp) one.propose(++payload);
        break;
      case "crash":
        if (server.isUp) server.crash();
        break;
      case "start":
        if (!server.isUp) server.start();
        break;
      case "break":
        if (server.isUp) server.breakLinks();
        break;
      case "cut": {
        const island = new Set(town.servers.filter(() => dice.below(2) === 0).map(({ sid }) => sid));
        town.isCut = (a, b) => island.has(a) !== island.has(b);
        break;
      }
      case "heal":
        town.isCut = () => false;
        break;
      case "change": {
        const sids = town.servers.map(({ sid }) => sid).filter(() => dice.below(3) > 0);
        const observers = sids.filter(() => dice.oneIn(4));
        if (sids.length > 0) town.leader?.reconfigure(lines(sids, observers));
        for (let i = dice.below(4); i >= 0; i--) town.leader?.propose(++payload);
      }
    }
  }
  town.converge();
  town.checkNothingLost();
}
