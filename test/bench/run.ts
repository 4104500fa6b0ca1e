/**
 * The benchmark: our server and, where its jars and a JVM are found, Apache ZooKeeper, under the same load on the same
 * machine in the same run. Both servers stay up while rounds alternate between them, so that the JVM is as warm as it
 * gets; the one that is not measured is idle. Ratios between the two are the result; see README.md.
 */

import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { referenceClassPath, type ServerKind } from "../support/server-process.ts";
import { BenchServer, workloads } from "./bench-server.ts";
import { measureRestarts } from "./restart.ts";
import { type Measurement, machine, renderTable, summarize } from "./report.ts";

export interface BenchOptions {
  readonly rounds: number;
  readonly seconds: number;
  readonly warmupSeconds: number;
  readonly jvmWarmupSeconds: number;
  /** Znodes that reads and writes go to. */
  readonly treeZnodes: number;
  /** Znodes of the memory and restart measurement; 0 leaves it out. */
  readonly znodes: number;
  readonly restarts: number;
  readonly javaHeap: string;
  readonly entry: string | undefined;
  readonly folder: string;
  readonly kinds: readonly ServerKind[];
  readonly only: readonly string[];
}

const usage = `npm run bench -- [options]
  --rounds N         alternating rounds (5)
  --seconds N        measured time of each workload in a round (3)
  --znodes N         znodes of the memory and restart measurement (1000000); 0 leaves it out
  --tree N           znodes that reads and writes go to (100000)
  --restarts N       restarts measured (3)
  --quick            2 rounds of 1 second, 100000 znodes: a smoke test, not a result
  --server KIND      ours or reference alone
  --workload NAME    one of ${workloads.map((workload) => workload.name).join(", ")}; may be repeated
  --java-heap SIZE   heap limit of the real server (2g)
  --entry FILE       what our server is started from (src/main.ts)
  --folder PATH      where data goes; it must be a real disk (the system's temporary folder)
  --json FILE        writes everything measured as JSON; - for standard output
`;

function readOptions(): { options: BenchOptions; json: string | undefined } {
  const { values } = parseArgs({
    options: {
      rounds: { type: "string" },
      seconds: { type: "string" },
      znodes: { type: "string" },
      tree: { type: "string", default: "100000" },
      restarts: { type: "string" },
      quick: { type: "boolean", default: false },
      server: { type: "string" },
      workload: { type: "string", multiple: true },
      "java-heap": { type: "string", default: "2g" },
      entry: { type: "string" },
      folder: { type: "string", default: tmpdir() },
      json: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    process.stdout.write(usage);
    process.exit(0);
  }
  const { quick } = values;
  const options: BenchOptions = {
    rounds: Number(values.rounds ?? (quick ? 2 : 5)),
    seconds: Number(values.seconds ?? (quick ? 1 : 3)),
    warmupSeconds: quick ? 0.5 : 1,
    jvmWarmupSeconds: quick ? 1 : 5,
    treeZnodes: Number(values.tree),
    znodes: Number(values.znodes ?? (quick ? 100_000 : 1_000_000)),
    restarts: Number(values.restarts ?? (quick ? 1 : 3)),
    javaHeap: values["java-heap"],
    entry: values.entry === undefined ? undefined : resolve(values.entry),
    folder: mkdtempSync(join(values.folder, "nodekeeper-bench-")),
    kinds: chooseServers(values.server),
    only: values.workload ?? [],
  };
  return { options, json: values.json };
}

function chooseServers(asked: string | undefined): ServerKind[] {
  if (asked === "ours" || asked === "reference") return [asked];
  if (referenceClassPath() !== null) return ["ours", "reference"];
  process.stderr.write("The real ZooKeeper was not found (see README.md): measuring ours alone.\n");
  return ["ours"];
}

async function measureLoad(options: BenchOptions, measurements: Measurement[]): Promise<void> {
  const servers: BenchServer[] = [];
  try {
    for (const kind of options.kinds) servers.push(await BenchServer.start(kind, options));
    const chosen = workloads.filter(({ name }) => options.only.length === 0 || options.only.includes(name));
    for (const server of servers) {
      progress(`warming up ${server.kind}`);
      for (const workload of chosen) await server.run(workload, options.jvmWarmupSeconds * 1000, 0);
    }
    for (let round = 1; round <= options.rounds; round++) {
      for (const workload of chosen) {
        for (const server of round % 2 === 1 ? servers : servers.toReversed()) {
          writeBack();
          progress(`round ${round} of ${options.rounds}: ${workload.name}, ${server.kind}`);
          const values = await server.run(workload, options.warmupSeconds * 1000, options.seconds * 1000);
          measurements.push({ workload: workload.name, server: server.kind, round, values });
        }
      }
    }
  } finally {
    for (const server of servers) await server.dispose();
  }
}

/** Has the system write what the measurement before has left to be written, so that it does not fall into this one. */
function writeBack(): void {
  execFileSync("sync");
}

function progress(text: string): void {
  process.stderr.write(`${text}\n`);
}

const { options, json } = readOptions();
const measurements: Measurement[] = [];
try {
  await measureLoad(options, measurements);
  if (options.znodes > 0) await measureRestarts(options, measurements, progress);
  const facts = machine(options);
  const summaries = summarize(measurements);
  if (json !== "-") process.stdout.write(renderTable(facts, summaries));
  const text = `${JSON.stringify({ machine: facts, options, summaries, measurements }, null, 2)}\n`;
  if (json === "-") process.stdout.write(text);
  else if (json !== undefined) writeFileSync(json, text);
} finally {
  rmSync(options.folder, { recursive: true, force: true });
}
