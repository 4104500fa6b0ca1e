/**
 * Thousands of random requests, the same to both servers, compared reply by reply and event by event.
 *
 *   COMPAT_SEED=7 COMPAT_OPERATIONS=100000 npm run compat -- wire/random
 *
 * The seed is printed and part of every failure; the same seed gives the same requests.
 */

import { expect, test } from "vitest";
import { type Pair, pairOfServers } from "./pair.ts";
import { Dice, nextBatch } from "./random-requests.ts";
import { auth, closeSession, type Request } from "./requests.ts";
import { type Actor, Scene } from "./scene.ts";

const operations = Number(process.env["COMPAT_OPERATIONS"] ?? 8000);
const firstSeed = Number(process.env["COMPAT_SEED"] ?? 1 + (Date.now() % 1_000_000));

const plain = pairOfServers();
const extended = pairOfServers({ config: { extendedTypesEnabled: "true" } });

const runs: readonly { pair: Pair; what: string; seed: number }[] = [
  { pair: plain, what: "default settings", seed: firstSeed },
  { pair: extended, what: "extendedTypesEnabled", seed: firstSeed + 1 },
];

test.each(runs)("one connection, $what, seed $seed: every reply and event is the same", async ({ pair, seed }) => {
  process.stdout.write(`random run: seed ${seed}, ${operations} operations\n`);
  const dice = new Dice(seed);
  const casts = await castsOf(pair, 1);
  for (let done = 0; done < operations;) {
    const batch = nextBatch(dice);
    done += batch.length;
    await Promise.all(casts.map((cast) => cast.actors[0]!.pipeline(batch)));
    compare(casts, `seed ${seed}, near operation ${done}`);
  }
  await Promise.all(casts.map((cast) => cast.leave()));
});

test.each(runs)("four connections, $what, seed $seed: each sees the same", async ({ pair, seed }) => {
  const dice = new Dice(seed);
  const casts = await castsOf(pair, 4);
  for (let done = 0; done < operations;) {
    const speaker = dice.below(4);
    const batch = dice.isOneIn(12) ? [dice.pick(identities)] : nextBatch(dice);
    done += batch.length;
    const leaves = dice.isOneIn(25);
    const returns = !leaves && dice.isOneIn(25);
    await Promise.all(casts.map((cast) => cast.speak(speaker, batch)));
    if (leaves) await Promise.all(casts.map((cast) => cast.replace(speaker, false)));
    if (returns) await Promise.all(casts.map((cast) => cast.replace(speaker, true)));
    compare(casts, `seed ${seed}, near operation ${done}`, leaves);
  }
  await Promise.all(casts.map((cast) => cast.leave()));
});

const identities: readonly Request[] = [auth("digest", "ann:a"), auth("digest", "bob:b"), auth("ip", "")];

/** The connections of one server's play. */
class Cast {
  readonly #scene: Scene;
  readonly actors: Actor[] = [];

  constructor(scene: Scene) {
    this.#scene = scene;
  }

  async enter(count: number): Promise<void> {
    for (let index = 0; index < count; index++) this.actors.push(await this.#scene.actor(`${index}`));
  }

  /** One sends a batch; then every event that it causes is waited for, on every connection. */
  async speak(speaker: number, batch: readonly Request[]): Promise<void> {
    await this.actors[speaker]!.pipeline(batch);
    for (const actor of this.actors) await actor.settle();
  }

  /** Ends the sessions: one that is left to expire would do so in the next run, in each server at a moment of its own. */
  async leave(): Promise<void> {
    for (const actor of this.actors) await actor.ask(closeSession);
  }

  /** One connection gives way to another, with its session (which loses its watches) or a new one. */
  async replace(index: number, keepsSession: boolean): Promise<void> {
    const old = this.actors[index]!;
    const { id, password } = old.session;
    if (!keepsSession) await old.ask(closeSession);
    const options = keepsSession ? { sessionId: id, password } : {};
    const next = await this.#scene.actor(`${index}`, options);
    await old.untilClosed();
    next.lines.unshift(...old.lines);
    this.actors[index] = next;
    for (const actor of this.actors) await actor.settle();
  }
}

async function castsOf(pair: Pair, count: number): Promise<Cast[]> {
  const servers = [pair.reference, pair.subject];
  const scenes = await Promise.all(servers.map((server) => Scene.open(server.port, { sortAcl: true })));
  const casts = scenes.map((scene) => new Cast(scene));
  await Promise.all(casts.map((cast) => cast.enter(count)));
  return casts;
}

/** Compares what was said since the last time; in any order where a closing session's ephemerals went, in hash order. */
function compare(casts: readonly Cast[], where: string, inAnyOrder = false): void {
  const [expected, found] = casts.map((cast) =>
    cast.actors.map((actor) => {
      const lines = actor.lines.splice(0);
      return inAnyOrder ? lines.sort() : lines;
    }),
  );
  if (JSON.stringify(found) !== JSON.stringify(expected)) expect(found, where).toEqual(expected);
}
