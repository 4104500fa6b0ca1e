/**
 * What a workload's processes have done, in Jepsen's words: a process does one operation after the other, and each has one of
 * three results. Times are milliseconds of the machine's clock, with fractions.
 */

export interface Operation {
  readonly workload: string;
  readonly process: number;
  /** What was done: `enqueue`, `cas`. */
  readonly f: string;
  /** What with. */
  readonly value: Value;
  /** `unknown`: the connection was lost before the answer; it may have taken effect, or may do so still. */
  readonly type: "ok" | "fail" | "unknown";
  /** What came of it; null where nothing is known. */
  readonly result: Value;
  readonly invokedMs: number;
  readonly completedMs: number;
}

export type Value = null | string | number | readonly (string | number | null)[];

/** Those of one kind, and of one result where that is asked for. */
export function only(operations: readonly Operation[], f: string, ...types: readonly Operation["type"][]): Operation[] {
  return operations.filter((one) => one.f === f && (types.length === 0 || types.includes(one.type)));
}

/** @throws Error that says what is wrong, unless nothing is. */
export function expectNone(what: string, found: readonly unknown[]): void {
  if (found.length === 0) return;
  throw new Error(
    `${what}: ${found.slice(0, 10).join(", ")}${found.length > 10 ? ` and ${found.length - 10} more` : ""}`,
  );
}

/** What is in a list more than once. */
export function repeated<Item>(items: readonly Item[]): Item[] {
  const seen = new Set<Item>();
  return items.filter((item) => seen.size === seen.add(item).size);
}
