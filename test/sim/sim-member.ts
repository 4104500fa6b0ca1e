/**
 * A member of an ensemble on a machine of the simulator: the server as it is, with a host whose clock, disk and network are the
 * run's. It can die at any moment, with or without its machine, and start again from what its disk kept.
 */

import { SeededRandom } from "#base/prng.ts";
import { loadConfig, type ServerConfig } from "#config/server-config.ts";
import type { Logger } from "#host/logger.ts";
import type { Timers } from "#host/timers.ts";
import { longOf } from "#base/zxid.ts";
import type { Database } from "#server/database.ts";
import { EnsembleMember } from "#server/ensemble-member.ts";
import { type CallVerdict, MemoryDisk, type PendingChange } from "../support/memory-disk.ts";
import type { CommittedLog } from "./committed-log.ts";
import { hostOf, memberLine } from "./member-changes.ts";
import type { Settings } from "./modes.ts";
import type { Dice, Schedule, ScheduledEvent } from "./schedule.ts";
import { SimDisk } from "./sim-disk.ts";
import { placeText, type SimNetwork, type SimNode } from "./sim-network.ts";

export interface MemberOptions {
  readonly sid: number;
  /** Where other members find it. */
  readonly hosts: readonly string[];
  /** Lines of zoo.cfg that all members share: `server.N`, limits. */
  readonly zooCfg: string;
  readonly diskMsMax: number;
  readonly treeSliceBytes: number;
  /** As -D words set them, by their names. */
  readonly properties: Readonly<Record<string, string>>;
}

const confFolder = "/conf";
const clientPorts = [2181, 2182] as const;
const zooCfgPath = `${confFolder}/zoo.cfg`;
/** What the wall clock says when a run begins. */
const wallMsAtStart = 1_700_000_000_000;

const changingCalls: ReadonlySet<string> = new Set(["write", "datasync", "rename", "remove", "truncate", "syncFolder"]);

/** What a run hears of what a member logs. */
export type LineTaker = (sid: number, level: string, message: string, facts: object) => void;

export class SimMember {
  readonly sid: number;
  readonly node: SimNode;
  server: EnsembleMember | null = null;
  /** The exit code with which the server ended itself, until it is started again. */
  exitCode: number | null = null;
  /** Whether an operator has given it other members than it knew. */
  isIntroduced = false;
  /** How far its wall clock is off. */
  wallOffsetMs = 0;
  #memory: MemoryDisk;
  readonly #options: MemberOptions;
  #properties: MemberOptions["properties"];
  readonly #schedule: Schedule;
  readonly #dice: Dice;
  readonly #takeLine: LineTaker;
  #starts = 0;
  /** What was shown last. */
  #shown: object | null = null;
  #shownHigh = 0;
  #shownLow = 0;
  #shownZxid = -1n;

  constructor(parts: {
    options: MemberOptions;
    schedule: Schedule;
    network: SimNetwork;
    dice: Dice;
    takeLine: LineTaker;
  }) {
    this.#options = parts.options;
    this.#properties = parts.options.properties;
    this.#schedule = parts.schedule;
    this.#dice = parts.dice;
    this.#takeLine = parts.takeLine;
    const { sid, hosts } = parts.options;
    this.sid = sid;
    this.node = parts.network.node(hostOf(sid), hosts);
    this.#memory = new MemoryDisk(true);
    this.#memory.put(zooCfgPath, Buffer.from(this.#zooCfgAtFirst()));
  }

  get isUp(): boolean {
    return this.server !== null;
  }

  /** Whether it serves as a member that has a leader, or is one. */
  get isServing(): boolean {
    return this.server?.serving?.isReadOnly === false || this.server?.peer?.leading?.isServing === true;
  }

  /** Of a member that serves, be it learners alone (`leaderServes=no`). */
  get database(): Database {
    return this.server!.replica!.database;
  }

  /** Where it lets clients in; a change of the members may have moved it. */
  get clientPort(): number {
    const { listeners, name } = this.node;
    return clientPorts.find((port) => listeners.has(placeText(name, port))) ?? clientPorts[0];
  }

  get disk(): MemoryDisk {
    return this.#memory;
  }

  /** Adds what it has in memory, committed or not. */
  showProposals(log: CommittedLog): void {
    const window = this.server?.replica?.window;
    if (window !== undefined) log.propose(window);
  }

  /** Adds what it has applied since the last time to what everybody has. */
  showLog(log: CommittedLog): void {
    const { server } = this;
    // Without a leader nobody knows how much of what it has is committed.
    if (server === null || !this.isServing) return;
    const role = server.serving ?? server.peer!.leading;
    const { lastZxidHigh, lastZxidLow } = this.database.tree;
    if (role !== this.#shown) {
      this.#shown = role;
      this.#shownZxid = -1n;
    } else if (lastZxidHigh === this.#shownHigh && lastZxidLow === this.#shownLow) return;
    this.#shownHigh = lastZxidHigh;
    this.#shownLow = lastZxidLow;
    const lastZxid = longOf(lastZxidHigh, lastZxidLow);
    log.note(server.replica!.window, { lastZxid, sinceZxid: this.#shownZxid }, this.#schedule.nowMs);
    this.#shownZxid = lastZxid;
  }

  /** Starts the server from what the disk has. */
  start(): void {
    this.node.boot();
    this.exitCode = null;
    this.#starts++;
    const { life } = this.node;
    const isAlive = (): boolean => this.node.life === life;
    const schedule = this.#schedule;
    const timers = timersOf(schedule, this.node, life);
    const disk = new SimDisk(this.#memory, {
      dice: this.#dice,
      delayMsMax: this.#options.diskMsMax,
      later: (delayMs, action) => void this.node.later(schedule, delayMs, action, life),
    });
    if (!this.membersText.includes(`server.${this.sid}=`)) this.introduce(this.membersText);
    const config = this.#config();
    const server = new EnsembleMember({
      config,
      ensemble: config.ensemble!,
      host: {
        clock: {
          monotonicMs: () => schedule.nowMs,
          wallMs: () => Math.floor(wallMsAtStart + schedule.nowMs + this.wallOffsetMs),
        },
        timers,
        threads: null,
        disk,
        wire: this.node.wire,
        logger: this.#logger(isAlive),
        random: new SeededRandom(this.sid * 1000 + this.#starts),
        hashSeed: this.sid,
        treeSliceBytes: this.#options.treeSliceBytes,
      },
      exit: (code) => {
        if (!isAlive()) return;
        this.exitCode = code;
        this.crash(false);
      },
      answerWord: () => false,
    });
    this.server = server;
    server.start().catch((error: unknown) => {
      if (!isAlive()) return;
      this.#takeLine(this.sid, "error", `could not start: ${String(error)}`, {});
      this.exitCode = 1;
      this.crash(false);
    });
  }

  /**
   * The server dies. `isPowerLost`: its machine too, and the disk loses what was not synced, or some of it; else the system
   * has what was written.
   */
  crash(isPowerLost: boolean): void {
    this.end(isPowerLost ? () => this.#dice.oneIn(2) : () => true, isPowerLost && this.#dice.oneIn(2));
  }

  /** The same; `keep` says what the disk keeps of what was not synced, `isSilent` whether its peers are told nothing. */
  end(keep: (change: PendingChange) => boolean, isSilent: boolean): void {
    this.server = null;
    this.node.beforeSend = () => {};
    this.node.crash(isSilent);
    // The memory of the old life may still be written to by nobody: its calls never happen.
    this.#memory = this.#memory.crash(keep);
  }

  /** Calls back before each of its effects on the world: a call that changes the disk, bytes that are sent. */
  watchEffects(before: (kind: "disk" | "send") => CallVerdict): void {
    this.#memory.onCall = (action) => (changingCalls.has(action) ? before("disk") : "ok");
    this.node.beforeSend = () => void before("send");
  }

  /** From now on one call in so many that would change the disk fails; the server is to end itself at the first. */
  breakDisk(oneIn: number): void {
    this.#memory.onCall = (action) => {
      return changingCalls.has(action) && this.#dice.oneIn(oneIn) ? { code: this.#dice.pick(["EIO", "ENOSPC"]) } : "ok";
    };
  }

  mendDisk(): void {
    this.#memory.onCall = () => "ok";
  }

  /** The process stands still for so long, as under SIGSTOP or a hypervisor's whim. */
  pause(ms: number): void {
    this.node.frozenUntilMs = this.#schedule.nowMs + ms;
  }

  /** What its files say of the members: as committed, sorted, and which file does; as seen last, while there is a file of that. */
  get keptConfig(): {
    readonly committed: { readonly file: string; readonly text: string };
    readonly next: string | null;
  } {
    const memory = this.#memory;
    const [, file = zooCfgPath] = /^dynamicConfigFile=(.*)$/m.exec(memory.get(zooCfgPath).toString()) ?? [];
    const lines = memory.get(file).toString().split("\n");
    const text = lines.filter(isOfMembers).sort().join("\n");
    const hasNext = memory.names(confFolder).includes("zoo.cfg.dynamic.next");
    return { committed: { file, text }, next: hasNext ? memory.get(`${zooCfgPath}.dynamic.next`).toString() : null };
  }

  /** The members that its files say are in force. */
  get membersText(): string {
    return this.keptConfig.committed.text;
  }

  /**
   * What an operator does with a server that is no member any more, or knows none of them: its zoo.cfg names those that are, and itself
   * as an observer.
   */
  introduce(membersText: string): void {
    this.isIntroduced = true;
    const settings = this.#memory
      .get(zooCfgPath)
      .toString()
      .split("\n")
      .filter((line) => !isOfMembers(line) && !/^(clientPort|dynamicConfigFile)/.test(line));
    const isNamed = membersText.includes(`server.${this.sid}=`);
    const { sid, hosts } = this.#options;
    const itself = isNamed ? [] : [memberLine(sid, { hosts, isObserver: true })];
    this.#memory.put(zooCfgPath, Buffer.from([...settings, membersText, ...itself].join("\n")));
    for (const name of this.#memory.names(confFolder)) {
      if (name !== "zoo.cfg") this.#memory.drop(`${confFolder}/${name}`);
    }
  }

  /** Its operator sets something else; it counts from the next start on. */
  set({ lines = {}, properties = {} }: Settings): void {
    this.#properties = { ...this.#properties, ...properties };
    const kept = this.#memory
      .get(zooCfgPath)
      .toString()
      .split("\n")
      .filter((line) => !(keyIn(line) in lines));
    const set = Object.entries(lines).map(([key, value]) => `${key}=${value}`);
    this.#memory.put(zooCfgPath, Buffer.from([...set, ...kept].join("\n")));
  }

  /** Loses everything that its disk had, but for its configuration. */
  wipe(): void {
    const before = this.#memory;
    this.#memory = new MemoryDisk(true);
    for (const name of before.names(confFolder)) {
      this.#memory.put(`${confFolder}/${name}`, before.get(`${confFolder}/${name}`));
    }
  }

  #zooCfgAtFirst(): string {
    const { sid, zooCfg } = this.#options;
    return `dataDir=/data\nclientPort=2181\nclientPortAddress=${hostOf(sid)}\n${zooCfg}`;
  }

  #config(): ServerConfig {
    const memory = this.#memory;
    const { config } = loadConfig({
      text: memory.get(zooCfgPath),
      file: zooCfgPath,
      systemProperties: new Map(Object.entries(this.#properties)),
      readMyid: () => String(this.sid),
      readDynamicFile: (path) => {
        return memory.names(confFolder).includes(path.slice(confFolder.length + 1)) ? memory.get(path) : null;
      },
    });
    return config;
  }

  #logger(isAlive: () => boolean): Logger {
    const take =
      (level: string) =>
      (facts: object, message: string): void => {
        if (isAlive()) this.#takeLine(this.sid, level, message, facts);
      };
    return { debug: () => {}, info: take("info"), warn: take("warn"), error: take("error") };
  }
}

function keyIn(line: string): string {
  return line.slice(0, line.indexOf("="));
}

function isOfMembers(line: string): boolean {
  return /^(server|group|weight)\./.test(line);
}

function timersOf(schedule: Schedule, node: SimNode, life: number): Timers {
  const later = (delayMs: number, action: () => void): ScheduledEvent => node.later(schedule, delayMs, action, life);
  return {
    after: (delayMs, action) => {
      const event = later(delayMs, action);
      return { cancel: () => (event.isCancelled = true) };
    },
    every: (periodMs, action) => {
      let event = later(periodMs, tick);
      function tick(): void {
        event = later(periodMs, tick);
        action();
      }
      return { cancel: () => (event.isCancelled = true) };
    },
    atTurnEnd: (action) => void later(0, action),
  };
}
