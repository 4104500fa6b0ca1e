/**
 * Hostile bytes beside an honest client. Valid conversations are cut, repeated, reordered and bent; whatever that does
 * to the connection that carries it, the honest client's answers stay right and its connection stays up. A failing run
 * prints its seed; NODEKEEPER_FUZZ_SEED runs it again, and NODEKEEPER_FUZZ_RUNS makes the run longer.
 */

import { connect } from "node:net";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ServerProcess } from "../support/server-process.ts";
import { Bytes } from "../support/bytes.ts";
import { fourLetterWord, WireClient } from "../support/wire-client.ts";
import { body, connectRequest, frame, op, openAcl, requestFrame } from "../support/wire-frames.ts";

const seed = Number(process.env["NODEKEEPER_FUZZ_SEED"] ?? 20_260_201);
const numRuns = Number(process.env["NODEKEEPER_FUZZ_RUNS"] ?? 200);

let server: ServerProcess;
let honest: WireClient;
let expectedVersion = 0;

beforeAll(async () => {
  server = await ServerProcess.start();
  honest = await WireClient.connect(server.port, { timeoutMs: 40_000 });
  await honest.create("/honest", "0");
  await honest.create("/fuzz", "");
});

afterAll(() => server.dispose());

function setWatches2Body(): Buffer {
  const bytes = new Bytes().long(9n);
  for (let list = 0; list < 5; list++) bytes.strings(["/fuzz/a"]);
  return bytes.build();
}

/** One of each request, as a client would send it. */
const requests: readonly Buffer[] = [
  requestFrame(1, op.create, body.create("/fuzz/a", "data")),
  requestFrame(2, op.create2, body.create("/fuzz/s-", "data", 3)),
  requestFrame(3, op.createContainer, body.create("/fuzz/c", "", 4)),
  requestFrame(4, op.getData, body.watched("/fuzz/a", true)),
  requestFrame(5, op.setData, body.setData("/fuzz/a", "other data", -1)),
  requestFrame(6, op.exists, body.watched("/fuzz/b", true)),
  requestFrame(7, op.getChildren, body.watched("/fuzz", true)),
  requestFrame(8, op.getChildren2, body.watched("/fuzz", false)),
  requestFrame(9, op.getACL, body.path("/fuzz/a")),
  requestFrame(10, op.setACL, new Bytes().string("/fuzz/a").acl(openAcl).int(-1).build()),
  requestFrame(11, op.sync, body.path("/fuzz")),
  requestFrame(
    12,
    op.multi,
    body.multi([
      { type: op.create, body: body.create("/fuzz/m", "x") },
      { type: op.check, body: body.versioned("/fuzz/m", 0) },
      { type: op.delete, body: body.versioned("/fuzz/m", 0) },
    ]),
  ),
  requestFrame(13, op.multiRead, body.multi([{ type: op.getData, body: body.watched("/fuzz") }])),
  requestFrame(
    -8,
    op.setWatches,
    new Bytes().long(0n).strings(["/fuzz/a"]).strings(["/fuzz/b"]).strings(["/fuzz"]).build(),
  ),
  requestFrame(-8, op.setWatches2, setWatches2Body()),
  requestFrame(14, op.addWatch, new Bytes().string("/fuzz").int(1).build()),
  requestFrame(15, op.removeWatches, new Bytes().string("/fuzz").int(3).build()),
  requestFrame(16, op.whoAmI),
  requestFrame(-4, op.auth, new Bytes().int(0).string("digest").buffer(Buffer.from("user:password")).build()),
  requestFrame(-2, op.ping),
  requestFrame(17, op.delete, body.versioned("/fuzz/a", -1)),
  requestFrame(18, op.closeSession),
  frame(Buffer.alloc(8, 0xff)),
  Buffer.from("mntr"),
];

type Damage =
  | { kind: "flip"; at: number; bits: number }
  | { kind: "int"; at: number; value: number }
  | { kind: "cut"; at: number }
  | { kind: "insert"; at: number; bytes: Uint8Array }
  | { kind: "remove"; at: number; count: number };

/** A place in the bytes, as a fraction of their length. */
const place = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true });
const awkward = fc.constantFrom(-1, -2, 0, 1, 4, 0x7fff_ffff, -0x8000_0000, 1_048_575, 1_048_576, 0x00ff_ffff);
const damage: fc.Arbitrary<Damage> = fc.oneof(
  fc.record({ kind: fc.constant("flip" as const), at: place, bits: fc.integer({ min: 1, max: 255 }) }),
  fc.record({ kind: fc.constant("int" as const), at: place, value: awkward }),
  fc.record({ kind: fc.constant("cut" as const), at: place }),
  fc.record({ kind: fc.constant("insert" as const), at: place, bytes: fc.uint8Array({ minLength: 1, maxLength: 40 }) }),
  fc.record({ kind: fc.constant("remove" as const), at: place, count: fc.integer({ min: 1, max: 12 }) }),
);

function damaged(bytes: Buffer, wound: Damage): Buffer {
  const at = Math.floor(wound.at * bytes.length);
  if (wound.kind === "cut") return bytes.subarray(0, at);
  if (wound.kind === "insert") return Buffer.concat([bytes.subarray(0, at), wound.bytes, bytes.subarray(at)]);
  if (wound.kind === "remove") return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + wound.count)]);
  const copy = Buffer.from(bytes);
  if (wound.kind === "flip") {
    if (at < copy.length) copy[at]! ^= wound.bits;
    return copy;
  }
  // On a four-byte boundary, where the lengths and codes of most records stand.
  const aligned = Math.min(at - (at % 4), copy.length - 4);
  if (aligned >= 0) copy.writeInt32BE(wound.value, aligned);
  return copy;
}

/** Sends `bytes` on a connection of its own and waits until the server has let go of it, whatever it answers. */
function attack(bytes: Buffer): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect({ port: server.port, host: "127.0.0.1" });
    socket.on("error", () => socket.destroy());
    socket.on("close", () => resolve());
    socket.resume();
    socket.end(bytes);
  });
}

/** A write and a read that must come out as if the client were alone. */
async function honestWork(): Promise<void> {
  const stat = await honest.setData("/honest", String(++expectedVersion));
  expect(stat.version).toBe(expectedVersion);
  const read = await honest.getData("/honest");
  expect([read.data?.toString(), read.stat.version]).toEqual([String(expectedVersion), expectedVersion]);
}

const conversation = fc.array(fc.constantFrom(...requests), { minLength: 1, maxLength: 6 });

describe("an honest client notices nothing", () => {
  test("of damaged requests behind a good handshake", async () => {
    await fc.assert(
      fc.asyncProperty(conversation, fc.array(damage, { minLength: 1, maxLength: 3 }), async (frames, wounds) => {
        const bytes = wounds.reduce(damaged, Buffer.concat(frames));
        await Promise.all([attack(Buffer.concat([connectRequest({ timeoutMs: 4000 }), bytes])), honestWork()]);
        await honestWork();
      }),
      { seed, numRuns, endOnFailure: true },
    );
  }, 120_000);

  test("of damaged handshakes", async () => {
    await fc.assert(
      fc.asyncProperty(conversation, fc.array(damage, { minLength: 1, maxLength: 3 }), async (frames, wounds) => {
        const handshake = wounds.reduce(damaged, connectRequest({ timeoutMs: 4000 }));
        await Promise.all([attack(Buffer.concat([handshake, ...frames])), honestWork()]);
      }),
      { seed, numRuns, endOnFailure: true },
    );
  }, 120_000);

  test("of noise", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 300 }), async (bytes) => {
        await Promise.all([attack(Buffer.from(bytes)), honestWork()]);
      }),
      { seed, numRuns, endOnFailure: true },
    );
  }, 120_000);

  test("of many damaged connections at once", async () => {
    const attacks = fc.sample(fc.tuple(conversation, damage), { seed, numRuns: 200 });
    const work = attacks.map(([frames, wound]) =>
      attack(Buffer.concat([connectRequest({ timeoutMs: 4000 }), damaged(Buffer.concat(frames), wound)])),
    );
    for (let i = 0; i < 20; i++) await honestWork();
    await Promise.all(work);
    await honestWork();
  });
});

test("after all of it the server still serves, and lost nobody but the attackers", async () => {
  await honestWork();
  expect(server.isRunning).toBe(true);
  expect(await fourLetterWord(server.port, "ruok")).toBe("imok");
  expect(honest.arrivals.every((arrival) => arrival.kind === "reply" && arrival.err === 0)).toBe(true);
});
