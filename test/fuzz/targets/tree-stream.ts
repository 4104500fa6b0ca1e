/**
 * The target `tree-stream`: a whole tree on the quorum port, as a leader sends it behind SNAP, and whatever else may come there.
 *
 * Nothing is thrown but MarshallingError; in other pieces the same bytes are the same tree, end at the same place or fail alike;
 * a tree that was taken can be written and read again.
 */

import { readdirSync, readFileSync } from "node:fs";
import { MarshallingError } from "#jute/reader.ts";
import { TreeReceiver } from "#server/tree-stream.ts";
import { expectAclsCounted, expectCountsRight } from "../../support/tree-dump.ts";
import { checkSnapshot, newDatabase, stateOf } from "../database-bench.ts";
import { cutInPieces, demand, diceOf, type FuzzTarget } from "../target.ts";

const fixtures = new URL("../../fixtures/disk/", import.meta.url);
const headerBytes = 16;
const signature = Buffer.from("0000000a42656e57617348657265", "hex");
const zxid = 0x100000005n;

interface Outcome {
  /** How many bytes were the tree's; -1 when more is expected. */
  readonly taken: number;
  readonly hasFailed: boolean;
  readonly receiver: TreeReceiver;
}

function receive(input: Buffer, pieceBytesMax: number): Outcome {
  const receiver = new TreeReceiver(newDatabase(), zxid);
  let taken = 0;
  try {
    for (const piece of cutInPieces(input, diceOf(input, 1), pieceBytesMax)) {
      const chunk = Buffer.concat([Buffer.alloc(3, 0xdb), piece]);
      taken += receiver.take(chunk, 3, chunk.length);
      chunk.fill(0xdb);
      if (receiver.isComplete) return { taken, hasFailed: false, receiver };
    }
  } catch (error) {
    if (!(error instanceof MarshallingError)) throw error;
    return { taken: -1, hasFailed: true, receiver };
  }
  return { taken: -1, hasFailed: false, receiver };
}

async function play(input: Buffer): Promise<void> {
  const whole = receive(input, 0);
  const inPieces = receive(input, 40);
  demand(whole.hasFailed === inPieces.hasFailed, "it fails in pieces only, or as a whole only");
  demand(whole.taken === inPieces.taken, `${inPieces.taken} bytes in pieces, ${whole.taken} as a whole`);
  if (whole.taken < 0) return;
  const database = whole.receiver.finish();
  demand(stateOf(database) === stateOf(inPieces.receiver.finish()), "another tree in pieces");
  expectCountsRight(database.tree);
  expectAclsCounted(database.tree);
  await checkSnapshot(database);
}

/** Bodies of real snapshots, which is what a leader sends. */
function bodies(): Buffer[] {
  return readdirSync(fixtures, { recursive: true, encoding: "utf8" })
    .filter((name) => /\/snapshot\.[0-9a-f]+$/.test(name))
    .map((name) => readFileSync(new URL(name, fixtures)))
    .map((bytes) => bytes.subarray(headerBytes, bytes.indexOf("\u0000\u0000\u0000\u0001/", headerBytes, "latin1") + 5))
    .map((body) => Buffer.concat([body, signature]))
    .filter(({ length }) => length < 8192);
}

export const treeStream: FuzzTarget = {
  name: "tree-stream",
  kind: "bytes",
  bytesMax: 16_384,
  words: [
    "/",
    "/a",
    "/zookeeper/quota/a/zookeeper_limits",
    "world",
    "anyone",
    "count=1",
    signature,
    Buffer.from("000000012f", "hex"),
  ],
  allocatedBytesMax: 12 << 20,
  seeds: bodies,
  run: play,
};
