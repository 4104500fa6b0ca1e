/**
 * The records of module org.apache.zookeeper.data. Generated, do not edit: change the schema, then run
 *
 *   jute-ts-codegen jute/zookeeper.jute --out src/jute/records --runtime '#jute'
 *
 * Values that several layers share.
 *
 * Readers throw MarshallingError when the bytes end early. Buffers they return are views of the bytes they were
 * given, to be copied by whoever keeps them.
 */

import type { JuteReader } from "#jute/reader.ts";
import type { JuteWriter } from "#jute/writer.ts";

/** Someone that an ACL can name: a scheme, and what that scheme calls the identity. */
export interface Id {
  /** world, auth, ip, digest, x509, sasl or a plug-in's own */
  scheme: string | null;
  id: string | null;
}

export function readId(reader: JuteReader): Id {
  return {
    scheme: reader.readString(),
    id: reader.readString(),
  };
}

export function writeId(writer: JuteWriter, value: Id): void {
  writer.writeString(value.scheme);
  writer.writeString(value.id);
}

/** One entry of a znode's access list: what one identity may do. */
export interface ACL {
  /** sum of read 1, write 2, create 4, delete 8, admin 16 */
  perms: number;
  id: Id;
}

export function readACL(reader: JuteReader): ACL {
  return {
    perms: reader.readInt(),
    id: readId(reader),
  };
}

export function writeACL(writer: JuteWriter, value: ACL): void {
  writer.writeInt(value.perms);
  writeId(writer, value.id);
}

/** A znode's metadata as clients see it; 68 bytes. */
export interface Stat {
  /** zxid of the txn that created the znode */
  czxid: bigint;
  /** zxid of the last change of its data */
  mzxid: bigint;
  /** milliseconds since 1970 at creation */
  ctime: bigint;
  /** milliseconds since 1970 at the last change of its data */
  mtime: bigint;
  /** changes of its data */
  version: number;
  /** changes of its list of children */
  cversion: number;
  /** changes of its ACL */
  aversion: number;
  /** session that owns it, 0 if it is not ephemeral; marks containers and TTLs as well */
  ephemeralOwner: bigint;
  /** bytes of data */
  dataLength: number;
  numChildren: number;
  /** zxid of the last change of its list of children */
  pzxid: bigint;
}

export function readStat(reader: JuteReader): Stat {
  return {
    czxid: reader.readBigInt(),
    mzxid: reader.readBigInt(),
    ctime: reader.readBigInt(),
    mtime: reader.readBigInt(),
    version: reader.readInt(),
    cversion: reader.readInt(),
    aversion: reader.readInt(),
    ephemeralOwner: reader.readBigInt(),
    dataLength: reader.readInt(),
    numChildren: reader.readInt(),
    pzxid: reader.readBigInt(),
  };
}

export function writeStat(writer: JuteWriter, value: Stat): void {
  writer.writeBigInt(value.czxid);
  writer.writeBigInt(value.mzxid);
  writer.writeBigInt(value.ctime);
  writer.writeBigInt(value.mtime);
  writer.writeInt(value.version);
  writer.writeInt(value.cversion);
  writer.writeInt(value.aversion);
  writer.writeBigInt(value.ephemeralOwner);
  writer.writeInt(value.dataLength);
  writer.writeInt(value.numChildren);
  writer.writeBigInt(value.pzxid);
}

/** A znode's metadata as snapshots keep it: Stat without what can be counted; 60 bytes. */
export interface StatPersisted {
  czxid: bigint;
  mzxid: bigint;
  ctime: bigint;
  mtime: bigint;
  version: number;
  /** children ever created; clients are shown twice that less the children there are */
  cversion: number;
  aversion: number;
  ephemeralOwner: bigint;
  pzxid: bigint;
}

export function readStatPersisted(reader: JuteReader): StatPersisted {
  return {
    czxid: reader.readBigInt(),
    mzxid: reader.readBigInt(),
    ctime: reader.readBigInt(),
    mtime: reader.readBigInt(),
    version: reader.readInt(),
    cversion: reader.readInt(),
    aversion: reader.readInt(),
    ephemeralOwner: reader.readBigInt(),
    pzxid: reader.readBigInt(),
  };
}

export function writeStatPersisted(writer: JuteWriter, value: StatPersisted): void {
  writer.writeBigInt(value.czxid);
  writer.writeBigInt(value.mzxid);
  writer.writeBigInt(value.ctime);
  writer.writeBigInt(value.mtime);
  writer.writeInt(value.version);
  writer.writeInt(value.cversion);
  writer.writeInt(value.aversion);
  writer.writeBigInt(value.ephemeralOwner);
  writer.writeBigInt(value.pzxid);
}

/** One identity of a connection, as whoAmI reports it. */
export interface ClientInfo {
  authScheme: string | null;
  user: string | null;
}

export function readClientInfo(reader: JuteReader): ClientInfo {
  return {
    authScheme: reader.readString(),
    user: reader.readString(),
  };
}

export function writeClientInfo(writer: JuteWriter, value: ClientInfo): void {
  writer.writeString(value.authScheme);
  writer.writeString(value.user);
}
