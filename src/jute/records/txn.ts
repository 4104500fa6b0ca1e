/**
 * The records of module org.apache.zookeeper.txn. Generated, do not edit: change the schema, then run
 *
 *   jute-ts-codegen jute/zookeeper.jute --out src/jute/records --runtime '#jute'
 *
 * Transactions: what a write became, in the log and in proposals. TxnHeader, a body chosen by its type, TxnDigest.
 *
 * Readers throw MarshallingError when the bytes end early. Buffers they return are views of the bytes they were
 * given, to be copied by whoever keeps them.
 */

import type { JuteReader } from "#jute/reader.ts";
import type { JuteWriter } from "#jute/writer.ts";
import { type ACL, readACL, writeACL } from "./data.ts";

/** The tree's digest once the transaction is applied; absent from older servers and from most failed requests. */
export interface TxnDigest {
  /** 2 */
  version: number;
  treeDigest: bigint;
}

export function readTxnDigest(reader: JuteReader): TxnDigest {
  return {
    version: reader.readInt(),
    treeDigest: reader.readBigInt(),
  };
}

export function writeTxnDigest(writer: JuteWriter, value: TxnDigest): void {
  writer.writeInt(value.version);
  writer.writeBigInt(value.treeDigest);
}

/** First 32 bytes of a transaction. */
export interface TxnHeader {
  /** session id */
  clientId: bigint;
  /** the client's xid */
  cxid: number;
  zxid: bigint;
  /** the leader's wall clock, milliseconds since 1970 */
  time: bigint;
  /** opcode, which chooses the body */
  type: number;
}

export function readTxnHeader(reader: JuteReader): TxnHeader {
  return {
    clientId: reader.readBigInt(),
    cxid: reader.readInt(),
    zxid: reader.readBigInt(),
    time: reader.readBigInt(),
    type: reader.readInt(),
  };
}

export function writeTxnHeader(writer: JuteWriter, value: TxnHeader): void {
  writer.writeBigInt(value.clientId);
  writer.writeInt(value.cxid);
  writer.writeBigInt(value.zxid);
  writer.writeBigInt(value.time);
  writer.writeInt(value.type);
}

/** CreateTxn as 3.3 wrote it; known by its bytes ending early. */
export interface CreateTxnV0 {
  path: string | null;
  data: Uint8Array | null;
  acl: ACL[] | null;
  ephemeral: boolean;
}

export function readCreateTxnV0(reader: JuteReader): CreateTxnV0 {
  return {
    path: reader.readString(),
    data: reader.readBuffer(),
    acl: readVectorOfACL(reader),
    ephemeral: reader.readBoolean(),
  };
}

export function writeCreateTxnV0(writer: JuteWriter, value: CreateTxnV0): void {
  writer.writeString(value.path);
  writer.writeBuffer(value.data);
  writeVectorOfACL(writer, value.acl);
  writer.writeBoolean(value.ephemeral);
}

/** A znode came to be, ephemeral or not. */
export interface CreateTxn {
  path: string | null;
  data: Uint8Array | null;
  acl: ACL[] | null;
  ephemeral: boolean;
  /** the parent's cversion afterwards; -1 for one more than before */
  parentCVersion: number;
}

export function readCreateTxn(reader: JuteReader): CreateTxn {
  return {
    path: reader.readString(),
    data: reader.readBuffer(),
    acl: readVectorOfACL(reader),
    ephemeral: reader.readBoolean(),
    parentCVersion: reader.readInt(),
  };
}

export function writeCreateTxn(writer: JuteWriter, value: CreateTxn): void {
  writer.writeString(value.path);
  writer.writeBuffer(value.data);
  writeVectorOfACL(writer, value.acl);
  writer.writeBoolean(value.ephemeral);
  writer.writeInt(value.parentCVersion);
}

/** A znode with a time to live came to be. */
export interface CreateTTLTxn {
  path: string | null;
  data: Uint8Array | null;
  acl: ACL[] | null;
  parentCVersion: number;
  /** milliseconds */
  ttl: bigint;
}

export function readCreateTTLTxn(reader: JuteReader): CreateTTLTxn {
  return {
    path: reader.readString(),
    data: reader.readBuffer(),
    acl: readVectorOfACL(reader),
    parentCVersion: reader.readInt(),
    ttl: reader.readBigInt(),
  };
}

export function writeCreateTTLTxn(writer: JuteWriter, value: CreateTTLTxn): void {
  writer.writeString(value.path);
  writer.writeBuffer(value.data);
  writeVectorOfACL(writer, value.acl);
  writer.writeInt(value.parentCVersion);
  writer.writeBigInt(value.ttl);
}

/** A container came to be: it goes when its last child has gone. */
export interface CreateContainerTxn {
  path: string | null;
  data: Uint8Array | null;
  acl: ACL[] | null;
  parentCVersion: number;
}

export function readCreateContainerTxn(reader: JuteReader): CreateContainerTxn {
  return {
    path: reader.readString(),
    data: reader.readBuffer(),
    acl: readVectorOfACL(reader),
    parentCVersion: reader.readInt(),
  };
}

export function writeCreateContainerTxn(writer: JuteWriter, value: CreateContainerTxn): void {
  writer.writeString(value.path);
  writer.writeBuffer(value.data);
  writeVectorOfACL(writer, value.acl);
  writer.writeInt(value.parentCVersion);
}

/** A znode went. */
export interface DeleteTxn {
  path: string | null;
}

export function readDeleteTxn(reader: JuteReader): DeleteTxn {
  return {
    path: reader.readString(),
  };
}

export function writeDeleteTxn(writer: JuteWriter, value: DeleteTxn): void {
  writer.writeString(value.path);
}

/** A znode's data changed; a reconfig is such a change too. */
export interface SetDataTxn {
  path: string | null;
  data: Uint8Array | null;
  /** the version afterwards */
  version: number;
}

export function readSetDataTxn(reader: JuteReader): SetDataTxn {
  return {
    path: reader.readString(),
    data: reader.readBuffer(),
    version: reader.readInt(),
  };
}

export function writeSetDataTxn(writer: JuteWriter, value: SetDataTxn): void {
  writer.writeString(value.path);
  writer.writeBuffer(value.data);
  writer.writeInt(value.version);
}

/** A part of a multi that only asked for a version. */
export interface CheckVersionTxn {
  path: string | null;
  /** one more than the version that was found */
  version: number;
}

export function readCheckVersionTxn(reader: JuteReader): CheckVersionTxn {
  return {
    path: reader.readString(),
    version: reader.readInt(),
  };
}

export function writeCheckVersionTxn(writer: JuteWriter, value: CheckVersionTxn): void {
  writer.writeString(value.path);
  writer.writeInt(value.version);
}

/** A znode's ACL changed. */
export interface SetACLTxn {
  path: string | null;
  acl: ACL[] | null;
  /** the aversion afterwards */
  version: number;
}

export function readSetACLTxn(reader: JuteReader): SetACLTxn {
  return {
    path: reader.readString(),
    acl: readVectorOfACL(reader),
    version: reader.readInt(),
  };
}

export function writeSetACLTxn(writer: JuteWriter, value: SetACLTxn): void {
  writer.writeString(value.path);
  writeVectorOfACL(writer, value.acl);
  writer.writeInt(value.version);
}

/** Declared by ZooKeeper and never written. */
export interface SetMaxChildrenTxn {
  path: string | null;
  max: number;
}

export function readSetMaxChildrenTxn(reader: JuteReader): SetMaxChildrenTxn {
  return {
    path: reader.readString(),
    max: reader.readInt(),
  };
}

export function writeSetMaxChildrenTxn(writer: JuteWriter, value: SetMaxChildrenTxn): void {
  writer.writeString(value.path);
  writer.writeInt(value.max);
}

/** A session began. */
export interface CreateSessionTxn {
  /** milliseconds */
  timeOut: number;
}

export function readCreateSessionTxn(reader: JuteReader): CreateSessionTxn {
  return {
    timeOut: reader.readInt(),
  };
}

export function writeCreateSessionTxn(writer: JuteWriter, value: CreateSessionTxn): void {
  writer.writeInt(value.timeOut);
}

/** A session ended and these ephemerals went with it. Before 3.6 such a txn has no body: the tree knows them. */
export interface CloseSessionTxn {
  paths2Delete: (string | null)[] | null;
}

export function readCloseSessionTxn(reader: JuteReader): CloseSessionTxn {
  return {
    paths2Delete: readVectorOfUstring(reader),
  };
}

export function writeCloseSessionTxn(writer: JuteWriter, value: CloseSessionTxn): void {
  writeVectorOfUstring(writer, value.paths2Delete);
}

/** A write that was refused; it has a zxid like any other. */
export interface ErrorTxn {
  err: number;
}

export function readErrorTxn(reader: JuteReader): ErrorTxn {
  return {
    err: reader.readInt(),
  };
}

export function writeErrorTxn(writer: JuteWriter, value: ErrorTxn): void {
  writer.writeInt(value.err);
}

/** A part of a MultiTxn. */
export interface Txn {
  /** opcode, -1 for a part that failed */
  type: number;
  /** a transaction body of that type */
  data: Uint8Array | null;
}

export function readTxn(reader: JuteReader): Txn {
  return {
    type: reader.readInt(),
    data: reader.readBuffer(),
  };
}

export function writeTxn(writer: JuteWriter, value: Txn): void {
  writer.writeInt(value.type);
  writer.writeBuffer(value.data);
}

/** All of its parts or, if one has type -1, none of them. */
export interface MultiTxn {
  txns: Txn[] | null;
}

export function readMultiTxn(reader: JuteReader): MultiTxn {
  return {
    txns: readVectorOfTxn(reader),
  };
}

export function writeMultiTxn(writer: JuteWriter, value: MultiTxn): void {
  writeVectorOfTxn(writer, value.txns);
}

function readVectorOfACL(reader: JuteReader): ACL[] | null {
  const count = reader.readCount();
  if (count === -1) return null;
  const items: ACL[] = [];
  for (let i = 0; i < count; i++) items.push(readACL(reader));
  return items;
}

function writeVectorOfACL(writer: JuteWriter, items: ACL[] | null): void {
  if (items === null) {
    writer.writeInt(-1);
    return;
  }
  writer.writeInt(items.length);
  for (const item of items) writeACL(writer, item);
}

function readVectorOfUstring(reader: JuteReader): (string | null)[] | null {
  const count = reader.readCount();
  if (count === -1) return null;
  const items: (string | null)[] = [];
  for (let i = 0; i < count; i++) items.push(reader.readString());
  return items;
}

function writeVectorOfUstring(writer: JuteWriter, items: (string | null)[] | null): void {
  if (items === null) {
    writer.writeInt(-1);
    return;
  }
  writer.writeInt(items.length);
  for (const item of items) writer.writeString(item);
}

function readVectorOfTxn(reader: JuteReader): Txn[] | null {
  const count = reader.readCount();
  if (count === -1) return null;
  const items: Txn[] = [];
  for (let i = 0; i < count; i++) items.push(readTxn(reader));
  return items;
}

function writeVectorOfTxn(writer: JuteWriter, items: Txn[] | null): void {
  if (items === null) {
    writer.writeInt(-1);
    return;
  }
  writer.writeInt(items.length);
  for (const item of items) writeTxn(writer, item);
}
