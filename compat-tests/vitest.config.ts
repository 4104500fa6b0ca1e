/**
 * How the compatibility suite runs: first the comparisons, two files at a time, then whole systems and foreign suites, which
 * bring many processes of their own, one at a time. `npm run compat` (run.ts) starts it.
 */

import { defineConfig, type ViteUserConfig } from "vitest/config";
import { isShort } from "./shard.ts";

/** kazoo's tests wait more than they work: in the short suite they are of the first. */
const suites = isShort
  ? ["compat-tests/suites/!(kazoo).test.ts", "compat-tests/quorum/java-suites.test.ts"]
  : ["compat-tests/suites/*.test.ts", "compat-tests/quorum/{kazoo,java-suites}.test.ts"];
const heavy = [...suites, "compat-tests/systems/kafka*.test.ts", "compat-tests/faults/*.test.ts"];

const shared: NonNullable<ViteUserConfig["test"]> = {
  testTimeout: 120_000,
  hookTimeout: 120_000,
  pool: "forks",
  setupFiles: ["compat-tests/reporting/setup.ts"],
  // A JVM reads and writes texts as its locale says, and so do other clients; where there is none, names lose their accents.
  env: { LC_ALL: "C.UTF-8" },
};

const config: ViteUserConfig = defineConfig({
  test: {
    globalSetup: ["compat-tests/reference/prepare.ts"],
    reporters: ["default", "./compat-tests/reporting/compat-reporter.ts", "./test/support/closing-line-reporter.ts"],
    projects: [
      {
        test: {
          ...shared,
          name: "side by side",
          include: ["compat-tests/**/*.test.ts"],
          exclude: heavy,
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: { ...shared, name: "one at a time", include: heavy, maxWorkers: 1, sequence: { groupOrder: 1 } },
      },
    ],
  },
});

export default config;
