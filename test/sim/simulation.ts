/**
 * A run: an ensemble, clients, and what befalls them, all from a seed.
 *
 *   set up   members start, clients connect, a few znodes are made
 *   trouble  clients ask; members crash, lose power, are cut off, lose their disk; now and then all of it is mended
 *   heal     everything is mended; all members serve, and every client is answered
 *   judge    the history and the trees (checks.ts)
 *
 * A seed fails always or never, and says where. Between two events the members' promises have their turn; nothing else runs.
 */

import { longOf } from "#base/zxid.ts";
import { dumpTree } from "../support/tree-dump.ts";
import { checkHistory } from "./checks.ts";
import { CommittedLog } from "./committed-log.ts";
import { Dice, Schedule } from "./schedule.ts";
import { SimClient } from "./sim-client.ts";
import { Faults, stateOf } from "./faults.ts";
import { SimMember } from "./sim-member.ts";
import { SimNetwork } from "./sim-network.ts";
import { create, registers, Workload } from "./workload.ts";

export interface SimulationOptions {
  readonly seed: number;
  /** Told every line that a member logs, and what befalls them. */
  readonly onLine?: (line: string) => void;
}

/** What a run went through. */
export interface RunReport {
  readonly seed: number;
  readonly virtualMs: number;
  readonly events: number;
  readonly calls: number;
  readonly acknowledged: number;
  readonly elections: number;
  readonly faults: ReadonlyMap<string, number>;
}

const tickMs = 200;
/** Runs take thousands; one that takes a hundred times as many turns in a circle. */
const eventsMax = 500_000;
/** In ticks. */
const syncLimit = 10;

export class Simulation {
  readonly schedule: Schedule;
  readonly network: SimNetwork;
  readonly members: SimMember[] = [];
  readonly clients: SimClient[] = [];
  readonly #options: SimulationOptions;
  readonly #faults: Faults;
  readonly #workload: Workload;
  /** How long things take to come about, in each step of the trouble. */
  readonly #stepMsMax: number;
  readonly #leaders = new Map<bigint, number>();
  readonly #log = new CommittedLog();
  #events = 0;
  #elections = 0;

  constructor(options: SimulationOptions) {
    const { seed } = options;
    this.#options = options;
    const dice = new Dice(seed, "shape");
    this.#workload = new Workload(new Dice(seed, "work"));
    this.#stepMsMax = dice.pick([20, 100, 600, 2_000]);
    this.schedule = new Schedule(seed);
    this.network = new SimNetwork(this.schedule, new Dice(seed, "network"), {
      delayMsMax: dice.pick([2, 10, 50]),
      splitOneIn: 4,
      windowBytes: 64 * 1024,
    });
    const voters = dice.pick([3, 3, 3, 5]);
    const observers = dice.pick([0, 0, 1]);
    const zooCfg = configOf(voters, observers, dice);
    const diskMsMax = dice.pick([1, 5, 20]);
    for (let sid = 1; sid <= voters + observers; sid++) {
      this.members.push(
        new SimMember({
          options: { sid, zooCfg, diskMsMax },
          schedule: this.schedule,
          network: this.network,
          dice: new Dice(seed, `disk ${sid}`),
          takeLine: (from, level, message, facts) => this.#takeLine(from, level, message, facts),
        }),
      );
    }
    this.#faults = new Faults({
      dice: new Dice(seed, "faults"),
      schedule: this.schedule,
      network: this.network,
      members: this.members,
      onLine: options.onLine ?? (() => {}),
    });
    const clientCount = 1 + dice.below(4);
    for (let number = 0; number < clientCount; number++) {
      this.clients.push(
        new SimClient({
          number,
          node: this.network.node(`c${number}`),
          schedule: this.schedule,
          dice: new Dice(seed, `client ${number}`),
          servers: this.members.map(({ node }) => node.name),
        }),
      );
    }
  }

  async run(): Promise<RunReport> {
    for (const member of this.members) member.start();
    await this.#setUp();
    await this.#trouble();
    await this.#heal();
    this.#judge();
    const conversations = this.clients.flatMap((client) => client.conversations);
    const calls = conversations.flatMap((conversation) => conversation.calls).filter(({ xid }) => xid > 0);
    return {
      seed: this.#options.seed,
      virtualMs: this.schedule.nowMs,
      events: this.#events,
      calls: calls.length,
      acknowledged: calls.filter(({ answer }) => answer !== null).length,
      elections: this.#elections,
      faults: this.#faults.counts,
    };
  }

  /** Lets time pass until something holds. @returns whether it came to hold in time. */
  async #until(holds: () => boolean, withinMs: number): Promise<boolean> {
    const untilMs = this.schedule.nowMs + withinMs;
    // What was begun outside of an event has its turn first.
    await new Promise(setImmediate);
    while (!holds()) {
      if (!this.schedule.step(untilMs)) return false;
      if (++this.#events > eventsMax) throw new Error(`${eventsMax} events, and no end of it`);
      await new Promise(setImmediate);
      this.#watchLeaders();
      for (const member of this.members) member.showLog(this.#log);
    }
    return true;
  }

  async #pass(ms: number): Promise<void> {
    const endMs = this.schedule.nowMs + ms;
    await this.#until(() => false, ms);
    this.schedule.nowMs = endMs;
  }

  async #setUp(): Promise<void> {
    if (!(await this.#until(() => this.members.every(({ isServing }) => isServing), 60_000))) {
      throw new Error("the members did not come up");
    }
    const [client] = this.clients;
    await this.#attached(client!);
    for (const path of registers) client!.ask(create(path));
    if (!(await this.#until(() => client!.waitingCount === 0, 10_000))) throw new Error("nothing is answered");
  }

  async #attached(client: SimClient): Promise<void> {
    const knock = (): void => {
      client.connect();
      this.schedule.after(200, knock);
    };
    knock();
    if (!(await this.#until(() => client.isAttached, 60_000))) throw new Error("no member lets a client in");
  }

  async #trouble(): Promise<void> {
    const { dice } = this.#faults;
    const rounds = 5 + dice.below(30);
    for (let round = 0; round < rounds; round++) {
      await this.#pass(dice.skewed(this.#stepMsMax));
      for (const client of this.clients) this.#workload.give(client);
      if (dice.oneIn(2)) continue;
      // In the middle of what was just asked for, more often than not.
      if (dice.below(3) > 0) await this.#pass(dice.skewed(60));
      this.#faults.befall();
    }
  }

  async #heal(): Promise<void> {
    this.network.heal();
    for (const member of this.members) member.mendDisk();
    // Who met its disk's fault only a moment ago may still be about to end itself.
    const areAllServing = (): boolean => {
      for (const member of this.members) if (!member.isUp) member.start();
      return this.members.every(({ isServing }) => isServing);
    };
    if (!(await this.#until(areAllServing, 120_000))) {
      const states = this.members.map(({ sid, server }) => `${sid} ${server?.peer?.state ?? "down"}`);
      throw new Error(`no service after everything was mended: ${states.join(", ")}`);
    }
    for (const client of this.clients) await this.#attached(client);
    for (const client of this.clients) client.ask({ op: "setData", path: "/r0", data: "the end", version: -1 });
    const isQuiet = (): boolean => this.clients.every(({ waitingCount }) => waitingCount === 0);
    if (!(await this.#until(isQuiet, 60_000))) throw new Error("requests are not answered after everything was mended");
    for (const client of this.clients) client.stop();
    const isAtOne = (): boolean => areAllServing() && new Set(this.members.map(stateOf)).size === 1;
    const hasNoSessions = (): boolean =>
      this.members.every(({ server }) => server?.serving?.database.sessions.size === 0);
    if (!(await this.#until(() => isAtOne() && hasNoSessions(), 60_000))) {
      const left = this.members.map(({ server }) => server?.serving?.database.sessions.size ?? "down");
      throw new Error(`the members differ: ${this.members.map(stateOf).join(", ")}; sessions ${left.join(", ")}`);
    }
  }

  #judge(): void {
    const trees = this.members.map(({ server }) => server!.serving!.database.tree);
    const dumps = trees.map((tree) => JSON.stringify(withoutConfig(dumpTree(tree))));
    if (new Set(dumps).size !== 1) throw new Error(`trees differ:\n${dumps.join("\n")}`);
    const conversations = this.clients.flatMap((client) => client.conversations);
    // A follower that is cut off serves reads until it notices, and its leader hears of no session meanwhile.
    const slackMs = (syncLimit + 1) * tickMs + 2 * this.network.options.delayMsMax;
    const model = checkHistory(this.#log.inOrder(), conversations, slackMs);
    for (const { sid, server } of this.members) {
      const count = server!.metrics.digestMismatchesCount.value;
      if (count > 0) throw new Error(`member ${sid} has seen ${count} digests that were not its own`);
      const { tree, sessions } = server!.serving!.database;
      const digest = BigInt.asUintN(64, longOf(tree.digest.high, tree.digest.low));
      if (digest !== model.tree.digest()) throw new Error(`member ${sid} has another tree than its log makes`);
      if (sessions.size !== model.sessions.size) throw new Error(`member ${sid} knows ${sessions.size} sessions`);
    }
  }

  #watchLeaders(): void {
    for (const { sid, server } of this.members) {
      const leading = server?.peer?.leading;
      if (leading?.isServing !== true) continue;
      const epoch = leading.epoch!;
      const known = this.#leaders.get(epoch);
      if (known === undefined) this.#elections++;
      else if (known !== sid) throw new Error(`members ${known} and ${sid} both lead epoch ${epoch}`);
      this.#leaders.set(epoch, sid);
    }
  }

  #takeLine(sid: number, level: string, message: string, facts: object): void {
    const { onLine } = this.#options;
    if (onLine === undefined) return;
    onLine(`${this.schedule.nowMs.toFixed(2)} ${sid} ${level} ${message} ${JSON.stringify(facts)}`);
  }
}

function configOf(voters: number, observers: number, dice: Dice): string {
  const members = Array.from({ length: voters + observers }, (_, i) => {
    return `server.${i + 1}=s${i + 1}:2888:3888:${i < voters ? "participant" : "observer"}`;
  });
  const lines = [
    `tickTime=${tickMs}`,
    "initLimit=20",
    `syncLimit=${syncLimit}`,
    `snapCount=${dice.pick([5, 20, 100])}`,
    `preAllocSize=${dice.pick([0, 4, 64])}`,
    "maxClientCnxns=0",
    `snapshotSizeFactor=${dice.pick(["0.33", "0", "-1"])}`,
    `forceSnapshotSync=${dice.oneIn(6)}`,
    ...members,
  ];
  return `${lines.join("\n")}\n`;
}

/** Each member writes the configuration for itself, by its own clock. */
function withoutConfig(dump: Record<string, string>): Record<string, string> {
  const { "/zookeeper/config": _, ...others } = dump;
  return others;
}
