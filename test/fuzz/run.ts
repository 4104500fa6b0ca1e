/**
 * Runs the fuzzer.
 *
 *   npm run fuzz -- TARGET --minutes 60        one target (fuzz without a target names them)
 *   npm run fuzz -- all --minutes 2            every target, each its share of that time
 *   npm run fuzz -- TARGET --runs 1000         so many runs, each target
 *   npm run fuzz -- TARGET --seed 42           other choices
 *   npm run fuzz -- TARGET --minutes 10 --grow keeps in the tree what reached something new
 *   npm run fuzz -- TARGET --replay FILE       one input: what came of it
 *
 * What breaks a target is made smaller, written to findings/ beside the corpus, and named with the command that repeats it. The last
 * line counts targets: `N passed, N failed, N skipped`.
 */

import { readFileSync } from "node:fs";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import yargs from "yargs";
import { readCorpus, writeFinding, writeToCorpus } from "./corpus.ts";
import { Coverage } from "./coverage.ts";
import { distil, Fuzzer } from "./fuzzer.ts";
import type { FuzzTarget } from "./target.ts";
import { prepareTrials, tryInput } from "./trial.ts";
import { Watchdog } from "./watchdog.ts";

// Only then the targets: what is called before it is watched has no counters.
const coverage = new Coverage();
const { targets } = await import("./targets.ts");
const names = targets.map(({ name }) => name);
const options = await yargs(process.argv.slice(2))
  .scriptName("npm run fuzz --")
  .usage("$0 TARGET", `fuzzes one of: ${names.join(", ")}, or all of them`, (command) =>
    command.positional("TARGET", { type: "string", choices: [...names, "all"], demandOption: true }),
  )
  .option("minutes", { type: "number", describe: "how long, in all" })
  .option("runs", { type: "number", describe: "how many runs of each target" })
  .option("seed", { type: "number", default: 1, describe: "of all choices" })
  .option("grow", { type: "boolean", default: false, describe: "keeps what reached something new in the tree" })
  .option("replay", { type: "string", describe: "a file to run once" })
  .conflicts("minutes", "runs")
  .strict()
  .parseAsync();

// Memory that is only waiting to be tidied up is no finding.
setFlagsFromString("--expose-gc");
globalThis.gc = runInNewContext("gc") as NodeJS.GCFunction;
const chosen = targets.filter(({ name }) => options["TARGET"] === "all" || options["TARGET"] === name);
if (options.replay === undefined) await fuzzAll();
else await replay(chosen[0]!, readFileSync(options.replay));
process.exit();

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function replay(target: FuzzTarget, input: Buffer): Promise<void> {
  prepareTrials();
  const fault = await tryInput(target, input);
  print(fault === null ? "nothing is wrong with it" : fault.text);
  if (fault !== null) process.exitCode = 1;
}

async function fuzzAll(): Promise<void> {
  const limitMs = (options.minutes ?? (options.runs === undefined ? 1 : Number.POSITIVE_INFINITY)) * 60_000;
  const limit = { runs: options.runs ?? Number.POSITIVE_INFINITY, ms: limitMs / chosen.length };
  let failedCount = 0;
  for (const target of chosen) if (!(await fuzzOne(target, limit))) failedCount++;
  print(`${chosen.length - failedCount} passed, ${failedCount} failed, ${names.length - chosen.length} skipped`);
  if (failedCount > 0) process.exitCode = 1;
}

/** @returns whether nothing was found. */
async function fuzzOne(target: FuzzTarget, limit: { runs: number; ms: number }): Promise<boolean> {
  const startMs = performance.now();
  coverage.reset();
  const watchdog = new Watchdog(target.name);
  const inTree = readCorpus(target.name).map(({ input }) => input);
  const fuzzer = new Fuzzer(target, { seed: options.seed, corpus: inTree, coverage, watchdog });
  const knownCount = fuzzer.corpus.length;
  await fuzzer.replay();
  await fuzzer.fuzz({ runs: limit.runs, untilMs: startMs + limit.ms });
  await watchdog.close();
  const { runCount, findings } = fuzzer;
  const seconds = (performance.now() - startMs) / 1000;
  const found = fuzzer.corpus.slice(knownCount);
  print(
    `${target.name}: ${runCount} runs, ${(runCount / seconds).toFixed(0)} a second; ${knownCount} inputs to begin with, ` +
      `${found.length} reached something new in ${coverage.functionCount} functions; ${findings.length} findings`,
  );
  for (const { fault, input } of findings) {
    print(`${fault.kind}: ${fault.text}`);
    print(`  ${writeFinding(target.name, input, fault.text)}`);
  }
  if (options.grow) await grow(target, fuzzer.corpus.slice(0, knownCount), found);
  return findings.length === 0;
}

async function grow(target: FuzzTarget, known: readonly Buffer[], found: readonly Buffer[]): Promise<void> {
  coverage.reset();
  const kept = await distil(target, coverage, { known, found });
  for (const input of kept) writeToCorpus(target.name, input);
  print(`${target.name}: ${kept.length} inputs kept, ${kept.reduce((sum, { length }) => sum + length, 0)} bytes`);
}
