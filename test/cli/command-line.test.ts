import { describe, expect, it } from "vitest";
import { type Command, parseCommandLine } from "#cli/command-line.ts";
import { runConsole } from "#cli/console.ts";

function parse(line: string, env: Readonly<Record<string, string>> = {}): Command {
  return parseCommandLine(
    line.split(" ").filter((word) => word !== ""),
    env,
  );
}

function checkSource(line: string, source: object): void {
  expect(parse(line)).toMatchObject({ kind: "start", source });
}

const startUsage = "Usage: ZooKeeperServerMain configfile | port datadir [ticktime] [maxcnxns]";
const generalUsage = "Usage: nodekeeper start | check | container | completion";

function checkUsage(line: string, problem: string, usage: string): void {
  const text = `${problem}\n${usage}\nnodekeeper --help explains the commands.`;
  expect(parse(line)).toEqual({ kind: "usageError", text });
}

function checkStartUsage(words: string, problem: string): void {
  checkUsage(`start ${words}`, problem, startUsage);
}

function checkGeneralUsage(line: string, problem: string): void {
  checkUsage(line, problem, generalUsage);
}

describe("the command line", () => {
  it("starts from no file, from a file, or from two to four arguments", () => {
    checkSource("start", { kind: "default" });
    checkSource("start conf/zoo.cfg", { kind: "file", file: "conf/zoo.cfg" });
    checkSource("start 2181", { kind: "file", file: "2181" });
    const two = { kind: "arguments", clientPort: 2181, dataDir: "/data" };
    checkSource("start 2181 /data", { ...two, tickTimeMs: undefined, maxClientCnxns: undefined });
    checkSource("start 2181 /data 500", { ...two, tickTimeMs: 500, maxClientCnxns: undefined });
    checkSource("start 0 /data 500 -1", { clientPort: 0, maxClientCnxns: 0 });
    checkSource("start 2181 /data 500 10", { ...two, tickTimeMs: 500, maxClientCnxns: 10 });
  });

  it("refuses wrong arguments of a start with ZooKeeper's words and usage text, and what was expected", () => {
    checkStartUsage("2181 /data 500 10 x", "Invalid number of arguments:[2181, /data, 500, 10, x]");
    const port = "a port is expected in front of the data folder; a configuration file stands alone";
    checkStartUsage("abc /data", `For input string: "abc"; ${port}`);
    checkStartUsage("c/zoo.cfg extra", `For input string: "c/zoo.cfg"; ${port}`);
    checkStartUsage("2181 /data 5s", 'For input string: "5s"; TICKTIME is a number of milliseconds');
    checkStartUsage("2181 /data 500 many", 'For input string: "many"; MAXCNXNS is a number of connections');
    checkStartUsage("70000 /data", "port out of range:70000");
    checkStartUsage("2181 /data 0", "tickTime is not set: 0 is not a time");
  });

  it("refuses unknown commands and options with the nearest one, or with all there are", () => {
    checkGeneralUsage("strat zoo.cfg", "Unknown command strat; did you mean start?");
    checkGeneralUsage("zoo.cfg", "Unknown command zoo.cfg; one of start, check, container, completion");
    checkGeneralUsage("-Da=b", "No command given");
    checkGeneralUsage("start --log-levl debug", "Unknown option --log-levl; did you mean --log-level?");
    checkGeneralUsage("start -x", "Unknown option -x; one of --log-format, --log-level, --help, --version");
    checkGeneralUsage("start --log-format xml", "--log-format takes one of auto, json, text");
    checkGeneralUsage("start --log-level", "--log-level takes one of debug, info, warn, error");
  });

  it("takes the log options in both spellings, anywhere", () => {
    expect(parse("start zoo.cfg")).toMatchObject({ log: { format: "auto", level: "info" } });
    expect(parse("--log-format json start --log-level=debug zoo.cfg")).toMatchObject({
      source: { kind: "file", file: "zoo.cfg" },
      log: { format: "json", level: "debug" },
    });
  });

  it("collects properties from both variables and from anywhere in its words, the last one winning", () => {
    const env = { JVMFLAGS: "-Da=jvm -Db=jvm\n-Xmx1g", SERVER_JVMFLAGS: "-Da=server  -Dc=server -Dd" };
    const command = parse("-Dc=argv start -server zoo.cfg -De=x=y", env);
    expect(command).toMatchObject({ kind: "start", source: { kind: "file", file: "zoo.cfg" } });
    if (command.kind !== "start") return;
    expect([...command.flags.properties]).toEqual([
      ["a", "jvm"],
      ["c", "argv"],
      ["d", ""],
      ["b", "jvm"],
      ["e", "x=y"],
    ]);
    expect(command.flags.ignored).toEqual(["-Xmx1g", "-server"]);
  });

  it("checks one file", () => {
    expect(parse("check zoo.cfg -Da=b")).toMatchObject({ kind: "check", file: "zoo.cfg" });
    for (const line of ["check", "check a b"]) {
      checkUsage(line, "check takes one configuration file", "Usage: nodekeeper check configfile");
    }
  });

  it("hands on what is for the container, for the version and for people", () => {
    expect(parse("container zkServer.sh start-foreground --help")).toEqual({
      kind: "container",
      argv: ["zkServer.sh", "start-foreground", "--help"],
    });
    expect(parse("--version")).toEqual({ kind: "version" });
    expect(parse("")).toEqual({ kind: "console", argv: ["--help"] });
    expect(parse("start --help")).toEqual({ kind: "console", argv: ["start", "--help"] });
    expect(parse("completion")).toEqual({ kind: "console", argv: ["completion"] });
    checkSource("start completion", { kind: "file", file: "completion" });
  });
});

describe("the console", () => {
  it("lists the commands", async () => {
    const { text, exitCode } = await runConsole(["--help"]);
    expect(exitCode).toBe(0);
    for (const words of [
      "nodekeeper start",
      "nodekeeper check <file>",
      "nodekeeper completion",
      "--version",
      "nodekeeper start --help: --log-format, --log-level",
      "./nodekeeper-data",
    ]) {
      expect(text).toContain(words);
    }
  });

  it("explains a command and its options", async () => {
    const { text } = await runConsole(["start", "--help"]);
    expect(text).toContain("PORT DATADIR [TICKTIME] [MAXCNXNS]");
    expect(text).toContain('[choices: "auto", "json", "text"] [default: "auto"]');
  });

  it("prints a completion script and answers it", async () => {
    expect((await runConsole(["completion"])).text).toContain("###-begin-nodekeeper-completions-###");
    const { text } = await runConsole(["--get-yargs-completions", "nodekeeper", "st"]);
    expect(text.split("\n")).toContain("start");
  });
});
