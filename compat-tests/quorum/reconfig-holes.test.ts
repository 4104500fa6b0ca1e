/**
 * What 3.9.5 makes of a change that is half done, and of the file that such a change leaves: shown on the real servers, and not so in
 * ours. The simulator has more of these, which take a death at the right moment (COMPATIBILITY.md, "While the members change").
 */

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { type Build, subject, superUser } from "../reference/server.ts";
import { isShort } from "../shard.ts";
import { auth, create, reconfig } from "../wire/requests.ts";
import { TestEnsemble } from "./ensemble.ts";
import { HalfChanged, nextFile } from "./half-changed.ts";

const config = { reconfigEnabled: "true" };
const reconfigInProgress = -14;
/** Many times what it takes a server to do what it is to do. */
const longMs = 5000;

/** Three members that have had their configuration in a file of its own, and are stopped. */
async function stopped(build: Build, lines: Readonly<Record<string, string | number>> = {}): Promise<TestEnsemble> {
  const ensemble = await TestEnsemble.start({ builds: [build, build, build], config: { ...config, ...lines } });
  for (const sid of ensemble.sids) await ensemble.member(sid).stop();
  return ensemble;
}

/** The members of an ensemble that has not changed them yet, as one of them has them in its file. */
function firstMembers(ensemble: TestEnsemble, sid: number): string {
  return readFileSync(join(ensemble.member(sid).folder, "zoo.cfg.dynamic.100000000"), "utf8").trimEnd();
}

/** Leaves in a member's folder what a change to those members with that version leaves when it was seen and no more. */
function leaveBehind(
  ensemble: TestEnsemble,
  sid: number,
  version: string,
  members = firstMembers(ensemble, sid),
): void {
  writeFileSync(nextFile(ensemble, sid), `${members}\nversion=${version}\n`);
}

/** A `.next` of before the configuration that is committed, and then a change. @returns what that is answered. */
async function changedBehindAnOldOne(build: Build): Promise<number | null> {
  const ensemble = await stopped(build);
  try {
    for (const sid of ensemble.sids) leaveBehind(ensemble, sid, "50");
    await ensemble.launch(...ensemble.sids);
    const leader = await ensemble.leader();
    const actor = await ensemble.visit(leader);
    await actor.ask(auth("digest", superUser));
    const leaving = String(ensemble.sids.find((sid) => sid !== leader));
    const reply = await actor.ask(reconfig({ joining: null, leaving, members: null, version: -1n }));
    actor.connection.cut();
    return reply?.err ?? null;
  } finally {
    await ensemble.dispose();
  }
}

test("a change is refused for good behind an older one, which is committed", { timeout: 120_000 }, async () => {
  expect(await changedBehindAnOldOne(subject)).toBe(0);
  expect(await changedBehindAnOldOne("reference")).toBe(reconfigInProgress);
});

/** A member starts with a `.next` that may still come to be, and finds nobody. @returns whether it still has the file. */
async function keepsWhatItSaw(build: Build): Promise<boolean> {
  const ensemble = await stopped(build);
  try {
    leaveBehind(ensemble, 1, "100000007");
    const serving = ensemble
      .member(1)
      .start()
      .catch(() => {});
    await ensemble.takesVotes(1);
    await delay(500); // for what it must not do
    const isThere = existsSync(nextFile(ensemble, 1));
    await ensemble.member(1).kill();
    await serving;
    return isThere;
  } finally {
    await ensemble.dispose();
  }
}

test("a change that was seen is forgotten by the second start", { timeout: 120_000 }, async () => {
  expect(await keepsWhatItSaw(subject)).toBe(true);
  expect(await keepsWhatItSaw("reference")).toBe(false);
});

/**
 * A member starts that was alone to see a change, to itself and two servers that never came to be.
 * @returns whether it serves before long; it does when it has been started twice.
 */
async function joinsThoughAlone(build: Build): Promise<boolean> {
  const ensemble = await stopped(build);
  try {
    const [own] = firstMembers(ensemble, 1).split("\n");
    const others = [4, 5].map((sid) => `server.${sid}=127.0.0.1:${sid}:1${sid}:participant`);
    leaveBehind(ensemble, 1, "100000007", [own, ...others].join("\n"));
    await ensemble.launch(2, 3);
    const serving = ensemble
      .member(1)
      .start()
      .catch(() => {});
    await ensemble.takesVotes(1);
    await Promise.race([serving, delay(longMs)]);
    const isServing = (await ensemble.modeOf(1)) !== null;
    await ensemble.member(1).kill();
    await serving;
    await ensemble.launch(1);
    return isServing;
  } finally {
    await ensemble.dispose();
  }
}

test("a server that was alone to see a change looks for a leader for ever", { timeout: 120_000 }, async () => {
  expect(await joinsThoughAlone(subject)).toBe(true);
  if (!isShort) expect(await joinsThoughAlone("reference")).toBe(false);
});

/**
 * Three members start that have all seen a change. It needs both of its members, of which one weighs nothing until it is committed.
 * @returns whether anybody leads before long.
 */
async function leadsThoughOneWeighsNothing(build: Build): Promise<boolean> {
  const ensemble = await stopped(build, { "group.1": "1:2:3", "weight.1": 1, "weight.2": 1, "weight.3": 0 });
  try {
    for (const sid of ensemble.sids) {
      const staying = firstMembers(ensemble, sid).match(/^server\.[13]=.*$/gm)!;
      leaveBehind(ensemble, sid, "100000007", staying.join("\n"));
    }
    const serving = ensemble.sids.map((sid) =>
      ensemble
        .member(sid)
        .start()
        .catch(() => {}),
    );
    for (const sid of ensemble.sids) await ensemble.takesVotes(sid);
    await Promise.race([Promise.all([serving[0], serving[2]]), delay(2 * longMs)]);
    const modes = await Promise.all(ensemble.sids.map((sid) => ensemble.modeOf(sid)));
    return modes.includes("leader");
  } finally {
    await ensemble.dispose();
  }
}

test("nobody leads whom a server without weight would have to vote for", { timeout: 120_000 }, async () => {
  expect(await leadsThoughOneWeighsNothing(subject)).toBe(true);
  if (!isShort) expect(await leadsThoughOneWeighsNothing("reference")).toBe(false);
});

/** A server joins meanwhile. @returns whether it goes by a change that is not committed; in the end it goes by one that is. */
async function goesByWhatIsNotCommitted(build: Build): Promise<boolean> {
  const scene = await HalfChanged.begin(build);
  const { ensemble } = scene;
  try {
    const joined = ensemble.member(5).start();
    joined.catch(() => {});
    await ensemble.takesVotes(5);
    await Promise.race([joined, delay(longMs)]);
    const isBefore = (await ensemble.modeOf(5)) !== null && (await scene.isChangedAt(5));
    expect(await scene.isChangedAt(3)).toBe(false);
    ensemble.member(2).resume();
    expect(await scene.outcome).toBe(0);
    await joined;
    expect(await scene.isChangedAt(5)).toBe(true);
    return isBefore;
  } finally {
    await scene.dispose();
  }
}

test(
  "a server that joins while a change is under way goes by it before it is committed",
  { timeout: 120_000 },
  async () => {
    expect(await goesByWhatIsNotCommitted(subject)).toBe(false);
    if (!isShort) expect(await goesByWhatIsNotCommitted("reference")).toBe(true);
  },
);

/** The voter that stands still dies. @returns whether the ensemble comes to write again. */
async function writesWithANewVoter(build: Build): Promise<boolean> {
  const scene = await HalfChanged.begin(build);
  const { ensemble } = scene;
  try {
    await ensemble.member(2).kill();
    const deadline = Date.now() + 2 * longMs;
    for (let round = 0; Date.now() < deadline; round++) {
      const written = write(ensemble, `/w${round}`).catch(() => false);
      if (await Promise.race([written, delay(longMs, false)])) return true;
    }
    // Nobody has noticed: the leader goes on to lead.
    expect(await ensemble.modeOf(3)).toBe("leader");
    return false;
  } finally {
    await scene.dispose();
  }
}

async function write(ensemble: TestEnsemble, path: string): Promise<boolean> {
  const actor = await ensemble.visit(await ensemble.leader());
  const reply = await actor.ask(create(path));
  actor.connection.cut();
  return reply?.err === 0;
}

test("all writes wait for an observer that is to vote", { timeout: 120_000 }, async () => {
  expect(await writesWithANewVoter(subject)).toBe(true);
  if (!isShort) expect(await writesWithANewVoter("reference")).toBe(false);
});
