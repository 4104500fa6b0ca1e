/** Members that die, by SIGKILL, and members that stand still, by SIGSTOP. */

import { setTimeout as delay } from "node:timers/promises";
import type { Nemesis, Stage } from "./nemesis.ts";

/** Standing still: for less than syncLimit, for more, for longer than a session lives. */
const pausesMs = [700, 3_500, 9_500];

type Choice = (stage: Stage) => Promise<readonly number[]>;

const anybody: Choice = async ({ ensemble, dice }) => [dice.pick(ensemble.sids)];
const theLeader: Choice = async ({ ensemble }) => [await ensemble.leader()];
const everybody: Choice = async ({ ensemble }) => ensemble.sids;

async function kill(stage: Stage, choice: Choice): Promise<void> {
  const { ensemble, dice, say } = stage;
  const sids = await choice(stage);
  say(`kill ${sids.join(", ")}`);
  await ensemble.kill(...sids);
  await delay(dice.skewed(3_000));
  say(`start ${sids.join(", ")}`);
  await ensemble.launch(...sids);
}

async function pause(stage: Stage, choice: Choice): Promise<void> {
  const { ensemble, dice, say } = stage;
  const sids = await choice(stage);
  const forMs = dice.pick(pausesMs);
  say(`pause ${sids.join(", ")} for ${forMs} ms`);
  await ensemble.pause(...sids);
  await delay(forMs);
  say(`resume ${sids.join(", ")}`);
  ensemble.resume(...sids);
}

export const machineNemeses: readonly Nemesis[] = [
  {
    name: "kill-one",
    about: "any member is killed, and started again",
    leavesOldLeaders: false,
    strike: (stage) => kill(stage, anybody),
  },
  {
    name: "kill-leader",
    about: "the leader is killed, and started again",
    leavesOldLeaders: false,
    strike: (stage) => kill(stage, theLeader),
  },
  {
    name: "kill-all",
    about: "all members are killed at once, and started again",
    leavesOldLeaders: false,
    strike: (stage) => kill(stage, everybody),
  },
  {
    name: "pause-one",
    about: "any member stands still for a while",
    leavesOldLeaders: true,
    strike: (stage) => pause(stage, anybody),
  },
  {
    name: "pause-leader",
    about: "the leader stands still for a while",
    leavesOldLeaders: true,
    strike: (stage) => pause(stage, theLeader),
  },
  {
    name: "pause-all",
    about: "all members stand still for a while",
    leavesOldLeaders: true,
    strike: (stage) => pause(stage, everybody),
  },
];
