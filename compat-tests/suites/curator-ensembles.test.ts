/** The tests of Apache Curator 5.9.0 that start ensembles, as published, against ensembles of ours. */

import { test } from "vitest";
import { curatorEnsemblesSuite } from "./java-catalogue.ts";
import { foreignSuite } from "./java-suite.ts";
import { runCount, scoreSuite } from "./suite.ts";

test("Curator's own tests of ensembles", { timeout: runCount * 60 * 60_000 }, ({ task }) =>
  scoreSuite(foreignSuite(curatorEnsemblesSuite), task),
);
