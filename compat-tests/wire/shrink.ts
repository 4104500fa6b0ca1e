/**
 * Makes a failing plan small: what can be left out without the failure going away is left out.
 *
 * Delta debugging: of a list, halves are left out, then quarters, down to single items, for as long as anything goes. First
 * the list of steps, then the requests of each step, then the steps again, since a smaller step may need fewer others. It
 * ends when a whole round leaves nothing out, or when the trials or the time are used up.
 */

import type { Plan, Step } from "./plan.ts";
import type { Asked } from "./requests.ts";

/** Whether a plan still fails; a trial may take a second, so they are counted. */
export type Fails = (plan: Plan) => Promise<boolean>;

export interface Shrunk {
  readonly plan: Plan;
  readonly trials: number;
}

export interface ShrinkLimits {
  readonly trialsMax?: number;
  /** By `performance.now()`. */
  readonly deadlineMs?: number;
}

/**
 * @param failing a plan that fails.
 * @returns a plan that fails with nothing in it that can be left out alone, as far as the limits allow.
 */
export async function shrink(failing: Plan, fails: Fails, limits: ShrinkLimits = {}): Promise<Shrunk> {
  const shrinker = new Shrinker(failing, fails, limits);
  let before: number;
  do {
    before = sizeOf(shrinker.plan);
    await shrinker.round();
  } while (sizeOf(shrinker.plan) < before);
  return { plan: shrinker.plan, trials: shrinker.trials };
}

/** Steps and requests of a plan. */
export function sizeOf(plan: Plan): number {
  return plan.steps.reduce((sum, step) => sum + 1 + listsOf(step).reduce((more, list) => more + list.length, 0), 0);
}

class Shrinker {
  /** The smallest plan so far that fails. */
  plan: Plan;
  trials = 0;
  readonly #fails: Fails;
  readonly #limits: ShrinkLimits;

  constructor(failing: Plan, fails: Fails, limits: ShrinkLimits) {
    this.plan = failing;
    this.#fails = fails;
    this.#limits = limits;
  }

  async round(): Promise<void> {
    await reduce(this.plan.steps, (steps) => this.#attempt({ ...this.plan, steps }));
    for (let index = 0; index < this.plan.steps.length; index++) await this.#shrinkStep(index);
    await this.#attempt(withFewerSessions(this.plan));
  }

  async #shrinkStep(index: number): Promise<void> {
    const count = listsOf(this.plan.steps[index]!).length;
    for (let which = 0; which < count; which++) {
      // Voices of a chorus may have gone in the meantime.
      const list = listsOf(this.plan.steps[index]!)[which] ?? [];
      await reduce(list, (remaining) => {
        const step = withList(this.plan.steps[index]!, which, remaining);
        return this.#attempt({ ...this.plan, steps: this.plan.steps.with(index, step) });
      });
    }
  }

  async #attempt(candidate: Plan): Promise<boolean> {
    const { trialsMax = 400, deadlineMs = Infinity } = this.#limits;
    if (this.trials >= trialsMax || performance.now() > deadlineMs) return false;
    this.trials++;
    if (!(await this.#fails(candidate))) return false;
    this.plan = candidate;
    return true;
  }
}

/** Leaves out runs of items, long ones first, as long as `isEnough` takes what remains. */
async function reduce<Item>(
  items: readonly Item[],
  isEnough: (remaining: readonly Item[]) => Promise<boolean>,
): Promise<void> {
  let kept = items;
  for (let run = Math.ceil(kept.length / 2); run >= 1; run = run === 1 ? 0 : Math.ceil(run / 2)) {
    // From the end: what comes last is what the failure does not need, more often than not.
    for (let end = kept.length; end > 0; end -= run) {
      const remaining = [...kept.slice(0, Math.max(0, end - run)), ...kept.slice(end)];
      if (await isEnough(remaining)) kept = remaining;
    }
  }
}

/** The lists of a step of which single items can be left out. */
function listsOf(step: Step): (readonly unknown[])[] {
  if (step.kind === "leave") return [step.asked, step.behind];
  if (step.kind === "chorus") return [step.voices, ...step.voices.map((voice) => voice.asked)];
  if (step.kind === "cut") return [step.wrong];
  return step.kind !== "offend" && "asked" in step ? [step.asked] : [];
}

/** The step with one of its lists replaced by some of its items. */
function withList(step: Step, which: number, list: readonly unknown[]): Step {
  if (step.kind === "cut") return { ...step, wrong: list as typeof step.wrong };
  if (step.kind === "chorus" && which === 0) return { ...step, voices: list as typeof step.voices };
  const asked = list as readonly Asked[];
  if (step.kind === "chorus") {
    const voice = step.voices[which - 1]!;
    return { ...step, voices: step.voices.with(which - 1, { ...voice, asked }) };
  }
  return step.kind === "leave" && which === 1 ? { ...step, behind: asked } : ({ ...step, asked } as Step);
}

/** Without the sessions that have nothing to do, and with lower numbers for the others. */
function withFewerSessions(plan: Plan): Plan {
  const busy = new Set(plan.steps.flatMap(speakersOf));
  const kept = plan.sessions.map((_, who) => who).filter((who) => busy.has(who));
  const numberOf = (who: number): number => kept.indexOf(who);
  const steps = plan.steps.map((step): Step => {
    if (step.kind === "chorus") {
      return { ...step, voices: step.voices.map((voice) => ({ ...voice, who: numberOf(voice.who) })) };
    }
    return "who" in step ? { ...step, who: numberOf(step.who) } : step;
  });
  return { ...plan, sessions: kept.map((who) => plan.sessions[who]!), steps };
}

function speakersOf(step: Step): number[] {
  if (step.kind === "chorus") return step.voices.map((voice) => voice.who);
  return "who" in step ? [step.who] : [];
}
