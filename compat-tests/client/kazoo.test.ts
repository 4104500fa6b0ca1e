/** kazoo, the newest and Debian's, unchanged: the same program against both servers sees the same. */

import { expect, test } from "vitest";
import { dumpTree, shapeText } from "../disk/tree-dump.ts";
import { subject, TestServer } from "../reference/server.ts";
import type { Build } from "../reference/server.ts";
import { timed } from "../reporting/cases.ts";
import { kazooVersions } from "../reference/libraries.ts";
import { kazoo } from "./programs.ts";
import { masked, playScenarios } from "./scenarios.ts";

for (const version of kazooVersions) {
  const client = {
    name: `kazoo ${version}`,
    isBriefInShort: version !== kazooVersions[0],
    start: (port: number, scenario: string) => kazoo(version, port, scenario),
  };
  playScenarios(client, { recipes: {} });
}

test.each(kazooVersions)("2,000 random operations of kazoo %s: same answers, same tree", async (version) => {
  const seed = process.env["COMPAT_SEED"] ?? String(1 + (Date.now() % 1_000_000));
  process.stdout.write(`random kazoo operations: seed ${seed}\n`);
  const play = async (build: Build): Promise<{ lines: string[]; tree: string }> =>
    timed(build, async () => {
      const server = await new TestServer(build, { config: { forceSync: "no" } }).start();
      try {
        const client = kazoo(version, server.port, "random_operations", seed, "2000");
        // The tree is dumped while the program's session, with its ephemerals, is still there.
        await client.line((line) => line.includes("all asked"));
        const tree = shapeText(await dumpTree(server.port, "/r"));
        client.write("go on");
        return { lines: masked((await client.end()).map((line) => JSON.parse(line) as unknown)), tree };
      } finally {
        await server.dispose();
      }
    });
  const [expected, found] = await Promise.all([play("reference"), play(subject)]);
  expect(expected.lines.length).toBeGreaterThan(2000);
  expect(found.lines).toEqual(expected.lines);
  expect(found.tree).toBe(expected.tree);
});
