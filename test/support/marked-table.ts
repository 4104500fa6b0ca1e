/** Tables of README.md that commands write: each stands between two marks, and is replaced as a whole. */

import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const readme = fileURLToPath(new URL("../../README.md", import.meta.url));

/** Puts Markdown between `<!-- NAME -->` and `<!-- end of NAME -->`. @throws Error when the marks are not there. */
export function writeMarkedTable(name: string, table: string): void {
  const text = readFileSync(readme, "utf8");
  const marked = new RegExp(`(<!-- ${name} -->\\n)[\\s\\S]*?(\\n<!-- end of ${name} -->)`);
  if (!marked.test(text)) throw new Error(`README.md has no marks for the ${name}`);
  writeFileSync(
    readme,
    text.replace(marked, (_all, start: string, end: string) => `${start}\n${table}${end}`),
  );
}
