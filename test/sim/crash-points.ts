/**
 * A member dies at every single effect that it has on the world in a script (scripts.ts): before each call that changes its
 * disk, before each send. What comes after an effect comes before the next one. Each point is tried in three ways:
 *
 *   killed   the process is gone, the disk has what was written
 *   unpowered   the machine is gone, and everything that was not synced
 *   torn     the machine is gone in the middle of the call: of what was not synced some sectors are there
 *
 * Then it starts again, and in the end all must be well, as in any run (sim-ensemble.ts): of a change of the members, all is there
 * everywhere or nothing anywhere (config-check.ts). This is no sample: every point is tried.
 */

import { Dice } from "./schedule.ts";
import type { Script } from "./scripts.ts";
import { SimEnsemble } from "./sim-ensemble.ts";

export type Death = "killed" | "unpowered" | "torn";

export const deaths: readonly Death[] = ["killed", "unpowered", "torn"];

export interface CrashPoint {
  /** The effect before which the member dies; counted from 0. */
  readonly index: number;
  readonly death: Death;
}

/**
 * Plays a script; the subject dies at the point, or never.
 * @returns how many effects it had: with a point, up to its death.
 * @throws Error that says what went wrong.
 */
export async function playScript(
  script: Script,
  point: CrashPoint | null,
  onLine?: (line: string) => void,
): Promise<number> {
  const ensemble = new SimEnsemble({
    seed: 1,
    voters: 3,
    observers: script.observers ?? 0,
    clients: 1,
    networkMsMax: 2,
    diskMsMax: 2,
    config: { snapCount: 100, preAllocSize: 4, ...script.config },
    ...(onLine === undefined ? {} : { onLine }),
  });
  if (script.isFresh !== true) await ensemble.setUp();
  await script.prepare?.(ensemble);
  const subject = script.subject(ensemble);
  const dice = new Dice(point?.index ?? 0, "torn");
  let effects = 0;
  let isDead = false;
  subject.watchEffects((kind) => {
    if (isDead || effects++ !== point?.index) return "ok";
    isDead = true;
    onLine?.(`${ensemble.schedule.nowMs.toFixed(2)} --- ${point.death} at effect ${point.index}, ${kind}`);
    if (point.death === "torn") {
      // The call has begun, and ends never; what it brought lies in the cache of the disk.
      ensemble.schedule.after(0, () => subject.end(() => dice.oneIn(2), true));
      return "die";
    }
    const isPowerLost = point.death === "unpowered";
    subject.end(() => !isPowerLost, isPowerLost);
    return "die";
  });
  const { sync } = script;
  const syncsBefore = sync === undefined ? 0 : (ensemble.syncs.get(sync) ?? 0);
  const { reconfigs, elections } = ensemble;
  await script.play(ensemble);
  if (point === null && script.isChange === true && ensemble.reconfigs === reconfigs) {
    throw new Error("nothing has changed");
  }
  if (point === null && script.isNewEpoch === true && ensemble.elections === elections) {
    throw new Error("no other epoch has begun");
  }
  if (point === null && sync !== undefined && (ensemble.syncs.get(sync) ?? 0) === syncsBefore) {
    throw new Error(`nobody was brought up to date by ${sync}`);
  }
  subject.watchEffects(() => "ok");
  await ensemble.heal();
  ensemble.judge();
  return effects;
}

/** Every point of a script, in every way. @returns how many were tried. @throws Error that names the first that failed. */
export async function playAllPoints(script: Script): Promise<number> {
  const count = await playScript(script, null);
  for (let index = 0; index < count; index++) {
    for (const death of deaths) {
      try {
        await playScript(script, { index, death });
      } catch (error) {
        throw new Error(`${script.name}: ${death} at effect ${index} of ${count}`, { cause: error });
      }
    }
  }
  return count * deaths.length;
}
