/**
 * The promise of a write: what was acknowledged is there after the power went. Clients write as fast as they can, the
 * server is killed in the middle, again and again, and each time the survivors of every client must be a prefix of what
 * it sent that holds all it was told about.
 */

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ServerProcess } from "../support/server-process.ts";
import { WireClient } from "../support/wire-client.ts";
import { body, op, requestFrame } from "../support/wire-frames.ts";

const rounds = 6;
const writers = 8;
const acknowledgedPerRound = 4000;
const depth = 32;

let server: ServerProcess;

beforeAll(async () => {
  // Few transactions to a snapshot, so that kills meet snapshots and log rolls too.
  server = await ServerProcess.start({ settings: { snapCount: 3000, preAllocSize: 1024 } });
});

afterAll(() => server.dispose());

/** One client's way through the rounds: it creates root/0, root/1, ... and overwrites root each time. */
class Writer {
  readonly root: string;
  acknowledged = 0;
  #sent = 0;

  constructor(index: number) {
    this.root = `/writer-${index}`;
  }

  /** Writes until the connection ends; `onAcknowledged` hears of each answer. */
  async write(client: WireClient, onAcknowledged: () => void): Promise<void> {
    const inFlight = Array.from({ length: depth }, () => this.#writeOneByOne(client, onAcknowledged));
    await Promise.allSettled(inFlight);
  }

  async #writeOneByOne(client: WireClient, onAcknowledged: () => void): Promise<void> {
    for (;;) {
      const number = this.#sent++;
      const created = client.awaitReply(2 * number + 1);
      const updated = client.awaitReply(2 * number + 2);
      client.sendRaw(
        Buffer.concat([
          requestFrame(2 * number + 1, op.create, body.create(`${this.root}/${number}`, String(number))),
          requestFrame(2 * number + 2, op.setData, body.setData(this.root, String(number))),
        ]),
      );
      expect([(await created).err, (await updated).err]).toEqual([0, 0]);
      this.acknowledged = number + 1;
      onAcknowledged();
    }
  }

  /** Compares what is there with what was acknowledged, and goes on from there. */
  async verify(client: WireClient): Promise<void> {
    const numbers = (await client.getChildren(this.root)).map(Number).toSorted((a, b) => a - b);
    expect(numbers).toEqual(numbers.map((_, index) => index));
    expect(numbers.length).toBeGreaterThanOrEqual(this.acknowledged);
    expect(numbers.length).toBeLessThanOrEqual(this.#sent);
    const overwritten = Number((await client.getData(this.root)).data?.toString());
    expect(overwritten).toBeGreaterThanOrEqual(this.acknowledged - 1);
    expect(numbers.length - 1 - overwritten).toBeOneOf([0, 1]);
    this.#sent = numbers.length;
    this.acknowledged = numbers.length;
  }
}

describe("a server killed under load", () => {
  test("finds every acknowledged write again, and of each client a prefix of what it sent", async () => {
    const all = Array.from({ length: writers }, (_, index) => new Writer(index));
    const setup = await WireClient.connect(server.port);
    for (const writer of all) await setup.create(writer.root, "-1");
    let lastZxid = 0n;
    for (let round = 0; round < rounds; round++) {
      await writeAndKill(all);
      await server.restart();
      using witness = await WireClient.connect(server.port);
      for (const writer of all) await writer.verify(witness);
      const zxid = witness.arrivals.at(-1)?.zxid ?? 0n;
      expect(zxid).toBeGreaterThan(lastZxid);
      lastZxid = zxid;
    }
  }, 60_000);
});

/** Lets the writers run until enough was acknowledged, then kills the server in the middle of their work. */
async function writeAndKill(all: readonly Writer[]): Promise<void> {
  let acknowledged = 0;
  const clients = await Promise.all(all.map(() => WireClient.connect(server.port)));
  const { promise: enough, resolve } = Promise.withResolvers<void>();
  const work = all.map((writer, index) =>
    writer.write(clients[index]!, () => {
      if (++acknowledged === acknowledgedPerRound) resolve();
    }),
  );
  await enough;
  await server.kill();
  await Promise.all(work);
}
