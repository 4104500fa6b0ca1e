/**
 * A change of the members that some have heard of, and others have carried out (COMPATIBILITY.md, "While the members change"): each
 * as a scenario in which nothing is left to chance.
 */

import { describe, expect, it } from "vitest";
import { ask, begun, clientAt, judged, leaderOf, serving, some } from "./scenes.ts";
import type { SimEnsemble } from "./sim-ensemble.ts";
import type { SimMember } from "./sim-member.ts";
import { changeTo } from "./member-changes.ts";

const answerMs = 10_000;
const logFolder = "/data/version-2";

/** Whether it has heard of a change, and not that it is committed. */
function isChanging({ server }: SimMember): boolean {
  return server?.views.isChanging === true;
}

/** Whether its log has a change with that line. */
function hasLogged({ disk }: SimMember, line: string): boolean {
  return disk.names(logFolder).some((name) => {
    return name.startsWith("log.") && disk.get(`${logFolder}/${name}`).includes(line);
  });
}

/** Nothing goes between these two. */
function separate({ network }: SimEnsemble, one: SimMember, other: SimMember): void {
  network.cut(one.node.name, other.node.name);
  network.cut(other.node.name, one.node.name);
}

describe("an ensemble whose members change", () => {
  it("prefers what the new members have committed to what the old ones have tried without them", async () => {
    const ensemble = await begun({ voters: 5, config: { reconfigEnabled: true, skipACL: "yes" } });
    const [one, two, three, four, five] = ensemble.members as [SimMember, SimMember, SimMember, SimMember, SimMember];
    const old = [one, two, three];
    expect(await leaderOf(ensemble)).toBe(five);
    const client = await clientAt(ensemble, five);
    client.ask(changeTo([{ isObserver: true }, { isObserver: true }, {}, {}, {}]));
    // Three of five hear of it, and no more from then on.
    const untold = new Set(old);
    const areTold = (): boolean => {
      for (const member of untold) {
        if (!isChanging(member)) continue;
        ensemble.network.cut(five.node.name, member.node.name);
        untold.delete(member);
      }
      return untold.size === 0;
    };
    expect(await ensemble.until(areTold, answerMs)).toBe(true);
    expect(await ensemble.until(() => client.waitingCount === 0, answerMs)).toBe(true);
    const haveNoted = (): boolean => old.every(({ keptConfig }) => keptConfig.next?.includes(":observer") === true);
    expect(await ensemble.until(haveNoted, answerMs)).toBe(true);
    for (const member of old) member.crash(false);
    await ask(ensemble, four, some(3));
    // They were a quorum, and still are by what they know to be committed; one of them votes with the new ones.
    for (const member of old) {
      for (const other of [four, five]) separate(ensemble, member, other);
      member.start();
    }
    expect(old.filter(isChanging)).toEqual(old);
    await ensemble.pass(30_000);
    expect(old.filter(({ isServing }) => isServing)).toEqual([]);
    await ask(ensemble, four, some(3));
    for (const member of ensemble.members) member.crash(false);
    ensemble.network.heal();
    for (const member of [three, four, five]) member.start();
    await serving(ensemble, three, four, five);
    await judged(ensemble);
  });

  it("has a change in no log before it is noted in a file: who is elected for it goes by it", async () => {
    const ensemble = await begun({ observers: 1, config: { reconfigEnabled: true, skipACL: "yes" } });
    const client = await clientAt(ensemble, await leaderOf(ensemble));
    const voters = ensemble.members.slice(0, 3);
    client.ask(changeTo([{}, {}, {}, {}]));
    const areChanged = (): boolean => {
      const logged = voters.filter((member) => hasLogged(member, "server.4="));
      for (const { keptConfig } of logged) expect(keptConfig.next).toContain("server.4=s4:2888:3888:participant");
      return logged.length === voters.length;
    };
    expect(await ensemble.until(areChanged, answerMs)).toBe(true);
    for (const member of ensemble.members) member.crash(false);
    for (const member of ensemble.members) member.start();
    await serving(ensemble, ...ensemble.members);
    await judged(ensemble);
    expect(ensemble.member(4).server!.views.committed.isVoter(4n)).toBe(true);
  });

  it("elects whom its old members may vote for, though the new ones need a vote of who had no weight", async () => {
    const ensemble = await begun({
      quorumLines: ["group.1=1:2:3", "weight.1=1", "weight.2=1", "weight.3=0"],
      config: { reconfigEnabled: true, skipACL: "yes" },
    });
    const [one, two, three] = ensemble.members as [SimMember, SimMember, SimMember];
    expect(await leaderOf(ensemble)).toBe(two);
    const client = await clientAt(ensemble, two);
    client.ask(changeTo([{ quorumPort: 2889 }, { isGone: true }, {}]));
    const areHalfWay = (): boolean => [one, three].every((member) => hasLogged(member, "server.1=s1:2889"));
    expect(await ensemble.until(areHalfWay, answerMs)).toBe(true);
    expect([one, three].filter(isChanging)).toEqual([one, three]);
    for (const member of ensemble.members) member.crash(false);
    // By the old members' weights server 1 or 2 has to lead, and of the new ones both have to vote.
    for (const member of ensemble.members) member.start();
    await serving(ensemble, one, three);
    await judged(ensemble);
    expect(one.server!.views.committed.voters).toEqual([1n, 3n]);
  });
});
