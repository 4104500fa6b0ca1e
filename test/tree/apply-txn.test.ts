/**
 * What transactions do to a tree that is not quite the one they were made for: a log replayed over a fuzzy snapshot, logs
 * of other versions, transactions that stop ZooKeeper.
 */

import { beforeEach, describe, expect, test } from "vitest";
import { MarshallingError } from "#jute/reader.ts";
import { JuteWriter } from "#jute/writer.ts";
import { TxnApplier } from "#tree/apply-txn.ts";
import { DataTree } from "#tree/data-tree.ts";
import { TreeSnapshotSource } from "#tree/snapshot-source.ts";
import { addSystemZnodes } from "#tree/system-znodes.ts";
import { dumpTree, expectAclsCounted, expectCountsRight } from "../support/tree-dump.ts";
import { Bytes } from "../support/bytes.ts";
import { type Acl, openAcl } from "../support/wire-frames.ts";
import { loadBody } from "../support/snapshot-body.ts";

const readOnly: readonly Acl[] = [{ perms: 1, scheme: "world", id: "anyone" }];
const owner = 0x0100_0000_0000_0001n;

let tree: DataTree;
let applier: TxnApplier;
let sessions: string[];

beforeEach(() => {
  tree = new DataTree({ hashSeed: 1, digestEnabled: true, extendedTypesEnabled: true, emulate353TtlNodes: false });
  addSystemZnodes(tree);
  sessions = [];
  applier = new TxnApplier(tree, {
    sessionCreated: (high, low, timeoutMs) => sessions.push(`created ${high} ${low} ${timeoutMs}`),
    sessionClosed: (high, low) => sessions.push(`closed ${high} ${low}`),
  });
});

/** A transaction at time 100 * zxid. */
function apply(zxid: bigint, type: number, body: Bytes = new Bytes()): void {
  const header = new Bytes()
    .long(owner)
    .int(1)
    .long(zxid)
    .long(zxid * 100n)
    .int(type);
  const bytes = Buffer.concat([Buffer.from("before"), header.build(), body.build(), Buffer.from("behind")]);
  applier.apply(bytes, 6, bytes.length - 6);
}

function createBody(
  path: string,
  parts: { acl?: readonly Acl[]; isEphemeral?: boolean; parentCversion?: number } = {},
): Bytes {
  const { acl = openAcl, isEphemeral = false, parentCversion = 1 } = parts;
  return new Bytes().string(path).buffer(Buffer.from("d")).acl(acl).bool(isEphemeral).int(parentCversion);
}

function dump(path: string): string | undefined {
  return dumpTree(tree)[path];
}

/** pzxid of the root, and the number of creates below it. */
function root(): [string, string] {
  const [stat, , , , , creates] = dump("/")!.split(" ");
  return [stat!.split(",").at(-1)!, creates!];
}

/** The digest of a copy, in which every znode's share is computed from nothing. */
function digestCountedAnew(): [number, number] {
  const out = new JuteWriter();
  new TreeSnapshotSource(tree, () => {}).writeSome(out, Number.MAX_SAFE_INTEGER);
  const copy = new DataTree(tree.options);
  loadBody(copy, out.toBytes());
  return [copy.digest.high, copy.digest.low];
}

/** A part of a multi. */
function part(type: number, body: Bytes): Buffer {
  return new Bytes().int(type).buffer(body.build()).build();
}

function createEphemerals(): void {
  for (const [i, path] of ["/a", "/b"].entries()) {
    apply(BigInt(5 + i), 1, createBody(path, { isEphemeral: true, parentCversion: 2 + i }));
  }
}

function applyWithDigest(zxid: bigint, version: number, digest: bigint): void {
  apply(zxid, -1, new Bytes().int(-101).int(version).long(digest));
}

describe("a create", () => {
  test("of a znode that is there leaves it, takes its list over and raises the parent no further than it says", () => {
    apply(5n, 1, createBody("/a", { parentCversion: 3 }));
    apply(4n, 1, createBody("/a", { acl: readOnly, parentCversion: 2 }));
    expect(applier.results[0]!.error).toBe(-110);
    expect(dump("/a")).toMatch(/^5,5,500,500,.* "d" 1:world:anyone persistent/);
    expect(root()).toEqual(["5", "3"]);
    apply(7n, 1, createBody("/a", { parentCversion: 4 }));
    expect(root()).toEqual(["7", "4"]);
    expectAclsCounted(tree);
  });

  test("with a Stat, of a znode that is there, does not touch the parent", () => {
    apply(5n, 15, createBody("/a", { parentCversion: 3 }));
    apply(7n, 15, createBody("/a", { parentCversion: 4 }));
    expect(root()).toEqual(["5", "3"]);
  });

  test("without a parent is passed over", () => {
    apply(5n, 1, createBody("/none/a"));
    expect(applier.results[0]!.error).toBe(-101);
    expect(root()).toEqual(["0", "0"]);
    expect(tree.lastZxidLow).toBe(5);
  });

  test("of a name behind two slashes is passed over: there is one root", () => {
    apply(5n, 1, createBody("//a"));
    expect(applier.results[0]!.error).toBe(-101);
    expectCountsRight(tree);
  });

  test("of before 3.4 has no number for the parent, which means one more", () => {
    apply(5n, 1, new Bytes().string("/a").buffer(null).acl(openAcl).bool(false));
    apply(6n, 1, new Bytes().string("/b").buffer(null).acl(openAcl).bool(false));
    expect(root()).toEqual(["6", "2"]);
  });

  test("with a time to live out of range, which stops ZooKeeper, is passed over", () => {
    for (const ttlMs of [0n, -1n, 0x10000000000n]) {
      apply(5n, 21, new Bytes().string("/a").buffer(null).acl(openAcl).int(1).long(ttlMs));
      expect(applier.results[0]!.error).toBe(-8);
    }
    expect(dump("/a")).toBe(undefined);
  });

  test("stores the owners of containers and of znodes with a time to live, and shows them to nobody", () => {
    apply(5n, 19, new Bytes().string("/c").buffer(null).acl(openAcl).int(1));
    apply(6n, 21, new Bytes().string("/t").buffer(null).acl(openAcl).int(2).long(0xffffffffffn));
    apply(7n, 1, createBody("/e", { isEphemeral: true, parentCversion: 3 }));
    expect(dump("/c")).toMatch(/^5,5,500,500,0,0,0,0,.* container -9223372036854775808 0$/);
    expect(dump("/t")).toMatch(/^6,6,600,600,0,0,0,0,.* ttl -72056494526300161 0$/);
    expect(dump("/e")).toMatch(new RegExp(`^7,7,700,700,0,0,0,${owner},.* ephemeral ${owner} 0$`));
    expectCountsRight(tree);
  });
});

describe("a delete", () => {
  test("of a znode that is missing raises its parent's pzxid all the same, and never lowers it", () => {
    apply(5n, 2, new Bytes().string("/a"));
    expect(applier.results[0]!.error).toBe(-101);
    expect(root()).toEqual(["5", "0"]);
    apply(4n, 2, new Bytes().string("/a"));
    expect(root()).toEqual(["5", "0"]);
  });

  test("keeps the tree digest right, whether the znode was there or not", () => {
    apply(5n, 1, createBody("/a", { parentCversion: 2 }));
    for (const zxid of [6n, 7n]) {
      apply(zxid, 2, new Bytes().string("/a"));
      expect([tree.digest.high, tree.digest.low]).toEqual(digestCountedAnew());
    }
  });
});

describe("a setData", () => {
  test("has the same effect a second time", () => {
    apply(5n, 1, createBody("/a"));
    const body = new Bytes().string("/a").buffer(Buffer.from("new")).int(7);
    apply(6n, 5, body);
    const once = dumpTree(tree);
    apply(6n, 5, body);
    expect(dumpTree(tree)).toEqual(once);
    expect(once["/a"]).toMatch(/^5,6,500,600,7,0,0,0,3,0,5 "new"/);
  });

  test("of a znode that is missing is passed over", () => {
    apply(5n, 5, new Bytes().string("/a").buffer(null).int(1));
    expect(applier.results[0]!.error).toBe(-101);
  });
});

describe("a multi", () => {
  test("with an error among its parts changes nothing, and tells what each part came to", () => {
    const parts = [
      part(1, createBody("/a")),
      part(-1, new Bytes().int(-101)),
      part(-1, new Bytes().int(-2)),
      part(2, new Bytes().string("/zookeeper/x")),
    ];
    const before = dumpTree(tree);
    apply(5n, 14, new Bytes().int(parts.length).raw(Buffer.concat(parts)));
    expect(dumpTree(tree)).toEqual(before);
    const results = applier.results.slice(0, applier.resultCount);
    expect(results.map(({ type, error }) => [type, error])).toEqual([
      [-1, 0],
      [-1, -101],
      [-1, -2],
      [-1, -2],
    ]);
  });
});

describe("the end of a session", () => {
  const closed = "closed 16777216 1";

  test("removes what its transaction lists and whatever else is the session's", () => {
    createEphemerals();
    apply(8n, -11, new Bytes().strings(["/a", "/gone"]));
    expect([dump("/a"), dump("/b")]).toEqual([undefined, undefined]);
    expect(sessions).toEqual([closed]);
    expectCountsRight(tree);
  });

  test.each([
    ["and no digest", new Bytes()],
    ["and a digest behind it", new Bytes().int(2).long(0x1234n)],
    ["and a digest that could be taken for a list", new Bytes().int(2).long(0x4_0000_0000n)],
  ])("removes what is the session's where the transaction has no list %s", (_what, body) => {
    createEphemerals();
    apply(8n, -11, body);
    expect([dump("/a"), dump("/b")]).toEqual([undefined, undefined]);
    expect(sessions).toEqual([closed]);
  });

  test("leaves a znode alone that others own", () => {
    createEphemerals();
    apply(7n, 1, createBody("/c", { parentCversion: 4 }));
    apply(8n, -11, new Bytes().strings([]));
    expect(dump("/c")).toBeDefined();
  });
});

test("the beginning of a session is told with its timeout", () => {
  apply(5n, -10, new Bytes().int(30_000));
  expect(sessions).toEqual(["created 16777216 1 30000"]);
});

describe("a digest", () => {
  test("that is the tree's is no mismatch, any other is one", () => {
    applyWithDigest(5n, 2, 0x51c6d660n);
    expect(applier.digestMismatchCount).toBe(0);
    applyWithDigest(6n, 2, 0x51c6d661n);
    expect(applier.digestMismatchCount).toBe(1);
  });

  test("of another version is not looked at, and none while the tree is fuzzy", () => {
    applyWithDigest(5n, 1, 1n);
    applier.isFuzzy = true;
    applyWithDigest(6n, 2, 1n);
    expect(applier.digestMismatchCount).toBe(0);
  });
});

describe("bytes that are no transaction", () => {
  test.each<[string, () => void]>([
    ["too short for a header", () => applier.apply(Buffer.alloc(31), 0, 31)],
    ["of an unknown type", () => apply(5n, 99)],
    ["cut short in their body", () => apply(5n, 1, new Bytes().string("/a").int(3))],
    ["without a path", () => apply(5n, 2, new Bytes().string(null))],
  ])("%s are an error", (_what, act) => {
    expect(act).toThrow(MarshallingError);
  });
});
