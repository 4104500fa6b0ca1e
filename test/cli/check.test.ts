import { constants } from "node:fs";
import { describe, expect, it } from "vitest";
import { checkConfig } from "#cli/check.ts";
import { dataFolderProblem, type FolderFiles } from "#cli/data-folders.ts";
import { ExitCode, exitLine } from "#config/exit-code.ts";

/** A disk where every folder is there and may be written. */
const anyFolder: FolderFiles = { statSync: () => ({ isDirectory: () => true }), accessSync: () => {} };

function check(
  text: string,
  flags: readonly (readonly [string, string])[] = [],
  files: FolderFiles = anyFolder,
  readMyid: () => string | null = () => null,
): { lines: string[]; exitCode: number } {
  return checkConfig({ text: Buffer.from(text), file: "/zoo.cfg", systemProperties: new Map(flags), files, readMyid });
}

describe("check", () => {
  it("gives every key of a valid file its verdict, then the notes of a start, and ends with 0", () => {
    const text =
      "tickTime=2000\ninitLimit=5\ndataDir=/a\ndataDir=data\nclientPort=2181\nnio.numWorkerThreads=4\ntickTme=1\n" +
      "connectionMaxTokens=5\nsnapCount=many\n";
    expect(
      check(text, [
        ["zookeeper.watchManagerName", "x"],
        ["java.net.preferIPv4Stack", "true"],
      ]),
    ).toEqual({
      lines: [
        "/zoo.cfg:1    tickTime                      honoured",
        "/zoo.cfg:2    initLimit                     ensembles only",
        "/zoo.cfg:3    dataDir                       overridden      dataDir is given again on line 4, and the last one wins",
        "/zoo.cfg:4    dataDir                       honoured",
        "/zoo.cfg:5    clientPort                    honoured",
        "/zoo.cfg:6    nio.numWorkerThreads          no effect       there is one event loop and no thread pool",
        "/zoo.cfg:7    tickTme                       unknown         tickTme is a key that nothing reads; did you mean tickTime?",
        "/zoo.cfg:8    connectionMaxTokens           unknown         " +
          "connectionMaxTokens has no effect, here or in ZooKeeper; the key that works is connection_throttle_tokens",
        "/zoo.cfg:9    snapCount                     honoured",
        "command line  -Dzookeeper.watchManagerName  no effect       " +
          "there is one implementation of watches, which needs no cleaning",
        "/zoo.cfg:4: data is relative. Prepend ./ to indicate that you're sure!",
        "/zoo.cfg:9: zookeeper.snapCount=many is not a number, so the default of 100000 holds; " +
          "valid is a number: decimal, 0x hexadecimal, or octal with a leading 0",
        "autopurge.purgeInterval is 0: old snapshots and transaction logs are never removed",
        "/zoo.cfg: valid; its ports and host names are looked at when the server starts",
      ],
      exitCode: ExitCode.executionFinished,
    });
  });

  it("still gives all verdicts when the file is refused, then the one line that says why, and ends with 2", () => {
    const { lines, exitCode } = check("dataDir=/a\nsecureClientPort=2281\ntickTime=x\n");
    expect(exitCode).toBe(ExitCode.invalidInvocation);
    expect(lines).toHaveLength(4);
    expect(lines[1]).toMatch(/^\/zoo\.cfg:2 {2}secureClientPort {2}refused {3}TLS is not supported yet/);
    expect(lines[3]).toMatch(/^\/zoo\.cfg:2: secureClientPort: TLS is not supported yet/);
    expect(check("dataDir=/a\ntickTime=x").lines.at(-1)).toBe(
      '/zoo.cfg:2: tickTime: Error processing /zoo.cfg: For input string: "x"; valid is a decimal integer',
    );
  });

  it("does not call a key honoured that the loader refuses", () => {
    const three = "server.1=a:1:2\nserver.2=b:1:2\nserver.3=c:1:2\n";
    const { lines, exitCode } = check(`dataDir=/a\n${three}sslQuorum=true\n`);
    expect(exitCode).toBe(ExitCode.invalidInvocation);
    expect(lines.slice(0, 5).map((line) => line.split(/ {2,}/)[2])).toEqual([
      ...Array.from({ length: 4 }, () => "honoured"),
      "refused",
    ]);
    expect(lines[5]).toContain("/zoo.cfg:5: sslQuorum: TLS between servers is not supported yet");
    expect(check("dataDir=/a\ntickTime=x").lines[1]).toBe("/zoo.cfg:2  tickTime  refused");
  });

  it("judges the keys of ensembles as a member does", () => {
    const text = "dataDir=/a\ninitLimit=5\nsyncLimit=2\nsyncEnabled=false\nserver.1=a:1:2\nserver.2=b:1:2\n";
    expect(check(text, [], anyFolder, () => "1").lines.slice(1, 5)).toEqual([
      "/zoo.cfg:2  initLimit    honoured",
      "/zoo.cfg:3  syncLimit    honoured",
      "/zoo.cfg:4  syncEnabled  no effect  an observer has a log and snapshots as any other member",
      "/zoo.cfg:5  server.1     honoured",
    ]);
    expect(check("dataDir=/a\nsyncEnabled=false\n").lines[1]).toBe("/zoo.cfg:2  syncEnabled  ensembles only");
  });

  it("leaves the table alone when what is wrong stands elsewhere", () => {
    const text = Buffer.from("dataDir=/a\nserver.1=a:1:2;2181\n");
    const input = {
      text,
      file: "/zoo.cfg",
      systemProperties: new Map([["zookeeper.snapCount", "1"]]),
      files: anyFolder,
    };
    const { lines } = checkConfig({ ...input, readMyid: () => "one" });
    expect(lines.filter((line) => line.endsWith("honoured"))).toHaveLength(3);
    expect(lines.at(-1)).toMatch(/^\/a\/myid:1: serverid one is not a number/);
  });

  it("says of a single server line what is made of it", () => {
    const { lines } = check("dataDir=/a\nautopurge.purgeInterval=1\nserver.1=a:1:2;2181\n");
    expect(lines.slice(2)).toEqual([
      "/zoo.cfg:3  server.1                 honoured",
      "/zoo.cfg:3: only one server specified: the server is standalone, and takes at most the client port from this line",
      expect.stringContaining("/zoo.cfg: valid"),
    ]);
  });

  it("names the data folders that a start could not use, with the exit code that it would have", () => {
    const files: FolderFiles = {
      statSync: () => ({ isDirectory: () => false }),
      accessSync: () => {},
    };
    const { lines, exitCode } = check("dataDir=/a\ndataLogDir=/b\n", [], files);
    expect(exitCode).toBe(ExitCode.unableToAccessDatadir);
    expect(lines.slice(-3)).toEqual([
      "/zoo.cfg:1: dataDir: /a/version-2 is a file, where a folder is needed",
      "/zoo.cfg:2: dataLogDir: /b/version-2 is a file, where a folder is needed",
      "/zoo.cfg: as this user on this machine, a start would end with exit code 3",
    ]);
    expect(check("dataDir=/a\n", [], files).lines.filter((line) => line.includes("/a/version-2"))).toHaveLength(1);
  });

  it("gives one line for a file that cannot be read at all", () => {
    const { lines, exitCode } = check("dataDir=C:\\users\n");
    expect(exitCode).toBe(ExitCode.invalidInvocation);
    expect(lines).toEqual([
      expect.stringContaining("/zoo.cfg:1: Error processing /zoo.cfg: Malformed \\uxxxx encoding."),
    ]);
  });
});

function refusal(code: string): Error {
  return Object.assign(new Error(code), { code });
}

/** A disk of these paths and no others; "read-only" is a folder that this user may not write. */
function disk(paths: Readonly<Record<string, "folder" | "file" | "read-only">>): FolderFiles {
  return {
    statSync: (path) => {
      const kind = paths[path];
      const isBelowFile = Object.keys(paths).some((file) => paths[file] === "file" && path.startsWith(`${file}/`));
      if (kind === undefined) throw refusal(isBelowFile ? "ENOTDIR" : "ENOENT");
      return { isDirectory: () => kind !== "file" };
    },
    accessSync: (path, mode) => {
      expect(mode).toBe(constants.W_OK | constants.X_OK);
      if (paths[path] === "read-only") throw refusal("EACCES");
    },
  };
}

/** What keeps /a/b from being a data folder on such a disk. */
function problem(paths: Parameters<typeof disk>[0], isAutocreate = true): string | null {
  return dataFolderProblem(disk(paths), "/a/b", isAutocreate);
}

describe("a data folder", () => {
  it("can be used when it is there and writable, or when it can be made", () => {
    expect(dataFolderProblem(disk({ "/a/version-2": "folder" }), "/a", false)).toBeNull();
    expect(dataFolderProblem(disk({ "/": "folder" }), "/a/b", true)).toBeNull();
    expect(dataFolderProblem(disk({ ".": "folder" }), "data", true)).toBeNull();
  });

  it("cannot when it is a file, may not be written, or may not be made", () => {
    const root = { "/": "folder" } as const;
    expect(problem({ ...root, "/a": "file" })).toBe("/a is a file, where a folder is needed");
    expect(problem({ "/a/b/version-2": "read-only" })).toBe("/a/b/version-2 cannot be written: permission denied");
    expect(problem({ ...root, "/a": "read-only" })).toBe("/a/b/version-2 cannot be made in /a: permission denied");
    expect(problem({ ...root, "/a/b": "folder" }, false)).toBe(
      "/a/b/version-2 is missing, and must be made by hand (zookeeper.datadir.autocreate is false)",
    );
    expect(problem({})).toBe("/ cannot be looked at: no such file or directory");
  });
});

describe("exit codes", () => {
  it("are ZooKeeper's, each announced by the line that scripts know", () => {
    expect(ExitCode).toEqual({
      executionFinished: 0,
      unexpectedError: 1,
      invalidInvocation: 2,
      unableToAccessDatadir: 3,
      errorStartingAdminServer: 4,
      txnLogErrorTakingSnapshot: 10,
      unmatchedTxnCommit: 12,
      quorumPacketError: 13,
      unableToBindQuorumPort: 14,
    });
    expect(exitLine[ExitCode.invalidInvocation]).toBe("Invalid config, exiting abnormally");
    expect(exitLine[ExitCode.unableToAccessDatadir]).toBe("Unable to access datadir, exiting abnormally");
    expect(exitLine[ExitCode.errorStartingAdminServer]).toBe("Unable to start AdminServer, exiting abnormally");
  });
});
