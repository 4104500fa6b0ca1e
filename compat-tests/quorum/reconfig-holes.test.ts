/**
 * What 3.9.5 makes of the file of a change that was under way, when it starts: shown on the real servers, and not so in ours. The
 * simulator has more of these, which take a death at the right moment (COMPATIBILITY.md, "While the members change").
 */

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { type Build, subject, superUser } from "../reference/server.ts";
import { auth, reconfig } from "../wire/requests.ts";
import { TestEnsemble } from "./ensemble.ts";

const config = { reconfigEnabled: "true" };
const reconfigInProgress = -14;

function nextFile(ensemble: TestEnsemble, sid: number): string {
  return join(ensemble.member(sid).folder, "zoo.cfg.dynamic.next");
}

/** Three members that have had their configuration in a file of its own, and are stopped. */
async function stopped(build: Build): Promise<TestEnsemble> {
  const ensemble = await TestEnsemble.start({ builds: [build, build, build], config });
  for (const sid of ensemble.sids) await ensemble.member(sid).stop();
  return ensemble;
}

/** Leaves in a member's folder what a change to these members with that version leaves when it was seen and no more. */
function leaveBehind(ensemble: TestEnsemble, sid: number, version: string): void {
  const text = readFileSync(join(ensemble.member(sid).folder, "zoo.cfg.dynamic.100000000"), "utf8");
  writeFileSync(nextFile(ensemble, sid), `${text.trimEnd()}\nversion=${version}\n`);
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
