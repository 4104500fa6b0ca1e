/**
 * Everything at once: crowds, slow readers, storms, floods of words, watches, costly requests and long jobs side by side on one server,
 * each of them again and again, since what one leaves to the others is less each time. A round has a znode of its own, and takes away
 * what it has made; so in the end the server has to have nothing of it left: no znode, watch, ephemeral, session or connection.
 */

import { setTimeout as after } from "node:timers/promises";
import { Bytes } from "../support/bytes.ts";
import type { ServerProcess } from "../support/server-process.ts";
import { WireClient } from "../support/wire-client.ts";
import { body, flag, op, openAcl, requestFrame } from "../support/wire-frames.ts";
import type { Attack, Values } from "./attack.ts";
import { textFrames } from "./costly-requests.ts";
import { announceHalves, announceImpossible } from "./frames.ts";
import { gauge } from "./gauge.ts";
import { createMany, Pipeliner } from "./pipelined.ts";
import { manyAddresses, openMany, openSessions, resetAll, until } from "./raw-socket.ts";
import { storm } from "./sessions.ts";
import { floodWords } from "./words.ts";

/** No session outlives its client for long. */
const settings = { tickTime: 300, maxSessionTimeout: 3000, snapCount: 20_000 };
const pingEveryMs = 1000;
const largeBytes = 1_000_000;
const persistentMode = 0;

/** One round of one of them. `root` is a znode that was made for it and is empty; it has to be so again in the end. */
type Attacker = (port: number, root: string, owner: WireClient) => Promise<void>;

const silent: Attacker = async (port) => {
  const sockets = await openMany(port, 200, manyAddresses);
  const halves = await announceHalves(port, 100);
  await after(300);
  resetAll([...sockets, ...halves]);
};

const announcing: Attacker = async (port) => {
  await announceImpossible(port, 40, false);
  await announceImpossible(port, 40, true);
};

const asking: Attacker = async (port) => {
  await floodWords(port, ["ruok", "srvr", "mntr", "cons", "dump", "wchc", "conf", "dirs"], 4, 1000);
};

const storming: Attacker = async (port) => {
  await storm(port, 1000, 1000);
};

const readingSlowly: Attacker = async (port, root, owner) => {
  await owner.setData(root, Buffer.alloc(largeBytes));
  const slow = await Promise.all(Array.from({ length: 4 }, () => Pipeliner.open(port)));
  for (const { socket } of slow) socket.pause();
  for (const one of slow) {
    for (let i = 0; i < 60; i++) {
      one.send(op.getData, [body.watched(root)]);
      one.send(op.sync, [body.path(root)]);
    }
  }
  await after(500);
  resetAll(slow.map(({ socket }) => socket));
  await owner.setData(root, "");
};

const writingAhead: Attacker = async (port, root, owner) => {
  const greedy = await Promise.all(Array.from({ length: 2 }, () => Pipeliner.open(port)));
  for (const { socket } of greedy) socket.pause();
  const writes = Array.from({ length: 10_000 }, () => body.setData(root, Buffer.alloc(100)));
  for (const one of greedy) one.send(op.setData, writes);
  await owner.sync(root);
  resetAll(greedy.map(({ socket }) => socket));
};

const watching: Attacker = async (port, root, owner) => {
  const greedy = await Pipeliner.open(port);
  await greedy.run(op.exists, 20_000, (i) => body.watched(`${root}/w${i}`, true));
  for (let i = 0; i < 100; i++) await owner.create(`${root}/w${i}`);
  greedy.socket.reset();
  for (let i = 0; i < 100; i++) await owner.delete(`${root}/w${i}`);
};

const crowding: Attacker = async (port, root, owner) => {
  const crowd = await openSessions(port, 300);
  const watch = requestFrame(1, op.addWatch, new Bytes().string(root).int(persistentMode).build());
  for (const socket of crowd) socket.write(watch);
  for (let i = 0; i < 20; i++) await owner.setData(root, String(i));
  resetAll(crowd);
};

const counting: Attacker = async (port, root, owner) => {
  const asker = await createMany(port, 10_000, (i) => `${root}/n${i}`);
  const before = asker.replies;
  const count = 100;
  for (const type of [op.getAllChildrenNumber, op.getChildren, op.getEphemerals])
    asker.send(
      type,
      Array.from({ length: count }, () => (type === op.getChildren ? body.watched(root) : body.path(root))),
    );
  await until(() => asker.socket.isOver || asker.replies === before + 3 * count);
  await asker.run(op.delete, 10_000, (i) => body.versioned(`${root}/n${i}`));
  asker.socket.reset();
  await owner.sync(root);
};

const guarding: Attacker = async (_port, root, owner) => {
  const acl = Array.from({ length: 4000 }, (_, i) => ({ perms: 30, scheme: "digest", id: `user-${i}:x` }));
  await owner.request(op.create, body.create(`${root}/guarded`, "", flag.persistent, acl));
  await Promise.all(Array.from({ length: 300 }, () => owner.request(op.getData, body.watched(`${root}/guarded`))));
  await owner.delete(`${root}/guarded`);
};

const multiplying: Attacker = async (_port, root, owner) => {
  const parts = Array.from({ length: 5000 }, (_, i) => ({
    type: op.create,
    body: body.create(`${root}/m${i}`, "", flag.persistent, openAcl),
  }));
  const undo = parts.map((_, i) => ({ type: op.delete, body: body.versioned(`${root}/m${i}`) }));
  for (const part of [parts, undo]) await owner.request(op.multi, body.multi(part));
};

const owning: Attacker = async (port, root, owner) => {
  const closing = await createMany(port, 5000, (i) => `${root}/e${i}`, { flags: flag.ephemeral });
  closing.send(op.closeSession, [Buffer.alloc(0)]);
  await until(async () => (await owner.exists(root))?.numChildren === 0);
};

const writingTexts: Attacker = async (_port, _root, owner) => {
  for (const frame of textFrames(200_000)) {
    const reply = owner.awaitReply(frame.readInt32BE(4));
    owner.sendRaw(frame);
    await reply;
  }
};

const attackers: Readonly<Record<string, Attacker>> = {
  silent,
  announcing,
  asking,
  storming,
  readingSlowly,
  writingAhead,
  watching,
  crowding,
  counting,
  guarding,
  multiplying,
  owning,
  writingTexts,
};

/** Rounds until the time is over. @returns how many. @throws what a round met that none may meet, with the attacker's name. */
async function repeat(port: number, name: string, attacker: Attacker, untilMs: number): Promise<number> {
  let rounds = 0;
  for (; rounds === 0 || performance.now() < untilMs; rounds++) {
    const root = `/${name}-${rounds}`;
    using owner = await WireClient.connect(port);
    const pings = setInterval(() => void owner.ping().catch(() => undefined), pingEveryMs);
    try {
      await owner.create(root);
      await attacker(port, root, owner);
      await owner.delete(root);
      await owner.closeSession();
    } catch (error) {
      throw new Error(`${name}, round ${rounds}: ${String(error)}`, { cause: error });
    } finally {
      clearInterval(pings);
    }
  }
  return rounds;
}

/** What a server has of others, by its own words. */
async function leftovers(port: number): Promise<number> {
  const names = ["watch_count", "ephemerals_count", "global_sessions", "num_alive_connections", "znode_count"];
  const counts = await Promise.all(names.map((name) => gauge(port, name)));
  return counts.reduce((sum, count) => sum + count, 0);
}

async function attackAll(server: ServerProcess, forMs: number): Promise<Values> {
  const { port } = server;
  const before = await leftovers(port);
  const untilMs = performance.now() + forMs;
  const rounds = await Promise.all(
    Object.entries(attackers).map(([name, attacker]) => repeat(port, name, attacker, untilMs)),
  );
  // The sessions of those that have gone without a word expire.
  const isRestored = await until(async () => (await leftovers(port)) <= before, 30_000);
  return { attempts: rounds.reduce((sum, count) => sum + count, 0), isRestored: isRestored ? 1 : 0 };
}

const everything: Attack = {
  name: "everything at once",
  about: `${Object.keys(attackers).length} ways side by side, each again and again: silence, lengths, words, handshakes, slow readers, writes ahead, watches, watchers, counts, long ACLs, multis, ephemerals, long texts`,
  limits: (scale) => [
    // Small is for a machine that others use as well.
    { measure: "maxMs", atMost: scale === "small" ? 10_000 : 2500 },
    { measure: "isRestored", atLeast: 1 },
    { measure: "peakMb", atMost: 500 },
    // What one of them may hold the event loop for comes on top of what others do.
    ...(scale === "small" ? [] : [{ measure: "busyMs", atMost: 500 } as const]),
  ],
  run: async (stage) => {
    const server = await stage.server({ settings });
    return stage.beside(server, () => attackAll(server, stage.minutes * 60_000));
  },
};

export const floodAttacks: readonly Attack[] = [everything];
