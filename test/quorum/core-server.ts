/**
 * A server of a CoreEnsemble: its ports, its timer, and who leads; it serves nobody, and proposes what it is told to.
 */

import { longOf } from "#base/zxid.ts";
import { JuteWriter } from "#jute/writer.ts";
import { OpCode } from "#protocol/op-code.ts";
import { PacketView } from "#protocol/quorum-packet.ts";
import { asDurable } from "#quorum/durable.ts";
import type { LearnerHandler } from "#quorum/learner-handler.ts";
import type { Leading } from "#quorum/leading.ts";
import type { Learning } from "#quorum/learning.ts";
import { decodeNotification, encodeNotification } from "#quorum/notification.ts";
import type { PeerService, PeerWire } from "#quorum/peer-parts.ts";
import { QuorumPeer } from "#quorum/quorum-peer.ts";
import { QuorumViews } from "#quorum/quorum-verifier.ts";
import type { Vote } from "#quorum/vote.ts";
import { CoreDisk, type DiskTown } from "./core-disk.ts";
import { CoreLink, type LinkTown } from "./core-link.ts";
import { CoreReplica, type ReplicaTown } from "./core-replica.ts";
import { configsOf, verifierOf } from "./support.ts";

const tickTimeMs = 100;
const limits = {
  tickTimeMs,
  initLimit: 10,
  syncLimit: 5,
  isSnapshotSyncForced: false,
  isLogSyncEnabled: true,
  treeSyncsMax: 10,
  txnSyncsMax: 100,
  firstCounter: 0,
  connectToLearnerMasterLimit: 0,
  connectRetryMs: 100,
  observerReconnectDelayMs: 0,
  observerElectionDelayMs: 20,
  epochWaitMsMax: -1,
};
const electionOptions = { notificationIntervalMsMin: 200, notificationIntervalMsMax: 2_000 };

/** What a server knows of the ensemble. */
export interface ServerTown extends LinkTown, ReplicaTown, DiskTown {
  /** The members as a server's own file has them. */
  linesAtStart(sid: bigint): string;
  server(sid: bigint): CoreServer;
  /** Sends a vote; votes of one server reach another in order. */
  post(from: bigint, to: bigint, bytes: Buffer): void;
  leads(server: CoreServer, epoch: bigint): void;
  /** Other members were proposed. */
  reconfigured(): void;
}

export class CoreServer implements PeerService, PeerWire {
  readonly sid: bigint;
  readonly replica: CoreReplica;
  views!: QuorumViews;
  peer!: QuorumPeer;
  isUp = false;
  isServing = false;
  readonly hasDelivered: boolean = true;
  /** Another number after each death and each start. */
  life = 0;
  readonly #town: ServerTown;
  readonly #disk: CoreDisk;
  #isListening = false;
  readonly #links = new Set<CoreLink>();
  readonly #packet = new PacketView();
  #wakesAtMs: number = Number.POSITIVE_INFINITY;

  constructor(town: ServerTown, sid: bigint) {
    this.#town = town;
    this.sid = sid;
    this.#disk = new CoreDisk(this, town, verifierOf(town.linesAtStart(sid)));
    this.replica = new CoreReplica(this, town, this.#disk);
  }

  start(): void {
    this.isUp = true;
    this.life++;
    this.#disk.reset();
    this.#wakesAtMs = Number.POSITIVE_INFINITY;
    this.replica.start();
    const { committed, lastSeen, acceptedEpoch, currentEpoch } = this.#disk.files;
    this.views = new QuorumViews(committed, lastSeen.version > committed.version ? lastSeen : committed);
    this.peer = new QuorumPeer({
      sid: this.sid,
      configs: configsOf(this.views, {
        storeSeen: (config, done) => this.#disk.storeSeen(config, done),
        activated: (config) => this.#disk.writeConfig((files) => (files.committed = config)),
      }),
      electionOptions,
      limits,
      observerMasters: null,
      random: this.#town.dice,
      wire: this,
      replica: this.replica,
      service: this,
    });
    const lastZxid = this.replica.lastApplied;
    // Transactions of an epoch are only ever logged behind all that it began with.
    const epoch = lastZxid >> 32n;
    const current = epoch > currentEpoch ? epoch : currentEpoch;
    this.peer.start({ acceptedEpoch, currentEpoch: current, lastZxid }, this.#town.schedule.nowMs);
    this.turnEnded();
  }

  /** Dies: what the disk has not finished is lost, or some of it is not. */
  crash(): void {
    this.isUp = false;
    this.isServing = false;
    this.#isListening = false;
    this.#disk.crash(this.#town.dice);
    for (const link of this.#links) link.close();
    this.#links.clear();
    // What the end of its connections has set off dies with it.
    this.life++;
    this.#disk.reset();
  }

  /** Proposes a transaction, if this server leads. */
  propose(payload: bigint): void {
    const { leading } = this.peer;
    if (!this.isServing || leading === null) return;
    const body = Buffer.alloc(8);
    body.writeBigInt64BE(payload);
    this.#propose(leading, body, 0);
  }

  /** Proposes other members, if this server leads and they may be. */
  reconfigure(lines: string): void {
    const { leading } = this.peer;
    if (!this.isServing || leading === null) return;
    const { zxidHigh, zxidLow } = leading.broadcast.proposed;
    const request = { joiningServers: null, leavingServers: null, newMembers: lines, curConfigId: -1n };
    const verdict = leading.judgeReconfig(request, longOf(zxidHigh, zxidLow) + 1n);
    if ("error" in verdict) return;
    leading.proposing(verdict);
    const body = new JuteWriter();
    body.writeString("/zookeeper/config");
    body.writeBuffer(Buffer.from(verdict.text));
    body.writeInt(-1);
    this.#propose(leading, body.toBytes(), OpCode.reconfig);
    this.#town.reconfigured();
  }

  #propose(leading: Leading, body: Buffer, type: number): void {
    const { zxidHigh, zxidLow } = leading.broadcast.proposed;
    const bytes = Buffer.concat([Buffer.alloc(32), body]);
    bytes.writeInt32BE(zxidHigh, 12);
    bytes.writeInt32BE(zxidLow + 1, 16);
    bytes.writeInt32BE(type, 28);
    leading.broadcast.propose(bytes, 0, bytes.length, this.#town.schedule.nowMs);
    this.replica.append(bytes);
    this.#town.endTurn();
  }

  breakLinks(): void {
    for (const link of this.#links) link.break();
  }

  // The ports.

  sendVote(sid: bigint, vote: Vote): void {
    this.#town.post(this.sid, sid, encodeNotification(vote, this.views.committed.text));
    const { schedule } = this.#town;
    const { life } = this;
    schedule.after(this.#town.delayMs(), () => {
      if (life !== this.life || this.#town.server(sid).isUp || this.#town.isCut(this.sid, sid)) return;
      this.peer.voterRefused(sid, schedule.nowMs);
      this.turnEnded();
    });
  }

  connectAll(): void {}

  listen(): void {
    this.#isListening = true;
  }

  unlisten(): void {
    this.#isListening = false;
  }

  connect(sid: bigint): void {
    const { schedule } = this.#town;
    const { life } = this;
    schedule.after(this.#town.delayMs(), () => {
      if (life !== this.life) return;
      const leader = this.#town.server(sid);
      if (!leader.isUp || !leader.#isListening || this.#town.isCut(this.sid, sid)) {
        this.peer.connectFailed(schedule.nowMs);
      } else {
        this.#join(leader);
      }
      this.turnEnded();
    });
  }

  #join(leader: CoreServer): void {
    const mine = new CoreLink(this.#town, this.sid, leader.sid);
    const theirs = new CoreLink(this.#town, leader.sid, this.sid);
    mine.other = theirs;
    theirs.other = mine;
    this.#links.add(mine);
    leader.#links.add(theirs);
    const handler = leader.peer.learnerConnected(theirs, this.#town.schedule.nowMs);
    const learning = this.peer.connected(mine, this.#town.schedule.nowMs);
    if (handler === null || learning === null) {
      mine.break();
      return;
    }
    theirs.onBytes = (bytes) => leader.#takeFromLearner(handler, theirs, bytes);
    theirs.onClosed = () => {
      leader.#links.delete(theirs);
      handler.close("connection lost");
    };
    mine.onBytes = (bytes) => this.#takeFromLeader(learning, mine, bytes);
    mine.onClosed = () => {
      this.#links.delete(mine);
      learning.stop("connection lost");
      this.#wake();
    };
  }

  #takeFromLearner(handler: LearnerHandler, link: CoreLink, bytes: Buffer): number {
    let at = 0;
    while (link.isOpen && !link.isPaused && this.#packet.read(bytes, at, bytes.length, 1 << 20)) {
      at = this.#packet.end;
      this.peer.leading?.take(handler, this.#packet, this.#town.schedule.nowMs);
    }
    this.peer.leading?.broadcast.settle();
    return at;
  }

  #takeFromLeader(learning: Learning, link: CoreLink, bytes: Buffer): number {
    let at = 0;
    while (link.isOpen && !link.isPaused && at < bytes.length) {
      if (learning.state === "ReceivingTree") {
        at += learning.takeTree(bytes, at, bytes.length, this.#town.schedule.nowMs);
        continue;
      }
      if (!this.#packet.read(bytes, at, bytes.length, 1 << 20)) break;
      at = this.#packet.end;
      learning.take(this.#packet, this.#town.schedule.nowMs);
    }
    return at;
  }

  // The service.

  lead(leading: Leading, epoch: bigint): void {
    this.isServing = true;
    this.#town.leads(this, epoch);
    leading.broadcast.ackOwn(asDurable({ zxidHigh: Number(epoch), zxidLow: 0 }));
  }

  learn(): void {
    this.isServing = true;
  }

  stop(): void {
    this.isServing = false;
  }

  receivedFromLearner(): void {}
  receivedFromLeader(): void {}
  learnerSyncing(): void {}
  learnerGone(): void {}

  deserted(): void {}
  stateChanged(): void {}

  touchedSessions(): Uint8Array {
    return Buffer.alloc(0);
  }

  turnEnded(): void {
    this.#wake();
    this.#town.endTurn();
  }

  /** Sees to it that the peer's timer is called. */
  #wake(): void {
    if (!this.isUp) return;
    const { deadlineMs } = this.peer;
    if (deadlineMs >= this.#wakesAtMs || deadlineMs === Number.POSITIVE_INFINITY) return;
    this.#wakesAtMs = deadlineMs;
    const { life } = this;
    this.#town.schedule.after(Math.max(deadlineMs - this.#town.schedule.nowMs, 0), () => {
      if (this.#wakesAtMs === deadlineMs) this.#wakesAtMs = Number.POSITIVE_INFINITY;
      if (life !== this.life) return;
      this.peer.timer(this.#town.schedule.nowMs);
      this.turnEnded();
    });
  }

  receiveVote(sid: bigint, bytes: Buffer): void {
    this.peer.receiveVote(sid, decodeNotification(bytes), this.#town.schedule.nowMs);
    this.turnEnded();
  }
}
