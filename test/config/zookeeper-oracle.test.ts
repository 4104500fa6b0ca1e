import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { ConfigError } from "#base/errors.ts";
import { formatMember } from "#quorum/membership.ts";
import { loadConfig, type ServerConfig } from "#config/server-config.ts";

interface Settings {
  readonly clientPort: number | null;
  readonly clientHost: string | null;
  readonly dataDir: string;
  readonly dataLogDir: string;
  readonly tickTimeMs: number;
  readonly minSessionTimeoutMs: number;
  readonly maxSessionTimeoutMs: number;
  readonly maxClientCnxns: number;
  readonly clientPortListenBacklog: number;
  readonly snapRetainCount: number;
  readonly purgeIntervalHours: number;
  readonly isDistributed: boolean;
  readonly members: readonly string[];
}

interface Oracle {
  readonly text: string;
  readonly myid: string | null;
  readonly config?: Settings;
  readonly errors?: readonly string[];
}

const oracles = readFileSync(new URL("fixtures/zoo-cfg.jsonl", import.meta.url), "utf8")
  .trimEnd()
  .split("\n")
  .map((line) => JSON.parse(line) as Oracle);

/** Where the outcome differs on purpose: what the file holds after its first line, and why. */
const deviations: readonly [rest: RegExp, myid: string | null | undefined, why: string][] = [
  [
    /^server\.1=localhost.*;(127\.0\.0\.1:)?2181\n(group\.1=1\n(weight\.1=0\n)?)?$/,
    null,
    "the only member is this one, without a myid too",
  ],
  [/^server\.1=localhost.*\n$/, "2", "the only member is this one, whatever myid says"],
  [/^server\.1= localhost/, null, "the only member is this one, without a myid too"],
  [/^server\.1=localhost.*\n$/, "1 \n", "blanks round the number of myid are forgiven"],
  [/^server\.1=localhost.*\n$/, " 1", "blanks round the number of myid are forgiven"],
  [/^server\.1=.*2181 \n$/, undefined, "blanks after a member line are forgiven"],
  [/^weight\.1= 5 \n$/, undefined, "blanks after a weight are forgiven"],
  [/^weight\.1=-1\n$/, undefined, "a negative weight, with which nobody at all would be a quorum, is refused"],
  [/^server\.2= 5 \n$/, undefined, "the error quotes the value without the blanks round it"],
  [/^dataLogDir=.?\n$/, undefined, "a path of one letter is a path, none is a ConfigError; Java fails with an index"],
  [/^dataLogDir= 5 \n$/, undefined, "a path of one letter is a path; Java fails with an index"],
  [/^server\.1=[;|]\n$/, undefined, "a member line of separators only is malformed"],
  [/^server\.1=a:1:2;x\n$/, undefined, "the error names the client host, not null"],
  [/^server\.1=\[::1\]:1:2;\[::1\]:3\n$/, undefined, "the address to bind keeps its spelling"],
  [/^tickTime=-1\n$/, undefined, "the error names the negative tick, not the timeouts made of it"],
  [/^(maxClientCnxns|autopurge\.purgeInterval)=-1\n$/, undefined, "a negative limit that means off is 0"],
];

function settingsOf(config: ServerConfig): Settings {
  const { clientPort, dataDir, dataLogDir, tickTimeMs, minSessionTimeoutMs, maxSessionTimeoutMs } = config;
  return {
    clientPort,
    clientHost: clientPort === null ? null : config.clientPortAddress,
    dataDir,
    dataLogDir,
    tickTimeMs,
    minSessionTimeoutMs,
    maxSessionTimeoutMs,
    maxClientCnxns: config.maxClientCnxns,
    clientPortListenBacklog: config.clientPortListenBacklog,
    snapRetainCount: config.autopurge.snapRetainCount,
    purgeIntervalHours: config.autopurge.purgeIntervalHours,
    isDistributed: config.ensemble !== null,
    members: [...config.membership.members.values()].map((member) => formatMember(member)),
  };
}

function load({ text, myid }: Oracle): Settings | string {
  try {
    const input = { text: Buffer.from(text, "latin1"), file: "@/zoo.cfg", systemProperties: new Map() };
    return settingsOf(loadConfig({ ...input, readMyid: () => myid }).config);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as ConfigError).message;
  }
}

/** Whether our outcome is ZooKeeper's: the same settings, or an error that says what its error says. */
function isSame(oracle: Oracle, ours: Settings | string): boolean {
  if (oracle.errors !== undefined) {
    const words = oracle.errors.find((message) => !message.startsWith("Error processing")) ?? "";
    return typeof ours === "string" && ours.includes(words);
  }
  const members = oracle.config!.members.map((member) => member.replace(/ static$/, ""));
  return JSON.stringify({ ...oracle.config, members }) === JSON.stringify(ours);
}

function deviationOf({ text, myid }: Oracle): number {
  const rest = text.slice(text.indexOf("\n") + 1);
  return deviations.findIndex(([pattern, number]) => pattern.test(rest) && (number === undefined || number === myid));
}

describe("a configuration file, beside ZooKeeper's own parser", () => {
  it("is accepted, read and refused alike, but for the listed deviations", () => {
    expect(oracles.length).toBeGreaterThan(700);
    const seen = new Set<number>();
    for (const oracle of oracles) {
      const ours = load(oracle);
      const deviation = deviationOf(oracle);
      if (isSame(oracle, ours)) continue;
      expect(deviation, JSON.stringify([oracle, ours])).toBeGreaterThanOrEqual(0);
      seen.add(deviation);
    }
    const stale = deviations.filter((_, index) => !seen.has(index)).map(([, , why]) => why);
    expect(stale).toEqual([]);
  });
});
