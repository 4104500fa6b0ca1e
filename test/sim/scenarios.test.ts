/**
 * What seeds have found in this server, each as a scenario in which nothing is left to chance: seeds mean something else
 * whenever the simulator changes, these do not.
 */

import { describe, expect, it } from "vitest";
import { SimEnsemble } from "./sim-ensemble.ts";
import type { SimMember } from "./sim-member.ts";
import { create } from "./workload.ts";

async function threeServing(config: Readonly<Record<string, string | number>> = {}): Promise<SimEnsemble> {
  const shape = { seed: 1, voters: 3, observers: 0, clients: 1, networkMsMax: 2, diskMsMax: 2, config };
  const ensemble = new SimEnsemble(shape);
  await ensemble.setUp();
  return ensemble;
}

async function serving(ensemble: SimEnsemble, ...sids: readonly number[]): Promise<void> {
  const isServing = (): boolean => sids.every((sid) => ensemble.member(sid).isServing);
  if (!(await ensemble.until(isServing, 60_000))) throw new Error(`servers ${sids.join(", ")} do not serve`);
}

/** The client writes through that member. */
async function write(ensemble: SimEnsemble, { node }: SimMember, count: number): Promise<void> {
  const [client] = ensemble.clients;
  client!.drop();
  client!.connect(node.name);
  if (!(await ensemble.until(() => client!.isAttached, 10_000))) throw new Error(`${node.name} lets nobody in`);
  for (let i = 0; i < count; i++) client!.ask(create("/q-", 2));
  if (!(await ensemble.until(() => client!.waitingCount === 0, 10_000)))
    throw new Error(`${node.name} answers nothing`);
}

describe("a simulated ensemble", () => {
  it("sends the tree where the leader's log begins behind what the learner has", async () => {
    const ensemble = await threeServing({ snapCount: 5, preAllocSize: 4, snapshotSizeFactor: 0 });
    await write(ensemble, ensemble.member(3), 3);
    // Server 2 has lost its disk, and its log begins where it was sent the tree.
    ensemble.member(2).crash(false);
    ensemble.member(2).wipe();
    ensemble.member(2).start();
    await serving(ensemble, 2);
    ensemble.member(1).crash(false);
    // In pieces, so that snapshots are taken meanwhile.
    for (let i = 0; i < 4; i++) {
      await write(ensemble, ensemble.member(3), 5);
      await ensemble.pass(100);
    }
    // Now it leads, and its memory begins at its newest snapshot.
    ensemble.member(3).crash(false);
    ensemble.member(2).crash(false);
    ensemble.member(2).start();
    const before = ensemble.syncs.get("SNAP") ?? 0;
    ensemble.member(1).start();
    await serving(ensemble, 1, 2);
    expect(ensemble.syncs.get("SNAP")).toBe(before + 1);
    await ensemble.heal();
    ensemble.judge();
  });

  it("takes back a voter that has accepted the epoch of a leader that came to nothing", async () => {
    const ensemble = await threeServing();
    ensemble.member(1).crash(false);
    await write(ensemble, ensemble.member(2), 3);
    // As if it had been about to lead, alone, and died.
    ensemble.member(1).disk.put("/data/version-2/acceptedEpoch", Buffer.from("7"));
    ensemble.member(1).start();
    await serving(ensemble, 1, 2, 3);
    expect(ensemble.leader!.server!.peer!.leading!.epoch).toBeGreaterThanOrEqual(7n);
    await ensemble.heal();
    ensemble.judge();
  });
});
