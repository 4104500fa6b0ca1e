/**
 * The four-letter words: what an operator, a probe or a script may ask on the client port with nothing but `nc`.
 *
 *   a connection's first four bytes    a word of the table below, or FF F4 FF FD (telnet closing)
 *   the answer                         plain text, then the server closes
 *
 * A connection that has sent a connect request is past this: there the same bytes are a frame length. Words are off
 * unless the whitelist names them, except srvr, which ZooKeeper's own scripts depend on; a known word that is off is
 * refused in a sentence that people's probes compare with. Bytes behind a word are ignored (stmk takes eight of them).
 *
 *   always answered   ruok isro envi gtmk stmk
 *   while serving     conf cons crst dirs dump hash mntr srst srvr stat wchc wchp wchs; else one sentence says so
 *
 * Always: no line feed after the answers of ruok, isro, gtmk and stmk, nor at the end of an ensemble's conf; probes
 * compare whole answers. Source: FourLetterCommands, CommandExecutor, the classes of server.command.
 */

import { unreachable } from "#base/assert.ts";
import { javaDouble } from "#base/metric-number.ts";
import { fullVersion } from "#base/version.ts";
import { hexOfHalves, longOf } from "#base/zxid.ts";
import { confText } from "./conf-text.ts";
import { consLines, statConnectionLines } from "./connection-lines.ts";
import { dumpLines } from "./dump-lines.ts";
import { environmentText } from "./environment-text.ts";
import { monitorLines } from "./monitor-values.ts";
import type { DigestFacts, ServerFacts, ServingFacts } from "#server/server-facts.ts";
import { slicesOf } from "./slices.ts";
import { watchLinesByPath, watchLinesBySession, watchSummary } from "./watch-lines.ts";

const words = [
  "conf",
  "cons",
  "crst",
  "dirs",
  "dump",
  "envi",
  "gtmk",
  "hash",
  "isro",
  "mntr",
  "ruok",
  "srst",
  "srvr",
  "stat",
  "stmk",
  "wchc",
  "wchp",
  "wchs",
] as const;

/** A word, or the bytes with which telnet says goodbye; those have no answer, but a name for the refusal. */
export type FourLetterWord = (typeof words)[number] | "telnet close";

const wordsByFirstInt: ReadonlyMap<number, FourLetterWord> = new Map<number, FourLetterWord>([
  ...words.map((word) => [Buffer.from(word, "latin1").readInt32BE(0), word] as const),
  [0xfff4fffd | 0, "telnet close"],
]);

/** Bytes behind `stmk`: a trace mask, big-endian. */
const traceMaskBytes = 8;

const notServing = "This ZooKeeper instance is not currently serving requests";

/** The word that the first four of `bytes` spell, or null: then they are the length of a frame. */
export function fourLetterWord(bytes: Buffer): FourLetterWord | null {
  return bytes.length < 4 ? null : (wordsByFirstInt.get(bytes.readInt32BE(0)) ?? null);
}

/**
 * The words that are on.
 * @param whitelist the value of `4lw.commands.whitelist`: words between commas, `*` for all; null when it is not set.
 * @param isReadOnlyModeEnabled whether `readonlymode.enabled` is true: clients in search of a server then need isro.
 */
export function enabledWords(whitelist: string | null, isReadOnlyModeEnabled: boolean): ReadonlySet<FourLetterWord> {
  const enabled = new Set<FourLetterWord>(["srvr"]);
  if (isReadOnlyModeEnabled) enabled.add("isro");
  const named = new Set((whitelist ?? "").split(",").map((name) => name.trim()));
  for (const word of wordsByFirstInt.values()) {
    if (named.has("*") || named.has(word)) enabled.add(word);
  }
  return enabled;
}

/** The answer to a word that is known and off. */
export function refusal(word: FourLetterWord): string {
  return `${word} is not executed because it is not in the whitelist.\n`;
}

/**
 * The answer to `word`, in slices of some 16 KiB: send them in order, one or a few a turn, then close the connection.
 * Resets and the trace mask take effect during this call; the lines of a long answer are read as they are taken.
 * @param argument the bytes behind the word. stmk with fewer than eight gets no answer, nor do telnet's bytes.
 */
export function answerFourLetterWord(
  word: FourLetterWord,
  facts: ServerFacts,
  argument: Buffer | null,
): Iterable<string> {
  if (isServingWord(word)) {
    return facts.serving === null ? [`${notServing}\n`] : servingAnswers[word](facts, facts.serving);
  }
  switch (word) {
    case "ruok":
      return ["imok"];
    case "isro":
      return [facts.serving === null ? "null" : facts.serving.mode === "read-only" ? "ro" : "rw"];
    case "envi":
      return [environmentText(facts.environment)];
    case "gtmk":
      return [facts.traceMask.toString()];
    case "stmk":
      return setTraceMask(facts, argument);
    case "telnet close":
      return [];
    case "hash":
      // Quirk: the one word whose not-serving sentence has no line feed.
      return facts.serving === null ? [notServing] : slicesOf(digestLines(facts.serving.digests));
    default:
      return unreachable(word);
  }
}

const servingAnswers = {
  conf: (_facts, serving) => [confText(serving)],
  cons: (facts) => slicesOf(consLines(facts.port.connections)),
  crst: (facts) => {
    facts.port.resetConnectionStats();
    return ["Connection stats reset.\n"];
  },
  dirs: (_facts, serving) => [`datadir_size: ${serving.dataDirBytes}\nlogdir_size: ${serving.dataLogDirBytes}\n`],
  dump: (facts, serving) => slicesOf(dumpLines(serving, facts.port, facts.environment.timeZone)),
  mntr: (_facts, serving) => slicesOf(monitorLines(serving)),
  srst: (_facts, serving) => {
    serving.resetStats();
    return ["Server stats reset.\n"];
  },
  srvr: (_facts, serving) => [versionLines(serving) + statistics(serving)],
  stat: (facts, serving) => slicesOf(statLines(facts, serving)),
  wchc: (_facts, serving) => slicesOf(watchLinesBySession(serving.dataWatches)),
  wchp: (_facts, serving) => slicesOf(watchLinesByPath(serving.dataWatches)),
  wchs: (_facts, serving) => [watchSummary(serving.dataWatches)],
} satisfies Partial<Record<FourLetterWord, (facts: ServerFacts, serving: ServingFacts) => Iterable<string>>>;

type ServingWord = keyof typeof servingAnswers;

function isServingWord(word: FourLetterWord): word is ServingWord {
  return Object.hasOwn(servingAnswers, word);
}

function setTraceMask(facts: ServerFacts, argument: Buffer | null): string[] {
  if (argument === null || argument.length < traceMaskBytes) return [];
  const mask = argument.readBigInt64BE(0);
  facts.setTraceMask(mask);
  return [mask.toString()];
}

function* digestLines(digests: Iterable<DigestFacts>): Generator<string, void, undefined> {
  for (const digest of digests) {
    const zxid = hexOfHalves(digest.zxidHigh, digest.zxidLow);
    yield `${zxid}: ${longOf(digest.digestHigh, digest.digestLow)}\n`;
  }
}

function* statLines(facts: ServerFacts, serving: ServingFacts): Generator<string, void, undefined> {
  yield `${versionLines(serving)}Clients:\n`;
  yield* statConnectionLines(facts.port.connections);
  yield `\n${statistics(serving)}`;
}

function versionLines(serving: ServingFacts): string {
  const readOnly = serving.mode === "read-only" ? "READ-ONLY mode; serving only read-only clients\n" : "";
  return `Zookeeper version: ${fullVersion}\n${readOnly}`;
}

function statistics(serving: ServingFacts): string {
  const { min, average, max } = serving.latencyMs;
  const text =
    `Latency min/avg/max: ${Math.trunc(min)}/${javaDouble(average)}/${Math.trunc(max)}\n` +
    `Received: ${serving.packetsReceived}\n` +
    `Sent: ${serving.packetsSent}\n` +
    `Connections: ${serving.connectionCount}\n` +
    `Outstanding: ${serving.outstandingRequests}\n` +
    `Zxid: 0x${hexOfHalves(serving.lastZxidHigh, serving.lastZxidLow)}\n` +
    `Mode: ${serving.mode}\n` +
    `Node count: ${serving.znodeCount}\n`;
  const leader = serving.peer?.leader ?? null;
  if (leader === null) return text;
  const { last, min: smallest, max: largest } = leader.proposalSizes;
  return `${text}Proposal sizes last/min/max: ${last}/${smallest}/${largest}\n`;
}
