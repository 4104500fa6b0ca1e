/**
 * Twenty-three things that happen in the life of an ensemble, each as a script in which nothing is left to chance. crash-points.ts
 * plays each of them again and again, and lets a member die at every one of its effects.
 */

import { cutOff } from "./scenes.ts";
import type { Shape, SimEnsemble } from "./sim-ensemble.ts";
import type { RecordingClient } from "../history/recording-client.ts";
import type { SimMember } from "./sim-member.ts";
import type { Request } from "../support/requests.ts";
import { changeTo, memberLine, type MemberPlace } from "./member-changes.ts";
import { create } from "./workload.ts";

export interface Script {
  readonly name: string;
  readonly observers?: number;
  readonly config?: Shape["config"];
  /** Nobody has ever run when it begins; else all members serve. */
  readonly isFresh?: boolean;
  /** How a member is brought up to date in it. */
  readonly sync?: "DIFF" | "TRUNC" | "SNAP";
  /** Whether the members change in it. */
  readonly isChange?: boolean;
  /** Whether another epoch begins in it, though nobody dies. */
  readonly isNewEpoch?: boolean;
  /** Brings the ensemble to where it begins, if that is elsewhere. */
  prepare?(ensemble: SimEnsemble): Promise<void>;
  /** Whose effects count from then on. */
  subject(ensemble: SimEnsemble): SimMember;
  /** Goes on whether the subject lives or has died on the way. */
  play(ensemble: SimEnsemble): Promise<void>;
}

/** What a step may take; nothing depends on its success. */
const stepMs = 4_000;

function leaderOf(ensemble: SimEnsemble): SimMember {
  const { leader } = ensemble;
  if (leader === null) throw new Error("nobody leads");
  return leader;
}

function followerOf(ensemble: SimEnsemble): SimMember {
  const leader = leaderOf(ensemble);
  return ensemble.members.find((member) => member !== leader && member.isServing)!;
}

async function serving(ensemble: SimEnsemble, ...members: readonly SimMember[]): Promise<void> {
  await ensemble.until(() => members.every(({ isServing }) => isServing), stepMs);
}

/** The first client writes through that member. */
async function write(ensemble: SimEnsemble, member: SimMember, count: number): Promise<void> {
  const client = await at(ensemble, member);
  for (let i = 0; i < count; i++) {
    client.ask({ op: "setData", path: "/r0", data: `${i}`, version: -1 });
    client.ask(create("/q-", i % 3 === 0 ? 3 : 2));
    client.ask({ op: "multi", parts: [create("/q-", 2), { op: "setData", path: "/r1", data: "m", version: -1 }] });
  }
  await ensemble.until(() => client.waitingCount === 0, stepMs);
}

async function at(ensemble: SimEnsemble, member: SimMember): Promise<RecordingClient> {
  const [client] = ensemble.clients;
  client!.drop();
  client!.connect(member.node.name);
  await ensemble.until(() => client!.isAttached, stepMs);
  return client!;
}

/** A leader logs what nobody else hears of, and dies; the others go on without it. @returns who has died. */
async function deposed(ensemble: SimEnsemble): Promise<SimMember> {
  const leader = leaderOf(ensemble);
  await at(ensemble, leader);
  cutOff(ensemble, leader);
  for (let i = 0; i < 3; i++) ensemble.clients[0]!.ask(create("/alone-", 2));
  await ensemble.pass(150);
  // Its machine goes too, and with it what the network still held; its disk keeps everything.
  leader.end(() => true, true);
  ensemble.clients[0]!.drop();
  ensemble.network.heal();
  const others = ensemble.members.filter((member) => member !== leader);
  await ensemble.until(() => ensemble.leader !== null && others.every(({ isServing }) => isServing), stepMs);
  return leader;
}

/** A follower stays away while others write; then all of them start anew, so that nothing is left in a leader's memory. */
async function leftBehind(ensemble: SimEnsemble): Promise<void> {
  const away = ensemble.member(1);
  away.crash(false);
  const others = ensemble.members.slice(1);
  await serving(ensemble, ...others);
  await write(ensemble, ensemble.member(2), 4);
  for (const member of others) member.crash(false);
  for (const member of others) member.start();
  await serving(ensemble, ...others);
}

async function startFirst(ensemble: SimEnsemble): Promise<void> {
  ensemble.member(1).start();
  await serving(ensemble, ensemble.member(1));
  await write(ensemble, ensemble.member(2), 1);
}

async function writeAnywhere(ensemble: SimEnsemble): Promise<void> {
  const serves = ensemble.members.find(({ isServing }) => isServing);
  // A change that the dead one has to agree to leaves nobody until it is back.
  if (serves !== undefined) await write(ensemble, serves, 4);
}

/** Whoever is down starts. */
async function startAll(ensemble: SimEnsemble): Promise<void> {
  for (const member of ensemble.members) if (!member.isUp) member.start();
  await serving(ensemble, ...ensemble.members);
}

/** The first client changes the members, through that one, and all that run come to serve again. */
async function change(ensemble: SimEnsemble, via: SimMember, request: Request): Promise<void> {
  const client = await at(ensemble, via);
  client.ask(request);
  for (let i = 0; i < 3; i++) client.ask(create("/q-", 2));
  await ensemble.until(() => client.waitingCount === 0, stepMs);
  await ensemble.pass(300);
  await serving(ensemble, ...ensemble.members.filter(({ isUp }) => isUp));
  await writeAnywhere(ensemble);
}

/** All members as they are, but for one. */
function allBut(ensemble: SimEnsemble, one: SimMember, place: MemberPlace): MemberPlace[] {
  return ensemble.members.map((member) => (member === one ? place : {}));
}

/** The leader becomes an observer, as a client of that member asks for. */
async function demote(ensemble: SimEnsemble, via: SimMember): Promise<void> {
  await change(ensemble, via, changeTo(allBut(ensemble, leaderOf(ensemble), { isObserver: true })));
}

async function remove(ensemble: SimEnsemble, { sid }: SimMember, via: SimMember): Promise<void> {
  await change(ensemble, via, { op: "reconfig", leaving: String(sid) });
}

/** A voter and an observer change places, the other voters move their client ports, in one incremental change. */
async function exchange(ensemble: SimEnsemble): Promise<void> {
  const [one, two, three, four] = [{ isObserver: true }, { clientPort: 2182 }, { clientPort: 2182 }, {}];
  const joining = [one, two, three, four].map((place, i) => memberLine(i + 1, place)).join();
  await change(ensemble, ensemble.member(2), { op: "reconfig", joining, leaving: "4" });
}

/** A server that was no member, and has nothing, is told of the members, and becomes a voter. */
async function join(ensemble: SimEnsemble): Promise<void> {
  const { membersText } = leaderOf(ensemble);
  const joiner = ensemble.member(4);
  joiner.introduce(membersText);
  joiner.start();
  await serving(ensemble, joiner);
  await change(ensemble, ensemble.member(1), { op: "reconfig", joining: memberLine(4) });
}

/** The observer is a member no more, and its machine is gone. */
async function withoutFourth(ensemble: SimEnsemble): Promise<void> {
  await change(ensemble, ensemble.member(1), { op: "reconfig", leaving: "4" });
  ensemble.member(4).crash(false);
  ensemble.member(4).wipe();
}

/** The zxids of the epoch are used up in the middle of writes; the next one begins. */
async function rollOver(ensemble: SimEnsemble): Promise<void> {
  const { elections } = ensemble;
  await write(ensemble, followerOf(ensemble), 10);
  await ensemble.until(() => ensemble.elections > elections, stepMs);
  await serving(ensemble, ...ensemble.members.filter(({ isUp }) => isUp));
  await writeAnywhere(ensemble);
}

/** Some thirty transactions, and the numbers are nearly used up. */
const nearlyUsedUp = { "testingonly.initialZxid": 0xfffffffe - 2 ** 24 - 30 };
const changing = { reconfigEnabled: true, skipACL: "yes" };

const first = (ensemble: SimEnsemble): SimMember => ensemble.member(1);
const down = (ensemble: SimEnsemble): SimMember => ensemble.members.find(({ isUp }) => !isUp)!;

export const scripts: readonly Script[] = [
  {
    name: "the first start of all",
    isFresh: true,
    subject: first,
    play: startAll,
  },
  {
    name: "writes, at the leader",
    subject: leaderOf,
    play: writeAnywhere,
  },
  {
    name: "writes, at a follower",
    config: { snapCount: 5 },
    subject: followerOf,
    play: writeAnywhere,
  },
  {
    name: "DIFF from memory",
    sync: "DIFF",
    prepare: async (ensemble) => {
      ensemble.member(1).crash(false);
      await serving(ensemble, ...ensemble.members.slice(1));
      await write(ensemble, ensemble.member(2), 3);
    },
    subject: first,
    play: startFirst,
  },
  {
    name: "DIFF from the log",
    sync: "DIFF",
    config: { snapCount: 5, snapshotSizeFactor: 0 },
    prepare: leftBehind,
    subject: first,
    play: startFirst,
  },
  {
    name: "SNAP",
    sync: "SNAP",
    config: { snapCount: 5, snapshotSizeFactor: -1 },
    prepare: leftBehind,
    subject: first,
    play: startFirst,
  },
  {
    name: "SNAP, at the leader",
    sync: "SNAP",
    config: { snapCount: 5, snapshotSizeFactor: -1 },
    prepare: leftBehind,
    subject: leaderOf,
    play: startFirst,
  },
  {
    name: "SNAP over a history that reaches further",
    sync: "SNAP",
    prepare: async (ensemble) => {
      const old = leaderOf(ensemble);
      old.crash(false);
      old.start();
      await ensemble.until(
        () => ensemble.leader !== null && ensemble.members.every(({ isServing }) => isServing),
        stepMs,
      );
      await deposed(ensemble);
    },
    subject: down,
    play: startAll,
  },
  {
    name: "TRUNC",
    sync: "TRUNC",
    prepare: async (ensemble) => void (await deposed(ensemble)),
    subject: down,
    play: startAll,
  },
  {
    name: "an observer comes, and is told",
    observers: 1,
    prepare: async (ensemble) => {
      ensemble.member(4).crash(false);
      await write(ensemble, ensemble.member(2), 2);
    },
    subject: (ensemble) => ensemble.member(4),
    play: async (ensemble) => {
      ensemble.member(4).start();
      await serving(ensemble, ensemble.member(4));
      await write(ensemble, ensemble.member(2), 2);
    },
  },
  {
    name: "all start again",
    prepare: async (ensemble) => {
      await write(ensemble, ensemble.member(1), 3);
      for (const member of ensemble.members) member.crash(true);
      await ensemble.pass(10);
    },
    subject: (ensemble) => ensemble.member(2),
    play: startAll,
  },
  {
    name: "a leader steps down, and comes back",
    prepare: async (ensemble) => {
      await at(ensemble, leaderOf(ensemble));
    },
    subject: leaderOf,
    play: async (ensemble) => {
      const leader = ensemble.leader;
      if (leader === null) return;
      cutOff(ensemble, leader);
      for (let i = 0; i < 3; i++) ensemble.clients[0]!.ask(create("/alone-", 2));
      await serving(ensemble, ...ensemble.members.filter((member) => member !== leader));
      await ensemble.pass(1_000);
      ensemble.network.heal();
      await serving(ensemble, ...ensemble.members.filter(({ isUp }) => isUp));
    },
  },
  {
    name: "a leader becomes an observer, and another leads",
    config: changing,
    isChange: true,
    subject: leaderOf,
    play: (ensemble) => demote(ensemble, followerOf(ensemble)),
  },
  {
    name: "a follower is made the leader by a change",
    config: changing,
    isChange: true,
    subject: followerOf,
    play: (ensemble) => demote(ensemble, leaderOf(ensemble)),
  },
  {
    name: "an observer becomes a voter, in another place",
    observers: 1,
    config: changing,
    isChange: true,
    subject: (ensemble) => ensemble.member(4),
    play: async (ensemble) => {
      await change(ensemble, ensemble.member(1), changeTo([{}, {}, {}, { electionPort: 3889 }]));
    },
  },
  {
    name: "a leader moves, and others lead meanwhile",
    config: changing,
    isChange: true,
    subject: leaderOf,
    play: async (ensemble) => {
      const leader = leaderOf(ensemble);
      const place = { quorumPort: 2889, electionPort: 3889 };
      await change(ensemble, followerOf(ensemble), changeTo(allBut(ensemble, leader, place)));
    },
  },
  {
    name: "a member is removed",
    config: changing,
    isChange: true,
    subject: followerOf,
    play: (ensemble) => remove(ensemble, followerOf(ensemble), leaderOf(ensemble)),
  },
  {
    name: "a leader is removed",
    config: changing,
    isChange: true,
    subject: leaderOf,
    play: (ensemble) => remove(ensemble, leaderOf(ensemble), followerOf(ensemble)),
  },
  {
    name: "a new server joins",
    observers: 1,
    config: changing,
    isChange: true,
    prepare: withoutFourth,
    subject: (ensemble) => ensemble.member(4),
    play: join,
  },
  {
    name: "a new server joins, at the leader",
    observers: 1,
    config: changing,
    isChange: true,
    prepare: withoutFourth,
    subject: leaderOf,
    play: join,
  },
  {
    name: "members change places, and move their client ports",
    observers: 1,
    config: changing,
    isChange: true,
    subject: followerOf,
    play: exchange,
  },
  {
    name: "the zxids of an epoch are used up, at the leader",
    config: nearlyUsedUp,
    isNewEpoch: true,
    subject: leaderOf,
    play: rollOver,
  },
  {
    name: "the zxids of an epoch are used up, at a follower",
    config: nearlyUsedUp,
    isNewEpoch: true,
    subject: followerOf,
    play: rollOver,
  },
];
