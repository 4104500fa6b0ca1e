/**
 * The records of module org.apache.zookeeper.server.quorum. Generated, do not edit: change the schema, then run
 *
 *   jute-ts-codegen jute/zookeeper.jute --out src/jute/records --runtime '#jute'
 *
 * What servers of an ensemble say to each other on the quorum port.
 *
 * Readers throw MarshallingError when the bytes end early. Buffers they return are views of the bytes they were
 * given, to be copied by whoever keeps them.
 */

import type { JuteReader } from "#jute/reader.ts";
import type { JuteWriter } from "#jute/writer.ts";
import { type Id, readId, writeId } from "./data.ts";

/** Payload of FOLLOWERINFO and OBSERVERINFO. Learners of 3.4 leave configVersion out. */
export interface LearnerInfo {
  serverid: bigint;
  /** 0x10000 */
  protocolVersion: number;
  /** of the learner's committed config */
  configVersion: bigint;
}

export function readLearnerInfo(reader: JuteReader): LearnerInfo {
  return {
    serverid: reader.readBigInt(),
    protocolVersion: reader.readInt(),
    configVersion: reader.readBigInt(),
  };
}

export function writeLearnerInfo(writer: JuteWriter, value: LearnerInfo): void {
  writer.writeBigInt(value.serverid);
  writer.writeInt(value.protocolVersion);
  writer.writeBigInt(value.configVersion);
}

/** The one envelope of the quorum port; packets follow each other without a length. */
export interface QuorumPacket {
  /** 1 REQUEST, 2 PROPOSAL, 3 ACK, 4 COMMIT and so on */
  type: number;
  zxid: bigint;
  /** what it holds depends on the type */
  data: Uint8Array | null;
  /** of the client, in a REQUEST */
  authinfo: Id[] | null;
}

export function readQuorumPacket(reader: JuteReader): QuorumPacket {
  return {
    type: reader.readInt(),
    zxid: reader.readBigInt(),
    data: reader.readBuffer(),
    authinfo: readVectorOfId(reader),
  };
}

export function writeQuorumPacket(writer: JuteWriter, value: QuorumPacket): void {
  writer.writeInt(value.type);
  writer.writeBigInt(value.zxid);
  writer.writeBuffer(value.data);
  writeVectorOfId(writer, value.authinfo);
}

/** One turn of the SASL exchange between servers. */
export interface QuorumAuthPacket {
  /** 0x5f2435013501edcc */
  magic: bigint;
  /** 0 in progress, 1 success, -1 failure */
  status: number;
  token: Uint8Array | null;
}

export function readQuorumAuthPacket(reader: JuteReader): QuorumAuthPacket {
  return {
    magic: reader.readBigInt(),
    status: reader.readInt(),
    token: reader.readBuffer(),
  };
}

export function writeQuorumAuthPacket(writer: JuteWriter, value: QuorumAuthPacket): void {
  writer.writeBigInt(value.magic);
  writer.writeInt(value.status);
  writer.writeBuffer(value.token);
}

function readVectorOfId(reader: JuteReader): Id[] | null {
  const count = reader.readCount();
  if (count === -1) return null;
  const items: Id[] = [];
  for (let i = 0; i < count; i++) items.push(readId(reader));
  return items;
}

function writeVectorOfId(writer: JuteWriter, items: Id[] | null): void {
  if (items === null) {
    writer.writeInt(-1);
    return;
  }
  writer.writeInt(items.length);
  for (const item of items) writeId(writer, item);
}
