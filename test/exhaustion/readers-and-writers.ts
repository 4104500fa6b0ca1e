/**
 * Clients that ask and do not listen. What a connection does not take stays in the kernel and, up to a limit, in the server;
 * beyond it a connection is not read from, and one that cannot be held back like that (events come by themselves, and replies to
 * writes keep their order) is closed. Who writes ahead without end is not read from either, once `globalOutstandingLimit`
 * requests are under way.
 */

import { Bytes } from "../support/bytes.ts";
import { WireClient } from "../support/wire-client.ts";
import { body, op } from "../support/wire-frames.ts";
import type { Attack } from "./attack.ts";
import { gauge } from "./gauge.ts";
import { Pipeliner } from "./pipelined.ts";
import { resetAll, until } from "./raw-socket.ts";

const largeBytes = 1_000_000;
const persistentMode = 0;

const slowReader: Attack = {
  name: "slow readers",
  about: "five clients ask for a gigabyte in all and take nothing of it",
  limits: () => [{ measure: "peakMb", atMost: 150 }],
  run: async (stage) => {
    const server = await stage.server();
    return stage.beside(server, async () => {
      using client = await WireClient.connect(server.port);
      await client.create("/large", Buffer.alloc(largeBytes));
      const slow = await Promise.all(Array.from({ length: 5 }, () => Pipeliner.open(server.port)));
      const asked = stage.pick(40, 200);
      for (const one of slow) {
        one.socket.pause();
        one.send(
          op.getData,
          Array.from({ length: asked }, () => body.watched("/large")),
        );
      }
      // What they brought about has been done when the last of them is not read from any more.
      for (let i = 0; i < stage.pick(50, 500); i++) await client.setData("/large", "");
      resetAll(slow.map(({ socket }) => socket));
      return { attempts: 5 * asked };
    });
  },
};

const slowWatcher: Attack = {
  name: "slow watchers",
  about:
    "ten clients watch a znode whose path is half a megabyte long, which is changed again and again, and take no event",
  limits: () => [
    { measure: "peakMb", atMost: 600 },
    { measure: "isRestored", atLeast: 1 },
  ],
  run: async (stage) => {
    const server = await stage.server();
    const path = `/${"w".repeat(500_000)}`;
    return stage.beside(server, async () => {
      using client = await WireClient.connect(server.port, { timeoutMs: 40_000 });
      await client.create(path);
      const slow = await Promise.all(Array.from({ length: 10 }, () => Pipeliner.open(server.port)));
      for (const one of slow) one.send(op.addWatch, [new Bytes().string(path).int(persistentMode).build()]);
      await until(() => slow.every(({ replies }) => replies === 1));
      for (const { socket } of slow) socket.pause();
      const changes = stage.pick(80, 1000);
      for (let i = 0; i < changes; i++) await client.setData(path, "");
      const isRestored = (await client.exists(path))!.version === changes ? 1 : 0;
      resetAll(slow.map(({ socket }) => socket));
      return { attempts: changes * slow.length, isRestored };
    });
  },
};

const mixedReader: Attack = {
  name: "slow readers that write",
  about:
    "reads of a megabyte and writes by turns, many in flight, from clients that take no reply: order makes each write's reply wait for the reads before it",
  // The 256 MiB that all may have, and what is under way to be sent or collected.
  limits: () => [{ measure: "peakMb", atMost: 800 }],
  run: async (stage) => {
    const server = await stage.server();
    return stage.beside(server, async () => {
      using client = await WireClient.connect(server.port);
      await client.create("/read", Buffer.alloc(largeBytes));
      await client.create("/small");
      const slow = await Promise.all(Array.from({ length: stage.pick(2, 10) }, () => Pipeliner.open(server.port)));
      const pairs = stage.pick(200, 500);
      const read = body.watched("/read");
      const write = body.setData("/small", "");
      for (const { socket } of slow) socket.pause();
      for (const one of slow) {
        for (let i = 0; i < pairs; i++) {
          one.send(op.setData, [write]);
          one.send(op.getData, [read]);
        }
      }
      for (let i = 0; i < stage.pick(50, 300); i++) await client.setData("/small", "");
      resetAll(slow.map(({ socket }) => socket));
      return { attempts: 2 * pairs * slow.length };
    });
  },
};

const writesAhead: Attack = {
  name: "writes ahead of their replies",
  about: "four clients write as fast as their sockets take it and read nothing",
  limits: () => [
    // 1,000, and what is left of the chunk with which a connection went beyond it.
    { measure: "outstandingMax", atMost: 10_000 },
    { measure: "peakMb", atMost: 200 },
  ],
  run: async (stage) => {
    const server = await stage.server();
    return stage.beside(server, async () => {
      using client = await WireClient.connect(server.port);
      await client.create("/written");
      const greedy = await Promise.all(Array.from({ length: 4 }, () => Pipeliner.open(server.port)));
      for (const { socket } of greedy) socket.pause();
      const write = body.setData("/written", Buffer.alloc(100));
      const each = stage.pick(20_000, 250_000);
      const step = 1000;
      let outstandingMax = 0;
      for (let sent = 0; sent < each; sent += step) {
        for (const one of greedy)
          one.send(
            op.setData,
            Array.from({ length: step }, () => write),
          );
        outstandingMax = Math.max(outstandingMax, await gauge(server.port, "outstanding_requests"));
      }
      resetAll(greedy.map(({ socket }) => socket));
      return { attempts: 4 * each, outstandingMax };
    });
  },
};

export const readerAttacks: readonly Attack[] = [slowReader, slowWatcher, mixedReader, writesAhead];
