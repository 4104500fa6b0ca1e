/**
 * Runs the simulator.
 *
 *   npm run sim -- --seed 42                   one run, with a line for everything that happens
 *   npm run sim -- --seeds 1..1000             many, and what they went through; a seed that fails is named
 *   npm run sim -- --plant NAME --seeds 1..500 the same with a mistake in the server, until a seed fails
 *   npm run sim -- --plants > test/sim/planted-bugs.md
 *                                              every one of them, and which seed finds it
 *   npm run sim -- --crash-points              a death at every effect in every script (crash-points.ts)
 *
 * While it runs, clock, dice and timers of this process throw: what a member does comes from its host, or the run would not
 * repeat itself.
 */

import { spawn } from "node:child_process";
import { availableParallelism } from "node:os";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import yargs from "yargs";
import { plant, type PlantedBug, plantedBug, plantedBugs } from "./planted-bugs.ts";
import type { RunReport } from "./simulation.ts";

const options = await yargs(process.argv.slice(2))
  .scriptName("npm run sim --")
  .option("seed", { type: "number", describe: "one run, told line by line" })
  .option("seeds", { type: "string", describe: "a range of runs, A..B" })
  .option("plant", { type: "string", describe: "a mistake to make (planted-bugs.ts)" })
  .option("crash-points", { type: "boolean", describe: "a death at every effect in every script" })
  .option("plants", { type: "boolean", describe: "makes every mistake in turn, and prints a table" })
  .strict()
  .parseAsync();

const now = performance.now.bind(performance);
const startMs = now();
if (options.plants === true) {
  await tryAllPlants();
  process.exit();
}
if (options.plant !== undefined) plant(plantedBug(options.plant));
// Only now: what is planted is planted as modules are loaded.
const { Simulation } = await import("./simulation.ts");
const { playAllPoints } = await import("./crash-points.ts");
const { scripts } = await import("./scripts.ts");
poison();
if (options.crashPoints === true) await tryAllPoints();
else if (options.seed !== undefined) await tell(options.seed);
else await runRange(options.seeds ?? "1..100", options.plant !== undefined);
process.exit();

/** The table of planted-bugs.md; as many mistakes are made side by side as there are processors. */
async function tryAllPlants(): Promise<void> {
  const [first, last] = rangeOf(options.seeds ?? "1..10000");
  print("# Planted bugs\n");
  print(
    `Which seed of the simulator finds which mistake, of seeds ${first} to ${last}: \`npm run sim -- --plants\`.\n`,
  );
  print("| Mistake | Like | Found by seed | After | What it saw |");
  print("|---|---|---|---|---|");
  const rows = plantedBugs.map((bug) => ({ bug, ...Promise.withResolvers<string>() }));
  const left = [...rows];
  const work = async (): Promise<void> => {
    for (let row = left.shift(); row !== undefined; row = left.shift()) row.resolve(await rowOf(row.bug, first, last));
  };
  const working = Array.from({ length: availableParallelism() }, work);
  for (const { promise } of rows) print(await promise);
  await Promise.all(working);
}

async function rowOf({ name, like, about }: PlantedBug, first: number, last: number): Promise<string> {
  const begunMs = now();
  const found = await firstFind(name, first, last);
  if (found === null) process.exitCode = 1;
  const seconds = ((now() - begunMs) / 1000).toFixed(0);
  const seen = (found?.what ?? "").slice(0, 100).replaceAll("|", "\\|");
  return `| ${name}: ${about} | ${like} | ${found?.seed ?? "none"} | ${seconds} s | ${seen} |`;
}

interface Find {
  readonly seed: number;
  readonly what: string;
}

/** The first seed that finds that mistake. One that fails without it has found another, which is nobody's plant. */
async function firstFind(plantName: string, first: number, last: number): Promise<Find | null> {
  for (let next = first; next <= last;) {
    const found = await firstFailure(["--plant", plantName, "--seeds", `${next}..${last}`]);
    if (found === null) return null;
    if ((await firstFailure(["--seeds", `${found.seed}..${found.seed}`])) === null) return found;
    process.stderr.write(`seed ${found.seed} fails without a mistake as well\n`);
    process.exitCode = 1;
    next = found.seed + 1;
  }
  return null;
}

/** In a process of its own: what is planted stays. */
async function firstFailure(words: readonly string[]): Promise<Find | null> {
  const child = spawn(process.execPath, [fileURLToPath(import.meta.url), ...words], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const stdout = await text(child.stdout);
  const [, seed, what = ""] = /^seed (\d+) failed: (.*)$/m.exec(stdout) ?? [];
  return seed === undefined ? null : { seed: Number(seed), what };
}

async function tryAllPoints(): Promise<void> {
  let total = 0;
  for (const script of scripts) {
    try {
      const count = await playAllPoints(script);
      total += count;
      print(`${script.name}: ${count} deaths`);
    } catch (error) {
      const { message, cause } = error as Error;
      print(`${message}: ${String(cause)}`);
      process.exitCode = 1;
    }
  }
  print(`${total} deaths, ${((now() - startMs) / 1000).toFixed(1)} s`);
}

async function tell(one: number): Promise<void> {
  const report = await attempt(one, print);
  if (report !== null) print(textOf([report]));
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

function rangeOf(words: string): [first: number, last: number] {
  const range = /^(\d+)\.\.(\d+)$/.exec(words);
  if (range === null) throw new Error(`--seeds ${words}: valid is A..B`);
  return [Number(range[1]), Number(range[2])];
}

/** @param stopsAtFailure one failure is enough. */
async function runRange(words: string, stopsAtFailure: boolean): Promise<void> {
  const [first, last] = rangeOf(words);
  const reports: RunReport[] = [];
  for (let one = first; one <= last; one++) {
    const report = await attempt(one);
    if (report !== null) reports.push(report);
    else if (stopsAtFailure) break;
  }
  process.stdout.write(`${textOf(reports)}\n`);
}

/** @returns null when the run failed, which has been said. */
async function attempt(one: number, onLine?: (line: string) => void): Promise<RunReport | null> {
  try {
    return await new Simulation({ seed: one, ...(onLine === undefined ? {} : { onLine }) }).run();
  } catch (error) {
    const { message, stack } = error as Error;
    process.stdout.write(`seed ${one} failed: ${onLine === undefined ? message : stack}\n`);
    process.exitCode = 1;
    return null;
  }
}

function textOf(reports: readonly RunReport[]): string {
  const sum = (value: (report: RunReport) => number): number =>
    reports.reduce((total, report) => total + value(report), 0);
  const lines = [
    `${reports.length} runs held, ${((now() - startMs) / 1000).toFixed(1)} s`,
    `${(sum(({ virtualMs }) => virtualMs) / 60_000).toFixed(0)} minutes of an ensemble, ${sum(({ events }) => events)} events`,
    `${sum(({ calls }) => calls)} requests, ${sum(({ acknowledged }) => acknowledged)} of them answered`,
    `${sum(({ elections }) => elections)} leaders; learners brought up to date: ${countsOf(reports.map(({ syncs }) => syncs))}`,
    `${sum(({ reconfigs }) => reconfigs)} changes of the members`,
    countsOf(reports.map(({ faults }) => faults)),
  ];
  return lines.join("\n");
}

function countsOf(maps: readonly ReadonlyMap<string, number>[]): string {
  const totals = new Map<string, number>();
  for (const counts of maps) {
    for (const [name, count] of counts) totals.set(name, (totals.get(name) ?? 0) + count);
  }
  return [...totals].map(([name, count]) => `${name} ${count}`).join(", ");
}

function poison(): void {
  Date.now = refuse("Date.now");
  Math.random = refuse("Math.random");
  performance.now = refuse("performance.now");
  globalThis.setTimeout = refuse("setTimeout") as unknown as typeof setTimeout;
  globalThis.setInterval = refuse("setInterval");
}

function refuse(name: string): () => never {
  return () => {
    throw new Error(`${name} was called in a simulation: nothing but the run's seed may decide`);
  };
}
