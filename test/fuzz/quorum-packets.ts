/**
 * What is said on the quorum port, as inputs to begin with: whole dialogues of a leader and of a learner, from the first packet on, and
 * each packet by itself. Built by the tests' own slow builder.
 */

import { OpCode } from "#protocol/op-code.ts";
import { PacketType } from "#protocol/quorum-packet.ts";
import { Bytes } from "../support/bytes.ts";
import { body } from "../support/wire-frames.ts";
import { configText } from "./member-bench.ts";

const { request, proposal, ack, commit, ping, revalidate, sync, inform, newLeader, followerInfo } = PacketType;
const { upToDate, diff, trunc, snap, observerInfo, leaderInfo, ackEpoch, commitAndActivate, informAndActivate } =
  PacketType;
/** ZAB 1.0. */
const version: Buffer = new Bytes().int(0x10000).build();
/** The first epoch's. */
export const epochZxid = 0x1_0000_0000n;
const secondEpochZxid = 0x2_0000_0000n;

/** A packet as it goes over the wire. */
export function packet(type: number, zxid: bigint, data: Uint8Array | null = null): Buffer {
  return new Bytes().int(type).long(zxid).buffer(data).int(-1).build();
}

/** A transaction that creates a znode. */
function createTxn(zxid: bigint, path: string): Buffer {
  const header = new Bytes().long(7n).int(1).long(zxid).long(1_700_000_000_000n).int(OpCode.create);
  return header
    .string(path)
    .string("data")
    .acl([{ perms: 31, scheme: "world", id: "anyone" }])
    .bool(false)
    .int(1)
    .build();
}

function sessionTxn(zxid: bigint, isEnd = false): Buffer {
  const header = new Bytes().long(7n).int(1).long(zxid).long(1_700_000_000_000n);
  return isEnd ? header.int(OpCode.closeSession).int(0).build() : header.int(OpCode.createSession).int(10_000).build();
}

function reconfigTxn(zxid: bigint): Buffer {
  const header = new Bytes().long(7n).int(1).long(zxid).long(1_700_000_000_000n).int(OpCode.reconfig);
  return header.string("/zookeeper/config").string(configText.replace("version=0", "version=100000005")).int(1).build();
}

function znodeBytes(path: string): Buffer {
  return new Bytes().string(path).buffer(Buffer.from("x")).long(-1n).raw(Buffer.alloc(60)).build();
}

/** A tree as a leader sends it: a session, the root, a znode, the signature. */
function treeBytes(): Buffer {
  const paths = ["", "/zookeeper", "/zookeeper/config", "/zookeeper/quota", "/a"].map((path) => znodeBytes(path));
  return new Bytes()
    .int(1)
    .long(7n)
    .int(10_000)
    .int(0)
    .raw(Buffer.concat(paths))
    .string("/")
    .string("BenWasHere")
    .build();
}

/** Packets, and pieces of them. */
export const packetWords: readonly Buffer[] = [
  ...Object.values(PacketType).flatMap((type) => [
    packet(type, epochZxid),
    packet(type, epochZxid + 1n, Buffer.alloc(0)),
  ]),
  packet(proposal, epochZxid + 1n, createTxn(epochZxid + 1n, "/a")),
  packet(ping, 0n),
  packet(upToDate, -1n),
  treeBytes(),
];

/** Up to serving, in that epoch, and what a leader says then. */
function wordsOf(epoch: bigint, way: readonly Buffer[], rest: readonly Buffer[]): Buffer {
  return Buffer.concat([
    packet(leaderInfo, epoch, version),
    ...way,
    packet(newLeader, epoch, Buffer.from(configText)),
    packet(upToDate, -1n),
    ...rest,
  ]);
}

function leadersWords(way: Buffer, ...rest: readonly Buffer[]): Buffer {
  return wordsOf(epochZxid, [way], rest);
}

/** What a server has in its log that has been a follower in the first epoch; the last of it may not be committed. */
export function history(): Buffer[] {
  const [one, two, three, four] = [1n, 2n, 3n, 4n].map((counter) => epochZxid + counter) as [
    bigint,
    bigint,
    bigint,
    bigint,
  ];
  return [sessionTxn(one), createTxn(two, "/a"), createTxn(three, "/b"), createTxn(four, "/c")];
}

/** What the leader of the second epoch says to that server. */
export function returningSeeds(): Buffer[] {
  const end = epochZxid + 4n;
  const [one, two] = [secondEpochZxid + 1n, secondEpochZxid + 2n];
  const news = [packet(proposal, one, createTxn(one, "/d")), packet(commit, one)];
  const served = [packet(proposal, two, createTxn(two, "/e")), packet(commit, two)];
  const tree = [packet(snap, epochZxid + 3n), treeBytes()];
  return [
    wordsOf(secondEpochZxid, [packet(diff, end)], served),
    wordsOf(secondEpochZxid, [packet(diff, one), ...news], served),
    wordsOf(secondEpochZxid, [packet(trunc, epochZxid + 2n)], [...news, ...served]),
    wordsOf(secondEpochZxid, [packet(trunc, epochZxid + 3n), ...news], served),
    wordsOf(secondEpochZxid, tree, [...news, ...served]),
    wordsOf(secondEpochZxid, [...tree, ...news], served),
    // Cut off in the middle of each.
    Buffer.concat([packet(leaderInfo, secondEpochZxid, version), packet(trunc, epochZxid + 2n), ...news]),
    Buffer.concat([
      packet(leaderInfo, secondEpochZxid, version),
      packet(snap, epochZxid + 3n),
      treeBytes().subarray(0, 200),
    ]),
  ];
}

export function learnerSeeds(): Buffer[] {
  const [one, two] = [epochZxid + 1n, epochZxid + 2n];
  return [
    leadersWords(packet(diff, 0n)),
    Buffer.concat([
      packet(leaderInfo, epochZxid, version),
      packet(diff, 0n),
      packet(newLeader, epochZxid),
      packet(upToDate, -1n),
      packet(proposal, one, sessionTxn(one)),
      packet(commit, one),
    ]),
    leadersWords(
      packet(diff, 0n),
      packet(proposal, one, sessionTxn(one)),
      packet(commit, one),
      packet(proposal, two, createTxn(two, "/a")),
      packet(ping, two),
      packet(commit, two),
      packet(sync, 0n),
      packet(revalidate, -1n, new Bytes().long(7n).bool(true).build()),
    ),
    leadersWords(packet(snap, epochZxid, null), packet(inform, one, createTxn(one, "/a"))),
    Buffer.concat([
      packet(leaderInfo, epochZxid, version),
      packet(snap, 5n),
      treeBytes(),
      packet(proposal, one, createTxn(one, "/b")),
      packet(newLeader, epochZxid),
      packet(commit, one),
      packet(upToDate, -1n),
    ]),
    leadersWords(packet(trunc, 0n), packet(proposal, one, sessionTxn(one, true)), packet(commit, one)),
    leadersWords(
      packet(diff, 0n),
      packet(proposal, one, reconfigTxn(one)),
      packet(commitAndActivate, one, new Bytes().long(3n).build()),
    ),
    leadersWords(packet(diff, 0n), packet(informAndActivate, one, new Bytes().long(3n).raw(reconfigTxn(one)).build())),
  ];
}

export function learnerInfo(sid: bigint): Buffer {
  return new Bytes().long(sid).int(0x10000).long(0n).build();
}

/** What a learner sends on for its clients: session id, xid, type, body. */
function requestData(type: number, bytes: Uint8Array): Buffer {
  return new Bytes().long(7n).int(1).int(type).raw(bytes).build();
}

export function leaderSeeds(): Buffer[] {
  const joins = (type: number, sid: bigint): Buffer =>
    Buffer.concat([
      packet(type, 0n, learnerInfo(sid)),
      packet(ackEpoch, 0n, new Bytes().int(0).build()),
      packet(ack, epochZxid),
    ]);
  const session = packet(request, -1n, requestData(OpCode.createSession, new Bytes().int(10_000).build()));
  const identities = new Bytes().int(1).string("digest").string("u:p").build();
  const bodies: readonly (readonly [number, Buffer])[] = [
    [OpCode.create, body.create("/a", "data")],
    [
      OpCode.multi,
      body.multi([
        { type: OpCode.create, body: body.create("/a/b", "x", 1) },
        { type: OpCode.check, body: body.versioned("/a", 0) },
      ]),
    ],
    [OpCode.setData, body.setData("/a", "more", -1)],
    [
      OpCode.setACL,
      new Bytes()
        .string("/a")
        .acl([{ perms: 31, scheme: "auth", id: "" }])
        .int(-1)
        .build(),
    ],
    [OpCode.sync, body.path("/")],
    [OpCode.reconfig, new Bytes().string("server.4=h4:1:2;3").string("2").string(null).long(-1n).build()],
    [OpCode.delete, body.versioned("/a", -1)],
    [OpCode.closeSession, Buffer.alloc(0)],
  ];
  const requests = bodies.map(([type, bytes]) => {
    const whole = packet(request, -1n, requestData(type, bytes));
    return Buffer.concat([whole.subarray(0, -4), identities]);
  });
  return [
    joins(followerInfo, 2n),
    Buffer.concat([joins(followerInfo, 2n), session, requests[0]!]),
    Buffer.concat([joins(followerInfo, 2n), session, ...requests]),
    Buffer.concat([joins(observerInfo, 9n), session, ...requests]),
    Buffer.concat([
      joins(followerInfo, 2n),
      packet(ping, 5n, new Bytes().long(7n).int(10_000).build()),
      packet(revalidate, -1n, new Bytes().long(7n).int(10_000).build()),
    ]),
    Buffer.concat([joins(followerInfo, 2n), ...[1n, 2n, 3n, 4n].map((counter) => packet(ack, epochZxid + counter))]),
    Buffer.concat([
      packet(followerInfo, 0x7fff_ffffn << 32n, learnerInfo(2n)),
      packet(ackEpoch, -1n, new Bytes().int(-1).build()),
    ]),
  ];
}
