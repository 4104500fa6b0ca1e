/** The tests of Apache ZooKeeper 3.9.5 itself, as published, against our server. */

import { test } from "vitest";
import { zookeeperSuite } from "./java-catalogue.ts";
import { foreignSuite } from "./java-suite.ts";
import { runCount, scoreSuite } from "./suite.ts";

test("ZooKeeper's own tests", { timeout: runCount * 60 * 60_000 }, ({ task }) =>
  scoreSuite(foreignSuite(zookeeperSuite), task),
);
