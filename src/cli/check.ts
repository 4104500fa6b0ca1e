/**
 * `nodekeeper check zoo.cfg`: what would become of each key, without starting anything.
 *
 *   zoo.cfg:3   tickTime               honoured
 *   zoo.cfg:9   nio.numWorkerThreads   no effect     there is one event loop and no thread pool
 *   zoo.cfg:12  tickTme                unknown       tickTme is a key that nothing reads; did you mean tickTime?
 *
 * A key is honoured only if the server would start with it: where the loader refuses, so does the table. Then
 * the notes that a start would log, then what would keep it from its data folders,
 * then one line that says whether it would start. Exit code 0, 2, or 3 for the folders, as a start would have.
 *
 * Always: nothing is made or changed, no name is looked up, no port is opened.
 */

import { ConfigError } from "#base/errors.ts";
import { ExitCode } from "#config/exit-code.ts";
import { parseJavaProperties } from "#base/java-properties.ts";
import { formatNote } from "#config/notes.ts";
import { type ConfigInput, loadConfig, type LoadedConfig, type ServerConfig } from "#config/server-config.ts";
import { judge, type Judgement, judgementForMember } from "#config/verdict.ts";
import { dataFolderProblem, type FolderFiles } from "./data-folders.ts";

const outcomeWords: Readonly<Record<Judgement["outcome"], string>> = {
  honoured: "honoured",
  ensembleOnly: "ensembles only",
  noEffect: "no effect",
  refused: "refused",
  unknown: "unknown",
  overridden: "overridden",
};

interface Report {
  readonly lines: string[];
  readonly exitCode: ExitCode;
}

/** The report on a configuration, one line each, for standard output. */
export function checkConfig(input: ConfigInput & { readonly files: FolderFiles }): Report {
  try {
    const alone = judge(parseJavaProperties(input.text, input.file), input.systemProperties);
    const loaded = load(input);
    if (loaded instanceof ConfigError) {
      const lines = table(input.file, withRefused(alone, loaded, input.file));
      return { lines: [...lines, loaded.message], exitCode: ExitCode.invalidInvocation };
    }
    const judgements = loaded.config.ensemble === null ? alone : alone.map((one) => judgementForMember(one));
    const said = new Set(judgements.map(({ text }) => text));
    const notes = loaded.notes.filter(({ text }) => !said.has(text)).map((note) => formatNote(input.file, note));
    const { lines, exitCode } = closeReport(input, judgements, loaded.config);
    return { lines: [...table(input.file, judgements), ...notes, ...lines], exitCode };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { lines: [error.message], exitCode: ExitCode.invalidInvocation };
  }
}

function load(input: ConfigInput): LoadedConfig | ConfigError {
  try {
    return loadConfig(input);
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
}

/** The judgements with what the loader refused. */
function withRefused(judgements: readonly Judgement[], { facts }: ConfigError, file: string): readonly Judgement[] {
  const { line } = facts;
  if (facts.file !== file || line === 0) return judgements;
  return judgements.map((judgement) => {
    const { outcome } = judgement;
    const isRefused = judgement.line === line && (outcome === "honoured" || outcome === "ensembleOnly");
    return isRefused ? { ...judgement, outcome: "refused" } : judgement;
  });
}

function closeReport(
  { file, files }: { readonly file: string; readonly files: FolderFiles },
  judgements: readonly Judgement[],
  config: ServerConfig,
): Report {
  const lines: string[] = [];
  const keys = config.dataLogDir === config.dataDir ? (["dataDir"] as const) : (["dataDir", "dataLogDir"] as const);
  for (const key of keys) {
    const problem = dataFolderProblem(files, config[key], config.datadirAutocreate);
    const line = judgements.findLast((judgement) => judgement.key === key)?.line ?? 0;
    if (problem !== null) lines.push(new ConfigError({ file, line, key, problem }).message);
  }
  if (lines.length === 0) {
    lines.push(`${file}: valid; its ports and host names are looked at when the server starts`);
    return { lines, exitCode: ExitCode.executionFinished };
  }
  const exitCode = ExitCode.unableToAccessDatadir;
  lines.push(`${file}: as this user on this machine, a start would end with exit code ${exitCode}`);
  return { lines, exitCode };
}

function judgementRow(file: string, { key, line, outcome, text }: Judgement): string[] {
  const reason = text.replace(`${key} has no effect here: `, "");
  const where = line > 0 ? `${file}:${line}` : "command line";
  return [where, line > 0 ? key : `-D${key}`, outcomeWords[outcome], reason];
}

/** Columns, left-aligned, two blanks apart, nothing after the last word. */
function table(file: string, judgements: readonly Judgement[]): string[] {
  const rows = judgements.map((judgement) => judgementRow(file, judgement));
  const widths = [0, 1, 2].map((column) => Math.max(0, ...rows.map((row) => row[column]!.length)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}
