/**
 * Everything that a tree holds, as text by path, for comparing two trees or a tree and a model: Stat, data, ACL, kind and
 * stored owner, number of creates.
 */

import { expect } from "vitest";
import { longOf } from "#base/zxid.ts";
import { JuteWriter } from "#jute/writer.ts";
import type { DataTree } from "#tree/data-tree.ts";
import { TreeWalker } from "#tree/tree-walker.ts";
import { Field, rootId, StatField, ZnodeFlag, ZnodeKind } from "#tree/znode-store.ts";
import type { Acl } from "./acl-model.ts";
import { line } from "./requests.ts";
import { Cursor } from "./wire-frames.ts";

const kindNames = {
  [ZnodeKind.persistent]: "persistent",
  [ZnodeKind.ephemeral]: "ephemeral",
  [ZnodeKind.container]: "container",
  [ZnodeKind.ttl]: "ttl",
} as const;

export function dumpTree(tree: DataTree): Record<string, string> {
  const znodes: Record<string, string> = {};
  for (const id of idsOf(tree)) znodes[tree.pathOf(id) || "/"] = dumpZnode(tree, id);
  return znodes;
}

/** What is counted along with the tree must be what counting finds. */
export function expectCountsRight(tree: DataTree): void {
  const ids = idsOf(tree);
  const { store } = tree;
  expect(tree.nodeCount, "znodes, the root twice").toBe(ids.length + 1);
  const bytes = ids.reduce(
    (sum, id) => sum + tree.pathOf(id, "latin1").length + store.stat(id, StatField.dataLength),
    0,
  );
  expect(tree.approximateDataSize, "bytes of paths and data, and one").toBe(bytes + 1);
  const ofKind = (kind: ZnodeKind): number[] => ids.filter((id) => store.kind(id) === kind).sort((a, b) => a - b);
  expect(
    [...tree.owned.containers].sort((a, b) => a - b),
    "containers",
  ).toEqual(ofKind(ZnodeKind.container));
  expect(
    [...tree.owned.ttls].sort((a, b) => a - b),
    "znodes with a time to live",
  ).toEqual(ofKind(ZnodeKind.ttl));
  expect(tree.owned.ephemeralCount, "ephemerals").toBe(ofKind(ZnodeKind.ephemeral).length);
}

/** With nothing in flight a list is in use as often as znodes have it, and none is kept that nobody uses. */
export function expectAclsCounted(tree: DataTree): void {
  const used = new Map<number, number>();
  for (const id of idsOf(tree)) {
    const aclId = tree.store.get(id, Field.aclId);
    if (aclId !== -1) used.set(aclId, (used.get(aclId) ?? 0) + 1);
  }
  expect(new Map([...tree.acls.entries()].map(({ id, usage }) => [id, usage]))).toEqual(used);
}

function idsOf(tree: DataTree): number[] {
  const ids: number[] = [];
  const walker = new TreeWalker(tree, rootId);
  for (let id = walker.next(); id !== 0; id = walker.next()) ids.push(id);
  walker.close();
  return ids;
}

function dumpZnode(tree: DataTree, id: number): string {
  const { store } = tree;
  const out = new JuteWriter(256);
  store.copyStat(id, out);
  const stat = line.stat(new Cursor(out.toBytes()).stat());
  const at = store.dataOffset(id);
  const data = store.hasFlag(id, ZnodeFlag.nullData)
    ? null
    : store.nameBuffer(id).subarray(at, at + store.stat(id, StatField.dataLength));
  const owner = longOf(store.stat(id, StatField.ephemeralOwner), store.statLow(id, StatField.ephemeralOwner));
  const acl = line.acl(tree.aclOf(id).list as readonly Acl[]);
  const creates = store.stat(id, StatField.storedCversion);
  return `${stat} ${line.data(data)} ${acl} ${kindNames[store.kind(id)]} ${owner} ${creates}`;
}
