/**
 * Plays the trading desk's day and prints it.
 *
 *   npx node compat-tests/examples/trading-desk/run.ts                         against this repository's server
 *   npx node compat-tests/examples/trading-desk/run.ts --reference             against Apache ZooKeeper 3.9.5
 *   npx node compat-tests/examples/trading-desk/run.ts --connect HOST:PORT     against a server that runs already
 *
 * The first two start a server in a temporary folder and print the same text. On a server that runs already the desk lives
 * below a znode of its own, which is deleted in the end, and the chapters in which the server fails are left out.
 * Exit code 0: every promise was kept; 1: one was broken, or somebody waited in vain; 2: a wrong argument.
 */

import { parseArgs } from "node:util";
import { play, textOf, verdictOf } from "./story.ts";
import { onStage } from "./stage.ts";

const usage = "usage: run.ts [--reference | --connect HOST:PORT]\n";

process.exitCode = await main();

async function main(): Promise<number> {
  const place = placeOf(process.argv.slice(2));
  if (place === null) {
    process.stderr.write(usage);
    return 2;
  }
  try {
    const { promises } = await onStage(place, (desk) =>
      play(desk, (chapter) => process.stdout.write(`${textOf(chapter)}\n`)),
    );
    for (const promised of promises) process.stdout.write(verdictOf(promised));
    return promises.every(({ broken }) => broken.length === 0) ? 0 : 1;
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  }
}

function placeOf(words: readonly string[]): Parameters<typeof onStage>[0] | null {
  try {
    const options = { reference: { type: "boolean" }, connect: { type: "string" } } as const;
    const { reference, connect } = parseArgs({ args: [...words], options }).values;
    if (connect === undefined) return reference === true ? "reference" : "ours";
    return reference === true || !/^[^/]+:\d+$/.test(connect) ? null : { address: connect };
  } catch {
    return null;
  }
}
