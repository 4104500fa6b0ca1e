/**
 * Links that fail. A link that is cut is silent (what is sent waits, and nobody is told) or refuses connections: the first is
 * found out by timeouts, the second at once.
 */

import { setTimeout as delay } from "node:timers/promises";
import type { LinkRule } from "../links/rules.ts";
import { type Nemesis, shuffled, type Stage } from "./nemesis.ts";

/** Long enough for a new leader, and for the old one to notice. */
const cutMsMin = 2_500;
const cutMsMore = 3_500;

/** Who does not hear whom: from, to. */
type Deafness = readonly (readonly [number, number])[];

function apart(some: readonly number[], others: readonly number[]): Deafness {
  return some.flatMap((a) => others.flatMap((b) => [[a, b] as const, [b, a] as const]));
}

async function cut(stage: Stage, what: string, choose: (stage: Stage) => Promise<Deafness>): Promise<void> {
  const { ensemble, dice, say } = stage;
  const deafness = await choose(stage);
  const kind = dice.oneIn(3) ? "refused" : "silent";
  say(`${what}, ${kind}: ${deafness.map(([from, to]) => `${from}>${to}`).join(" ")}`);
  await ruleAll(stage, deafness, { kind });
  await delay(cutMsMin + dice.below(cutMsMore));
  say("heal links");
  await ensemble.links.heal();
}

async function ruleAll({ ensemble }: Stage, links: Deafness, rule: LinkRule): Promise<void> {
  for (const [from, to] of links) await ensemble.links.rule(from, [to], rule);
}

/** Two parts, one of which is a majority. */
async function halves({ ensemble: { sids }, dice }: Stage): Promise<Deafness> {
  const order = shuffled(sids, dice);
  const count = 1 + dice.below(Math.floor(sids.length / 2));
  return apart(order.slice(0, count), order.slice(count));
}

/** Two halves that have one member in common, which both can see. */
async function bridge({ ensemble: { sids }, dice }: Stage): Promise<Deafness> {
  const [, ...others] = shuffled(sids, dice);
  const half = Math.floor(others.length / 2);
  return apart(others.slice(0, half), others.slice(half));
}

async function blindNode({ ensemble, dice }: Stage): Promise<Deafness> {
  const blind = dice.pick(ensemble.sids);
  return ensemble.othersThan(blind).map((other) => [other, blind] as const);
}

async function blindToOne({ ensemble, dice }: Stage): Promise<Deafness> {
  const [one, other] = shuffled(ensemble.sids, dice);
  return [[other!, one!]];
}

/** All links of some members go one by one, and come back in another order. */
async function swizzle(stage: Stage): Promise<void> {
  const { ensemble, dice, say } = stage;
  const { links, sids } = ensemble;
  const struck = shuffled(sids, dice).slice(0, 1 + dice.below(sids.length));
  for (const sid of struck) {
    say(`clog ${sid}`);
    await ruleAll(stage, apart([sid], ensemble.othersThan(sid)), { kind: "silent" });
    await delay(dice.below(1_000));
  }
  for (const sid of shuffled(struck, dice)) {
    say(`release ${sid}`);
    await ruleAll(stage, apart([sid], ensemble.othersThan(sid)), { kind: "open" });
    await delay(dice.below(1_000));
  }
  await links.heal();
}

/** Everything takes its time: on all links, or on those of one member. */
async function slow(stage: Stage): Promise<void> {
  const { ensemble, dice, say } = stage;
  const { sids, links } = ensemble;
  const struck = dice.oneIn(2) ? sids : [dice.pick(sids)];
  const rule = { kind: "slow", delayMs: dice.pick([10, 50, 200]), jitterMs: 50, bytesPerSecond: 200_000 } as const;
  say(`slow links of ${struck.join(", ")}: ${rule.delayMs} ms and more`);
  for (const sid of struck) await ruleAll(stage, apart([sid], ensemble.othersThan(sid)), rule);
  await delay(cutMsMin + dice.below(cutMsMore));
  say("links as before");
  await links.heal();
}

const common = { needs: "links", leavesOldLeaders: true } as const;

export const linkNemeses: readonly Nemesis[] = [
  {
    ...common,
    name: "halves",
    about: "two random parts that do not hear each other",
    strike: (stage) => cut(stage, "two parts", halves),
  },
  {
    ...common,
    name: "isolate-leader",
    about: "the leader hears nobody and nobody hears it",
    strike: (stage) =>
      cut(stage, "leader alone", async ({ ensemble }) => {
        const leader = await ensemble.leader();
        return apart([leader], ensemble.othersThan(leader));
      }),
  },
  {
    ...common,
    name: "bridge",
    about: "two halves that do not hear each other, and one member that hears and is heard by all",
    strike: (stage) => cut(stage, "bridge", bridge),
  },
  {
    ...common,
    name: "blind-node",
    about: "one member hears nobody, and is heard by all",
    strike: (stage) => cut(stage, "blind node", blindNode),
  },
  {
    ...common,
    name: "blind-to-one",
    about: "one member does not hear one other",
    strike: (stage) => cut(stage, "blind to one", blindToOne),
  },
  {
    ...common,
    name: "swizzle",
    about: "the links of some members go one by one, and come back in another order",
    strike: swizzle,
  },
  { ...common, name: "slow-links", about: "what is sent between members arrives late", strike: slow },
];
