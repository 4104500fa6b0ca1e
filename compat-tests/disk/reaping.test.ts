/** Kinds of znodes that only later behaviour can tell: what one server wrote, the other's reaper must end. */

import { expect, test } from "vitest";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Build, subject, TestServer } from "../reference/server.ts";
import { addWatch, create, createContainer, createTtl, exists, multi, remove } from "../wire/requests.ts";
import { Scene } from "../wire/scene.ts";

const orders: readonly (readonly [Build, Build])[] = [
  ["reference", subject],
  [subject, "reference"],
];

const never = { "znode.container.checkIntervalMs": 3_600_000 };
const often = { "znode.container.checkIntervalMs": 100 };

test.each(orders)("containers and TTL znodes that %s wrote are reaped by %s", async (writer, reaper) => {
  const folder = mkdtempSync(join(tmpdir(), "compat-reaping-"));
  const config = { extendedTypesEnabled: "true" };
  const first = new TestServer(writer, { folder, config, properties: never });
  const second = new TestServer(reaper, { folder, config, properties: often });
  try {
    await first.start();
    const before = await Scene.open(first.port);
    const a = await before.actor("a");
    await a.pipeline([createContainer("/used"), create("/used/x"), remove("/used/x"), createContainer("/unused")]);
    await a.pipeline([
      createTtl("/brief", 1),
      createTtl("/long", 3_600_000),
      createTtl("/parent", 1),
      create("/parent/x"),
    ]);
    await a.pipeline([multi(createTtl("/in-multi", 1), createContainer("/box")), create("/box/y"), remove("/box/y")]);
    await before.end();
    await first.kill();

    await second.start();
    const after = await Scene.open(second.port);
    const b = await after.actor("b");
    await b.ask(addWatch("/", 1));
    for (const path of ["/used", "/brief", "/in-multi", "/box"]) {
      for (;;) if ((await b.ask(exists(path)))?.err === -101) break;
    }
    for (const path of ["/unused", "/long", "/parent"]) expect((await b.ask(exists(path)))?.err, path).toBe(0);
    await after.end();
  } finally {
    await first.kill();
    await second.kill();
    rmSync(folder, { recursive: true, force: true });
  }
});
