/**
 * The command line, from words to one command. A start is worth milliseconds, so its grammar is read by this loop and
 * the library that explains things to people (console.ts) is loaded only for help, completion and the like.
 *
 *   start                                        no file: loopback, data in ./nodekeeper-data
 *   start zoo.cfg
 *   start PORT DATADIR [TICKTIME] [MAXCNXNS]
 *   check zoo.cfg
 *   container [COMMAND...]                       the entrypoint of the image
 *   --version | --help | completion
 *
 * `-Dname=value` may stand anywhere, and so may JVM flags, which mean nothing; SERVER_JVMFLAGS and JVMFLAGS are read
 * before. Always: wrong arguments end in a usage text for stderr and exit code 2, as with ZooKeeper, whose usage text
 * is kept for a start's arguments; one more line says where help is.
 * Source: QuorumPeerMain.main, ZooKeeperServerMain.main, ServerConfig.parse.
 */

import { parseJavaInt } from "#base/java-values.ts";
import { flagWords, type JavaFlags, parseJavaFlags } from "#config/java-flags.ts";
import { nearestName } from "#config/verdict.ts";

export interface LogOptions {
  /** "auto": text on a terminal and for log pipelines that expect ZooKeeper's layout; what it means is the logger's. */
  readonly format: "auto" | "json" | "text";
  readonly level: "debug" | "info" | "warn" | "error";
}

/** Where the configuration of a start comes from. */
export type StartSource =
  | { readonly kind: "default" }
  | { readonly kind: "file"; readonly file: string }
  | {
      readonly kind: "arguments";
      readonly clientPort: number;
      readonly dataDir: string;
      readonly tickTimeMs: number | undefined;
      readonly maxClientCnxns: number | undefined;
    };

export type Command =
  | { readonly kind: "start"; readonly source: StartSource; readonly flags: JavaFlags; readonly log: LogOptions }
  | { readonly kind: "check"; readonly file: string; readonly flags: JavaFlags }
  | { readonly kind: "container"; readonly argv: readonly string[] }
  | { readonly kind: "version" }
  /** To be answered by `runConsole` of console.ts, imported when it is needed. */
  | { readonly kind: "console"; readonly argv: readonly string[] }
  /** `text` goes to stderr; the exit code is 2. */
  | { readonly kind: "usageError"; readonly text: string };

export const logFormats = ["auto", "json", "text"] as const;
export const logLevels = ["debug", "info", "warn", "error"] as const;

const startUsage = "Usage: ZooKeeperServerMain configfile | port datadir [ticktime] [maxcnxns]";
const checkUsage = "Usage: nodekeeper check configfile";
const commandNames = ["start", "check", "container", "completion"] as const;
const generalUsage = `Usage: nodekeeper ${commandNames.join(" | ")}`;
const optionNames = ["--log-format", "--log-level", "--help", "--version"] as const;

/** The command that `argv` (without the executable and the script) asks for, under these environment variables. */
export function parseCommandLine(argv: readonly string[], env: Readonly<Record<string, string | undefined>>): Command {
  if (argv[0] === "container") return { kind: "container", argv: argv.slice(1) };
  if (argv.length === 0) return { kind: "console", argv: ["--help"] };
  if (consoleCommands.has(argv[0]!) || argv.includes("--help") || argv.includes("-h")) return { kind: "console", argv };
  const flags = parseJavaFlags([...flagWords(env), ...argv]);
  // Words of the two variables that are no flags would be arguments of `java`; only our own words may be ours.
  const words = parseJavaFlags(argv).rest;
  if (words.includes("--version")) return { kind: "version" };
  const options = takeOptions(words);
  if (typeof options === "string") return usageError(options, generalUsage);
  const [name, ...positionals] = options.positionals;
  if (name === "start") return parseStart(positionals, flags, options.log);
  if (name === "check") return parseCheck(positionals, flags);
  return usageError(name === undefined ? "No command given" : unknown("command", name, commandNames), generalUsage);
}

const consoleCommands: ReadonlySet<string> = new Set(["completion", "--get-yargs-completions"]);

function parseStart(words: readonly string[], flags: JavaFlags, log: LogOptions): Command {
  const source = parseSource(words);
  return typeof source === "string" ? usageError(source, startUsage) : { kind: "start", source, flags, log };
}

function parseSource(words: readonly string[]): StartSource | string {
  const [first, dataDir, tickTime, maxClientCnxns] = words;
  if (first === undefined) return { kind: "default" };
  if (dataDir === undefined) return { kind: "file", file: first };
  if (words.length > 4) return `Invalid number of arguments:[${words.join(", ")}]`;
  for (const [text, expected] of [
    [first, "a port is expected in front of the data folder; a configuration file stands alone"],
    [tickTime, "TICKTIME is a number of milliseconds"],
    [maxClientCnxns, "MAXCNXNS is a number of connections"],
  ]) {
    if (text !== undefined && parseJavaInt(text) === null) return `For input string: "${text}"; ${expected}`;
  }
  const clientPort = parseJavaInt(first)!;
  if (clientPort < 0 || clientPort > 65535) return `port out of range:${clientPort}`;
  const tickTimeMs = tickTime === undefined ? undefined : parseJavaInt(tickTime)!;
  if (tickTimeMs !== undefined && tickTimeMs <= 0) return `tickTime is not set: ${tickTimeMs} is not a time`;
  const cnxnsMax = maxClientCnxns === undefined ? undefined : Math.max(parseJavaInt(maxClientCnxns)!, 0);
  return { kind: "arguments", clientPort, dataDir, tickTimeMs, maxClientCnxns: cnxnsMax };
}

function parseCheck(words: readonly string[], flags: JavaFlags): Command {
  const [file] = words;
  if (file === undefined || words.length > 1) return usageError("check takes one configuration file", checkUsage);
  return { kind: "check", file, flags };
}

/** Separates options from positionals; a text is what is wrong with them. */
function takeOptions(words: readonly string[]): { log: LogOptions; positionals: string[] } | string {
  const positionals: string[] = [];
  let format: LogOptions["format"] = "auto";
  let level: LogOptions["level"] = "info";
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    if (!word.startsWith("-") || /^-\d/.test(word)) {
      positionals.push(word);
      continue;
    }
    const equals = word.indexOf("=");
    const name = equals < 0 ? word : word.slice(0, equals);
    if (name !== "--log-format" && name !== "--log-level") return unknown("option", name, optionNames);
    const value = equals < 0 ? words[++i] : word.slice(equals + 1);
    const choices: readonly string[] = name === "--log-format" ? logFormats : logLevels;
    if (value === undefined || !choices.includes(value)) return `${name} takes one of ${choices.join(", ")}`;
    if (name === "--log-format") format = value as LogOptions["format"];
    else level = value as LogOptions["level"];
  }
  return { log: { format, level }, positionals };
}

function unknown(what: string, name: string, valid: readonly string[]): string {
  const nearest = nearestName(name, valid);
  return `Unknown ${what} ${name}; ${nearest === null ? `one of ${valid.join(", ")}` : `did you mean ${nearest}?`}`;
}

function usageError(problem: string, usage: string): Command {
  return { kind: "usageError", text: `${problem}\n${usage}\nnodekeeper --help explains the commands.` };
}
