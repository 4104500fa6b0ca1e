/**
 * What becomes of a plan: nothing, if both servers said the same; else it is played again, made small, kept as a file, and
 * told about in words that say what differs and how to see it again.
 */

import { relative } from "node:path";
import { repositoryFolder } from "../reference/artifacts.ts";
import type { Sections } from "./company.ts";
import type { Difference, Stage } from "./play.ts";
import type { Plan } from "./plan.ts";
import { failureFile, writePlan } from "./plan-file.ts";
import { shrink, sizeOf } from "./shrink.ts";

const shrinkingMsMax = 120_000;

/** Plays the plan. @returns null, or what the failure has to say once it is small and kept. */
export async function verdictOn(stage: Stage, plan: Plan): Promise<string | null> {
  const difference = await stage.play(plan);
  if (difference === null) return null;
  const repeated = await stage.play(plan);
  if (repeated === null) return keep(plan, difference, "It happened once, and not when the plan was played again.");
  // What comes behind the first difference is no part of it.
  const start = { ...plan, steps: plan.steps.slice(0, repeated.step + 1) };
  let last = repeated;
  const fails = async (candidate: Plan): Promise<boolean> => {
    const found = await stage.play(candidate);
    if (found !== null) last = found;
    return found !== null;
  };
  const small = await shrink(start, fails, { deadlineMs: performance.now() + shrinkingMsMax });
  return keep(small.plan, last, `Of ${sizeOf(plan)} steps and requests these are left, after ${small.trials} trials.`);
}

function keep(plan: Plan, difference: Difference, how: string): string {
  const file = failureFile(plan);
  const what = describe(plan, difference);
  writePlan(file, { story: `${what}\n${how}`.split("\n").join(" | "), plan });
  const name = relative(repositoryFolder, file);
  return [
    `seed ${plan.seed} under ${plan.configuration}: the servers differ`,
    what,
    how,
    `kept as ${name}; to play it: COMPAT_PLAN=${name} npm run compat -- wire/seeds`,
    "to keep it for good: move it to compat-tests/wire/seeds",
  ].join("\n");
}

const linesBefore = 12;

/** The first lines that differ, with what was said before. */
function describe(plan: Plan, { step, expected, found }: Difference): string {
  const place = plan.steps[step]?.kind ?? "the end";
  const parts = Object.keys({ ...expected, ...found }).map((who) => differenceOf(who, expected, found));
  return [`at step ${step} of ${plan.steps.length} (${place})`, ...parts.filter((part) => part !== "")].join("\n");
}

function differenceOf(who: string, expected: Sections, found: Sections): string {
  const ofReference = expected[who] ?? [];
  const ofSubject = found[who] ?? [];
  const longer = ofReference.length >= ofSubject.length ? ofReference : ofSubject;
  const at = longer.findIndex((_line, index) => ofReference[index] !== ofSubject[index]);
  if (at === -1) return "";
  const before = ofReference.slice(Math.max(0, at - linesBefore), at).map((line) => `    ${line}`);
  const nothing = "(nothing more)";
  return [`  ${who}`, ...before, `  3.9.5: ${ofReference[at] ?? nothing}`, `  here:  ${ofSubject[at] ?? nothing}`].join(
    "\n",
  );
}
