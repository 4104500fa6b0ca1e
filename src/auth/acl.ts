/**
 * Access control lists: who may do what with one znode. Nothing is inherited, and the list of a znode does not protect
 * it from being deleted: that is the parent's business.
 *
 *   vector<ACL>  int count | (perms int, scheme ustring, id ustring)*       count -1 = null
 *
 * A list is a value. It is stored once however many znodes share it, and found again by its bytes, so reading a list
 * and writing it must give the same bytes. (It does, unless a client sent malformed UTF-8 or characters beyond the basic
 * plane: those bytes are Java's, see jute/.) Strings may be null on the wire; none that passed the fix-up is, except
 * where ZooKeeper lets it.
 * Source: zookeeper.jute (data.ACL, data.Id), ZooDefs.Perms, ZooDefs.Ids.
 */

import type { JuteReader } from "#jute/reader.ts";
import { JuteWriter } from "#jute/writer.ts";

/** The bits of an entry's perms. Others may be set: ZooKeeper stores what a client sends. */
export const Permission = {
  read: 1,
  write: 2,
  create: 4,
  delete: 8,
  admin: 16,
  all: 31,
} as const;
export type Permission = (typeof Permission)[keyof typeof Permission];

/** One entry; scheme and id lie in a record of their own on the wire (`Id`), which adds no bytes. */
export interface Acl {
  readonly perms: number;
  readonly scheme: string | null;
  readonly id: string | null;
}

/**
 * Reads a vector<ACL>; null is the null list.
 * @throws MarshallingError when the bytes end before the list does.
 */
export function readAclList(reader: JuteReader): Acl[] | null {
  const count = reader.readCount();
  if (count === -1) return null;
  const acls: Acl[] = [];
  for (let i = 0; i < count; i++) {
    const perms = reader.readInt();
    const scheme = reader.readString();
    acls.push({ perms, scheme, id: reader.readString() });
  }
  return acls;
}

/** Writes a vector<ACL>. */
export function writeAclList(writer: JuteWriter, acls: readonly Acl[] | null): void {
  if (acls === null) {
    writer.writeInt(-1);
    return;
  }
  writer.writeInt(acls.length);
  for (const acl of acls) {
    writer.writeInt(acl.perms);
    writer.writeString(acl.scheme);
    writer.writeString(acl.id);
  }
}

/** `world:anyone` with every permission (OPEN_ACL_UNSAFE): the list that nearly every znode has. */
export const openAcl: readonly Acl[] = [{ perms: Permission.all, scheme: "world", id: "anyone" }];

/** {@link openAcl} as a vector<ACL>; 27 bytes, not to be changed. */
export const openAclBytes: Uint8Array = bytesOf(openAcl);

/** Whether `bytes` hold the open list at `[start, end)`, so that neither reading nor fixing it up is needed. */
export function isOpenAcl(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start !== openAclBytes.length) return false;
  for (let i = 0; i < openAclBytes.length; i++) if (bytes[start + i] !== openAclBytes[i]) return false;
  return true;
}

function bytesOf(acls: readonly Acl[]): Uint8Array {
  const writer = new JuteWriter(64);
  writeAclList(writer, acls);
  return writer.toBytes();
}
