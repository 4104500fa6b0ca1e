/**
 * Targets of the ports between servers, whatever a peer may send:
 *
 *   learner    what a leader sends to a new follower that has just connected, from LEADERINFO to COMMIT
 *   returning  the same to one that has a history, the end of which may have to go
 *   leader     what a learner sends to a leader that serves, from FOLLOWERINFO to REQUEST
 *   discovery  the same to one that has not found its quorum yet
 *   packets    one packet of the quorum port, beside a decoder that was generated from ZooKeeper's own description
 *
 * Always: what is sent costs that connection at most. A learner acknowledges nothing that is not on its disk, and starts again from
 * what the disk has; a leader goes on serving its honest client and its honest follower.
 */

import { JuteReader, MarshallingError } from "#jute/reader.ts";
import { readQuorumPacket } from "#jute/records/quorum.ts";
import { PacketType, PacketView } from "#protocol/quorum-packet.ts";
import { ServerState } from "#quorum/vote.ts";
import { EpochFiles } from "#storage/epoch-files.ts";
import { longOf } from "#base/zxid.ts";
import { Bytes } from "../../support/bytes.ts";
import type { MemoryDisk } from "../../support/memory-disk.ts";
import { logHeader, record } from "../../storage/builders.ts";
import { diskWith, emptySnapshot, startFrom } from "../database-bench.ts";
import { HonestClient } from "../honest-client.ts";
import { clientPort, electionPort, firstWords, MemberBench, quorumPort, voteBytes } from "../member-bench.ts";
import {
  history,
  leaderSeeds,
  learnerInfo,
  learnerSeeds,
  packet,
  packetWords,
  returningSeeds,
} from "../quorum-packets.ts";
import type { FakeSocket } from "../server-bench.ts";
import { cutInPieces, demand, diceOf, type FuzzTarget, OracleError } from "../target.ts";

const { proposal, ack, followerInfo, leaderInfo, ackEpoch, request, snap } = PacketType;
const bytesMax = 16_384;
const allocatedBytesMax = 32 << 20;
const pieceBytesMax = 200;
const dataFolder = "/data/version-2";
/** A follower of server 3, up to its first packet; `hear` is told each packet that it sends. */
async function follower(
  files: Readonly<Record<string, Uint8Array>>,
  hear: (packet: PacketView, bench: MemberBench) => void,
): Promise<{ bench: MemberBench; leader: FakeSocket }> {
  const bench = await new MemberBench(1).put(files).start();
  for (const sid of [2, 3]) {
    const state = sid === 3 ? ServerState.leading : ServerState.following;
    bench.join(electionPort, `h${sid}`).give(Buffer.concat([firstWords(sid), voteBytes({ state })]));
  }
  await bench.turns();
  const leader = bench.accept("h3", quorumPort);
  demand(leader !== null, "it does not follow its leader");
  leader.onWrite = (bytes) => {
    const view = new PacketView();
    for (let at = 0; at < bytes.length && view.read(bytes, at, bytes.length, bytes.length); at = view.end)
      hear(view, bench);
  };
  await bench.turns();
  return { bench, leader };
}

/** What a disk had, durably, when something was acknowledged. */
interface Promised {
  readonly disk: MemoryDisk;
  readonly zxid: bigint;
}

/** What was acknowledged can be read from the disk as it was then. */
async function checkPromise({ disk, zxid }: Promised): Promise<void> {
  const epochs = await new EpochFiles(disk, dataFolder).load(0n);
  demand(
    epochs.currentEpoch >= zxid >> 32n,
    `epoch ${zxid >> 32n} is acknowledged, ${epochs.currentEpoch} is on the disk`,
  );
  if (BigInt.asUintN(32, zxid) === 0n) return;
  const start = await startFrom(moved(disk));
  if (start instanceof Error) throw new OracleError(`what was acknowledged cannot be read: ${start.message}`);
  const { lastZxidHigh, lastZxidLow } = start.recovery;
  const last = longOf(lastZxidHigh, lastZxidLow);
  demand(last >= zxid, `0x${zxid.toString(16)} is acknowledged, the disk ends at 0x${last.toString(16)}`);
}

/** The same files where the bench of databases looks for them. */
function moved(disk: MemoryDisk): MemoryDisk {
  const names = disk.names(dataFolder).filter((name) => /^(log|snapshot)\./.test(name));
  return diskWith(Object.fromEntries(names.map((name) => [name, disk.get(`${dataFolder}/${name}`)])));
}

async function playLearner(input: Buffer, files: Readonly<Record<string, Uint8Array>> = {}): Promise<void> {
  const promises: Promised[] = [];
  const { bench, leader } = await follower(files, ({ type, zxidHigh, zxidLow }, { disk }) => {
    if (type === ack) promises.push({ disk: disk.crash(() => false), zxid: longOf(zxidHigh, zxidLow) });
  });
  for (const piece of cutInPieces(input, diceOf(input, 1), pieceBytesMax)) {
    leader.give(piece);
    await bench.turns();
  }
  leader.hangUp();
  await bench.turns();
  for (const promise of promises) await checkPromise(promise);
  // Told of other members, or of another leader, it may be on its way there, or lead for a while.
  demand(bench.member.peer!.state !== "Learning", "without its leader it goes on as if it had one");
  await checkRestart(bench, false);
}

export const learner: FuzzTarget = {
  name: "learner",
  kind: "bytes",
  bytesMax,
  words: [...packetWords, "/a", "/zookeeper/config", "server.1=", "version="],
  allocatedBytesMax,
  seeds: learnerSeeds,
  run: (input) => playLearner(input),
};

export const returning: FuzzTarget = {
  ...learner,
  name: "returning",
  seeds: returningSeeds,
  run: (input) =>
    playLearner(input, {
      acceptedEpoch: Buffer.from("1"),
      currentEpoch: Buffer.from("1"),
      "snapshot.0": emptySnapshot,
      "log.100000001": Buffer.concat([logHeader, ...history().map((txn) => record(txn))]),
    }),
};

/** Server 3, which has been elected, and knows of nobody yet who follows it. */
async function elected(): Promise<MemberBench> {
  const bench = await new MemberBench(3).start();
  for (const sid of [1, 2]) {
    const socket = bench.accept(`h${sid}`, electionPort);
    demand(socket !== null, `it does not connect to server ${sid}`);
    socket.give(voteBytes({}));
  }
  await bench.turns();
  await bench.pass(300);
  demand(bench.isListening(quorumPort), "it does not lead");
  return bench;
}

/** Server 1 follows, and acknowledges whatever is proposed. */
async function joinHonestly(bench: MemberBench): Promise<void> {
  const honest = bench.join(quorumPort, "h1");
  const view = new PacketView();
  let epoch = 0n;
  honest.onWrite = (bytes) => {
    for (let at = 0; at < bytes.length && view.read(bytes, at, bytes.length, bytes.length); at = view.end) {
      // A tree is no packet: with one to receive it acknowledges nothing more.
      if (view.type === snap) {
        honest.onWrite = () => {};
        return;
      }
      if (view.type === leaderInfo) epoch = longOf(view.zxidHigh, 0);
      if (view.type === proposal) answers.push(packet(ack, longOf(view.zxidHigh, view.zxidLow)));
    }
  };
  const answers: Buffer[] = [];
  bench.onTurn = () => {
    for (const answer of answers.splice(0)) honest.give(answer);
  };
  honest.give(packet(followerInfo, 0n, learnerInfo(1n)));
  await bench.turns();
  honest.give(packet(ackEpoch, 0n, new Bytes().int(0).build()));
  await bench.turns();
  honest.give(packet(ack, epoch));
  await bench.turns();
}

/**
 * A restart has what the log says, and epochs that can be.
 * @param hasOwnTxns whether the member has made them itself: then their digests are right.
 */
async function checkRestart({ disk }: MemberBench, hasOwnTxns: boolean): Promise<void> {
  const crashed = disk.crash(() => false);
  const start = await startFrom(moved(crashed));
  if (start instanceof Error) throw new OracleError(`a restart is refused: ${start.message}`);
  const { digestMismatchCount } = start.database.applier;
  demand(!hasOwnTxns || digestMismatchCount === 0, "the log's digests do not match when it is replayed");
  const { lastZxidHigh, lastZxidLow } = start.recovery;
  await new EpochFiles(crashed, dataFolder).load(longOf(lastZxidHigh, lastZxidLow));
}

/** The stranger may raise the epoch, or lie about its history: with an honest follower there is a quorum all the same. */
async function playDiscovery(input: Buffer): Promise<void> {
  const bench = await elected();
  const stranger = bench.join(quorumPort, "h2");
  for (const piece of cutInPieces(input, diceOf(input, 1), pieceBytesMax)) {
    stranger.give(piece);
    await bench.turns();
  }
  await joinHonestly(bench);
  demand(leads(bench), "it does not come to lead");
  stranger.hangUp();
  await bench.turns();
  demand(leads(bench), "it leads no more");
  await checkRestart(bench, true);
}

function leads({ member }: MemberBench): boolean {
  return member.peer!.leading?.isServing === true;
}

export const discovery: FuzzTarget = {
  name: "discovery",
  kind: "bytes",
  bytesMax,
  words: packetWords,
  allocatedBytesMax,
  seeds: leaderSeeds,
  run: playDiscovery,
};

async function playLeader(input: Buffer): Promise<void> {
  const bench = await elected();
  await joinHonestly(bench);
  demand(bench.member.serving !== null, "it does not serve");
  const honest = new HonestClient(bench.join(clientPort, "10.0.0.2"), () => bench.turns());
  await honest.begin();
  const stranger = bench.join(quorumPort, "h2");
  for (const piece of cutInPieces(input, diceOf(input, 1), pieceBytesMax)) {
    stranger.give(piece);
    await bench.turns();
  }
  await honest.work();
  stranger.hangUp();
  await honest.work();
  demand(leads(bench), "it leads no more");
  await checkRestart(bench, true);
}

export const leader: FuzzTarget = {
  name: "leader",
  kind: "bytes",
  bytesMax,
  words: [...packetWords, "/a", "server.4=h4:1:2;3", "digest", "world"],
  allocatedBytesMax,
  seeds: leaderSeeds,
  run: playLeader,
};

/** Longest data that the packets' target believes. */
const dataBytesMax = 512;

/** Every beginning of a packet is either waited for, or no packet at all; a whole one is what the generated decoder reads. */
function playPacket(input: Buffer): void {
  const view = new PacketView();
  let outcome: "packet" | "more" | "none" = "more";
  for (let end = 0; end <= input.length && outcome === "more"; end++) {
    try {
      if (view.read(input, 0, end, dataBytesMax)) outcome = "packet";
    } catch (error) {
      if (!(error instanceof MarshallingError)) throw error;
      outcome = "none";
    }
  }
  if (outcome !== "packet") return;
  const reader = new JuteReader(input, 0, view.end);
  const record = readQuorumPacket(reader);
  demand(reader.remaining === 0, `the packet ends at ${view.end}, the record at ${reader.offset}`);
  demand(record.type === view.type && record.zxid === longOf(view.zxidHigh, view.zxidLow), "another type or zxid");
  const data = view.dataStart === -1 ? null : input.subarray(view.dataStart, view.dataEnd);
  demand(data === null ? record.data === null : record.data !== null && data.equals(record.data), "other data");
}

export const packets: FuzzTarget = {
  name: "packets",
  kind: "bytes",
  bytesMax: 1024,
  allocatedBytesMax: 64 << 10,
  seeds: () => [
    ...packetWords,
    packet(request, 1n, Buffer.alloc(20)),
    new Bytes().int(1).long(1n).int(-1).int(1).string("a").string(null).build(),
  ],
  run: playPacket,
};
