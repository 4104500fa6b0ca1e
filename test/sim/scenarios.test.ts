/**
 * What seeds have found in this server, each as a scenario in which nothing is left to chance: seeds mean something else
 * whenever the simulator changes, these do not.
 */

import { describe, expect, it } from "vitest";
import { ask, begun, judged, leaderOf, othersThan, patientClientAt, serving, some } from "./scenes.ts";
import { memberLine } from "./member-changes.ts";
import type { SimMember } from "./sim-member.ts";

const epochFiles = ["/data/version-2/acceptedEpoch", "/data/version-2/currentEpoch"];

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

  it("does not give way to a voter whose history, of a later epoch, would replace what was acknowledged since", async () => {
    const ensemble = await begun();
    const [one, two, three] = ensemble.members as [SimMember, SimMember, SimMember];
    one.crash(false);
    await ask(ensemble, two, some(3));
    // As if it came from before the others were given new disks, and their epochs began anew.
    for (const name of epochFiles) one.disk.put(name, Buffer.from("7"));
    const leader = await leaderOf(ensemble);
    const { epoch } = leader.server!.peer!.leading!;
    one.start();
    const hasGivenUp = (): boolean =>
      one.server?.peer?.state === "Settling" && Number.isFinite(one.server.peer.deadlineMs);
    expect(await ensemble.until(hasGivenUp, 10_000)).toBe(true);
    await ensemble.pass(30_000);
    expect(leader.server!.peer!.leading?.epoch).toBe(epoch);
    expect([one, two, three].map(({ isServing }) => isServing)).toEqual([false, true, true]);
  });

  it("lets a client in that comes back while a leader is looked for, as soon as there is one", async () => {
    const ensemble = await begun({ clients: 2 });
    const leader = await leaderOf(ensemble);
    const [follower] = othersThan(ensemble, leader) as [SimMember, SimMember];
    const client = await patientClientAt(ensemble, follower);
    leader.crash(false);
    expect(await ensemble.until(() => !client.isAttached, 10_000)).toBe(true);
    expect(follower.isServing).toBe(false);
    client.connect(follower.node.name);
    expect(await ensemble.until(() => client.isAttached, 10_000)).toBe(true);
    await ask(ensemble, follower, some(1));
    await judged(ensemble);
  });

  it("refuses a client when no leader is found soon, and those that come then", async () => {
    const ensemble = await begun({ clients: 2 });
    const [member, ...others] = ensemble.members as [SimMember, SimMember, SimMember];
    const client = await patientClientAt(ensemble, member);
    for (const other of others) other.crash(false);
    expect(await ensemble.until(() => !client.isAttached, 10_000)).toBe(true);
    const refusedAfterMs = async (): Promise<number> => {
      const sinceMs = ensemble.schedule.nowMs;
      client.connect(member.node.name);
      await ensemble.until(() => client.isConnected, 1_000);
      expect(await ensemble.until(() => !client.isConnected, 1_000)).toBe(true);
      return ensemble.schedule.nowMs - sinceMs;
    };
    expect(await refusedAfterMs()).toBeGreaterThan(200);
    expect(await refusedAfterMs()).toBeLessThan(20);
    await judged(ensemble);
  });

  it("serves in the last epoch that there is, and goes on to no other", async () => {
    const ensemble = await begun();
    const last = 2n ** 31n - 1n;
    for (const member of ensemble.members) {
      member.crash(false);
      for (const name of epochFiles) member.disk.put(name, Buffer.from(String(last - 1n)));
    }
    for (const member of ensemble.members) member.start();
    await serving(ensemble, ...ensemble.members);
    const leader = await leaderOf(ensemble);
    expect(leader.server!.peer!.leading!.epoch).toBe(last);
    await ask(ensemble, leader, some(3));
    leader.crash(false);
    await ensemble.pass(30_000);
    leader.start();
    await ensemble.pass(30_000);
    expect(ensemble.members.filter(({ isServing }) => isServing)).toEqual([]);
    for (const { disk } of ensemble.members) {
      for (const name of epochFiles) expect(disk.get(name).toString()).toBe(String(last));
    }
  });

  it("goes over to one member more by their files, one server after the other", async () => {
    const ensemble = await begun({ voters: 4 });
    const [one, two, three, four] = ensemble.members as [SimMember, SimMember, SimMember, SimMember];
    const before = [1, 2, 3].map((sid) => memberLine(sid)).join("\n");
    for (const member of ensemble.members) member.crash(false);
    for (const member of [one, two, three]) member.introduce(before);
    for (const group of [[one, two], [three], [four]]) {
      for (const member of group) member.start();
      await serving(ensemble, ...group);
    }
    expect(ensemble.leader).toBe(two);
    // When the leader's turn has come, server 3 still votes among three, and answers the fourth whatever that says.
    for (const member of [one, two, three]) {
      member.crash(false);
      await ensemble.pass(100);
      member.introduce(`${before}\n${memberLine(4)}`);
      member.start();
      expect(await ensemble.until(() => member.isServing, 1_000)).toBe(true);
      // Nor does it lead those who have thought better of it.
      expect(three.server!.peer!.state).not.toBe("Leading");
    }
    await serving(ensemble, ...ensemble.members);
    await judged(ensemble);
  });
});
