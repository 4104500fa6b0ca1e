/**
 * `npm run faults`: ensembles of real processes, clients that never stop asking, and nemeses. What clients were told is judged by
 * several checkers that know nothing of each other (judge.ts).
 *
 *   npm run faults -- --minutes 10                     every nemesis in turn, all workloads side by side; three of ours, five, ours and
 *                                                      the reference mixed take turns (rotation.ts)
 *   npm run faults -- --members 5 --nemesis halves --workload register --seed 7 --rounds 1
 *   npm run faults -- --mix ours,ref,ours
 *   npm run faults -- --scenario partitions            what SCENARIOS.md has under that name or number
 *   npm run faults -- --check FOLDER                   judges again what a round left
 *
 * A seed decides what befalls whom when; processes of a real machine do not repeat themselves, so that a seed is a try and no
 * replay. What is needed to understand a failure is kept: the folder is named with it.
 */

import { spawnSync } from "node:child_process";
import yargs from "yargs";
import { repositoryFolder } from "../reference/artifacts.ts";
import type { Build } from "../reference/server.ts";
import { missingTools } from "../reference/tools.ts";
import type { RoundPlan } from "./evidence.ts";
import { judge } from "./judge.ts";
import { commandOf, type KeptRound, type Means, meansHere, playAndKeep, whyNot } from "./kept-rounds.ts";
import { nemeses, nemesisOf } from "./nemeses/nemeses.ts";
import type { Nemesis } from "./nemeses/nemesis.ts";
import { type Builds, mixtures, ofOurs, rotation } from "./rotation.ts";
import { type Scenario, scenarioOf } from "./scenarios.ts";
import { workloadOf, workloads } from "./workloads/workloads.ts";

const options = await yargs(process.argv.slice(2))
  .scriptName("npm run faults --")
  .option("minutes", { type: "number", default: 10, describe: "No round begins later" })
  .option("rounds", { type: "number", describe: "No more rounds than that" })
  .option("members", { choices: [3, 5] as const, describe: "So many of ours" })
  .option("mix", { type: "string", describe: "The members one by one: ours,ref,ours" })
  .option("workload", { type: "string", array: true, describe: "Those alone, of all" })
  .option("nemesis", { type: "string", array: true, describe: "Those alone, of all" })
  .option("scenario", { type: "string", describe: "A scenario of SCENARIOS.md, by number or name" })
  .option("seconds", { type: "number", default: 15, describe: "How long the nemesis strikes in a round" })
  .option("seed", { type: "number", describe: "Of the first round; the others follow" })
  .option("check", { type: "string", describe: "A folder that a round left: judges it again" })
  .option("list", { type: "boolean", describe: "Names workloads and nemeses" })
  .strict()
  .version(false)
  .parseAsync();

interface Tally {
  passed: number;
  failed: number;
  skipped: number;
  readonly strikes: Map<string, number>;
  readonly results: Map<string, number>;
}

const tally: Tally = { passed: 0, failed: 0, skipped: 0, strikes: new Map(), results: new Map() };

// Only an orderly end takes members, gateways and mounts with it.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));
process.exitCode = await main();
process.exit();

async function main(): Promise<number> {
  try {
    if (options.list === true) list();
    else if (options.check !== undefined) check(options.check);
    else if (options.scenario === undefined) await rotate(chosenNemeses());
    else await playScenario(scenarioOf(options.scenario));
  } catch (error) {
    say(error instanceof Error ? error.message : String(error));
    return 2;
  }
  return tally.failed === 0 ? 0 : 1;
}

function list(): void {
  say(`workloads: ${workloads.map(({ name }) => name).join(", ")}`);
  for (const { name, about } of nemeses) say(`${name.padEnd(16)}${about}`);
}

function check(folder: string): void {
  for (const { checker, problem } of judge(folder)) {
    say(`${checker}: ${problem ?? "held"}`);
    if (problem === null) tally.passed++;
    else tally.failed++;
  }
  close();
}

function chosenNemeses(): readonly Nemesis[] {
  return options.nemesis === undefined ? nemeses : options.nemesis.map(nemesisOf);
}

async function playScenario(scenario: Scenario): Promise<void> {
  for (const { tool, words } of scenario.commands) {
    const command = {
      sim: ["test/sim/run.ts", ...words],
      fuzz: ["test/fuzz/run.ts", ...words],
      exhaust: ["test/exhaustion/run.ts", ...words],
      compat: ["compat-tests/run.ts", ...words],
      vitest: ["node_modules/vitest/vitest.mjs", "run", ...words],
    }[tool];
    say(`node ${command.join(" ")}`);
    const { status } = spawnSync(process.execPath, command, { cwd: repositoryFolder, stdio: "inherit" });
    if (status === 0) tally.passed++;
    else tally.failed++;
  }
  if (scenario.nemeses.length === 0) close();
  else await rotate(scenario.nemeses.map(nemesisOf));
}

/** Every nemesis in turn, and every ensemble, until the time is over. */
async function rotate(chosen: readonly Nemesis[]): Promise<void> {
  const untilMs = Date.now() + options.minutes * 60_000;
  const means = meansHere();
  const names = (options.workload ?? workloads.map(({ name }) => name)).map((name) => workloadOf(name).name);
  const firstSeed = options.seed ?? Date.now() % 1_000_000;
  const possible = chosen.filter((nemesis) => isPossible(nemesis, means));
  let round = 0;
  for (const { builds, nemesis } of possible.length === 0 ? [] : rotation(chosenEnsembles(), possible, firstSeed)) {
    if (Date.now() > untilMs || round >= (options.rounds ?? Number.POSITIVE_INFINITY)) break;
    await play({
      builds,
      nemesis: nemesis.name,
      workloads: names,
      seed: firstSeed + round,
      troubleMs: options.seconds * 1000,
      isCuttable: means.canCutLinks,
    });
    round++;
  }
  close();
}

function isPossible(nemesis: Nemesis, means: Means): boolean {
  const reason = whyNot(nemesis, means);
  if (reason === null) return true;
  say(`${nemesis.name}: left out, ${reason}`);
  tally.skipped++;
  return false;
}

function chosenEnsembles(): readonly Builds[] {
  const { members, mix } = options;
  if (mix !== undefined) return [buildsOf(mix)];
  if (members !== undefined) return ofOurs.filter(({ length }) => length === members);
  return missingTools(["java", "mvn"]).size === 0 ? [...ofOurs, ...mixtures] : ofOurs;
}

function buildsOf(mix: string): Build[] {
  return mix.split(",").map((word) => {
    if (word === "ours") return "ours";
    if (word === "ref" || word === "reference") return "reference";
    throw new Error(`--mix ${mix}: each member is ours or ref`);
  });
}

async function play(plan: RoundPlan): Promise<void> {
  const round = await playAndKeep(plan);
  say(`${headOf(plan)}: ${summaryOf(round)}`);
  tally.strikes.set(plan.nemesis, (tally.strikes.get(plan.nemesis) ?? 0) + round.strikes);
  for (const { type } of round.operations) tally.results.set(type, (tally.results.get(type) ?? 0) + 1);
  if (round.folder === null) {
    tally.passed++;
    return;
  }
  tally.failed++;
  for (const { checker, problem } of round.findings)
    if (problem !== null) say(`  ${checker}: ${problem.slice(0, 500)}`);
  say(`  everything is in ${round.folder}`);
  say(`  judged again by npm run faults -- --check ${round.folder}`);
  say(`  tried again by ${commandOf(plan)}`);
}

function headOf({ builds, nemesis, seed }: RoundPlan): string {
  return `${builds.map((build) => (build === "ours" ? "o" : "r")).join("")} ${nemesis}, seed ${seed}`;
}

function summaryOf({ strikes, operations, recoveriesMs, folder }: KeptRound): string {
  const slowestMs = Math.max(0, ...recoveriesMs);
  const verdict = folder === null ? "held" : "FAILED";
  return `${verdict}; ${strikes} strikes, all served again within ${slowestMs} ms; ${operations.length} operations`;
}

/** What tools print last. */
function close(): void {
  const strikes = [...tally.strikes].map(([name, count]) => `${name} ${count}`);
  if (strikes.length > 0) say(`strikes: ${strikes.join(", ")}`);
  const results = [...tally.results].map(([type, count]) => `${type} ${count}`);
  if (results.length > 0) say(`operations: ${results.join(", ")}`);
  say(`${tally.passed} passed, ${tally.failed} failed, ${tally.skipped} skipped`);
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
