/**
 * Records the fixtures that the unit tests read, from a real Apache ZooKeeper 3.9.5:
 *
 *   node compat-tests/reference/record-fixtures.ts [frames] [disk] [disk/<name> ...]
 *
 * Without words, all of them. Session ids, times and passwords differ from one recording to the next; nothing that a
 * test may rely on does.
 */

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { repositoryFolder } from "./artifacts.ts";
import { diskRecipes, recordDisk } from "./record-disk.ts";
import { recordFrames } from "./record-frames.ts";

const fixtures = join(repositoryFolder, "test", "fixtures");

async function main(words: readonly string[]): Promise<void> {
  const wants = (word: string): boolean => words.length === 0 || words.includes(word);
  if (wants("frames")) {
    mkdirSync(join(fixtures, "frames"), { recursive: true });
    await recordFrames(join(fixtures, "frames"));
  }
  for (const recipe of diskRecipes) {
    if (wants("disk") || wants(`disk/${recipe.name}`)) await recordDisk(recipe, join(fixtures, "disk"));
  }
}

await main(process.argv.slice(2));
