/**
 * What the desk relies on, judged by what all its actors said on the whole day: each is a promise of ZooKeeper's that the
 * programs build on, and a server that breaks one shows here, even where the story went on.
 */

import { type Desk, readers, routers } from "./desk.ts";

/** What every actor said on the whole day. */
type Day = Pick<Desk, "history">;

export interface Promised {
  readonly says: string;
  /** What was seen against it. */
  readonly broken: readonly string[];
}

/** A line `trade t-0000000003 o-7 INIT sell 10 99.00 epoch=2 by=bravo`. */
interface Trade {
  readonly line: string;
  readonly number: number;
  readonly order: string;
  readonly epoch: number;
  readonly router: string;
}

/** A line `config c-0000000003 risk-limits v1 max-order=300`. */
interface Change {
  readonly line: string;
  readonly number: number;
  readonly setting: string;
  readonly version: number;
}

interface Claim {
  readonly says: string;
  /** What was seen against it. */
  readonly against: (day: Day) => string[];
}

const claims: readonly Claim[] = [
  {
    says: "every reader sees the same trades in the same order, each once",
    against: (day) => different(day, "trade"),
  },
  {
    says: "every process applies the same changes in the same order, each once",
    against: (day) => different(day, "config"),
  },
  {
    says: "trades and changes are numbered without a gap",
    against: (day) => [...gaps(tradesOf(day)), ...gaps(changesOf(day))],
  },
  {
    says: "an order is traded once, and every order reported filled is traded",
    against: (day) => unfaithful(day, tradesOf(day)),
  },
  {
    says: "each epoch has one primary, and none publishes after the next began",
    against: (day) => usurped(day, tradesOf(day)),
  },
  {
    says: "a setting's versions follow one another",
    against: (day) => leaps(changesOf(day)),
  },
];

/** The promises, in the order in which they are judged. */
export const promises: readonly string[] = claims.map(({ says }) => says);

/** Judges the day. */
export function judge(day: Day): Promised[] {
  return claims.map(({ says, against }) => ({ says, broken: against(day) }));
}

/** Those that were not there to the end. */
const gone: ReadonlySet<string> = new Set(["alpha", "bravo"]);

/** Readers that saw anything but what the auditor reads in the end; one that left saw the beginning of it. */
function different(day: Day, kind: string): string[] {
  const linesOf = (name: (typeof readers)[number]): string[] =>
    day.history(name).filter((line) => line.startsWith(`${kind} `));
  const expected = linesOf("auditor");
  if (expected.length === 0) return [`no ${kind} at all`];
  return readers.flatMap((name) => {
    const lines = linesOf(name);
    const wanted = gone.has(name) ? expected.slice(0, lines.length) : expected;
    const place = wanted.findIndex((line, index) => line !== lines[index]);
    if (place !== -1) return [`${name} has "${lines[place] ?? "nothing"}" for "${wanted[place]}"`];
    return lines.length > wanted.length ? [`${name} has "${lines[wanted.length]}" too much`] : [];
  });
}

function gaps(sequence: readonly { line: string; number: number }[]): string[] {
  return sequence.filter(({ number }, index) => number !== index).map(({ line }) => line);
}

function unfaithful(day: Day, trades: readonly Trade[]): string[] {
  const orders = trades.map(({ order }) => order);
  const twice = trades
    .filter(({ order }, index) => orders.indexOf(order) !== index)
    .map(({ line }) => `twice: ${line}`);
  const said = routers.flatMap((name) => day.history(name));
  const reported = said.flatMap((line) => /^order (\S+) filled/.exec(line)?.[1] ?? []);
  const lost = reported.filter((order) => !orders.includes(order));
  return [...twice, ...lost.map((order) => `lost: ${order}`)];
}

function usurped(day: Day, trades: readonly Trade[]): string[] {
  const reigns = routers.flatMap((name) =>
    day.history(name).flatMap((line) => {
      const epoch = /^role primary epoch=(\d+)$/.exec(line)?.[1];
      return epoch === undefined ? [] : [{ name, epoch: Number(epoch) }];
    }),
  );
  const primaryOf = new Map(reigns.map(({ name, epoch }) => [epoch, name as string]));
  const shared = primaryOf.size === reigns.length ? [] : ["an epoch has two primaries"];
  const foreign = trades.filter(({ epoch, router }) => primaryOf.get(epoch) !== router);
  const late = trades.filter(({ epoch }, index) => epoch < (trades[index - 1]?.epoch ?? 0));
  return [
    ...shared,
    ...foreign.map(({ line }) => `not the primary: ${line}`),
    ...late.map(({ line }) => `late: ${line}`),
  ];
}

function leaps(changes: readonly Change[]): string[] {
  const next = new Map<string, number>();
  return changes.flatMap(({ line, setting, version }) => {
    const expected = next.get(setting) ?? 0;
    next.set(setting, version + 1);
    return version === expected ? [] : [line];
  });
}

/** The trades that are there in the end. */
function tradesOf(day: Day): Trade[] {
  return day.history("auditor").flatMap((line) => {
    const found = /^trade t-(\d{10}) (\S+) .* epoch=(\d+) by=(\S+)$/.exec(line);
    if (found === null) return [];
    const [, number, order = "", epoch, router = ""] = found;
    return [{ line, number: Number(number), order, epoch: Number(epoch), router }];
  });
}

/** The changes that are there in the end. */
function changesOf(day: Day): Change[] {
  return day.history("auditor").flatMap((line) => {
    const found = /^config c-(\d{10}) (\S+) v(\d+) /.exec(line);
    if (found === null) return [];
    const [, number, setting = "", version] = found;
    return [{ line, number: Number(number), setting, version: Number(version) }];
  });
}
