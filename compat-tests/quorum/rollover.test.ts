/**
 * An epoch whose numbers are used up. Whichever build leads, another epoch begins, and a session that writes all along, and owns an
 * ephemeral, outlives it: nothing that it was told is lost.
 */

import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { type Build, subject } from "../reference/server.ts";
import { create, exists, flag, getChildren, sync } from "../wire/requests.ts";
import type { Actor } from "../wire/scene.ts";
import { TestEnsemble } from "./ensemble.ts";

/** Twenty numbers before each build gives an epoch up. */
const propertiesOf = {
  ours: { "zookeeper.testingonly.initialZxid": 0xfffffffe - 2 ** 24 - 20 },
  reference: { "zookeeper.testingonly.initialZxid": 0xfffffffe - 20 },
};
const epochs = 3n;
const nodeExists = -110;
const patienceMs = 60_000;

/** A client that takes its session to whichever member lets it in. */
class Traveller {
  readonly #ensemble: TestEnsemble;
  #actor: Actor | null = null;
  #session: { sessionId: bigint; password: Buffer } | null = null;

  constructor(ensemble: TestEnsemble) {
    this.#ensemble = ensemble;
  }

  /** Asks until there is an answer. */
  async ask(request: Parameters<Actor["ask"]>[0]): Promise<{ err: number; zxid: bigint; body: Buffer }> {
    const deadline = Date.now() + patienceMs;
    for (let turn = 0; Date.now() < deadline; turn++) {
      this.#actor ??= await this.#connect(1 + (turn % 3));
      const reply = (await this.#actor?.ask(request).catch(() => null)) ?? null;
      if (reply !== null) return reply;
      this.#actor = null;
      await delay(20);
    }
    throw new Error("nobody answers");
  }

  async #connect(sid: number): Promise<Actor | null> {
    try {
      const actor = await this.#ensemble.visit(sid, { timeoutMs: 20_000, ...this.#session });
      this.#session = { sessionId: actor.session.id, password: actor.session.password };
      return actor;
    } catch {
      return null;
    }
  }

  get session(): bigint {
    return this.#session!.sessionId;
  }
}

const mixtures: readonly (readonly Build[])[] = [
  [subject, subject, subject],
  ["reference", subject, "reference"],
  [subject, "reference", subject],
];

test.each(mixtures)("an epoch ends, and sessions do not: %s, %s, %s", { timeout: 180_000 }, async (...builds) => {
  const ensemble = await TestEnsemble.start({ builds, propertiesOf });
  try {
    const client = new Traveller(ensemble);
    const first = await client.ask(create("/mine", { flags: flag.ephemeral }));
    const { session } = client;
    let writes = 0;
    for (let epoch = first.zxid >> 32n; epoch < (first.zxid >> 32n) + epochs; writes++) {
      const { err, zxid } = await client.ask(create(`/n-${writes}`));
      expect([0, nodeExists]).toContain(err);
      epoch = zxid >> 32n;
    }
    expect(client.session).toBe(session);
    await client.ask(sync("/"));
    expect((await client.ask(exists("/mine"))).err).toBe(0);
    const children = await client.ask(getChildren("/"));
    expect(children.body.readInt32BE(0)).toBe(writes + 2);
    await ensemble.settled();
    await ensemble.expectAtOne("behind the last epoch");
  } finally {
    await ensemble.dispose();
  }
});
