/**
 * The entrypoint of the image: what the official `zookeeper` image does in a shell script, in the same order and to
 * the same byte.
 *
 *   1 as root, for the server command: give the data, log and logs folders to uid 1000, then become it
 *   2 no zoo.cfg in ZOO_CONF_DIR: write one from the ZOO_* variables
 *   3 no myid in ZOO_DATA_DIR: write ZOO_MY_ID there, 1 without it
 *   4 run the command: `zkServer.sh start-foreground [CFG]` or `start` is this server, anything else is executed
 *
 * Who only asks (`--help`, `--version`) is answered, and none of this is done.
 * Always: an existing zoo.cfg or myid is left as it is. A variable that is set but empty stays empty, as in the script;
 * one that is not set has the image's default. ZOO_SERVERS and ZOO_CFG_EXTRA are split at blanks, so that no value may
 * hold one. Source: docker-entrypoint.sh and Dockerfile of the official image, zkServer.sh.
 */

import { ExitCode } from "#config/exit-code.ts";
import { fileErrorReason } from "#config/file-error.ts";
import { type Command, parseCommandLine } from "./command-line.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** What the entrypoint asks of the file system; `node:fs` as it is fits. */
export interface ContainerFiles {
  existsSync(path: string): boolean;
  writeFileSync(path: string, text: string): void;
  lchownSync(path: string, uid: number, gid: number): void;
  lstatSync(path: string): { isDirectory(): boolean };
  readdirSync(path: string): string[];
}

/** What it asks of its own process; `process` as it is fits. */
export interface ContainerIdentity {
  getuid?(): number;
  setgroups?(groups: number[]): void;
  setgid?(gid: number): void;
  setuid?(uid: number): void;
}

/** The command to go on with: a server of ours, or words to execute in place of this process; or why there is none. */
export type ContainerCommand =
  | Command
  | ContainerFailure
  /** `path` is what `argv[0]` means by PATH, or null when there is no such program: exit code 127. */
  | { readonly kind: "exec"; readonly path: string | null; readonly argv: readonly string[] };

interface ContainerFailure {
  readonly kind: "failure";
  /** One line for stderr: the path, the reason, what to do. */
  readonly text: string;
  readonly exitCode: ExitCode;
}

/** User and group `zookeeper` of the image. */
const zookeeperId = 1000;

const defaults = {
  ZOO_CONF_DIR: "/conf",
  ZOO_DATA_DIR: "/data",
  ZOO_DATA_LOG_DIR: "/datalog",
  ZOO_LOG_DIR: "/logs",
  ZOO_TICK_TIME: "2000",
  ZOO_INIT_LIMIT: "5",
  ZOO_SYNC_LIMIT: "2",
  ZOO_AUTOPURGE_PURGEINTERVAL: "0",
  ZOO_AUTOPURGE_SNAPRETAINCOUNT: "3",
  ZOO_MAX_CLIENT_CNXNS: "60",
  ZOO_STANDALONE_ENABLED: "true",
  ZOO_ADMINSERVER_ENABLED: "true",
} as const;

const defaultServers = "server.1=localhost:2888:3888;2181";

/** The zoo.cfg that the ZOO_* variables ask for. */
export function zooCfgFromEnvironment(env: Environment): string {
  const whitelist = env["ZOO_4LW_COMMANDS_WHITELIST"] ?? "";
  const lines = [
    `dataDir=${variable(env, "ZOO_DATA_DIR")}`,
    `dataLogDir=${variable(env, "ZOO_DATA_LOG_DIR")}`,
    `tickTime=${variable(env, "ZOO_TICK_TIME")}`,
    `initLimit=${variable(env, "ZOO_INIT_LIMIT")}`,
    `syncLimit=${variable(env, "ZOO_SYNC_LIMIT")}`,
    `autopurge.snapRetainCount=${variable(env, "ZOO_AUTOPURGE_SNAPRETAINCOUNT")}`,
    `autopurge.purgeInterval=${variable(env, "ZOO_AUTOPURGE_PURGEINTERVAL")}`,
    `maxClientCnxns=${variable(env, "ZOO_MAX_CLIENT_CNXNS")}`,
    `standaloneEnabled=${variable(env, "ZOO_STANDALONE_ENABLED")}`,
    `admin.enableServer=${variable(env, "ZOO_ADMINSERVER_ENABLED")}`,
    ...shellWords(env["ZOO_SERVERS"] === undefined || env["ZOO_SERVERS"] === "" ? defaultServers : env["ZOO_SERVERS"]),
    ...(whitelist === "" ? [] : [`4lw.commands.whitelist=${whitelist}`]),
    ...shellWords(env["ZOO_CFG_EXTRA"] ?? ""),
  ];
  return `${lines.join("\n")}\n`;
}

/** The content of the myid file that the variables ask for. */
export function myidFromEnvironment(env: Environment): string {
  const myid = env["ZOO_MY_ID"] ?? "";
  return `${myid === "" ? "1" : myid}\n`;
}

/** Does steps 1 to 3 and says what step 4 is, or what kept it from one of them. */
export function prepareContainer(input: {
  readonly argv: readonly string[];
  readonly env: Environment;
  readonly files: ContainerFiles;
  readonly identity: ContainerIdentity;
}): ContainerCommand {
  const { argv, env, files, identity } = input;
  const question = questionOf(argv, env);
  if (question !== null) return question;
  const isServer = argv.length === 0 || argv[0] === "zkServer.sh" || argv[0] === "start";
  const failure =
    (isServer && identity.getuid?.() === 0 ? becomeZookeeper(env, files, identity) : null) ??
    writeConfig(env, files) ??
    writeMyid(env, files);
  return failure ?? containerCommand(argv, env, files);
}

/** The answer to words of ours that only ask; a program of the image has its own `--help`. */
function questionOf(argv: readonly string[], env: Environment): Command | null {
  const [name = ""] = argv;
  if (name === "--version") return parseCommandLine(argv, env);
  const isOurs = name === "zkServer.sh" || name === "start" || name === "check" || name.startsWith("-");
  if (!isOurs || !(argv.includes("--help") || argv.includes("-h"))) return null;
  return { kind: "console", argv: [name === "start" || name === "check" ? name : "container", "--help"] };
}

function becomeZookeeper(
  env: Environment,
  files: ContainerFiles,
  identity: ContainerIdentity,
): ContainerFailure | null {
  for (const name of ["ZOO_DATA_DIR", "ZOO_DATA_LOG_DIR", "ZOO_LOG_DIR"] as const) {
    const folder = variable(env, name);
    try {
      giveAway(files, folder);
    } catch (error) {
      const advice = "mount a folder there, or run as the user who owns it";
      return failed(`${folder} cannot be given to uid ${zookeeperId}`, error, advice, ExitCode.unableToAccessDatadir);
    }
  }
  try {
    // The order matters: without root there is no changing of groups.
    identity.setgroups?.([zookeeperId]);
    identity.setgid?.(zookeeperId);
    identity.setuid?.(zookeeperId);
  } catch (error) {
    const advice = `start the container as uid ${zookeeperId}, or with the capabilities SETUID and SETGID`;
    return failed(`uid 0 cannot become uid ${zookeeperId}`, error, advice, ExitCode.unexpectedError);
  }
  return null;
}

function writeConfig(env: Environment, files: ContainerFiles): ContainerFailure | null {
  const folder = variable(env, "ZOO_CONF_DIR");
  const file = `${folder}/zoo.cfg`;
  try {
    writeIfMissing(files, file, zooCfgFromEnvironment(env));
    return null;
  } catch (error) {
    const advice = `put a zoo.cfg there, or let the container's user write to ${folder} (ZOO_CONF_DIR)`;
    return failed(`${file} cannot be written`, error, advice, ExitCode.invalidInvocation);
  }
}

function writeMyid(env: Environment, files: ContainerFiles): ContainerFailure | null {
  const folder = variable(env, "ZOO_DATA_DIR");
  const file = `${folder}/myid`;
  try {
    writeIfMissing(files, file, myidFromEnvironment(env));
    return null;
  } catch (error) {
    const advice = `mount a folder at ${folder} (ZOO_DATA_DIR) that the container's user may write to`;
    return failed(`${file} cannot be written`, error, advice, ExitCode.unableToAccessDatadir);
  }
}

function failed(problem: string, error: unknown, advice: string, exitCode: ExitCode): ContainerFailure {
  return { kind: "failure", text: `${problem}: ${fileErrorReason(error)}; ${advice}`, exitCode };
}

function containerCommand(argv: readonly string[], env: Environment, files: ContainerFiles): ContainerCommand {
  const [name, action, config] = argv;
  const confDir = env["ZOOCFGDIR"] ?? variable(env, "ZOO_CONF_DIR");
  const defaultConfig = `${confDir}/${env["ZOOCFG"] ?? "zoo.cfg"}`;
  if (name === undefined || (name === "start" && action === undefined)) return startServer(defaultConfig, env);
  if (name === "zkServer.sh" && action === "start-foreground") {
    const isBareName = config !== undefined && !config.includes("/");
    return startServer(isBareName ? `${confDir}/${config}` : (config ?? defaultConfig), env);
  }
  if (name === "start" || name === "check" || name.startsWith("--")) return parseCommandLine(argv, env);
  return { kind: "exec", path: executablePath(name, env, files), argv };
}

/** Starts as zkServer.sh does, which turns a variable into a flag that comes before all others. */
function startServer(file: string, env: Environment): Command {
  if ((env["ZOO_DATADIR_AUTOCREATE_DISABLE"] ?? "") === "") return parseCommandLine(["start", file], env);
  const flags = `-Dzookeeper.datadir.autocreate=false ${env["SERVER_JVMFLAGS"] ?? ""}`;
  return parseCommandLine(["start", file], { ...env, SERVER_JVMFLAGS: flags });
}

function executablePath(name: string, env: Environment, files: ContainerFiles): string | null {
  if (name.includes("/")) return name;
  const folders = (env["PATH"] ?? "").split(":").filter((folder) => folder !== "");
  return folders.map((folder) => `${folder}/${name}`).find((path) => files.existsSync(path)) ?? null;
}

function variable(env: Environment, name: keyof typeof defaults): string {
  return env[name] ?? defaults[name];
}

function shellWords(text: string): string[] {
  return text.split(/[ \t\n]+/).filter((word) => word !== "");
}

function writeIfMissing(files: ContainerFiles, path: string, text: string): void {
  if (!files.existsSync(path)) files.writeFileSync(path, text);
}

function giveAway(files: ContainerFiles, path: string): void {
  files.lchownSync(path, zookeeperId, zookeeperId);
  if (!files.lstatSync(path).isDirectory()) return;
  for (const name of files.readdirSync(path)) giveAway(files, `${path}/${name}`);
}
