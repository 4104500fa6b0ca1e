/**
 * Sessions that only their server knows: what they may do at the leader and at a follower, how they become the ensemble's, and what
 * is left of them elsewhere. The same story is played to ensembles of the reference, of ours and of both: clients are told the same.
 */

import { expect, test } from "vitest";
import { type Build, subject } from "../reference/server.ts";
import {
  closeSession,
  create,
  create2,
  createContainer,
  exists,
  flag,
  getEphemerals,
  multi,
  ping,
  type Request,
  setData,
  sync,
} from "../wire/requests.ts";
import { TestEnsemble } from "./ensemble.ts";
import { Story } from "./story.ts";
import { isShort } from "../shard.ts";

/** Server 3 leads. */
const [leader, follower] = [3, 1];

/** Also of how many sessions the members know. */
class SessionStory extends Story {
  /** What the members say of their sessions. */
  async count(): Promise<void> {
    for (const sid of [leader, follower]) {
      const words = await Promise.all(["mntr", "dump"].map((word) => this.ensemble.member(sid).fourLetterWord(word)));
      const counts = words[0]!.match(/^zk_(local|global)_sessions\t\d+$/gm);
      const titles = words[1]!.match(/^.*Sessions? (Sets )?\(.*$|^Global Sessions\(.*$/gm)?.map(withoutBuckets);
      this.lines.push(`at ${sid}: ${counts?.join()} ${titles?.join()}`);
    }
  }
}

/** How many buckets sessions are in depends on when they were last heard of. */
function withoutBuckets(title: string): string {
  return title.replace(/Sets \(\d+\)/, "Sets");
}

async function play(builds: readonly Build[], isUpgrading: boolean): Promise<string> {
  const config = { localSessionsEnabled: "true", localSessionsUpgradingEnabled: String(isUpgrading) };
  const ensemble = await TestEnsemble.start({ builds, config });
  try {
    expect(await ensemble.leader()).toBe(leader);
    const story = new SessionStory(ensemble, leader);
    await story.begin();
    for (const [sid, other] of [
      [leader, follower],
      [follower, leader],
    ] as const) {
      await playAt(story, sid, other);
    }
    await expire(ensemble, story);
    const text = story.end();
    await ensemble.hasNoEphemerals();
    await ensemble.expectAtOne("after the story");
    return text;
  } finally {
    await ensemble.dispose();
  }
}

async function playAt(story: SessionStory, sid: number, other: number): Promise<void> {
  const root = `/at-${sid}`;
  const first = await story.enter(sid);
  const asked: readonly Request[] = [
    create(root),
    multi(setData(root, "x"), create(`${root}/m`)),
    createContainer(`${root}/c`),
    create2(`${root}/s`, { flags: flag.persistentSequential }),
    sync("/"),
  ];
  for (const request of asked) await first.ask(request);
  const { id: sessionId, password } = first.session;
  // Nobody else knows it, its own server does.
  await story.enter(other, { sessionId, password });
  const second = await story.enter(sid, { sessionId, password });
  await story.count();
  await second.pipeline([
    create(`${root}/before`),
    create(`${root}/e`, { flags: flag.ephemeral }),
    create2(`${root}/e`, { flags: flag.ephemeralSequential }),
    exists(`${root}/e`),
    getEphemerals("/"),
  ]);
  await second.ask(multi(create(`${root}/n`), create(`${root}/e2`, { flags: flag.ephemeral })));
  await second.ask(sync("/"));
  await story.count();
  await second.ask(closeSession);
  await second.untilClosed();
  const third = await story.enter(sid, { timeoutMs: 2_000 });
  // The first ephemeral is one of a multi here.
  await third.ask(multi(create(`${root}/o`), create(`${root}/e3`, { flags: flag.ephemeral })));
  await third.ask(sync("/"));
  const moved = await story.enter(other, { sessionId: third.session.id, password: third.session.password });
  if (!moved.isClosed) await moved.pipeline([sync("/"), getEphemerals("/"), closeSession]);
  third.connection.cut();
  // Over for good.
  await story.enter(sid, { sessionId, password });
}

/** Sessions whose clients go without a word are gone some time later, without one to their server's log. */
async function expire(ensemble: TestEnsemble, story: SessionStory): Promise<void> {
  for (const sid of [leader, follower]) {
    const actor = await story.enter(sid, { timeoutMs: 2_000 });
    actor.connection.cut();
  }
  for (const sid of [leader, follower]) await ensemble.says(sid, "mntr", /^zk_local_sessions\t0$/m);
  const last = await story.enter(leader);
  await last.ask(ping);
  await last.ask(closeSession);
}

const references: Build[] = ["reference", "reference", "reference"];
const all: readonly (readonly Build[])[] = [
  [subject, subject, subject],
  ["reference", "reference", subject],
  [subject, subject, "reference"],
];
/** `--shard ci` makes do with ours. */
const mixtures = isShort ? all.slice(0, 1) : all;

test.each([
  ["stay local", false],
  ["may become the ensemble's", true],
] as const)("local sessions that %s", { timeout: 300_000 }, async (_name, isUpgrading) => {
  const expected = await play(references, isUpgrading);
  for (const builds of mixtures) expect(await play(builds, isUpgrading), builds.join()).toBe(expected);
});
