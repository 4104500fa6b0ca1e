/**
 * An ensemble of nothing but the core: elections and roles as they are, over links that deliver bytes late, in pieces or
 * never, and disks that finish their work in order, late, and lose what was not finished. No tree: the state of a server is
 * the list of transactions that it has applied. A run is a seed; a thousand runs take seconds.
 *
 *   core-ensemble     the servers, what befalls them, and what must hold
 *   core-server       ports, timer, roles; core-link: a connection of the quorum port
 *   core-replica      log, window and state; core-disk: what of it outlives a server
 *
 * The whole server runs in test/sim; what goes wrong in the protocol shows here first, and in fewer steps.
 */

import { longOf } from "#base/zxid.ts";
import type { TxnWindow } from "#quorum/txn-window.ts";
import { Dice, Schedule } from "../sim/schedule.ts";
import type { CoreLink } from "./core-link.ts";
import { CoreServer, type ServerTown } from "./core-server.ts";
import { memberLines } from "./support.ts";

/** All of it, and what must hold. */
export class CoreEnsemble implements ServerTown {
  readonly schedule: Schedule;
  readonly dice: Dice;
  readonly servers: CoreServer[];
  /** Changes of the members that were proposed. */
  reconfigs = 0;
  readonly #voters: number;
  readonly #observers: number;
  readonly windowCount: number;
  readonly touched: Set<CoreLink> = new Set();
  isCut: (a: bigint, b: bigint) => boolean = () => false;
  delayMsMax = 20;
  diskMsMax = 10;
  /** What a leader has committed: a client may have been told. */
  readonly acknowledged: Map<bigint, bigint> = new Map();
  readonly #leaders = new Map<bigint, bigint>();
  readonly #lastPost = new Map<string, number>();

  /** @param options.spares servers that are no members at first. */
  constructor(seed: number, options: { voters: number; observers?: number; spares?: number; windowCount?: number }) {
    const { voters, observers = 0, spares = 0 } = options;
    this.schedule = new Schedule(seed);
    this.dice = new Dice(seed, "everything");
    this.#voters = voters;
    this.#observers = observers;
    this.windowCount = options.windowCount ?? 5;
    const count = voters + observers + spares;
    this.servers = Array.from({ length: count }, (_, i) => new CoreServer(this, BigInt(i + 1)));
  }

  /** The members as a server's own file has them: a spare server has itself beside them, as an observer. */
  linesAtStart(sid: bigint): string {
    const lines = memberLines(this.#voters, this.#observers);
    const isMember = Number(sid) <= this.#voters + this.#observers;
    return isMember ? lines : `${lines}\nserver.${sid}=h${sid}:2888:3888:observer`;
  }

  server(sid: bigint): CoreServer {
    return this.servers[Number(sid) - 1]!;
  }

  delayMs(): number {
    return 1 + this.dice.below(this.delayMsMax);
  }

  diskMs(): number {
    return 1 + this.dice.below(this.diskMsMax);
  }

  /** Sends a vote; votes of one server reach another in order. */
  post(from: bigint, to: bigint, bytes: Buffer): void {
    const link = `${from} ${to}`;
    const atMs = Math.max(this.schedule.nowMs + this.delayMs(), (this.#lastPost.get(link) ?? 0) + 0.01);
    this.#lastPost.set(link, atMs);
    this.schedule.after(atMs - this.schedule.nowMs, () => {
      const server = this.servers[Number(to) - 1];
      if (server?.isUp === true && this.server(from).isUp && !this.isCut(from, to)) server.receiveVote(from, bytes);
    });
  }

  /** What was written in this turn leaves. */
  endTurn(): void {
    for (const link of this.touched) {
      this.touched.delete(link);
      link.flush();
    }
  }

  run(forMs: number): void {
    const untilMs = this.schedule.nowMs + forMs;
    while (this.schedule.step(untilMs));
    this.schedule.nowMs = untilMs;
  }

  get leader(): CoreServer | undefined {
    return this.servers.find(({ isUp, isServing, peer }) => isUp && isServing && peer.leading !== null);
  }

  leads(server: CoreServer, epoch: bigint): void {
    const other = this.#leaders.get(epoch);
    if (other !== undefined) throw new Error(`servers ${other} and ${server.sid} both lead epoch ${epoch}`);
    this.#leaders.set(epoch, server.sid);
  }

  reconfigured(): void {
    this.reconfigs++;
  }

  committed(window: TxnWindow, upTo: bigint): void {
    for (let i = 0; i < window.committedCount; i++) {
      const { bytes, start, zxidHigh, zxidLow } = window.at(i);
      const zxid = longOf(zxidHigh, zxidLow);
      if (zxid > upTo) break;
      const payload = bytes.readBigInt64BE(start + 32);
      const other = this.acknowledged.get(zxid);
      if (other !== undefined && other !== payload) throw new Error(`zxid ${zxid.toString(16)} was committed twice`);
      this.acknowledged.set(zxid, payload);
    }
  }

  /** Everybody is up and connected: checks that all come to have the same history, with all that was acknowledged in it. */
  converge(): void {
    this.isCut = () => false;
    for (const server of this.servers) if (!server.isUp) server.start();
    const untilMs = this.schedule.nowMs + 60_000;
    while (this.schedule.nowMs < untilMs) {
      this.run(500);
      this.leader?.propose(BigInt(this.schedule.nowMs));
      this.run(500);
      if (this.servers.every(({ isServing }) => isServing) && this.#isEqual()) return;
    }
    const states = this.servers.map(({ sid, peer, replica, views }) => {
      const { committed, lastSeen } = views;
      const config = `${committed.text} | ${lastSeen.text}`
        .replaceAll("\n", " ")
        .replaceAll(/h\d+:2888:3888:|;0.0.0.0:2181/g, "");
      return `\n${sid} ${peer.state} ${replica.lastApplied.toString(16)}: ${config}`;
    });
    throw new Error(`no convergence: ${states.join(", ")}`);
  }

  #isEqual(): boolean {
    const [first, ...others] = this.servers.map(historyOf);
    return others.every((history) => history === first);
  }

  checkNothingLost(): void {
    const [first] = this.servers;
    for (const [zxid, payload] of this.acknowledged) {
      const found = first!.replica.applied.get(zxid)?.bytes.readBigInt64BE(32);
      if (found !== payload) throw new Error(`zxid ${zxid.toString(16)} was acknowledged and is lost`);
    }
  }
}

function historyOf({ replica }: CoreServer): string {
  const zxids = [...replica.applied.keys()].sort((a, b) => (a < b ? -1 : 1));
  return zxids.map((zxid) => `${zxid}:${replica.applied.get(zxid)!.bytes.toString("hex", 32)}`).join(" ");
}
