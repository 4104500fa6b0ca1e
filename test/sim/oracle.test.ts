/** Two voters with an oracle (`oraclePath`): who goes on when the other is gone, and what that may never do. */

import { describe, expect, it } from "vitest";
import { changeTo } from "./member-changes.ts";
import { ask, begun, clientAt, judged, leaderOf, othersThan, serving, some } from "./scenes.ts";
import type { SimEnsemble } from "./sim-ensemble.ts";
import type { SimMember } from "./sim-member.ts";
import { create } from "./workload.ts";

const oraclePath = "/data/oracle";

/** What whoever runs them tells that server. */
function tell(member: SimMember, word: string): void {
  member.disk.put(oraclePath, Buffer.from(word));
}

async function two(
  config: Record<string, string | boolean> = {},
): Promise<{ ensemble: SimEnsemble; leader: SimMember; follower: SimMember }> {
  const ensemble = await begun({ voters: 2, config: { oraclePath, ...config } });
  const leader = await leaderOf(ensemble);
  const [follower] = othersThan(ensemble, leader) as [SimMember];
  await ask(ensemble, follower, some(2));
  return { ensemble, leader, follower };
}

describe("the oracle of two voters", () => {
  it("lets a follower lead whose leader is gone, when it says so, and the other follow when it is back", async () => {
    const { ensemble, leader, follower } = await two();
    leader.crash(false);
    await ensemble.pass(10_000);
    expect(follower.isServing).toBe(false);
    tell(follower, "1");
    await serving(ensemble, follower);
    await ask(ensemble, follower, some(3));
    tell(leader, "0");
    leader.start();
    await serving(ensemble, leader);
    expect(ensemble.leader).toBe(follower);
    await ask(ensemble, leader, some(3));
    await judged(ensemble);
  });

  it("lets a leader go on whose follower is gone, and commit what has waited for it", async () => {
    const { ensemble, leader, follower } = await two();
    tell(leader, "1\n");
    const { elections } = ensemble;
    follower.crash(false);
    await ask(ensemble, leader, some(3));
    await ensemble.pass(10_000);
    expect(leader.isServing).toBe(true);
    expect(ensemble.elections).toBe(elections);
    tell(follower, "0");
    follower.start();
    await serving(ensemble, follower);
    await ask(ensemble, follower, some(3));
    await judged(ensemble);
  });

  it.each(["0", "", "yes", null])("has a leader alone step down when its file says %j", async (word) => {
    const { ensemble, leader, follower } = await two();
    if (word !== null) tell(leader, word);
    follower.crash(false);
    expect(await ensemble.until(() => !leader.isServing, 10_000)).toBe(true);
    await ensemble.pass(10_000);
    expect(leader.isServing).toBe(false);
    await judged(ensemble);
  });

  it("takes its word back from a leader alone, which acknowledges nothing from then on", async () => {
    const { ensemble, leader, follower } = await two();
    tell(leader, "1");
    follower.crash(false);
    const client = await clientAt(ensemble, leader);
    client.ask(create("/granted"));
    expect(await ensemble.until(() => client.waitingCount === 0, 10_000)).toBe(true);
    const { calls } = client.conversations.at(-1)!;
    tell(leader, "0");
    client.ask(create("/withdrawn"));
    expect(await ensemble.until(() => !leader.isServing, 10_000)).toBe(true);
    expect(calls.map(({ answer }) => answer?.err ?? null)).toEqual([0, null]);
    await judged(ensemble);
  });

  it("has a leader that moves while it is alone be found where it is then", async () => {
    const { ensemble, leader, follower } = await two({ reconfigEnabled: true, skipACL: "yes" });
    tell(leader, "1");
    const client = await clientAt(ensemble, leader);
    client.ask(changeTo(ensemble.members.map((one) => (one === leader ? { quorumPort: 2889 } : {}))));
    const logged = follower.server!.replica!.window.length;
    expect(await ensemble.until(() => follower.server!.replica!.window.length > logged, 1_000)).toBe(true);
    follower.crash(false);
    await ensemble.pass(10_000);
    tell(follower, "0");
    follower.start();
    await serving(ensemble, follower);
    expect(ensemble.leader).toBe(leader);
    await judged(ensemble);
  });

  it("is not asked while both are there", async () => {
    const { ensemble, leader, follower } = await two();
    tell(leader, "0");
    tell(follower, "1");
    await ask(ensemble, follower, some(3));
    await ensemble.pass(10_000);
    expect(ensemble.leader).toBe(leader);
    await judged(ensemble);
  });

  it("has no say among three", async () => {
    const ensemble = await begun({ config: { oraclePath } });
    const leader = await leaderOf(ensemble);
    const others = othersThan(ensemble, leader);
    for (const member of ensemble.members) tell(member, "1");
    for (const member of others) member.crash(false);
    expect(await ensemble.until(() => !leader.isServing, 10_000)).toBe(true);
    await ensemble.pass(10_000);
    expect(leader.isServing).toBe(false);
    for (const member of ensemble.members) tell(member, "0");
    await judged(ensemble);
  });
});
