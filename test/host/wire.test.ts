/** The real network, as far as its promises go beyond what node:net does by itself. */

import { connect, type Socket as NodeSocket } from "node:net";
import { expect, test } from "vitest";
import { nodeWire } from "#host/node/wire.ts";
import type { Listener, Socket } from "#host/wire.ts";

/** A port, a peer that is connected to it, and the peer's socket on this side. */
async function connected(): Promise<{ listener: Listener; socket: Socket; peer: NodeSocket; drained: Promise<void> }> {
  const accepted = Promise.withResolvers<Socket>();
  const { promise: drained, resolve } = Promise.withResolvers<void>();
  const accept = (socket: Socket): { data(): void; ended(): void; drained(): void; closed(): void } => {
    accepted.resolve(socket);
    return { data: () => {}, ended: () => {}, drained: resolve, closed: () => {} };
  };
  const listener = await nodeWire.listen({ address: "127.0.0.1", port: 0, backlog: -1, isKeepAlive: false, accept });
  const peer = connect({ port: listener.port, host: "127.0.0.1", allowHalfOpen: true });
  peer.on("error", () => {});
  return { listener, peer, socket: await accepted.promise, drained };
}

test("drained follows every write that was not taken at once, however little is left of it", async () => {
  const { listener, socket, peer, drained } = await connected();
  peer.pause();
  while (socket.write(Buffer.alloc(16_384)));
  peer.resume();
  await drained;
  expect(socket.bufferedBytes).toBe(0);
  peer.destroy();
  await listener.close();
});

test("a peer that goes on sending does not keep a socket that was ended", async () => {
  const { listener, socket, peer } = await connected();
  peer.resume();
  const drip = setInterval(() => peer.write("x"), 200);
  socket.write(Buffer.from("bye"));
  socket.end();
  await new Promise((resolve) => peer.once("close", resolve));
  clearInterval(drip);
  await listener.close();
});

test("a port closes though one of its sockets stays", async () => {
  const { listener, peer } = await connected();
  await listener.close();
  expect(peer.destroyed).toBe(false);
  peer.destroy();
});

/** Connects to a port that says `greeting` and closes. @returns what was heard, then who said it. */
async function hear(host: string, greeting: string): Promise<string[]> {
  const accept = (socket: Socket): null => {
    socket.write(Buffer.from(greeting));
    socket.end();
    return null;
  };
  const listener = await nodeWire.listen({ address: "127.0.0.1", port: 0, backlog: -1, isKeepAlive: false, accept });
  const heard: string[] = [];
  await new Promise<void>((resolve, reject) => {
    nodeWire.connect({
      host,
      port: listener.port,
      timeoutMs: 5_000,
      isKeepAlive: true,
      connected: (socket) => ({
        data: (bytes) => heard.push(bytes.toString()),
        ended: () => socket.destroy(),
        drained: () => {},
        closed: () => {
          heard.push(`${socket.remoteAddress}:${socket.remotePort - listener.port}`);
          resolve();
        },
      }),
      failed: reject,
    });
  });
  await listener.close();
  return heard;
}

test("connects to a port elsewhere, by address or name, and hears it", async () => {
  expect(await hear("127.0.0.1", "hello")).toEqual(["hello", "127.0.0.1:0"]);
  expect(await hear("localhost", "hello")).toEqual(["hello", "127.0.0.1:0"]);
});

test.each([
  ["nobody listens", "127.0.0.1"],
  ["the name is nobody's", "nobody.invalid"],
])("fails once when %s", async (_, host) => {
  const listener = await nodeWire.listen({
    address: "127.0.0.1",
    port: 0,
    backlog: -1,
    isKeepAlive: false,
    accept: () => null,
  });
  await listener.close();
  const failure = await new Promise<Error>((resolve, reject) => {
    nodeWire.connect({
      host,
      port: listener.port,
      timeoutMs: 20_000,
      isKeepAlive: false,
      connected: () => {
        reject(new Error("connected"));
        return null;
      },
      failed: resolve,
    });
  });
  expect(failure.message).toMatch(/ECONNREFUSED|ENOTFOUND|EAI_AGAIN/);
});
