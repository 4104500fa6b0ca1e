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
import { type RoundPlan, type StrikeTime, writeHistory, writePlan } from "./evidence.ts";
import { type Finding, judge } from "./judge.ts";
import { nemesisOf } from "./nemeses/nemeses.ts";
import type { Operation } from "./operations.ts";
import { now, Process } from "./process.ts";
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
  let ensemble: Ensemble;
  try {
    ensemble = await comeUp(plan, folder);
  } catch (error) {
    // Nothing was asked for yet; why they did not come up is in the folder like all else.
    const outcome = { trees: [], treesAfterRestart: [], digestMismatches: [], strikes: [], problems: [textOf(error)] };
    writeHistory(folder, { operations: [], conversations: [], refusals: [], outcome });
    return { findings: judge(folder), strikes: 0, operations: [], recoveriesMs: [] };
  }
  return new Round(plan, folder, ensemble).play();
}

function comeUp({ builds, isCuttable, seed, nemesis }: RoundPlan, folder: string): Promise<Ensemble> {
  const { needs, changesMembers } = nemesisOf(nemesis);
  const hasSmallDisks = needs === "small disks";
  const isReconfigEnabled = changesMembers === true;
  const snapCount = new Dice(seed, "ensemble").pick([100, 300, 3_000]);
  return Ensemble.start({ builds, folder, isCuttable, hasSmallDisks, isReconfigEnabled, snapCount });
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

class Round {
  readonly #plan: RoundPlan;
  readonly #folder: string;
  readonly #ensemble: Ensemble;
  readonly #operations: Operation[] = [];
  readonly #processes: Process[] = [];
  readonly #problems: string[] = [];
  readonly #recoveriesMs: number[] = [];
  readonly #strikeTimes: StrikeTime[] = [];
  #isOver = false;

  constructor(plan: RoundPlan, folder: string, ensemble: Ensemble) {
    this.#plan = plan;
    this.#folder = folder;
    this.#ensemble = ensemble;
  }

  async play(): Promise<RoundReport> {
    const ensemble = this.#ensemble;
    const watch = setInterval(() => void ensemble.watch().catch((error: unknown) => this.#note(error)), watchMs);
    const outcome = { trees: [] as string[], treesAfterRestart: [] as string[], digestMismatches: [] as number[] };
    try {
      await this.#trouble();
      outcome.trees = await this.#trees();
      await ensemble.kill(...ensemble.sids);
      await ensemble.launch(...ensemble.sids);
      await ensemble.untilServing(ensemble.sids);
      outcome.treesAfterRestart = await this.#trees();
      outcome.digestMismatches = await ensemble.digestMismatches();
      await ensemble.stop(...ensemble.sids);
    } catch (error) {
      this.#note(error);
    } finally {
      clearInterval(watch);
      await ensemble.dispose();
    }
    const clients = this.#processes.map(({ client }) => client);
    writeHistory(this.#folder, {
      operations: this.#operations,
      conversations: clients.flatMap(({ conversations }) => conversations),
      refusals: clients.flatMap(({ refusals }) => refusals),
      outcome: { ...outcome, strikes: this.#strikeTimes, problems: [...ensemble.unexpectedEnds, ...this.#problems] },
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
      for (const process of processes) {
        process.endAt(Number.POSITIVE_INFINITY);
        running.push(this.#run(program, process));
      }
    }
    try {
      await this.#strikes();
    } finally {
      this.#isOver = true;
      this.#hurry();
    }
    await Promise.all(running);
    for (const { workload, program } of programs) await program.finish(this.#process(workload));
    this.#hurry();
    await Promise.all(this.#processes.map((process) => process.leave()));
  }

  /** All is well: whoever still waits for a connection after some time waits for nothing. */
  #hurry(): void {
    for (const process of this.#processes) process.endAt(Date.now() + endMs);
  }

  async #strikes(): Promise<void> {
    const { nemesis: name, seed, troubleMs } = this.#plan;
    const nemesis = nemesisOf(name);
    const dice = new Dice(seed, "nemesis");
    const ensemble = this.#ensemble;
    const untilMs = Date.now() + troubleMs;
    while (Date.now() < untilMs) {
      await delay(peaceMs + dice.below(peaceMs));
      const strike = { fromMs: now(), untilMs: Number.MAX_SAFE_INTEGER };
      this.#strikeTimes.push(strike);
      await nemesis.strike({ ensemble, dice, say: (text) => this.#say(text) });
      const tookMs = await ensemble.untilServing(ensemble.sids);
      strike.untilMs = now();
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
      this.#note(`process ${process.number}: ${textOf(error)}`);
    }
  }

  #note(problem: unknown): void {
    this.#problems.push(textOf(problem));
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
      broken: (error) => this.#note(`process ${number} was told what makes no sense: ${textOf(error)}`),
    });
    process.endAt(Date.now() + endMs);
    this.#processes.push(process);
    return process;
  }

  /** Each member's tree as a text, without what each writes for itself. */
  async #trees(): Promise<string[]> {
    // A session that ends in the middle takes its ephemerals out of one tree and leaves them in another.
    await this.#ensemble.untilSessionless();
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

  #say(text: string): void {
    appendFileSync(join(this.#folder, "nemesis.log"), `${new Date().toISOString()} ${text}\n`);
  }
}
