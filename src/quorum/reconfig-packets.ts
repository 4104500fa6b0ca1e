/**
 * What a reconfiguration is on the wire and in the log: a transaction of its own type that sets /zookeeper/config, and two
 * packets that commit it.
 *
 *   COMMITANDACTIVATE    zxid, data: leader long                    to followers, who have the transaction
 *   INFORMANDACTIVATE    zxid, data: leader long | transaction      to observers
 *
 * `leader` is who leads from then on.
 * Source: Leader.commitAndActivate, informAndActivate; Follower.processPacket, Observer.processPacket.
 */

import type { ZxidHalves } from "#base/zxid.ts";
import { JuteReader, MarshallingError, readInt32 } from "#jute/reader.ts";
import { readSetDataTxn } from "#jute/records/txn.ts";
import type { JuteWriter } from "#jute/writer.ts";
import { OpCode } from "#protocol/op-code.ts";
import { PacketType, type PacketView, packetName } from "#protocol/quorum-packet.ts";
import { txnHeaderBytes, typeInTxnHeader } from "#protocol/txn-header.ts";
import { QuorumError } from "./quorum-link.ts";
import type { WindowTxn } from "./txn-window.ts";

/** Bytes of a server id: a transaction lies behind them. */
export const leaderBytes = 8;

/** Whether the transaction that begins there changes the ensemble. */
export function isReconfig(bytes: Buffer, start: number): boolean {
  return readInt32(bytes, start + typeInTxnHeader) === OpCode.reconfig;
}

/**
 * The text of the configuration that such a transaction makes.
 * @throws QuorumError when it does not decode.
 */
export function configIn(bytes: Buffer, start: number, end: number): string {
  const reader = new JuteReader(bytes);
  reader.reset(bytes, start + txnHeaderBytes, end);
  try {
    const { data } = readSetDataTxn(reader);
    return data === null ? "" : Buffer.from(data).toString();
  } catch (error) {
    if (!(error instanceof MarshallingError)) throw error;
    throw new QuorumError(`a reconfiguration that does not decode: ${error.message}`);
  }
}

/** Whom either packet names. @throws QuorumError when it is too short for it. */
export function leaderIn({ type, bytes, dataStart, dataBytes }: PacketView): bigint {
  if (dataBytes < leaderBytes) throw new QuorumError(`${packetName(type)} of ${dataBytes} bytes`);
  return bytes.readBigInt64BE(dataStart);
}

export function writeCommitAndActivate(out: JuteWriter, { zxidHigh, zxidLow }: ZxidHalves, leader: bigint): void {
  out.writeInt(PacketType.commitAndActivate);
  out.writeLong(zxidHigh, zxidLow);
  out.writeInt(leaderBytes);
  out.writeBigInt(leader);
  out.writeInt(-1);
}

export function writeInformAndActivate(out: JuteWriter, txn: WindowTxn, leader: bigint): void {
  out.writeInt(PacketType.informAndActivate);
  out.writeLong(txn.zxidHigh, txn.zxidLow);
  out.writeInt(leaderBytes + txn.end - txn.start);
  out.writeBigInt(leader);
  out.writeRaw(txn.bytes, txn.start, txn.end);
  out.writeInt(-1);
}
