/**
 * Much of what a tree and its watches are made of: watches by the million, paths as deep and as long as frames allow,
 * children and ephemerals without end. Whatever goes through all of one kind goes in slices, and nothing follows a path by
 * recursion.
 */

import { Bytes } from "../support/bytes.ts";
import { cpuSeconds, residentBytes } from "../support/server-process.ts";
import { WireClient } from "../support/wire-client.ts";
import { body, flag, op, requestFrame } from "../support/wire-frames.ts";
import type { Attack } from "./attack.ts";
import { deepestPath, pathAt } from "./deepest-path.ts";
import { gauge } from "./gauge.ts";
import { createMany, Pipeliner } from "./pipelined.ts";
import { handshakeBytes, openSessions, resetAll, until } from "./raw-socket.ts";

const fewInFlight = 80;

const watchesOfOne: Attack = {
  name: "watches of one client",
  about:
    "one client watches as many znodes as it can, one is created, another one's parent changes, the first is watched again and deleted; then the client is gone without a word",
  limits: (scale) => [
    { measure: "replies", atLeast: 3 },
    { measure: "bytesEach", atMost: scale === "small" ? 1500 : 400 },
    { measure: "unanswered", atMost: 0 },
  ],
  run: async (stage) => {
    const server = await stage.server();
    const count = stage.pick(50_000, 1_000_000);
    return stage.beside(server, async () => {
      const before = residentBytes(server.pid);
      const greedy = await Pipeliner.open(server.port);
      await greedy.run(op.exists, count, (i) => body.watched(`/watched-${i}`, true));
      await greedy.run(op.getChildren, 1, () => body.watched("/", true));
      const bytesEach = (residentBytes(server.pid) - before) / count;
      using writer = await WireClient.connect(server.port);
      await writer.create("/watched-7");
      await until(() => greedy.events === 2, 10_000);
      await greedy.run(op.exists, 1, () => body.watched("/watched-7", true));
      await writer.delete("/watched-7");
      await until(() => greedy.events === 3, 10_000);
      const replies = greedy.events;
      greedy.socket.reset();
      await until(async () => (await gauge(server.port, "watch_count")) === 0, 20_000);
      return { attempts: count, bytesEach, replies, unanswered: await gauge(server.port, "watch_count") };
    });
  },
};

const watchersOfOne: Attack = {
  name: "watchers of one znode",
  about: "a crowd of connections watches one znode, which changes ten times",
  limits: () => [{ measure: "unanswered", atMost: 0 }],
  run: async (stage) => {
    const server = await stage.server();
    using writer = await WireClient.connect(server.port);
    await writer.create("/crowded");
    const sockets = await openSessions(server.port, stage.pick(300, 5000));
    const watch = requestFrame(1, op.addWatch, new Bytes().string("/crowded").int(0).build());
    for (const socket of sockets) socket.write(watch);
    const answered = handshakeBytes + 24;
    await Promise.all(sockets.map((socket) => socket.received(answered)));
    return await stage.beside(server, async () => {
      const fromMs = performance.now();
      const changes = 10;
      for (let i = 0; i < changes; i++) await writer.setData("/crowded", String(i));
      const eventBytes = 4 + 16 + 8 + 4 + "/crowded".length;
      const isToldAll = (): boolean =>
        sockets.every(({ bytesReceived }) => bytesReceived === answered + changes * eventBytes);
      await until(isToldAll, 20_000);
      const tookMs = performance.now() - fromMs;
      const unanswered = sockets.filter(({ bytesReceived }) => bytesReceived < answered + changes * eventBytes).length;
      resetAll(sockets);
      return { attempts: sockets.length, tookMs, unanswered };
    });
  },
};

/** Longer than V8 hashes (base/map-key.ts), and different in their ends only. */
function longText(index: number): string {
  return `${"k".repeat(17_000)}${String(index).padStart(8, "0")}`;
}

const longKeys: Attack = {
  name: "long texts of one length",
  about:
    "paths of seventeen kilobytes that differ in their ends only, each watched, and ACL lists alike; then four times as many",
  limits: () => [
    // Four, if none is compared with all others.
    { measure: "growthTimes", atMost: 8 },
    { measure: "unanswered", atMost: 0 },
  ],
  run: async (stage) => {
    const server = await stage.server();
    const count = stage.pick(100, 800);
    return stage.beside(server, async () => {
      const pipeliner = await Pipeliner.open(server.port);
      const cpuMsOf = async (from: number, size: number): Promise<number> => {
        const beforeMs = cpuSeconds(server.pid) * 1000;
        await pipeliner.run(op.exists, size, (i) => body.watched(`/${longText(from + i)}`, true), fewInFlight);
        await pipeliner.run(op.create, size, (i) => guarded(from + i), fewInFlight);
        return cpuSeconds(server.pid) * 1000 - beforeMs;
      };
      const floorMs = 200;
      const quarterMs = await cpuMsOf(0, count);
      const growthTimes = (await cpuMsOf(count, 4 * count)) / Math.max(quarterMs, floorMs);
      const isWatched = (await gauge(server.port, "watch_count")) === 5 * count;
      pipeliner.socket.reset();
      return { attempts: 10 * count, growthTimes, unanswered: isWatched ? 0 : 1 };
    });
  },
};

function guarded(index: number): Buffer {
  return body.create(`/guarded-${index}`, "", flag.persistent, [
    { perms: 31, scheme: "digest", id: `${longText(index)}:x` },
  ]);
}

const deepPaths: Attack = {
  name: "deep and long paths",
  about:
    "a znode below a znode below a znode, as deep as it goes, and names of half a megabyte; read, counted, watched recursively, found again after a restart, deleted",
  limits: () => [
    { measure: "unanswered", atMost: 0 },
    { measure: "isRestored", atLeast: 1 },
  ],
  run: async (stage) => {
    const server = await stage.server();
    const depth = stage.pick(1500, 10_000);
    const longPath = `/${"l".repeat(500_000)}`;
    const values = await stage.beside(server, async () => {
      const pipeliner = await Pipeliner.open(server.port);
      // Few at a time: it is their depth that is the attack, not their megabytes in the log.
      await pipeliner.run(op.create, depth, (i) => body.create(pathAt(i + 1)), fewInFlight);
      using client = await WireClient.connect(server.port, { timeoutMs: 40_000 });
      await client.create(longPath);
      await client.create(`${longPath}/${"m".repeat(400_000)}`);
      await client.addWatch("/", 1);
      const deepest = await client.getData(pathAt(depth), true);
      await client.setData(pathAt(depth), "deep");
      await client.nextEvent();
      const counted = await client.request(op.getAllChildrenNumber, body.path(pathAt(1)));
      const all = counted.body.readInt32BE(0);
      return {
        attempts: depth,
        refused: pipeliner.refused,
        unanswered: all === depth - 1 && deepest.stat.version === 0 ? 0 : 1,
      };
    });
    await server.stop();
    const fromMs = performance.now();
    await server.restart();
    const restartMs = performance.now() - fromMs;
    using client = await WireClient.connect(server.port, { timeoutMs: 40_000 });
    const found =
      (await client.getData(pathAt(depth))).data?.toString() === "deep" && (await client.exists(longPath)) !== null;
    const pipeliner = await Pipeliner.open(server.port);
    await pipeliner.run(op.delete, depth, (i) => body.versioned(pathAt(depth - i)), fewInFlight);
    return { ...values, restartMs, isRestored: found && pipeliner.refused === 0 ? 1 : 0 };
  },
};

const manyChildren: Attack = {
  name: "children without end",
  about: "children of one znode, created, counted, listed and deleted, while others work and a snapshot is taken",
  limits: (scale) => [
    { measure: "unanswered", atMost: 0 },
    { measure: "bytesEach", atMost: scale === "small" ? 5000 : 700 },
  ],
  run: async (stage) => {
    const count = stage.pick(10_000, 1_000_000);
    const server = await stage.server({ settings: { snapCount: Math.round(count / 2) } });
    return stage.beside(server, async () => {
      const before = residentBytes(server.pid);
      using client = await WireClient.connect(server.port, { timeoutMs: 40_000 });
      await client.create("/wide");
      const pipeliner = await createMany(server.port, count, (i) => `/wide/${i}`);
      const bytesEach = (residentBytes(server.pid) - before) / count;
      const listed = (await client.getChildren("/wide")).length;
      await until(async () => (await gauge(server.port, "cnt_snapshottime")) > 1, 60_000);
      const snapshots = await gauge(server.port, "cnt_snapshottime");
      await pipeliner.run(op.delete, count, (i) => body.versioned(`/wide/${i}`));
      await client.delete("/wide");
      return { attempts: count, bytesEach, unanswered: count - listed + pipeliner.refused + (snapshots > 1 ? 0 : 1) };
    });
  },
};

const ephemerals: Attack = {
  name: "ephemerals of one session",
  about: "one session owns as many ephemerals as it can, and ends; another one, alike, is left to expire",
  limits: () => [{ measure: "unanswered", atMost: 0 }],
  run: async (stage) => {
    const server = await stage.server({ settings: { tickTime: 300, maxSessionTimeout: 4000 } });
    const count = stage.pick(10_000, 100_000);
    return stage.beside(server, async () => {
      using client = await WireClient.connect(server.port, { timeoutMs: 40_000 });
      await client.create("/closed");
      await client.create("/expired");
      const closing = await createMany(server.port, count, (i) => `/closed/${i}`, { flags: flag.ephemeral });
      closing.send(op.closeSession, [Buffer.alloc(0)]);
      await until(async () => (await client.exists("/closed"))?.numChildren === 0);
      const shortLived = { flags: flag.ephemeral, timeoutMs: stage.pick(600, 4000) };
      const expiring = await createMany(server.port, count, (i) => `/expired/${i}`, shortLived);
      expiring.socket.reset();
      await until(async () => (await client.exists("/expired"))?.numChildren === 0);
      return { attempts: 2 * count, unanswered: await gauge(server.port, "ephemerals_count") };
    });
  },
};

export const treeAttacks: readonly Attack[] = [
  watchesOfOne,
  watchersOfOne,
  longKeys,
  deepPaths,
  deepestPath,
  manyChildren,
  ephemerals,
];
