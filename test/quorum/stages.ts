/**
 * One role of a member, played against the test as its peer: what is said, in which order, and what must be on the disk before.
 * Packets are written as `ACK 200000000`; what a role asks of its driver stands in brackets, before the packets of the same turn.
 */

import { expect } from "vitest";
import { highOf, longOf, lowOf } from "#base/zxid.ts";
import { JuteWriter } from "#jute/writer.ts";
import { PacketType, PacketView, packetName } from "#protocol/quorum-packet.ts";
import type { ConfigOutput, Configurations } from "#quorum/configurations.ts";
import { asDurable } from "#quorum/durable.ts";
import type { LearnerHandler } from "#quorum/learner-handler.ts";
import { Leading } from "#quorum/leading.ts";
import { Learning } from "#quorum/learning.ts";
import type { QuorumLink } from "#quorum/quorum-link.ts";
import { TxnWindow } from "#quorum/txn-window.ts";
import { Bytes } from "../support/bytes.ts";
import { configsOf, memberLines, txn, viewsOf } from "./support.ts";

/** Everything in the order in which it happened; disk work waits in `pending` until the test lets it finish. */
export class Stage {
  readonly said: string[] = [];
  readonly pending: (() => void)[] = [];

  /** What was said since the last time. */
  take(): string[] {
    return this.said.splice(0);
  }

  disk(what: string, done: () => void): void {
    this.said.push(`[${what}]`);
    this.pending.push(done);
  }

  finish(): void {
    this.pending.shift()!();
  }
}

export class FakeLink implements QuorumLink {
  readonly remote = "peer";
  readonly #stage: Stage;
  readonly #name: string;
  #out = new JuteWriter();
  isPaused = false;

  constructor(stage: Stage, name = "") {
    this.#stage = stage;
    this.#name = name;
  }

  open(): JuteWriter {
    return this.#out;
  }

  /** Packets written since the last time, said one by one. */
  flush(): void {
    const view = new PacketView();
    const { bytes, length } = this.#out;
    for (let at = 0; at < length && view.read(bytes, at, length, 1 << 20); at = view.end) {
      const data = view.dataStart === -1 ? "" : ` ${bytes.toString("hex", view.dataStart, view.dataEnd)}`;
      const zxid = BigInt.asUintN(64, longOf(view.zxidHigh, view.zxidLow)).toString(16);
      this.#stage.said.push(`${this.#name}${packetName(view.type)} ${zxid}${view.dataBytes > 24 ? "" : data}`);
    }
    this.#out.length = 0;
  }

  flushPiece(): boolean {
    throw new Error("nothing is long here");
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }

  close(): void {
    this.#stage.said.push(`${this.#name}closed`);
  }
}

export function packet(type: number, zxid: bigint, data: Buffer | null = null): PacketView {
  const bytes = new Bytes().int(type).long(zxid).buffer(data).int(-1).build();
  const view = new PacketView();
  expect(view.read(bytes, 0, bytes.length, 1 << 20)).toBe(true);
  return view;
}

/** Body of a setData, and what a server with digests puts behind it. */
export const setDataWithDigest: Buffer = new Bytes().string("/a").string("x").int(1).int(2).long(7n).build();

/** Of whoever learners are connected to. */
export const masterLimits = {
  tickTimeMs: 100,
  initLimit: 10,
  syncLimit: 5,
  isSnapshotSyncForced: false,
  isLogSyncEnabled: false,
  treeSyncsMax: 1,
  txnSyncsMax: 2,
};

export const version: Buffer = new Bytes().int(0x10000).build();

export class LearnerStage extends Stage {
  /** Of the tree that is still to come. */
  treeBytes = 6;
  /** Whether a configuration waits for the disk. */
  isStoringConfig = false;
  /** Whether a configuration gives this server another role or leader. */
  isMajor = false;
  readonly link: FakeLink = new FakeLink(this);
  readonly window: TxnWindow = new TxnWindow({ committedCountMin: 10, committedBytesMax: 1 << 20 });
  readonly learning: Learning;

  constructor(options: { isObserver?: boolean; acceptedEpoch?: bigint } = {}) {
    super();
    const { window } = this;
    this.learning = new Learning({
      sid: 2n,
      isObserver: options.isObserver ?? false,
      configVersion: 0n,
      acceptedEpoch: options.acceptedEpoch ?? 1n,
      currentEpoch: 1n,
      lastZxid: 0x100000005n,
      window,
      limits: { initTimeoutMs: 1000, syncTimeoutMs: 500 },
      link: this.link,
      nowMs: 0,
      output: {
        storeAcceptedEpoch: (epoch, done) => this.disk(`acceptedEpoch ${epoch}`, () => done(asDurable(epoch), 0)),
        storeCurrentEpoch: (epoch, _, done) => this.disk(`currentEpoch ${epoch}`, () => done(asDurable(epoch), 0)),
        truncate: (zxid, done) => this.disk(`truncate ${zxid.toString(16)}`, () => done(true, 0)),
        beginTree: (zxid) => {
          this.said.push(`[tree ${zxid.toString(16)}]`);
          window.clear();
        },
        takeTree: (_, start, end) => {
          const taken = Math.min(end - start, this.treeBytes);
          this.treeBytes -= taken;
          return { taken, isComplete: this.treeBytes === 0 };
        },
        log: (bytes, start, end) => {
          window.append(bytes, start, end);
          this.said.push("[log]");
        },
        commit: (zxidHigh, zxidLow) => {
          window.commit(zxidHigh, zxidLow);
          this.said.push(`[commit ${longOf(zxidHigh, zxidLow).toString(16)}]`);
        },
        persist: (mode, done) => this.disk(`persist ${mode}`, () => done(asDurable("history"), 0)),
        sawProposedConfig: (text) => this.said.push(`[proposed ${text}]`),
        sawLeadersConfig: (text, stored) => {
          if (this.isStoringConfig) this.disk(`leader's ${text}`, stored);
          else {
            this.said.push(`[leader's ${text}]`);
            stored();
          }
        },
        activate: (text, leader, zxid) => {
          this.said.push(`[activate ${text} ${leader} ${zxid.toString(16)}]`);
          return this.isMajor;
        },
        serve: (epoch) => this.said.push(`[serve ${epoch}]`),
        received: ({ type }) => this.said.push(`[received ${packetName(type)}]`),
        touchedSessions: () => Buffer.alloc(0),
        over: (reason) => this.said.push(`[over: ${reason}]`),
      },
    });
    this.link.flush();
  }

  hear(type: number, zxid: bigint, data: Buffer | null = null): void {
    this.learning.take(packet(type, zxid, data), 0);
    this.link.flush();
  }

  override finish(): void {
    super.finish();
    this.link.flush();
  }

  propose(zxid: bigint): void {
    this.hear(PacketType.proposal, zxid, txn(zxid));
  }

  logged(zxid: bigint): void {
    this.learning.logged(asDurable({ zxidHigh: highOf(zxid), zxidLow: lowOf(zxid) }));
    this.link.flush();
  }

  /** Up to DIFF. */
  discover(): this {
    this.hear(PacketType.leaderInfo, 0x200000000n, version);
    this.finish();
    this.take();
    return this;
  }

  /** A follower that is served. */
  serve(): this {
    this.discover();
    this.hear(PacketType.diff, 0x100000005n);
    this.hear(PacketType.newLeader, 0x200000000n);
    this.finish();
    this.finish();
    this.hear(PacketType.upToDate, -1n);
    this.take();
    return this;
  }
}

export class LeaderStage extends Stage {
  readonly window: TxnWindow = new TxnWindow({ committedCountMin: 10, committedBytesMax: 1 << 20 });
  readonly leading: Leading;
  readonly links: Map<number, { link: FakeLink; handler: LearnerHandler }> = new Map();
  treeDone: (() => void) | null = null;

  readonly configs: Configurations;

  constructor(
    voters = 3,
    observers = 0,
    configOutput?: ConfigOutput,
    firstCounter = 0,
    acceptedEpoch = 1n,
    epochWaitMsMax = -1,
  ) {
    super();
    const { window } = this;
    this.configs = configsOf(viewsOf(memberLines(voters, observers)), configOutput);
    for (const zxid of [0x100000004n, 0x100000005n]) {
      window.append(txn(zxid), 0, txn(zxid).length);
      window.commit(1, lowOf(zxid));
    }
    this.leading = new Leading({
      sid: 1n,
      configs: this.configs,
      window,
      history: { currentEpoch: 1n, lastZxid: 0x100000005n },
      limits: { ...masterLimits, firstCounter, epochWaitMsMax },
      nowMs: 0,
      output: {
        storeAcceptedEpoch: (epoch, done) => this.disk(`acceptedEpoch ${epoch}`, () => done(asDurable(epoch), 0)),
        storeCurrentEpoch: (epoch, done) => this.disk(`currentEpoch ${epoch}`, () => done(asDurable(epoch), 0)),
        serve: (epoch) => this.said.push(`[serve ${epoch}]`),
        committed: (zxidHigh, zxidLow) => this.said.push(`[committed ${longOf(zxidHigh, zxidLow).toString(16)}]`),
        activate: (config, leader) => {
          this.said.push(`[activate ${config.version.toString(16)}, ${leader} leads]`);
          this.configs.activate(config);
        },
        sendTree: (_, done) => {
          this.treeDone = () => done(0);
          return 0x100000005n;
        },
        sendLog: () => undefined,
        received: (_, { type }) => this.said.push(`[received ${packetName(type)}]`),
        learnerSyncing: () => {},
        learnerGone: ({ sid }, reason) => this.said.push(`[${sid} gone: ${reason}]`),
        offered: () => null,
        deserted: () => this.said.push("[deserted]"),
        over: (reason) => this.said.push(`[over: ${reason}]`),
      },
    });
    this.leading.start(acceptedEpoch);
  }

  override take(): string[] {
    this.flush();
    return super.take();
  }

  flush(): void {
    for (const { link } of this.links.values()) link.flush();
  }

  override finish(): void {
    super.finish();
    this.flush();
  }

  hear(sid: number, type: number, zxid: bigint, data: Buffer | null = null): void {
    const { handler } = this.links.get(sid)!;
    this.leading.take(handler, packet(type, zxid, data), 0);
    this.leading.broadcast.settle();
    this.flush();
  }

  connect(sid: number, acceptedEpoch = 1n, type: number = PacketType.followerInfo): void {
    const link = new FakeLink(this, `${sid}:`);
    this.links.set(sid, { link, handler: this.leading.connected(link, 0) });
    this.hear(sid, type, acceptedEpoch << 32n, new Bytes().long(BigInt(sid)).int(0x10000).long(0n).build());
  }

  acceptEpoch(sid: number, zxid = 0x100000005n, currentEpoch = 1): void {
    this.hear(sid, PacketType.ackEpoch, zxid, new Bytes().int(currentEpoch).build());
  }

  /** Another learner comes and has all that was sent to it, up to NEWLEADER, on its disk. */
  join(sid: number, type: number = PacketType.followerInfo): void {
    this.connect(sid, 1n, type);
    this.acceptEpoch(sid);
    this.hear(sid, PacketType.ack, 0x200000000n);
  }

  /** Serving, with learner 2 in step. */
  serve(): this {
    this.connect(2);
    this.finish();
    this.acceptEpoch(2);
    this.finish();
    this.hear(2, PacketType.ack, 0x200000000n);
    this.take();
    return this;
  }

  propose(zxid: bigint): void {
    const bytes = txn(zxid, setDataWithDigest);
    this.leading.broadcast.propose(bytes, 0, bytes.length, 0);
    this.flush();
  }

  ackOwn(zxid: bigint): void {
    this.leading.broadcast.ackOwn(asDurable({ zxidHigh: highOf(zxid), zxidLow: lowOf(zxid) }));
    this.leading.broadcast.settle();
    this.flush();
  }
}
