import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { type ContainerCommand, myidFromEnvironment, prepareContainer, zooCfgFromEnvironment } from "#cli/container.ts";
import { ExitCode } from "#config/exit-code.ts";
import { loadConfig } from "#config/server-config.ts";

type Environment = Readonly<Record<string, string>>;

const official = JSON.parse(readFileSync(new URL("fixtures/official-entrypoint.json", import.meta.url), "utf8")) as {
  cases: { env: Environment; zooCfg: string; myid: string }[];
};

/** A file system of a few paths that remembers what was done to it, together with the identity's changes. */
class FakeImage {
  readonly actions: string[] = [];
  #refused: readonly [action: string, code: string] | null = null;
  readonly #files: Map<string, string | null>;
  #uid: number;

  constructor(uid: number, files: readonly (readonly [string, string | null])[]) {
    this.#uid = uid;
    this.#files = new Map(files);
  }

  /** Makes the system say no, with this code, to actions that begin so. */
  refuse(action: string, code: string): void {
    this.#refused = [action, code];
  }
  existsSync(path: string): boolean {
    return this.#files.has(path);
  }
  writeFileSync(path: string, text: string): void {
    this.#act(`write ${path} ${JSON.stringify(text)}`);
  }
  lchownSync(path: string, uid: number, gid: number): void {
    this.#act(`chown ${path} ${uid}:${gid}`);
  }
  lstatSync(path: string): { isDirectory(): boolean } {
    return { isDirectory: () => this.#files.get(path) === null };
  }
  readdirSync(path: string): string[] {
    const inside = [...this.#files.keys()].filter((name) => name.startsWith(`${path}/`));
    return [...new Set(inside.map((name) => name.slice(path.length + 1).split("/")[0]!))];
  }
  getuid(): number {
    return this.#uid;
  }
  setgroups(groups: number[]): void {
    this.#act(`setgroups ${groups.join(",")}`);
  }
  setgid(gid: number): void {
    this.#act(`setgid ${gid}`);
  }
  setuid(uid: number): void {
    this.#act(`setuid ${uid}`);
    this.#uid = uid;
  }
  #act(action: string): void {
    if (this.#refused !== null && action.startsWith(this.#refused[0])) {
      throw Object.assign(new Error(action), { code: this.#refused[1] });
    }
    this.actions.push(action);
  }
}

const complete = [
  ["/conf/zoo.cfg", "dataDir=/data"],
  ["/data", null],
  ["/data/myid", "1"],
  ["/data/version-2", null],
  ["/data/version-2/log.1", ""],
  ["/datalog", null],
  ["/logs", null],
  ["/usr/bin/bash", ""],
] as const;

function run(
  argv: string[],
  { env = {}, uid = 1000, files = complete }: { env?: Environment; uid?: number; files?: typeof complete | [] } = {},
): { command: ContainerCommand; actions: string[] } {
  const image = new FakeImage(uid, files);
  return { command: prepareContainer({ argv, env, files: image, identity: image }), actions: image.actions };
}

function checkStart(argv: string[], file: string, env: Environment = {}): void {
  const { command } = run(argv, { env });
  expect(command).toMatchObject({ kind: "start", source: { kind: "file", file } });
}

function autocreateOf(env: Environment): string | undefined {
  const { command } = run([], { env });
  return command.kind === "start" ? command.flags.properties.get("zookeeper.datadir.autocreate") : "no start";
}

/** What comes of a start when the system says no, with this code, to actions that begin so. */
function fail(action: string, code: string, uid: number): ContainerCommand {
  const image = new FakeImage(uid, action.startsWith("write") ? [] : complete);
  image.refuse(action, code);
  return prepareContainer({ argv: ["start"], env: {}, files: image, identity: image });
}

describe("the image's entrypoint", () => {
  it("writes zoo.cfg and myid as the official entrypoint does, byte for byte", () => {
    expect(official.cases.length).toBeGreaterThan(10);
    for (const { env, zooCfg, myid } of official.cases) {
      expect(zooCfgFromEnvironment(env)).toBe(zooCfg);
      expect(myidFromEnvironment(env)).toBe(myid);
    }
  });

  it("writes a zoo.cfg that starts a standalone server on port 2181, taken from the member line", () => {
    const text = Buffer.from(zooCfgFromEnvironment({}));
    const { config } = loadConfig({
      text,
      file: "/conf/zoo.cfg",
      systemProperties: new Map(),
      readMyid: () => myidFromEnvironment({}),
    });
    expect(config).toMatchObject({
      clientPort: 2181,
      clientPortAddress: "0.0.0.0",
      dataDir: "/data",
      tickTimeMs: 2000,
    });
    expect(config).toMatchObject({ dataLogDir: "/datalog", maxClientCnxns: 60, myid: 1n });
  });

  it("leaves an existing zoo.cfg and myid alone, and writes what is missing", () => {
    expect(run(["zkServer.sh", "start-foreground"]).actions).toEqual([]);
    expect(run(["bash"], { files: [] }).actions).toEqual([
      `write /conf/zoo.cfg ${JSON.stringify(zooCfgFromEnvironment({}))}`,
      String.raw`write /data/myid "1\n"`,
    ]);
  });

  it("gives the folders away and becomes uid 1000 before it writes, when it is root and the command is the server", () => {
    const { actions } = run(["zkServer.sh", "start-foreground"], { uid: 0 });
    expect(actions).toEqual([
      "chown /data 1000:1000",
      "chown /data/myid 1000:1000",
      "chown /data/version-2 1000:1000",
      "chown /data/version-2/log.1 1000:1000",
      "chown /datalog 1000:1000",
      "chown /logs 1000:1000",
      "setgroups 1000",
      "setgid 1000",
      "setuid 1000",
    ]);
    expect(run(["bash"], { uid: 0 }).actions).toEqual([]);
  });

  it("starts the server for its own command, for zkServer.sh and for none, with the file that zkServer.sh would take", () => {
    checkStart([], "/conf/zoo.cfg");
    checkStart(["start"], "/conf/zoo.cfg");
    checkStart(["zkServer.sh", "start-foreground"], "/conf/zoo.cfg");
    checkStart(["zkServer.sh", "start-foreground"], "/etc/zk/other.cfg", { ZOOCFGDIR: "/etc/zk", ZOOCFG: "other.cfg" });
    checkStart(["zkServer.sh", "start-foreground", "mine.cfg"], "/conf/mine.cfg");
    checkStart(["zkServer.sh", "start-foreground", "/etc/mine.cfg"], "/etc/mine.cfg");
    checkStart(["start", "/etc/mine.cfg"], "/etc/mine.cfg");
  });

  it("turns ZOO_DATADIR_AUTOCREATE_DISABLE into the property, which JVMFLAGS may still override", () => {
    expect(autocreateOf({ ZOO_DATADIR_AUTOCREATE_DISABLE: "1" })).toBe("false");
    const flags = { ZOO_DATADIR_AUTOCREATE_DISABLE: "1", SERVER_JVMFLAGS: "-Dzookeeper.datadir.autocreate=true" };
    expect(autocreateOf(flags)).toBe("true");
    expect(autocreateOf({ ZOO_DATADIR_AUTOCREATE_DISABLE: "" })).toBeUndefined();
  });

  it("answers a question and does nothing else, even as root", () => {
    for (const [line, answer] of [
      ["--help", "container --help"],
      ["-h", "container --help"],
      ["zkServer.sh start-foreground --help", "container --help"],
      ["start --help", "start --help"],
      ["check -h", "check --help"],
    ] as const) {
      const { command, actions } = run(line.split(" "), { uid: 0, files: [] });
      expect(command).toEqual({ kind: "console", argv: answer.split(" ") });
      expect(actions).toEqual([]);
    }
    expect(run(["--version"], { files: [] })).toEqual({ command: { kind: "version" }, actions: [] });
    expect(run(["/bin/sh", "--help"]).command).toMatchObject({ kind: "exec", argv: ["/bin/sh", "--help"] });
  });

  it("fails in one line that names the path, the reason and what to do", () => {
    expect(fail("write /conf/zoo.cfg", "EACCES", 1000)).toEqual({
      kind: "failure",
      text:
        "/conf/zoo.cfg cannot be written: permission denied; " +
        "put a zoo.cfg there, or let the container's user write to /conf (ZOO_CONF_DIR)",
      exitCode: ExitCode.invalidInvocation,
    });
    expect(fail("write /data/myid", "ENOENT", 1000)).toEqual({
      kind: "failure",
      text:
        "/data/myid cannot be written: no such file or directory; " +
        "mount a folder at /data (ZOO_DATA_DIR) that the container's user may write to",
      exitCode: ExitCode.unableToAccessDatadir,
    });
    expect(fail("chown /datalog", "EROFS", 0)).toEqual({
      kind: "failure",
      text:
        "/datalog cannot be given to uid 1000: the file system is read-only; " +
        "mount a folder there, or run as the user who owns it",
      exitCode: ExitCode.unableToAccessDatadir,
    });
    expect(fail("setgid 1000", "EPERM", 0)).toEqual({
      kind: "failure",
      text:
        "uid 0 cannot become uid 1000: operation not permitted; " +
        "start the container as uid 1000, or with the capabilities SETUID and SETGID",
      exitCode: ExitCode.unexpectedError,
    });
  });

  it("executes any other command, found by PATH", () => {
    const env = { PATH: ":/opt/bin:/usr/bin" };
    expect(run(["bash", "-c", "id"], { env }).command).toEqual({
      kind: "exec",
      path: "/usr/bin/bash",
      argv: ["bash", "-c", "id"],
    });
    expect(run(["/bin/sh"], { env }).command).toEqual({ kind: "exec", path: "/bin/sh", argv: ["/bin/sh"] });
    expect(run(["nothing"], { env }).command).toEqual({ kind: "exec", path: null, argv: ["nothing"] });
    expect(run(["zkServer.sh", "status"], { env }).command).toEqual({
      kind: "exec",
      path: null,
      argv: ["zkServer.sh", "status"],
    });
    expect(run(["--version"], { env }).command).toEqual({ kind: "version" });
    expect(run(["check", "/conf/zoo.cfg"], { env }).command).toMatchObject({ kind: "check", file: "/conf/zoo.cfg" });
  });
});
