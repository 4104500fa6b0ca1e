/**
 * Whatever a stranger sends to the ports between the servers costs that connection: the quorum stands, writes go on, memory is
 * bounded.
 */

import { readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { describe, expect, test } from "vitest";
import { SeededRandom } from "#base/prng.ts";
import { EnsembleProcess } from "../support/ensemble-process.ts";
import type { ServerProcess } from "../support/server-process.ts";
import { WireClient } from "../support/wire-client.ts";

const kinds = ["ours", "ours", "ours"] as const;
const random = new SeededRandom(11);

function noise(length: number): Buffer {
  return Buffer.from(Array.from({ length }, () => random.next() & 0xff));
}

function ints(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  values.forEach((value, i) => bytes.writeInt32BE(value | 0, i * 4));
  return bytes;
}

/** type, zxid, data, authinfo. */
function packet(type: number, data: Buffer | null, zxid = 0n): Buffer {
  const head = Buffer.alloc(12);
  head.writeInt32BE(type);
  head.writeBigInt64BE(zxid, 4);
  return Buffer.concat([head, data === null ? ints(-1) : Buffer.concat([ints(data.length), data]), ints(-1)]);
}

function learnerInfo(sid: bigint, version = 0x10000, configVersion = 0n): Buffer {
  const data = Buffer.alloc(20);
  data.writeBigInt64BE(sid);
  data.writeInt32BE(version, 8);
  data.writeBigInt64BE(configVersion, 12);
  return data;
}

/** The first words of the election port: protocol version, sid, address. */
function firstWords(version: bigint, sid: bigint, address: Buffer): Buffer {
  const head = Buffer.alloc(16);
  head.writeBigInt64BE(version);
  head.writeBigInt64BE(sid, 8);
  return Buffer.concat([head, ints(address.length), address]);
}

const [follower, observer, ack, request, ping, revalidate] = [11, 16, 3, 1, 5, 6] as const;

/** What a learner might send to a leader, and should not. */
const toLeader: Readonly<Record<string, (leader: bigint) => Buffer>> = {
  noise: () => noise(4096),
  "a request of a client": () => Buffer.concat([ints(44, 0), Buffer.alloc(40)]),
  "four letters": () => Buffer.from("ruok"),
  "an endless packet": () => ints(follower, 0, 0, 0x7fffffff),
  "a packet of negative length": () => ints(follower, 0, 0, -2),
  "as much as a packet may hold, and no end": () => Buffer.concat([ints(follower, 0, 0, 1_000_000), noise(900_000)]),
  "half of who it is": () => packet(follower, learnerInfo(9n)).subarray(0, 20),
  "nothing of who it is": () => packet(follower, null),
  "a server of before 3.4": () => packet(follower, learnerInfo(9n, 1)),
  "a later configuration": () => packet(follower, learnerInfo(9n, 0x10000, 1n << 40n)),
  "an acknowledgement first": () => packet(ack, null, 1n << 32n),
  "a stranger's sid": () => packet(follower, learnerInfo(99n)),
  "an epoch of the far future": () => packet(observer, learnerInfo(98n), 0x7fffffffn << 32n),
  "the leader's own sid": (leader) => packet(follower, learnerInfo(leader)),
  "more than it was asked": () =>
    Buffer.concat([
      packet(follower, learnerInfo(97n)),
      packet(request, noise(64)),
      packet(ping, noise(7)),
      packet(revalidate, ints(1)),
    ]),
};

/** What a server might send to an election port, and should not. */
const toElection: Readonly<Record<string, (leader: bigint) => Buffer>> = {
  noise: () => noise(4096),
  "an endless address": () =>
    Buffer.concat([firstWords(-65536n, 9n, Buffer.alloc(0)).subarray(0, 16), ints(0x7fffffff)]),
  "a negative address": () => Buffer.concat([firstWords(-65536n, 9n, Buffer.alloc(0)).subarray(0, 16), ints(-5)]),
  "an unknown version": () => firstWords(-1n, 9n, Buffer.from("127.0.0.1:1")),
  "half of its first words": () => firstWords(-65536n, 9n, Buffer.from("127.0.0.1:1")).subarray(0, 9),
  "the leader's own sid": (leader) => firstWords(-65536n, leader, Buffer.from("127.0.0.1:1")),
  "a stranger's sid, and noise": () =>
    Buffer.concat([firstWords(-65536n, 77n, Buffer.from("127.0.0.1:1")), noise(512)]),
  "a member's sid, and an endless vote": () =>
    Buffer.concat([firstWords(-65535n, 1n, Buffer.from("127.0.0.1:1|[::1]:2")), ints(0x7fffffff)]),
  "a vote of one byte": () => Buffer.concat([firstWords(-65536n, 200n, Buffer.from("127.0.0.1:1")), ints(1), noise(1)]),
  "votes without end": () => {
    const vote = Buffer.concat([ints(40), noise(40)]);
    return Buffer.concat([
      firstWords(-65536n, 201n, Buffer.from("127.0.0.1:1")),
      ...Array.from({ length: 2000 }, () => vote),
    ]);
  },
};

async function open(port: number): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => {});
  await new Promise((resolve) => socket.once("connect", resolve).once("close", resolve));
  return socket;
}

async function send(port: number, bytes: Buffer): Promise<Socket> {
  const socket = await open(port);
  await new Promise((resolve) => socket.write(bytes, resolve));
  return socket;
}

function residentMb({ pid }: ServerProcess): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1024;
}

describe("the ports between servers", () => {
  test("stand whatever is sent to them", async () => {
    await using ensemble = await EnsembleProcess.start({ kinds });
    const leader = await ensemble.leader();
    const leaderSid = BigInt(ensemble.servers.indexOf(leader) + 1);
    const client = await WireClient.connect(ensemble.servers[0]!.port);
    await client.create("/a");
    const open: Socket[] = [];
    let version = 0;
    for (const { quorum, election } of ensemble.quorumPorts) {
      for (const [port, attacks] of [
        [quorum, toLeader],
        [election, toElection],
      ] as const) {
        for (const [name, bytes] of Object.entries(attacks)) {
          // Some hang up at once, some stay.
          open.push(await send(port, bytes(leaderSid)));
          (await send(port, bytes(leaderSid))).destroy();
          expect((await client.setData("/a", name)).version, name).toBe(++version);
        }
      }
    }
    expect(await ensemble.leader()).toBe(leader);
    for (const server of ensemble.servers) {
      expect(server.isRunning).toBe(true);
      const other = await WireClient.connect(server.port);
      await other.sync("/");
      expect((await other.getData("/a")).stat.version).toBe(version);
      // An epoch that was never anybody's would show in the next zxid.
      expect((await other.exists("/a"))!.mzxid >> 32n).toBe(1n);
      other.drop();
    }
    for (const socket of open) socket.destroy();
    client.drop();
  });

  test("stand under floods, and an election succeeds in the middle of one", async () => {
    await using ensemble = await EnsembleProcess.start({ kinds });
    const leader = await ensemble.leader();
    const other = ensemble.servers.find((server) => server !== leader)!;
    const before = ensemble.servers.map(residentMb);
    const flood: Socket[] = [];
    for (let i = 0; i < 1_500; i++) {
      for (const { quorum, election } of ensemble.quorumPorts) {
        // Each has begun to say a lot.
        flood.push(await send(i % 2 === 0 ? election : quorum, Buffer.concat([ints(follower, 0, 0, 900), noise(500)])));
      }
    }
    const client = await WireClient.connect(other.port);
    await client.create("/a");
    for (const [i, server] of ensemble.servers.entries()) expect(residentMb(server) - before[i]!).toBeLessThan(100);
    expect(await ensemble.leader()).toBe(leader);
    await leader.kill();
    await client.ended;
    await ensemble.settled();
    const after = await WireClient.connect(other.port);
    expect((await after.setData("/a", "x")).version).toBe(1);
    after.drop();
    for (const socket of flood) socket.destroy();
  });
});
