/**
 * The word `java` on the PATH of other people's suites: one door for both builds.
 *
 *   java [options] [-cp X] [-Dk=v ...] MainClass args
 *
 * A main class that is a ZooKeeper server becomes ours or the reference, as COMPAT_DOOR_BUILD says; any other class goes to the real
 * JVM as it came. The process is replaced, never parent of the server: go-zookeeper ends its servers by SIGKILL to the
 * process that it started. Every server leaves a launch record first (../launch-records.ts).
 *
 * What belongs to features of a later version is kept from both builds alike: SASL's provider and its login file, the TLS
 * port and its stores. Ours refuses to start when asked for authentication that it does not have, and it should. The server
 * then reads a copy of the config without those lines, beside the original; the record names them.
 */

import { createHash } from "node:crypto";
import { accessSync, appendFileSync, constants, readFileSync, writeFileSync } from "node:fs";
import { delimiter, join, resolve } from "node:path";
import { classPath, quickStart, repositoryFolder } from "../../reference/artifacts.ts";
import type { Build } from "../../reference/server.ts";
import { doorFolder, doorVariable, type Launch } from "../launch-records.ts";

/** Configuration of servers that the door keeps to itself, and why. */
const laterFeatures: readonly RegExp[] = [
  /^authProvider\.[^=]*=org\.apache\.zookeeper\.server\.auth\.SASLAuthenticationProvider\s*$/,
  /^secureClientPort\s*=/,
  /^ssl\./,
];

/** The same among -D words. */
const laterProperties: readonly RegExp[] = [/^-Djava\.security\.auth\.login\.config=/];

const serverClasses: ReadonlySet<string> = new Set([
  "org.apache.zookeeper.server.quorum.QuorumPeerMain",
  "org.apache.zookeeper.server.ZooKeeperServerMain",
]);

/** Options of the JVM that take the next word. */
const optionsWithWord: ReadonlySet<string> = new Set(["-cp", "-classpath", "--class-path", "-p", "--module-path"]);

interface JavaCommand {
  /** -D words, in order. */
  readonly properties: readonly string[];
  /** Null for a command without a class, such as `-version`. */
  readonly mainClass: string | null;
  readonly words: readonly string[];
}

function parse(argv: readonly string[]): JavaCommand {
  const properties: string[] = [];
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i]!;
    if (optionsWithWord.has(word)) i++;
    else if (word.startsWith("-D")) properties.push(word);
    else if (!word.startsWith("-")) return { properties, mainClass: word, words: argv.slice(i + 1) };
  }
  return { properties, mainClass: null, words: [] };
}

/** Replaces this process. */
function replaceBy(program: string, words: readonly string[]): never {
  process.execve!(program, [program, ...words], process.env);
  throw new Error(`${program} cannot be run`);
}

/** The first `java` on PATH that is not this one. */
function realJava(): string {
  for (const folder of (process.env["PATH"] ?? "").split(delimiter)) {
    if (folder === "" || resolve(folder) === doorFolder) continue;
    const program = join(folder, "java");
    try {
      accessSync(program, constants.X_OK);
      return program;
    } catch {
      // Not here.
    }
  }
  throw new Error("no JVM on PATH behind the door");
}

interface Kept {
  readonly lines: readonly string[];
  readonly dropped: readonly string[];
}

function withoutLater(lines: readonly string[], patterns: readonly RegExp[]): Kept {
  const isLater = (line: string): boolean => patterns.some((pattern) => pattern.test(line.trim()));
  return { lines: lines.filter((line) => !isLater(line)), dropped: lines.filter(isLater) };
}

/** The words that the server gets: a config file, perhaps a copy of it, or ports and folders as they came. */
function serverWords(words: readonly string[]): Kept & { readonly text: string } {
  const [file] = words;
  if (file === undefined || words.length > 1) return { lines: words, dropped: [], text: words.join(" ") };
  const original = readFileSync(file, "utf8");
  const { lines, dropped } = withoutLater(original.split("\n"), laterFeatures);
  const text = lines.join("\n");
  if (dropped.length === 0) return { lines: words, dropped, text };
  const copy = `${file}.door`;
  writeFileSync(copy, text);
  return { lines: [copy], dropped: dropped.map((line) => line.trim()), text };
}

function required(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === "") throw new Error(`the door needs ${name}`);
  return value;
}

/** The build that is asked for: one for all, or, of several (`ours,reference,ours`), the one of the server's own id. */
function buildOf(config: string): Build {
  const builds = required(doorVariable.build).split(",") as Build[];
  if (builds.length === 1) return builds[0]!;
  const folder = /^dataDir=(.*)$/m.exec(config)?.[1]?.trim() ?? "";
  const sid = Number(readFileSync(join(folder, "myid"), "utf8"));
  const build = builds[sid - 1];
  if (build === undefined) throw new Error(`no build is named for server ${sid}`);
  return build;
}

function startServer({ properties, mainClass, words }: JavaCommand): never {
  const given = serverWords(words);
  const build = buildOf(given.text);
  const flags = withoutLater(properties, laterProperties);
  const launch: Launch = {
    at: new Date().toISOString(),
    suite: required(doorVariable.suite),
    build,
    pid: process.pid,
    config: words.join(" "),
    configHash: createHash("sha256").update(given.text).digest("hex").slice(0, 12),
    dropped: [...given.dropped, ...flags.dropped],
  };
  appendFileSync(required(doorVariable.records), `${JSON.stringify(launch)}\n`);
  if (build === "reference") {
    const options = [...quickStart, "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", ...flags.lines];
    replaceBy(realJava(), [...options, "-cp", classPath("server"), mainClass!, ...given.lines]);
  }
  const node = join(repositoryFolder, "node_modules", ".bin", "node");
  const main = join(repositoryFolder, "src", "main.ts");
  replaceBy(node, [main, "start", "--log-level", "warn", ...given.lines, ...flags.lines]);
}

const command = parse(process.argv.slice(2));
if (command.mainClass !== null && serverClasses.has(command.mainClass)) startServer(command);
replaceBy(realJava(), process.argv.slice(2));
