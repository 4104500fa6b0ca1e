/**
 * Transactions that become longer than a ZooKeeper reads, which is twice jute.maxbuffer. The reference logs them, and never starts
 * again with that folder; in an ensemble no peer reads them either.
 *
 *   session-with-more-ephemerals-than-a-transaction-holds
 *     The end of a session is logged with the path of everything that goes with it. Ours has no list when it would be too
 *     long, as ZooKeeper before 3.6, and both read that.
 *   transaction-longer-than-can-be-read
 *     A short multi becomes long where each of its lists of `auth` is written out. Ours is refused, and leaves nothing.
 */

import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type Build, subject, TestServer } from "../reference/server.ts";
import { timed } from "../reporting/cases.ts";
import { aclOf, auth, closeSession, create, flag, multi, perm } from "../wire/requests.ts";
import { type Actor, Scene } from "../wire/scene.ts";
import { readingOf, refused } from "./reading.ts";

/** `work` is done to a server, which is killed. @returns what each build reads in its folder. */
async function readingsBehind(build: Build, work: (actor: Actor) => Promise<void>): Promise<Map<Build, string>> {
  const folder = mkdtempSync(join(tmpdir(), "compat-too-long-"));
  const server = new TestServer(build, { folder, config: { snapCount: 1_000_000 } });
  try {
    await timed(build, async () => {
      await server.start();
      const scene = await Scene.open(server.port);
      await work(await scene.actor("a"));
    });
    await server.kill();
    const readings = new Map<Build, string>();
    for (const reader of new Set<Build>(["reference", subject])) {
      readings.set(reader, await readingOf(reader, (copy) => cpSync(server.dataFolder, copy, { recursive: true })));
    }
    return readings;
  } finally {
    await server.kill();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Paths of 150 bytes, together somewhat more than two megabytes. */
const ephemeralCount = 15_000;
const atOnce = 500;

function ephemeralPath(number: number): string {
  return `/${String(number).padStart(150, "e")}`;
}

async function endWithManyEphemerals(actor: Actor): Promise<void> {
  for (let from = 0; from < ephemeralCount; from += atOnce) {
    const paths = Array.from({ length: atOnce }, (_, i) => ephemeralPath(from + i));
    const replies = await actor.pipeline(paths.map((path) => create(path, { flags: flag.ephemeral })));
    expect(replies.every((reply) => reply?.err === 0)).toBe(true);
  }
  await actor.ask(create("/stays"));
  await actor.ask(closeSession);
  await actor.untilClosed();
}

test("too many ephemerals: the reference does not start again on its own folder", async () => {
  expect((await readingsBehind("reference", endWithManyEphemerals)).get("reference")).toBe(refused);
});

test.runIf(subject === "ours")("too many ephemerals: both read ours, and they are gone", async () => {
  const readings = await readingsBehind("ours", endWithManyEphemerals);
  expect(readings.get("ours")).toContain('"/stays"');
  expect(readings.get("ours")).not.toContain("eeee");
  expect(readings.get("reference")).toBe(readings.get("ours"));
});

/** One request of 40 KB, whose lists become 2.5 MB. @returns the error that it is answered with. */
async function createWithManyIdentities(actor: Actor): Promise<number | undefined> {
  for (let i = 0; i < 60; i++) await actor.ask(auth("digest", `user-${i}:secret`));
  const acl = [aclOf(perm.all, "auth", "")];
  const reply = await actor.ask(multi(...Array.from({ length: 900 }, (_, i) => create(`/n${i}`, { acl }))));
  await actor.ask(create("/stays"));
  return reply?.err;
}

test("too long lists: the reference does not start again on its own folder", async () => {
  let err: number | undefined;
  const readings = await readingsBehind("reference", async (actor) => {
    err = await createWithManyIdentities(actor);
  });
  expect(err).toBe(0);
  expect(readings.get("reference")).toBe(refused);
});

test.runIf(subject === "ours")("too long lists: ours refuses them, and both read what is left", async () => {
  let err: number | undefined;
  const readings = await readingsBehind("ours", async (actor) => {
    err = await createWithManyIdentities(actor);
  });
  expect(err).toBe(-5);
  expect(readings.get("ours")).toContain('"/stays"');
  expect(readings.get("ours")).not.toContain('"/n0"');
  expect(readings.get("reference")).toBe(readings.get("ours"));
});
