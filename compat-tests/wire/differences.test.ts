/**
 * What this server does differently on purpose, each difference pinned on both sides: expectations.json says what the
 * reference does and what ours does, and COMPATIBILITY.md says why. A difference that disappears is a finding too.
 *
 * Some of these requests end the reference's process for good, so each scenario has servers of its own.
 */

import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import expectations from "../expectations.json" with { type: "json" };
import { subject, TestServer, type Build } from "../reference/server.ts";
import { frame, hex, int, record } from "./bytes.ts";
import {
  aclOf,
  checkWatches,
  closeSession,
  create,
  createContainer,
  createTtl,
  exists,
  flag,
  multi,
  op,
  ping,
  readOnlyAcl,
  remove,
  removeContainer,
  request,
  setAcl,
  setData,
  sync,
} from "./requests.ts";
import { type Actor, Scene } from "./scene.ts";

type Difference = (typeof expectations.differences)[number];
type Name = Difference["name"];

/** What a scenario saw, in lines that expectations.json can hold. */
type Play = (scene: Scene, server: TestServer) => Promise<string[]>;

const plays: Readonly<Record<string, Play>> = {
  "delete-container-from-a-client": async (scene) => {
    const a = await scene.actor("a");
    await a.ask(create("/p", { acl: readOnlyAcl }));
    await a.ask(createContainer("/box"));
    return [await errorOf(a, removeContainer("/box")), await errorOf(a, exists("/box"))];
  },

  "create-session-from-a-client": async (scene) => {
    const a = await scene.actor("a");
    a.connection.send(frame(record(int(7), int(op.createSession), int(10_000))));
    const answer = await a.connection.nextFrame();
    return [`${answer?.length} bytes`, answer?.length === 16 ? `err=${answer.readInt32BE(12)}` : "no reply header"];
  },

  "wrong-password-and-the-rightful-connection": async (scene) => {
    const a = await scene.actor("a");
    const thief = await scene.actor("thief", { sessionId: a.session.id, password: Buffer.alloc(16, 3) });
    await thief.untilClosed();
    return [await errorOf(a, exists("/"))];
  },

  "quota-on-the-root": async (scene, server) => {
    const a = await scene.actor("a");
    const answer = await errorOf(a, create("/zookeeper/quota/zookeeper_limits", { data: "count=1,bytes=1" }));
    return [answer, await fate(a, server)];
  },

  "create-ttl-with-a-negative-ttl-and-a-plain-flag": async (scene, server) => {
    const a = await scene.actor("a");
    const answer = await errorOf(a, createTtl("/t", -5, { flags: flag.persistent }));
    return [answer, await fate(a, server)];
  },

  "garbage-in-quota-statistics": async (scene, server) => {
    const a = await scene.actor("a");
    await a.ask(create("/q"));
    await a.ask(create("/zookeeper/quota/q"));
    await a.ask(create("/zookeeper/quota/q/zookeeper_limits", { data: "count=9,bytes=999" }));
    await a.ask(create("/zookeeper/quota/q/zookeeper_stats"));
    await a.ask(setData("/zookeeper/quota/q/zookeeper_stats", "count=x,bytes=y"));
    const answer = await errorOf(a, create("/q/new"));
    return [answer, await fate(a, server)];
  },

  "characters-outside-the-basic-plane-echoed-by-sync": async (scene) => {
    const a = await scene.actor("a");
    const reply = await a.ask(sync("/\u{1f600}"));
    return [reply?.body.toString("hex") ?? "closed"];
  },

  "limits-of-no-quota": async (scene, server) => {
    const a = await scene.actor("a");
    await a.ask(create("/zookeeper/z"));
    await a.ask(create("/zookeeper/z/zookeeper_limits", { data: "count=1,bytes=1" }));
    const answer = await errorOf(a, remove("/zookeeper/z/zookeeper_limits"));
    return [answer, await fate(a, server)];
  },

  "text-that-is-not-utf-8": async (scene) => {
    const a = await scene.actor("a");
    const reply = await a.ask(sync(hex("2fff")));
    await a.ask(exists(hex("2fff"), true));
    return [reply?.body.toString("hex") ?? "closed", await errorOf(a, checkWatches(hex("2ffe"), 2))];
  },

  "create-container-with-an-ephemeral-flag": async (scene) => {
    const a = await scene.actor("a");
    const b = await scene.actor("b");
    await a.pipeline([createContainer("/box", { flags: flag.ephemeral }), create("/box/x"), closeSession]);
    await a.untilClosed();
    return [await errorOf(b, exists("/box")), await errorOf(b, exists("/box/x"))];
  },

  "set-acl-and-a-write-in-one-piece": async (scene) => {
    const a = await scene.actor("a");
    await a.ask(create("/n"));
    const replies = await a.pipeline([setAcl("/n", [aclOf(1 | 16, "world", "anyone")]), setData("/n", "x")]);
    return replies.map((reply) => `err=${reply?.err}`);
  },

  "writes-behind-a-multi-that-fails-inside": async (scene) => {
    const a = await scene.actor("a");
    const outcomes = new Set<string>();
    for (let round = 0; round < 20; round++) {
      const broken = multi(create(`/m${round}`), create(`/m${round}/x`, { acl: null }));
      const replies = await a.pipeline([broken, create(`/m${round}/y`)]);
      outcomes.add(replies.map((reply) => `err=${reply?.err}`).join(" "));
    }
    return [...outcomes];
  },

  "unknown-opcode-behind-requests": async (scene) => {
    const a = await scene.actor("a");
    const frames = [create("/u"), setData("/u", "1"), request(99, Buffer.alloc(0), "opcode 99")].map((one, index) =>
      frame(record(int(index + 1), int(one.op), one.body)),
    );
    a.connection.send(Buffer.concat(frames));
    const xids: string[] = [];
    for (;;) {
      const reply = await a.connection.nextFrame();
      if (reply === null) return [xids.join(" ")];
      xids.push(String(reply.readInt32BE(0)));
    }
  },
};

async function errorOf(actor: Actor, asked: Parameters<Actor["ask"]>[0]): Promise<string> {
  const reply = await actor.ask(asked);
  return reply === null ? "closed" : `err=${reply.err}`;
}

/** What became of the process: an unanswered request may be its last. */
async function fate(actor: Actor, server: TestServer): Promise<string> {
  if (!actor.isClosed) await actor.ask(ping);
  if (!actor.isClosed && server.isRunning) return "serves on";
  const deadline = Date.now() + 10_000;
  while (server.isRunning && Date.now() < deadline) await delay(20);
  if (server.isRunning) return "hangs";
  const restarted = await server.start().then(
    () => true,
    () => false,
  );
  return restarted ? "ended, starts again" : "ended, does not start again";
}

async function playOn(build: Build, name: Name): Promise<string[]> {
  const server = await new TestServer(build, { config: { forceSync: "no", extendedTypesEnabled: "true" } }).start();
  try {
    const play = plays[name];
    if (play === undefined) throw new Error(`expectations.json names ${name}, which nothing plays`);
    const scene = await Scene.open(server.port);
    return await play(scene, server);
  } finally {
    await server.dispose();
  }
}

const pinned = expectations.differences.filter((difference) => difference.reference !== null);

test.each(pinned)("the reference: $name", async (difference) => {
  expect(await playOn("reference", difference.name)).toEqual(difference.reference);
});

const played = subject === "ours" ? expectations.differences : [];

test.each(played)("ours: $name", async (difference) => {
  expect(await playOn("ours", difference.name)).toEqual(difference.ours);
});

test("every scenario here is listed, and every listed one is here", () => {
  expect(expectations.differences.map((difference) => difference.name).sort()).toEqual(Object.keys(plays).sort());
});
