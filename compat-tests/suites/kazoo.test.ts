/**
 * kazoo's own tests, unedited, from the released package, against a server that kazoo's harness starts by the word `java`.
 *
 * Two releases: 2.11.0, and 2.8.0, which Debian ships. The harness makes a cluster of one (ZOOKEEPER_CLUSTER_SIZE); quorum/kazoo
 * runs the same tests in an ensemble. What a test needs beyond that is in expectations.json, test by test.
 */

import { test } from "vitest";
import { exclusionsOf } from "../reporting/expectations.ts";
import {
  installedKazoo,
  type KazooRelease,
  kazooReleases,
  recipes,
  repetitions,
  runKazooTests,
  versionsIn,
} from "./kazoo-runner.ts";
import { type ForeignSuite, runCount, scoreSuite } from "./suite.ts";
import { isShort } from "../shard.ts";

const suiteTimeoutMs = 20 * 60_000;

/** `--shard ci` leaves out what is the same once more: the older release, the tests repeated on other kinds of threads, and recipes. */
const isPart = isShort && process.env["COMPAT_FREEZE"] !== "1";
const leftOut = isPart ? [...repetitions, ...recipes] : [];

const about =
  "kazoo.testing with ZOOKEEPER_CLUSTER_SIZE=1. The servers of both builds are not given authProvider.1=SASLAuthenticationProvider, " +
  "secureClientPort, ssl.* and -Djava.security.auth.login.config, which belong to later features; tests that need them are excluded by name.";

for (const release of isPart ? kazooReleases.slice(0, 1) : kazooReleases) {
  test(`kazoo ${release.version}: its own tests`, { timeout: suiteTimeoutMs * runCount }, async ({ task }) => {
    await scoreSuite(suiteOf(release), task);
  });
}

function suiteOf(release: KazooRelease): ForeignSuite {
  const name = `kazoo ${release.version}`;
  const library = installedKazoo(release);
  const left = { tests: exclusionsOf(name).map(({ test: one }) => one), files: leftOut };
  return {
    name,
    frozen: release.frozen,
    about,
    versions: versionsIn(library),
    covers: (one) => !leftOut.some((file) => one.startsWith(file)),
    run: (build) => runKazooTests({ suite: name, library, builds: [build], left }),
  };
}
