/** What a row of SCENARIOS.md names, `npm run faults -- --scenario N` runs. */

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { nemesisOf } from "./nemeses/nemeses.ts";
import { scenarios } from "./scenarios.ts";

const rows = readFileSync(new URL("SCENARIOS.md", import.meta.url), "utf8").matchAll(
  /^\| (\d+) \| [^|]+ \| ([^|]+) \|/gm,
);
const lookedForBy = new Map(Array.from(rows, ([, number, by]) => [Number(number), by!]));

/** What is in backticks, word by word; what the simulator does by itself, switches and documents are nobody's to run. */
function namedIn(by: string): string[] {
  const others = by.split("; ").filter((part) => !part.startsWith("simulator: ") || part.includes(".test.ts"));
  const quoted = [...others.join("; ").matchAll(/`([^`]+)`/g)].map(([, words]) => words!);
  return quoted
    .filter((words) => !words.startsWith("-") && !words.endsWith(".md"))
    .flatMap((words) => words.replace("npm run ", "").replace(" --", "").split(" "));
}

test("every scenario has a row", () => {
  expect([...lookedForBy.keys()]).toEqual(scenarios.map((_, i) => i + 1));
});

test.each(scenarios.map((scenario, i) => ({ ...scenario, number: i + 1 })))(
  "scenario $number, $name, runs all that its row names",
  ({ number, nemeses, commands }) => {
    const by = lookedForBy.get(number)!;
    const run = [...nemeses, ...commands.flatMap(({ tool, words }) => [tool, ...words])];
    const left = namedIn(by).filter((name) => !run.some((word) => word === name || word.endsWith(`/${name}`)));
    expect(left).toEqual([]);
    expect(commands.some(({ tool }) => tool === "sim")).toBe(by.includes("simulator"));
    expect(nemeses.length > 0).toBe(/faults/.test(by));
    for (const name of nemeses) expect(nemesisOf(name).name).toBe(name);
  },
);
