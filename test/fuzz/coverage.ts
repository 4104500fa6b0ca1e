/**
 * Which code of src/ has run, asked of V8 itself (`node:inspector`, precise block coverage), so that an input which reaches
 * something new is kept and changed further.
 *
 *   V8       counts blocks since it was last asked: functions, and in them the ranges that ran and those that did not
 *   here     for each function the places that have never run; an answer is news when there are fewer of them
 *
 * Ranges come merged where their counts agree, so they are no names for blocks: what is compared is the places they cover.
 *
 * V8 puts its counters into what it compiles from then on: there is one Coverage in a process, made before the code that it
 * watches is first called. Asking takes some milliseconds, and counting makes code a fifth to a half slower.
 */

import { Session, type Profiler } from "node:inspector";

/** `[start, end)` of places of a file, sorted, none touching another. */
type Places = readonly (readonly [start: number, end: number])[];

/** What was reached, by function. */
export type News = ReadonlyMap<string, Places>;

export class Coverage {
  readonly #session = new Session();
  /** By file and place: what of the function has never run. */
  readonly #missing = new Map<string, Places>();

  constructor() {
    this.#session.connect();
    this.#post("Profiler.enable");
    this.#post("Profiler.startPreciseCoverage", { callCount: true, detailed: true });
  }

  /** Functions that have run. */
  get functionCount(): number {
    return this.#missing.size;
  }

  /** Forgets what has run since it was last asked. */
  skip(): void {
    this.#post("Profiler.takePreciseCoverage");
  }

  /** @returns what has run since it was last asked and never had before, or null; it counts as known only if `isKept`. */
  take(isKept: boolean): News | null {
    const news = new Map<string, Places>();
    const { result } = this.#post("Profiler.takePreciseCoverage") as Profiler.TakePreciseCoverageReturnType;
    for (const { url, functions } of result) {
      const at = url.lastIndexOf("/src/");
      if (at < 0 || url.includes("/node_modules/")) continue;
      for (const each of functions) this.#takeFunction(url.slice(at), each, isKept, news);
    }
    return news.size === 0 ? null : news;
  }

  /** Forgets what is known: from now on all is news again. */
  reset(): void {
    this.skip();
    this.#missing.clear();
  }

  close(): void {
    this.#session.disconnect();
  }

  #takeFunction(file: string, { ranges }: Profiler.FunctionCoverage, isKept: boolean, news: Map<string, Places>): void {
    const [whole, ...inner] = ranges;
    if (whole === undefined || whole.count === 0) return;
    const key = `${file}:${whole.startOffset}:${whole.endOffset}`;
    const known = this.#missing.get(key) ?? [[whole.startOffset, whole.endOffset]];
    const idle = idlePlaces(inner);
    const reached = without(known, idle);
    if (reached.length === 0) return;
    news.set(key, reached);
    if (isKept) this.#missing.set(key, common(known, idle));
  }

  /** Within this process an answer comes before the call returns. */
  #post(method: string, params: object = {}): unknown {
    let answer: unknown;
    this.#session.post(method, params, (error, result) => {
      if (error !== null) throw new Error(`${method}: ${error.message}`);
      answer = result;
    });
    return answer;
  }
}

/** What did not run within a function. A range within another counts for its own places. */
function idlePlaces(inner: readonly Profiler.CoverageRange[]): Places {
  let idle: Places = [];
  for (const { startOffset, endOffset, count } of inner) {
    const rest = without(idle, [[startOffset, endOffset]]);
    idle = count > 0 ? rest : [...rest, [startOffset, endOffset] as const].sort(([a], [b]) => a - b);
  }
  return idle;
}

/** Whether all that is in one is in the other. */
export function includes(news: News, all: News): boolean {
  return [...all].every(([key, places]) => without(places, news.get(key) ?? []).length === 0);
}

function common(a: Places, b: Places): Places {
  return without(a, without(a, b));
}

/** What of `places` is not in `others`. */
function without(places: Places, others: Places): Places {
  let left: Places = places;
  for (const [from, to] of others) {
    left = left.flatMap(([start, end]): Places => {
      if (to <= start || end <= from) return [[start, end]];
      const parts: [number, number][] = [];
      if (start < from) parts.push([start, from]);
      if (to < end) parts.push([to, end]);
      return parts;
    });
  }
  return left;
}
