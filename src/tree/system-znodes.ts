/**
 * What a fresh database holds: /zookeeper, /zookeeper/quota, /zookeeper/config. Their times and zxids are zero, nothing
 * is logged for them, and their digest is the same on every server: 0x51c6d660.
 *
 * /zookeeper/config may be read by all and written by nobody but a super user, and starts with aversion -1, since
 * ZooKeeper sets its ACL without a transaction.
 * Source: DataTree constructor, DataTree.addConfigNode.
 */

import { writeAclList } from "#auth/acl.ts";
import { highOf, highOfNumber, lowOf, lowOfNumber } from "#base/zxid.ts";
import { JuteWriter } from "#jute/writer.ts";
import { TxnHeader } from "#protocol/txn-header.ts";
import type { DataTree } from "./data-tree.ts";
import type { AclEntry } from "./acl-cache.ts";
import { TreeSnapshotScanner } from "./snapshot-scanner.ts";
import { TreeSnapshotSink } from "./snapshot-sink.ts";
import { rowWords } from "./snapshot-stream.ts";

const noStat = Buffer.alloc(60);
const configStat = Buffer.alloc(60);
configStat.writeInt32BE(-1, 40);
const noData = Buffer.alloc(0);
/** Where clients find the members of the ensemble. */
export const configPath: Buffer = Buffer.from("/zookeeper/config");
const readPermission = 1;

/**
 * Adds the system znodes to an empty tree. A database of before 3.5 has no /zookeeper/config, and a standalone server
 * does not add it.
 */
export function addSystemZnodes(tree: DataTree): void {
  add(tree, "/zookeeper", tree.acls.open, noStat);
  add(tree, "/zookeeper/quota", tree.acls.open, noStat);
  addConfigZnode(tree);
}

function addConfigZnode(tree: DataTree): void {
  const acl = new JuteWriter(64);
  writeAclList(acl, [{ perms: readPermission, scheme: "world", id: "anyone" }]);
  const bytes = acl.toBytes();
  add(tree, "/zookeeper/config", tree.acls.intern(bytes, 0, bytes.length), configStat);
}

/**
 * Puts the members of the ensemble where clients look for them. No transaction does this: each server does it for itself, and
 * the digest leaves it out. Adds the znode where it is missing.
 * @param text ZooKeeper's text of the configuration; `version` is its last line, and the znode's mzxid.
 */
export function setConfigZnode(tree: DataTree, text: string, version: bigint, nowMs: number): void {
  if (tree.find(configPath, 0, configPath.length) === 0) addConfigZnode(tree);
  const data = Buffer.from(text);
  const id = tree.find(configPath, 0, configPath.length);
  const header = new TxnHeader();
  header.zxidHigh = highOf(version);
  header.zxidLow = lowOf(version);
  header.timeHigh = highOfNumber(nowMs);
  header.timeLow = lowOfNumber(nowMs);
  tree.setData(header, id, configPath, 0, configPath.length, data, 0, data.length, -1, null);
}

/** A znode is added as if it had been read from a snapshot of no sessions and no ACL lists. */
function add(tree: DataTree, path: string, acl: AclEntry, stat: Buffer): void {
  const body = new JuteWriter(256);
  body.writeInt(0);
  body.writeInt(0);
  body.writeString(path);
  body.writeBuffer(noData);
  body.writeLong(acl.id >> 31, acl.id);
  body.writeRaw(stat, 0, stat.length);
  const scanner = new TreeSnapshotScanner(tree.options);
  const rows = new Int32Array(rowWords);
  scanner.scan(body.bytes, 0, body.length, rows);
  new TreeSnapshotSink(tree, () => {}).take(body.bytes, rows, scanner.count);
}
