/** Nothing that was acknowledged is lost: a server killed under load by kazoo has every such write after its restart. */

import { expect, test } from "vitest";
import { dumpTree } from "../disk/tree-dump.ts";
import { subject, TestServer, type Build } from "../reference/server.ts";
import { kazoo } from "./programs.ts";

const builds: readonly Build[] = subject === "ours" ? ["reference", "ours"] : ["reference"];

/** Writes acknowledged before the server is killed. */
const enough = 400;

test.each(builds)("%s: every acknowledged write is found after kill -9", async (build) => {
  const server = await new TestServer(build, { config: { snapCount: 300 } }).start();
  try {
    const acknowledged = new Set<string>();
    for (let round = 1; round <= 3; round++) {
      const client = kazoo("2.11.0", server.port, "writer", String(round));
      await client.line(() => client.lines.length >= enough);
      await server.kill();
      for (const path of await client.end()) acknowledged.add(path);
      await server.start();
      const found = new Set((await dumpTree(server.port, "/load")).map((znode) => znode.path));
      expect([...acknowledged].filter((path) => !found.has(path))).toEqual([]);
    }
    expect(acknowledged.size).toBeGreaterThanOrEqual(3 * enough);
  } finally {
    await server.dispose();
  }
});
