/** What attacks came to: as lines of a terminal, and as the table of LIMITS.md, a line for each attack. */

import { fileURLToPath } from "node:url";
import { markedRows, writeMarkedTable } from "../support/marked-table.ts";
import {
  commonLimits,
  limitText,
  type Measure,
  measures,
  numberText,
  type Scale,
  type Values,
  type Verdict,
} from "./attack.ts";

const file = fileURLToPath(new URL("LIMITS.md", import.meta.url));
const mark = "limits";
const head = ["| Attack | Scale | Limits of its own | Measured | Held | When |", "|---|---|---|---|---|---|"];

export function verdictText({ attack, values, broken }: Verdict): string {
  const outcome = broken.length === 0 ? "held" : "NOT held";
  return [`${outcome}: ${attack.name}`, `  ${valuesText(values)}`, ...broken.map((what) => `  not held: ${what}`)].join(
    "\n",
  );
}

export function rowOf({ attack, values, limits, broken }: Verdict, scale: Scale, when: string): string {
  const common = new Set(commonLimits(scale).map(limitText));
  const own = limits.map(limitText).filter((text) => !common.has(text));
  const held = broken.length === 0 ? "yes" : `**no**: ${broken.join("; ")}`;
  const cells = [`**${attack.name}**: ${attack.about}`, scale, own.join("; "), valuesText(values), held, when];
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|").replaceAll("\n", " ")).join(" | ")} |`;
}

/** Puts the lines, by attack, into LIMITS.md; other attacks keep theirs. */
export function writeRows(rows: ReadonlyMap<string, string>, names: readonly string[]): void {
  const before = new Map(markedRows(mark, file).map((row) => [/^\| \*\*(.*?)\*\*/.exec(row)?.[1] ?? "", row]));
  const lines = names.flatMap((name) => rows.get(name) ?? before.get(name) ?? []);
  writeMarkedTable(mark, `${[...head, ...lines].join("\n")}\n`, file);
}

function valuesText(values: Values): string {
  const known = Object.keys(measures) as Measure[];
  const shown = known.filter((measure) => values[measure] !== undefined);
  return shown.map((measure) => `${measures[measure]} ${numberText(values[measure]!)}`).join("; ");
}
