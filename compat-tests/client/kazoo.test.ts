/** kazoo 2.8, unchanged: the same program against both servers gives the same outcomes. */

import { expect, test } from "vitest";
import { dumpTree, shapeText } from "../disk/tree-dump.ts";
import { subject, type TestServer } from "../reference/server.ts";
import { pairOfServers } from "../wire/pair.ts";
import { kazoo } from "./programs.ts";

const pair = pairOfServers();

test.each(["basics", "transactions", "acls", "watches", "recipes", "sessions", "chroot"])(
  "kazoo sees the same of both servers: %s",
  async (scenario) => {
    const expected = await kazoo(pair.reference.port, scenario).end();
    const found = await kazoo(pair.subject.port, scenario).end();
    expect(expected.length).toBeGreaterThan(1);
    expect(found).toEqual(expected);
  },
);

test("1,000 random kazoo operations give the same answers and leave the same tree", async () => {
  const seed = process.env["COMPAT_SEED"] ?? String(1 + (Date.now() % 1_000_000));
  process.stdout.write(`random kazoo operations: seed ${seed}\n`);
  const play = async (server: TestServer): Promise<{ lines: string[]; tree: string }> => {
    const client = kazoo(server.port, "random_operations", seed, "1000");
    client.write("go on");
    client.endInput();
    const lines = await client.end();
    return { lines, tree: shapeText(await dumpTree(server.port, "/r")) };
  };
  const [expected, found] = await Promise.all([play(pair.reference), play(pair.subject)]);
  expect(found.lines).toEqual(expected.lines);
  expect(found.tree).toBe(expected.tree);
});

const subjects = subject === "ours" ? ["reference", "subject"] : ["reference"];

test.each(subjects)("%s: a session, its ephemeral and its watch survive a restart under kazoo", async (which) => {
  const server = which === "subject" ? pair.subject : pair.reference;
  for (const end of ["stop", "kill"] as const) {
    const client = kazoo(server.port, "survivor");
    await client.line((line) => line.includes("ready"));
    await server[end]();
    await server.start();
    client.write("back");
    const lines = await client.end();
    expect(lines.slice(1)).toEqual([
      '["same session", true, "b\'before\'", "CONNECTED"]',
      '["watched", "b\'1\'", "b\'3\'", "b\'3\'"]',
    ]);
    const cleaner = kazoo(server.port, "forget", "/watched");
    await cleaner.end();
  }
});
