/**
 * Members that come, go and change places while the ensemble runs. The same story is played to ensembles of the reference, of ours
 * and of both; what clients are told and what the members' files say is the same in all of them.
 */

import { expect, test } from "vitest";
import { type Build, subject } from "../reference/server.ts";
import type { ReconfigWords } from "../wire/requests.ts";
import { TestEnsemble } from "./ensemble.ts";
import { MembersStory } from "./members-story.ts";

const config = { reconfigEnabled: "true" };

async function begin(builds: readonly Build[]): Promise<MembersStory> {
  const ensemble = await TestEnsemble.prepare({ builds, spares: 2, config });
  try {
    await ensemble.launch(1, 2, 3);
    await ensemble.launch(4, 5);
    return new MembersStory(ensemble);
  } catch (error) {
    await ensemble.dispose();
    throw error;
  }
}

async function play(builds: readonly Build[]): Promise<string[]> {
  const story = await begin(builds);
  const { ensemble, lines } = story;
  try {
    await story.agree("at first", [1, 2, 3, 4, 5], (text) => text.includes("server.3="));
    for (const sid of [1, 3, 4]) story.files(`server ${sid}`, sid);
    await refusals(story);

    await story.change(1, { joining: story.line(4) });
    await story.agree("4 joins", [1, 2, 3, 4, 5], (text) => text.includes("server.4="));
    await story.change(2, { joining: story.line(5, "observer") });
    await story.agree("5 observes", [1, 2, 3, 4, 5], (text) => text.includes("server.5="));

    const first = await ensemble.leader();
    const other = first === 1 ? 2 : 1;
    await story.change(other, { leaving: String(first) });
    await story.agree("the leader leaves", [1, 2, 3, 4, 5], (text) => !text.includes(`server.${first}=`));
    lines.push(`leads: ${first === (await ensemble.leader())}; it is now ${await ensemble.modeOf(first)}`);
    await story.change(other, { joining: story.line(first) });
    await story.agree("it comes back", [1, 2, 3, 4, 5], (text) => text.includes(`server.${first}=`));

    await story.change(other, { joining: `${story.line(4, "observer")},${story.line(5, "participant")}` });
    await story.agree("4 and 5 change roles", [1, 2, 3, 4, 5], (text) => /server\.4=.*observer/.test(text));
    lines.push(`4 is ${await ensemble.modeOf(4)}, 5 is no observer: ${(await ensemble.modeOf(5)) !== "observer"}`);

    await story.move(4, ["client"]);
    await story.change(1, { joining: story.line(4, "observer") });
    ensemble.member(4).port = story.places.get(4)!.client;
    const port = String(ensemble.member(4).port);
    await story.agree("4 has another client port", [1, 2, 3, 4, 5], (text) => text.includes(port));

    // One after the other, since it is a matter of luck who leads by now; who leads and moves leads no more.
    for (const sid of [1, 2, 3, 5]) {
      const wasLeader = sid === (await ensemble.leader());
      await story.move(sid, ["quorum", "election"]);
      await story.change(sid === 1 ? 2 : 1, { joining: story.line(sid) });
      const quorumPort = String(story.places.get(sid)!.quorum);
      await story.agree(`${sid} moves`, [1, 2, 3, 4, 5], (text) => text.includes(quorumPort));
      if (wasLeader) expect(await ensemble.leader()).not.toBe(sid);
    }

    const groups = `${[1, 2, 3, 5].map((sid) => story.line(sid)).join()},${story.line(4, "observer")},group.1=1:2,group.2=3:5`;
    await story.change(1, { members: groups });
    await story.agree("groups", [1, 2, 3, 4, 5], (text) => text.includes("group.1=1:2"));
    lines.push(`in groups: ${await story.ask(1, { leaving: "5" })}`);
    await story.change(1, { members: [1, 2, 3, 5].map((sid) => story.line(sid)).join() });
    await story.agree("no groups, and 4 leaves", [1, 2, 3, 5], (text) => !text.includes("group"));

    await ensemble.member(4).kill();
    for (const sid of [1, 2, 3, 5]) await ensemble.member(sid).stop();
    await ensemble.launch(1, 2, 3, 5);
    await story.agree("started again", [1, 2, 3, 5], (text) => text.includes("server.5="));
    story.files("server 5 at the end", 5);
    return lines;
  } finally {
    await ensemble.dispose();
  }
}

/** Every way to be refused, through a follower and through the leader. */
async function refusals(story: MembersStory): Promise<void> {
  const cases: Readonly<Record<string, Partial<ReconfigWords>>> = {
    nothing: {},
    "a version that is not": { leaving: "3", version: 5n },
    "no number": { leaving: "three" },
    "no member line": { joining: "server.4" },
    "no client port": { joining: "server.4=127.0.0.1:1:2" },
    "two ports": { joining: "server.4=127.0.0.1:1;2" },
    "equal ports": { joining: "server.4=127.0.0.1:1:1;2" },
    "no such port": { joining: "server.4=127.0.0.1:1:70000;2" },
    "no such role": { joining: "server.4=127.0.0.1:1:2:king;3" },
    "one voter": { leaving: "1,2" },
    "another key": { members: "tickTime=5" },
    "observers alone": { members: story.line(1, "observer") },
    "no quorum": { joining: [6, 7, 8, 9].map((sid) => `server.${sid}=127.0.0.1:${sid}1:${sid}2;${sid}3`).join() },
  };
  const leader = await story.ensemble.leader();
  for (const sid of [leader, leader === 1 ? 2 : 1]) {
    for (const [name, words] of Object.entries(cases)) {
      story.lines.push(`${name}: ${await story.ask(sid, words)}`);
    }
    story.lines.push(`not a super user: ${await story.ask(sid, { leaving: "3" }, null)}`);
    story.lines.push(`not a super user, and no sense: ${await story.ask(sid, { joining: "server.4" }, null)}`);
  }
}

const mixtures: readonly (readonly Build[])[] = [
  [subject, subject, subject, subject, subject],
  ["reference", subject, "reference", subject, "reference"],
  [subject, "reference", subject, "reference", subject],
];

let told: Promise<string[]> | null = null;

test.each(mixtures)("members come and go: %s, %s, %s, then %s, %s", { timeout: 300_000 }, async (...builds) => {
  told ??= play(["reference", "reference", "reference", "reference", "reference"]);
  expect(await play(builds)).toEqual(await told);
});
