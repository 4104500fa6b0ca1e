/**
 * Sessions outlive connections and servers, and end when their client is silent for too long. The server here ticks
 * every 200 ms, so that a timeout can be as short as 400 ms and a test need not be slow to see one pass.
 */

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ServerProcess } from "../support/server-process.ts";
import { WireClient } from "../support/wire-client.ts";
import { body, err, eventType, flag, op } from "../support/wire-frames.ts";

const tickMs = 200;
const shortestMs = 2 * tickMs;

let server: ServerProcess;

beforeAll(async () => {
  server = await ServerProcess.start({ settings: { tickTime: tickMs, maxSessionTimeout: 60_000 } });
});

afterAll(() => server.dispose());

describe("a session", () => {
  test("moves to a new connection with its ephemeral znodes", async () => {
    const client = await WireClient.connect(server.port);
    await client.create("/moving", "", flag.ephemeral);
    client.drop();
    using again = await WireClient.connect(server.port, { session: client.session });
    expect(again.session.id).toBe(client.session.id);
    expect(again.session.password).toEqual(client.session.password);
    expect((await again.exists("/moving"))?.ephemeralOwner).toBe(client.session.id);
  });

  test("taken to a new connection closes the old one without a word", async () => {
    const client = await WireClient.connect(server.port);
    using again = await WireClient.connect(server.port, { session: client.session });
    await client.ended;
    expect(client.arrivals).toEqual([]);
    expect(await again.exists("/")).not.toBeNull();
  });

  test("leaves its watches behind when it moves", async () => {
    const client = await WireClient.connect(server.port);
    await client.exists("/watched-before-moving", true);
    client.drop();
    using again = await WireClient.connect(server.port, { session: client.session });
    await again.create("/watched-before-moving", "");
    await again.delete("/watched-before-moving");
    expect(again.events).toEqual([]);
  });

  test.each([
    { name: "that never was", change: { id: 0x0101_0101_0101n } },
    { name: "shown with a wrong password", change: { password: Buffer.alloc(16, 1) } },
    { name: "shown with a short password", change: { password: Buffer.alloc(4) } },
  ])("$name is refused with timeout 0, and the connection is closed", async ({ change }) => {
    const client = await WireClient.connect(server.port);
    const other = await WireClient.open(server.port);
    const reply = await other.handshake({ session: { ...client.session, ...change } });
    expect(reply).toEqual({ timeoutMs: 0, id: 0n, password: Buffer.alloc(16), isReadOnly: false });
    expect(await other.ended).toBe("end");
    client.drop();
  });

  test("that was closed is refused, and its ephemeral znodes are gone", async () => {
    const client = await WireClient.connect(server.port);
    await client.create("/closing", "");
    await client.create("/closing/a", "", flag.ephemeral);
    await client.create("/closing/b", "", flag.ephemeral);
    await client.closeSession();
    const other = await WireClient.open(server.port);
    expect((await other.handshake({ session: client.session }))?.timeoutMs).toBe(0);
    using witness = await WireClient.connect(server.port);
    expect(await witness.getChildren("/closing")).toEqual([]);
    expect((await witness.exists("/closing"))?.cversion).toBe(4);
  });

  test("gives no children to its ephemeral znodes", async () => {
    const client = await WireClient.connect(server.port);
    await client.create("/leaf", "", flag.ephemeral);
    const reply = await client.request(op.create, body.create("/leaf/child", ""));
    expect(reply.err).toBe(err.noChildrenForEphemerals);
    await client.closeSession();
  });
});

describe("a silent client", () => {
  test("loses its session: ephemeral znodes vanish, watchers hear of it, the way back is refused", async () => {
    using watcher = await WireClient.connect(server.port, { timeoutMs: 60_000 });
    const client = await WireClient.connect(server.port, { timeoutMs: shortestMs });
    await client.create("/mortal", "", flag.ephemeral);
    const lastHeardMs = performance.now();
    client.drop();
    await watcher.exists("/mortal", true);
    const event = await watcher.nextEvent();
    const silentMs = performance.now() - lastHeardMs;
    expect([event.type, event.path]).toEqual([eventType.deleted, "/mortal"]);
    expect(silentMs).toBeGreaterThan(shortestMs - 20);
    const other = await WireClient.open(server.port);
    expect((await other.handshake({ session: client.session }))?.timeoutMs).toBe(0);
  });

  test("is disconnected without a word when its session expires", async () => {
    const client = await WireClient.connect(server.port, { timeoutMs: shortestMs });
    await client.ended;
    expect(client.arrivals).toEqual([]);
  });

  test("keeps its session as long as it pings", async () => {
    const client = await WireClient.connect(server.port, { timeoutMs: shortestMs });
    using watcher = await WireClient.connect(server.port, { timeoutMs: shortestMs });
    await client.create("/pinged", "", flag.ephemeral);
    const untilMs = performance.now() + 4 * shortestMs;
    while (performance.now() < untilMs) {
      await Promise.all([client.ping(), watcher.ping()]);
      await new Promise((resolve) => setTimeout(resolve, tickMs / 4));
    }
    expect((await watcher.exists("/pinged"))?.ephemeralOwner).toBe(client.session.id);
    await client.closeSession();
  });
});

describe("a restart of the server", () => {
  test.each(["stop", "kill"] as const)("by %s keeps sessions, ephemeral znodes and data", async (ending) => {
    const client = await WireClient.connect(server.port, { timeoutMs: 60_000 });
    await client.create(`/kept-${ending}`, "data");
    await client.create(`/kept-${ending}/e`, "", flag.ephemeral);
    const before = await client.getData(`/kept-${ending}`);
    await (ending === "stop" ? server.stop() : server.kill());
    await client.ended;
    await server.restart();
    const again = await WireClient.connect(server.port, { session: client.session, timeoutMs: 60_000 });
    expect(again.session.id).toBe(client.session.id);
    expect(await again.getData(`/kept-${ending}`)).toEqual(before);
    expect((await again.exists(`/kept-${ending}/e`))?.ephemeralOwner).toBe(client.session.id);
    await again.closeSession();
    using witness = await WireClient.connect(server.port);
    expect(await witness.getChildren(`/kept-${ending}`)).toEqual([]);
  });

  test("gives every session its whole timeout again, and then expires it", async () => {
    const client = await WireClient.connect(server.port, { timeoutMs: 2000 });
    await client.create("/orphan", "", flag.ephemeral);
    await server.kill();
    await server.restart();
    using watcher = await WireClient.connect(server.port, { timeoutMs: 60_000 });
    expect(await watcher.exists("/orphan", true)).not.toBeNull();
    const event = await watcher.nextEvent();
    expect([event.type, event.path]).toEqual([eventType.deleted, "/orphan"]);
  });

  test("gives new sessions ids that were not given before", async () => {
    const ids = new Set<bigint>();
    for (let i = 0; i < 3; i++) {
      const clients = await Promise.all(Array.from({ length: 10 }, () => WireClient.connect(server.port)));
      for (const client of clients) ids.add(client.session.id);
      for (const client of clients) client.drop();
      await server.kill();
      await server.restart();
    }
    expect(ids.size).toBe(30);
  });
});

describe("limits on connections", () => {
  test("maxClientCnxns: one address's connection too many is closed unanswered, and one that leaves makes room", async () => {
    await using small = await ServerProcess.start({ settings: { maxClientCnxns: 3 } });
    const clients = await Promise.all([1, 2, 3].map(() => WireClient.connect(small.port)));
    expect(await isTurnedAway(small.port)).toBe(true);
    await clients[0]!.closeSession();
    using next = await WireClient.connect(small.port);
    expect(await next.exists("/")).not.toBeNull();
  });

  test("a connection that never asks for a session is closed after nio.sessionlessCnxnTimeout", async () => {
    await using hasty = await ServerProcess.start({ settings: { "nio.sessionlessCnxnTimeout": 500 } });
    using client = await WireClient.connect(hasty.port);
    const idle = await WireClient.open(hasty.port);
    const fromMs = performance.now();
    await idle.ended;
    expect(performance.now() - fromMs).toBeGreaterThan(480);
    expect(idle.bytesReceived).toBe(0);
    expect(await client.exists("/")).not.toBeNull();
  });
});

/** True when a connection is closed with nothing said. Reset or FIN: the real server does now one, now the other. */
async function isTurnedAway(port: number): Promise<boolean> {
  try {
    const client = await WireClient.open(port);
    const reply = await client.handshake();
    if (reply === null) await client.ended;
    client.drop();
    return reply === null && client.bytesReceived === 0;
  } catch {
    return true;
  }
}
