/**
 * Quota text: the data of a `zookeeper_limits` or `zookeeper_stats` znode.
 *
 *   count=C,bytes=B                                    soft limits, or totals
 *   count=C,bytes=B=;byteHardLimit=X;countHardLimit=Y  further keys, sorted; the stray "=" keeps old parsers happy
 *
 * -1, like a missing key, is "no limit". A text is cut at runs of "," and ";" and each piece at "=". Pieces that Java
 * cannot take apart or count with (`count`, `count=`, `count=x`) make ZooKeeper throw, in the middle of applying a
 * transaction when the text is a stats znode's; here such a text is null, and the caller treats it as absent.
 *
 * Numbers are Java longs; beyond 2^53 they are rounded here, except in keys that are only carried along.
 * Source: StatsTrack.java, ZooKeeperServer.checkQuota.
 */

import { javaSplit, parseJavaLong } from "#base/java-values.ts";

/** A parsed text. The server counts in `count` and `bytes`; all four are -1 where the text has no such key. */
export interface QuotaText {
  readonly count: number;
  readonly bytes: number;
  readonly countHardLimit: number;
  readonly byteHardLimit: number;
  /** Every key but count and bytes, with its number as Java prints it: what formatting has to preserve. */
  readonly furtherKeys: ReadonlyMap<string, string>;
}

/**
 * @param text null for a znode with null data.
 * @returns null where ZooKeeper's parser throws.
 */
export function parseQuotaText(text: string | null): QuotaText | null {
  if (text === null) return null;
  const values = new Map<string, bigint>();
  // StatsTrack does not look into the empty text, whose one piece would have no number.
  for (const piece of text === "" ? [] : javaSplit(text, /[,;]+/)) {
    const parts = javaSplit(piece, "=");
    const key = parts[0];
    const digits = parts[1];
    if (key === undefined || digits === undefined) return null;
    const value = digits === "" ? -1n : parseJavaLong(digits);
    if (value === null) return null;
    values.set(key, value);
  }
  return quotaTextOf(values);
}

/** The text of counted totals: what the server writes into a stats znode, keeping keys that others put there. */
export function formatQuotaText(
  count: number,
  bytes: number,
  furtherKeys: ReadonlyMap<string, string> = noKeys,
): string {
  let text = `count=${count},bytes=${bytes}`;
  if (furtherKeys.size === 0) return text;
  text += "=";
  for (const key of [...furtherKeys.keys()].sort()) text += `;${key}=${furtherKeys.get(key)!}`;
  return text;
}

/** A limit that a write would cross. Only a hard one refuses the write (QuotaExceeded); a soft one is logged. */
export interface QuotaExcess {
  readonly what: "count" | "bytes";
  readonly isHard: boolean;
  /** The total after the write. */
  readonly total: number;
  readonly limit: number;
}

/**
 * The limits that a write would cross, count before bytes; nothing is looked at behind a hard one. A delta of zero is
 * not checked, and a negative one is: a znode that shrinks can still be too much. Where both limits are set the hard
 * one alone counts.
 */
export function exceededQuotas(
  limits: QuotaText,
  totals: QuotaText,
  deltas: { count: number; bytes: number },
): readonly QuotaExcess[] {
  const count = exceededQuota("count", totals.count, deltas.count, limits.count, limits.countHardLimit);
  if (count?.isHard === true) return [count];
  const bytes = exceededQuota("bytes", totals.bytes, deltas.bytes, limits.bytes, limits.byteHardLimit);
  if (count === null) return bytes === null ? nothing : [bytes];
  return bytes === null ? [count] : [count, bytes];
}

/** The warning that operators search for, `path` being the znode the quota is set on. */
export function quotaExceededMessage(path: string, excess: QuotaExcess): string {
  const kind = excess.isHard ? "hard" : "soft";
  const limitName = excess.what === "count" ? "CountLimit" : "ByteLimit";
  return `Quota exceeded: ${path} [current ${excess.what}=${excess.total}, ${kind}${limitName}=${excess.limit}]`;
}

const nothing: readonly QuotaExcess[] = [];
const noKeys: ReadonlyMap<string, string> = new Map();

function exceededQuota(
  what: "count" | "bytes",
  current: number,
  delta: number,
  softLimit: number,
  hardLimit: number,
): QuotaExcess | null {
  if (delta === 0) return null;
  const isHard = hardLimit > -1;
  const limit = isHard ? hardLimit : softLimit;
  if (limit <= -1) return null;
  const total = current + delta;
  return total > limit ? { what, isHard, total, limit } : null;
}

function quotaTextOf(values: ReadonlyMap<string, bigint>): QuotaText {
  const furtherKeys = new Map<string, string>();
  for (const [key, value] of values) if (key !== "count" && key !== "bytes") furtherKeys.set(key, String(value));
  const numberOf = (key: string): number => Number(values.get(key) ?? -1n);
  return {
    count: numberOf("count"),
    bytes: numberOf("bytes"),
    countHardLimit: numberOf("countHardLimit"),
    byteHardLimit: numberOf("byteHardLimit"),
    furtherKeys,
  };
}
