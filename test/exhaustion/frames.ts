/**
 * Frames beyond the limit, and what becomes too long only here: an answer, or a transaction.
 *
 * A length is compared with `jute.maxbuffer` before memory is taken for it. An answer may be longer than that, as ZooKeeper's
 * may (the limit is for what is read). A transaction that nobody could read again must not be logged, or the next start
 * would be the last.
 */

import { Bytes } from "../support/bytes.ts";
import type { ServerProcess } from "../support/server-process.ts";
import { WireClient } from "../support/wire-client.ts";
import { body, err, flag, op, openAcl } from "../support/wire-frames.ts";
import type { Attack, Values } from "./attack.ts";
import { createMany } from "./pipelined.ts";
import { openMany, openSessions, type RawSocket, resetAll, until } from "./raw-socket.ts";

const frameBytesMax = 1_048_575;

/** Announced, and never sent. */
const impossibleLengths = [-1, -0x8000_0000, frameBytesMax + 1, 0x7fff_ffff];

/** Opens connections, with a session or without, and announces what cannot be. @returns how many were not closed. */
export async function announceImpossible(port: number, count: number, hasSession: boolean): Promise<number> {
  const sockets = hasSession ? await openSessions(port, count) : await openMany(port, count);
  for (const [i, socket] of sockets.entries()) {
    socket.write(
      Buffer.concat([new Bytes().int(impossibleLengths[i % impossibleLengths.length]!).build(), Buffer.alloc(100)]),
    );
  }
  await until(() => sockets.every(({ isOver }) => isOver), 10_000);
  const unanswered = sockets.filter(({ isOver }) => !isOver).length;
  resetAll(sockets);
  return unanswered;
}

const lengths: Attack = {
  name: "impossible lengths",
  about:
    "frames that announce -1, the smallest and the largest length and one byte more than jute.maxbuffer, from connections with and without a session",
  limits: () => [
    { measure: "unanswered", atMost: 0 },
    { measure: "grownMb", atMost: 5 },
  ],
  run: async (stage) => {
    const server = await stage.server();
    const count = stage.pick(200, 4000);
    const attack = async (): Promise<number> =>
      (await announceImpossible(server.port, count, false)) + (await announceImpossible(server.port, count, true));
    // What the first of their kind leave behind, compiled code and sessions' tables, is not theirs.
    await attack();
    return stage.beside(server, async () => ({ attempts: 2 * count, unanswered: await attack() }));
  },
};

/** Sessions that each announce a frame of a megabyte, and send a kilobyte of it. */
export async function announceHalves(port: number, count: number): Promise<RawSocket[]> {
  const sockets = await openSessions(port, count);
  const half = Buffer.concat([new Bytes().int(frameBytesMax).build(), Buffer.alloc(1000)]);
  for (const socket of sockets) socket.write(half);
  return sockets;
}

/** Memory is taken as bytes come, not as they are announced. */
const halfFrames: Attack = {
  name: "frames that never end",
  about: "connections that each announce a frame of a megabyte, send a kilobyte of it, and wait",
  limits: (scale) => [{ measure: "grownMb", atMost: scale === "small" ? 25 : 100 }],
  run: async (stage) => {
    const server = await stage.server();
    return stage.beside(server, async () => {
      const sockets = await announceHalves(server.port, stage.pick(300, 4000));
      using other = await WireClient.connect(server.port);
      await other.create("/behind-them");
      resetAll(sockets);
      return { attempts: sockets.length };
    });
  },
};

/** Restarts, and sees that what was there before still is. */
async function restarted(server: ServerProcess, path: string): Promise<Values> {
  await server.stop();
  const fromMs = performance.now();
  await server.restart();
  const restartMs = performance.now() - fromMs;
  using client = await WireClient.connect(server.port);
  return { restartMs, isRestored: (await client.exists(path)) === null ? 0 : 1 };
}

const longAnswers: Attack = {
  name: "answers beyond the limit",
  about:
    "a znode with so many children that their names are many times jute.maxbuffer, asked for again and again; then a restart",
  limits: () => [
    { measure: "replies", atLeast: 1 },
    { measure: "isRestored", atLeast: 1 },
    { measure: "peakMb", atMost: 800 },
  ],
  run: async (stage) => {
    const server = await stage.server();
    const count = stage.pick(10_000, 1_000_000);
    using client = await WireClient.connect(server.port, { timeoutMs: 40_000 });
    await client.create("/names");
    const longName = "n".repeat(stage.pick(200, 10));
    await createMany(server.port, count, (i) => `/names/${longName}${i}`);
    const values = await stage.beside(server, async () => {
      const asked = 20;
      const replies = await Promise.all(
        Array.from({ length: asked }, () => client.request(op.getChildren, body.watched("/names"))),
      );
      return {
        attempts: asked,
        replies: replies.filter(({ err: code, body: names }) => code === 0 && names.readInt32BE(0) === count).length,
      };
    });
    return { ...values, ...(await restarted(server, `/names/${longName}${count - 1}`)) };
  },
};

const longTxns: Attack = {
  name: "transactions beyond the limit",
  about:
    "multis as long as a frame may be, and shorter ones that grow: lists of `auth` become an entry for each identity; then a restart",
  limits: () => [
    { measure: "refused", atLeast: 1 },
    { measure: "replies", atLeast: 1 },
    { measure: "isRestored", atLeast: 1 },
  ],
  run: async (stage) => {
    const server = await stage.server();
    const values = await stage.beside(server, async () => {
      const client = await WireClient.connect(server.port, { timeoutMs: 40_000 });
      await client.create("/big");
      const identities = stage.pick(50, 500);
      for (let i = 0; i < identities; i++) await client.auth("digest", `user-${i}:secret`);
      const grow = body.multi(
        Array.from({ length: 2000 }, (_, i) => ({
          type: op.create,
          body: body.create(`/big/g${i}`, "", flag.persistent, [{ perms: 31, scheme: "auth", id: "" }]),
        })),
      );
      const grown = await client.request(op.multi, grow);
      const whole = body.multi(
        Array.from({ length: 12_000 }, (_, i) => ({
          type: op.create,
          body: body.create(`/big/w${i}`, "", flag.persistent, openAcl),
        })),
      );
      const made = await client.request(op.multi, whole);
      client.drop();
      return { attempts: 2, refused: grown.err === err.marshalling ? 1 : 0, replies: made.err === 0 ? 1 : 0 };
    });
    return { ...values, ...(await restarted(server, "/big/w11999")) };
  },
};

export const frameAttacks: readonly Attack[] = [lengths, halfFrames, longAnswers, longTxns];
