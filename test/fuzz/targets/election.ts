/**
 * The target `election`: what a server sends to an election port, first words and then votes, whoever it says it is.
 *
 * It costs that connection at most. Whatever a stranger has voted for, the election ends once the others agree; and when the leader is
 * gone another one begins.
 */

import { ServerState } from "#quorum/vote.ts";
import { Bytes } from "../../support/bytes.ts";
import { configText, electionPort, firstWords, MemberBench, quorumPort, voteBytes } from "../member-bench.ts";
import type { FakeSocket } from "../server-bench.ts";
import { cutInPieces, demand, diceOf, type FuzzTarget } from "../target.ts";

const bytesMax = 16_384;
const allocatedBytesMax = 4 << 20;
const pieceBytesMax = 200;
/** Longer together than it tries to connect to whom a stranger has made it vote for. */
const electionMs = 3_000;
const electionRoundsMax = 12;

/** Server 2 looks for a leader, and hears a stranger; then 3 says that it leads, and 1 that it follows it. */
async function playElection(input: Buffer): Promise<void> {
  const bench = await new MemberBench(2).start();
  const stranger = bench.join(electionPort, "10.9.9.9");
  for (const piece of cutInPieces(input, diceOf(input, 1), pieceBytesMax)) {
    stranger.give(piece);
    await bench.turns();
  }
  await bench.pass(electionMs);
  stranger.hangUp();
  await bench.turns();
  // A later configuration is believed whoever tells of it, as in ZooKeeper: then the members are others.
  if (bench.member.views.committed.version !== 0n) return;
  let one: FakeSocket | null = null;
  for (let round = 0; round < electionRoundsMax; round++) {
    bench.join(electionPort, "h3").give(Buffer.concat([firstWords(3), voteBytes({ state: ServerState.leading })]));
    await bench.turns();
    one = bench.accept("h1", electionPort) ?? one;
    one?.give(voteBytes({ state: ServerState.following }));
    bench.accept("h3", electionPort);
    await bench.turns();
    const leader = bench.accept("h3", quorumPort);
    // The stranger may have said that its votes are to go there.
    if (leader !== null && bench.member.peer!.state === "Learning") {
      await lookAgain(bench, leader);
      return;
    }
    bench.refuseAll();
    await bench.pass(electionMs);
  }
  demand(false, `it does not follow server 3, it is ${bench.member.peer!.state}`);
}

/** The leader is gone. */
async function lookAgain(bench: MemberBench, leader: FakeSocket): Promise<void> {
  await bench.turns();
  leader.hangUp();
  await bench.pass(electionMs);
  demand(bench.member.peer!.state === "Looking", `without a leader it is ${bench.member.peer!.state}`);
}

export const election: FuzzTarget = {
  name: "election",
  kind: "bytes",
  bytesMax,
  words: [
    firstWords(1),
    firstWords(3),
    voteBytes({}),
    voteBytes({ state: ServerState.leading }),
    "h1:3888",
    "|",
    "version=1",
  ],
  allocatedBytesMax,
  seeds: () => [
    Buffer.concat([firstWords(3), voteBytes({}), voteBytes({ leader: 1n, electionEpoch: 2n })]),
    Buffer.concat([firstWords(1), voteBytes({ state: ServerState.following })]),
    Buffer.concat([firstWords(3), voteBytes({ state: ServerState.leading, electionEpoch: 0x7fff_ffff_ffff_ffffn })]),
    Buffer.concat([firstWords(3), voteBytes({ electionEpoch: 0x7fff_ffff_ffff_ffffn })]),
    Buffer.concat([firstWords(3), voteBytes({}, configText.replace("version=0", "version=100000005"))]),
    Buffer.concat([new Bytes().long(3n).build(), voteBytes({}, "")]),
    Buffer.concat([firstWords(9), voteBytes({ leader: 9n, zxid: 0x7fff_ffff_ffff_ffffn, peerEpoch: 0x7fff_ffffn })]),
  ],
  run: playElection,
};
