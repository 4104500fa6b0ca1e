/**
 * Connections that say nothing, or hardly anything: to clients' port, and to the ports between servers.
 *
 * `nio.sessionlessCnxnTimeout` (10 s) is for who has no session, and runs from the beginning: a byte now and then does not
 * buy more of it. `maxClientCnxns` (60) is for each address. A leader closes whoever has not said who they are within
 * `initLimit` ticks, and an election port within `syncLimit` ticks, of which it keeps a hundred at most.
 */

import { WireClient } from "../support/wire-client.ts";
import type { Attack, Scale, Values } from "./attack.ts";
import { manyAddresses, openCount, openMany, type RawSocket, resetAll, until } from "./raw-socket.ts";
import type { Stage } from "./stage.ts";

const maxClientCnxns = 60;
const maxCnxns = 100;
const sessionlessFlag = "zookeeper.nio.sessionlessCnxnTimeout";

/** Closing goes by steps of the timeout itself. */
const stepsMax = 2;

function sessionlessMs(stage: Pick<Stage, "pick">): number {
  return stage.pick(500, 10_000);
}

function closedLimitMs(scale: Scale): number {
  const slackMs = 1500;
  return stepsMax * (scale === "small" ? 500 : 10_000) + slackMs;
}

/** How many of those are open, at most, and how long until none is. */
async function untilClosed(sockets: readonly RawSocket[], timeoutMs: number): Promise<Values> {
  const fromMs = performance.now();
  const isClosed = await until(() => sockets.every(({ isOver }) => isOver), timeoutMs);
  return { closedMs: performance.now() - fromMs, unanswered: isClosed ? 0 : openCount(sockets) };
}

interface Crowd {
  readonly settings: Readonly<Record<string, number>>;
  readonly addresses?: readonly string[];
  /** Of the attacker's. */
  readonly openMax: number;
}

function idleAttack(name: string, about: string, { settings, addresses, openMax }: Crowd): Attack {
  return {
    name,
    about,
    limits: (scale) => [
      { measure: "open", atMost: openMax, atLeast: 1 },
      { measure: "closedMs", atMost: closedLimitMs(scale) },
      { measure: "unanswered", atMost: 0 },
      { measure: "isRestored", atLeast: 1 },
      { measure: "grownMb", atMost: 20 },
    ],
    run: async (stage) => {
      const flags = { [sessionlessFlag]: String(sessionlessMs(stage)) };
      const server = await stage.server({ settings, flags });
      return stage.beside(server, async () => {
        const sockets = await openMany(server.port, stage.pick(300, 5000), addresses);
        await until(() => openCount(sockets) <= openMax, 2000);
        const open = openCount(sockets);
        const closed = await untilClosed(sockets, 4 * sessionlessMs(stage) + 5000);
        const next = await openMany(server.port, 1);
        await until(() => next[0]!.isOver, 50);
        const isRestored = openCount(next);
        resetAll([...sockets, ...next]);
        return { attempts: sockets.length, open, ...closed, isRestored };
      });
    },
  };
}

const idle = idleAttack(
  "idle connections",
  `far more connections than maxClientCnxns (${maxClientCnxns}) from one address, all silent`,
  { settings: { maxClientCnxns }, openMax: maxClientCnxns },
);

const idleFromEverywhere = idleAttack(
  "idle connections from everywhere",
  `far more connections than maxCnxns (${maxCnxns}) from ${manyAddresses.length} addresses, none of which has many, all silent`,
  // One is the well-behaved client's.
  { settings: { maxCnxns }, addresses: manyAddresses, openMax: maxCnxns - 1 },
);

const slowLoris: Attack = {
  name: "slow handshakes",
  about:
    "as many connections as one address may have, each sending its handshake byte by byte, ever before it is closed for silence",
  limits: (scale) => [
    { measure: "closedMs", atMost: closedLimitMs(scale) },
    { measure: "unanswered", atMost: 0 },
  ],
  run: async (stage) => {
    const timeoutMs = sessionlessMs(stage);
    const server = await stage.server({
      settings: { maxClientCnxns },
      flags: { [sessionlessFlag]: String(timeoutMs) },
    });
    return stage.beside(server, async () => {
      const sockets = await openMany(server.port, maxClientCnxns);
      // A length of 44, as an honest client's handshake has, and then zeros.
      const first = Buffer.from([0, 0, 0, 44]);
      for (const socket of sockets) socket.write(first);
      const drip = setInterval(() => sockets.forEach((socket) => socket.write(Buffer.alloc(1))), timeoutMs / 4);
      const closed = await untilClosed(sockets, 6 * timeoutMs);
      clearInterval(drip);
      resetAll(sockets);
      return { attempts: sockets.length, ...closed };
    });
  },
};

/** The limits on strangers at the ports of an ensemble: ticks of 300 ms. */
const tickTime = 300;
const initLimit = 8;
const syncLimit = 8;

const betweenServers: Attack = {
  name: "strangers between the servers",
  about:
    "connections to the quorum and election ports of three members, half of them silent and half with a byte now and then; a follower is killed and comes back meanwhile",
  limits: () => [
    { measure: "closedMs", atMost: tickTime * Math.max(initLimit, syncLimit) + 4000 },
    { measure: "unanswered", atMost: 0 },
    { measure: "elections", atMost: 0 },
    { measure: "isRestored", atLeast: 1 },
    { measure: "grownMb", atMost: 40 },
  ],
  run: async (stage) => {
    const ensemble = await stage.ensemble({ tickTime, initLimit, syncLimit });
    const leader = await ensemble.leader();
    const follower = ensemble.servers.find((server) => server !== leader)!;
    const attack = async (): Promise<Values> => {
      const sockets: RawSocket[] = [];
      for (const { quorum, election } of ensemble.quorumPorts) {
        for (const port of [quorum, election]) sockets.push(...(await openMany(port, stage.pick(100, 1000))));
      }
      const half = sockets.filter((_, i) => i % 2 === 0);
      const drip = setInterval(() => half.forEach((socket) => socket.write(Buffer.alloc(1))), tickTime);
      const closing = untilClosed(sockets, 30_000);
      await follower.kill();
      await follower.restart();
      const closed = await closing;
      clearInterval(drip);
      resetAll(sockets);
      const elections = (await ensemble.leader()) === leader ? 0 : 1;
      using client = await WireClient.connect(follower.port);
      return {
        attempts: sockets.length,
        ...closed,
        elections,
        isRestored: (await client.exists("/")) === null ? 0 : 1,
      };
    };
    const others = ensemble.servers.filter((server) => server !== follower).map(({ port }) => port);
    return stage.beside(leader, attack, others);
  },
};

export const connectionAttacks: readonly Attack[] = [idle, idleFromEverywhere, slowLoris, betweenServers];
