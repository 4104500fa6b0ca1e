/**
 * What an attack on a server is, and what it may cost. Somebody takes as much of one thing as they can get: connections, bytes,
 * watches, sessions, descriptors. Others must hardly notice, and the server must be as before once it is over. What that
 * means stands beside each attack as limits: a measure and the number that it must not exceed, or must reach.
 *
 *   small   some seconds in all, with `npm test`: counts, memory and survival are held to, and times only as far as a busy
 *           machine allows
 *   full    the numbers of the attack's own description; times count as well
 */

import type { Stage } from "./stage.ts";

export type Scale = "small" | "full";

/** What is measured, in words and with its unit; the table of LIMITS.md shows these. */
export const measures = {
  p50Ms: "others' median, ms",
  p99Ms: "others' p99, ms",
  p99Times: "others' p99, times that before",
  maxMs: "others' longest wait, ms",
  sessionsLost: "others' sessions lost",
  busyMs: "longest work without a pause, ms of CPU",
  stallMs: "longest stall of the event loop, ms",
  grownMb: "memory grown, MB",
  peakMb: "memory grown at most, MB",
  attempts: "attempts",
  perSecond: "a second",
  open: "open at once",
  closedMs: "closed after, ms",
  unanswered: "left open or unanswered",
  replies: "answered",
  refused: "refused",
  bytesEach: "bytes each",
  tookMs: "took, ms",
  restartMs: "restart, ms",
  backMs: "all back after, ms",
  outstandingMax: "outstanding at most",
  isRestored: "served again afterwards",
  elections: "elections",
  growthTimes: "time for four times as much, times",
} as const;

export type Measure = keyof typeof measures;
export type Values = Partial<Readonly<Record<Measure, number>>>;

export interface Limit {
  readonly measure: Measure;
  readonly atMost?: number;
  readonly atLeast?: number;
}

export interface Attack {
  readonly name: string;
  /** What is done to the server, in a sentence or two. */
  readonly about: string;
  /** What is held to, beyond {@link commonLimits}. */
  readonly limits: (scale: Scale) => readonly Limit[];
  /** Attacks. @throws when the server did something that no number can excuse, its own end above all. */
  readonly run: (stage: Stage) => Promise<Values>;
}

export interface Verdict {
  readonly attack: Attack;
  readonly values: Values;
  readonly limits: readonly Limit[];
  /** What was not held, in words; empty if all was. */
  readonly broken: readonly string[];
}

/**
 * What every attack is held to. How long others wait is a matter of the machine as well, so that the bound is wide; the work that
 * the event loop does at a stretch is the server's own.
 */
export function commonLimits(scale: Scale): readonly Limit[] {
  const survival: Limit[] = [
    { measure: "sessionsLost", atMost: 0 },
    { measure: "maxMs", atMost: 2500 },
  ];
  return scale === "small" ? survival : [...survival, { measure: "busyMs", atMost: 200 }];
}

/** Holds what was measured against the limits. */
export function judge(attack: Attack, values: Values, scale: Scale): Verdict {
  const own = attack.limits(scale);
  const isOwn = ({ measure }: Limit): boolean => own.some((limit) => limit.measure === measure);
  const limits = [...own, ...commonLimits(scale).filter((limit) => !isOwn(limit) && limit.measure in values)];
  const broken = limits.flatMap((limit) => {
    const value = values[limit.measure];
    if (value === undefined) return [`${measures[limit.measure]}: not measured`];
    const isHeld = value <= (limit.atMost ?? Infinity) && value >= (limit.atLeast ?? -Infinity);
    return isHeld ? [] : [`${limitText(limit)}: ${numberText(value)}`];
  });
  return { attack, values, limits, broken };
}

export function limitText({ measure, atMost, atLeast }: Limit): string {
  const bounds = [
    atLeast === undefined ? "" : `>= ${numberText(atLeast)}`,
    atMost === undefined ? "" : `<= ${numberText(atMost)}`,
  ];
  return `${measures[measure]} ${bounds.filter((bound) => bound !== "").join(", ")}`;
}

export function numberText(value: number): string {
  if (Number.isInteger(value) || Math.abs(value) >= 1000) return Math.round(value).toLocaleString("en-US");
  return String(Number(value.toPrecision(3)));
}
