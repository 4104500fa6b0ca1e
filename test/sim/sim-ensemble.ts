/**
 * An ensemble with clients in virtual time, and what every run of it does:
 *
 *   setUp    members start, a client connects, a few znodes are made
 *   (...)    whatever the run is about
 *   heal     everything is mended; all members serve, and every client is answered
 *   judge    the history and the trees (checks.ts)
 *
 * All along it is watched that no epoch has two leaders, and that all members show one log.
 *
 * Between two events the members' promises have their turn; nothing else runs.
 */

import { longOf } from "#base/zxid.ts";
import { checkHistory, checkRefusals, ofTheEnsemble } from "../history/checks.ts";
import type { Call } from "../history/conversation.ts";
import { type ClientHost, RecordingClient, type ServerPlace } from "../history/recording-client.ts";
import { dumpTree } from "../support/tree-dump.ts";
import { CommittedLog } from "./committed-log.ts";
import { ConfigWatch } from "./config-watch.ts";
import { stateOf } from "./faults.ts";
import { hostsOf, memberLine } from "./member-changes.ts";
import { localSessions, type Mode, observerMasters } from "./modes.ts";
import { Dice, Schedule } from "./schedule.ts";
import { SimMember } from "./sim-member.ts";
import { SimNetwork } from "./sim-network.ts";
import { create, registers } from "./workload.ts";

/** What an ensemble is like. */
export interface Shape {
  readonly seed: number;
  readonly voters: number;
  readonly observers: number;
  /** `group.G` and `weight.N` lines; none where majorities decide. */
  readonly quorumLines?: readonly string[];
  /** Whether members find each other in two networks. */
  readonly haveTwoAddresses?: boolean;
  readonly clients: number;
  /** Longest usual delays of the network and of the disks. */
  readonly networkMsMax: number;
  readonly diskMsMax: number;
  /** Connections take little, and trees are sent in small slices, so that they change meanwhile. */
  readonly isNarrow?: boolean;
  /** Lines of zoo.cfg that differ from run to run. */
  readonly config: Readonly<Record<string, string | number | boolean>>;
  readonly properties?: Readonly<Record<string, string>>;
  /** What is set otherwise at some members while it runs. */
  readonly changingModes?: readonly Mode[];
  /** Told every line that a member logs, and what befalls them. */
  readonly onLine?: (line: string) => void;
}

/** What connections take before their writers have to wait, and in which slices trees are sent over them. */
const wide = { windowBytes: 64 * 1024, bytesWeight: 1, treeSliceBytes: 64 * 1024 } as const;
const narrow = { windowBytes: 200, bytesWeight: 1024, treeSliceBytes: 200 } as const;

const times = { sessionTimeoutMs: 4_000, requestTimeoutMs: 3_000, pingMs: 1_000 } as const;
const tickMs = 200;
/** In ticks. */
const syncLimit = 10;
/** Runs take thousands; one that takes a hundred times as many turns in a circle. */
const eventsMax = 500_000;

export class SimEnsemble {
  readonly schedule: Schedule;
  readonly network: SimNetwork;
  readonly members: SimMember[] = [];
  readonly clients: RecordingClient[] = [];
  /** Told of every leader that begins to serve. */
  onLeader: (member: SimMember) => void = () => {};
  /** Told when a leader begins to bring a learner up to date, and by what: DIFF, TRUNC or SNAP. */
  onSync: (mode: string, leader: SimMember, learner: SimMember) => void = () => {};
  /** Events so far. */
  events = 0;
  /** Leaders that have served. */
  elections = 0;
  /** Changes of the members that a leader has committed. */
  reconfigs = 0;
  /** How often a learner was brought up to date in each way. */
  readonly syncs: Map<string, number> = new Map();
  readonly #onLine: ((line: string) => void) | undefined;
  readonly #leaders = new Map<bigint, number>();
  readonly #log: CommittedLog;
  /** What the counter of an epoch begins behind. */
  readonly #firstCounter: bigint;
  readonly #areSessionsLocal: boolean;
  readonly #configs: ConfigWatch;
  /** How many connections there may be between a member and the leader. */
  readonly #hops: number;

  constructor(shape: Shape) {
    const { changingModes = [] } = shape;
    this.#areSessionsLocal = shape.config["localSessionsEnabled"] === true || changingModes.includes(localSessions);
    const membersText = membersOf(shape);
    this.#configs = new ConfigWatch(membersText, shape.config["reconfigEnabled"] === true);
    const mayFollowersServe =
      shape.config["observerMasterPort"] !== undefined || changingModes.includes(observerMasters);
    this.#hops = mayFollowersServe ? 2 : 1;
    const { seed, voters, observers } = shape;
    const { windowBytes, bytesWeight, treeSliceBytes } = shape.isNarrow === true ? narrow : wide;
    this.#onLine = shape.onLine;
    this.#firstCounter = BigInt(shape.config["testingonly.initialZxid"] ?? 0);
    this.#log = new CommittedLog(this.#firstCounter);
    this.schedule = new Schedule(seed);
    this.network = new SimNetwork(this.schedule, new Dice(seed, "network"), {
      delayMsMax: shape.networkMsMax,
      splitOneIn: 4,
      windowBytes,
      bytesWeight,
    });
    const zooCfg = configOf(shape, membersText);
    for (let sid = 1; sid <= voters + observers; sid++) {
      this.members.push(
        new SimMember({
          options: {
            sid,
            hosts: hostsOf(sid, shape.haveTwoAddresses),
            zooCfg,
            diskMsMax: shape.diskMsMax,
            treeSliceBytes,
            properties: shape.properties ?? {},
          },
          schedule: this.schedule,
          network: this.network,
          dice: new Dice(seed, `disk ${sid}`),
          takeLine: (from, level, message, facts) => this.#takeLine(from, level, message, facts),
        }),
      );
    }
    for (let number = 0; number < shape.clients; number++) {
      this.clients.push(
        new RecordingClient({
          number,
          host: this.#clientHost(number, new Dice(seed, `client ${number}`)),
          servers: this.members.map(placeOf),
          times,
          // Woken up, it answers first and asks for its leader later.
          wasOutOfTouch: (server, atMs) => this.network.node(server).frozenUntilMs + this.#unawareMs > atMs,
        }),
      );
    }
  }

  /** All that was asked for and answered by a word of its own. */
  get calls(): Call[] {
    const conversations = this.clients.flatMap((client) => client.conversations);
    return conversations.flatMap(({ calls }) => calls).filter(({ xid }) => xid > 0);
  }

  #clientHost(number: number, dice: Dice): ClientHost {
    const { wire } = this.network.node(`c${number}`);
    const { schedule } = this;
    return {
      wire,
      nowMs: () => schedule.nowMs,
      after: (delayMs, action) => void schedule.after(delayMs, action),
      pick: (servers) => dice.pick(servers),
      broken: (error) => {
        throw error;
      },
    };
  }

  /**
   * How long a member that hears nothing from its leader goes on, and a leader that hears nothing from its quorum; an observer
   * may hear from a follower that does not hear from the leader.
   */
  get #unawareMs(): number {
    return this.#hops * ((syncLimit + 1) * tickMs + 2 * this.network.options.delayMsMax);
  }

  member(sid: number): SimMember {
    return this.members[sid - 1]!;
  }

  /** The member that leads and serves, if there is one. */
  get leader(): SimMember | null {
    return this.members.find(({ server }) => server?.peer?.leading?.isServing === true) ?? null;
  }

  /** Lets time pass until something holds. @returns whether it came to hold in time. */
  async until(holds: () => boolean, withinMs: number): Promise<boolean> {
    const untilMs = this.schedule.nowMs + withinMs;
    // What was begun outside of an event has its turn first.
    await new Promise(setImmediate);
    while (!holds()) {
      if (!this.schedule.step(untilMs)) return false;
      if (++this.events > eventsMax) throw new Error(`${eventsMax} events, and no end of it`);
      await new Promise(setImmediate);
      for (const member of this.members) {
        this.#configs.look(member);
        member.showProposals(this.#log);
      }
      this.#watchLeaders();
      for (const member of this.members) member.showLog(this.#log);
    }
    return true;
  }

  /** Lets so much time pass. */
  async pass(ms: number): Promise<void> {
    const endMs = this.schedule.nowMs + ms;
    await this.until(() => false, ms);
    this.schedule.nowMs = endMs;
  }

  /** All members start and serve; the registers are there. */
  async setUp(): Promise<void> {
    for (const member of this.members) member.start();
    if (!(await this.until(() => this.members.every(({ isServing }) => isServing), 60_000))) {
      throw new Error("the members did not come up");
    }
    const [client] = this.clients;
    await this.attached(client!);
    for (const path of registers) client!.ask(create(path));
    if (!(await this.until(() => client!.waitingCount === 0, 10_000))) throw new Error("nothing is answered");
  }

  #startDown(): void {
    for (const member of this.members) if (!member.isUp) member.start();
  }

  /** Waits until the client has a session with somebody; `meanwhile` is done at each of its attempts. */
  async attached(client: RecordingClient, meanwhile: () => void = () => {}): Promise<void> {
    const knock = (): void => {
      meanwhile();
      client.connect();
      this.schedule.after(200, knock);
    };
    knock();
    if (!(await this.until(() => client.isAttached, 60_000))) throw new Error("no member lets a client in");
  }

  /**
   * Mends everything and waits until all is well, and all clients and their sessions are gone.
   * @param lostAddresses what stays dark nevertheless: all has to be well without.
   */
  async heal(lostAddresses: readonly string[] = []): Promise<void> {
    this.network.heal();
    for (const address of lostAddresses) this.network.darken(address);
    for (const member of this.members) member.mendDisk();
    // Who met its disk's fault only a moment ago may still be about to end itself.
    const areAllServing = (): boolean => {
      this.#startDown();
      return this.members.every(({ isServing }) => isServing);
    };
    if (!(await this.until(areAllServing, 60_000))) this.#introduceLost();
    if (!(await this.until(areAllServing, 120_000))) {
      const states = this.members.map(({ sid, server }) => `${sid} ${server?.peer?.state ?? "down"}`);
      throw new Error(`no service after everything was mended: ${states.join(", ")}`);
    }
    // What was to befall somebody a moment later may still do so: it is mended as well.
    for (const client of this.clients) await this.attached(client, () => this.#startDown());
    for (const client of this.clients) client.ask({ op: "setData", path: "/r0", data: "the end", version: -1 });
    const isQuiet = (): boolean => this.clients.every(({ waitingCount }) => waitingCount === 0);
    if (!(await this.until(isQuiet, 60_000))) throw new Error("requests are not answered after everything was mended");
    for (const client of this.clients) client.stop();
    const isAtOne = (): boolean => areAllServing() && this.haveTheSame();
    const hasNoSessions = (): boolean =>
      this.members.every((member) => member.isServing && member.database.sessions.size === 0);
    if (!(await this.until(() => isAtOne() && hasNoSessions(), 60_000))) {
      const left = this.members.map((member) => (member.isServing ? member.database.sessions.size : "down"));
      throw new Error(`the members differ: ${this.members.map(stateOf).join(", ")}; sessions ${left.join(", ")}`);
    }
    // Files follow.
    await this.until(() => this.#configs.problem(this.#log.inOrder(), this.members) === null, 5_000);
  }

  /** Tells those that cannot find back who the members are. All others have to, or what has lost them would be hidden. */
  #introduceLost(): void {
    const { leader } = this;
    if (leader === null) return;
    const membersText = leader.server!.views.committed.text.replace(/\nversion=.*/, "");
    for (const member of this.members) {
      if (member.isServing || !isLost(member, membersText)) continue;
      member.crash(false);
      member.introduce(membersText);
      member.start();
    }
  }

  /** Whether all serve and have come equally far. In an epoch without a transaction some say where it begins, others where the last one ended. */
  haveTheSame(): boolean {
    if (!this.members.every(({ isServing }) => isServing)) return false;
    const trees = this.members.map(({ database }) => database.tree);
    const digests = new Set(trees.map(({ digest }) => longOf(digest.high, digest.low)));
    const zxids = trees.map(({ lastZxidHigh, lastZxidLow }) => longOf(lastZxidHigh, lastZxidLow));
    const ofTxns = new Set(zxids.filter((zxid) => (zxid & 0xffffffffn) !== this.#firstCounter));
    return digests.size === 1 && ofTxns.size <= 1;
  }

  /** @throws Error that says what should not have been. */
  judge(): void {
    const trees = this.members.map(({ database }) => database.tree);
    const dumps = trees.map((tree) => JSON.stringify(withoutConfig(dumpTree(tree))));
    if (new Set(dumps).size !== 1) throw new Error(`trees differ:\n${dumps.join("\n")}`);
    const conversations = this.clients.flatMap((client) => client.conversations);
    // A follower that is cut off serves reads until it notices, and its leader hears of no session meanwhile.
    const { sessionTimeoutMs } = times;
    const slackMsAt = (): number => this.#unawareMs + times.pingMs;
    const log = this.#log.inOrder();
    this.#configs.judge(log, this.members, this.calls);
    const model = checkHistory(log, conversations, {
      sessionTimeoutMs,
      slackMsAt,
      areSessionsLocal: this.#areSessionsLocal,
      areMembersChanged: false,
      isSyncFresh: () => true,
      referenceServers: new Set(),
      digestEvery: 1,
    });
    const refusals = this.clients.flatMap((client) => client.refusals);
    const kept = this.#areSessionsLocal ? ofTheEnsemble(refusals, log) : refusals;
    checkRefusals(kept, { sessionTimeoutMs, slackMsAt });
    for (const { sid, server, database } of this.members) {
      const count = server!.metrics.digestMismatchesCount.value;
      if (count > 0) throw new Error(`member ${sid} has seen ${count} digests that were not its own`);
      const { tree, sessions } = database;
      const digest = BigInt.asUintN(64, longOf(tree.digest.high, tree.digest.low));
      if (digest !== model.tree.digest()) throw new Error(`member ${sid} has another tree than its log makes`);
      if (sessions.size !== model.sessions.size) throw new Error(`member ${sid} knows ${sessions.size} sessions`);
    }
  }

  #watchLeaders(): void {
    for (const member of this.members) {
      const { sid, server } = member;
      const leading = server?.peer?.leading;
      if (leading?.isServing !== true) continue;
      const epoch = leading.epoch!;
      const known = this.#leaders.get(epoch);
      if (known === undefined) {
        this.elections++;
        this.#configs.leaderBegins(sid);
        this.#log.adopt(server!.peer!.lastZxid, this.schedule.nowMs);
        this.onLeader(member);
      } else if (known !== sid) throw new Error(`members ${known} and ${sid} both lead epoch ${epoch}`);
      this.#leaders.set(epoch, sid);
    }
  }

  #takeLine(sid: number, level: string, message: string, facts: object): void {
    const [, mode, learner] = /^Sending (DIFF|TRUNC|SNAP) to server (\d+)/.exec(message) ?? [];
    if (mode !== undefined) {
      this.syncs.set(mode, (this.syncs.get(mode) ?? 0) + 1);
      this.onSync(mode, this.member(sid), this.member(Number(learner)));
    }
    this.#configs.heard(sid, message, facts);
    const isLeader = this.member(sid).server?.peer?.leading?.isServing === true;
    if (message === "A configuration is committed" && isLeader) this.reconfigs++;
    this.#onLine?.(`${this.schedule.nowMs.toFixed(2)} ${sid} ${level} ${message} ${JSON.stringify(facts)}`);
  }
}

/** Clients know where each of them lets clients in now. */
function placeOf(member: SimMember): ServerPlace {
  const { name } = member.node;
  return {
    name,
    host: name,
    get port() {
      return member.clientPort;
    },
  };
}

/** As /zookeeper/config has it. */
function membersOf({ voters, observers, haveTwoAddresses, quorumLines = [] }: Shape): string {
  const lines = Array.from({ length: voters + observers }, (_, i) => {
    return memberLine(i + 1, { hosts: hostsOf(i + 1, haveTwoAddresses), isObserver: i >= voters });
  });
  return [...lines, ...quorumLines].join("\n");
}

function configOf({ config, haveTwoAddresses = false }: Shape, membersText: string): string {
  const lines = [
    `tickTime=${tickMs}`,
    "initLimit=20",
    `syncLimit=${syncLimit}`,
    "maxClientCnxns=0",
    ...(haveTwoAddresses ? ["multiAddress.enabled=true"] : []),
    ...Object.entries(config).map(([key, value]) => `${key}=${value}`),
    membersText,
  ];
  return `${lines.join("\n")}\n`;
}

/** Whether it is no member any more, or was away until nobody listened any longer where it knows others to. */
function isLost({ sid, keptConfig }: SimMember, membersText: string): boolean {
  const own = `server.${sid}=`;
  if (!membersText.includes(own)) return true;
  const places = new Set(membersText.split("\n").flatMap(electionPlacesIn));
  const known = `${keptConfig.committed.text}\n${keptConfig.next ?? ""}`.split("\n");
  const others = known.filter((line) => line.startsWith("server.") && !line.startsWith(own));
  return !others.flatMap(electionPlacesIn).some((place) => places.has(place));
}

/** server.1=HOST:2888:PORT|HOST:2888:PORT:participant;... */
function electionPlacesIn(line: string): string[] {
  return [...line.matchAll(/[=|](\w+):\d+:(\d+)/g)].map(([, host, port]) => `${host}:${port}`);
}

/** Each member writes the configuration for itself, by its own clock. */
function withoutConfig(dump: Record<string, string>): Record<string, string> {
  const { "/zookeeper/config": _, ...others } = dump;
  return others;
}
