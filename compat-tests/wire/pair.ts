/**
 * The reference and the server under test, side by side, and the one question of every wire test: do they say the same?
 */

import { afterAll, beforeAll, expect } from "vitest";
import { type ServerSettings, subject, superUser, TestServer } from "../reference/server.ts";
import { timed } from "../reporting/cases.ts";
import { clearTree, Scene } from "./scene.ts";

/** Containers are reaped by a clock of each server's own; off unless a test is about it. */
export const quietReaper = { "znode.container.checkIntervalMs": 3_600_000 };

export type Scenario = (scene: Scene) => Promise<void>;

export interface PairOptions extends ServerSettings {
  /** Identities expand in hash order: compare ACL lists sorted. */
  readonly sortAcl?: boolean;
}

export class Pair {
  readonly reference: TestServer;
  readonly subject: TestServer;
  readonly #options: PairOptions;

  constructor(options: PairOptions = {}) {
    this.#options = options;
    const settings = {
      config: { forceSync: "no", ...options.config },
      properties: { ...quietReaper, ...options.properties },
    };
    this.reference = new TestServer("reference", settings);
    this.subject = new TestServer(subject, settings);
  }

  async start(): Promise<void> {
    await Promise.all([this.reference.start(), this.subject.start()]);
  }

  async dispose(): Promise<void> {
    await Promise.all([this.reference.dispose(), this.subject.dispose()]);
  }

  /** Plays a scenario to both and asks that the transcripts be equal; leaves both trees empty. */
  async check(scenario: Scenario): Promise<void> {
    const [expected, found] = await Promise.all([
      this.#play(this.reference, scenario),
      this.#play(this.subject, scenario),
    ]);
    expect(found).toBe(expected);
  }

  async #play(server: TestServer, scenario: Scenario): Promise<string> {
    return timed(server.build, async () => {
      if (!server.isRunning) await server.start();
      const scene = await Scene.open(server.port, { sortAcl: this.#options.sortAcl ?? false });
      await scenario(scene);
      const transcript = await scene.end();
      await clearTree(server.port, superUser);
      return transcript;
    });
  }
}

/** A pair that lives for the tests of one file. */
export function pairOfServers(options: PairOptions = {}): Pair {
  const pair = new Pair(options);
  beforeAll(() => pair.start());
  afterAll(() => pair.dispose());
  return pair;
}
