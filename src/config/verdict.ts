/**
 * What becomes of each key of a zoo.cfg and of each -D flag: the key tables (key-row.ts), asked one key at a time.
 * Nothing throws here; `check` prints the judgements, the loader refuses to start on the first that is "refused".
 *
 * A key that no table knows is never an error, since ZooKeeper makes a system property of it and goes on. It gets a
 * warning with the nearest known name, or, for the short names that the administrator's guide prints and the code
 * never read, with the name that works. Those names stay without effect: a file that was harmless must not change
 * behaviour.
 */

import { javaTrim } from "#base/java-values.ts";
import type { PropertyEntry } from "#base/java-properties.ts";
import type { KeyRow, Verdict } from "./key-row.ts";
import { parserKeys } from "./parser-keys.ts";
import { flagKeys, propertyKeys } from "./property-keys.ts";
import { securityKeys } from "./security-keys.ts";
import { propertyPrefix } from "./system-properties.ts";

export interface Judgement {
  /** The key, trimmed, or a flag's whole property name. */
  readonly key: string;
  /** Line of the file; 0 for a flag. */
  readonly line: number;
  /** unknown: no table has it, or it does nothing where it stands. overridden: the same key comes again later. */
  readonly outcome: Verdict | "unknown" | "overridden";
  /** One sentence that names the key; "" when there is nothing to say. */
  readonly text: string;
  /** ensembleOnly: the sentence for a member of an ensemble, where the key has no effect there. */
  readonly memberText?: string;
}

const settableKeys = [...propertyKeys, ...securityKeys];

/** Names that documents show and nothing reads, each with the zoo.cfg key that works. */
export const deadNames: ReadonlyMap<string, string> = new Map([
  ["connectionMaxTokens", "connection_throttle_tokens"],
  ["connectionTokenFillTime", "connection_throttle_fill_time"],
  ["connectionTokenFillCount", "connection_throttle_fill_count"],
  ["connectionFreezeTime", "connection_throttle_freeze_time"],
  ["connectionDropIncrease", "connection_throttle_drop_increase"],
  ["connectionDropDecrease", "connection_throttle_drop_decrease"],
  ["connectionDecreaseRatio", "connection_throttle_decrease_ratio"],
  ["requestThrottleLimit", "request_throttle_max_requests"],
  ["requestThrottleStallTime", "request_throttle_stall_time"],
  ["requestThrottleDropStale", "request_throttle_drop_stale"],
  ["requestStaleLatencyCheck", "request_stale_latency_check"],
  ["requestStaleConnectionCheck", "request_stale_connection_check"],
  ["maxConcurrentSnapSyncs", "leader.maxConcurrentSnapSyncs"],
  ["maxConcurrentDiffSyncs", "leader.maxConcurrentDiffSyncs"],
  ["maxTimeToWaitForEpoch", "leader.maxTimeToWaitForEpoch"],
  ["advancedFlowControlEnabled", "netty.advancedFlowControl.enabled"],
]);

/** Whether ZooKeeper's parser knows the key, so that it does not become a system property. */
export function isParserKey(key: string): boolean {
  return find(parserKeys, key) !== null;
}

/** Judges every key of a file, in file order, and every flag that the file does not override. */
export function judge(entries: readonly PropertyEntry[], flags: ReadonlyMap<string, string>): Judgement[] {
  const lastLineOf = new Map(entries.map(({ key, line }) => [javaTrim(key), line]));
  const judgements = entries.map((entry): Judgement => {
    const key = javaTrim(entry.key);
    const lastLine = lastLineOf.get(key)!;
    if (lastLine !== entry.line) {
      const text = `${key} is given again on line ${lastLine}, and the last one wins`;
      return { key, line: entry.line, outcome: "overridden", text };
    }
    return { line: entry.line, ...judgeKey(key, javaTrim(entry.value)) };
  });
  for (const [name, value] of flags) {
    const key = name.startsWith(propertyPrefix) ? name.slice(propertyPrefix.length) : null;
    if (key !== null && lastLineOf.has(key) && !isParserKey(key)) continue;
    const judgement = key === null ? judgeFlag(name, value) : judgePrefixedFlag(name, key, value);
    if (judgement !== null) judgements.push({ line: 0, ...judgement });
  }
  return judgements;
}

/** The judgement on the same key for a member of an ensemble. */
export function judgementForMember(judgement: Judgement): Judgement {
  const { outcome, memberText } = judgement;
  if (outcome !== "ensembleOnly") return judgement;
  if (memberText === undefined) return { ...judgement, outcome: "honoured" };
  return { ...judgement, outcome: "noEffect", text: memberText };
}

/** The known zoo.cfg key or -D name nearest to this one, or null when none is near; letter case does not count. */
export function nearestName(name: string, names: readonly string[] = knownNames): string | null {
  let nearest: string | null = null;
  let distanceMin = Math.min(3, Math.floor(name.length / 3)) + 1;
  for (const known of names) {
    const distance = editDistance(name.toLowerCase(), known.toLowerCase());
    if (distance >= distanceMin) continue;
    nearest = known;
    distanceMin = distance;
  }
  return nearest;
}

type Finding = Omit<Judgement, "line">;

function judgeKey(key: string, value: string): Finding {
  const row = find(parserKeys, key) ?? find(settableKeys, key);
  if (row !== null) return judgeRow(row, key, value);
  const working = deadNames.get(key);
  if (working !== undefined) {
    return unknown(key, `${key} has no effect, here or in ZooKeeper; the key that works is ${working}`);
  }
  if (find(flagKeys, key) !== null) {
    return unknown(
      key,
      `${key} has no effect in a configuration file, here or in ZooKeeper; pass it as -D${key}=VALUE`,
    );
  }
  if (key.startsWith(propertyPrefix)) {
    const short = key.slice(propertyPrefix.length);
    return unknown(key, `${key} has no effect, here or in ZooKeeper; in a configuration file the key is ${short}`);
  }
  return unknown(key, `${key} is a key that nothing reads${suggestion(nearestName(key))}`);
}

function judgePrefixedFlag(name: string, key: string, value: string): Finding {
  const row = find(settableKeys, key);
  if (row !== null) return judgeRow(row, name, value);
  const working = deadNames.get(key);
  if (working !== undefined) {
    return unknown(name, `-D${name} has no effect, here or in ZooKeeper; what works is -D${propertyPrefix}${working}`);
  }
  if (find(flagKeys, key) !== null) {
    return unknown(name, `-D${name} has no effect, here or in ZooKeeper; its name is ${key}`);
  }
  if (isParserKey(key)) {
    return unknown(name, `-D${name} has no effect, here or in ZooKeeper; ${key} is a key of the configuration file`);
  }
  const nearest = nearestName(key, settableNames);
  return unknown(
    name,
    `-D${name} is a property that nothing reads${suggestion(nearest === null ? null : propertyPrefix + nearest)}`,
  );
}

/** Other properties of a JVM are none of our business. */
function judgeFlag(name: string, value: string): Finding | null {
  const row = find(flagKeys, name);
  return row === null ? null : judgeRow(row, name, value);
}

function judgeRow(row: KeyRow, key: string, value: string): Finding {
  const reason = row.refuse?.(value) ?? (row.verdict === "refused" ? row.text : null);
  if (reason !== null) return { key, outcome: "refused", text: reason };
  const saying = (why: string): string => `${key} has no effect here: ${why}`;
  if (row.unheeded !== undefined) return { key, outcome: row.verdict, text: "", memberText: saying(row.unheeded) };
  return { key, outcome: row.verdict, text: row.verdict === "noEffect" ? saying(row.text) : "" };
}

function unknown(key: string, text: string): Finding {
  return { key, outcome: "unknown", text };
}

function suggestion(nearest: string | null): string {
  return nearest === null ? "" : `; did you mean ${nearest}?`;
}

/** The row of this very name, else the one with the longest fitting pattern. */
function find(rows: readonly KeyRow[], key: string): KeyRow | null {
  let best: KeyRow | null = null;
  for (const row of rows) {
    if (row.name === key) return row;
    const isPattern = row.name.endsWith("*");
    if (!isPattern || key.length < row.name.length || !key.startsWith(row.name.slice(0, -1))) continue;
    if (best === null || row.name.length > best.name.length) best = row;
  }
  return best;
}

function exactNames(rows: readonly KeyRow[]): string[] {
  return rows.map(({ name }) => name).filter((name) => !name.endsWith("*"));
}

const settableNames = exactNames(settableKeys);
const knownNames = [...exactNames(parserKeys), ...settableNames];

/** Insertions, deletions, replacements and swaps of neighbours that turn one text into the other. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replace = last[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      let cost = Math.min(replace, last[j]! + 1, row[j - 1]! + 1);
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (isSwap) cost = Math.min(cost, beforeLast[j - 2]! + 1);
      row.push(cost);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length]!;
}
