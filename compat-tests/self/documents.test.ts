/** What the documents promise about this suite holds: every difference has a reason, and a test that pins it. */

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import expectations from "../expectations.json" with { type: "json" };
import { repositoryFolder } from "../reference/artifacts.ts";

const compatibility = readFileSync(join(repositoryFolder, "compat-tests", "COMPATIBILITY.md"), "utf8");

const listed = [
  ...expectations.differences.map(({ name }) => ({ name, test: "compat-tests/wire/differences.test.ts" })),
  ...expectations.elsewhere,
];

test.each(listed)("the difference $name has a line in COMPATIBILITY.md and a test in $test", ({ name, test: file }) => {
  expect(compatibility).toContain(`| \`${name}\` |`);
  expect(existsSync(join(repositoryFolder, file))).toBe(true);
  expect(readFileSync(join(repositoryFolder, file), "utf8")).toContain(name);
});

test("every name in COMPATIBILITY.md's tables of differences is in expectations.json", () => {
  const names = [...compatibility.matchAll(/^\| `([a-z0-9-]+)` \|/gm)].map((match) => match[1] ?? "");
  expect(names.sort()).toEqual(listed.map(({ name }) => name).sort());
});
