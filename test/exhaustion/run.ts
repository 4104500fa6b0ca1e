/**
 * Attacks a server, one attack after the other, and says what was held.
 *
 *   npm run exhaust                             all attacks, small: a minute or so
 *   npm run exhaust -- --scale full             the same at the size that each describes: a quarter of an hour
 *   npm run exhaust -- storm paths              those with one of these in their names
 *   npm run exhaust -- everything --scale full --minutes 60
 *                                               all at once, for an hour
 *   npm run exhaust -- --scale full --write     writes what came out into LIMITS.md; attacks that were not run keep their lines
 */

import { execFileSync } from "node:child_process";
import { resolve } from "node:path";
import yargs from "yargs";
import { judge, type Attack, type Verdict } from "./attack.ts";
import { attacks } from "./attacks.ts";
import { Stage } from "./stage.ts";
import { rowOf, verdictText, writeRows } from "./table.ts";

const options = await yargs(process.argv.slice(2))
  .scriptName("npm run exhaust --")
  .usage("$0 [part of an attack's name ...]")
  .option("scale", {
    choices: ["small", "full"] as const,
    default: "small" as const,
    describe: "how much of everything",
  })
  .option("minutes", { type: "number", describe: "how long everything at once goes on" })
  .option("write", { type: "boolean", default: false, describe: "writes the table of LIMITS.md" })
  .option("list", { type: "boolean", default: false, describe: "prints the names of the attacks" })
  .option("entry", { type: "string", describe: "what the server is started from (src/main.ts)" })
  .strictOptions()
  .parseAsync();

const words = options._.map(String);
const chosen = attacks.filter(({ name }) => words.length === 0 || words.some((word) => name.includes(word)));
if (options.list) print(attacks.map(({ name, about }) => `${name}: ${about}`).join("\n"));
else await runAll();
process.exit();

async function runAll(): Promise<void> {
  const rows: [string, string][] = [];
  let failed = 0;
  const { scale } = options;
  const { minutes } = options;
  const stageOptions = { minutes, entry: options.entry === undefined ? undefined : resolve(options.entry) };
  await using shared = new Stage(scale, stageOptions);
  const when = `${new Date().toISOString().slice(0, 10)}, ${commit()}`;
  for (const attack of chosen) {
    await using own = new Stage(scale, stageOptions);
    // What is measured at full scale is not what another attack has left.
    const verdict = await attempt(attack, scale === "small" ? shared : own);
    print(verdictText(verdict));
    if (verdict.broken.length > 0) failed++;
    rows.push([attack.name, rowOf(verdict, scale, when)]);
  }
  if (options.write)
    writeRows(
      new Map(rows),
      attacks.map(({ name }) => name),
    );
  if (failed > 0) process.exitCode = 1;
  print(`${chosen.length - failed} passed, ${failed} failed, ${attacks.length - chosen.length} skipped`);
}

async function attempt(attack: Attack, stage: Stage): Promise<Verdict> {
  try {
    return judge(attack, await attack.run(stage), stage.scale);
  } catch (error) {
    return { attack, values: {}, limits: attack.limits(stage.scale), broken: [String(error).slice(0, 2000)] };
  }
}

function commit(): string {
  return execFileSync("git", ["rev-parse", "--short", "HEAD"], { encoding: "utf8" }).trim();
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
