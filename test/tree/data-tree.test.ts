/** What only a replay over another server's fuzzy snapshot asks of the tree. */

import { expect, test } from "vitest";
import { ErrorCode } from "#protocol/error-code.ts";
import { TxnHeader } from "#protocol/txn-header.ts";
import { DataTree } from "#tree/data-tree.ts";
import { dumpTree } from "../support/tree-dump.ts";

function newTree(): DataTree {
  return new DataTree({ hashSeed: 1, digestEnabled: true, extendedTypesEnabled: false, emulate353TtlNodes: false });
}

function at(zxid: number): TxnHeader {
  const txn = new TxnHeader();
  txn.zxidLow = zxid;
  return txn;
}

function create(tree: DataTree, path: string, zxid: number, parentCversion: number): ErrorCode {
  const bytes = Buffer.from(path);
  const nameStart = path.lastIndexOf("/") + 1;
  const { open } = tree.acls;
  return tree.create(at(zxid), bytes, 0, nameStart, bytes.length, bytes, -1, -1, open, 0, 0, parentCversion);
}

function remove(tree: DataTree, path: string, zxid: number): ErrorCode {
  const bytes = Buffer.from(path);
  return tree.delete(at(zxid), bytes, 0, path.lastIndexOf("/") + 1, bytes.length);
}

/** A znode that comes back, with what is below it. */
function createAll(tree: DataTree): void {
  create(tree, "/p", 11, 2);
  create(tree, "/p/a", 12, 1);
  create(tree, "/p/a/b", 13, 1);
  create(tree, "/p/c", 14, 2);
}

test("a znode deleted in replay takes along what its successor had below it, and all comes back as it was", () => {
  const tree = newTree();
  createAll(tree);
  const before = dumpTree(tree);
  const { high, low } = tree.digest;
  const { nodeCount, approximateDataSize } = tree;
  expect(remove(tree, "/p", 10)).toBe(ErrorCode.ok);
  expect(Object.keys(dumpTree(tree))).toEqual(["/"]);
  createAll(tree);
  expect(dumpTree(tree)).toEqual(before);
  expect([tree.digest.high, tree.digest.low]).toEqual([high, low]);
  expect([tree.nodeCount, tree.approximateDataSize]).toEqual([nodeCount, approximateDataSize]);
});
