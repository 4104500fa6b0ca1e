/** What every group of measurements is given: how long to measure, which servers, and where figures go. */

import { execFileSync } from "node:child_process";
import type { ServerKind } from "../support/server-process.ts";

/** How long, how large and with which servers a run measures. */
export interface BenchOptions {
  /** Alternating rounds. */
  readonly rounds: number;
  /** Measured time of each load, and what goes before it. */
  readonly measureMs: number;
  readonly warmupMs: number;
  /** What each load runs on each server before the first round: a JVM compiles meanwhile. */
  readonly jvmWarmupMs: number;
  /** Znodes that reads and writes go to. */
  readonly treeZnodes: number;
  /** Sizes of the trees whose memory and restarts are measured. */
  readonly sizes: readonly number[];
  /** Clients that watch one znode. */
  readonly crowds: readonly number[];
  readonly idleSessions: number;
  /** What our server is started from. */
  readonly entry: string | undefined;
  /** Where data goes. */
  readonly folder: string;
  readonly kinds: readonly ServerKind[];
}

/** What was measured, by metric (README.md). */
export type Values = Readonly<Record<string, number>>;

/** Whom figures are of: the two, and etcd where it is there. */
export type Measured = ServerKind | "etcd";

export interface Measurement {
  readonly shape: string;
  readonly server: Measured;
  readonly round: number;
  readonly values: Values;
}

export class Bench {
  readonly options: BenchOptions;
  readonly measurements: Measurement[] = [];

  constructor(options: BenchOptions) {
    this.options = options;
  }

  note(shape: string, server: Measured, round: number, values: Values): void {
    this.measurements.push({ shape, server, round, values });
  }

  progress(text: string): void {
    process.stderr.write(`${text}\n`);
  }

  /** Measures each shape once with each server in each round; rounds change who goes first. */
  async alternate(
    shapes: readonly string[],
    measure: (kind: ServerKind, shape: string) => Promise<Values>,
    rounds: number = this.options.rounds,
  ): Promise<void> {
    const { kinds } = this.options;
    for (let round = 1; round <= rounds; round++) {
      for (const shape of shapes) {
        for (const kind of round % 2 === 1 ? kinds : kinds.toReversed()) {
          this.progress(`round ${round} of ${rounds}: ${shape}, ${kind}`);
          this.writeBack();
          this.note(shape, kind, round, await measure(kind, shape));
        }
      }
    }
  }

  /** Has the system write what the measurement before has left to be written, so that it does not fall into the next one. */
  writeBack(): void {
    execFileSync("sync");
  }
}
