/**
 * The files beside the fuzzer.
 *
 *   corpus/TARGET/    inputs that reach something that those before them do not; in the tree, small, named by what they hold
 *   findings/         inputs that broke something; not in the tree, until they are mended and kept in the corpus
 */

import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { relative } from "node:path";
import { fileURLToPath } from "node:url";

const corpusFolder = fileURLToPath(new URL("corpus/", import.meta.url));
const findingsFolder = fileURLToPath(new URL("findings/", import.meta.url));
const nameCharacters = 16;

/** The inputs kept for a target, in the order of their names. */
export function readCorpus(target: string): { name: string; input: Buffer }[] {
  const folder = `${corpusFolder}${target}`;
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder).sort();
  return names.map((name) => ({ name, input: readFileSync(`${folder}/${name}`) }));
}

/** Keeps an input for a target. */
export function writeToCorpus(target: string, input: Buffer): void {
  mkdirSync(`${corpusFolder}${target}`, { recursive: true });
  writeFileSync(`${corpusFolder}${target}/${nameOf(input)}`, input);
}

/** Keeps what broke a target. @returns the one command that repeats it. */
export function writeFinding(target: string, input: Buffer, text: string): string {
  mkdirSync(findingsFolder, { recursive: true });
  const path = `${findingsFolder}${target}-${nameOf(input)}`;
  writeFileSync(path, input);
  writeFileSync(`${path}.txt`, `${text}\n`);
  return `npm run fuzz -- ${target} --replay ${relative(process.cwd(), path)}`;
}

function nameOf(input: Buffer): string {
  return createHash("sha256").update(input).digest("hex").slice(0, nameCharacters);
}
