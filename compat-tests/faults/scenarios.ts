/**
 * The twenty scenarios in which coordination services are known to fail, ranked, and what plays them here: nemeses of this
 * folder on real processes, other commands of this repository, or both. SCENARIOS.md says how often, when and with what result.
 */

export interface Scenario {
  readonly name: string;
  readonly nemeses: readonly string[];
  /** Words behind `node`: the simulator; or behind `vitest run`: tests. */
  readonly commands: readonly Command[];
}

interface Command {
  readonly tool: "sim" | "vitest" | "compat";
  readonly words: readonly string[];
}

const seeds: Command = { tool: "sim", words: ["--seeds", "1..300"] };
const crashPoints: Command = { tool: "sim", words: ["--crash-points"] };

function vitest(...words: readonly string[]): Command {
  return { tool: "vitest", words };
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
  { name: "watches", nemeses: ["kill-one", "swizzle"], commands: [seeds] },
  { name: "fuzzy-snapshots", nemeses: ["kill-all"], commands: [seeds, compat("disk/fuzzy-acl", "disk/killed")] },
  { name: "mixed-ensembles", nemeses: [], commands: [compat("quorum/matrix", "quorum/migrate", "faults/rounds")] },
  {
    name: "damaged-files",
    nemeses: ["flip-logs", "flip-snapshots", "flip-both", "flip-epochs", "truncate"],
    commands: [compat("disk/damage")],
  },
  { name: "lost-disks", nemeses: ["wipe", "old-backup"], commands: [seeds] },
  { name: "pauses", nemeses: ["pause-one", "pause-leader", "pause-all"], commands: [seeds] },
  { name: "clocks", nemeses: [], commands: [seeds] },
  {
    name: "reconfigurations",
    nemeses: ["reconfig"],
    commands: [crashPoints, vitest("test/quorum/core-ensemble.test.ts"), compat("quorum/reconfig")],
  },
  { name: "lagging-learners", nemeses: ["wipe"], commands: [vitest("test/sim/holes.test.ts"), seeds] },
  { name: "zxid-rollover", nemeses: [], commands: [seeds, compat("quorum/rollover")] },
  {
    name: "garbage",
    nemeses: [],
    commands: [vitest("test/integration/quorum-garbage.test.ts", "test/integration/fuzz.test.ts")],
  },
  {
    name: "exhaustion",
    nemeses: [],
    commands: [vitest("test/integration/slow-reader.test.ts", "test/integration/framing.test.ts")],
  },
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
