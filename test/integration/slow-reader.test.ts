/**
 * A client that asks for much and reads nothing. It must cost the others nothing and the server a bounded amount of
 * memory, and once it reads again it gets all it asked for, in order.
 */

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { residentBytes, ServerProcess, testedKind } from "../support/server-process.ts";
import { WireClient } from "../support/wire-client.ts";
import { body, op, requestFrame } from "../support/wire-frames.ts";

const dataBytes = 100_000;
const requests = 3000;

let server: ServerProcess;

beforeAll(async () => {
  server = await ServerProcess.start();
  using client = await WireClient.connect(server.port);
  await client.create("/large", Buffer.alloc(dataBytes, "l"));
  await client.create("/small", "");
});

afterAll(() => server.dispose());

/** A client with 300 MB of replies coming to it, none of which it reads yet. */
async function slowClient(): Promise<WireClient> {
  const slow = await WireClient.connect(server.port, { timeoutMs: 40_000 });
  slow.pauseReading();
  const frames = Array.from({ length: requests }, (_, i) => requestFrame(i + 1, op.getData, body.watched("/large")));
  slow.sendRaw(Buffer.concat(frames));
  return slow;
}

describe("a client that does not read", () => {
  test("does not hold up the others", async () => {
    using slow = await slowClient();
    using other = await WireClient.connect(server.port);
    for (let i = 0; i < 200; i++) {
      await other.setData("/small", String(i));
      expect((await other.getData("/small")).data?.toString()).toBe(String(i));
    }
    expect(slow.arrivals).toEqual([]);
  });

  test("gets everything in order once it reads again", async () => {
    using slow = await slowClient();
    using other = await WireClient.connect(server.port);
    await other.setData("/small", "meanwhile");
    const last = slow.awaitReply(requests);
    slow.resumeReading();
    await last;
    const xids = slow.arrivals.map((arrival) => (arrival.kind === "reply" ? arrival.xid : -1));
    expect(xids).toEqual(Array.from({ length: requests }, (_, i) => i + 1));
    const bodies = new Set(slow.arrivals.map((arrival) => (arrival.kind === "reply" ? arrival.body.length : 0)));
    expect(bodies).toEqual(new Set([4 + dataBytes + 68]));
  });

  if (testedKind === "ours") {
    test("costs the server a bounded amount of memory", async () => {
      using other = await WireClient.connect(server.port);
      await other.getData("/large");
      const before = residentBytes(server.pid);
      using slow = await slowClient();
      for (let i = 0; i < 200; i++) await other.setData("/small", String(i));
      expect(residentBytes(server.pid) - before).toBeLessThan(100e6);
      expect(slow.arrivals).toEqual([]);
    });
  }
});
