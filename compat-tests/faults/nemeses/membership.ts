/**
 * Members that leave the ensemble and come back, or give their vote up for a while, by reconfigurations; some of which meet a
 * member that dies. At the end of a strike all vote again. Who is no member follows all the same, but does not start, as
 * ZooKeeper's does not: it is not killed.
 *
 * Whoever asks for a change may not hear what became of it: it asks until the configuration says so.
 */

import { setTimeout as delay } from "node:timers/promises";
import { WireClient } from "../../../test/support/wire-client.ts";
import { superUser } from "../../reference/server.ts";
import type { Ensemble } from "../ensemble.ts";
import type { Nemesis, Stage } from "./nemesis.ts";

const pauseMs = 100;
/** Another change is under way; the new members have no quorum that is in step. */
const notNow: ReadonlySet<number> = new Set([-14, -13]);

interface Change {
  readonly joining?: string;
  readonly leaving?: string;
}

/** What a change is to bring about, as the configuration's text shows it. */
type Goal = (config: string) => boolean;

function lineOf(ensemble: Ensemble, sid: number, role: "participant" | "observer"): string {
  const { host, quorumPort, electionPort, clientPort } = ensemble.links.places[sid - 1]!;
  return `server.${sid}=${host}:${quorumPort}:${electionPort}:${role};${host}:${clientPort}`;
}

/** Asks one member for the change. @returns whether the configuration is as it should be. */
async function tried(stage: Stage, sid: number, words: Change, isThere: Goal): Promise<boolean> {
  using client = await WireClient.connect(stage.ensemble.member(sid).port);
  if (isThere(await client.config())) return true;
  await client.auth("digest", superUser);
  const { err } = await client.reconfig(words);
  if (err !== 0 && !notNow.has(err)) throw new Error(`a change of the members is refused with ${err}`);
  return err === 0;
}

interface Step {
  readonly what: string;
  readonly words: Change;
  readonly isThere: Goal;
  /** Who may die meanwhile. */
  readonly mortals: readonly number[];
}

/** Asks for a change until it is made; one member may die meanwhile, and comes back at once. */
async function change(stage: Stage, { what, words, isThere, mortals }: Step): Promise<void> {
  const { ensemble, dice, say } = stage;
  say(what);
  const dying = dice.oneIn(2) ? die(stage, dice.pick(mortals), dice.skewed(200)) : Promise.resolve();
  const deadline = Date.now() + ensemble.patienceMs;
  for (;;) {
    const sid = dice.pick(ensemble.sids);
    // A lost connection says nothing, and neither does one that is refused.
    const isMade = await tried(stage, sid, words, isThere).catch((error: Error) => {
      if (error.message.startsWith("a change")) throw error;
      return false;
    });
    if (isMade) break;
    if (Date.now() > deadline) throw new Error(`${what}: not within ${ensemble.patienceMs} ms`);
    await delay(pauseMs);
  }
  await dying;
}

async function die({ ensemble, dice, say }: Stage, sid: number, afterMs: number): Promise<void> {
  await delay(afterMs);
  say(`kill ${sid}`);
  await ensemble.kill(sid);
  await delay(dice.skewed(1_000));
  say(`start ${sid}`);
  await ensemble.launch(sid);
}

async function comeBack(stage: Stage, sid: number): Promise<void> {
  const line = lineOf(stage.ensemble, sid, "participant");
  await change(stage, {
    what: `${sid} votes again`,
    words: { joining: line },
    isThere: (config) => config.includes(`${line}\n`),
    mortals: stage.ensemble.othersThan(sid),
  });
}

async function leave(stage: Stage): Promise<void> {
  const { ensemble, dice } = stage;
  const sid = dice.oneIn(2) ? await ensemble.leader() : dice.pick(ensemble.sids);
  await change(stage, {
    what: `${sid} leaves`,
    words: { leaving: String(sid) },
    isThere: (config) => config !== "" && !config.includes(`server.${sid}=`),
    mortals: ensemble.othersThan(sid),
  });
  await delay(dice.skewed(1_500));
  await comeBack(stage, sid);
}

async function observe(stage: Stage): Promise<void> {
  const { ensemble, dice } = stage;
  const sid = dice.pick(ensemble.sids);
  const line = lineOf(ensemble, sid, "observer");
  await change(stage, {
    what: `${sid} observes`,
    words: { joining: line },
    isThere: (config) => config.includes(`${line}\n`),
    mortals: ensemble.sids,
  });
  await delay(dice.skewed(1_500));
  await comeBack(stage, sid);
}

export const membershipNemeses: readonly Nemesis[] = [
  {
    name: "reconfig",
    about: "members leave and come back, or observe for a while; some die in the middle of it",
    changesMembers: true,
    leavesOldLeaders: false,
    strike: (stage) => (stage.dice.oneIn(2) ? leave(stage) : observe(stage)),
  },
];
