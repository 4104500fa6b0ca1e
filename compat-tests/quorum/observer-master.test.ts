/**
 * Observers that followers serve (observerMasterPort), in ensembles of the reference, of ours, and where one build's observers are
 * served by the other's followers. The same story is played to all: clients are told the same.
 *
 * Servers 1 to 3 vote, and 3 leads; 4 and 5 observe. Which follower serves them is theirs to choose.
 */

import { expect, test } from "vitest";
import { freePort } from "../../test/support/free-port.ts";
import { type Build, subject } from "../reference/server.ts";
import { isShort } from "../shard.ts";
import {
  auth,
  closeSession,
  create,
  create2,
  createContainer,
  exists,
  flag,
  getChildren,
  getEphemerals,
  multi,
  type Request,
  setData,
  sync,
} from "../wire/requests.ts";
import { TestEnsemble } from "./ensemble.ts";
import { Story } from "./story.ts";

const leader = 3;
const followers = [1, 2];
const observers = [4, 5];

const asked: readonly Request[] = [
  create("/o", { data: "x" }),
  create("/o", { data: "again" }),
  sync("/"),
  create2("/o/s-", { flags: flag.ephemeralSequential }),
  createContainer("/o/c"),
  multi(setData("/o", "y"), create("/o/m")),
  multi(setData("/o", "z"), create("/o/m")),
  sync("/o"),
  auth("digest", "a:b"),
  create("/o/d", { acl: [{ perms: 31, scheme: "auth", id: "" }] }),
  getChildren("/o", true),
  getEphemerals("/"),
];

async function mntrOf(ensemble: TestEnsemble, sid: number, name: string): Promise<string | undefined> {
  const answer = await ensemble.member(sid).fourLetterWord("mntr");
  return new RegExp(`^zk_${name}\t(.*)$`, "m").exec(answer)?.[1];
}

/** The follower that serves an observer. */
async function masterOf(ensemble: TestEnsemble, sid: number): Promise<number> {
  return Number(await mntrOf(ensemble, sid, "observer_master_id"));
}

async function play(builds: readonly Build[]): Promise<string> {
  const ensemble = await TestEnsemble.start({
    builds,
    observers: 2,
    areApart: true,
    config: { observerMasterPort: await freePort() },
  });
  try {
    expect(await ensemble.leader()).toBe(leader);
    const story = new Story(ensemble, leader);
    await story.begin();
    await expectServedByFollowers(ensemble);
    await askAt(story, observers[0]!, followers[0]!);
    await expire(ensemble, story);
    await loseMaster(ensemble, story);
    const text = story.end();
    await ensemble.hasNoEphemerals();
    await ensemble.expectAtOne("after the story");
    return text;
  } finally {
    await ensemble.dispose();
  }
}

async function expectServedByFollowers(ensemble: TestEnsemble): Promise<void> {
  for (const sid of observers) expect(followers).toContain(await masterOf(ensemble, sid));
  const counts = await Promise.all([...followers, leader].map((sid) => mntrOf(ensemble, sid, "synced_observers")));
  expect(counts.reduce((sum, count) => sum + Number(count), 0)).toBe(observers.length);
  expect(counts.at(-1)).toBe("0");
}

/** A client at an observer, another at a follower; then its session goes around. */
async function askAt(story: Story, observer: number, follower: number): Promise<void> {
  const first = await story.enter(observer);
  const watcher = await story.enter(follower);
  for (const request of asked) await first.ask(request);
  await watcher.pipeline([sync("/"), getChildren("/o", true), exists("/later", true)]);
  await first.pipeline([create("/later"), sync("/"), setData("/later", "x"), sync("/later"), exists("/later")]);
  await watcher.untilEvent();
  await watcher.ask(create("/o/seen"));
  await first.untilEvent();
  let moved = await story.move(first, follower);
  first.connection.cut();
  for (const sid of [leader, observer, observers[1]!]) {
    moved = await story.move(moved, sid);
    await moved.pipeline([sync("/"), getEphemerals("/"), setData("/o", String(sid))]);
  }
  // No session of that id is alive anywhere.
  await story.enter(observer, { sessionId: 0x77n, password: Buffer.alloc(16) });
  await moved.pipeline([closeSession]);
  await moved.untilClosed();
  await watcher.ask(sync("/"));
  await watcher.ask(getChildren("/o"));
  await watcher.ask(closeSession);
}

/** A client at an observer that goes without a word: its session ends, its ephemeral znode with it. */
async function expire(ensemble: TestEnsemble, story: Story): Promise<void> {
  const [observer] = observers as [number];
  const watcher = await story.enter(leader);
  const silent = await story.enter(observer, { timeoutMs: 2_000 });
  await silent.ask(create("/mine", { flags: flag.ephemeral }));
  await watcher.pipeline([exists("/mine", true)]);
  silent.connection.cut();
  await watcher.untilEvent();
  await watcher.ask(closeSession);
  await ensemble.hasNoEphemerals();
}

/** The follower that serves an observer dies: it finds the other, and its client's session lives on. */
async function loseMaster(ensemble: TestEnsemble, story: Story): Promise<void> {
  const [observer] = observers as [number];
  const client = await story.enter(observer, { timeoutMs: 20_000 });
  await client.ask(create("/kept", { flags: flag.ephemeral }));
  const master = await masterOf(ensemble, observer);
  await ensemble.member(master).kill();
  await client.untilClosed();
  const other = followers.find((sid) => sid !== master)!;
  await ensemble.says(observer, "mntr", new RegExp(`^zk_observer_master_id\t${other}$`, "m"));
  await ensemble.settled();
  const back = await story.move(client, observer);
  await back.pipeline([sync("/"), exists("/kept"), setData("/kept", "y"), closeSession]);
  await back.untilClosed();
  await ensemble.launch(master);
}

const [ours, reference]: [Build, Build] = [subject, "reference"];
const all: readonly (readonly Build[])[] = [
  [ours, ours, ours, ours, ours],
  // Observers of both builds at followers of each.
  [ours, ours, reference, ours, reference],
  [reference, reference, ours, reference, ours],
];
/** `--shard ci` makes do with the observers of both at ours. */
const mixtures = isShort ? all.slice(1, 2) : all;

test("observers of followers", { timeout: 400_000 }, async () => {
  const expected = await play(Array.from({ length: 5 }, () => reference));
  for (const builds of mixtures) expect(await play(builds), builds.join()).toBe(expected);
});
