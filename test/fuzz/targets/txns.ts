/**
 * The target `txns`: one transaction, as a leader proposes it and a log has it, on a tree of some znodes.
 *
 * What a learner accepts (protocol/txn-body.ts) is what can be applied, no more and no less; and after it counts are what counting finds, and a
 * snapshot of the tree is that tree.
 */

import { MarshallingError } from "#jute/reader.ts";
import { OpCode } from "#protocol/op-code.ts";
import { txnBodyEnd } from "#protocol/txn-body.ts";
import { addSystemZnodes } from "#tree/system-znodes.ts";
import type { Database } from "#server/database.ts";
import { Bytes } from "../../support/bytes.ts";
import { expectAclsCounted, expectCountsRight } from "../../support/tree-dump.ts";
import { checkSnapshot, newDatabase } from "../database-bench.ts";
import { demand, type FuzzTarget } from "../target.ts";

const open = [{ perms: 31, scheme: "world", id: "anyone" }];
const own = [{ perms: 1, scheme: "digest", id: "u:p" }];

/** @param zxid counts on from what the tree has been made of. */
function txn(type: number, body: Bytes, zxid = 100n): Buffer {
  return new Bytes().long(7n).int(1).long(zxid).long(1_700_000_000_000n).int(type).raw(body.build()).build();
}

function created(path: string, isEphemeral = false): Bytes {
  return new Bytes().string(path).string("data").acl(open).bool(isEphemeral).int(1);
}

const digest = new Bytes().int(2).long(5n).build();

/** What the tree is made of. */
const first: readonly Buffer[] = [
  txn(OpCode.createSession, new Bytes().int(10_000), 1n),
  txn(OpCode.create, created("/a"), 2n),
  txn(OpCode.create, created("/a/b"), 3n),
  txn(OpCode.create2, created("/e", true), 4n),
  txn(OpCode.create, created("/zookeeper/quota/a"), 5n),
  txn(
    OpCode.create,
    new Bytes().string("/zookeeper/quota/a/zookeeper_limits").string("count=5,bytes=50").acl(open).bool(false).int(1),
    6n,
  ),
  txn(OpCode.create, created("/zookeeper/quota/a/zookeeper_stats"), 7n),
  txn(OpCode.setACL, new Bytes().string("/a/b").acl(own).int(1), 8n),
];

/** A part of a multi. */
function part(type: number, body: Bytes): Buffer {
  return new Bytes().int(type).buffer(body.build()).build();
}

function seeds(): Buffer[] {
  return [
    ...first,
    txn(OpCode.delete, new Bytes().string("/a/b")),
    txn(OpCode.deleteContainer, new Bytes().string("/a/b").raw(digest)),
    txn(OpCode.setData, new Bytes().string("/a").string("other").int(1).raw(digest)),
    txn(OpCode.setData, new Bytes().string("/zookeeper/quota/a/zookeeper_limits").string("count=1").int(1)),
    txn(OpCode.reconfig, new Bytes().string("/zookeeper/config").string("version=1").int(-1)),
    txn(OpCode.createTTL, new Bytes().string("/t").string("").acl(open).int(1).long(1000n)),
    txn(OpCode.createContainer, new Bytes().string("/c").buffer(null).acl(own).int(1)),
    txn(OpCode.check, new Bytes().string("/a").int(1)),
    txn(OpCode.error, new Bytes().int(-101)),
    txn(OpCode.closeSession, new Bytes().strings(["/e", "/a"])),
    txn(OpCode.closeSession, new Bytes().raw(digest)),
    txn(
      OpCode.multi,
      new Bytes()
        .int(2)
        .raw(part(OpCode.create, created("/m")))
        .raw(part(OpCode.setData, new Bytes().string("/a").string("m").int(2))),
    ),
    txn(
      OpCode.multi,
      new Bytes()
        .int(2)
        .raw(part(OpCode.create, created("/m")))
        .raw(part(OpCode.error, new Bytes().int(-110))),
    ),
  ];
}

/** @returns whether it could be done. */
function isPossible(work: () => void): boolean {
  try {
    work();
    return true;
  } catch (error) {
    if (!(error instanceof MarshallingError)) throw error;
    return false;
  }
}

function treeToApplyTo(): Database {
  const database = newDatabase();
  addSystemZnodes(database.tree);
  for (const bytes of first) database.applier.apply(bytes, 0, bytes.length);
  return database;
}

async function play(input: Buffer): Promise<void> {
  const database = treeToApplyTo();
  const isAccepted = isPossible(() => txnBodyEnd(input, 0, input.length));
  const isApplied = isPossible(() => database.applier.apply(input, 0, input.length));
  demand(
    isAccepted === isApplied,
    isApplied ? "it is refused, and can be applied" : "it is accepted, and cannot be applied",
  );
  if (!isApplied) return;
  const { tree } = database;
  expectCountsRight(tree);
  expectAclsCounted(tree);
  await checkSnapshot(database);
}

export const txns: FuzzTarget = {
  name: "txns",
  kind: "bytes",
  bytesMax: 2048,
  words: [
    "/",
    "/a",
    "/a/b",
    "/e",
    "/zookeeper",
    "/zookeeper/quota",
    "/zookeeper/quota/a",
    "/zookeeper/quota/a/zookeeper_limits",
    "/zookeeper/quota/a/zookeeper_stats",
    "count=1",
    "//",
    ...Object.values(OpCode).map((code) => new Bytes().int(code).build()),
  ],
  allocatedBytesMax: 8 << 20,
  seeds,
  run: play,
};
