/**
 * What seeds have found in this server, each as a scenario in which nothing is left to chance: seeds mean something else
 * whenever the simulator changes, these do not.
 */

import { describe, expect, it } from "vitest";
import { ask, begun, serving, some } from "./scenes.ts";

describe("a simulated ensemble", () => {
  it("sends the tree where the leader's log begins behind what the learner has", async () => {
    const ensemble = await begun({ config: { snapCount: 5, snapshotSizeFactor: 0 } });
    await ask(ensemble, ensemble.member(3), some(3));
    // Server 2 has lost its disk, and its log begins where it was sent the tree.
    ensemble.member(2).crash(false);
    ensemble.member(2).wipe();
    ensemble.member(2).start();
    await serving(ensemble, ensemble.member(2));
    ensemble.member(1).crash(false);
    // In pieces, so that snapshots are taken meanwhile.
    for (let i = 0; i < 4; i++) {
      await ask(ensemble, ensemble.member(3), some(5));
      await ensemble.pass(100);
    }
    // Now it leads, and its memory begins at its newest snapshot.
    ensemble.member(3).crash(false);
    ensemble.member(2).crash(false);
    ensemble.member(2).start();
    const before = ensemble.syncs.get("SNAP") ?? 0;
    ensemble.member(1).start();
    await serving(ensemble, ensemble.member(1), ensemble.member(2));
    expect(ensemble.syncs.get("SNAP")).toBe(before + 1);
    await ensemble.heal();
    ensemble.judge();
  });

  it("takes back a voter that has accepted the epoch of a leader that came to nothing", async () => {
    const ensemble = await begun();
    ensemble.member(1).crash(false);
    await ask(ensemble, ensemble.member(2), some(3));
    // As if it had been about to lead, alone, and died.
    ensemble.member(1).disk.put("/data/version-2/acceptedEpoch", Buffer.from("7"));
    ensemble.member(1).start();
    await serving(ensemble, ensemble.member(1), ensemble.member(2), ensemble.member(3));
    expect(ensemble.leader!.server!.peer!.leading!.epoch).toBeGreaterThanOrEqual(7n);
    await ensemble.heal();
    ensemble.judge();
  });
});
