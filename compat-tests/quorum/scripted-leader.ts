/**
 * A leader that a test leads by the hand: it wins every election against one server, hears what that server has, and says what the
 * test has it say, packet by packet, to break off where no real leader does on demand. Shares no code with the server.
 *
 *   election port   votes (scripted-voter.ts)
 *   quorum port     the server connects; FOLLOWERINFO, LEADERINFO, ACKEPOCH; from there on it is the test's
 */

import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { freePort } from "../../test/support/free-port.ts";
import { bool, buffer, int, long, record, ustring, vector } from "../wire/bytes.ts";
import { aclVector, openAcl } from "../wire/requests.ts";
import { type ScriptedVote, ScriptedVoter, voterState } from "./scripted-voter.ts";

/** What a leader says and hears, as far as scripts need it. */
export const packetType = {
  proposal: 2,
  ack: 3,
  commit: 4,
  newLeader: 10,
  followerInfo: 11,
  upToDate: 12,
  diff: 13,
  trunc: 14,
  leaderInfo: 17,
  ackEpoch: 18,
} as const;

export interface QuorumPacket {
  readonly type: number;
  readonly zxid: bigint;
  readonly data: Buffer | null;
}

/** A transaction that creates a znode: what is proposed, and lies in logs. */
export interface ScriptedTxn {
  readonly zxid: bigint;
  readonly bytes: Buffer;
}

const createType = 1;
const protocolVersion = 0x10000;
const pollMs = 20;
/** Both above whatever a server may have. */
const greatZxid = 1n << 60n;
const greatEpoch = 1n << 20n;

export function zxidOf(epoch: number, counter: number): bigint {
  return (BigInt(epoch) << 32n) | BigInt(counter);
}

/** The creation of a persistent znode without data. */
export function creation(zxid: bigint, path: string): ScriptedTxn {
  const header = record(long(0x100000001n), int(1), long(zxid), long(1_700_000_000_000n), int(createType));
  const body = record(ustring(path), buffer(Buffer.alloc(0)), aclVector(openAcl), bool(false), int(1));
  return { zxid, bytes: Buffer.concat([header, body]) };
}

export class ScriptedLeader {
  readonly sid = 2;
  /** Lines of zoo.cfg for the server that is led, whose sid is 1. */
  readonly config: Readonly<Record<string, string>>;
  readonly #server: Server;
  readonly #voter: ScriptedVoter;
  readonly #links: LearnerLink[] = [];
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server, ports: { quorum: number; other: string; electionOfOther: number; own: number }) {
    this.#server = server;
    this.config = {
      "server.1": `127.0.0.1:${ports.other}`,
      "server.2": `127.0.0.1:${ports.quorum}:${ports.own}`,
    };
    server.on("connection", (socket) => {
      this.#keep(socket);
      this.#links.push(new LearnerLink(socket));
    });
    this.#voter = new ScriptedVoter(this.sid, ports.electionOfOther, (vote) => this.#answer(vote));
  }

  static async open(): Promise<ScriptedLeader> {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const quorum = (server.address() as { port: number }).port;
    const electionOfOther = await freePort();
    const other = `${await freePort()}:${electionOfOther}`;
    return new ScriptedLeader(server, { quorum, other, electionOfOther, own: await freePort() });
  }

  /** Whether the server tries to follow, and waits. */
  get isSought(): boolean {
    return this.#links.length > 0;
  }

  /** The server's next attempt to follow, as far as it has told what it has. */
  async lead(epoch: number): Promise<LearnerLink> {
    while (!this.isSought) await delay(pollMs);
    const link = this.#links.shift()!;
    await link.next(packetType.followerInfo);
    link.send(packetType.leaderInfo, zxidOf(epoch, 0), int(protocolVersion));
    link.lastZxid = (await link.next(packetType.ackEpoch)).zxid;
    return link;
  }

  close(): void {
    this.#voter.close();
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Tells the server, whenever it looks for a leader, that this one is the best: in the round that it is in, or it would be a vote of the past. */
  #answer({ state, round }: ScriptedVote): void {
    if (state !== voterState.looking) return;
    this.#voter.say({ state, leader: BigInt(this.sid), zxid: greatZxid, round, epoch: greatEpoch });
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on("error", () => {}).once("close", () => this.#sockets.delete(socket));
  }
}

/** The connection to the server that follows. */
export class LearnerLink {
  /** The last transaction that it says to have. */
  lastZxid = -1n;
  readonly #socket: Socket;
  readonly #packets: QuorumPacket[] = [];
  #bytes = Buffer.alloc(0);
  #isEnded = false;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (piece: Buffer) => this.#take(piece)).once("close", () => (this.#isEnded = true));
  }

  send(type: number, zxid: bigint, data: Buffer | null = null): void {
    this.#socket.write(record(int(type), long(zxid), buffer(data), vector(null)));
  }

  propose({ zxid, bytes }: ScriptedTxn): void {
    this.send(packetType.proposal, zxid, bytes);
  }

  /** Proposes and commits. */
  decide(txn: ScriptedTxn): void {
    this.propose(txn);
    this.send(packetType.commit, txn.zxid);
  }

  /** Sends it what it lacks of that history, which ends with the last of them, and waits until it serves. */
  async bringUpToDate(history: readonly ScriptedTxn[], epoch: number): Promise<void> {
    this.send(packetType.diff, history.at(-1)!.zxid);
    for (const txn of history) if (txn.zxid > this.lastZxid) this.decide(txn);
    this.send(packetType.newLeader, zxidOf(epoch, 0));
    await this.acknowledged(zxidOf(epoch, 0));
    this.send(packetType.upToDate, -1n);
    await this.acknowledged(zxidOf(epoch, 0));
  }

  async acknowledged(zxid: bigint): Promise<void> {
    while ((await this.next(packetType.ack)).zxid !== zxid);
  }

  /** The next packet of that type; others are passed over. @throws Error when the connection ends before. */
  async next(type: number): Promise<QuorumPacket> {
    for (;;) {
      for (let packet = this.#packets.shift(); packet !== undefined; packet = this.#packets.shift()) {
        if (packet.type === type) return packet;
      }
      if (this.#isEnded) throw new Error(`the server has left before packet ${type}`);
      await delay(1);
    }
  }

  /** Ends the connection behind what was sent, and waits for the server to end it too. */
  async cut(): Promise<void> {
    this.#socket.end();
    await this.ended();
  }

  /** Waits until the server has ended the connection. */
  async ended(): Promise<void> {
    while (!this.#isEnded) await delay(1);
  }

  #take(piece: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, piece]);
    for (;;) {
      const bytes = this.#bytes;
      if (bytes.length < 20) return;
      const length = Math.max(bytes.readInt32BE(12), 0);
      // A follower sends identities with a client's request alone, and no client comes.
      if (bytes.length < 20 + length) return;
      const data = bytes.readInt32BE(12) < 0 ? null : bytes.subarray(16, 16 + length);
      this.#packets.push({ type: bytes.readInt32BE(0), zxid: bytes.readBigInt64BE(4), data });
      this.#bytes = bytes.subarray(20 + length);
    }
  }
}
