/**
 * The parts of the suite: what each is about and which programs of the machine it needs. A part is a folder of tests, or one file
 * of a folder that holds several; its name is its path, and a word on the command line chooses every part that has the
 * word in its name.
 */

import { globSync } from "node:fs";
import { join } from "node:path";
import { repositoryFolder } from "./reference/artifacts.ts";
import type { Tool } from "./reference/tools.ts";

export interface Part {
  /** `wire`, `client/kazoo`. */
  readonly name: string;
  readonly about: string;
  /** What is needed beside the reference. */
  readonly tools: readonly Tool[];
}

export const parts: readonly Part[] = [
  { name: "self", about: "the suite's own parts and promises", tools: [] },
  { name: "wire", about: "same bytes to both, 100,000 random operations among them", tools: [] },
  { name: "disk", about: "each server opens what the other wrote", tools: [] },
  { name: "client/java", about: "scenarios: the official Java client 3.9.5", tools: ["java", "mvn"] },
  { name: "client/java-3.4", about: "scenarios: the official Java client 3.4.14", tools: ["java", "mvn"] },
  { name: "client/c", about: "scenarios: the C client, libzookeeper_mt", tools: ["apt-get", "gcc"] },
  { name: "client/kazoo", about: "scenarios: kazoo, Python", tools: ["pip"] },
  { name: "client/go-zookeeper", about: "scenarios: go-zookeeper", tools: ["go"] },
  { name: "client/node-zookeeper-client", about: "scenarios: node-zookeeper-client", tools: [] },
  { name: "client/shells", about: "zkCli 3.9 and 3.8, cli_mt", tools: ["java", "mvn", "apt-get"] },
  { name: "client/durability", about: "acknowledged writes after kill -9", tools: ["pip"] },
  { name: "systems/curator", about: "Curator's recipes, the server restarted under them", tools: ["java", "mvn"] },
  { name: "systems/kafka", about: "Kafka 3.9 in ZooKeeper mode", tools: ["java", "mvn"] },
  { name: "quorum", about: "ensembles of ours and the reference", tools: ["java", "mvn", "go", "pip", "gcc"] },
  { name: "faults", about: "ensembles under nemeses, six workloads, all checkers", tools: ["go", "ip"] },
  { name: "suites/kazoo", about: "kazoo's own tests", tools: ["pip"] },
  { name: "suites/go-zookeeper", about: "go-zookeeper's own tests", tools: ["go"] },
  { name: "suites/zookeeper", about: "ZooKeeper's own Java tests", tools: ["java", "mvn"] },
  { name: "suites/curator", about: "Curator's own tests", tools: ["java", "mvn"] },
  { name: "suites/zookeeper-ensembles", about: "ZooKeeper's own tests of ensembles", tools: ["java", "mvn"] },
  { name: "suites/curator-ensembles", about: "Curator's own tests of ensembles", tools: ["java", "mvn"] },
  { name: "examples/trading-desk", about: "the trading desk", tools: ["java", "mvn", "apt-get", "gcc", "pip"] },
];

/**
 * The part that a test file belongs to.
 * @param file path below compat-tests, with slashes.
 * @throws Error when no part covers it.
 */
export function partOf(file: string): Part {
  const name = file.replace(/\.test\.ts$/, "");
  const part = parts.find((candidate) => name === candidate.name || name.startsWith(`${candidate.name}/`));
  if (part === undefined) throw new Error(`compat-tests/${file} belongs to no part: parts.ts wants a line for it`);
  return part;
}

/** Test files below compat-tests, by part. */
export function filesByPart(): Map<Part, string[]> {
  const found = new Map<Part, string[]>(parts.map((part) => [part, []]));
  const files = globSync("**/*.test.ts", { cwd: join(repositoryFolder, "compat-tests") });
  for (const file of files.sort()) found.get(partOf(file))?.push(file);
  return found;
}

/**
 * Parts that the words choose: all of them without a word. A word may also be a test file (`wire/watches`).
 * @throws Error that lists the parts when a word chooses none.
 */
export function chosen(words: readonly string[]): { part: Part; files: string[] }[] {
  const all = [...filesByPart()].map(([part, files]) => ({ part, files }));
  if (words.length === 0) return all.filter(({ files }) => files.length > 0);
  for (const word of words) {
    if (all.some(({ part, files }) => files.some((file) => covers(word, part, file)))) continue;
    throw new Error(`no part has "${word}" in its name; there are ${parts.map(({ name }) => name).join(", ")}`);
  }
  return all
    .map(({ part, files }) => ({ part, files: files.filter((file) => words.some((word) => covers(word, part, file))) }))
    .filter(({ files }) => files.length > 0);
}

function covers(word: string, part: Part, file: string): boolean {
  return part.name.includes(word) || file.includes(word);
}
