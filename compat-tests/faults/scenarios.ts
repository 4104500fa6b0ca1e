/**
 * The twenty scenarios in which coordination services are known to fail, ranked, and what plays them here: nemeses of this
 * folder on real processes, other commands of this repository, or both. SCENARIOS.md says how often, when and with what result.
 */

import { nemeses } from "./nemeses/nemeses.ts";

export interface Scenario {
  readonly name: string;
  readonly nemeses: readonly string[];
  /** Before the rounds, one after the other. */
  readonly commands: readonly Command[];
}

interface Command {
  /** `npm run` of that name, or `vitest run`. */
  readonly tool: "sim" | "fuzz" | "exhaust" | "compat" | "vitest";
  /** Behind it. */
  readonly words: readonly string[];
}

const seeds: Command = { tool: "sim", words: ["--seeds", "1..300"] };
const crashPoints: Command = { tool: "sim", words: ["--crash-points"] };

function vitest(...words: readonly string[]): Command {
  return { tool: "vitest", words };
}

function fuzz(target: string): Command {
  return { tool: "fuzz", words: [target, "--minutes", "2"] };
}

function compat(...words: readonly string[]): Command {
  return { tool: "compat", words };
}

export const scenarios: readonly Scenario[] = [
  { name: "power-cut", nemeses: [], commands: [crashPoints] },
  { name: "learner-dies-in-sync", nemeses: [], commands: [crashPoints, vitest("test/sim/holes.test.ts")] },
  { name: "uncommitted-tail", nemeses: [], commands: [vitest("test/sim/holes.test.ts"), seeds] },
  { name: "disk-errors", nemeses: ["full-disk"], commands: [seeds, vitest("test/integration/full-disk.test.ts")] },
  {
    name: "partitions",
    nemeses: ["halves", "isolate-leader", "bridge", "blind-node", "blind-to-one", "swizzle", "slow-links"],
    commands: [seeds],
  },
  { name: "kills", nemeses: ["kill-one", "kill-leader", "kill-all"], commands: [] },
  { name: "sessions", nemeses: ["kill-leader", "isolate-leader", "pause-all"], commands: [seeds] },
  {
    name: "watches",
    nemeses: ["kill-one", "swizzle"],
    commands: [seeds, vitest("test/integration/many-watches.test.ts")],
  },
  { name: "fuzzy-snapshots", nemeses: ["kill-all"], commands: [seeds, compat("disk/fuzzy-acl", "disk/killed")] },
  {
    name: "mixed-ensembles",
    nemeses: nemeses.map(({ name }) => name),
    commands: [compat("quorum/matrix", "quorum/migrate")],
  },
  {
    name: "damaged-files",
    nemeses: ["flip-logs", "flip-snapshots", "flip-both", "flip-epochs", "flip-myid", "truncate"],
    commands: [compat("disk/damage", "disk/myid")],
  },
  { name: "lost-disks", nemeses: ["wipe", "old-backup"], commands: [seeds] },
  { name: "pauses", nemeses: ["pause-one", "pause-leader", "pause-all"], commands: [seeds] },
  { name: "clocks", nemeses: [], commands: [seeds] },
  {
    name: "reconfigurations",
    nemeses: ["reconfig"],
    commands: [
      crashPoints,
      seeds,
      vitest("test/quorum/core-ensemble.test.ts"),
      compat("quorum/reconfig", "quorum/reconfig-holes"),
      compat("suites/zookeeper-ensembles", "--class", "ReconfigRecoveryTest"),
    ],
  },
  { name: "lagging-learners", nemeses: ["wipe"], commands: [vitest("test/sim/holes.test.ts"), seeds] },
  { name: "zxid-rollover", nemeses: [], commands: [seeds, compat("quorum/rollover")] },
  {
    name: "garbage",
    nemeses: [],
    commands: [
      vitest("test/integration/quorum-garbage.test.ts"),
      ...["packets", "learner", "leader", "discovery", "election", "tree-stream"].map(fuzz),
    ],
  },
  { name: "exhaustion", nemeses: [], commands: [{ tool: "exhaust", words: ["--scale", "full"] }] },
  { name: "soak", nemeses: ["kill-one", "pause-one", "slow-links"], commands: [] },
];

/** By its number, from 1, or its name. */
export function scenarioOf(word: string): Scenario {
  const found = scenarios.find(({ name }, i) => word === name || word === String(i + 1));
  if (found === undefined) {
    throw new Error(`no scenario ${word}; there are ${scenarios.map(({ name }, i) => `${i + 1} ${name}`).join(", ")}`);
  }
  return found;
}
