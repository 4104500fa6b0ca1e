/**
 * How a member that comes back is brought up to date, in each way there is, by either build as leader and as the member that
 * comes back: from the leader's memory is what matrix.test.ts does all the time; here are the others. Which way it was, the
 * leader's metrics tell.
 */

import { readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { type Build, subject, type TestServer } from "../reference/server.ts";
import { closeSession, create, exists, flag, type Request, setData } from "../wire/requests.ts";
import { TestEnsemble } from "./ensemble.ts";
import { isShort } from "../shard.ts";

interface Syncs {
  readonly diff: number;
  readonly snap: number;
}

const mixed: readonly (readonly [leader: Build, joiner: Build])[] = [
  [subject, "reference"],
  ["reference", subject],
];
/** `--shard ci` leaves ours among themselves to the simulator. */
const pairs = isShort ? mixed : [...mixed, [subject, subject] as const];

const timeoutMs = 120_000;
/** A leader keeps 500 transactions in memory; this is more, for whoever is away meanwhile. */
const rounds = 150;

/** Znodes created and changed, in {@link rounds} times four transactions. */
async function write(ensemble: TestEnsemble, sid: number, home: string): Promise<void> {
  const actor = await ensemble.visit(sid);
  const requests: Request[] = [create(home)];
  for (let i = 0; i < rounds; i++) {
    requests.push(create(`${home}/n-${i}`), setData(`${home}/n-${i}`, `data ${i}`), setData(home, String(i)));
    requests.push(create(`${home}/s-`, { flags: flag.persistentSequential }));
  }
  const replies = await actor.pipeline(requests);
  expect(replies.map((reply) => reply?.err ?? "closed")).toEqual(requests.map(() => 0));
  await actor.ask(closeSession);
}

/** How many learners the server has brought up to date, and how. */
async function syncsBy(server: TestServer): Promise<Syncs> {
  const mntr = await server.fourLetterWord("mntr");
  const figure = (name: string): number => Number(new RegExp(`^${name}\\t(\\d+)`, "m").exec(mntr)?.[1] ?? Number.NaN);
  return { diff: figure("zk_diff_count"), snap: figure("zk_snap_count") };
}

interface Return {
  readonly config: Readonly<Record<string, string | number>>;
  /** What befalls its folder meanwhile. */
  readonly lose?: (dataFolder: string) => void;
  readonly expected: Syncs;
}

const returns: Readonly<Record<string, Return>> = {
  "from the leader's log": { config: { snapshotSizeFactor: 0 }, expected: { diff: 1, snap: 0 } },
  "by the whole tree": { config: { snapshotSizeFactor: -1 }, expected: { diff: 0, snap: 1 } },
  "by the whole tree, as it is told to": { config: { forceSnapshotSync: "true" }, expected: { diff: 0, snap: 1 } },
  "from nothing": {
    config: {},
    lose: (dataFolder) => rmSync(join(dataFolder, "version-2"), { recursive: true }),
    expected: { diff: 0, snap: 1 },
  },
};

for (const [leader, joiner] of pairs) {
  test.each(Object.entries(returns))(
    `${leader} brings ${joiner} up to date %s`,
    { timeout: timeoutMs },
    async (_, { config, lose, expected }) => {
      const ensemble = await TestEnsemble.start({ builds: [joiner, leader, leader], config });
      try {
        await write(ensemble, 1, "/before");
        await ensemble.member(1).kill();
        await write(ensemble, 2, "/meanwhile");
        lose?.(ensemble.member(1).dataFolder);
        expect(await ensemble.leader()).toBe(3);
        const before = await syncsBy(ensemble.member(3));
        await ensemble.launch(1);
        const after = await syncsBy(ensemble.member(3));
        expect({ diff: after.diff - before.diff, snap: after.snap - before.snap }).toEqual(expected);
        await write(ensemble, 1, "/after");
        await ensemble.expectAtOne("after the return");
        await ensemble.expectReadableByOthers();
      } finally {
        await ensemble.dispose();
      }
    },
  );
}

/** Whether the server's log has these bytes. */
function hasLogged({ dataFolder }: TestServer, text: string): boolean {
  const folder = join(dataFolder, "version-2");
  const logs = readdirSync(folder).filter((name) => name.startsWith("log."));
  return logs.some((name) => readFileSync(join(folder, name)).includes(text));
}

/**
 * Lets server 3, which leads, log what nobody else gets: the others stand still from before it is asked until all are killed.
 * Nobody is ever told that this was written.
 */
async function leaveTail(ensemble: TestEnsemble): Promise<void> {
  const leader = ensemble.member(3);
  const actor = await ensemble.visit(3);
  const others = [ensemble.member(1), ensemble.member(2)];
  await Promise.all(others.map((other) => other.pause()));
  actor.connection.send(actor.framesOf([create("/tail"), create("/tail/1"), create("/tail/2")]));
  const deadline = Date.now() + 10_000;
  while (!hasLogged(leader, "/tail/2")) {
    if (Date.now() > deadline) throw new Error("the leader logs nothing more");
    await delay(2);
  }
  await Promise.all([leader, ...others].map((member) => member.kill()));
  actor.connection.cut();
}

test.each(pairs)(
  "%s makes %s forget what it logged alone as a leader",
  { timeout: timeoutMs },
  async (leader, joiner) => {
    const ensemble = await TestEnsemble.start({ builds: [leader, leader, joiner] });
    try {
      await write(ensemble, 3, "/before");
      await leaveTail(ensemble);
      await ensemble.launch(1, 2);
      // Whichever of them had come further when it was stopped.
      const leading = ensemble.member(await ensemble.leader());
      const before = await syncsBy(leading);
      await ensemble.launch(3);
      const after = await syncsBy(leading);
      expect({ diff: after.diff - before.diff, snap: after.snap - before.snap }).toEqual({ diff: 1, snap: 0 });
      const actor = await ensemble.visit(3);
      expect((await actor.ask(exists("/tail")))?.err).toBe(-101);
      await actor.ask(closeSession);
      await write(ensemble, 3, "/after");
      await ensemble.expectAtOne("after the return");
      // A restart may not bring it back either.
      await ensemble.member(3).kill();
      await ensemble.launch(3);
      await ensemble.expectAtOne("after another restart");
      await ensemble.expectReadableByOthers();
    } finally {
      await ensemble.dispose();
    }
  },
);
