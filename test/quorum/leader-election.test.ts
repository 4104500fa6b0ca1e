/**
 * Elections among servers that live in this file: a clock that jumps from event to event, links that delay, lose and split,
 * all of it from a seed. What must hold: whoever is elected has the newest history of some quorum, all agree on it, and it
 * happens at all.
 */

import { describe, expect, it } from "vitest";
import { SeededRandom } from "#base/prng.ts";
import { LeaderElection } from "#quorum/leader-election.ts";
import { parseMembership } from "#quorum/membership.ts";
import { decodeNotification, encodeNotification } from "#quorum/notification.ts";
import { QuorumVerifier, QuorumViews } from "#quorum/quorum-verifier.ts";
import { noVote, ServerState, type Vote } from "#quorum/vote.ts";

const options = { notificationIntervalMsMin: 200, notificationIntervalMsMax: 60_000 };

function views(text: string): QuorumViews {
  const lines = text.split("\n").map((line, index) => {
    const [key = "", value = ""] = line.split("=");
    return { key, value, line: index + 1 };
  });
  return new QuorumViews(
    new QuorumVerifier(parseMembership(lines, { file: "zoo.cfg", multiAddressEnabled: false }), 0n),
  );
}

function voters(count: number, observers = 0): QuorumViews {
  const members = Array.from({ length: count + observers }, (_, i) => {
    return `server.${i + 1}=h${i + 1}:1:2${i < count ? "" : ":observer"}`;
  });
  return views(members.join("\n"));
}

interface Message {
  readonly atMs: number;
  readonly tieBreak: number;
  readonly deliver: () => void;
}

/** How long a role lasts that turns out to be none. */
const roleTrialMs = 2_000;

/** A server that only elects. */
class Server {
  readonly town: Town;
  readonly sid: bigint;
  readonly election: LeaderElection;
  isUp = false;
  zxid: bigint;
  currentEpoch: bigint;
  readonly isParticipant: boolean;

  constructor(town: Town, history: { sid: bigint; zxid: bigint; currentEpoch: bigint }, own: QuorumViews) {
    const { sid } = history;
    this.town = town;
    this.sid = sid;
    this.zxid = history.zxid;
    this.currentEpoch = history.currentEpoch;
    this.isParticipant = own.committed.isVoter(sid);
    this.election = new LeaderElection({
      sid,
      views: own,
      options,
      output: {
        send: (to, vote) => town.send(this, to, vote),
        connectAll: () => undefined,
        hasDelivered: true,
        elected: () => undefined,
      },
    });
  }

  start(nowMs: number): void {
    this.isUp = true;
    this.election.introduce(this);
    this.election.look(this, nowMs);
    this.#watch();
  }

  /** A role without a quorum, or without a leader that leads, ends after a while. */
  #watch(): void {
    const { town } = this;
    town.at(town.nowMs + roleTrialMs, () => {
      const { leader } = this;
      if (leader !== null && !town.leaders().some(({ sid }) => sid === leader)) this.election.look(this, town.nowMs);
      this.#watch();
    });
  }

  get leader(): bigint | null {
    return this.isUp && this.election.state !== ServerState.looking ? this.election.currentVote.leader : null;
  }
}

class Town {
  readonly views: QuorumViews;
  readonly servers: Server[] = [];
  nowMs = 0;
  isCut: (from: bigint, to: bigint) => boolean = () => false;
  readonly #random: SeededRandom;
  readonly #delayMsMax: number;
  #messages: Message[] = [];
  /** What one server sends another arrives in order. */
  readonly #lastArrival = new Map<string, number>();

  constructor(townViews: QuorumViews, seed: number, delayMsMax = 50) {
    this.views = townViews;
    this.#random = new SeededRandom(seed);
    this.#delayMsMax = delayMsMax;
  }

  /** @param own the members as that server knows them. */
  add(sid: bigint, zxid: bigint, currentEpoch: bigint, own: QuorumViews = this.views): Server {
    const server = new Server(this, { sid, zxid, currentEpoch }, own);
    this.servers.push(server);
    return server;
  }

  random(below: number): number {
    return Math.floor(this.#random.next() * below);
  }

  send(from: Server, sid: bigint, vote: Vote): void {
    const to = this.servers.find((server) => server.sid === sid);
    if (to?.isUp !== true) {
      this.at(this.nowMs + 1 + this.random(this.#delayMsMax), () => {
        if (from.isUp && to?.isUp !== true && !this.isCut(from.sid, sid)) from.election.refused(sid);
      });
    }
    if (to === undefined) return;
    const bytes = encodeNotification(vote, this.views.committed.text);
    const link = `${from.sid} ${sid}`;
    const atMs = Math.max(this.nowMs + 1 + this.random(this.#delayMsMax), (this.#lastArrival.get(link) ?? 0) + 1);
    this.#lastArrival.set(link, atMs);
    this.at(atMs, () => {
      if (from.isUp && to.isUp && !this.isCut(from.sid, to.sid)) {
        to.election.receive(from.sid, decodeNotification(bytes), this.nowMs);
      }
    });
  }

  at(atMs: number, deliver: () => void): void {
    this.#messages.push({ atMs, tieBreak: this.#random.next(), deliver });
  }

  /** Runs until `isDone` or the time is over. @returns whether it was done. */
  run(isDone: () => boolean, untilMs: number): boolean {
    while (!isDone()) {
      const deadline = Math.min(...this.servers.map(({ isUp, election }) => (isUp ? election.deadlineMs : Infinity)));
      const message = this.#first();
      const nextMs = Math.min(deadline, message?.atMs ?? Infinity);
      if (nextMs > untilMs) return false;
      this.nowMs = nextMs;
      if (message !== null && message.atMs <= deadline) {
        this.#messages.splice(this.#messages.indexOf(message), 1);
        message.deliver();
      } else {
        for (const { isUp, election } of this.servers) if (isUp) election.expire(this.nowMs);
      }
    }
    return true;
  }

  #first(): Message | null {
    let first: Message | null = null;
    for (const message of this.#messages) {
      const order = first === null ? -1 : message.atMs - first.atMs || message.tieBreak - first.tieBreak;
      if (order < 0) first = message;
    }
    return first;
  }

  /** Whether a quorum follows one leader that leads. */
  isSettled(): boolean {
    return this.leaders().length > 0;
  }

  /** Whether all do. */
  isAtOne(): boolean {
    return this.isSettled() && new Set(this.servers.map(({ leader }) => leader)).size === 1;
  }

  leaders(): Server[] {
    return this.servers.filter((leader) => {
      const followers = (sid: bigint): boolean =>
        this.servers.find((server) => server.sid === sid)?.leader === leader.sid;
      return leader.leader === leader.sid && this.views.hasQuorums(followers);
    });
  }
}

function isNewer(a: Server, b: Server): boolean {
  return a.currentEpoch !== b.currentEpoch ? a.currentEpoch > b.currentEpoch : a.zxid > b.zxid;
}

/** Servers start in random order with random histories; checks that the newest of those that are up leads. */
function checkStart(seed: number, count: number): void {
  const town = new Town(voters(count), seed);
  for (let sid = 1n; sid <= BigInt(count); sid++) {
    const server = town.add(sid, BigInt(town.random(4)), BigInt(town.random(2)));
    town.at(town.random(1000), () => server.start(town.nowMs));
  }
  expect(
    town.run(() => town.isAtOne(), 60_000),
    `seed ${seed}: all settle`,
  ).toBe(true);
  const [leader] = town.leaders();
  const others = new Set(town.servers.filter((server) => !isNewer(server, leader!)).map(({ sid }) => sid));
  expect(
    town.views.hasQuorums((sid) => others.has(sid)),
    `seed ${seed}: a quorum has nothing newer`,
  ).toBe(true);
}

describe("FastLeaderElection", () => {
  it.each([3, 5, 7])("settles on the newest history of a quorum, %i servers in any order", (count) => {
    for (let seed = 1; seed <= 300; seed++) checkStart(seed, count);
  });

  it("elects nobody without a quorum", () => {
    const town = new Town(voters(5), 1);
    for (const sid of [1n, 2n]) town.add(sid, 5n, 1n).start(0);
    expect(town.run(() => town.servers.some(({ leader }) => leader !== null), 600_000)).toBe(false);
  });

  it("lets a server join the ensemble that it finds, whatever its own history", () => {
    const town = new Town(voters(3), 7);
    for (const sid of [1n, 2n]) town.add(sid, 5n, 1n).start(0);
    const settled = (): boolean => town.servers.every(({ leader }) => leader === 2n);
    expect(town.run(settled, 60_000)).toBe(true);
    const late = town.add(3n, 9n, 1n);
    late.start(town.nowMs);
    expect(town.run(() => late.leader !== null, town.nowMs + 10_000)).toBe(true);
    expect(late.leader).toBe(2n);
    expect(late.election.state).toBe(ServerState.following);
    expect(late.election.logicalClock).toBe(town.servers[0]!.election.logicalClock);
  });

  it("does not follow a leader that is gone, though a quorum still reports it", () => {
    const town = new Town(voters(5), 3);
    for (const sid of [1n, 2n, 3n, 4n, 5n]) town.add(sid, sid, 1n).start(0);
    expect(town.run(() => town.servers.every(({ leader }) => leader === 5n), 60_000)).toBe(true);
    const [first, , , , last] = town.servers as [Server, Server, Server, Server, Server];
    last.isUp = false;
    // The others still follow the dead one, and say so until they notice.
    first.election.look(first, town.nowMs);
    expect(town.run(() => first.leader !== null, roleTrialMs - 1)).toBe(false);
    expect(town.run(() => first.leader === 4n && town.isSettled(), town.nowMs + 60_000)).toBe(true);
  });

  it("lets observers follow without a vote", () => {
    const town = new Town(voters(3, 2), 5);
    for (let sid = 1n; sid <= 5n; sid++) town.add(sid, sid === 4n ? 100n : 5n, 1n).start(0);
    const settled = (): boolean => town.servers.every(({ leader }) => leader === 3n);
    expect(town.run(settled, 60_000)).toBe(true);
    expect(town.servers.map(({ election }) => election.state)).toEqual([
      ServerState.following,
      ServerState.following,
      ServerState.leading,
      ServerState.observing,
      ServerState.observing,
    ]);
  });

  it("has an observer of a later round and a voter without a quorum not talk in circles", () => {
    const town = new Town(voters(3, 1), 1);
    const [voter, observer] = [town.add(1n, 5n, 1n), town.add(4n, 5n, 1n)];
    voter.start(0);
    observer.start(0);
    observer.election.look(observer, 0);
    let sent = 0;
    town.isCut = () => {
      sent++;
      return false;
    };
    town.run(() => false, 60_000);
    expect(observer.election.logicalClock).toBeGreaterThan(voter.election.logicalClock);
    expect(sent).toBeLessThan(100);
  });

  it("does not talk in circles with a server that does not know it as a voter yet, and does not wait for it", () => {
    const town = new Town(voters(4), 1, 2);
    for (const sid of [1n, 2n, 4n]) town.add(sid, 5n, 1n);
    // Its file is of before the fourth came.
    town.add(3n, 5n, 1n, voters(3));
    for (const server of town.servers) server.start(0);
    let sent = 0;
    town.isCut = () => {
      sent++;
      return false;
    };
    expect(town.run(() => town.servers[2]!.leader === 4n, 500)).toBe(true);
    town.run(() => false, 500);
    expect(sent).toBeLessThan(100);
  });

  it("never votes for a server without weight", () => {
    const groups = "\ngroup.1=1:2:3\nweight.3=0\nweight.1=1\nweight.2=1";
    const town = new Town(views(`server.1=a:1:2\nserver.2=b:1:2\nserver.3=c:1:2${groups}`), 2);
    for (const sid of [1n, 2n, 3n]) town.add(sid, sid === 3n ? 100n : 5n, 1n).start(0);
    expect(town.run(() => town.isSettled(), 60_000)).toBe(true);
    expect(town.leaders().map(({ sid }) => sid)).toEqual([2n]);
  });

  it("ignores everybody while it has no database", () => {
    const town = new Town(voters(3), 4);
    for (const sid of [1n, 2n]) town.add(sid, sid === 1n ? -1n : 5n, 0n).start(0);
    expect(town.run(() => town.servers[0]!.leader !== null, 10_000)).toBe(false);
  });

  it("settles after every split heals", () => {
    for (let seed = 1; seed <= 100; seed++) {
      const town = new Town(voters(5), seed);
      for (let sid = 1n; sid <= 5n; sid++) town.add(sid, BigInt(town.random(3)), 1n).start(0);
      const island = new Set(town.servers.filter(() => town.random(2) === 0).map(({ sid }) => sid));
      town.isCut = (from, to) => island.has(from) !== island.has(to);
      town.run(() => false, 3_000);
      expect(town.leaders().length, `seed ${seed}: at most one leader`).toBeLessThanOrEqual(1);
      town.isCut = () => false;
      expect(
        town.run(() => town.isAtOne(), town.nowMs + 200_000),
        `seed ${seed}: settles`,
      ).toBe(true);
    }
  });

  describe("with equal votes of a quorum", () => {
    const mine = { leader: 3n, zxid: 5n, peerEpoch: 1n, electionEpoch: 1n, version: 2, config: null };
    const looking = { ...mine, state: ServerState.looking };

    /** Server 3 of 5, looking, with the votes of 1 and 2, who vote as it does. @returns when it decides unless something comes. */
    function finalizing(): LeaderElection {
      const election = new LeaderElection({
        sid: 3n,
        views: voters(5),
        options,
        output: { send: () => undefined, connectAll: () => undefined, hasDelivered: true, elected: () => undefined },
      });
      election.look({ zxid: 5n, currentEpoch: 1n, isParticipant: true }, 0);
      election.receive(1n, looking, 1);
      election.receive(2n, looking, 2);
      expect(election.state).toBe(ServerState.looking);
      expect(election.deadlineMs).toBe(202);
      return election;
    }

    it("waits for a better one", () => {
      const election = finalizing();
      election.receive(4n, { ...looking, leader: 4n }, 100);
      election.expire(202);
      expect(election.state).toBe(ServerState.looking);
      const other = finalizing();
      other.expire(202);
      expect(other.state).toBe(ServerState.leading);
      expect([1n, 2n, 4n].map((sid) => other.isSupporter(sid))).toEqual([true, true, false]);
    });

    it("waits no longer for what is no better, and comes again and again", () => {
      const election = finalizing();
      for (let nowMs = 50; nowMs < 200; nowMs += 50) election.receive(4n, { ...looking, leader: 1n }, nowMs);
      expect(election.deadlineMs).toBe(202);
    });

    it("does not count those who look in a later round by now", () => {
      const election = finalizing();
      election.receive(4n, { ...looking, leader: 4n, zxid: 4n, electionEpoch: 2n }, 100);
      expect(election.deadlineMs).toBe(202);
      election.receive(1n, { ...looking, leader: 1n, electionEpoch: 2n }, 101);
      election.expire(202);
      expect(election.state).toBe(ServerState.looking);
      expect(election.logicalClock).toBe(2n);
    });

    it("knows when those that still vote for it are no quorum", () => {
      const election = finalizing();
      election.expire(202);
      expect(election.state).toBe(ServerState.leading);
      // The same once more, one that never voted for it, a voter that has changed its mind.
      expect(election.hasLostQuorum(1n, looking)).toBe(false);
      expect(election.hasLostQuorum(4n, { ...looking, leader: 4n })).toBe(false);
      expect(election.hasLostQuorum(1n, { ...looking, leader: 4n })).toBe(true);
      const other = finalizing();
      other.receive(4n, looking, 3);
      other.expire(202);
      expect(other.hasLostQuorum(1n, { ...looking, electionEpoch: 2n })).toBe(false);
      expect(other.hasLostQuorum(2n, { ...looking, electionEpoch: 2n })).toBe(true);
    });

    it("does not wait when all have voted alike", () => {
      const election = finalizing();
      election.receive(5n, looking, 3);
      expect(election.state).toBe(ServerState.looking);
      election.receive(4n, looking, 4);
      expect(election.state).toBe(ServerState.leading);
    });

    it("does not wait for those whose port refuses connections", () => {
      const election = finalizing();
      election.refused(4n);
      expect(election.state).toBe(ServerState.looking);
      election.refused(5n);
      expect(election.state).toBe(ServerState.leading);
    });

    it("waits for who has come back, votes otherwise, or is to lead and cannot", () => {
      const back = finalizing();
      back.refused(4n);
      back.receive(4n, { ...looking, electionEpoch: 0n }, 3);
      back.refused(5n);
      expect(back.state).toBe(ServerState.looking);
      const otherwise = finalizing();
      otherwise.receive(4n, { ...looking, leader: 1n }, 3);
      otherwise.refused(5n);
      expect(otherwise.state).toBe(ServerState.looking);
      const leaderless = finalizing();
      leaderless.receive(4n, { ...looking, leader: 4n }, 3);
      leaderless.receive(1n, { ...looking, leader: 4n }, 4);
      leaderless.receive(2n, { ...looking, leader: 4n }, 5);
      leaderless.refused(4n);
      leaderless.refused(5n);
      expect(leaderless.state).toBe(ServerState.looking);
      leaderless.expire(leaderless.deadlineMs);
      expect(leaderless.state).toBe(ServerState.following);
    });

    it("tells who votes for less, and may not have been looking when it was told", () => {
      const sent: string[] = [];
      const output = {
        send: (sid: bigint, { leader }: Vote) => void sent.push(`${leader} to ${sid}`),
        connectAll: () => undefined,
        hasDelivered: true,
        elected: () => undefined,
      };
      const election = new LeaderElection({ sid: 3n, views: voters(5), options, output });
      election.look({ zxid: 5n, currentEpoch: 1n, isParticipant: true }, 0);
      expect(sent.splice(0)).toHaveLength(4);
      election.receive(1n, { ...looking, leader: 1n }, 1);
      election.receive(2n, looking, 1);
      expect(sent).toEqual(["3 to 1"]);
      // What it says over and over is answered now and then.
      for (let nowMs = 2; nowMs <= 401; nowMs++) election.receive(1n, { ...looking, leader: 1n }, nowMs);
      expect(sent).toHaveLength(3);
    });

    it("forgets in the next round who refused in the last", () => {
      const election = finalizing();
      election.refused(4n);
      election.look({ zxid: 5n, currentEpoch: 1n, isParticipant: true }, 50);
      for (const sid of [1n, 2n]) election.receive(sid, { ...looking, electionEpoch: 2n }, 51);
      election.refused(5n);
      expect(election.state).toBe(ServerState.looking);
    });
  });

  it("tells a server that does not vote what it knows, whatever it does itself", () => {
    const sent: Vote[] = [];
    const election = new LeaderElection({
      sid: 1n,
      views: voters(3, 1),
      options,
      output: {
        send: (sid, vote) => void (sid === 4n && sent.push(vote)),
        connectAll: () => undefined,
        hasDelivered: true,
        elected: () => undefined,
      },
    });
    election.introduce({ zxid: 7n, currentEpoch: 2n, isParticipant: true });
    election.look({ zxid: 7n, currentEpoch: 2n, isParticipant: true }, 0);
    const question = { leader: noVote, zxid: noVote, peerEpoch: noVote, electionEpoch: 1n, version: 2, config: null };
    election.receive(4n, { ...question, state: ServerState.looking }, 1);
    expect(sent).toEqual([
      { leader: 1n, zxid: 7n, peerEpoch: 2n, electionEpoch: 1n, state: ServerState.looking, version: 0 },
    ]);
  });

  it("begins at the first round again behind the last that can be told", () => {
    const rounds: bigint[] = [];
    const election = new LeaderElection({
      sid: 1n,
      views: voters(3),
      options,
      output: {
        send: (_, vote) => void rounds.push(vote.electionEpoch),
        connectAll: () => undefined,
        hasDelivered: true,
        elected: () => undefined,
      },
    });
    const candidate = { zxid: 0n, currentEpoch: 0n, isParticipant: true };
    election.look(candidate, 0);
    const last = 2n ** 63n - 1n;
    const vote = { leader: 2n, zxid: 0n, peerEpoch: 0n, electionEpoch: last, version: 2, config: null };
    election.receive(2n, { ...vote, state: ServerState.looking }, 1);
    expect(rounds.at(-1)).toBe(last);
    election.look(candidate, 2);
    expect(rounds.at(-1)).toBe(-(2n ** 63n));
  });

  it("says its vote again, ever more seldom, or connects again", () => {
    const calls: string[] = [];
    let hasDelivered = true;
    const output = {
      send: (sid: bigint) => void calls.push(`send ${sid}`),
      connectAll: () => void calls.push("connect"),
      get hasDelivered() {
        return hasDelivered;
      },
      elected: () => undefined,
    };
    const election = new LeaderElection({ sid: 1n, views: voters(3), options, output });
    election.look({ zxid: 0n, currentEpoch: 0n, isParticipant: true }, 0);
    expect(calls.splice(0)).toEqual(["send 2", "send 3"]);
    const waits: number[] = [];
    for (let i = 0, nowMs = 0; i < 11; i++) {
      waits.push(election.deadlineMs - nowMs);
      nowMs = election.deadlineMs;
      election.expire(nowMs);
    }
    expect(waits).toEqual([200, 400, 800, 1600, 3200, 6400, 12800, 25600, 51200, 60000, 60000]);
    calls.length = 0;
    hasDelivered = false;
    election.expire(election.deadlineMs);
    expect(calls).toEqual(["connect"]);
  });
});
