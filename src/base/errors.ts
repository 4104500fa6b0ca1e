/**
 * The errors of the edges, one class for each kind of blame. A class has a literal `code` and typed `facts`, so a log
 * line is fields, not prose. Refusals that the protocol foresees are values (protocol/error-code.ts), not errors.
 *
 *   CorruptionError  bytes on disk are wrong            refuses to start, names file and offset
 *   DiskError        the operating system said no       a failed fsync stops the server, unretried
 *   ConfigError      the operator erred                 one readable line, exit code 2
 *     IllegalArgumentError  ... where Java throws an IllegalArgumentException: a client that sent it is told something else
 */

/** Bytes on disk are not what was written there. The server refuses to start and says where to look. */
export class CorruptionError extends Error {
  readonly code = "CORRUPTION";
  readonly facts: { readonly path: string; readonly offset: number; readonly expected: string; readonly found: string };
  constructor(facts: { path: string; offset: number; expected: string; found: string }) {
    super(`${facts.path}: damaged at offset ${facts.offset}: expected ${facts.expected}, found ${facts.found}`);
    this.facts = facts;
  }
}

/** A call to the operating system failed; `cause` holds its error. */
export class DiskError extends Error {
  readonly code = "DISK";
  readonly facts: { readonly path: string; readonly action: string };
  constructor(facts: { path: string; action: string }, cause: unknown) {
    super(`${facts.path}: ${facts.action} failed: ${errorMessage(cause)}`, { cause });
    this.facts = facts;
  }
}

/** The operator's configuration cannot be used. `line` is 0 when no single line is to blame. */
export class ConfigError extends Error {
  readonly code = "CONFIG";
  readonly facts: { readonly file: string; readonly line: number; readonly key: string; readonly problem: string };
  constructor(facts: { file: string; line: number; key: string; problem: string }) {
    const where = facts.line > 0 ? `${facts.file}:${facts.line}` : facts.file;
    super(oneLine(facts.key === "" ? `${where}: ${facts.problem}` : `${where}: ${facts.key}: ${facts.problem}`));
    this.facts = facts;
  }
}

/**
 * A ConfigError where ZooKeeper throws an unchecked exception (IllegalArgumentException, NumberFormatException). In a file it
 * makes no difference; a client whose reconfig has it is told MarshallingError, not BadArguments.
 */
export class IllegalArgumentError extends ConfigError {}

/** Text of an operator in one line: keys and values are quoted as they stand, and a properties file can spell line ends and worse. */
export function oneLine(text: string): string {
  return text.replaceAll(/[\p{Cc}\u2028\u2029]/gu, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** The code of an error of the operating system or of Node, such as ENOENT; empty for what has none. */
export function errorCode(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}

/** What an error says; whatever else was thrown, as text. */
export function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
