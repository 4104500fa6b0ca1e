/** COMPATIBILITY.md says which metrics nothing feeds yet. The source says so too: the two must agree. */

import { globSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { ServerMetrics } from "#base/metrics.ts";
import { SeededRandom } from "#base/prng.ts";

const repository = fileURLToPath(new URL("../../", import.meta.url));

/** Fields of ServerMetrics that the server mentions somewhere, as `metrics.field`. */
function fedFields(): Set<string> {
  const fields = new Set<string>();
  for (const file of globSync("src/**/*.ts", { cwd: repository })) {
    const text = readFileSync(`${repository}${file}`, "utf8");
    for (const [, field] of text.matchAll(/metrics\.(\w+)\s*\.(?:add|increment)\(/g)) fields.add(field!);
  }
  return fields;
}

test("the metrics listed as having no value yet are those that nothing feeds", () => {
  const metrics = new ServerMetrics(new SeededRandom(1));
  const fed = fedFields();
  const unfed = Object.entries(metrics)
    .filter(([field, metric]) => !fed.has(field) && typeof metric === "object" && "samples" in metric)
    .map(([, metric]) => (metric as { name: string }).name);
  const document = readFileSync(`${repository}compat-tests/COMPATIBILITY.md`, "utf8");
  const section = document.slice(
    document.indexOf("## Metrics without a value yet"),
    document.indexOf("## Left out of"),
  );
  const listed = [...section.matchAll(/`([a-z0-9_]+)`/g)].map((match) => match[1]!).filter((name) => name !== "mntr");
  expect(listed.toSorted()).toEqual(unfed.toSorted());
});
