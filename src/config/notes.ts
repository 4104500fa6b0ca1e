/**
 * What a start has to say about its configuration without refusing it: a key that has no effect, a name nobody
 * reads, a number that could not be read. Written once, at start, and by `check`.
 */

import { oneLine } from "#base/errors.ts";

export interface ConfigNote {
  /** "warn" when the operator probably expects something else than what will happen. */
  readonly level: "info" | "warn";
  /** Line of the configuration file, 1-based; 0 when the note is not about a line (a -D flag, a default). */
  readonly line: number;
  /** The key or property as it was written; "" when the note is about the whole. */
  readonly key: string;
  /** One sentence that stands on its own. */
  readonly text: string;
}

/** The note as one readable line, led by where it applies. */
export function formatNote(file: string, note: ConfigNote): string {
  return oneLine(note.line > 0 ? `${file}:${note.line}: ${note.text}` : note.text);
}
