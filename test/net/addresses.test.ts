import { describe, expect, it } from "vitest";
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

  it("listens on all that can be bound, and says which cannot", async () => {
    const open = new Set<string>();
    const wire = {
      listen: async ({ address, port }: ListenOptions) => {
        if (address === "taken") throw new Error("EADDRINUSE");
        open.add(address);
        return { address, port, close: async () => void open.delete(address) };
      },
    };
    const errors: string[] = [];
    const error = (_facts: object, message: string): void => void errors.push(message);
    const logger = { debug: ignore, info: ignore, warn: ignore, error };
    const options = { backlog: -1, isKeepAlive: false, accept: () => null };
    const taken = { host: "taken", port: 3 };
    const listener = await listenOnAll({ wire, logger }, [here[0]!, taken, here[1]!], options);
    expect([listener.bound, [...open]]).toEqual([here, ["a", "b"]]);
    expect(errors).toEqual(["Exception while listening to address /taken:3"]);
    await listener.close();
    expect(open.size).toBe(0);
    await expect(listenOnAll({ wire, logger }, [taken, taken], options)).rejects.toThrow("EADDRINUSE");
  });
});
