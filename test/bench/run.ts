/**
 * The benchmark: our server and, where its jars and a JVM are found, Apache ZooKeeper, under the same load on the same
 * machine in the same run. Servers that are not measured are idle or not there. Ratios between the two are the result; README.md
 * says what is measured and how.
 */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import yargs from "yargs";
import { writeMarkedTable } from "../support/marked-table.ts";
import { referenceClassPath, type ServerKind } from "../support/server-process.ts";
import { Bench, type BenchOptions } from "./bench.ts";
import { crowdShapes, measureCrowds } from "./measure-crowds.ts";
import { etcdShapes, measureEtcd } from "./measure-etcd.ts";
import { ensembleNames, measureEnsembles } from "./measure-ensembles.ts";
import { measureLoads } from "./measure-load.ts";
import { measureStarts, startShapes } from "./measure-starts.ts";
import { measureZnodes, znodeShapes } from "./measure-znodes.ts";
import { renderPage } from "./page.ts";
import { renderReadme } from "./readme-table.ts";
import { machine, renderTable, summarize } from "./report.ts";
import { loadShapes, quickShapes } from "./shapes.ts";

const reportFolder = fileURLToPath(new URL("report/", import.meta.url));

const values = await yargs(process.argv.slice(2))
  .scriptName("npm run bench --")
  .usage("$0 [part of a shape's name ...]")
  .option("quick", { type: "boolean", default: false, describe: "a smoke test of some minutes, not a result" })
  .option("list", { type: "boolean", default: false, describe: "prints the names of the shapes" })
  .option("rounds", { type: "number", describe: "alternating rounds (5)" })
  .option("seconds", { type: "number", describe: "measured time of each load in a round (2)" })
  .option("server", { choices: ["ours", "reference"] as const, describe: "one of the two alone" })
  .option("entry", { type: "string", describe: "what our server is started from (src/main.ts)" })
  .option("folder", { type: "string", default: tmpdir(), describe: "where data goes; it must be a real disk" })
  .option("readme", { type: "boolean", default: false, describe: "writes the tables of README.md" })
  .option("report", { type: "string", default: reportFolder, describe: "where index.html and figures.json go" })
  .strictOptions()
  .parseAsync();

/** What belongs together: names, and who measures them. */
interface Group {
  readonly names: readonly string[];
  readonly measure: (bench: Bench, names: readonly string[]) => Promise<void>;
}

function readOptions(folder: string): BenchOptions {
  const { quick, entry } = values;
  return {
    rounds: values.rounds ?? (quick ? 1 : 5),
    measureMs: (values.seconds ?? (quick ? 1 : 2)) * 1000,
    warmupMs: quick ? 300 : 500,
    jvmWarmupMs: quick ? 1000 : 4000,
    treeZnodes: 100_000,
    sizes: quick ? [100_000] : [1_000_000, 5_000_000],
    crowds: quick ? [1000] : [1000, 10_000],
    idleSessions: quick ? 1000 : 10_000,
    entry: entry === undefined ? undefined : resolve(entry),
    folder,
    kinds: chooseServers(values.server),
  };
}

function chooseServers(asked: ServerKind | undefined): ServerKind[] {
  if (asked !== undefined) return [asked];
  if (referenceClassPath() !== null) return ["ours", "reference"];
  process.stderr.write("The real ZooKeeper was not found (see README.md): measuring ours alone.\n");
  return ["ours"];
}

const folder = mkdtempSync(join(values.folder, "nodekeeper-bench-"));
try {
  const bench = new Bench(readOptions(folder));
  const loads = values.quick ? quickShapes : loadShapes.map(({ name }) => name);
  const groups: Group[] = [
    { names: startShapes, measure: measureStarts },
    { names: loads, measure: measureLoads },
    { names: values.server === undefined ? etcdShapes(loads) : [], measure: measureEtcd },
    { names: crowdShapes(bench), measure: measureCrowds },
    { names: znodeShapes(bench), measure: measureZnodes },
    { names: ensembleNames(bench), measure: measureEnsembles },
  ];
  if (values.list) process.stdout.write(`${[...new Set(groups.flatMap(({ names }) => names))].join("\n")}\n`);
  else await measureAll(bench, groups);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function measureAll(bench: Bench, groups: readonly Group[]): Promise<void> {
  const isChosen = choice(groups.flatMap(({ names }) => names));
  for (const { names, measure } of groups) {
    const chosen = names.filter(isChosen);
    if (chosen.length === 0) continue;
    try {
      await measure(bench, chosen);
    } catch (error) {
      // What others have measured for hours is a result all the same.
      bench.progress(String(error));
      process.exitCode = 1;
    }
  }
  const facts = machine(bench.options);
  const summaries = summarize(bench.measurements);
  process.stdout.write(renderTable(facts, summaries));
  const whole = { machine: facts, summaries, measurements: bench.measurements };
  mkdirSync(values.report, { recursive: true });
  writeFileSync(join(values.report, "figures.json"), `${JSON.stringify(whole, null, 2)}\n`);
  writeFileSync(join(values.report, "index.html"), renderPage(facts, summaries));
  if (values.readme) {
    writeMarkedTable("bench tables", renderReadme(facts, summaries, new Date().toISOString().slice(0, 10)));
  }
}

/** Which shapes are asked for: by a whole name that one, else all whose names have the word in them. */
function choice(names: readonly string[]): (name: string) => boolean {
  const wanted = values._.map(String);
  if (wanted.length === 0) return () => true;
  return (name) => wanted.some((word) => (names.includes(word) ? name === word : name.includes(word)));
}
