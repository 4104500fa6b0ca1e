/**
 * Sessions that come faster than anybody needs them: a storm of handshakes by clients that vanish, and the herd that comes
 * back when a leader is lost. Sessions that are there must outlive both; those of the vanished expire in their time.
 */

import { WireClient } from "../support/wire-client.ts";
import { connectRequest } from "../support/wire-frames.ts";
import { attempt } from "../support/server-process.ts";
import type { Attack, Scale, Values } from "./attack.ts";
import { gauge } from "./gauge.ts";
import { handshakeBytes, manyAddresses, RawSocket, resetAll, until } from "./raw-socket.ts";
import type { Stage } from "./stage.ts";

const openAtOnceMax = 400;

/** Handshakes as fast as they are answered or refused, up to a rate; each client vanishes with its session. */
export async function storm(port: number, perSecondMax: number, forMs: number): Promise<Values> {
  const fromMs = performance.now();
  const open = new Set<RawSocket>();
  let attempts = 0;
  let replies = 0;
  const dueNow = (): number => Math.floor(((performance.now() - fromMs) / 1000) * perSecondMax);
  while (performance.now() - fromMs < forMs) {
    while (open.size < openAtOnceMax && attempts < dueNow()) {
      const socket = new RawSocket(port, manyAddresses[attempts++ % manyAddresses.length]);
      open.add(socket);
      socket.onBytes = () => {
        if (socket.bytesReceived < handshakeBytes) return;
        replies++;
        socket.reset();
      };
      socket.onOver = () => open.delete(socket);
      socket.write(connectRequest({ timeoutMs: 600 }));
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  // A system whose queue of connections is full has the client's system send its first bytes again, after ever longer waits.
  await until(() => open.size === 0, 40_000);
  const unanswered = open.size;
  resetAll([...open]);
  const perSecond = (replies / (performance.now() - fromMs)) * 1000;
  return { attempts, replies, perSecond, unanswered, refused: attempts - replies - unanswered };
}

/** A storm beside a hundred clients with sessions that live on; those of the storm expire, and others may come. */
async function stormBesideOthers(stage: Stage, settings: Readonly<Record<string, number>>): Promise<Values> {
  const server = await stage.server({ settings: { tickTime: 300, ...settings } });
  const others = await Promise.all(
    Array.from({ length: 100 }, () => WireClient.connect(server.port, { timeoutMs: 10_000 })),
  );
  const pings = setInterval(() => others.forEach((client) => void client.ping().catch(() => undefined)), 2000);
  return stage.beside(server, async () => {
    const came = await storm(server.port, 10_000, stormMs(stage.scale));
    // Those hundred, and the well-behaved client.
    const isOver = await until(async () => (await gauge(server.port, "global_sessions")) === others.length + 1, 20_000);
    clearInterval(pings);
    const alive = await Promise.all(
      others.map((client) =>
        client.exists("/").then(
          () => 1,
          () => 0,
        ),
      ),
    );
    for (const client of others) client.drop();
    const isOpen = await attempt(server.port, async (client) => (await client.handshake()) !== null);
    return { ...came, isRestored: isOver && isOpen && alive.every((one) => one === 1) ? 1 : 0 };
  });
}

function stormMs(scale: Scale): number {
  return scale === "small" ? 500 : 30_000;
}

const connectStorm: Attack = {
  name: "connect storm",
  about: "new sessions, up to 10,000 a second, of clients that vanish once they have one; all of these sessions expire",
  limits: () => [
    { measure: "replies", atLeast: 100 },
    { measure: "unanswered", atMost: 0 },
    { measure: "refused", atMost: 0 },
    { measure: "isRestored", atLeast: 1 },
  ],
  run: (stage) => stormBesideOthers(stage, {}),
};

/**
 * A bucket of so many tokens, a token for each new session, and as many more a second: enough for the others, who come first, and fewer
 * than a storm on a busy machine has.
 */
function tokensAt(scale: Scale): number {
  return scale === "small" ? 120 : 200;
}

const throttledStorm: Attack = {
  name: "connect storm on a throttle",
  about: `the same where only ${tokensAt("full")} sessions may come at once and as many a second (connection_throttle_tokens)`,
  limits: (scale) => [
    { measure: "perSecond", atMost: tokensAt(scale) * (1 + 1000 / stormMs(scale)) },
    { measure: "replies", atLeast: tokensAt(scale) / 2 },
    { measure: "unanswered", atMost: 0 },
    { measure: "refused", atLeast: 1 },
    { measure: "isRestored", atLeast: 1 },
  ],
  run: (stage) =>
    stormBesideOthers(stage, {
      connection_throttle_tokens: tokensAt(stage.scale),
      connection_throttle_fill_time: 100,
      connection_throttle_fill_count: tokensAt(stage.scale) / 10,
    }),
};

/** One of a herd: it comes back to its session, wherever somebody serves, until it has it. */
class HerdClient {
  client: WireClient | null = null;
  lost = 0;
  readonly #ports: readonly number[];
  #session: WireClient["session"] | undefined;
  #at: number;

  constructor(ports: readonly number[], at: number) {
    this.#ports = ports;
    this.#at = at;
  }

  async come(): Promise<void> {
    for (this.client = null; this.client === null;) {
      const client = await WireClient.open(this.#ports[this.#at++ % this.#ports.length]!).catch(() => null);
      const answer = (await client?.handshake({ timeoutMs: 12_000, session: this.#session })) ?? null;
      if (client !== null && answer !== null && answer.timeoutMs > 0) {
        this.#session = client.session;
        this.client = client;
      } else if (answer !== null) {
        this.lost++;
        this.#session = undefined;
      } else {
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
  }
}

const herd: Attack = {
  name: "herd after the loss of a leader",
  about: "sessions at all three members; the leader is killed, and all come back at once to who is left",
  limits: (scale) => [
    { measure: "sessionsLost", atMost: 0 },
    { measure: "backMs", atMost: scale === "small" ? 8000 : 10_000 },
    // From the death of the leader to a new one's answer.
    { measure: "maxMs", atMost: scale === "small" ? 5000 : 3000 },
  ],
  run: async (stage) => {
    const ensemble = await stage.ensemble({ tickTime: 600 });
    const leader = await ensemble.leader();
    const left = ensemble.servers.filter((server) => server !== leader);
    const clients = Array.from({ length: stage.pick(150, 3000) }, (_, i) => new HerdClient(ensemble.ports, i));
    const window = 100;
    for (let i = 0; i < clients.length; i += window)
      await Promise.all(clients.slice(i, i + window).map((one) => one.come()));
    const values = await stage.beside(
      left[0]!,
      async () => {
        const dropped = clients.filter(({ client }) => client !== null).map(({ client }) => client!.ended);
        const fromMs = performance.now();
        await leader.kill();
        // A member that has lost its leader lets its clients go as well.
        await Promise.all(dropped);
        await Promise.all(clients.map((one) => one.come()));
        return { attempts: clients.length, backMs: performance.now() - fromMs };
      },
      left.map(({ port }) => port),
    );
    for (const { client } of clients) client?.drop();
    return { ...values, sessionsLost: values.sessionsLost! + clients.reduce((sum, { lost }) => sum + lost, 0) };
  },
};

export const sessionAttacks: readonly Attack[] = [connectStorm, throttledStorm, herd];
