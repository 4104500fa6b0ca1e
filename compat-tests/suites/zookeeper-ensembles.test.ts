/** The tests of Apache ZooKeeper 3.9.5 that start ensembles, as published, against ensembles of ours. */

import { test } from "vitest";
import { zookeeperEnsemblesSuite } from "./java-catalogue.ts";
import { foreignSuite } from "./java-suite.ts";
import { runCount, scoreSuite } from "./suite.ts";

test("ZooKeeper's own tests of ensembles", { timeout: runCount * 60 * 60_000 }, ({ task }) =>
  scoreSuite(foreignSuite(zookeeperEnsemblesSuite), task),
);
