/**
 * A stage with the reference on one side and the server under test on the other. A plan is played to both step by step,
 * and the first step after which they do not say the same is the difference.
 *
 * Both servers live for many plans; each plan finds a tree with nothing in it but ZooKeeper's own znodes. After a
 * difference the servers are no longer alike, so both begin again in new folders.
 */

import { timed } from "../reporting/cases.ts";
import { subject, superUser, TestServer } from "../reference/server.ts";
import { Company, type Sections } from "./company.ts";
import type { Configuration } from "./configurations.ts";
import { putOldSnapshot } from "./old-root.ts";
import { quietReaper } from "./pair.ts";
import { clearTree } from "./scene.ts";
import type { Plan, Step } from "./plan.ts";

export interface Difference {
  /** Index of the step, or the number of steps when the servers differ in the end. */
  readonly step: number;
  readonly expected: Sections;
  readonly found: Sections;
}

/** Steps that end sessions: what goes with them goes in hash order. */
const endings: ReadonlySet<Step["kind"]> = new Set(["leave", "expire", "arrive"]);

export class Stage {
  readonly #configuration: Configuration;
  #servers: readonly TestServer[] = [];
  #areAlike = false;

  constructor(configuration: Configuration) {
    this.#configuration = configuration;
  }

  /** Plays the plan to both servers; null when they said the same from beginning to end. */
  async play(plan: Plan): Promise<Difference | null> {
    if (!this.#areAlike || this.#servers.some((server) => !server.isRunning)) await this.#beginAgain();
    const difference = await this.#playToBoth(plan);
    // What has become of the root's counters is not taken back when a plan ends.
    this.#areAlike = difference === null && !this.#configuration.hasOldRoot;
    return difference;
  }

  async dispose(): Promise<void> {
    await Promise.all(this.#servers.map((server) => server.dispose()));
    this.#servers = [];
  }

  async #beginAgain(): Promise<void> {
    await this.dispose();
    const { config, properties } = this.#configuration.settings;
    const settings = {
      config: { forceSync: "no", ...config },
      properties: { ...quietReaper, ...properties },
    };
    this.#servers = [new TestServer("reference", settings), new TestServer(subject, settings)];
    if (this.#configuration.hasOldRoot) for (const server of this.#servers) putOldSnapshot(server.dataFolder);
    await Promise.all(this.#servers.map((server) => server.start()));
  }

  async #playToBoth(plan: Plan): Promise<Difference | null> {
    const sides = this.#servers.map((server) => new Side(server, plan));
    const differenceAt = async (step: number, inAnyOrder: boolean, act: (side: Side) => Promise<void>) => {
      await Promise.all(sides.map((side) => side.attempt(act)));
      const [expected, found] = sides.map((side) => side.take(inAnyOrder));
      return JSON.stringify(expected) === JSON.stringify(found) ? null : { step, expected: expected!, found: found! };
    };
    let difference = await differenceAt(0, false, (side) => side.begin());
    for (let step = 0; step < plan.steps.length && difference === null; step++) {
      const next = plan.steps[step]!;
      difference = await differenceAt(step, endings.has(next.kind), (side) => side.play(next));
    }
    difference ??= await differenceAt(plan.steps.length, true, (side) => side.end(this.#configuration.hasDigest));
    for (const side of sides) side.breakUp();
    return difference;
  }
}

/** One server and its company. What goes wrong on a side is told by it, so that it can be compared. */
class Side {
  readonly #server: TestServer;
  readonly #plan: Plan;
  #company: Company | null = null;
  #failure: string | null = null;

  constructor(server: TestServer, plan: Plan) {
    this.#server = server;
    this.#plan = plan;
  }

  async attempt(act: (side: Side) => Promise<void>): Promise<void> {
    await timed(this.#server.build, async () => {
      try {
        await act(this);
      } catch (error) {
        const state = this.#server.isRunning ? "serves on" : "has ended";
        this.#failure = `${error instanceof Error ? error.message : String(error)}; the server ${state}`;
      }
    });
  }

  async begin(): Promise<void> {
    this.#company = await Company.gather(this.#server, this.#plan);
  }

  async play(step: Step): Promise<void> {
    await this.#company?.play(step);
  }

  /** Tells what the server has in the end, and clears up. */
  async end(hasSuperUser: boolean): Promise<void> {
    await this.#company?.look();
    await this.#company?.leave();
    await clearTree(this.#server.port, hasSuperUser ? superUser : null);
  }

  take(inAnyOrder: boolean): Sections {
    const said = this.#company?.take(inAnyOrder) ?? {};
    // Each side names its build: a failure of both is a difference too, never an agreement.
    return this.#failure === null ? said : { ...said, failure: [`${this.#server.folder}: ${this.#failure}`] };
  }

  breakUp(): void {
    this.#company?.breakUp();
  }
}
