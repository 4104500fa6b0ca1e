/** What members count of the transactions that pass through them: the same in an ensemble of ours, of the reference, and of both. */

import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { type Build, subject, type TestServer } from "../reference/server.ts";
import { closeSession, create, type Request } from "../wire/requests.ts";
import { type Mode, TestEnsemble } from "./ensemble.ts";

const timeoutMs = 120_000;
const observers = 1;

/** What grows with each transaction, in each role. */
const perTransaction: Readonly<Record<Mode, readonly string[]>> = {
  leader: ["proposal_count", "commit_count", "cnt_quorum_ack_latency", "cnt_proposal_ack_creation_latency"],
  follower: [
    "learner_proposal_received_count",
    "learner_commit_received_count",
    "cnt_proposal_latency",
    "cnt_commit_propagation_latency",
    "cnt_proposal_ack_creation_latency",
  ],
  observer: ["learner_commit_received_count", "cnt_commit_propagation_latency"],
};

/** What has grown by one since a start. */
const perStart: Readonly<Record<Mode, readonly string[]>> = {
  leader: ["cnt_unavailable_time", "cnt_leader_unavailable_time", "cnt_election_time", "looking_count"],
  follower: ["cnt_unavailable_time", "cnt_follower_sync_time", "cnt_election_time", "looking_count"],
  observer: ["cnt_unavailable_time", "cnt_observer_sync_time", "looking_count"],
};

async function figuresOf(server: TestServer): Promise<(name: string) => number> {
  const mntr = await server.fourLetterWord("mntr");
  return (name) => Number(new RegExp(`^zk_${name}\\t(\\d+)`, "m").exec(mntr)?.[1] ?? Number.NaN);
}

/** The sum of what is counted per transaction by all members, as soon as it stands still. */
async function stillFigures(ensemble: TestEnsemble): Promise<Map<string, number>> {
  for (let last = ""; ; await delay(100)) {
    const figures = new Map<string, number>();
    for (const sid of ensemble.sids) {
      const figure = await figuresOf(ensemble.member(sid));
      for (const name of new Set(Object.values(perTransaction).flat())) figures.set(`${sid} ${name}`, figure(name));
    }
    const text = JSON.stringify([...figures]);
    if (text === last) return figures;
    last = text;
  }
}

const mixtures: readonly (readonly Build[])[] = [
  ["reference", "reference", "reference", "reference"],
  [subject, subject, subject, subject],
  [subject, "reference", subject, "reference"],
  ["reference", subject, "reference", subject],
];

test.each(mixtures)(
  "transactions are counted in %s, %s, %s, and %s, which observes",
  { timeout: timeoutMs },
  async (...builds) => {
    const ensemble = await TestEnsemble.start({ builds, observers });
    try {
      const actor = await ensemble.visit(1);
      const before = await stillFigures(ensemble);
      const requests: Request[] = [create("/n")];
      for (let i = 0; i < 100; i++) requests.push(create(`/n/${i}`), create("/n"));
      await actor.pipeline(requests);
      await actor.ask(closeSession);
      const after = await stillFigures(ensemble);
      // What fails is a transaction like any other; so is the end of the session.
      const transactions = requests.length + 1;
      for (const sid of ensemble.sids) {
        const mode = (await ensemble.modeOf(sid))!;
        const where = `server.${sid}, ${ensemble.member(sid).build}, ${mode}`;
        const grown = perTransaction[mode].map((name) => [
          name,
          after.get(`${sid} ${name}`)! - before.get(`${sid} ${name}`)!,
        ]);
        expect(grown, where).toEqual(perTransaction[mode].map((name) => [name, transactions]));
        const figure = await figuresOf(ensemble.member(sid));
        expect(
          perStart[mode].map((name) => [name, figure(name)]),
          where,
        ).toEqual(perStart[mode].map((name) => [name, 1]));
      }
    } finally {
      await ensemble.dispose();
    }
  },
);
