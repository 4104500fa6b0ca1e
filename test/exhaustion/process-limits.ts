/**
 * The process's own limits: file descriptors and heap. A server at the first goes on with who it has, writes its logs and
 * snapshots, and takes others in when there is room. Znodes and their data are outside of the heap, so it is sessions,
 * connections and watches that fill it.
 */

import { WireClient } from "../support/wire-client.ts";
import { body, connectRequest, op } from "../support/wire-frames.ts";
import type { Attack } from "./attack.ts";
import { gauge } from "./gauge.ts";
import { createMany, Pipeliner } from "./pipelined.ts";
import { handshakeBytes, openCount, openMany, openSessions, resetAll, until } from "./raw-socket.ts";

const descriptorsMax = 256;

const descriptors: Attack = {
  name: "file descriptors",
  about: `more connections than the process may have descriptors (${descriptorsMax}); others go on, a log and a snapshot are begun meanwhile; then some leave, and others come`,
  limits: () => [
    { measure: "open", atMost: descriptorsMax },
    { measure: "isRestored", atLeast: 1 },
  ],
  run: async (stage) => {
    const server = await stage.prepare({ settings: { snapCount: 100, preAllocSize: 64 } });
    server.launch({ descriptorsMax });
    await server.waitUntilServing();
    return stage.beside(server, async () => {
      using client = await WireClient.connect(server.port);
      const sockets = await openMany(server.port, 2 * descriptorsMax);
      for (const socket of sockets) socket.write(connectRequest({ timeoutMs: 40_000 }));
      await until(() => sockets.every(({ isOver, bytesReceived }) => isOver || bytesReceived >= handshakeBytes), 3000);
      const open = sockets.filter(({ isOpen, bytesReceived }) => isOpen && bytesReceived >= handshakeBytes).length;
      // Enough for logs and snapshots to begin.
      for (let i = 0; i < stage.pick(400, 5000); i++) await client.create(`/n${i}`, "x".repeat(100));
      resetAll(sockets);
      let next = await openMany(server.port, 1);
      const isRestored = await until(async () => {
        resetAll(next);
        next = await openMany(server.port, 10);
        for (const socket of next) socket.write(connectRequest());
        await until(() => next.every(({ isOver, bytesReceived }) => isOver || bytesReceived >= handshakeBytes), 500);
        return openCount(next) === 10 && next.every(({ bytesReceived }) => bytesReceived >= handshakeBytes);
      }, 10_000);
      resetAll(next);
      return { attempts: sockets.length, open, isRestored: isRestored ? 1 : 0 };
    });
  },
};

const heap: Attack = {
  name: "small heap",
  about: "a heap of 48 MB: znodes, data, sessions and watches of many times that much in all",
  limits: () => [{ measure: "isRestored", atLeast: 1 }],
  run: async (stage) => {
    const server = await stage.server({ runtimeArguments: ["--max-old-space-size=48"] });
    return stage.beside(server, async () => {
      const znodes = stage.pick(5000, 300_000);
      const filler = await createMany(server.port, znodes, (i) => `/n${i}`);
      await filler.run(op.setData, znodes, (i) => body.setData(`/n${i}`, Buffer.alloc(1000)));
      const watches = stage.pick(5000, 100_000);
      const watcher = await Pipeliner.open(server.port);
      await watcher.run(op.getData, watches, (i) => body.watched(`/n${i}`, true));
      const crowd = await openSessions(server.port, stage.pick(300, 3000));
      const open = openCount(crowd);
      resetAll([...crowd, watcher.socket]);
      // The filler, the well-behaved client and who asks.
      const isRestored = await until(async () => (await gauge(server.port, "num_alive_connections")) <= 3, 10_000);
      return { attempts: znodes + watches + crowd.length, open, isRestored: isRestored ? 1 : 0 };
    });
  },
};

export const processAttacks: readonly Attack[] = [descriptors, heap];
