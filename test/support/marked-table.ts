/** Tables of Markdown files that commands write: each stands between two marks, and is replaced as a whole. */

import { readFileSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";

const readme = fileURLToPath(new URL("../../README.md", import.meta.url));

/** Puts Markdown between `<!-- NAME -->` and `<!-- end of NAME -->`. @throws Error when the marks are not there. */
export function writeMarkedTable(name: string, table: string, file: string = readme): void {
  const text = readFileSync(file, "utf8");
  const marked = new RegExp(`(<!-- ${name} -->\\n)[\\s\\S]*?(\\n<!-- end of ${name} -->)`);
  if (!marked.test(text)) throw new Error(`${basename(file)} has no marks for the ${name}`);
  writeFileSync(
    file,
    text.replace(marked, (_all, start: string, end: string) => `${start}\n${table}${end}`),
  );
}

/** The lines of a table that is there, without its head. */
export function markedRows(name: string, file: string): string[] {
  const text = readFileSync(file, "utf8");
  const [, table = ""] = new RegExp(`<!-- ${name} -->\\n([\\s\\S]*?)\\n<!-- end of ${name} -->`).exec(text) ?? [];
  return table
    .split("\n")
    .filter((line) => line.startsWith("|"))
    .slice(2);
}
