/**
 * A change of the members that is half done: proposed, and not to be committed before a voter that stands still goes on. It is the
 * same on both builds.
 */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { expect } from "vitest";
import { type Build, superUser } from "../reference/server.ts";
import { auth, reconfig } from "../wire/requests.ts";
import type { Actor } from "../wire/scene.ts";
import { TestEnsemble } from "./ensemble.ts";

const pollMs = 20;

/** Where a member keeps a change that it has seen and that is not committed. */
export function nextFile(ensemble: TestEnsemble, sid: number): string {
  return join(ensemble.member(sid).folder, "zoo.cfg.dynamic.next");
}

/**
 * Three voters, the third of which leads, and an observer that is to vote: the change waits for one of three acknowledgements, since
 * the second voter stands still. Another observer, the fifth server, does not run yet.
 */
export class HalfChanged {
  readonly ensemble: TestEnsemble;
  /** What the change is answered, in the end. */
  readonly outcome: Promise<number | null>;
  readonly #admin: Actor;

  private constructor(ensemble: TestEnsemble, admin: Actor, outcome: Promise<number | null>) {
    this.ensemble = ensemble;
    this.#admin = admin;
    this.outcome = outcome;
  }

  /** @param before whatever needs a quorum. */
  static async begin(
    build: Build,
    before: (ensemble: TestEnsemble) => Promise<void> = async () => {},
  ): Promise<HalfChanged> {
    // Nobody is to be given up because it stands still.
    const settings = { observers: 1, spares: 1, config: { reconfigEnabled: "true", syncLimit: 60 } };
    const ensemble = await TestEnsemble.prepare({ builds: [build, build, build, build, build], ...settings });
    try {
      await ensemble.launch(1, 2, 3);
      await ensemble.launch(4);
      expect(await ensemble.leader()).toBe(3);
      const admin = await ensemble.visit(3);
      await admin.ask(auth("digest", superUser));
      await before(ensemble);
      await ensemble.member(2).pause();
      const outcome = admin.ask(reconfig({ joining: newVoter(ensemble), leaving: null, members: null, version: -1n }));
      const err = outcome.then((reply) => reply?.err ?? null);
      while (!existsSync(nextFile(ensemble, 1))) {
        const early = await Promise.race([err, delay(pollMs, "none")]);
        if (early !== "none") throw new Error(`the change was answered ${early}`);
      }
      return new HalfChanged(ensemble, admin, err);
    } catch (error) {
      await ensemble.dispose();
      throw error;
    }
  }

  /** Whether server 4 votes, by what a member says of the ensemble. */
  async isChangedAt(sid: number): Promise<boolean> {
    const text = await this.ensemble.member(sid).fourLetterWord("conf");
    expect(text).toContain("membership:");
    return text.includes(newVoter(this.ensemble));
  }

  async dispose(): Promise<void> {
    this.#admin.connection.cut();
    await this.ensemble.dispose();
  }
}

/** The line of the fourth server, as one that votes. */
function newVoter(ensemble: TestEnsemble): string {
  return `server.4=127.0.0.1:${ensemble.quorumPorts[3]}:participant;127.0.0.1:${ensemble.member(4).port}`;
}
