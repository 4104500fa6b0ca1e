/**
 * What every test of a mixture does: writes go through every member while leaders come and go, and a session with an ephemeral
 * travels from member to member. In the end everything is everywhere, no session has expired, and whoever did not
 * say goodbye has been cleared away.
 */

import { expect } from "vitest";
import { closeSession, create, exists, flag, type Request, setData, sync } from "../wire/requests.ts";
import type { Actor } from "../wire/scene.ts";
import type { TestEnsemble } from "./ensemble.ts";

/** The traveller's session timeout. */
const travelMs = 20_000;
/** That of sessions whose clients leave without a word. */
const shortMs = 4_000;

export class Journey {
  readonly #ensemble: TestEnsemble;
  /** Acknowledged. */
  readonly #paths: string[] = [];
  #traveller: Actor;

  private constructor(ensemble: TestEnsemble, traveller: Actor) {
    this.#ensemble = ensemble;
    this.#traveller = traveller;
  }

  static async begin(ensemble: TestEnsemble): Promise<Journey> {
    const traveller = await ensemble.visit(1, { timeoutMs: travelMs });
    await traveller.ask(create("/traveller", { flags: flag.ephemeral }));
    return new Journey(ensemble, traveller);
  }

  /** Waits until everybody serves, expects that leader, and writes through every member that runs. */
  async stage(name: string, leader: number): Promise<void> {
    await this.#ensemble.settled();
    expect(await this.#ensemble.leader(), `the leader at ${name}`).toBe(leader);
    await this.#move(leader);
    for (const sid of this.#ensemble.running) await this.#writeThrough(sid, name);
  }

  /** Everything is everywhere, and each member's folder opens in the other build. */
  async end(): Promise<void> {
    for (const sid of this.#ensemble.running) {
      await this.#move(sid);
      for (const path of this.#paths) {
        expect((await this.#traveller.ask(exists(path)))?.err, `${path} at server.${sid}`).toBe(0);
      }
    }
    await this.#traveller.ask(closeSession);
    await this.#ensemble.hasNoEphemerals();
    await this.#ensemble.expectAtOne("at the journey's end");
    await this.#ensemble.expectReadableByOthers();
  }

  async #move(sid: number): Promise<void> {
    const { connection, session } = this.#traveller;
    connection.cut();
    const { id, password } = session;
    this.#traveller = await this.#ensemble.visit(sid, { timeoutMs: travelMs, sessionId: id, password });
    expect(this.#traveller.session.id, `the session at server.${sid}`).toBe(id);
    await this.#traveller.ask(sync("/"));
    const found = await this.#traveller.ask(exists("/traveller"));
    expect(found?.err, `the traveller's ephemeral at server.${sid}`).toBe(0);
  }

  /** Pipelined, every one of them to be acknowledged; the ephemeral is left to the end of its session. */
  async #writeThrough(sid: number, stage: string): Promise<void> {
    const actor = await this.#ensemble.visit(sid, { timeoutMs: shortMs });
    const path = `/${stage}-${sid}`;
    const requests: Request[] = [create(path)];
    for (let i = 0; i < 30; i++) requests.push(setData(path, `${stage} ${i}`));
    for (let i = 0; i < 10; i++) requests.push(create(`${path}/s-`, { flags: flag.persistentSequential }));
    requests.push(create(`${path}-e`, { flags: flag.ephemeral }), sync("/"), exists(path));
    const replies = await actor.pipeline(requests);
    expect(replies.map((reply) => reply?.err ?? "closed")).toEqual(requests.map(() => 0));
    this.#paths.push(path);
    actor.connection.cut();
  }
}
