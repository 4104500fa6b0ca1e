/**
 * Every mixture of ours and the reference in three servers. In each of them every member leads once and every member is
 * synchronised by another one:
 *
 *   all start             3 leads: with equal histories the highest sid wins
 *   3 is killed           2 leads
 *   2 is killed, 3 starts 1 leads: its history is longer than 3's
 *   2 starts
 *
 * A session with an ephemeral goes from member to member and never expires.
 */

import { expect, test } from "vitest";
import { type Build, subject } from "../reference/server.ts";
import { closeSession, create, exists, flag, type Request, setData, sync } from "../wire/requests.ts";
import type { Actor } from "../wire/scene.ts";
import { TestEnsemble } from "./ensemble.ts";

const letters: Readonly<Record<string, Build>> = { o: subject, r: "reference" };

const timeoutMs = 180_000;
/** The traveller's session timeout. */
const travelMs = 20_000;

/** Pipelined writes through each member that runs; every one of them is to be acknowledged. */
async function writeThroughAll(ensemble: TestEnsemble, stage: string): Promise<string[]> {
  const paths: string[] = [];
  for (const sid of ensemble.running) {
    const actor = await ensemble.visit(sid, { timeoutMs: 4000 });
    const path = `/${stage}-${sid}`;
    const requests: Request[] = [create(path), ...Array.from({ length: 30 }, (_, i) => setData(path, `${stage} ${i}`))];
    for (let i = 0; i < 10; i++) requests.push(create(`${path}/s-`, { flags: flag.persistentSequential }));
    requests.push(create(`/${stage}-${sid}-e`, { flags: flag.ephemeral }), sync("/"), exists(path));
    const replies = await actor.pipeline(requests);
    expect(replies.map((reply) => reply?.err ?? "closed")).toEqual(requests.map(() => 0));
    paths.push(path);
    // Its ephemeral is left to the session's end, which the ensemble has to see to.
    actor.connection.cut();
  }
  return paths;
}

/** Takes the session to a member and looks for its ephemeral there. */
async function moved(ensemble: TestEnsemble, sid: number, from: Actor): Promise<Actor> {
  from.connection.cut();
  const { id, password } = from.session;
  const actor = await ensemble.visit(sid, { timeoutMs: travelMs, sessionId: id, password });
  expect(actor.session.id, `the session at server.${sid}`).toBe(from.session.id);
  await actor.ask(sync("/"));
  expect((await actor.ask(exists("/traveller")))?.err, `the traveller's ephemeral at server.${sid}`).toBe(0);
  return actor;
}

test.each(["orr", "ror", "rro", "oor", "oro", "roo", "ooo"])(
  "three servers, by sid: %s",
  { timeout: timeoutMs },
  async (word) => {
    const ensemble = await TestEnsemble.start({ builds: word.split("").map((letter) => letters[letter]!) });
    try {
      const paths: string[] = [];
      const write = async (stage: string, leader: number): Promise<void> => {
        await ensemble.settled();
        expect(await ensemble.leader(), `the leader at ${stage}`).toBe(leader);
        traveller = await moved(ensemble, leader, traveller);
        paths.push(...(await writeThroughAll(ensemble, stage)));
      };
      let traveller = await ensemble.visit(1, { timeoutMs: travelMs });
      await traveller.ask(create("/traveller", { flags: flag.ephemeral }));
      await write("first", 3);
      await ensemble.member(3).kill();
      await write("second", 2);
      await ensemble.member(2).kill();
      await ensemble.launch(3);
      await write("third", 1);
      await ensemble.launch(2);
      await write("fourth", 1);
      for (const sid of ensemble.sids) {
        traveller = await moved(ensemble, sid, traveller);
        for (const path of paths) expect((await traveller.ask(exists(path)))?.err, `${path} at server.${sid}`).toBe(0);
      }
      await traveller.ask(closeSession);
      await ensemble.hasNoEphemerals();
      await ensemble.expectAtOne(word);
      await ensemble.expectReadableByOthers();
    } finally {
      await ensemble.dispose();
    }
  },
);
