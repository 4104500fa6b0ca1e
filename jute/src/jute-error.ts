/**
 * What the reader of a .jute file is told when it is wrong: one line that an editor can jump to,
 * `file:line:column: problem`. Lines and columns count from 1; a tab is one column.
 */

/** A place in a .jute file. */
export interface Position {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** A .jute file breaks the grammar or contradicts itself; the message says where and what would be valid. */
export class JuteError extends Error {
  readonly code = "JUTE";
  readonly facts: { readonly position: Position; readonly problem: string };
  constructor(position: Position, problem: string) {
    super(`${formatPosition(position)}: ${problem}`);
    this.facts = { position, problem };
  }
}

/** `file:line:column`. */
export function formatPosition(position: Position): string {
  return `${position.file}:${position.line}:${position.column}`;
}
