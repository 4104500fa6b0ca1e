/**
 * A connection of the quorum port between two servers of a CoreEnsemble: bytes arrive late and in pieces, and none behind
 * those that were lost.
 */

import { JuteWriter } from "#jute/writer.ts";
import type { QuorumLink } from "#quorum/quorum-link.ts";
import type { Dice, Schedule } from "../sim/schedule.ts";

/** What links lie in. */
export interface LinkTown {
  readonly schedule: Schedule;
  readonly dice: Dice;
  /** Links that were written to in this turn. */
  readonly touched: Set<CoreLink>;
  /** What the next piece is on its way for. */
  delayMs(): number;
  /** Nothing reaches one of these servers from the other. */
  isCut(a: bigint, b: bigint): boolean;
  /** What was written in this turn leaves. */
  endTurn(): void;
}

/** One end of a connection of the quorum port. */
export class CoreLink implements QuorumLink {
  readonly remote: string;
  isOpen = true;
  other: CoreLink | null = null;
  /** Takes what arrived, as far as it can; returns how many bytes. */
  onBytes: (bytes: Buffer) => number = (bytes) => bytes.length;
  onClosed: () => void = () => undefined;
  readonly #town: LinkTown;
  readonly #sids: readonly [bigint, bigint];
  #out = new JuteWriter();
  #inbox: Buffer = Buffer.alloc(0);
  #isDead = false;
  #isPaused = false;
  #isReading = false;
  #arrivesMs = 0;

  constructor(town: LinkTown, from: bigint, to: bigint) {
    this.#town = town;
    this.#sids = [from, to];
    this.remote = `server ${to}`;
  }

  open(): JuteWriter {
    this.#town.touched.add(this);
    return this.#out;
  }

  flush(): void {
    if (!this.isOpen || this.#out.length === 0) return;
    const bytes = this.#out.toBytes();
    this.#out.length = 0;
    const { schedule, dice } = this.#town;
    const cut = dice.oneIn(3) ? dice.below(bytes.length + 1) : bytes.length;
    for (const piece of [bytes.subarray(0, cut), bytes.subarray(cut)]) {
      if (piece.length === 0) continue;
      // Never two at once, since what happens at once happens in any order.
      this.#arrivesMs = Math.max(this.#arrivesMs + 0.01, schedule.nowMs + this.#town.delayMs());
      const other = this.other!;
      schedule.after(this.#arrivesMs - schedule.nowMs, () => {
        // Once bytes were lost nothing behind them arrives: both ends find out by their patience.
        if (this.#town.isCut(...this.#sids)) this.#isDead = true;
        if (other.isOpen && !this.#isDead) other.arrive(piece);
      });
    }
  }

  flushPiece(): boolean {
    throw new Error("trees are small here");
  }

  arrive(piece: Buffer): void {
    this.#inbox = Buffer.concat([this.#inbox, piece]);
    this.#read();
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.#read();
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  #read(): void {
    if (this.#isReading) return;
    this.#isReading = true;
    while (this.isOpen && !this.#isPaused && this.#inbox.length > 0) {
      const taken = this.onBytes(this.#inbox);
      this.#inbox = this.#inbox.subarray(taken);
      if (taken === 0) break;
    }
    this.#isReading = false;
    this.#town.endTurn();
  }

  close(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    const other = this.other!;
    this.#town.schedule.after(this.#town.delayMs(), () => other.close());
    this.onClosed();
  }

  /** The connection is gone at both ends. */
  break(): void {
    this.close();
    this.other!.close();
  }
}
