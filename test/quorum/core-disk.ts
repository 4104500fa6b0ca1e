/**
 * The disk of a server of a CoreEnsemble: work is finished in order, late, and a death takes what was not.
 */

import type { QuorumVerifier } from "#quorum/quorum-verifier.ts";
import type { Dice, Schedule } from "../sim/schedule.ts";

/** A transaction: a header with its zxid, and eight bytes that no other has. */
export interface CoreTxn {
  readonly zxid: bigint;
  readonly bytes: Buffer;
}

export function txnOf(bytes: Buffer): CoreTxn {
  return { zxid: bytes.readBigInt64BE(12), bytes };
}

/** What survives: the files of a server. */
export interface CoreFiles {
  acceptedEpoch: bigint;
  currentEpoch: bigint;
  /** The newest snapshot: what was applied when it was taken. */
  snapshot: readonly CoreTxn[];
  log: CoreTxn[];
  committed: QuorumVerifier;
  lastSeen: QuorumVerifier;
}

/** Whose disk it is. */
export interface DiskOwner {
  /** Another number after each death and each start: what was on its way before that does not happen. */
  readonly life: number;
  /** A write has been finished, and told of. */
  turnEnded(): void;
}

export interface DiskTown {
  readonly schedule: Schedule;
  /** What the next write takes. */
  diskMs(): number;
}

export class CoreDisk {
  readonly files: CoreFiles;
  readonly #owner: DiskOwner;
  readonly #town: DiskTown;
  /** Each completes after the one before. */
  #queue: { change: (files: CoreFiles) => void; done: () => void }[] = [];
  #isBusy = false;
  /** Configurations that were seen and have to be on the disk before the next write begins. */
  #holds = 0;
  #configDoneMs = 0;

  constructor(owner: DiskOwner, town: DiskTown, members: QuorumVerifier) {
    this.#owner = owner;
    this.#town = town;
    this.files = {
      acceptedEpoch: 0n,
      currentEpoch: 0n,
      snapshot: [],
      log: [],
      committed: members,
      lastSeen: members,
    };
  }

  /** Of what it has begun some is finished all the same. */
  crash(dice: Dice): void {
    const begun = this.#holds > 0 ? Number(this.#isBusy) : this.#queue.length;
    const kept = dice.below(begun + 1);
    for (const { change } of this.#queue.slice(0, kept)) change(this.files);
  }

  /** Nothing is left to do. */
  reset(): void {
    this.#queue = [];
    this.#isBusy = false;
    this.#holds = 0;
  }

  write(change: (files: CoreFiles) => void, done: () => void): void {
    this.#queue.push({ change, done });
    if (!this.#isBusy) this.#nextWrite();
  }

  /** Nothing is logged that comes behind it before it is written. */
  storeSeen(config: QuorumVerifier, done: () => void): void {
    this.#holds++;
    this.writeConfig(
      (files) => (files.lastSeen = config),
      () => {
        this.#holds--;
        if (!this.#isBusy) this.#nextWrite();
        done();
      },
    );
  }

  /** Files of configurations are written in order; but for what was seen, at any time before or after what else is written. */
  writeConfig(change: (files: CoreFiles) => void, done: () => void = () => undefined): void {
    const { life } = this.#owner;
    const { schedule } = this.#town;
    this.#configDoneMs = Math.max(schedule.nowMs + this.#town.diskMs() * 5, this.#configDoneMs + 0.01);
    schedule.after(this.#configDoneMs - schedule.nowMs, () => {
      if (life !== this.#owner.life) return;
      change(this.files);
      done();
      this.#owner.turnEnded();
    });
  }

  #nextWrite(): void {
    const next = this.#holds > 0 ? undefined : this.#queue[0];
    this.#isBusy = next !== undefined;
    if (next === undefined) return;
    const { life } = this.#owner;
    this.#town.schedule.after(this.#town.diskMs(), () => {
      if (life !== this.#owner.life) return;
      next.change(this.files);
      this.#queue.shift();
      next.done();
      this.#owner.turnEnded();
      this.#nextWrite();
    });
  }
}
