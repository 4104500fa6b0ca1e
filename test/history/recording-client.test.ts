/** A client that is told what makes no sense keeps what it has written down. */

import { expect, test } from "vitest";
import type { ConnectOptions, Socket, SocketHandler, Wire } from "#host/wire.ts";
import { Bytes } from "../support/bytes.ts";
import type { Call } from "./conversation.ts";
import { RecordingClient } from "./recording-client.ts";

const session = 5n;

/** A server that says what the test says. */
class Script {
  isClosed = false;
  #handler: SocketHandler | null = null;

  get wire(): Wire {
    const socket = { write: () => true, destroy: () => void (this.isClosed = true) } as unknown as Socket;
    const connect = (options: ConnectOptions): void => {
      this.isClosed = false;
      this.#handler = options.connected(socket);
    };
    return { connect } as unknown as Wire;
  }

  say(body: Bytes): void {
    this.#handler!.data(new Bytes().buffer(body.build()).build());
  }

  grant(): void {
    this.say(new Bytes().int(0).int(8_000).long(session).buffer(Buffer.alloc(16)).bool(false));
  }
}

function begin(): { client: RecordingClient; server: Script; broken: unknown[] } {
  const server = new Script();
  const broken: unknown[] = [];
  const client = new RecordingClient({
    number: 0,
    host: {
      wire: server.wire,
      nowMs: () => 1_000,
      after: () => {},
      pick: ([place]) => place!,
      broken: (error) => void broken.push(error),
    },
    servers: [{ name: "1", host: "127.0.0.1", port: 2181 }],
    times: { sessionTimeoutMs: 8_000, requestTimeoutMs: 3_000, pingMs: 1_000 },
    wasOutOfTouch: () => false,
  });
  client.connect();
  return { client, server, broken };
}

test.each([
  ["an answer to what it has not asked", new Bytes().int(7).long(1n).int(0)],
  ["an answer that ends too soon", new Bytes().int(1).long(1n).int(0).int(100)],
])("%s ends the connection and not the history", (_, body) => {
  const { client, server, broken } = begin();
  server.grant();
  const settled: Call[] = [];
  client.ask({ op: "getData", path: "/a", watch: false }, (call) => void settled.push(call));
  server.say(body);
  expect(broken).toEqual([expect.any(Error)]);
  expect(server.isClosed).toBe(true);
  expect(settled).toMatchObject([{ xid: 1, answer: null }]);
  expect(client.conversations).toMatchObject([{ session, isGranted: true, calls: [{ xid: 1 }] }]);
});

test("a session that is asked for in vain is written down", () => {
  const { client, server } = begin();
  server.grant();
  client.drop();
  client.connect();
  client.drop();
  client.connect();
  server.grant();
  expect(client.conversations.map(({ isGranted }) => isGranted)).toEqual([true, false, true]);
});
