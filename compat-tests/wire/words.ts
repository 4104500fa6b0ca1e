/**
 * Answers to four-letter words as lines that two servers must agree on: session ids by their names, hash order sorted
 * away, and of `mntr` the values that follow from what clients did.
 */

import type { Names } from "./transcript.ts";

/** Of mntr: what depends neither on time nor on the machine, nor on what the real server forgets to count. */
const comparedMetrics: ReadonlySet<string> = new Set([
  "zk_server_state",
  "zk_znode_count",
  "zk_watch_count",
  "zk_ephemerals_count",
  "zk_global_sessions",
  "zk_local_sessions",
  "zk_unrecoverable_error_count",
]);

export function describeWord(word: string, answer: string, names: Names): string[] {
  switch (word) {
    case "mntr":
      return answer
        .split("\n")
        .filter((line) => comparedMetrics.has(line.split("\t")[0] ?? ""))
        .sort();
    case "wchp":
    case "wchc":
      return groups(answer.replace(/\n+$/, "").split("\n"), names);
    case "dump":
      return ephemerals(answer, names);
    default:
      return answer.split("\n");
  }
}

/**
 * The part of `dump` that tells whose ephemerals there are; the others are about time. Sessions that have none left, which
 * the real server goes on listing, do not count.
 */
function ephemerals(answer: string, names: Names): string[] {
  const lines = answer.split("\n");
  const from = lines.indexOf("ephemeral nodes dump:");
  const to = lines.indexOf("Connections dump:");
  if (from === -1 || to === -1) return lines;
  return groups(lines.slice(from + 2, to), names).filter((group) => !group.endsWith(": "));
}

/** Heads, each with its indented lines, sorted within and without; the head of the empty path is an empty line. */
function groups(lines: readonly string[], names: Names): string[] {
  const found: { head: string; items: string[] }[] = [];
  for (const line of lines) {
    const text = line
      .replace(/^\t/, "")
      .replaceAll(/0x[0-9a-f]+/g, (id) => names.knownSession(BigInt.asIntN(64, BigInt(id))));
    if (line.startsWith("\t")) found.at(-1)?.items.push(text);
    else found.push({ head: text, items: [] });
  }
  return found.map(({ head, items }) => `${head} ${items.sort().join(" ")}`).sort();
}
