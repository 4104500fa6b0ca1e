/**
 * Changes of the members that are asked for while another one is half done: through the leader, through a follower and through the
 * observer that is to vote, in one piece with it or later. What each is answered is the same on both builds, and so is what the
 * members are in the end.
 */

import { expect, test } from "vitest";
import { type Build, subject, superUser } from "../reference/server.ts";
import { Reader } from "../wire/reader.ts";
import { auth, create, getData, reconfig, type ReconfigWords, type Request, sync } from "../wire/requests.ts";
import type { Actor } from "../wire/scene.ts";
import type { TestEnsemble } from "./ensemble.ts";
import { HalfChanged } from "./half-changed.ts";

const leader = 3;
const follower = 1;
const joining = 4;

function change(words: Partial<ReconfigWords>): Request {
  return reconfig({ joining: null, leaving: null, members: null, version: -1n, ...words });
}

/** Good ones, and such as are refused for something else when nothing is under way. */
const asked: readonly Request[] = [
  change({ leaving: "2" }),
  change({ leaving: "2", version: 5n }),
  change({ leaving: "three" }),
  change({ joining: "server.4" }),
  change({ members: "tickTime=5" }),
  create("/between"),
  change({ leaving: "1,2" }),
];

/** Who asks, and whether as super user: that is looked at last. */
const askers: readonly { readonly sid: number; readonly isSuper: boolean }[] = [
  { sid: leader, isSuper: true },
  { sid: leader, isSuper: false },
  { sid: follower, isSuper: true },
  { sid: follower, isSuper: false },
  { sid: joining, isSuper: true },
];

/** Sessions of those who ask: there are no new ones while the change is half done. */
async function visits(ensemble: TestEnsemble): Promise<Actor[]> {
  const actors: Actor[] = [];
  for (const { sid, isSuper } of askers) {
    const actor = await ensemble.visit(sid);
    if (isSuper) await actor.ask(auth("digest", superUser));
    actors.push(actor);
  }
  return actors;
}

/** Asks for all of it in one piece, and waits until the leader has proposed what it makes of it. */
async function ask({ ensemble }: HalfChanged, actor: Actor): Promise<void> {
  const answer = await ensemble.member(leader).fourLetterWord("mntr");
  const before = Number(/^zk_proposal_count\t(\d+)$/m.exec(answer)![1]);
  actor.connection.send(actor.framesOf(asked));
  await ensemble.says(leader, "mntr", new RegExp(`^zk_proposal_count\t${before + asked.length}$`, "m"));
}

/** Who is a member, and as what, in the configuration that an actor reads. */
async function membersRead(actor: Actor): Promise<string> {
  await actor.ask(sync("/"));
  const reply = await actor.ask(getData("/zookeeper/config"));
  const text = new Reader(reply!.body).ustring() ?? "";
  return Array.from(text.matchAll(/server\.(\d)=.*:([a-z]+)/g), ([, sid, role]) => `${sid} ${role}`).join();
}

/** What everybody hears, as lines. */
async function answers(build: Build): Promise<string[]> {
  let actors: Actor[] = [];
  const scene = await HalfChanged.begin(build, async (ensemble) => {
    actors = await visits(ensemble);
  });
  try {
    for (const actor of actors) await ask(scene, actor);
    scene.ensemble.member(2).resume();
    const lines = [`the first: ${await scene.outcome}`];
    for (const [index, actor] of actors.entries()) {
      const replies = await actor.hear(asked.length);
      lines.push(`at ${askers[index]!.sid}: ${replies.map((reply) => reply?.err ?? "closed").join()}`);
    }
    const [admin] = actors as [Actor, ...Actor[]];
    lines.push(await membersRead(admin));
    lines.push(`the next: ${(await admin.ask(change({ leaving: "2" })))?.err}`);
    lines.push(await membersRead(admin));
    return lines;
  } finally {
    for (const actor of actors) actor.connection.cut();
    await scene.dispose();
  }
}

test("changes that are asked for while another one is half done", { timeout: 120_000 }, async () => {
  const told = await answers(subject);
  expect(told).toEqual(await answers("reference"));
  expect(told.join("\n")).toContain("-14");
});
