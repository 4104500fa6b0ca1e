/**
 * What a fresh database holds: /zookeeper, /zookeeper/quota, /zookeeper/config. Their times and zxids are zero, nothing
 * is logged for them, and their digest is the same on every server: 0x51c6d660.
 *
 * /zookeeper/config may be read by all and written by nobody but a super user, and starts with aversion -1, since
 * ZooKeeper sets its ACL without a transaction.
 * Source: DataTree constructor, DataTree.addConfigNode.
 */

import { writeAclList } from "#auth/acl.ts";
import { JuteWriter } from "#jute/writer.ts";
import type { DataTree } from "./data-tree.ts";
import type { AclEntry } from "./acl-cache.ts";

const noStat = Buffer.alloc(60);
const configStat = Buffer.alloc(60);
configStat.writeInt32BE(-1, 40);
const noData = Buffer.alloc(0);
const readPermission = 1;

/** Adds the system znodes to an empty tree. */
export function addSystemZnodes(tree: DataTree): void {
  add(tree, "/zookeeper", tree.acls.open, noStat);
  add(tree, "/zookeeper/quota", tree.acls.open, noStat);
  addConfigZnode(tree);
}

/** Adds /zookeeper/config where a database of before 3.5 lacks it. */
export function addConfigZnode(tree: DataTree): void {
  const path = Buffer.from("/zookeeper/config");
  if (tree.find(path, 0, path.length) !== 0) return;
  const acl = new JuteWriter(64);
  writeAclList(acl, [{ perms: readPermission, scheme: "world", id: "anyone" }]);
  const bytes = acl.toBytes();
  add(tree, "/zookeeper/config", tree.acls.intern(bytes, 0, bytes.length), configStat);
}

function add(tree: DataTree, path: string, acl: AclEntry, stat: Buffer): void {
  const bytes = Buffer.from(path);
  tree.restore(bytes, 0, bytes.length, noData, 0, 0, acl, stat, 0);
}
