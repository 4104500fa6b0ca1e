import { describe, expect, it } from "vitest";
import type { Address } from "#base/java-address.ts";
import type { ConnectOptions, ListenOptions, Socket, SocketHandler } from "#host/wire.ts";
import { connectToAny, listenOnAll } from "#net/addresses.ts";

const handler: SocketHandler = { data: () => {}, ended: () => {}, drained: () => {}, closed: () => {} };
const ignore = (): void => {};
const here = [
  { host: "a", port: 1 },
  { host: "b", port: 2 },
];

/** A network in which connections stand until the test lets them succeed or fail. */
class FakeWire {
  readonly attempts: ConnectOptions[] = [];
  readonly destroyed: string[] = [];
  readonly outcomes: string[] = [];

  connect(options: ConnectOptions): void {
    this.attempts.push(options);
  }

  succeed(at: number): SocketHandler | null {
    const { host } = this.attempts[at]!;
    return this.attempts[at]!.connected({ destroy: () => this.destroyed.push(host) } as unknown as Socket);
  }

  fail(at: number, code: string): void {
    this.attempts[at]!.failed(Object.assign(new Error(code), { code }));
  }

  begin(): void {
    connectToAny(this, here, {
      timeoutMs: 5,
      isKeepAlive: false,
      connected: () => {
        this.outcomes.push("connected");
        return handler;
      },
      failed: (error) => void this.outcomes.push(error.message),
    });
  }
}

describe("a server of several addresses", () => {
  it("is connected to by whichever answers first, and by no other", () => {
    const wire = new FakeWire();
    wire.begin();
    expect(wire.attempts.map(({ host, port }) => `${host}:${port}`)).toEqual(["a:1", "b:2"]);
    expect(wire.succeed(1)).toBe(handler);
    expect(wire.succeed(0)).toBeNull();
    expect([wire.outcomes, wire.destroyed]).toEqual([["connected"], ["a"]]);
  });

  it("is there as long as one of them is", () => {
    const wire = new FakeWire();
    wire.begin();
    wire.fail(0, "ETIMEDOUT");
    expect(wire.outcomes).toEqual([]);
    wire.succeed(1);
    expect(wire.outcomes).toEqual(["connected"]);
    const other = new FakeWire();
    other.begin();
    other.succeed(0);
    other.fail(1, "ECONNREFUSED");
    expect(other.outcomes).toEqual(["connected"]);
  });

  it("counts as not running only when all of them refuse", () => {
    const refused = new FakeWire();
    refused.begin();
    refused.fail(1, "ECONNREFUSED");
    refused.fail(0, "ECONNREFUSED");
    expect(refused.outcomes).toEqual(["ECONNREFUSED"]);
    const unknown = new FakeWire();
    unknown.begin();
    unknown.fail(0, "ETIMEDOUT");
    unknown.fail(1, "ECONNREFUSED");
    expect(unknown.outcomes).toEqual(["ETIMEDOUT"]);
  });
});

/** A machine on which "late" cannot be bound while that network is not there; waits last until the test ends them. */
class FakeMachine {
  readonly open = new Set<string>();
  readonly errors: string[] = [];
  readonly waits: number[] = [];
  isThere = false;
  #next: (() => void) | null = null;
  readonly parts = {
    logger: {
      debug: ignore,
      info: ignore,
      warn: ignore,
      error: (_facts: object, message: string) => void this.errors.push(message),
    },
    wire: {
      listen: async ({ address, port }: ListenOptions) => {
        if (address === "late" && !this.isThere) throw new Error("EADDRNOTAVAIL");
        this.open.add(address);
        return { address, port, close: async () => void this.open.delete(address) };
      },
    },
  };
  readonly timers = {
    after: (ms: number, action: () => void) => {
      this.waits.push(ms);
      this.#next = action;
      return { cancel: () => void (this.#next = null) };
    },
  };

  /** The wait is over, and what follows from it is done. */
  async wait(): Promise<void> {
    const next = this.#next;
    this.#next = null;
    next?.();
    await new Promise(setImmediate);
  }
}

describe("a server with several addresses, of which one cannot be bound", () => {
  const late = { host: "late", port: 3 };
  const three = [here[0]!, late, here[1]!];
  const options = { backlog: -1, isKeepAlive: false, accept: () => null };

  it("listens on the others, and says which cannot", async () => {
    const { open, errors, parts } = new FakeMachine();
    const listener = await listenOnAll(parts, three, options);
    expect([listener.bound, [...open]]).toEqual([here, ["a", "b"]]);
    expect(errors).toEqual(["Exception while listening to address /late:3"]);
    await listener.close();
    expect(open.size).toBe(0);
    await expect(listenOnAll(parts, [late, late], options)).rejects.toThrow("EADDRNOTAVAIL");
  });

  it("tries it again, as often as it is told to, and says when it is there", async () => {
    const machine = new FakeMachine();
    const told: Address[] = [];
    const bound = (address: Address): void => void told.push(address);
    const again = { timers: machine.timers, attempts: 3, waitMs: 1_000, bound };
    const listener = await listenOnAll(machine.parts, three, options, again);
    await machine.wait();
    machine.isThere = true;
    await machine.wait();
    expect([told, machine.waits, [...machine.open]]).toEqual([[late], [1_000, 1_000], ["a", "b", "late"]]);
    expect(machine.errors).toHaveLength(2);
    await listener.close();
    expect(machine.open.size).toBe(0);

    const other = new FakeMachine();
    await listenOnAll(other.parts, three, options, { ...again, timers: other.timers });
    for (let wait = 0; wait < 5; wait++) await other.wait();
    expect(other.errors).toHaveLength(3);
  });

  it("does so for ever where it is told to, but not when it is closed", async () => {
    const machine = new FakeMachine();
    const again = { timers: machine.timers, attempts: 0, waitMs: 1_000, bound: ignore };
    const listener = await listenOnAll(machine.parts, three, options, again);
    for (let wait = 0; wait < 9; wait++) await machine.wait();
    expect(machine.errors).toHaveLength(10);
    const closing = machine.wait();
    machine.isThere = true;
    await listener.close();
    await closing;
    await machine.wait();
    expect([machine.errors.length, machine.open.size]).toEqual([11, 0]);
    await machine.wait();
    expect(machine.errors).toHaveLength(11);
  });
});
