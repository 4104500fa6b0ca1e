/** Who is let in, who is thrown out, and when. The wire, the timer and the clock are the test's. */

import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ServerMetrics } from "#base/metrics.ts";
import { SeededRandom } from "#base/prng.ts";
import type { Timers } from "#host/timers.ts";
import type { ListenOptions, Socket, SocketHandler, Wire } from "#host/wire.ts";
import { ClientPort, type ClientPortOptions, type ClientPortServices, ConnectionNumbers } from "#net/client-port.ts";
import { MemoryLogger } from "../storage/builders.ts";

const sessionlessTimeoutMs = 10_000;

class FakeSocket implements Socket {
  readonly remoteAddress: string;
  readonly remotePort = 4000;
  readonly bufferedBytes = 0;
  /** Everything that was done to it. */
  readonly done: string[] = [];
  readonly isScarce: boolean;
  handler: SocketHandler | null = null;
  readonly write = (): boolean => this.done.push("write") > 0;
  readonly end = (): void => void this.done.push("end");
  readonly destroy = (): void => void this.done.push("destroy");
  readonly reset = (): void => void this.done.push("reset");
  readonly pause = (): void => {};
  readonly resume = (): void => {};

  constructor(remoteAddress: string, isScarce: boolean) {
    this.remoteAddress = remoteAddress;
    this.isScarce = isScarce;
  }

  /** The peer has gone away. */
  goesAway(): void {
    this.handler!.ended();
    this.handler!.closed();
  }
}

class Bench {
  readonly metrics: ServerMetrics = new ServerMetrics(new SeededRandom(1));
  readonly logger: MemoryLogger = new MemoryLogger();
  readonly port: ClientPort;
  nowMs = 0;
  sessionTimeoutMs = 0;
  isListening = false;
  /** Whether something still knows connections by their numbers when they are gone, and what frees these. */
  areNumbersKept = false;
  readonly kept: (() => void)[] = [];
  asked: ListenOptions | null = null;
  #ticks: { readonly periodMs: number; readonly action: () => void } | null = null;

  constructor(options: Partial<ClientPortOptions> = {}, numbers: ConnectionNumbers = new ConnectionNumbers()) {
    this.port = new ClientPort({
      options: { address: "::", port: 0, backlog: 7, isKeepAlive: true, maxClientCnxns: 0, maxCnxns: 0, ...options },
      services: this.#services(),
      numbers,
      logger: this.logger,
    });
  }

  static async open(options: Partial<ClientPortOptions> = {}, numbers?: ConnectionNumbers): Promise<Bench> {
    const bench = new Bench(options, numbers);
    await bench.port.open(bench.#wire, bench.timers);
    return bench;
  }

  readonly #wire: Pick<Wire, "listen"> = {
    listen: async (options) => {
      this.asked = options;
      this.isListening = true;
      return { address: options.address, port: 2181, close: async () => void (this.isListening = false) };
    },
  };

  readonly timers: Timers = {
    after: () => ({ cancel: () => {} }),
    every: (periodMs, action) => {
      this.#ticks = { periodMs, action };
      return { cancel: () => (this.#ticks = null) };
    },
    atTurnEnd: (action) => action(),
  };

  #services(): ClientPortServices {
    return {
      clock: { monotonicMs: () => this.nowMs, wallMs: () => this.nowMs },
      metrics: this.metrics,
      frameBytesMax: 1000,
      sessionlessTimeoutMs,
      connect: (client) => {
        client.isAttached = true;
        client.timeoutMs = this.sessionTimeoutMs;
        return true;
      },
      lookAhead: () => {},
      receive: () => true,
      allSent: () => {},
      heldBackNoMore: () => {},
      beginShare: () => {},
      isShareSpent: () => false,
      turnEnded: () => {},
      atTurnEnd: (action) => action(),
      lengthError: () => {},
      unsentError: () => {},
      forget: (_client, free) => {
        if (this.areNumbersKept) this.kept.push(free);
        else free();
      },
      takeWord: () => false,
    };
  }

  accept(address = "10.0.0.1", isScarce = false): FakeSocket {
    const socket = new FakeSocket(address, isScarce);
    socket.handler = this.asked!.accept(socket);
    return socket;
  }

  /** Lets time pass in the timer's steps, up to `untilMs`. */
  passTime(untilMs: number): void {
    while (this.isTicking && this.nowMs + this.#ticks!.periodMs <= untilMs) {
      this.nowMs += this.#ticks!.periodMs;
      this.#ticks!.action();
    }
  }

  get isTicking(): boolean {
    return this.#ticks !== null;
  }

  get numbers(): number[] {
    return [...this.port.connections].map(({ client }) => client.number);
  }
}

function areIn(sockets: readonly FakeSocket[]): boolean[] {
  return sockets.map(({ handler, done }) => handler !== null && done.length === 0);
}

describe("a client port", () => {
  test("is bound as it was told to be, and says where", async () => {
    const bench = await Bench.open({ address: "127.0.0.1" });
    expect(bench.asked).toMatchObject({ address: "127.0.0.1", port: 0, backlog: 7, isKeepAlive: true });
    expect(bench.port.bound).toEqual({ address: "127.0.0.1", port: 2181 });
  });

  test("that cannot be bound fails with the operating system's error", async () => {
    const bench = new Bench();
    const inUse = Object.assign(new Error("in use"), { code: "EADDRINUSE" });
    await expect(bench.port.open({ listen: () => Promise.reject(inUse) }, bench.timers)).rejects.toBe(inUse);
    expect(bench.isTicking).toBe(false);
  });

  test("closes its connections when it is closed, and its timer", async () => {
    const bench = await Bench.open();
    const sockets = [bench.accept(), bench.accept("10.0.0.2")];
    await bench.port.close();
    expect(sockets.map(({ done }) => done)).toEqual([["destroy"], ["destroy"]]);
    expect([bench.isListening, bench.isTicking, bench.port.connections.size]).toEqual([false, false, 0]);
  });
});

describe("a limit", () => {
  test("of file descriptors resets who would take one of the last", async () => {
    const bench = await Bench.open();
    const sockets = [bench.accept("10.0.0.1", false), bench.accept("10.0.0.2", true), bench.accept("10.0.0.3", false)];
    expect(areIn(sockets)).toEqual([true, false, true]);
    expect(sockets[1]!.done).toEqual(["reset"]);
    expect(bench.logger.warnings()).toEqual([
      "Error accepting new connection: Too many open files: the last file descriptors are not for clients",
    ]);
  });

  test("per address lets so many in and resets the next, without a byte", async () => {
    const bench = await Bench.open({ maxClientCnxns: 2 });
    const sockets = [bench.accept(), bench.accept(), bench.accept()];
    expect(sockets.map(({ done }) => done)).toEqual([[], [], ["reset"]]);
    expect(bench.accept("10.0.0.2").done).toEqual([]);
    expect(bench.metrics.connectionRejected.value).toBe(1);
    expect(bench.logger.warnings()).toEqual([
      "Error accepting new connection: Too many connections from /10.0.0.1 - max is 2",
    ]);
  });

  test.each([{ maxClientCnxns: 2 }, { maxCnxns: 2 }])("gives room again when all have left: %o", async (options) => {
    const bench = await Bench.open(options);
    const sockets = [bench.accept(), bench.accept(), bench.accept()];
    expect(sockets.map(({ done }) => done)).toEqual([[], [], ["reset"]]);
    for (const socket of sockets.slice(0, 2)) socket.goesAway();
    expect(areIn([bench.accept(), bench.accept(), bench.accept()])).toEqual([true, true, false]);
  });

  test("is not used up by those that it kept out, and neither are numbers", async () => {
    const bench = await Bench.open({ maxClientCnxns: 1, maxCnxns: 2 });
    const sockets = ["10.0.0.1", "10.0.0.1", "10.0.0.2", "10.0.0.3"].map((at) => bench.accept(at));
    expect(areIn(sockets)).toEqual([true, false, true, false]);
    expect(bench.numbers).toEqual([0, 1]);
  });

  test("is each port's own", async () => {
    const numbers = new ConnectionNumbers();
    const plain = await Bench.open({ maxClientCnxns: 1, maxCnxns: 1 }, numbers);
    const secure = await Bench.open({ maxClientCnxns: 1, maxCnxns: 1 }, numbers);
    expect(areIn([plain.accept(), secure.accept()])).toEqual([true, true]);
    expect([...plain.numbers, ...secure.numbers]).toEqual([0, 1]);
  });
});

describe("a quiet connection", () => {
  test.each([
    [7_500, 20_000],
    [10_000, 30_000],
  ])("without a session that came at %i ms is closed at %i ms", async (cameMs, closedMs) => {
    const bench = await Bench.open();
    bench.passTime(cameMs);
    const socket = bench.accept();
    bench.passTime(closedMs - 1);
    expect(socket.done).toEqual([]);
    bench.passTime(closedMs);
    expect(socket.done).toEqual(["destroy"]);
    expect(bench.metrics.sessionlessConnectionsExpired.value).toBe(1);
  });

  test("whose handshake comes byte by byte has no more time than silence", async () => {
    const bench = await Bench.open();
    const [talking, silent] = [bench.accept(), bench.accept()];
    for (let nowMs = 2_500; nowMs < 20_000; nowMs += 2_500) {
      bench.passTime(nowMs);
      talking.handler!.data(Buffer.alloc(1));
    }
    bench.passTime(20_000);
    expect([talking.done, silent.done]).toEqual([["destroy"], ["destroy"]]);
  });

  test("with a session is quiet from the last bytes on, even half a frame", async () => {
    const bench = await Bench.open();
    bench.sessionTimeoutMs = 10_000;
    const [talking, silent] = [bench.accept(), bench.accept()];
    for (const { handler } of [talking, silent]) handler!.data(Buffer.alloc(4));
    bench.passTime(15_000);
    talking.handler!.data(Buffer.alloc(1));
    bench.passTime(20_000);
    expect([talking.done, silent.done]).toEqual([[], ["destroy"]]);
    bench.passTime(30_000);
    expect(talking.done).toEqual(["destroy"]);
  });

  test("with a session has the session's timeout, and counts as ZooKeeper counts it", async () => {
    const bench = await Bench.open();
    bench.sessionTimeoutMs = 35_000;
    const socket = bench.accept();
    socket.handler!.data(Buffer.alloc(4));
    bench.passTime(39_999);
    expect(bench.port.connections.size).toBe(1);
    bench.passTime(40_000);
    expect(socket.done).toEqual(["destroy"]);
    expect(bench.metrics.sessionlessConnectionsExpired.value).toBe(1);
  });
});

describe("numbers of connections", () => {
  test("are not given to others while something knows who had them", async () => {
    const bench = await Bench.open();
    bench.areNumbersKept = true;
    const [first] = [bench.accept(), bench.accept()];
    first.goesAway();
    bench.accept();
    expect(bench.numbers).toEqual([1, 2]);
    for (const free of bench.kept) free();
    bench.accept();
    expect(bench.numbers).toEqual([1, 2, 0]);
  });

  test("are small, reused, never held by two at once, and lead to their client until it is gone", async () => {
    const numbers = new ConnectionNumbers();
    const bench = await Bench.open({}, numbers);
    let mostAtOnce = 0;
    fc.assert(
      fc.property(fc.array(fc.nat(9), { maxLength: 60, size: "max" }), (moves) => {
        const sockets: FakeSocket[] = [];
        for (const move of moves) {
          if (move > 4 && sockets.length > 0) sockets.splice(move % sockets.length, 1)[0]!.goesAway();
          else sockets.push(bench.accept());
          mostAtOnce = Math.max(mostAtOnce, sockets.length);
          const clients = [...bench.port.connections].map(({ client }) => client);
          for (let number = 0; number < mostAtOnce; number++) {
            expect(numbers.get(number)).toBe(clients.find((client) => client.number === number));
          }
          expect(Math.max(-1, ...bench.numbers)).toBeLessThan(mostAtOnce);
        }
        for (const socket of sockets) socket.goesAway();
        expect(bench.port.connections.size).toBe(0);
      }),
      { seed: 1, numRuns: 50 },
    );
  });
});
