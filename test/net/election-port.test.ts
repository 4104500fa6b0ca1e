/** The election port over a network in memory: which connection stays, what arrives, and what garbage costs. */

import { describe, expect, it } from "vitest";
import type { Timers } from "#host/timers.ts";
import type { Socket } from "#host/wire.ts";
import { ElectionPort } from "#net/election-port.ts";
import { encodeInitialMessage } from "#quorum/initial-message.ts";
import { LeaderElection } from "#quorum/leader-election.ts";
import { encodeNotification, type Notification } from "#quorum/notification.ts";
import { QuorumViews } from "#quorum/quorum-verifier.ts";
import { ServerState, type Vote } from "#quorum/vote.ts";
import { memberLines, verifierOf } from "../quorum/support.ts";
import { MemoryLogger } from "../storage/builders.ts";
import { Bytes } from "../support/bytes.ts";
import { Dice, Schedule } from "../sim/schedule.ts";
import { SimNetwork } from "../sim/sim-network.ts";

const port = 3888;

function voteFor(leader: bigint, zxid = 0n): Vote {
  return { leader, zxid, electionEpoch: 1n, peerEpoch: 0n, state: ServerState.looking, version: 0 };
}

class Town {
  readonly schedule: Schedule;
  readonly network: SimNetwork;
  readonly ports: ElectionPort[] = [];
  readonly received: string[] = [];
  readonly loggers: MemoryLogger[] = [];
  readonly refusals: string[] = [];
  readonly views: QuorumViews;
  onVote: (to: number, from: bigint, vote: Notification) => void = (to, from, vote) => {
    this.received.push(`${from} to ${to}: ${vote.leader}`);
  };

  constructor(count: number, seed = 1, lines = memberLines(count)) {
    this.schedule = new Schedule(seed);
    const options = { delayMsMax: 10, splitOneIn: 2, bytesWeight: 1, windowBytes: 1000 };
    this.network = new SimNetwork(this.schedule, new Dice(seed, "network"), options);
    this.views = new QuorumViews(verifierOf(lines));
    for (let sid = 1; sid <= count; sid++) this.start(sid);
  }

  start(sid: number): void {
    const { schedule } = this;
    const node = this.network.node(`h${sid}`);
    node.boot();
    const { life } = node;
    const timers: Timers = {
      after: (delayMs, action) => {
        const event = schedule.after(delayMs, () => life === node.life && action());
        return { cancel: () => (event.isCancelled = true) };
      },
      every: () => ({ cancel: () => {} }),
      atTurnEnd: () => {},
    };
    const logger = new MemoryLogger();
    this.loggers[sid] = logger;
    const electionPort = new ElectionPort({
      options: {
        sid: BigInt(sid),
        connectTimeoutMs: 1_000,
        handshakeTimeoutMs: 500,
        isKeepAlive: false,
        bindAttempts: 3,
        bindAgainMs: 1_000,
      },
      views: this.views,
      wire: node.wire,
      timers,
      logger,
      events: {
        received: (from, vote) => this.onVote(sid, from, vote),
        refused: (by) => void this.refusals.push(`${sid} by ${by}`),
      },
    });
    this.ports[sid] = electionPort;
    const addresses = [{ host: `h${sid}`, port }];
    void electionPort.open({ bound: addresses, ownAddresses: addresses });
  }

  /** Lets time pass; promises have their turn before. */
  async pass(ms: number): Promise<void> {
    await new Promise(setImmediate);
    const untilMs = this.schedule.nowMs + ms;
    while (this.schedule.step(untilMs));
    this.schedule.nowMs = untilMs;
  }

  /** Open connections between two servers, each counted once. */
  connections(a: number, b: number): number {
    const sockets = [...this.network.node(`h${a}`).sockets];
    return sockets.filter(({ remoteAddress, isOpen }) => isOpen && remoteAddress === `h${b}`).length;
  }

  /** A stranger's connection to a server; what it hears at its end is nothing. */
  async stranger(sid: number): Promise<{ socket: Socket; isClosed: () => boolean }> {
    let socket: Socket | null = null;
    let isClosed = false;
    const ended = (): void => void (isClosed = true);
    this.network.node("stranger").wire.connect({
      host: `h${sid}`,
      port,
      timeoutMs: 1_000,
      isKeepAlive: false,
      connected: (found) => {
        socket = found;
        return { data: () => {}, ended, drained: () => {}, closed: ended };
      },
      failed: (error) => {
        throw error;
      },
    });
    await this.pass(50);
    return { socket: socket!, isClosed: () => isClosed };
  }
}

describe("two servers", () => {
  it.each([
    [1, 2],
    [2, 1],
  ])("share one connection, whoever speaks first: %i to %i", async (from, to) => {
    const town = new Town(2);
    await town.pass(0);
    town.ports[from]!.send(BigInt(to), voteFor(7n));
    await town.pass(500);
    expect(town.received).toEqual([`${from} to ${to}: 7`]);
    expect([town.connections(1, 2), town.connections(2, 1)]).toEqual([1, 1]);
    town.ports[to]!.send(BigInt(from), voteFor(8n));
    await town.pass(500);
    expect(town.received[1]).toBe(`${to} to ${from}: 8`);
    expect(town.connections(1, 2)).toBe(1);
  });

  it("share one connection when both speak at once, and each hears the other's newest vote", async () => {
    for (let seed = 1; seed <= 100; seed++) {
      const town = new Town(2, seed);
      await town.pass(0);
      for (const leader of [3n, 4n, 5n]) {
        town.ports[1]!.send(2n, voteFor(leader));
        town.ports[2]!.send(1n, voteFor(leader + 10n));
      }
      await town.pass(2_000);
      // First words of a connection that its owner has given up may come last: then both are gone until somebody speaks.
      if (town.connections(1, 2) === 0) for (const from of [1, 2]) town.ports[from]!.connectAll();
      await town.pass(2_000);
      expect(town.connections(1, 2), `seed ${seed}`).toBe(1);
      const last = (prefix: string): string | undefined => town.received.findLast((line) => line.startsWith(prefix));
      expect([last("1 to 2"), last("2 to 1")], `seed ${seed}`).toEqual(["1 to 2: 5", "2 to 1: 15"]);
    }
  });

  it("say their last vote again on a new connection", async () => {
    const town = new Town(2);
    await town.pass(0);
    town.ports[2]!.send(1n, voteFor(7n));
    await town.pass(500);
    town.network.node("h1").crash(false);
    town.start(1);
    await town.pass(500);
    town.ports[1]!.send(2n, voteFor(9n));
    await town.pass(500);
    expect(town.received).toContain("1 to 2: 9");
    expect(town.received.filter((line) => line === "2 to 1: 7")).toHaveLength(2);
  });

  it("are told who does not run, but not who is out of reach", async () => {
    const town = new Town(3);
    await town.pass(0);
    town.network.node("h2").crash(false);
    town.network.cut("h1", "h3");
    for (const sid of [2n, 3n]) town.ports[1]!.send(sid, voteFor(7n));
    await town.pass(2_000);
    expect(town.refusals).toEqual(["1 by 2"]);
  });

  it("connect again when a connection breaks, a few times for each vote", async () => {
    const town = new Town(2);
    await town.pass(0);
    town.ports[2]!.send(1n, voteFor(7n));
    await town.pass(500);
    for (let deaths = 0; deaths < 5; deaths++) {
      town.network.node("h1").crash(false);
      await town.pass(500);
      town.start(1);
      town.ports[2]!.connectAll();
      await town.pass(500);
    }
    expect(town.refusals).toEqual(["2 by 1", "2 by 1", "2 by 1"]);
  });

  // The smaller id answers every vote, as one does that has a leader while the other is still looking: each answer allowed it to
  // make a lost connection again, each such request made the larger id replace the connection, and so on for seconds.
  it("settle on one connection though first words come late", async () => {
    for (let seed = 1; seed <= 20; seed++) {
      const town = new Town(2, seed);
      await town.pass(0);
      town.onVote = (to) => {
        if (to === 1) town.ports[1]!.send(2n, voteFor(2n));
      };
      town.ports[2]!.send(1n, voteFor(2n));
      await town.pass(100);
      const { socket } = await town.stranger(2);
      socket.write(encodeInitialMessage(1n, [{ host: "h1", port }]));
      await town.pass(2_000);
      const requests = town.loggers[2]!.lines.filter(({ message }) =>
        message.startsWith("Received connection request"),
      );
      expect(requests.length, `seed ${seed}`).toBeLessThanOrEqual(2);
      expect(town.connections(1, 2)).toBe(1);
    }
  });

  it("know whether anything has been delivered", async () => {
    const town = new Town(2);
    await town.pass(0);
    expect(town.ports[1]!.hasDelivered).toBe(false);
    town.network.cut("h1", "h2");
    town.ports[1]!.send(2n, voteFor(7n));
    await town.pass(2_000);
    expect(town.ports[1]!.hasDelivered).toBe(false);
    town.network.heal();
    town.ports[1]!.connectAll();
    await town.pass(2_000);
    expect(town.ports[1]!.hasDelivered).toBe(true);
    expect(town.received).toEqual(["1 to 2: 7"]);
  });
});

describe("two servers with two addresses", () => {
  const lines = [1, 2].map((sid) => `server.${sid}=h${sid}:2888:${port}|elsewhere:2888:${port}`).join("\n");

  it.each([
    [1, 2],
    [2, 1],
  ])("leave out the one that has led to nothing: %i to %i", async (from, to) => {
    for (let seed = 1; seed <= 40; seed++) {
      const town = new Town(2, seed, lines);
      await town.network.node("elsewhere").wire.listen({
        address: "elsewhere",
        port,
        backlog: -1,
        isKeepAlive: false,
        accept: (socket) => {
          socket.destroy();
          return null;
        },
      });
      await town.pass(0);
      town.ports[from]!.send(BigInt(to), voteFor(7n));
      await town.pass(2_000);
      expect(town.received, `seed ${seed}`).toEqual([`${from} to ${to}: 7`]);
    }
  });

  it.each([
    ["does", lines, ServerState.looking, 0],
    ["has no other address", undefined, ServerState.looking, 1],
    ["looks for no leader", lines, ServerState.following, 1],
  ])("do not wait for a network that is gone: who asks %s", async (_, known, state, connections) => {
    const town = new Town(2, 1, known);
    await town.pass(0);
    town.ports[1]!.send(2n, { ...voteFor(7n), state });
    await town.pass(500);
    town.ports[2]!.send(1n, voteFor(8n));
    await town.pass(2_000);
    expect(town.connections(1, 2)).toBe(1);
    town.network.cut("h1", "h2");
    town.network.cut("h2", "h1");
    town.ports[1]!.send(2n, { ...voteFor(9n), state });
    await town.pass(1_500);
    expect(town.connections(1, 2)).toBe(connections);
    town.network.heal();
    town.ports[1]!.connectAll();
    await town.pass(5_000);
    expect(town.received.at(-1)).toBe("1 to 2: 9");
    expect(town.connections(1, 2)).toBe(1);
  });
});

describe("what makes no sense", () => {
  const greeting = encodeInitialMessage(9n, [{ host: "stranger", port }]);

  it.each([
    ["first words of another protocol", Buffer.from("GET / HTTP/1.1\r\n\r\n")],
    ["a version that there is not", new Bytes().long(-1n).build()],
    ["a length that is none", Buffer.concat([greeting, new Bytes().int(0).build()])],
    ["a negative length", Buffer.concat([greeting, new Bytes().int(-5).build()])],
    ["a length beyond the limit", Buffer.concat([greeting, new Bytes().int(512 * 1024 + 1).build()])],
    ["our own id", encodeInitialMessage(1n, [{ host: "stranger", port }])],
  ])("costs the connection: %s", async (_, bytes) => {
    const town = new Town(2);
    await town.pass(0);
    const { socket, isClosed } = await town.stranger(1);
    socket.write(bytes);
    await town.pass(100);
    expect(isClosed()).toBe(true);
  });

  it("is skipped when it is a message, and the next one counts", async () => {
    const town = new Town(2);
    await town.pass(0);
    const { socket, isClosed } = await town.stranger(1);
    const vote = encodeNotification(voteFor(4n), "version=0");
    const message = Buffer.concat([new Bytes().int(vote.length).build(), vote]);
    socket.write(Buffer.concat([greeting, new Bytes().int(3).raw(Buffer.from("xyz")).build(), message]));
    await town.pass(100);
    expect([town.received, isClosed()]).toEqual([["9 to 1: 4"], false]);
  });

  it("may not be silent for long, nor many", async () => {
    const town = new Town(2);
    await town.pass(0);
    const strangers = [];
    for (let i = 0; i < 101; i++) strangers.push(await town.stranger(1));
    // Each waits 50 ms for its connection: the first ones have used up their patience.
    expect(strangers.filter(({ isClosed }) => isClosed()).length).toBeGreaterThan(80);
    const late = await town.stranger(1);
    await town.pass(400);
    expect(late.isClosed()).toBe(false);
    await town.pass(200);
    expect(late.isClosed()).toBe(true);
  });
});

describe("an election over it", () => {
  it("ends with one leader, whatever the network does to the bytes", async () => {
    for (let seed = 1; seed <= 30; seed++) {
      const town = new Town(5, seed);
      const elections = town.ports.map((electionPort, sid) => {
        return new LeaderElection({
          sid: BigInt(sid),
          views: town.views,
          options: { notificationIntervalMsMin: 200, notificationIntervalMsMax: 60_000 },
          output: {
            send: (to, vote) => electionPort.send(to, vote),
            connectAll: () => electionPort.connectAll(),
            get hasDelivered() {
              return electionPort.hasDelivered;
            },
            elected: () => undefined,
          },
        });
      });
      town.onVote = (to, from, vote) => elections[to]!.receive(from, vote, town.schedule.nowMs);
      await town.pass(0);
      const servers = elections.filter((_, sid) => sid > 0);
      for (const [i, election] of servers.entries()) {
        election.look({ zxid: BigInt((i * seed) % 4), currentEpoch: 0n, isParticipant: true }, town.schedule.nowMs);
      }
      for (let i = 0; i < 200; i++) {
        await town.pass(50);
        for (const election of servers) election.expire(town.schedule.nowMs);
      }
      const leaders = new Set(
        servers.map(({ state, currentVote }) => state !== ServerState.looking && currentVote.leader),
      );
      expect(leaders.size, `seed ${seed}: ${[...leaders].join()}`).toBe(1);
      for (const a of [1, 2, 3, 4])
        for (let b = a + 1; b <= 5; b++) expect(town.connections(a, b)).toBeLessThanOrEqual(1);
    }
  });
});
