/**
 * A leader whose voter has elected it and then looks for a leader again, without ever following: it waits for initLimit, or gives up
 * sooner where zookeeper.leader.maxTimeToWaitForEpoch says so.
 */

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { freePort } from "../../test/support/free-port.ts";
import { type Build, subject, TestServer } from "../reference/server.ts";
import { timed } from "../reporting/cases.ts";
import { isShort } from "../shard.ts";
import { type ScriptedVote, ScriptedVoter, voterState } from "./scripted-voter.ts";

const { looking, leading } = voterState;
const patienceMs = 1500;
const initLimitMs = 6000;
/** 3.9.5 decides when it has heard nothing for 200 ms: who says its vote more often keeps it from it. */
const sayAgainMs = 300;

/** How long the server leads without a follower, to the nearest of the two limits. */
async function leadsFor(build: Build, properties: Readonly<Record<string, number>>): Promise<number> {
  const [electionPort, ...ports] = await Promise.all(Array.from({ length: 4 }, () => freePort()));
  const config = {
    tickTime: 1000,
    initLimit: initLimitMs / 1000,
    syncLimit: 3,
    "server.1": `127.0.0.1:${ports[0]}:${electionPort}`,
    "server.2": `127.0.0.1:${ports[1]}:${ports[2]}`,
  };
  const server = new TestServer(build, { config, properties });
  mkdirSync(server.dataFolder, { recursive: true });
  writeFileSync(join(server.dataFolder, "myid"), "1\n");
  const heard: { vote: ScriptedVote; atMs: number }[] = [];
  const voter = new ScriptedVoter(2, electionPort!, (vote) => heard.push({ vote, atMs: performance.now() }));
  /** When the server has first said that, of all that it has said from `from` on; it is told meanwhile that this voter looks for a leader. */
  const says = async (state: number, from = 0): Promise<{ at: number; atMs: number }> => {
    for (;;) {
      const at = heard.findIndex(({ vote }, index) => index >= from && vote.state === state);
      if (at >= 0) return { at, atMs: heard[at]!.atMs };
      // What it thinks itself, in its round.
      const own = heard.findLast(({ vote }) => vote.state === looking);
      if (own !== undefined) voter.say(own.vote);
      await delay(sayAgainMs);
    }
  };
  try {
    await server.launch();
    const elected = await says(leading);
    const ledMs = (await says(looking, elected.at)).atMs - elected.atMs;
    return ledMs < (patienceMs + initLimitMs) / 2 ? patienceMs : initLimitMs;
  } finally {
    voter.close();
    await server.dispose();
  }
}

const waits = [
  { properties: { "zookeeper.leader.maxTimeToWaitForEpoch": patienceMs }, ms: patienceMs },
  { properties: {}, ms: initLimitMs },
];

test.each(isShort ? waits.slice(0, 1) : waits)("a leader that nobody follows leads for $ms ms", async (wait) => {
  const both = await Promise.all(
    (["reference", subject] as const).map((build) => timed(build, () => leadsFor(build, wait.properties))),
  );
  expect(both).toEqual([wait.ms, wait.ms]);
});
