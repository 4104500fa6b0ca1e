/**
 * The part of the command line that talks to people: help and shell completion, by yargs. It is imported only when one
 * of them is asked for, since loading yargs takes longer than the rest of a start.
 */

import yargs from "yargs";
import { logFormats, logLevels } from "./command-line.ts";

const epilogue = [
  "Options of a start, shown by nodekeeper start --help: --log-format, --log-level.",
  "-Dname=value sets a system property of ZooKeeper, and may stand anywhere; SERVER_JVMFLAGS and JVMFLAGS are read too.",
  "Without a configuration file the server listens on 127.0.0.1:2181 and keeps its data in ./nodekeeper-data.",
  "Exit codes: 0 normal end, 1 failure, 2 bad arguments or configuration, 3 data directory not accessible.",
].join("\n");

/**
 * Answers `--help`, `COMMAND --help`, `completion` and the completion requests of a shell.
 * @returns the text for standard output and the exit code.
 */
export async function runConsole(argv: readonly string[]): Promise<{ text: string; exitCode: number }> {
  let text = "";
  const parser = yargs()
    .scriptName("nodekeeper")
    // The command speaks one language, as its log does; yargs would translate the half that is its own.
    .locale("en")
    .usage("$0 COMMAND\n\nA ZooKeeper server on Node.js.")
    .parserConfiguration({ "short-option-groups": false })
    .command(
      "start [words..]",
      "Start a server: start [zoo.cfg], or start PORT DATADIR [TICKTIME] [MAXCNXNS]",
      (start) =>
        start
          .positional("words", { type: "string", describe: "a zoo.cfg, or PORT DATADIR [TICKTIME] [MAXCNXNS]" })
          .option("log-format", { choices: logFormats, default: "auto", describe: "Layout of the log" })
          .option("log-level", { choices: logLevels, default: "info", describe: "Least severe level that is logged" }),
    )
    .command("check <file>", "Say what becomes of each key of a zoo.cfg, without starting", (check) =>
      check.positional("file", { type: "string", describe: "a zoo.cfg" }),
    )
    .command("container [words..]", "Entrypoint of the image: write zoo.cfg and myid from ZOO_* variables, then start")
    .version(false)
    .option("version", { type: "boolean", describe: "Print the version" })
    .completion("completion", "Print a completion script for bash or zsh")
    .epilogue(epilogue)
    .wrap(100)
    .help()
    .exitProcess(false);
  await parser.parseAsync([...argv], {}, (_error, _argv, output) => {
    text += output;
  });
  return { text: text === "" || text.endsWith("\n") ? text : `${text}\n`, exitCode: 0 };
}
