/**
 * Holes in 3.9.5's ensembles, made to show on the real servers, and not there in ours. The simulator plays the same and more in
 * every detail (test/sim/holes.test.ts); here it is processes, files and signals.
 */

import { readdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { type Build, subject } from "../reference/server.ts";
import { closeSession, create, exists, flag, sync } from "../wire/requests.ts";
import { TestEnsemble } from "./ensemble.ts";
import { isShort } from "../shard.ts";

/** Half of it is how long a leader goes on that has lost the others. */
const config = { tickTime: 2000 };
const noNode = -101;

/** A leader logs what nobody else hears of, since the others have just died, and dies too. */
async function logAlone(ensemble: TestEnsemble, leader: number): Promise<void> {
  const actor = await ensemble.visit(leader);
  const others = ensemble.sids.filter((sid) => sid !== leader);
  await Promise.all(others.map((sid) => ensemble.member(sid).kill()));
  actor.connection.send(actor.framesOf([create("/alone"), create("/mine", { flags: flag.ephemeral })]));
  await delay(150);
  await ensemble.member(leader).kill();
  actor.connection.cut();
}

/** What a member says of both znodes: the errors of exists. */
async function seenAt(ensemble: TestEnsemble, sid: number): Promise<string> {
  const actor = await ensemble.visit(sid);
  await actor.ask(sync("/"));
  const replies = await actor.pipeline([exists("/alone"), exists("/mine")]);
  await actor.ask(closeSession);
  return replies.map((reply) => reply?.err ?? "closed").join();
}

/** The snapshots in a member's folder. */
function snapshotsOf(ensemble: TestEnsemble, sid: number): string {
  const names = readdirSync(join(ensemble.member(sid).dataFolder, "version-2"));
  return names.filter((name) => name.startsWith("snapshot.")).join();
}

/**
 * ZOOKEEPER-1549, 4837: server 3 has logged alone. It comes back with one other, is elected for what it has, and dies on the way, when it
 * has taken a snapshot of that. The others go on without it. It comes back, and all start once more.
 * @returns what each of them says of the two znodes then.
 */
async function leadAlmost(build: Build, laterMs: number): Promise<string[]> {
  const ensemble = await TestEnsemble.start({ builds: [build, build, build], config });
  try {
    expect(await ensemble.leader()).toBe(3);
    await logAlone(ensemble, 3);
    const before = snapshotsOf(ensemble, 3);
    const starting = [3, 1].map((sid) =>
      ensemble
        .member(sid)
        .start()
        .catch(() => {}),
    );
    // Ours takes none there, and is killed while it leads, or a little sooner or later.
    const deadline = Date.now() + (build === "ours" ? 500 : 8_000);
    while (Date.now() < deadline && snapshotsOf(ensemble, 3) === before) await delay(1);
    await delay(laterMs);
    await Promise.all([1, 3].map((sid) => ensemble.member(sid).kill()));
    await Promise.all(starting);
    await ensemble.launch(1, 2);
    await ensemble.launch(3);
    await ensemble.settled();
    // From here on what the others have counts for more, whatever server 3 may have.
    await seenAt(ensemble, 1);
    for (const sid of ensemble.sids) await ensemble.member(sid).kill();
    await ensemble.launch(1, 2, 3);
    const seen: string[] = [];
    for (const sid of ensemble.sids) seen.push(await seenAt(ensemble, sid));
    return seen;
  } finally {
    await ensemble.dispose();
  }
}

test(
  "a snapshot of what was never committed, at a server that came near to leading",
  { timeout: 300_000 },
  async () => {
    const moments = isShort ? [10] : [0, 10, 20];
    for (const laterMs of moments) {
      const seen = await leadAlmost(subject, laterMs);
      expect(new Set(seen).size, `after ${laterMs} ms: ${seen.join(" ")}`).toBe(1);
    }
    if (subject === "reference" || isShort) return;
    // Which moment it takes depends on the machine: the snapshot has to be there to its end, and its server not to lead yet.
    const found: string[][] = [];
    for (let laterMs = 10; laterMs <= 60 && found.length === 0; laterMs += 5) {
      const seen = await leadAlmost("reference", laterMs);
      if (new Set(seen).size > 1) found.push(seen);
    }
    // Server 3 has, for good, what nobody else has: a znode, and an ephemeral one of a session that is over.
    expect(found).toEqual([[`${noNode},${noNode}`, `${noNode},${noNode}`, "0,0"]]);
  },
);

/**
 * ZOOKEEPER-2832: the others go on in an epoch without a transaction, and one of them meets the server that has logged alone. By the
 * report its tail survives; 3.9.5 cuts it off, as ours does.
 */
async function meetInAnEmptyEpoch(build: Build, isLeader: boolean): Promise<string[]> {
  const ensemble = await TestEnsemble.start({ builds: [build, build, build], config });
  try {
    expect(await ensemble.leader()).toBe(3);
    await logAlone(ensemble, 3);
    await ensemble.launch(1, 2);
    const leader = await ensemble.leader();
    for (const sid of [1, 2]) await ensemble.member(sid).kill();
    const partner = isLeader ? leader : 3 - leader;
    await ensemble.launch(3, partner);
    const seen = [await seenAt(ensemble, 3), await seenAt(ensemble, partner)];
    await ensemble.launch(3 - partner);
    await ensemble.settled();
    await ensemble.expectAtOne("behind the empty epoch");
    return seen;
  } finally {
    await ensemble.dispose();
  }
}

test.each([true, false])(
  "a tail behind an epoch without a transaction, led: %s",
  { timeout: 120_000 },
  async (isLeader) => {
    const gone = `${noNode},${noNode}`;
    expect(await meetInAnEmptyEpoch(subject, isLeader)).toEqual([gone, gone]);
    expect(await meetInAnEmptyEpoch("reference", isLeader)).toEqual([gone, gone]);
  },
);
