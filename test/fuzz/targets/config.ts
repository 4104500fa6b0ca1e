/**
 * Targets of what operators write, whatever it says:
 *
 *   zoo-cfg          zoo.cfg, and with it how its members move out into a file of their own
 *   dynamic-config   the text of a configuration, as it is in files and on the wire between servers
 *
 * Either a configuration comes of it, which means the same when it is written by us and read again, or a ConfigError of one line that
 * names file, line and key. No other exception: what an operator gets wrong has never been a stack trace.
 */

import { readFileSync } from "node:fs";
import { ConfigError, oneLine } from "#base/errors.ts";
import { javaAddress } from "#base/java-address.ts";
import { dynamicFileText, nextFileText, staticFileText } from "#config/dynamic-config.ts";
import { loadConfig, type LoadedConfig } from "#config/server-config.ts";
import { formatNote } from "#config/notes.ts";
import { parseConfigText } from "#quorum/config-text.ts";
import { demand, type FuzzTarget } from "../target.ts";

const file = "/conf/zoo.cfg";
const dynamicFile = "/conf/zoo.cfg.dynamic.1a";
const configFixtures = new URL("../../config/fixtures/", import.meta.url);
/** One in so many of the recorded texts: many differ in a word. */
const recordedStep = 9;
const bytesMax = 4096;
const allocatedBytesMax = 1 << 20;
const rules = { standaloneEnabled: true, multiAddressEnabled: true };

const keys = readFileSync(new URL("documented-keys.txt", configFixtures), "latin1")
  .split("\n")
  .map((line) => line.split(" ")[1] ?? "")
  .filter((key) => key !== "");
const memberWords = ["server.1", "server.2", "server.0", "group.1", "group.2", "weight.1", "weight.2", "version"];

/** Members of ensembles, whose server 1 would start. */
const limits = "dataDir=/d\ntickTime=2000\ninitLimit=10\nsyncLimit=5\n";
const ensembleTexts: readonly string[] = [
  `${limits}clientPort=2181\nserver.1=h1:2888:3888\nserver.2=h2:2888:3888\nserver.3=h3:2888:3888:observer\n`,
  `# comment\n${limits}reconfigEnabled=true\nserver.1=h1:2888:3888;2181\nserver.2=h2:2888:3888:participant;h2:2181\n`,
  `${limits}server.1=h1:1:2\nserver.2=h2:1:2\nserver.3=h3:1:2\ngroup.1=1:2\ngroup.2=3\nweight.1=2\nweight.2=0\n`,
  `${limits}multiAddress.enabled=true\nserver.1=h1:1:2|g1:1:2;[::1]:3\nserver.2=h2:1:2|g2:3:4\n`,
];

/** Recorded texts, with a folder in place of the recorder's. */
function recordedTexts(): string[] {
  const lines = readFileSync(new URL("zoo-cfg.jsonl", configFixtures), "utf8").trimEnd().split("\n");
  const texts = lines.map((line) => (JSON.parse(line) as { text: string }).text.replaceAll("@/", "/"));
  return [...new Set(texts)].filter((_, index) => index % recordedStep === 0);
}

/** Does it, unless the operator is told what is wrong. @returns null then. */
function unlessRefused<Result>(text: Buffer, work: () => Result): Result | null {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const { facts, message } = error;
    demand(!/[\r\n]/.test(message), `more than one line: ${JSON.stringify(message)}`);
    demand(facts.file !== "" && message.startsWith(oneLine(facts.file)), `no file is named: ${message}`);
    demand(facts.problem !== "", "nothing is said to be wrong");
    const lineCount = text.toString("latin1").split(/\r\n|\r|\n/).length;
    const isInFile = facts.line >= 0 && facts.line <= lineCount;
    demand(Number.isInteger(facts.line) && isInFile, `line ${facts.line} of ${lineCount}`);
    return null;
  }
}

function load(text: Buffer, members: string | null = null): LoadedConfig {
  return loadConfig({
    text,
    file,
    systemProperties: new Map(),
    readMyid: () => "1",
    readDynamicFile: (path) => (members !== null && path === dynamicFile ? Buffer.from(members) : null),
  });
}

function playZooCfg(input: Buffer): void {
  const loaded = unlessRefused(input, () => load(input));
  if (loaded === null) return;
  const { config, notes } = loaded;
  for (const note of notes) demand(!/[\r\n]/.test(formatNote(file, note)), "a note of more than one line");
  const { ensemble } = config;
  if (ensemble === null || config.membership.members.size === 0) return;
  // As at the first change of the members: they move into a file of their own, and nothing else changes.
  const isClientPortMoved = false;
  const moved = staticFileText(input, { zooCfg: file, dynamicFile, isClientPortMoved });
  const again = load(moved, dynamicFileText(ensemble.committed)).config;
  demand(again.ensemble !== null, "no member any more once the members have moved");
  const [before, after] = [ensemble.committed, again.ensemble.committed].map((config) => dynamicFileText(config));
  demand(after === before, "other members once they have moved");
  demand(settingsOf(again) === settingsOf(config), "other settings once the members have moved");
}

/** What does not depend on the members. */
function settingsOf(config: LoadedConfig["config"]): string {
  return JSON.stringify({ ...config, ensemble: null, membership: null }, (key, value: unknown) => {
    // An IPv6 address is written in full.
    if (key === "clientPortAddress" && typeof value === "string" && value.includes(":")) return javaAddress(value);
    if (typeof value === "bigint") return String(value);
    // A backslash at the very end is a key without a name, and none when something follows.
    if (value instanceof Map) return [...(value as Map<unknown, unknown>)].filter(([name]) => name !== "zookeeper.");
    return value instanceof Set ? [...(value as Set<unknown>)] : value;
  });
}

export const zooCfg: FuzzTarget = {
  name: "zoo-cfg",
  kind: "text",
  bytesMax,
  words: [...keys, ...memberWords],
  allocatedBytesMax,
  seeds: () => [...recordedTexts(), ...ensembleTexts].map((text) => Buffer.from(text, "latin1")),
  run: playZooCfg,
};

function playDynamicConfig(input: Buffer): void {
  const text = input.toString("utf8");
  const config = unlessRefused(input, () => parseConfigText(text, dynamicFile, rules));
  if (config === null) return;
  // Quirk: a negative version is written as a number that is too large to be read.
  if (config.version < 0n) return;
  const again = parseConfigText(config.text, dynamicFile, rules);
  demand(again.text === config.text && again.version === config.version, `${config.text} is read as ${again.text}`);
  const next = parseConfigText(nextFileText(config), dynamicFile, rules);
  demand(next.text === config.text && next.version === config.version, "the file .next says something else");
  const members = parseConfigText(dynamicFileText(config), dynamicFile, rules);
  demand(
    members.text.split("\n").slice(0, -1).join() === config.text.split("\n").slice(0, -1).join(),
    "a file of other members",
  );
  demand(!config.hasQuorum(() => false), "none is a quorum");
}

export const dynamicConfig: FuzzTarget = {
  name: "dynamic-config",
  kind: "text",
  bytesMax,
  words: memberWords,
  allocatedBytesMax,
  seeds: () =>
    [
      "server.1=h1:2888:3888:participant;0.0.0.0:2181\nserver.2=h2:2888:3888:observer;2181\nversion=100000002",
      "server.1=h1:1:2\nserver.2=h2:1:2\nserver.3=h3:1:2\ngroup.1=1:2\ngroup.2=3\nweight.1=2\nweight.3=0\nversion=0",
      "server.1=h1:1:2|g1:3:4;[::1]:5\nserver.2=[fe80::1]:1:2:participant;127.0.0.1:3\nversion=7fffffffffffffff",
      ...recordedTexts()
        .map((each) =>
          each
            .split("\n")
            .filter((line) => /^(server|group|weight)\./.test(line))
            .join("\n"),
        )
        .filter((each) => each !== ""),
    ].map((text) => Buffer.from(text)),
  run: playDynamicConfig,
};
