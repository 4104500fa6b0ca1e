/**
 * The whole point: an ensemble of real ZooKeepers becomes one of ours, one server at a time, while kazoo, Java and Go clients
 * write to it, and back again. No acknowledged write is lost, no session expires, no digest differs.
 *
 * `npm run compat -- migrate` prints a timeline of it.
 */

import { expect, test } from "vitest";
import { type Build, subject } from "../reference/server.ts";
import { TestEnsemble } from "./ensemble.ts";
import { SteadyLoad } from "./load.ts";
import { isShort } from "../shard.ts";

const timeoutMs = 600_000;

class Timeline {
  readonly #startMs = performance.now();
  readonly #load: SteadyLoad;
  readonly #ensemble: TestEnsemble;

  constructor(ensemble: TestEnsemble, load: SteadyLoad) {
    this.#ensemble = ensemble;
    this.#load = load;
  }

  /** A line: when, what was done, who is there now, how many writes have been acknowledged. */
  async note(what: string): Promise<void> {
    const members: string[] = [];
    for (const sid of this.#ensemble.sids) {
      const { build, isRunning } = this.#ensemble.member(sid);
      const mode = isRunning ? ((await this.#ensemble.modeOf(sid)) ?? "looking") : "down";
      members.push(`${sid} ${build} ${mode}`.padEnd(20));
    }
    const seconds = ((performance.now() - this.#startMs) / 1000).toFixed(1).padStart(6);
    process.stdout.write(
      `  ${seconds} s  ${what.padEnd(28)} ${members.join("  ")}  ${this.#load.acknowledged} writes\n`,
    );
  }
}

/** Replaces each member by the build, the leader last, as one rolls out a new version. */
async function roll(ensemble: TestEnsemble, build: Build, load: SteadyLoad, timeline: Timeline): Promise<void> {
  const leader = await ensemble.leader();
  for (const sid of [...ensemble.sids.filter((other) => other !== leader), leader]) {
    await ensemble.replace(sid, build);
    await timeline.note(`server ${sid} is stopped`);
    await ensemble.launch(sid);
    await ensemble.settled();
    await load.goesOn();
    await timeline.note(`server ${sid} is ${build} now`);
  }
}

/** `--shard ci` makes do with three. */
const sizes = isShort ? [3] : [3, 5];

test.each(sizes)("an ensemble of %i moves over under load, and back", { timeout: timeoutMs }, async (size) => {
  const ensemble = await TestEnsemble.start({ builds: Array.from({ length: size }, () => "reference") });
  const load = await SteadyLoad.start(ensemble.connectString);
  try {
    const timeline = new Timeline(ensemble, load);
    await timeline.note("the load runs");
    await roll(ensemble, subject, load, timeline);
    await ensemble.member(await ensemble.leader()).kill();
    await ensemble.settled();
    await load.goesOn();
    await timeline.note("a leader was killed");
    for (const sid of ensemble.sids) if (!ensemble.member(sid).isRunning) await ensemble.launch(sid);
    await roll(ensemble, "reference", load, timeline);
    const { acknowledged, lost } = await load.expectAllKept(ensemble.member(1).port);
    process.stdout.write(`  ${acknowledged} writes acknowledged, all kept; ${lost} calls were cut off\n`);
    await ensemble.hasNoEphemerals();
    await ensemble.expectAtOne("in the end");
    await ensemble.expectReadableByOthers();
    expect(acknowledged).toBeGreaterThan(0);
  } finally {
    load.kill();
    await ensemble.dispose();
  }
});
