/** TTL and container znodes with extendedTypesEnabled, and the reaper that ends them. */

import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { pairOfServers } from "./pair.ts";
import {
  addWatch,
  create,
  create2,
  createContainer,
  createTtl,
  exists,
  flag,
  getChildren2,
  getData,
  multi,
  ping,
  remove,
  setData,
} from "./requests.ts";
import type { Actor } from "./scene.ts";

const pair = pairOfServers({ config: { extendedTypesEnabled: "true" } });

const reaping = pairOfServers({
  config: { extendedTypesEnabled: "true" },
  properties: { "znode.container.checkIntervalMs": 200 },
});

test("a TTL is 1 to 0xffffffffff milliseconds, and only its flags take one", async () => {
  await pair.check(async (scene) => {
    const a = await scene.actor("a");
    for (const ttlMs of [1_000_000n, 0n, -1n, 0xffffffffffn, 0x10000000000n, (1n << 63n) - 1n, -(1n << 63n)]) {
      await a.ask(createTtl(`/t${ttlMs}`, ttlMs));
      await a.ask(exists(`/t${ttlMs}`));
    }
    for (const flags of [0, 1, 2, 3, 4, 6, 7]) await a.ask(createTtl(`/f${flags}`, 600_000, { flags }));
    for (const make of [create, create2, createContainer]) {
      for (const flags of [flag.ttl, flag.sequentialTtl]) await a.ask(make("/x", { flags }));
    }
    await a.ask(createTtl("/t1000000/child", 600_000));
    await a.ask(create("/t1000000/e", { flags: flag.ephemeral }));
    await a.ask(getChildren2("/"));
  });
});

test("TTL znodes inside a multi", async () => {
  await pair.check(async (scene) => {
    const a = await scene.actor("a");
    await a.ask(multi(createTtl("/t", 600_000), createTtl("/s-", 600_000, { flags: flag.sequentialTtl })));
    await a.ask(multi(createTtl("/plain", 600_000, { flags: 0 }), createTtl("/box", 600_000, { flags: 4 })));
    await a.ask(multi(createTtl("/e", 600_000, { flags: 1 }), createTtl("/es-", 600_000, { flags: 3 })));
    await a.ask(multi(create("/ok"), createTtl("/zero", 0)));
    await a.ask(multi(create("/ok"), createTtl("/odd", 600_000, { flags: 9 })));
    await a.ask(multi(create2("/ok", { flags: flag.ttl })));
    await a.ask(getChildren2("/"));
    for (const path of ["/t", "/plain", "/box", "/e"]) await a.ask(exists(path));
  });
});

test("TTL znodes are set and deleted like any other", async () => {
  await pair.check(async (scene) => {
    const a = await scene.actor("a");
    await a.ask(createTtl("/t", 600_000, { data: "1" }));
    await a.ask(setData("/t", "2", 0));
    await a.ask(getData("/t"));
    await a.ask(remove("/t", 0));
    await a.ask(exists("/t"));
  });
});

test("the reaper deletes used containers and overdue TTL znodes, children first keep them", async () => {
  await reaping.check(async (scene) => {
    const a = await scene.actor("a");
    await a.ask(createContainer("/unused"));
    await a.ask(multi(createTtl("/parent", 1), create("/parent/child")));
    await a.ask(addWatch("/", 1));
    await a.ask(createTtl("/brief", 1));
    await untilGone(a, "/brief");
    await a.ask(createContainer("/used"));
    await a.pipeline([create("/used/x"), remove("/used/x")]);
    await untilGone(a, "/used");
    await a.ask(remove("/parent/child"));
    await untilGone(a, "/parent");
    await a.ask(exists("/unused"));
    await a.ask(ping);
  });
});

/** How often one asks differs from run to run: the questions take no part in the counting of xids. */
const questionXid = 1_000_000;

/** Waits for the event of a deletion; the questions in between stay out of the transcript. */
async function untilGone(actor: Actor, path: string): Promise<void> {
  const said = actor.lines.length;
  const deadline = Date.now() + 15_000;
  for (;;) {
    const reply = await actor.ask(exists(path), questionXid);
    if (reply?.err === -101) break;
    expect(Date.now()).toBeLessThan(deadline);
    await delay(20);
  }
  const events = actor.lines.splice(said).filter((line) => line.includes(" event "));
  actor.lines.push(...events.map((line) => line.replace(/^.* event/, "event")), `${path} is gone`);
}
