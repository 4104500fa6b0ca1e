/**
 * Settings of an ensemble that change who serves and who is enough: a leader without clients, voters in groups, votes that weigh
 * nothing, an ensemble of one. The same is done to ensembles of both builds, and to one of each.
 */

import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { type Build, subject } from "../reference/server.ts";
import { isShort } from "../shard.ts";
import { auth, closeSession, create, exists, getData, reconfig, setData, sync } from "../wire/requests.ts";
import { TestEnsemble } from "./ensemble.ts";

const patienceMs = 60_000;
const pollMs = 50;
/** Far longer than it takes a member to see that its leader has died. */
const steadyPolls = 20;

/** Starts members some of which will serve nobody. */
function begin(ensemble: TestEnsemble, ...sids: readonly number[]): void {
  for (const sid of sids) {
    ensemble
      .member(sid)
      .start()
      .catch(() => {});
  }
}

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + patienceMs;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`it does not come to that: ${what}`);
    await delay(pollMs);
  }
}

/** What the running members say that they are, sorted; "none" for those that serve nobody. */
async function modes(ensemble: TestEnsemble): Promise<string[]> {
  const found = await Promise.all(ensemble.running.map((sid) => ensemble.modeOf(sid)));
  return found.map((mode) => mode ?? "none").toSorted();
}

/** Waits until it holds, and goes on to: those that follow a leader that has just died do for a moment. */
async function steadily(what: string, holds: () => Promise<boolean>): Promise<void> {
  let times = 0;
  await until(what, async () => {
    times = (await holds()) ? times + 1 : 0;
    return times === steadyPolls;
  });
}

function serve(ensemble: TestEnsemble, count: number): Promise<void> {
  return steadily(`${count} members serve`, async () => {
    return (await modes(ensemble)).filter((mode) => mode !== "none").length === count;
  });
}

/** Writes through every member that serves, and reads it back everywhere. */
async function work(ensemble: TestEnsemble, name: string): Promise<void> {
  for (const sid of ensemble.running) {
    if ((await ensemble.modeOf(sid)) === null) continue;
    const actor = await ensemble.visit(sid);
    const replies = [
      await actor.ask(create(`/${name}-${sid}`)),
      await actor.ask(sync("/")),
      await actor.ask(exists(`/${name}-${sid}`)),
    ];
    expect(replies.map((reply) => reply?.err)).toEqual([0, 0, 0]);
    await actor.ask(closeSession);
  }
}

/** `leaderServes=no`: the leader lets no client in and says so; when it dies, another one ceases to serve. */
async function leaderWithoutClients(builds: readonly Build[]): Promise<unknown> {
  const ensemble = await TestEnsemble.prepare({ builds, properties: { "zookeeper.leaderServes": "no" } });
  try {
    begin(ensemble, ...ensemble.sids);
    await serve(ensemble, 2);
    await work(ensemble, "a");
    const followers: number[] = [];
    for (const sid of ensemble.sids) if ((await ensemble.modeOf(sid)) === "follower") followers.push(sid);
    const leader = ensemble.sids.find((sid) => !followers.includes(sid))!;
    const words = await Promise.all(
      ["srvr", "ruok", "isro"].map((word) => ensemble.member(leader).fourLetterWord(word)),
    );
    const refused = await ensemble.stranger(leader);
    const isLetIn = await refused.connect().catch(() => false);
    await ensemble.member(leader).kill();
    await serve(ensemble, 1);
    await work(ensemble, "b");
    return { words, isLetIn, left: await modes(ensemble) };
  } finally {
    await ensemble.dispose();
  }
}

/** Two groups of voters, of which both are needed; server 5 weighs nothing, and never leads. */
async function groups(builds: readonly Build[]): Promise<unknown> {
  const config = {
    "group.1": "1:2:3",
    "group.2": "4:5",
    "weight.1": 2,
    "weight.2": 1,
    "weight.3": 1,
    "weight.4": 1,
    "weight.5": 0,
  };
  const ensemble = await TestEnsemble.start({ builds, config });
  try {
    const seen: unknown[] = [await ensemble.leader()];
    await work(ensemble, "a");
    // Half of the first group's weight is not enough; with server 1 it is.
    const steps: readonly (readonly [kill: readonly number[], launch: readonly number[], doServe: boolean])[] = [
      [[2, 3], [], false],
      [[], [2], true],
      [[5], [], true],
      [[4], [], false],
      [[], [4], true],
    ];
    for (const [killed, launched, doServe] of steps) {
      await Promise.all(killed.map((sid) => ensemble.member(sid).kill()));
      begin(ensemble, ...launched);
      await serve(ensemble, doServe ? ensemble.running.length : 0);
      seen.push(await modes(ensemble));
      if (doServe) await work(ensemble, `step-${seen.length}`);
    }
    return seen;
  } finally {
    await ensemble.dispose();
  }
}

/** `standaloneEnabled=false`: one server is an ensemble, and may be joined by others. */
async function ensembleOfOne(builds: readonly Build[]): Promise<unknown> {
  const config = { standaloneEnabled: "false", reconfigEnabled: "true" };
  const ensemble = await TestEnsemble.prepare({ builds: builds.slice(0, 2), spares: 1, config });
  try {
    await ensemble.launch(1);
    const seen: unknown[] = [await ensemble.modeOf(1)];
    await work(ensemble, "a");
    await ensemble.launch(2);
    const actor = await ensemble.visit(1);
    await actor.ask(auth("digest", "super:test"));
    const joining = `server.2=127.0.0.1:${ensemble.quorumPorts[1]}:participant;127.0.0.1:${ensemble.member(2).port}`;
    const joined = await actor.ask(reconfig({ joining, leaving: null, members: null, version: -1n }));
    seen.push(joined?.err);
    await steadily("both vote", async () => (await modes(ensemble)).join() === "follower,leader");
    await work(ensemble, "b");
    await ensemble.expectAtOne("two");
    const again = await ensemble.visit(1);
    await again.ask(auth("digest", "super:test"));
    const left = await again.ask(reconfig({ joining: null, leaving: "2", members: null, version: -1n }));
    seen.push(left?.err);
    await ensemble.member(2).kill();
    await steadily("the first leads alone", async () => (await ensemble.modeOf(1)) === "leader");
    const last = await ensemble.visit(1);
    seen.push((await last.ask(setData("/a-1", "x")))?.err, (await last.ask(getData("/a-1")))?.err);
    await last.ask(closeSession);
    return seen;
  } finally {
    await ensemble.dispose();
  }
}

const stories = [
  ["a leader without clients", 3, leaderWithoutClients],
  ["groups and weights", 5, groups],
  ["an ensemble of one", 2, ensembleOfOne],
] as const;

test.each(stories)("%s", { timeout: 400_000 }, async (_name, size, play) => {
  const of = (...builds: Build[]): Build[] => Array.from({ length: size }, (_, i) => builds[i % builds.length]!);
  const expected = await play(of("reference"));
  expect(await play(of(subject))).toEqual(expected);
  if (isShort) return;
  expect(await play(of(subject, "reference"))).toEqual(expected);
  expect(await play(of("reference", subject))).toEqual(expected);
});
