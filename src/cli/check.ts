/**
 * `nodekeeper check zoo.cfg`: what would become of each key, without starting anything.
 *
 *   zoo.cfg:3   tickTime               honoured
 *   zoo.cfg:9   nio.numWorkerThreads   no effect     there is one event loop and no thread pool
 *   zoo.cfg:12  tickTme                unknown       tickTme is a key that nothing reads; did you mean tickTime?
 *
 * Then the notes that a start would log, then one line that says whether it would start. Exit code 0 or 2.
 */

import { ConfigError } from "#base/errors.ts";
import { ExitCode } from "#config/exit-code.ts";
import { parseJavaProperties } from "#config/java-properties.ts";
import { formatNote } from "#config/notes.ts";
import { type ConfigInput, loadConfig } from "#config/server-config.ts";
import { judge, type Judgement } from "#config/verdict.ts";

const outcomeWords: Readonly<Record<Judgement["outcome"], string>> = {
  honoured: "honoured",
  ensembleOnly: "ensembles only",
  noEffect: "no effect",
  refused: "refused",
  unknown: "unknown",
  overridden: "overridden",
};

/** The report on a configuration, one line each, for standard output. */
export function checkConfig(input: ConfigInput): { lines: string[]; exitCode: ExitCode } {
  try {
    const judgements = judge(parseJavaProperties(input.text, input.file), input.systemProperties);
    const lines = table(judgements.map((judgement) => judgementRow(input.file, judgement)));
    return closeReport(input, lines, new Set(judgements.map(({ text }) => text)));
  } catch (error) {
    return refusal([], error);
  }
}

function closeReport(
  input: ConfigInput,
  lines: string[],
  said: ReadonlySet<string>,
): { lines: string[]; exitCode: ExitCode } {
  try {
    for (const note of loadConfig(input).notes) {
      if (!said.has(note.text)) lines.push(formatNote(input.file, note));
    }
    lines.push(`${input.file}: valid`);
    return { lines, exitCode: ExitCode.executionFinished };
  } catch (error) {
    return refusal(lines, error);
  }
}

function refusal(lines: string[], error: unknown): { lines: string[]; exitCode: ExitCode } {
  if (!(error instanceof ConfigError)) throw error;
  return { lines: [...lines, error.message], exitCode: ExitCode.invalidInvocation };
}

function judgementRow(file: string, { key, line, outcome, text }: Judgement): string[] {
  const reason = text.replace(`${key} has no effect here: `, "");
  const where = line > 0 ? `${file}:${line}` : "command line";
  return [where, line > 0 ? key : `-D${key}`, outcomeWords[outcome], reason];
}

/** Columns, left-aligned, two blanks apart, nothing after the last word. */
function table(rows: readonly string[][]): string[] {
  const widths = [0, 1, 2].map((column) => Math.max(0, ...rows.map((row) => row[column]!.length)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}
