/** The tests of Apache Curator 5.9.0 itself, as published, against our server. */

import { test } from "vitest";
import { curatorSuite } from "./java-catalogue.ts";
import { foreignSuite } from "./java-suite.ts";
import { runCount, scoreSuite } from "./suite.ts";

test("Curator's own tests", { timeout: runCount * 60 * 60_000 }, ({ task }) =>
  scoreSuite(foreignSuite(curatorSuite), task),
);
