/**
 * The executable: command line to configuration to a running server; signals; exit codes.
 *
 *   node src/main.ts start [zoo.cfg] | start PORT DATADIR [TICKTIME] [MAXCNXNS] | check zoo.cfg | --help | --version
 *
 * Exit codes are ZooKeeper's (config/exit-code.ts). A signal ends the process with 128 + its number, as it does a JVM.
 */

import { randomInt } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { environmentEntries } from "#admin/environment-text.ts";
import { WordService } from "#admin/word-service.ts";
import { ConfigError, CorruptionError, DiskError, errorCode, errorMessage } from "#base/errors.ts";
import { SeededRandom } from "#base/prng.ts";
import { hexOfHalves } from "#base/zxid.ts";
import { type Command, type LogOptions, parseCommandLine, type StartSource } from "#cli/command-line.ts";
import { flagNotes } from "#config/java-flags.ts";
import { ExitCode, exitLine } from "#config/exit-code.ts";
import { unreadableConfigFile, unreadableMyid } from "#config/file-error.ts";
import {
  configFromArguments,
  defaultConfig,
  loadConfig,
  type LoadedConfig,
  type ServerConfig,
} from "#config/server-config.ts";
import type { Logger } from "#host/logger.ts";
import { nodeClock } from "#host/node/clock.ts";
import { NodeDisk } from "#host/node/disk.ts";
import { descriptorCounts, nodeEnvironment } from "#host/node/environment.ts";
import { keepYoungGenerationSmall } from "#host/node/heap.ts";
import { nodeLogger } from "#host/node/logger.ts";
import { handleSignals } from "#host/node/signals.ts";
import { nodeThreads } from "#host/node/threads.ts";
import { nodeTimers } from "#host/node/timers.ts";
import { nodeWire } from "#host/node/wire.ts";
import type { HostParts } from "#server/host-parts.ts";
import type { ServerParts } from "#server/client-server.ts";
import { EnsembleMember } from "#server/ensemble-member.ts";
import { LiveFacts } from "#server/live-facts.ts";
import { ElectionPortError } from "#server/quorum-ports.ts";
import { StandaloneServer } from "#server/standalone.ts";
import { DatadirError } from "#storage/datadir.ts";
import { RecoveryError } from "#storage/recovery.ts";
import { fullVersion, productVersion } from "#base/version.ts";

type Server = StandaloneServer | EnsembleMember;

const nodeDisk = new NodeDisk();
const product = `${productVersion}, a ZooKeeper ${fullVersion.split("-")[0]} server`;

/** What to do about the errors that binding the client port may bring. */
const remedies: Readonly<Record<string, string>> = {
  EADDRINUSE: "the client port is taken; stop what listens there, or set another clientPort: ",
  EACCES: "this user may not open the client port; set a clientPort from 1024 on: ",
  EADDRNOTAVAIL: "clientPortAddress is no address of this machine: ",
  ENOTFOUND: "clientPortAddress is a name that nobody knows: ",
  EAI_AGAIN: "clientPortAddress is a name, and no name server answers: ",
};

try {
  await run(parseCommandLine(process.argv.slice(2), process.env));
} catch (error) {
  if (!(error instanceof ConfigError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = ExitCode.invalidInvocation;
}

async function run(command: Command): Promise<void> {
  switch (command.kind) {
    case "start":
      await start(command);
      return;
    case "check":
      await check(command.file, command.flags.properties);
      return;
    case "container":
      await runContainer(command.argv);
      return;
    case "version":
      process.stdout.write(`nodekeeper ${product}\n`);
      return;
    case "console": {
      const { runConsole } = await import("#cli/console.ts");
      const { text, exitCode } = await runConsole(command.argv);
      process.stdout.write(text);
      process.exitCode = exitCode;
      return;
    }
    case "usageError":
      process.stderr.write(`${command.text}\n`);
      process.exitCode = ExitCode.invalidInvocation;
      return;
  }
}

async function check(file: string, systemProperties: ReadonlyMap<string, string>): Promise<void> {
  const { checkConfig } = await import("#cli/check.ts");
  const files = await import("node:fs");
  const text = readConfigFile(file);
  const { lines, exitCode } = checkConfig({ text, file, systemProperties, readMyid, readDynamicFile, files });
  process.stdout.write(`${lines.join("\n")}\n`);
  process.exitCode = exitCode;
}

async function runContainer(argv: readonly string[]): Promise<void> {
  const { prepareContainer } = await import("#cli/container.ts");
  const files = await import("node:fs");
  const command = prepareContainer({ argv, env: process.env, files, identity: process });
  if (command.kind === "failure") {
    process.stderr.write(`${command.text}\n`);
    process.exitCode = command.exitCode;
    return;
  }
  if (command.kind !== "exec") {
    await run(command);
    return;
  }
  if (command.path === null) {
    process.stderr.write(`${command.argv[0]}: not found\n`);
    process.exitCode = 127;
    return;
  }
  process.execve?.(command.path, [...command.argv], process.env);
}

async function start(command: Command & { kind: "start" }): Promise<void> {
  keepYoungGenerationSmall();
  const loaded = configOf(command.source, command.flags.properties);
  const logger = nodeLogger({ ...command.log, level: logLevel(command), myid: "" });
  if (command.source.kind === "file") logger.info({}, `Reading configuration from: ${command.source.file}`);
  for (const { level, line, key, text } of [...loaded.notes, ...flagNotes(command.flags)])
    logger[level]({ line, key }, text);
  await serve(absolute(loaded.config), command.source, logger);
}

/**
 * Who starts without a configuration on a terminal gets the banner and what goes wrong; thirty lines before it would
 * hide it. `--log-format text` brings them.
 */
function logLevel({ source, log }: Command & { kind: "start" }): LogOptions["level"] {
  const isForTheBanner = source.kind === "default" && process.stdout.isTTY && log.format === "auto";
  return isForTheBanner && log.level === "info" ? "warn" : log.level;
}

function configOf(source: StartSource, systemProperties: ReadonlyMap<string, string>): LoadedConfig {
  switch (source.kind) {
    case "default":
      return defaultConfig(systemProperties);
    case "arguments":
      return configFromArguments({ ...source, systemProperties });
    case "file":
      return loadConfig({
        text: readConfigFile(source.file),
        file: source.file,
        systemProperties,
        readMyid,
        readDynamicFile,
      });
  }
}

function readConfigFile(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw unreadableConfigFile(file, error);
  }
}

/** A folder that hides its files is the start's business, which has an exit code of its own for it. */
function readMyid(dataDir: string): string | null {
  const file = `${dataDir}/myid`;
  if (!existsSync(file)) return null;
  try {
    return readFileSync(file, "latin1");
  } catch (error) {
    throw unreadableMyid(file, error);
  }
}

function readDynamicFile(file: string): Buffer | null {
  return existsSync(file) ? readConfigFile(file) : null;
}

/** Folders as `conf` shows them, and what is written to: absolute. */
function absolute(config: ServerConfig): ServerConfig {
  const ensemble = config.ensemble === null ? null : { ...config.ensemble, zooCfg: resolve(config.ensemble.zooCfg) };
  return { ...config, ensemble, dataDir: resolve(config.dataDir), dataLogDir: resolve(config.dataLogDir) };
}

async function serve(config: ServerConfig, source: StartSource, logger: Logger): Promise<void> {
  const random = new SeededRandom(randomInt(0x7fffffff));
  const host: HostParts = {
    clock: nodeClock,
    timers: nodeTimers,
    threads: nodeThreads(import.meta.url),
    disk: nodeDisk,
    wire: nodeWire,
    logger,
    random,
    hashSeed: randomInt(0x7fffffff),
  };
  const exit = (code: ExitCode): void => {
    logger.error({ code }, `Exiting JVM with code ${code}`);
    process.exit(code);
  };
  const parts: ServerParts = {
    config,
    host,
    exit,
    answerWord: (_server, connection, bytes) => words.take(connection, bytes),
  };
  const { ensemble } = config;
  const server: Server = ensemble === null ? new StandaloneServer(parts) : new EnsembleMember({ ...parts, ensemble });
  const facts = new LiveFacts(server, host, nodeEnvironment);
  const words = new WordService({ server, facts, disk: nodeDisk, logger, descriptors: descriptorCounts });
  handleSignals(logger, {
    stop: () => stop(server, logger),
    describe: () =>
      `${server.port?.connections.size ?? 0} connections, ${server.serving?.database.tree.nodeCount ?? 0} znodes`,
  });
  // A broken invariant ends the process with all that is known; carrying on would be a guess.
  process.on("uncaughtException", (error) => {
    logger.error({ error: error.message, stack: error.stack }, "Severe unrecoverable error, exiting");
    exit(ExitCode.unexpectedError);
  });
  logger.info({ pid: process.pid }, `Nodekeeper ${product}, on Node.js ${process.versions.node}`);
  for (const [key, value] of environmentEntries(nodeEnvironment()))
    logger.info({}, `Server environment:${key}=${value}`);
  try {
    const recovery = await server.start();
    const zxid = `0x${hexOfHalves(recovery.lastZxidHigh, recovery.lastZxidLow)}`;
    const facts = {
      ms: Math.round(recovery.ms),
      zxid,
      txnsReplayed: recovery.txnsReplayed,
      znodes: server.serving?.database.tree.nodeCount,
    };
    logger.info(facts, `Snapshot loaded in ${facts.ms} ms, highest zxid is ${zxid}, digest is ${digestText(server)}`);
    announce(server, source, logger);
  } catch (error) {
    exitAfter(error, logger, exit);
  }
}

function digestText(server: Server): string {
  const digest = server.serving?.database.tree.digest;
  return digest === undefined ? "unknown" : `0x${hexOfHalves(digest.high, digest.low)}`;
}

/** Says where the server listens, where its data is, and how to stop it; on a terminal without configuration as a banner. */
function announce(server: Server, source: StartSource, logger: Logger): void {
  const { config, port } = server;
  const listening = port === null ? "no client port" : `${port.bound.address}:${port.bound.port}`;
  logger.info(
    { listening, dataDir: config.dataDir },
    `Serving on ${listening}, data in ${config.dataDir}; SIGTERM stops`,
  );
  if (source.kind !== "default" || !process.stdout.isTTY) return;
  const lines = [
    `Nodekeeper ${product}`,
    "  mode       standalone",
    `  listening  ${listening}`,
    `  data       ${config.dataDir}`,
    "  stop       Ctrl-C",
    "  log        warnings only; npm start -- --log-format text shows all",
  ];
  process.stdout.write(`${lines.join("\n")}\n`);
}

async function stop(server: Server, logger: Logger): Promise<void> {
  const connections = server.port?.connections.size ?? 0;
  await server.stop();
  logger.info({ connections }, `Stopped: ${connections} connections closed, the log is complete`);
}

/** One line that says what to do, and ZooKeeper's exit code. */
function exitAfter(error: unknown, logger: Logger, exit: (code: ExitCode) => void): void {
  const message = errorMessage(error);
  if (error instanceof DatadirError) {
    logger.error({ ...error.facts }, message);
    process.stderr.write(`${message}\n${exitLine[ExitCode.unableToAccessDatadir]}\n`);
    exit(ExitCode.unableToAccessDatadir);
    return;
  }
  if (error instanceof CorruptionError || error instanceof RecoveryError || error instanceof DiskError) {
    logger.error({ ...error.facts }, message);
    process.stderr.write(`${message}\n`);
    exit(ExitCode.unexpectedError);
    return;
  }
  if (error instanceof ElectionPortError) {
    logger.error({}, message);
    process.stderr.write(`${message}\n`);
    exit(ExitCode.unableToBindQuorumPort);
    return;
  }
  const code = errorCode(error);
  const remedy = remedies[code] ?? "";
  logger.error({ code }, remedy + message);
  process.stderr.write(`${remedy}${message}\n`);
  exit(code === "ENOTFOUND" || code === "EAI_AGAIN" ? ExitCode.invalidInvocation : ExitCode.unexpectedError);
}
