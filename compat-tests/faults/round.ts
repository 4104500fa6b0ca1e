/**
 * A round: an ensemble of its own, one nemesis that strikes again and again, and processes of one or all workloads side by side,
 * each in its own corner of the tree.
 *
 *   start     members come up, workloads make what they need
 *   trouble   the nemesis strikes; after each strike all members have to serve again in time
 *   heal      processes finish what they do; what is there in the end is read, sessions are closed
 *   compare   all trees, before and after everybody was killed and has started again
 *   judge     everything is written down and judged from what is written (evidence.ts, judge.ts)
 */

import { appendFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { Dice } from "../../test/sim/schedule.ts";
import { WireClient } from "../../test/support/wire-client.ts";
import { dumpText, dumpTree } from "../disk/tree-dump.ts";
import { Ensemble } from "./ensemble.ts";
import { type RoundPlan, writeHistory, writePlan } from "./evidence.ts";
import { type Finding, judge } from "./judge.ts";
import { nemesisOf } from "./nemeses/nemeses.ts";
import type { Operation } from "./operations.ts";
import { Process } from "./process.ts";
import type { Program, Workload } from "./workloads/workload.ts";
import { workloadOf } from "./workloads/workloads.ts";

export interface RoundReport {
  readonly findings: readonly Finding[];
  readonly strikes: number;
  readonly operations: readonly Operation[];
  /** How long it took until all members served again, after each strike. */
  readonly recoveriesMs: readonly number[];
}

/** Between two operations of a process. */
const pauseMsMax = 60;
const watchMs = 200;
/** Before a strike, and after the last, some work is done in peace. */
const peaceMs = 500;
/** How long a process may take to come to an end once all is well. */
const endMs = 20_000;

/** Plays a round, and leaves in the folder what it was judged by. */
export async function playRound(plan: RoundPlan, folder: string): Promise<RoundReport> {
  mkdirSync(folder, { recursive: true });
  writePlan(folder, plan);
  const round = await Round.begin(plan, folder);
  return round.play();
}

class Round {
  readonly #plan: RoundPlan;
  readonly #folder: string;
  readonly #ensemble: Ensemble;
  readonly #operations: Operation[] = [];
  readonly #processes: Process[] = [];
  readonly #problems: string[] = [];
  readonly #recoveriesMs: number[] = [];
  #isOver = false;

  private constructor(plan: RoundPlan, folder: string, ensemble: Ensemble) {
    this.#plan = plan;
    this.#folder = folder;
    this.#ensemble = ensemble;
  }

  static async begin(plan: RoundPlan, folder: string): Promise<Round> {
    const { builds, isCuttable, seed } = plan;
    const { needs, changesMembers } = nemesisOf(plan.nemesis);
    const hasSmallDisks = needs === "small disks";
    const isReconfigEnabled = changesMembers === true;
    const snapCount = new Dice(seed, "ensemble").pick([100, 300, 3_000]);
    return new Round(
      plan,
      folder,
      await Ensemble.start({ builds, folder, isCuttable, hasSmallDisks, isReconfigEnabled, snapCount }),
    );
  }

  async play(): Promise<RoundReport> {
    const ensemble = this.#ensemble;
    const watch = setInterval(() => void ensemble.watch(), watchMs);
    const outcome = { trees: [] as string[], treesAfterRestart: [] as string[], digestMismatches: [] as number[] };
    try {
      await this.#trouble();
      outcome.trees = await this.#trees();
      outcome.digestMismatches = await this.#digestMismatches();
      await ensemble.kill(...ensemble.sids);
      await ensemble.launch(...ensemble.sids);
      await ensemble.untilServing(ensemble.sids);
      outcome.treesAfterRestart = await this.#trees();
      await ensemble.stop(...ensemble.sids);
    } catch (error) {
      this.#problems.push(error instanceof Error ? error.message : String(error));
    } finally {
      clearInterval(watch);
      await ensemble.dispose();
    }
    const clients = this.#processes.map(({ client }) => client);
    writeHistory(this.#folder, {
      operations: this.#operations,
      conversations: clients.flatMap(({ conversations }) => conversations),
      refusals: clients.flatMap(({ refusals }) => refusals),
      outcome: { ...outcome, problems: [...ensemble.unexpectedEnds, ...this.#problems] },
    });
    const findings = judge(this.#folder);
    const strikes = this.#recoveriesMs.length;
    return { findings, strikes, operations: this.#operations, recoveriesMs: this.#recoveriesMs };
  }

  /** From the first operation to the last. */
  async #trouble(): Promise<void> {
    const workloads = this.#plan.workloads.map(workloadOf);
    const programs = workloads.map((workload) => ({ workload, program: workload.begin() }));
    const running: Promise<void>[] = [];
    for (const { workload, program } of programs) {
      const processes = Array.from({ length: workload.processes }, () => this.#process(workload));
      await program.setUp(processes[0]!);
      for (const process of processes) running.push(this.#run(program, process));
    }
    try {
      await this.#strikes();
    } finally {
      this.#isOver = true;
      for (const process of this.#processes) process.endAt(Date.now() + endMs);
    }
    await Promise.all(running);
    for (const { workload, program } of programs) await program.finish(this.#process(workload));
    await Promise.all(this.#processes.map((process) => process.leave()));
  }

  async #strikes(): Promise<void> {
    const { nemesis: name, seed, troubleMs } = this.#plan;
    const nemesis = nemesisOf(name);
    const dice = new Dice(seed, "nemesis");
    const ensemble = this.#ensemble;
    const untilMs = Date.now() + troubleMs;
    while (Date.now() < untilMs) {
      await delay(peaceMs + dice.below(peaceMs));
      await nemesis.strike({ ensemble, dice, say: (text) => this.#say(text) });
      const tookMs = await ensemble.untilServing(ensemble.sids);
      this.#recoveriesMs.push(tookMs);
      this.#say(`all serve, after ${tookMs} ms`);
    }
    await delay(peaceMs);
  }

  async #run(program: Program, process: Process): Promise<void> {
    try {
      while (!this.#isOver) {
        await program.step(process);
        await delay(process.dice.below(pauseMsMax));
      }
    } catch (error) {
      this.#problems.push(`process ${process.number}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  #process(workload: Workload): Process {
    const number = this.#processes.length;
    const process = new Process({
      number,
      workload: workload.name,
      dice: new Dice(this.#plan.seed, `process ${number}`),
      servers: this.#ensemble.places,
      wasOutOfTouch: (server, atMs) => this.#ensemble.wasOutOfTouch(server, atMs),
      record: (operation) => void this.#operations.push(operation),
    });
    this.#processes.push(process);
    return process;
  }

  /** Each member's tree as a text, without what each writes for itself. */
  async #trees(): Promise<string[]> {
    const trees: string[] = [];
    for (const sid of this.#ensemble.sids) {
      const { port } = this.#ensemble.member(sid);
      const client = await WireClient.connect(port);
      await client.sync("/");
      await client.closeSession();
      const znodes = await dumpTree(port);
      trees.push(dumpText(znodes.filter(({ path }) => path !== "/zookeeper/config")));
    }
    return trees;
  }

  async #digestMismatches(): Promise<number[]> {
    const counts: number[] = [];
    for (const sid of this.#ensemble.sids) {
      const answer = await this.#ensemble.member(sid).fourLetterWord("mntr");
      counts.push(Number(/^zk_digest_mismatches_count\t(\d+)$/m.exec(answer)?.[1] ?? Number.NaN));
    }
    return counts;
  }

  #say(text: string): void {
    appendFileSync(join(this.#folder, "nemesis.log"), `${new Date().toISOString()} ${text}\n`);
  }
}
