/**
 * Two voters with an oracle (oraclePath): the one that it grants goes on without the other, in ensembles of both builds and of
 * either one.
 */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type Build, subject } from "../reference/server.ts";
import { isShort } from "../shard.ts";
import { closeSession, create, getChildren, setData, sync } from "../wire/requests.ts";
import type { Actor } from "../wire/scene.ts";
import { TestEnsemble } from "./ensemble.ts";

/** Server 2 leads at first. */
const [first, second] = [1, 2];

function tell(ensemble: TestEnsemble, sid: number, word: string): void {
  writeFileSync(join(ensemble.member(sid).folder, "oracle"), word);
}

async function writeAt(ensemble: TestEnsemble, sid: number, path: string): Promise<void> {
  const actor = await ensemble.visit(sid);
  expect((await actor.ask(create(path)))!.err).toBe(0);
  await actor.ask(closeSession);
}

async function namesAt(ensemble: TestEnsemble, sid: number): Promise<string[]> {
  const actor = await ensemble.visit(sid);
  await actor.ask(sync("/"));
  const reply = await actor.ask(getChildren("/"));
  await actor.ask(closeSession);
  return reply!.body.toString("latin1").match(/[a-z]-\d/g) ?? [];
}

async function play(builds: readonly Build[]): Promise<void> {
  const ensemble = await TestEnsemble.start({ builds, config: { oraclePath: "FOLDER/oracle" } });
  try {
    expect(await ensemble.leader()).toBe(second);
    await writeAt(ensemble, first, "/a-0");
    await leaderGoes(ensemble);
    await followerGoes(ensemble);
    await ensemble.expectAtOne("after all");
  } finally {
    await ensemble.dispose();
  }
}

/** The follower leads when the oracle says so, and the old leader follows when it is back. */
async function leaderGoes(ensemble: TestEnsemble): Promise<void> {
  await ensemble.member(second).kill();
  await ensemble.says(first, "srvr", /not currently serving requests/);
  tell(ensemble, first, "1\n");
  tell(ensemble, second, "0\n");
  await ensemble.settled();
  expect(await ensemble.modeOf(first)).toBe("leader");
  await writeAt(ensemble, first, "/b-0");
  await ensemble.launch(second);
  expect(await ensemble.modeOf(second)).toBe("follower");
  expect((await namesAt(ensemble, second)).toSorted()).toEqual(["a-0", "b-0"]);
}

/** A leader goes on without its follower, and what waited for it is committed. */
async function followerGoes(ensemble: TestEnsemble): Promise<void> {
  const writer: Actor = await ensemble.visit(first);
  await ensemble.member(second).kill();
  for (let count = 0; count < 5; count++) expect((await writer.ask(setData("/b-0", String(count))))!.err).toBe(0);
  expect(await ensemble.modeOf(first)).toBe("leader");
  await ensemble.launch(second);
  expect((await writer.ask(create("/c-0")))!.err).toBe(0);
  await writer.ask(closeSession);
  expect((await namesAt(ensemble, second)).toSorted()).toEqual(["a-0", "b-0", "c-0"]);
}

const all: readonly (readonly Build[])[] = [
  [subject, subject],
  [subject, "reference"],
  ["reference", subject],
  ["reference", "reference"],
];
/** `--shard ci` makes do with one of each. */
const mixtures = isShort ? all.slice(1, 2) : all;

test.each(mixtures.map((builds) => [builds.join(), builds] as const))(
  "one of two goes on alone: %s",
  { timeout: 240_000 },
  async (_name, builds) => {
    await play(builds);
  },
);
