/**
 * `npm run compat`: chooses the parts, sees to it that the machine has what they need, and runs them. vitest.config.ts
 * says how they run, reporting/ what comes of it.
 *
 *   npm run compat                          every part
 *   npm run compat -- kazoo wire/watches    parts and files that have one of the words in their name
 *   npm run compat -- --list                the parts
 *
 * What can be set goes to the tests through the environment (`COMPAT_...`), which may as well be set by hand.
 */

import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import yargs from "yargs";
import { writeMarkedTable } from "../test/support/marked-table.ts";
import { chosen, filesByPart, type Part } from "./parts.ts";
import { repositoryFolder } from "./reference/artifacts.ts";
import { containerEngineAnswers } from "./reference/container.ts";
import { missingTools, type Tool } from "./reference/tools.ts";

const options = await yargs(process.argv.slice(2))
  .scriptName("npm run compat --")
  .usage("$0 [part ...]\n\nReal clients and the real ZooKeeper beside ours: the same programs, the same outcome.")
  .option("list", { type: "boolean", describe: "Name the parts and what each is about" })
  .option("docker", {
    type: "boolean",
    describe: "Take the real server from its official image, by the container engine",
  })
  .option("shard", { choices: ["ci"] as const, describe: "The shortened suite that every change passes" })
  .option("self-proof", { type: "boolean", describe: "Put the real server in our place too: proves the tests" })
  .option("seed", { type: "number", describe: "Seed of the random comparisons" })
  .option("operations", { type: "number", describe: "Operations of the random comparison on the wire" })
  .option("class", { type: "string", describe: "That class alone of the suites in Java, by its simple name" })
  .option("repeat", { type: "number", describe: "Runs of each foreign test suite" })
  .option("freeze", { type: "boolean", describe: "Measure anew what the foreign suites give on the real server" })
  .option("readme", { type: "boolean", describe: "Write the table into README.md" })
  .strictOptions()
  .version(false)
  .parse();

process.exitCode = await main(options._.map(String));

async function main(words: readonly string[]): Promise<number> {
  if (options.list === true) return list();
  try {
    const wanted = chosen(words);
    const reference = await chooseReference();
    const missing = missingTools(wanted.flatMap(({ part }) => toolsOf(part)));
    for (const advice of missing.values()) process.stderr.write(`missing here: ${advice}\n`);
    const runnable = wanted.filter(({ part }) => toolsOf(part).every((tool) => !missing.has(tool)));
    for (const { part } of wanted) {
      if (!runnable.some((one) => one.part === part)) process.stderr.write(`not run: ${part.name}\n`);
    }
    const command = ["npm run compat", ...(process.argv.length > 2 ? ["--", ...process.argv.slice(2)] : [])].join(" ");
    const isComplete =
      words.length === 0 && options.shard === undefined && options.class === undefined && missing.size === 0;
    const code = runVitest(
      runnable.flatMap(({ files }) => files),
      { ...reference, COMPAT_COMMAND: command, COMPAT_COMPLETE: String(isComplete) },
    );
    if (options.readme === true) writeReadme();
    return missing.size > 0 ? 1 : code;
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    return 2;
  }
}

/** What the part needs, and what the real server needs beside it. */
function toolsOf(part: Part): Tool[] {
  if (options.docker === true) return [...part.tools];
  const hasDistribution = (process.env["ZOOKEEPER_HOME"] ?? "") !== "";
  return [...part.tools, "java", ...(hasDistribution ? [] : (["mvn"] as const))];
}

function list(): number {
  for (const [part, files] of filesByPart()) {
    process.stdout.write(
      `${part.name.padEnd(30)}${part.about} (${files.length} ${files.length === 1 ? "file" : "files"})\n`,
    );
  }
  return 0;
}

/** Which real server the tests start: that of a local JVM unless the image is asked for. */
async function chooseReference(): Promise<Record<string, string>> {
  if (options.docker !== true) return { COMPAT_REFERENCE: "jvm" };
  if (await containerEngineAnswers()) return { COMPAT_REFERENCE: "container" };
  throw new Error("--docker: no container engine answers; without --docker the real server runs in a local JVM");
}

function runVitest(files: readonly string[], reference: Readonly<Record<string, string>>): number {
  if (files.length === 0) return 1;
  const environment: Record<string, string> = { ...reference };
  const set = (name: string, value: string | number | undefined): void => {
    if (value !== undefined) environment[name] = String(value);
  };
  set("COMPAT_SHARD", options.shard);
  set("COMPAT_SEED", options.seed);
  set("COMPAT_OPERATIONS", options.operations);
  set("COMPAT_CLASS", options.class);
  set("COMPAT_REPEAT", options.repeat);
  set("COMPAT_FREEZE", options.freeze === true ? 1 : undefined);
  set("COMPAT_SUBJECT", options.selfProof === true ? "reference" : undefined);
  const vitest = join(repositoryFolder, "node_modules", "vitest", "vitest.mjs");
  const config = join("compat-tests", "vitest.config.ts");
  const paths = files.map((file) => `compat-tests/${file}`);
  const result = spawnSync(process.execPath, [vitest, "run", "--config", config, ...paths], {
    cwd: repositoryFolder,
    env: { ...process.env, ...environment },
    stdio: "inherit",
  });
  return result.status ?? 1;
}

/** The README shows the newest table. */
function writeReadme(): void {
  writeMarkedTable("compat table", readFileSync(join(repositoryFolder, "compat-tests", "report", "table.md"), "utf8"));
}
