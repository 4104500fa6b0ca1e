/** Sessions that are not heard of: expiry, what keeps them alive, and what others see of it. */

import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { Pair, pairOfServers } from "./pair.ts";
import { addWatch, auth, create, exists, flag, getChildren2, getData, ping } from "./requests.ts";
import { Scene } from "./scene.ts";

const tickTimeMs = 200;
const timeoutMs = 800;

const pair: Pair = pairOfServers({ config: { tickTime: tickTimeMs } });

test("a silent session expires: its connection just ends, its ephemerals fire and go", async () => {
  await pair.check(async (scene) => {
    const silent = await scene.actor("silent", { timeoutMs });
    const watcher = await scene.actor("watcher");
    await silent.ask(create("/e", { flags: flag.ephemeral }));
    await watcher.ask(addWatch("/e", 0));
    await watcher.ask(exists("/e", true));
    await silent.untilClosed();
    await watcher.ask(getChildren2("/"));
    const late = await scene.actor("late", { sessionId: silent.session.id, password: silent.session.password });
    await late.untilClosed();
  });
});

test("auth packets do not keep a session alive, requests do", async () => {
  await pair.check(async (scene) => {
    const auths = await scene.actor("auths", { timeoutMs });
    const reads = await scene.actor("reads", { timeoutMs });
    const isOver = auths.untilClosed().then(() => "over");
    while ((await Promise.race([isOver, delay(60)])) !== "over") {
      auths.connection.submit(auth("ip", ""));
      reads.connection.submit(getData("/"));
      await reads.connection.nextFrame();
    }
    auths.lines.splice(1, auths.lines.length, "closed");
    reads.lines.splice(1);
    await reads.ask(ping);
  });
});

test("a session outlives its timeout by no more than two ticks, and not less than its timeout", async () => {
  for (const server of [pair.reference, pair.subject]) {
    const scene = await Scene.open(server.port);
    const silent = await scene.actor("silent", { timeoutMs });
    const start = performance.now();
    await silent.untilClosed();
    const livedMs = performance.now() - start;
    expect(livedMs).toBeGreaterThanOrEqual(timeoutMs - 30);
    expect(livedMs).toBeLessThan(timeoutMs + 2 * tickTimeMs + 600);
    await scene.end();
  }
});

test("sessions and their ephemerals survive a crash with a full timeout, watches do not", async () => {
  await pair.check(async (scene) => {
    const probe = await scene.actor("probe");
    await probe.ask(ping);
  });
  const outcomes = await Promise.all(
    [pair.reference, pair.subject].map(async (server) => {
      const before = await Scene.open(server.port);
      const a = await before.actor("a", { timeoutMs: 4000 });
      await a.ask(create("/survivor", { flags: flag.ephemeral, data: "d" }));
      await a.ask(getData("/survivor", true));
      await server.kill();
      await a.untilClosed();
      await server.start();
      const after = await Scene.open(server.port);
      const again = await after.actor("again", { sessionId: a.session.id, password: a.session.password });
      const seen = await again.ask(exists("/survivor"));
      const lines = [seen?.err, (await again.ask(getChildren2("/")))?.err, a.lines.length];
      await after.end();
      return lines;
    }),
  );
  expect(outcomes[1]).toEqual(outcomes[0]);
  expect(outcomes[0]?.[0]).toBe(0);
});
