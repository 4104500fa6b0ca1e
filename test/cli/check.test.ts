import { describe, expect, it } from "vitest";
import { checkConfig } from "#cli/check.ts";
import { ExitCode, exitLine } from "#config/exit-code.ts";

function check(
  text: string,
  flags: readonly (readonly [string, string])[] = [],
): { lines: string[]; exitCode: number } {
  return checkConfig({ text: Buffer.from(text), file: "/zoo.cfg", systemProperties: new Map(flags) });
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
        "/zoo.cfg: valid",
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

  it("gives one line for a file that cannot be read at all", () => {
    const { lines, exitCode } = check("dataDir=C:\\users\n");
    expect(exitCode).toBe(ExitCode.invalidInvocation);
    expect(lines).toEqual([
      expect.stringContaining("/zoo.cfg:1: Error processing /zoo.cfg: Malformed \\uxxxx encoding."),
    ]);
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
