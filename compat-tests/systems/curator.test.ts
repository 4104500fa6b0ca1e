/**
 * Curator 5.9 on ZooKeeper's 3.9 client: each of its recipes, acted out by several contenders on a fresh server that is
 * restarted in the middle, once in order and, for those that services lean on most, once by SIGKILL. What the contenders
 * saw is the same on both builds: who holds, who waits, in which order they come, and the znodes with their Stats.
 */

import { readdirSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { playToBoth, type ScenarioClient } from "../client/scenarios.ts";
import { compiledJava, quickStart, repositoryFolder } from "../reference/artifacts.ts";
import { ClientProcess } from "../reference/process.ts";
import type { ServerSettings } from "../reference/server.ts";
import { isShort } from "../shard.ts";

type Settings = Omit<ServerSettings, "folder">;

/** TTL znodes and containers, reaped quickly enough to wait for. */
const reaping: Settings = {
  config: { extendedTypesEnabled: "true" },
  properties: { "znode.container.checkIntervalMs": 300 },
};

/** The recipes of curator/Recipes.java, the ways in which their server ends, and the settings that they need. */
const recipes: readonly { name: string; ends: readonly ("restart" | "crash")[]; settings?: Settings }[] = [
  { name: "framework", ends: ["restart"] },
  { name: "transactions", ends: ["restart", "crash"] },
  { name: "persistent-watcher", ends: ["restart"] },
  { name: "lost-session", ends: ["restart"] },
  { name: "leader-latch", ends: ["restart", "crash"] },
  { name: "leader-selector", ends: ["restart", "crash"] },
  { name: "mutex", ends: ["restart", "crash"] },
  { name: "revocable-mutex", ends: ["restart"] },
  { name: "semaphore-mutex", ends: ["crash"] },
  { name: "read-write-lock", ends: ["restart"] },
  { name: "multi-lock", ends: ["crash"] },
  { name: "semaphore", ends: ["restart"] },
  { name: "barrier", ends: ["crash"] },
  { name: "double-barrier", ends: ["restart"] },
  { name: "shared-count", ends: ["crash"] },
  { name: "atomic-long", ends: ["restart", "crash"] },
  { name: "promoted-to-lock", ends: ["restart"] },
  { name: "queue", ends: ["restart", "crash"] },
  { name: "id-queue", ends: ["restart"] },
  { name: "priority-queue", ends: ["crash"] },
  { name: "delay-queue", ends: ["restart"] },
  { name: "simple-queue", ends: ["restart"] },
  { name: "path-children-cache", ends: ["restart"] },
  { name: "node-cache", ends: ["crash"] },
  { name: "tree-cache", ends: ["restart"] },
  { name: "curator-cache", ends: ["restart", "crash"] },
  { name: "persistent-node", ends: ["restart"] },
  { name: "persistent-ttl-node", ends: ["restart"], settings: reaping },
  { name: "group-member", ends: ["crash"] },
  { name: "service-discovery", ends: ["restart", "crash"] },
  { name: "service-provider", ends: ["restart"] },
  { name: "service-cache", ends: ["restart"] },
];

const folder = join(repositoryFolder, "compat-tests", "systems", "curator");

function classes(): string {
  const sources = readdirSync(folder).filter((name) => name.endsWith(".java"));
  return compiledJava(
    "curator",
    sources.map((name) => join(folder, name)),
  );
}

function actors(end: "restart" | "crash"): ScenarioClient {
  return {
    name: "Curator 5.9",
    start: (port, recipe) =>
      new ClientProcess("java", [...quickStart, "-cp", classes(), "Recipes", `127.0.0.1:${port}`, recipe, end]),
  };
}

// Fetches and compiles, so that no test's time has to pay for it.
beforeAll(() => {
  classes();
});

/** `--shard ci` makes do with what services lean on most, and with SIGKILL. */
const played = isShort
  ? recipes.filter(({ ends }) => ends.length > 1).map((one) => ({ ...one, ends: ["crash" as const] }))
  : recipes;
const runs = played.flatMap(({ name, ends, settings }) => ends.map((end) => ({ name, end, settings })));

test.each(runs)("Curator sees the same of both servers: $name, $end", async ({ name, end, settings = {} }) => {
  const { expected, found } = await playToBoth(actors(end), name, settings);
  expect(expected.some((line) => line.startsWith('{"ask"'))).toBe(true);
  expect(found).toEqual(expected);
});
