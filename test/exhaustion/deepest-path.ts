/**
 * A path of a hundred thousand levels: with names of one letter 200 KB, which a frame may have. All beginnings of it together are ten
 * gigabytes, which is what creating them would send and log. So the tree is found on disk: in a snapshot they are as many bytes, but of
 * two letters by turns, of which compression leaves little.
 */

import { createWriteStream, mkdirSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { adler32, adler32Start } from "#base/adler32.ts";
import { Bytes } from "../support/bytes.ts";
import { WireClient } from "../support/wire-client.ts";
import { body, op } from "../support/wire-frames.ts";
import type { Attack } from "./attack.ts";
import { Pipeliner } from "./pipelined.ts";

const recursive = 1;
const deepName = "d";
const snapshotZxid = 1;
const fewInFlight = 40;
const loadMsMax = 900_000;

export function pathAt(level: number): string {
  return `/${deepName}`.repeat(level);
}

/** What follows a path: no data, the open ACL, and a StatPersisted. */
const emptyZnode = new Bytes()
  .int(0)
  .long(-1n)
  .raw(Buffer.alloc(4 * 8 + 3 * 4))
  .long(0n)
  .long(0n)
  .build();

function* snapshotItems(depth: number): Generator<Buffer, void, undefined> {
  // Magic, version, dbId; no session, no ACL list.
  yield new Bytes().raw(Buffer.from("ZKSN")).int(2).long(-1n).int(0).int(0).build();
  for (const path of ["", "/zookeeper", "/zookeeper/config", "/zookeeper/quota"]) {
    yield new Bytes().string(path).raw(emptyZnode).build();
  }
  const deepest = Buffer.from(pathAt(depth));
  const length = Buffer.alloc(4);
  for (let end = 2; end <= deepest.length; end += 2) {
    length.writeInt32BE(end);
    yield Buffer.concat([length, deepest.subarray(0, end), emptyZnode]);
  }
  yield new Bytes().string("/").build();
}

function* sealed(items: Iterable<Buffer>): Generator<Buffer, void, undefined> {
  let sum = adler32Start;
  for (const item of items) {
    sum = adler32(sum, item, 0, item.length);
    yield item;
  }
  yield new Bytes().long(BigInt(sum)).string("/").build();
}

async function writeSnapshot(folder: string, depth: number): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const file = createWriteStream(join(folder, `snapshot.${snapshotZxid}.gz`));
  await pipeline(Readable.from(sealed(snapshotItems(depth))), createGzip({ level: 1 }), file);
}

export const deepestPath: Attack = {
  name: "the deepest path",
  about:
    "a tree that is one znode below the other, 100,000 levels deep, as a server finds it on its disk: read, counted, written below a recursive watch, deleted from its end, found again after a restart",
  limits: () => [
    { measure: "unanswered", atMost: 0 },
    { measure: "refused", atMost: 0 },
    { measure: "isRestored", atLeast: 1 },
  ],
  run: async (stage) => {
    const depth = stage.pick(2000, 100_000);
    const deleted = stage.pick(500, 500);
    const settings = { "snapshot.compression.method": "gz" };
    const server = await stage.prepare({ settings, startTimeoutMs: loadMsMax });
    await writeSnapshot(join(server.folder, "data", "version-2"), depth);
    await server.restart();
    const values = await stage.beside(server, async () => {
      using client = await WireClient.connect(server.port, { timeoutMs: 40_000 });
      await client.addWatch(pathAt(1), recursive);
      await client.getData(pathAt(depth), true);
      await client.setData(pathAt(depth), "deep");
      const event = await client.nextEvent();
      const counted = await client.request(op.getAllChildrenNumber, body.path(pathAt(1)));
      const isWhole = event.path === pathAt(depth) && counted.body.readInt32BE(0) === depth - 1;
      const pipeliner = await Pipeliner.open(server.port);
      await pipeliner.run(op.delete, deleted, (i) => body.versioned(pathAt(depth - i)), fewInFlight);
      pipeliner.socket.reset();
      return { attempts: depth, refused: pipeliner.refused, unanswered: isWhole ? 0 : 1 };
    });
    await server.stop();
    const fromMs = performance.now();
    await server.restart();
    const restartMs = performance.now() - fromMs;
    using client = await WireClient.connect(server.port, { timeoutMs: 40_000 });
    const isEnd =
      (await client.exists(pathAt(depth - deleted))) !== null &&
      (await client.exists(pathAt(depth - deleted + 1))) === null;
    return { ...values, restartMs, isRestored: isEnd ? 1 : 0 };
  },
};
