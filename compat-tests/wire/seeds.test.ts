/**
 * Plans that once showed a difference, made small and kept: each is played to both servers at each run. `story` in the file
 * says what was found.
 *
 *   COMPAT_PLAN=compat-tests/report/failures/NAME.json npm run compat -- wire/seeds      plays that one instead
 */

import { globSync } from "node:fs";
import { basename, join } from "node:path";
import { expect, test } from "vitest";
import { repositoryFolder } from "../reference/artifacts.ts";
import { configurationOf } from "./configurations.ts";
import { Stage } from "./play.ts";
import { readPlan } from "./plan-file.ts";
import { verdictOn } from "./verdict.ts";

const given = process.env["COMPAT_PLAN"];
const folder = join(repositoryFolder, "compat-tests", "wire", "seeds");
const files = given === undefined ? globSync(join(folder, "*.json")).sort() : [join(repositoryFolder, given)];

test.each(files.map((file) => ({ file, name: basename(file, ".json") })))(
  "both servers say the same to $name",
  { timeout: 300_000 },
  async ({ file }) => {
    const { plan } = readPlan(file);
    const stage = new Stage(configurationOf(plan.configuration));
    try {
      expect((await verdictOn(stage, plan)) ?? "").toBe("");
    } finally {
      await stage.dispose();
    }
  },
);
