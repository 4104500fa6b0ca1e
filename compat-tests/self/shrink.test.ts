/** Failing plans get small, stay failing, and survive the way to a file and back. */

import { expect, test } from "vitest";
import { drawPlan, requestLists, type Plan } from "../wire/plan.ts";
import { planOfText, textOfPlan } from "../wire/plan-file.ts";
import { configurations } from "../wire/configurations.ts";
import { op, type Asked } from "../wire/requests.ts";
import { shrink, sizeOf } from "../wire/shrink.ts";

function requestsOf(plan: Plan): Asked[] {
  return plan.steps.flatMap((step) => requestLists(step).flat());
}

/** Fails like a server that forgets a watch when its session is taken over between an exists and a setData. */
function needsThreeThings(plan: Plan): boolean {
  const watching = plan.steps.findIndex((step) =>
    requestLists(step)
      .flat()
      .some((one) => one.op === op.exists),
  );
  const returning = plan.steps.findIndex((step, index) => index > watching && step.kind === "return");
  const writing = plan.steps.findIndex(
    (step, index) =>
      index > returning &&
      requestLists(step)
        .flat()
        .some((one) => one.op === op.setData),
  );
  return watching !== -1 && returning !== -1 && writing !== -1;
}

test.each([1, 2, 3])("the plan of seed %i shrinks to what the failure needs", async (seed) => {
  const whole = drawPlan(seed, "default settings", 1500);
  expect(needsThreeThings(whole)).toBe(true);
  const { plan, trials } = await shrink(whole, async (candidate) => needsThreeThings(candidate));
  expect(needsThreeThings(plan)).toBe(true);
  expect(plan.steps).toHaveLength(3);
  expect(requestsOf(plan)).toHaveLength(2);
  expect(sizeOf(plan)).toBeLessThanOrEqual(7);
  expect(trials).toBeLessThan(400);
  expect(plan.sessions.length).toBeLessThanOrEqual(3);
});

test("a failure that needs everything stays whole, and trials end when they are used up", async () => {
  const whole = drawPlan(5, "default settings", 300);
  const size = sizeOf(whole);
  const { plan } = await shrink(whole, async (candidate) => sizeOf(candidate) >= size);
  expect(sizeOf(plan)).toBe(size);
  const hurried = await shrink(whole, async () => true, { trialsMax: 3 });
  expect(hurried.trials).toBe(3);
});

test.each(configurations)("a plan for $name is the same from the same seed, and from its file", ({ name }) => {
  const plan = drawPlan(7, name, 3000);
  expect(drawPlan(7, name, 3000)).toEqual(plan);
  expect(drawPlan(8, name, 3000)).not.toEqual(plan);
  const text = textOfPlan({ story: "none", plan });
  expect(planOfText(text)).toEqual({ story: "none", plan });
});

test("plans hold every kind of step, every opcode, and nothing that would end the real server", () => {
  const plans = configurations.map(({ name }, index) => drawPlan(100 + index, name, 10_000));
  const kinds = new Set(plans.flatMap((plan) => plan.steps.map((step) => step.kind)));
  const allKinds = "arrive chorus cut expire half knock leave offend rattle return speak spoil word";
  expect([...kinds].sort()).toEqual(allKinds.split(" "));
  const codes = new Set(plans.flatMap((plan) => requestsOf(plan)).map((one) => one.op));
  const spoken = Object.values(op).filter((code) => code !== op.check && code !== op.closeSession);
  const neverSpoken: ReadonlySet<number> = new Set([op.createSession, op.deleteContainer]);
  for (const code of spoken) expect(codes.has(code), `opcode ${code}`).toBe(!neverSpoken.has(code));
});
