/**
 * The compatibility suite: real clients, and Apache ZooKeeper 3.9.5 beside this server, played the same scenarios.
 *
 *   npm run compat                     everything
 *   npm run compat -- wire             files whose path holds "wire"
 *   COMPAT_SUBJECT=reference npm run compat    the reference against itself: proves the tests
 *
 * Without a JVM and Maven (or ZOOKEEPER_HOME) only the parts that need no reference run, and under CI nothing does:
 * a comparison that did not happen must not look like one that succeeded.
 */

import { defineConfig, type ViteUserConfig } from "vitest/config";
import { whyNoReference } from "./reference/artifacts.ts";
import { containerEngineAnswers } from "./reference/container.ts";

const missing = whyNoReference();
const useContainer = missing !== null && (await containerEngineAnswers());
if (useContainer) process.env["COMPAT_REFERENCE"] = "container";
const isAvailable = missing === null || useContainer;
if (!isAvailable) {
  const line = `reference not available: ${missing}, and no container engine answers`;
  if (process.env["CI"] === "true") throw new Error(line);
  process.stdout.write(`${line}\n`);
}

const config: ViteUserConfig = defineConfig({
  test: {
    include: isAvailable ? ["compat-tests/**/*.test.ts"] : ["compat-tests/self/*.test.ts"],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    pool: "forks",
    maxWorkers: 2,
    globalSetup: isAvailable ? ["compat-tests/reference/prepare.ts"] : [],
    reporters: ["default", "./test/support/closing-line-reporter.ts"],
  },
});

export default config;
