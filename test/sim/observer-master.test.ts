/** Observers that a follower serves: what they see, and what becomes of them when that follower goes. */

import { describe, expect, it } from "vitest";
import type { Request } from "../support/requests.ts";
import { dumpTree } from "../support/tree-dump.ts";
import { changeTo, type MemberPlace } from "./member-changes.ts";
import { ask, begun, clientAt, cutOff, judged, leaderOf, othersThan, restarted, serving, some } from "./scenes.ts";
import type { SimEnsemble } from "./sim-ensemble.ts";
import type { SimMember } from "./sim-member.ts";
import { placeText } from "./sim-network.ts";
import { create } from "./workload.ts";

const port = { observerMasterPort: 2191 };
/** A session's own znode, and syncs between writes, each of which is answered behind what comes before it. */
const asked: readonly Request[] = [
  create("/e-", 3),
  { op: "sync", path: "/" },
  ...some(2),
  { op: "sync", path: "/" },
  { op: "getChildren", path: "/", watch: true },
];

function masterOf(ensemble: SimEnsemble, observer: SimMember): SimMember {
  return ensemble.member(Number(observer.server!.peer!.masterSid));
}

/** Counter of the last zxid that it has applied. */
function lastLowOf({ server }: SimMember): number {
  return server!.serving!.database.tree.lastZxidLow;
}

/** Servers 1 to 3 vote, server 4 observes. */
async function withObserver(
  config: Record<string, number | string | boolean> = {},
): Promise<{ ensemble: SimEnsemble; observer: SimMember }> {
  const ensemble = await begun({ observers: 1, config: { ...port, ...config } });
  const observer = ensemble.member(4);
  await serving(ensemble, ...ensemble.members);
  return { ensemble, observer };
}

describe("an observer", () => {
  it("is served by a follower, never by the leader", async () => {
    const { ensemble, observer } = await withObserver();
    const leader = await leaderOf(ensemble);
    const master = masterOf(ensemble, observer);
    expect(othersThan(ensemble, leader, observer)).toContain(master);
    expect([...leader.server!.peer!.leading!.handlers].map(({ sid }) => sid)).not.toContain(4n);
    expect(master.server!.memberFacts()!.peer!.syncedObservers).toBe(1);
    expect(observer.server!.memberFacts()!.peer!.observerMasterId).toBe(master.sid);
    await ask(ensemble, observer, asked);
    await ask(ensemble, master, asked);
    // Clients of both, in turn, ask the leader through the same connection.
    await ask(ensemble, observer, asked);
    await judged(ensemble);
  });

  it("keeps its clients' sessions alive, and may take over sessions of others", async () => {
    const { ensemble, observer } = await withObserver();
    const client = await clientAt(ensemble, masterOf(ensemble, observer));
    client.ask(create("/mine", 1));
    await ensemble.until(() => client.waitingCount === 0, 1_000);
    const { id } = client.session!;
    for (const at of [observer, await leaderOf(ensemble), observer]) {
      await clientAt(ensemble, at);
      expect(client.session!.id).toBe(id);
      // Several times as long as it would live unheard.
      await ensemble.pass(15_000);
      expect(client.session!.id).toBe(id);
    }
    expect(client.refusals).toEqual([]);
    await judged(ensemble);
  });

  it("hears from a follower that leaves it where the voters are from then on", async () => {
    const { ensemble, observer } = await withObserver({ reconfigEnabled: true, skipACL: "yes" });
    const leader = await leaderOf(ensemble);
    // Everybody is asked about elections in another place, and another one leads.
    const places = ensemble.members.map((one): MemberPlace => {
      return { electionPort: 3889, isObserver: one === observer, ...(one === leader && { quorumPort: 2889 }) };
    });
    const master = masterOf(ensemble, observer);
    const client = await clientAt(ensemble, leader);
    client.ask(changeTo(places));
    expect(await ensemble.until(() => !master.isServing, 10_000)).toBe(true);
    // Once their files say so nobody is left whom the observer could ask where it has asked before.
    await ensemble.pass(50);
    await restarted(ensemble, ...othersThan(ensemble, observer));
    await serving(ensemble, ...ensemble.members);
    await ask(ensemble, observer, asked);
    await judged(ensemble);
  });

  it.each(["dies", "is cut off", "is paused"])("finds another follower when its own %s", async (fate) => {
    const { ensemble, observer } = await withObserver();
    const master = masterOf(ensemble, observer);
    if (fate === "dies") master.crash(false);
    else if (fate === "is cut off") cutOff(ensemble, master);
    else master.pause(5_000);
    const leader = await leaderOf(ensemble);
    const hasMoved = (): boolean => observer.isServing && masterOf(ensemble, observer) !== master;
    expect(await ensemble.until(hasMoved, 30_000)).toBe(true);
    expect(masterOf(ensemble, observer)).not.toBe(leader);
    await ask(ensemble, observer, asked);
    await judged(ensemble);
  });

  it("is served by the leader where no follower takes it for initLimit", async () => {
    const { ensemble, observer } = await withObserver();
    const leader = await leaderOf(ensemble);
    // As if the followers could not bind that port.
    for (const { node } of othersThan(ensemble, leader, observer)) {
      node.listeners.delete(placeText(node.name, port.observerMasterPort));
    }
    cutOff(ensemble, observer);
    expect(await ensemble.until(() => !observer.isServing, 10_000)).toBe(true);
    ensemble.network.heal();
    const lostMs = ensemble.schedule.nowMs;
    await serving(ensemble, observer);
    expect(masterOf(ensemble, observer)).toBe(leader);
    expect(ensemble.schedule.nowMs - lostMs).toBeGreaterThan(4_000);
    await ask(ensemble, observer, asked);
    await judged(ensemble);
  });

  it("goes on from where it is when it is ahead of the follower that it comes to", async () => {
    const { ensemble, observer } = await withObserver();
    const master = masterOf(ensemble, observer);
    const leader = await leaderOf(ensemble);
    const [other] = othersThan(ensemble, master, leader, observer) as [SimMember];
    // That one hears nothing of it for a while.
    ensemble.network.cut(leader.node.name, other.node.name);
    await ask(ensemble, leader, some(5));
    const hasAll = (): boolean => lastLowOf(observer) === lastLowOf(leader);
    expect(await ensemble.until(hasAll, 1_000)).toBe(true);
    expect(lastLowOf(other)).toBeLessThan(lastLowOf(observer));
    master.crash(false);
    await ensemble.pass(300);
    expect(observer.isServing).toBe(false);
    ensemble.network.heal();
    await serving(ensemble, observer);
    expect(ensemble.syncs.get("TRUNC") ?? 0).toBe(0);
    await judged(ensemble);
  });

  it("is sent the tree by a follower while that changes", async () => {
    const { ensemble, observer } = await withObserver({ snapCount: 5, snapshotSizeFactor: 0 });
    observer.crash(false);
    observer.wipe();
    const leader = await leaderOf(ensemble);
    for (let i = 0; i < 4; i++) await ask(ensemble, leader, some(5));
    const before = ensemble.syncs.get("SNAP") ?? 0;
    observer.start();
    const client = await clientAt(ensemble, leader);
    ensemble.onSync = () => {
      for (const request of some(8)) client.ask(request);
    };
    await serving(ensemble, observer);
    expect(ensemble.syncs.get("SNAP")).toBe(before + 1);
    await judged(ensemble);
  });

  it.each(["to its follower", "from its follower"])(
    "lets nothing through that is late when a client has moved %s",
    async (way) => {
      const { ensemble, observer } = await withObserver();
      const master = masterOf(ensemble, observer);
      const [from, to] = way === "to its follower" ? [observer, master] : [master, observer];
      // So that the leader has been told whose the session is.
      await clientAt(ensemble, to);
      const client = await clientAt(ensemble, from);
      const source = from === observer ? observer.node.name : "c0";
      ensemble.network.cut(source, master.node.name);
      client.ask(create("/late"));
      await ensemble.pass(50);
      await ask(ensemble, to, some(3));
      ensemble.network.heal();
      // What waits is sent anew from time to time.
      await ensemble.pass(500);
      await judged(ensemble);
      const { tree } = ensemble.member(1).server!.serving!.database;
      expect(Object.keys(dumpTree(tree))).not.toContain("/late");
    },
  );
});
