/**
 * Frames as a network delivers them: cut anywhere, glued together, too long, too short. What a client sent decides the
 * answer; how it was cut never does.
 */

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ServerProcess, testedKind } from "../support/server-process.ts";
import { Bytes } from "../support/bytes.ts";
import { WireClient } from "../support/wire-client.ts";
import { body, connectRequest, frame, op, requestFrame } from "../support/wire-frames.ts";

const frameBytesMax = 1_048_575;

let server: ServerProcess;

beforeAll(async () => {
  server = await ServerProcess.start();
  const client = await WireClient.connect(server.port);
  await client.create("/framing", "some data");
  await client.closeSession();
});

afterAll(() => server.dispose());

function lengthErrorLines(): number {
  return server.stdout.match(/Len error/g)?.length ?? 0;
}

/** Handshake, a read, a refused read, a write, a watch that the write fires, close. */
const conversation = Buffer.concat([
  connectRequest(),
  requestFrame(1, op.getData, body.watched("/framing", true)),
  requestFrame(2, op.getData, body.watched("/framing/absent")),
  requestFrame(3, op.setData, body.setData("/framing", "some data")),
  requestFrame(4, op.exists, body.watched("/framing")),
  requestFrame(5, op.closeSession),
]);

const expectedArrivals = ["reply 1: 0", "reply 2: -101", "event 3 /framing", "reply 3: 0", "reply 4: 0", "reply 5: 0"];

/** Sends the conversation in pieces, one after the other, and tells what came back. */
async function converse(pieces: readonly Uint8Array[]): Promise<string[]> {
  const client = await WireClient.open(server.port);
  for (const piece of pieces) {
    client.sendRaw(piece);
    // A turn of the event loop between two writes sends them as two segments.
    await new Promise((resolve) => setImmediate(resolve));
  }
  await client.ended;
  expect(client.session.timeoutMs).toBe(30_000);
  return client.arrivals.map((arrival) =>
    arrival.kind === "event" ? `event ${arrival.type} ${arrival.path}` : `reply ${arrival.xid}: ${arrival.err}`,
  );
}

describe("a conversation is understood however it is cut", () => {
  test("as one chunk", async () => {
    expect(await converse([conversation])).toEqual(expectedArrivals);
  });

  test("at every offset into two chunks", async () => {
    for (let offset = 1; offset < conversation.length; offset++) {
      const arrivals = await converse([conversation.subarray(0, offset), conversation.subarray(offset)]);
      expect(arrivals, `cut at ${offset}`).toEqual(expectedArrivals);
    }
  });

  test("one byte at a time", async () => {
    const bytes = Array.from(conversation, (byte) => Uint8Array.of(byte));
    expect(await converse(bytes)).toEqual(expectedArrivals);
  });

  test("one byte at a time on twenty connections at once", async () => {
    const bytes = Array.from(conversation, (byte) => Uint8Array.of(byte));
    const all = await Promise.all(Array.from({ length: 20 }, () => converse(bytes)));
    const replies = all.map((arrivals) => arrivals.filter((arrival) => arrival.startsWith("reply")));
    const expected = expectedArrivals.filter((arrival) => arrival.startsWith("reply"));
    expect(replies).toEqual(Array.from({ length: 20 }, () => expected));
  });
});

describe("the handshake", () => {
  test("mirrors the readOnly byte of a client that sends it", async () => {
    using client = await WireClient.connect(server.port);
    expect(client.session.isReadOnly).toBe(false);
    expect(client.bytesReceived).toBe(4 + 37);
  });

  test("leaves the readOnly byte out for a client of the old form", async () => {
    using client = await WireClient.connect(server.port, { isOldForm: true });
    expect(client.session.isReadOnly).toBeNull();
    expect(client.bytesReceived).toBe(4 + 36);
  });

  test.each([
    { asked: 1, given: 4000 },
    { asked: -5, given: 4000 },
    { asked: 12_345, given: 12_345 },
    { asked: 1_000_000, given: 40_000 },
  ])("bounds a timeout of $asked ms to $given ms", async ({ asked, given }) => {
    using client = await WireClient.connect(server.port, { timeoutMs: asked });
    expect(client.session.timeoutMs).toBe(given);
  });

  test("gives each session an id of its own and a 16-byte password", async () => {
    using first = await WireClient.connect(server.port);
    using second = await WireClient.connect(server.port);
    expect(first.session.id).not.toBe(second.session.id);
    expect([first.session.password.length, second.session.password.length]).toEqual([16, 16]);
    expect(first.session.id >> 56n).toBe(1n);
  });

  test("closes without a word on a client that has seen a later zxid", async () => {
    const client = await WireClient.open(server.port);
    expect(await client.handshake({ lastZxidSeen: 1n << 40n })).toBeNull();
    expect(client.bytesReceived).toBe(0);
  });

  test("ignores bytes behind the record", async () => {
    using client = await WireClient.open(server.port);
    client.sendRaw(frame(Buffer.concat([connectRequest().subarray(4), Buffer.alloc(50, 7)])));
    expect((await client.awaitHandshake())?.timeoutMs).toBe(30_000);
  });
});

describe("a frame that cannot be", () => {
  const afterHandshake: { name: string; bytes: Buffer }[] = [
    { name: "a length of -1", bytes: new Bytes().int(-1).build() },
    { name: "the smallest length", bytes: new Bytes().int(-0x8000_0000).build() },
    { name: "a length of 0", bytes: new Bytes().int(0).build() },
    { name: "one byte above the limit", bytes: new Bytes().int(frameBytesMax + 1).build() },
    { name: "the greatest length", bytes: new Bytes().int(0x7fff_ffff).build() },
    { name: "a body too short for a header", bytes: frame(new Bytes().int(1).build()) },
    { name: "a four-letter word behind the handshake", bytes: Buffer.from("ruok") },
  ];

  test.each(afterHandshake)("$name closes the connection and sends nothing", async ({ bytes }) => {
    const client = await WireClient.connect(server.port);
    client.sendRaw(bytes);
    await client.ended;
    expect(client.arrivals).toEqual([]);
  });

  test.each(afterHandshake.filter(({ name }) => !name.includes("four-letter")))(
    "$name in place of the handshake closes the connection and sends nothing",
    async ({ bytes }) => {
      const client = await WireClient.open(server.port);
      client.sendRaw(bytes);
      await client.ended;
      expect(client.bytesReceived).toBe(0);
    },
  );

  test.runIf(testedKind === "ours")("has a line a second in the log, however many there are", async () => {
    const linesBefore = lengthErrorLines();
    const fromMs = Date.now();
    for (let i = 0; i < 100; i++) {
      const client = await WireClient.open(server.port);
      client.sendRaw(new Bytes().int(-1).build());
      await client.ended;
    }
    const seconds = Math.ceil((Date.now() - fromMs) / 1000);
    await expect.poll(lengthErrorLines).toBeGreaterThan(0);
    expect(lengthErrorLines() - linesBefore).toBeLessThanOrEqual(1 + seconds);
  });

  test("does not take back the replies that came before it", async () => {
    const client = await WireClient.connect(server.port);
    const reply = client.request(op.exists, body.watched("/framing"));
    await reply;
    client.sendRaw(new Bytes().int(-1).build());
    await client.ended;
    expect(client.arrivals).toHaveLength(1);
  });

  test("leaves the session alive", async () => {
    const client = await WireClient.connect(server.port);
    client.sendRaw(new Bytes().int(-1).build());
    await client.ended;
    using again = await WireClient.connect(server.port, { session: client.session });
    expect(again.session.id).toBe(client.session.id);
  });
});

describe("a frame at the limit", () => {
  test("of exactly 1048575 bytes is served", async () => {
    using client = await WireClient.connect(server.port);
    const overhead = requestFrame(1, op.create, body.create("/framing-large", "")).length - 4;
    const data = Buffer.alloc(frameBytesMax - overhead, "d");
    expect(await client.create("/framing-large", data)).toBe("/framing-large");
    const read = await client.getData("/framing-large");
    expect(read.data?.equals(data)).toBe(true);
    await client.delete("/framing-large");
  });
});

describe("a body that cannot be read", () => {
  test("is answered with MarshallingError and the connection stays", async () => {
    using client = await WireClient.connect(server.port);
    const reply = await client.request(op.getData, new Bytes().int(100).build());
    expect([reply.err, reply.body.length]).toEqual([-5, 0]);
    expect((await client.getData("/framing")).data?.toString()).toBe("some data");
  });

  test("is answered in its turn", async () => {
    using client = await WireClient.connect(server.port);
    const before = client.request(op.exists, body.watched("/framing"));
    const broken = client.request(op.getData, Buffer.alloc(0));
    const after = client.request(op.exists, body.watched("/framing"));
    await Promise.all([before, broken, after]);
    expect(client.arrivals.map((arrival) => arrival.kind === "reply" && arrival.err)).toEqual([0, -5, 0]);
  });

  test("may be followed by bytes that nobody reads", async () => {
    using client = await WireClient.connect(server.port);
    const reply = await client.request(
      op.exists,
      Buffer.concat([body.watched("/framing"), Buffer.from("more than it takes")]),
    );
    expect(reply.err).toBe(0);
  });
});

describe("an operation that does not exist", () => {
  test("is answered with Unimplemented at zxid -1, and the connection is closed", async () => {
    const client = await WireClient.connect(server.port);
    const reply = await client.request(9999);
    expect([reply.err, reply.zxid, reply.body.length]).toEqual([-6, -1n, 0]);
    expect(await client.ended).toBe("end");
  });
});
