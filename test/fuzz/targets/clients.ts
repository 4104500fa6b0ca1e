/**
 * Targets of the client port, whatever a client may send:
 *
 *   client-frames     an open session, and any bytes behind it, cut anywhere
 *   handshake         a connection from its first byte on: ConnectRequest, four-letter word, or neither
 *   request-bodies    good frames with good headers and any body, for each op code: int length | int type | body, again and again
 *
 * Always: what is sent costs that connection at most; an honest client beside it notices nothing; the same bytes in other pieces
 * have the same answers, byte by byte; counts of the tree are what counting finds; the disk has what memory has, so that a
 * restart is in the same state, digest included.
 */

import { fourLetterWord } from "#admin/four-letter-words.ts";
import { OpCode } from "#protocol/op-code.ts";
import { dumpTree, expectAclsCounted, expectCountsRight } from "../../support/tree-dump.ts";
import { frame, requestFrame } from "../../support/wire-frames.ts";
import { recordedHandshakes, recordedRequests, type SeedRequest } from "../frame-seeds.ts";
import { handshake, HonestClient } from "../honest-client.ts";
import { type FakeSocket, frameBytesMax, ServerBench } from "../server-bench.ts";
import { cutInPieces, demand, diceOf, type FuzzTarget } from "../target.ts";

const words: readonly (string | Buffer)[] = [
  "/",
  "/a",
  "/a/b",
  "/zookeeper",
  "/zookeeper/quota",
  "/zookeeper/quota/a/zookeeper_limits",
  "zookeeper_stats",
  "/zookeeper/config",
  "world",
  "anyone",
  "digest",
  "auth",
  "ip",
  "127.0.0.1/8",
  "x509",
  "super",
  "u:p",
  "count=1,bytes=-1",
  "..",
  "//",
  "\0",
  "mntr",
  "stat",
  "srvr",
  "ruok",
  "cons",
  "dump",
  "wchs",
  "wchc",
  "wchp",
  "envi",
  "conf",
  "isro",
  "crst",
  "srst",
  "gtmk",
  "stmk",
  "dirs",
  "hash",
  Buffer.from([0xed, 0xa0, 0x80]),
  Buffer.from([0xc0, 0x80]),
  Buffer.from([0xf0, 0x9f, 0x98, 0x80]),
  Buffer.from([0xef, 0xbb, 0xbf]),
  ...Object.values(OpCode).map((code) => int(code)),
];
const opCodes = Object.values(OpCode);
/** Those that have no number of their own: ping, auth, setWatches. */
const xidOf: ReadonlyMap<number, number> = new Map([
  [OpCode.ping, -2],
  [OpCode.auth, -4],
  [OpCode.setWatches, -8],
  [OpCode.setWatches2, -8],
]);
const specialXids: ReadonlySet<number> = new Set(xidOf.values());
const nodeCountMax = 200_000;
const bytesMax = 16_384;
const allocatedBytesMax = 32 << 20;

function int(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

/** A server, an honest client on it, and a connection of whom nothing good is known. */
class Scene {
  readonly bench: ServerBench;
  readonly honest: HonestClient;
  readonly stranger: FakeSocket;
  readonly turns: () => Promise<void>;

  private constructor(bench: ServerBench) {
    this.bench = bench;
    this.turns = () => bench.turns();
    this.honest = new HonestClient(bench.open("10.0.0.2"), this.turns);
    this.stranger = bench.open();
  }

  static async set(): Promise<Scene> {
    const scene = new Scene(await ServerBench.start());
    await scene.honest.begin();
    return scene;
  }

  async openSession(): Promise<void> {
    this.stranger.give(handshake());
    await this.turns();
    demand(this.stranger.take().length === 41, "there is no session to begin with");
  }

  /** What must hold whatever was sent. */
  async end(): Promise<void> {
    await this.honest.work();
    this.stranger.hangUp();
    await this.turns();
    await this.honest.work();
    const { server, serving } = this.bench;
    const { tree, sessions } = serving.database;
    demand(server.port!.connections.size === 1, "a connection that is gone is still there");
    demand(server.metrics.digestMismatchesCount.value === 0, "prepared and applied digests differ");
    demand(tree.nodeCount < nodeCountMax, "the tree has grown beyond reason");
    expectCountsRight(tree);
    expectAclsCounted(tree);
    const again = await this.bench.restarted();
    demand(again.applier.digestMismatchCount === 0, "the log's digests do not match when it is replayed");
    const { digest } = again.tree;
    demand(digest.high === tree.digest.high && digest.low === tree.digest.low, "a restart has another digest");
    demand(textOf(dumpTree(again.tree)) === textOf(dumpTree(tree)), "a restart has another tree");
    demand(idsOf(again.sessions) === idsOf(sessions), "a restart has other sessions");
  }
}

function textOf(dump: Record<string, string>): string {
  return Object.entries(dump)
    .map((entry) => entry.join(" "))
    .sort()
    .join("\n");
}

function idsOf(sessions: ServerBench["serving"]["database"]["sessions"]): string {
  return [...sessions.committed()]
    .map(({ idHigh, idLow, timeoutMs }) => `${idHigh} ${idLow} ${timeoutMs}`)
    .sort()
    .join();
}

interface Outcome {
  readonly isClosed: boolean;
  readonly answers: string;
}

/** What came of bytes. */
async function outcomeOf(input: Buffer, isSessionOpen: boolean, pieceBytesMax: number): Promise<Outcome> {
  const scene = await Scene.set();
  if (isSessionOpen) await scene.openSession();
  for (const piece of cutInPieces(input, diceOf(input, 1), pieceBytesMax)) scene.stranger.give(piece);
  await scene.turns();
  const answers = scene.stranger.take();
  checkFrames(answers, isSessionOpen);
  const { isClosed } = scene.stranger;
  await scene.end();
  const isWord = !isSessionOpen && fourLetterWord(input) !== null;
  return { isClosed, answers: isWord ? withoutNumbers(answers) : answers.toString("hex") };
}

/** What a four-letter word is answered, without the times and sizes of the moment. */
function withoutNumbers(answer: Buffer): string {
  return answer.toString("latin1").replaceAll(/-?[\d.]+(E-?\d+)?/g, "#");
}

/** The same with turns between the pieces: other things may come of it, but nothing that may not. */
async function playSlowly(input: Buffer, isSessionOpen: boolean): Promise<void> {
  const scene = await Scene.set();
  if (isSessionOpen) await scene.openSession();
  for (const piece of cutInPieces(input, diceOf(input, 2), 64)) {
    scene.stranger.give(piece);
    await scene.turns();
  }
  await scene.end();
}

/** What a client is sent is whole frames, of which each is a reply or an event. */
function checkFrames(bytes: Buffer, isSessionOpen: boolean): void {
  if (!isSessionOpen) return;
  for (let at = 0; at < bytes.length;) {
    const length = bytes.readInt32BE(at);
    demand(length >= 16 && at + 4 + length <= bytes.length, `a frame of ${length} bytes is sent`);
    at += 4 + length;
  }
}

/** What ends a connection takes with it what was answered in the same turn and not sent yet. */
function isSame(a: Outcome, b: Outcome): boolean {
  if (a.isClosed !== b.isClosed) return false;
  return a.isClosed ? a.answers.startsWith(b.answers) || b.answers.startsWith(a.answers) : a.answers === b.answers;
}

async function playStream(input: Buffer, isSessionOpen: boolean): Promise<void> {
  const whole = await outcomeOf(input, isSessionOpen, 0);
  const inPieces = await outcomeOf(input, isSessionOpen, 16);
  demand(isSame(whole, inPieces), `in pieces ${JSON.stringify(inPieces)}, as a whole ${JSON.stringify(whole)}`);
  await playSlowly(input, isSessionOpen);
}

export const clientFrames: FuzzTarget = {
  name: "client-frames",
  kind: "bytes",
  bytesMax,
  words,
  allocatedBytesMax,
  seeds: () =>
    recordedRequests.map((requests) =>
      Buffer.concat(requests.map(({ type, body }, index) => requestFrame(index + 1, type, body))),
    ),
  run: (input) => playStream(input, true),
};

export const handshakes: FuzzTarget = {
  name: "handshake",
  kind: "bytes",
  bytesMax: frameBytesMax * 2,
  words,
  allocatedBytesMax,
  seeds: () => [
    ...recordedHandshakes.map((bytes) =>
      Buffer.concat([frame(bytes), requestFrame(1, OpCode.getData, Buffer.alloc(0))]),
    ),
    handshake(),
    Buffer.from("mntr"),
    Buffer.from("stat\n"),
  ],
  run: (input) => playStream(input, false),
};

/** Requests as an input has them: int length | int type | body. Whatever the bytes are, they are some requests. */
function requestsIn(input: Buffer): SeedRequest[] {
  const requests: SeedRequest[] = [];
  for (let at = 0; at + 8 <= input.length;) {
    const end = Math.min(input.length, at + 8 + Math.max(0, input.readInt32BE(at)));
    const code = input.readInt32BE(at + 4);
    const type = opCodes.find((each) => each === code) ?? opCodes[(code >>> 0) % opCodes.length]!;
    requests.push({ type, body: input.subarray(at + 8, end) });
    at = end;
  }
  return requests;
}

/** Each is answered, whatever its body, or the connection ends; those that come together are prepared ahead of each other. */
async function playRequests(input: Buffer): Promise<void> {
  const scene = await Scene.set();
  await scene.openSession();
  const dice = diceOf(input, 3);
  const requests = requestsIn(input);
  const waiting = new Set<number>();
  const hear = (): void => {
    const bytes = scene.stranger.take();
    checkFrames(bytes, true);
    for (let at = 0; at < bytes.length; at += 4 + bytes.readInt32BE(at)) {
      const xid = bytes.readInt32BE(at + 4);
      demand(xid === -1 || waiting.delete(xid) || specialXids.has(xid), `an answer to ${xid}, which nobody waits for`);
    }
  };
  for (const [index, { type, body }] of requests.entries()) {
    const xid = xidOf.get(type) ?? index + 1;
    waiting.add(xid);
    scene.stranger.give(requestFrame(xid, type, body));
    if (dice.next() < 0.5) await scene.turns();
    hear();
  }
  await scene.turns();
  hear();
  demand(scene.stranger.isClosed || waiting.size === 0, `no answer to ${[...waiting].join()}`);
  await scene.end();
}

export const requestBodies: FuzzTarget = {
  name: "request-bodies",
  kind: "bytes",
  bytesMax,
  words,
  allocatedBytesMax,
  seeds: () =>
    recordedRequests.map((requests) =>
      Buffer.concat(requests.flatMap(({ type, body }) => [int(body.length), int(type), body])),
    ),
  run: playRequests,
};
