/**
 * The one envelope of the quorum port, between a learner and whoever leads it. Packets follow each other without a length.
 *
 *   int type | long zxid | buffer data | vector<Id> authinfo          null data and null authinfo are -1
 *
 * What `data` holds depends on the type; a transaction is in it as it lies in the log. authinfo is the client's, in a REQUEST,
 * and null everywhere else.
 *
 *   to the learner     LEADERINFO, then DIFF or TRUNC or SNAP, PROPOSAL and COMMIT, NEWLEADER, UPTODATE;
 *                      then PROPOSAL and COMMIT (an observer: INFORM), PING, SYNC, REVALIDATE
 *   to the leader      FOLLOWERINFO or OBSERVERINFO, ACKEPOCH, ACK; then REQUEST, PING, REVALIDATE
 *
 * Transactions pass by the thousand, so packets are read where they lie, into one object, and written without any.
 * Source: QuorumPacket in zookeeper.jute, Leader.java, Learner.java.
 */

import { MarshallingError, readInt32 } from "#jute/reader.ts";
import type { JuteWriter } from "#jute/writer.ts";

export const PacketType = {
  request: 1,
  proposal: 2,
  ack: 3,
  commit: 4,
  ping: 5,
  revalidate: 6,
  sync: 7,
  inform: 8,
  commitAndActivate: 9,
  newLeader: 10,
  followerInfo: 11,
  upToDate: 12,
  diff: 13,
  trunc: 14,
  snap: 15,
  observerInfo: 16,
  leaderInfo: 17,
  ackEpoch: 18,
  informAndActivate: 19,
} as const;
export type PacketType = (typeof PacketType)[keyof typeof PacketType];

/** ZooKeeper's name of a packet, for its log lines: `PROPOSAL`; `UNKNOWN 42` for others. */
export function packetName(type: number): string {
  const found = Object.entries(PacketType).find(([, code]) => code === type);
  return found === undefined ? `UNKNOWN ${type}` : found[0].toUpperCase();
}

/** Type, zxid, length of the data. */
const prefixBytes = 16;
/** An Id of two empty texts. */
const idBytesMin = 8;

/** A packet where it lies. One object is read into again and again. */
export class PacketView {
  type = 0;
  zxidHigh = 0;
  zxidLow = 0;
  bytes: Buffer = Buffer.alloc(0);
  /** -1 when the data is null. */
  dataStart = -1;
  dataEnd = -1;
  /** Where the vector of authinfo begins, its count included. */
  authStart = 0;
  /** Behind the packet. */
  end = 0;

  /**
   * Reads the packet at `start`.
   * @param dataBytesMax longest data, and longest authinfo, that is believed.
   * @returns false when it is not all there yet; nothing can be said about it then.
   * @throws MarshallingError when no bytes that may follow would make it a packet.
   */
  read(bytes: Buffer, start: number, end: number, dataBytesMax: number): boolean {
    if (end - start < prefixBytes) return false;
    this.bytes = bytes;
    this.type = readInt32(bytes, start);
    this.zxidHigh = readInt32(bytes, start + 4);
    this.zxidLow = readInt32(bytes, start + 8);
    const dataBytes = readInt32(bytes, start + 12);
    if (dataBytes < -1 || dataBytes > dataBytesMax) {
      throw new MarshallingError(`a ${packetName(this.type)} packet with ${dataBytes} bytes of data`);
    }
    let at = start + prefixBytes;
    this.dataStart = dataBytes === -1 ? -1 : at;
    if (dataBytes > 0) at += dataBytes;
    this.dataEnd = dataBytes === -1 ? -1 : at;
    this.authStart = at;
    if (end - at < 4) return false;
    const count = readInt32(bytes, at);
    at += 4;
    if (count > 0) {
      at = this.#behindIds(at, end, count, dataBytesMax);
      if (at < 0) return false;
    }
    this.end = at;
    return true;
  }

  /** Length of the data; 0 when it is null. */
  get dataBytes(): number {
    return this.dataStart === -1 ? 0 : this.dataEnd - this.dataStart;
  }

  /** @returns where the Ids end, or -1 when they are not all there. */
  #behindIds(start: number, end: number, count: number, bytesMax: number): number {
    if (count * idBytesMin > bytesMax) throw new MarshallingError(`a packet with ${count} identities`);
    let at = start;
    for (let texts = count * 2; texts > 0; texts--) {
      if (end - at < 4) return -1;
      const length = readInt32(this.bytes, at);
      at += 4 + Math.max(length, 0);
      if (length < -1 || at - start > bytesMax) throw new MarshallingError(`an identity of ${length} bytes`);
      if (at > end) return -1;
    }
    return at;
  }
}

/** Appends a packet without data. */
export function writePacket(out: JuteWriter, type: PacketType, zxidHigh: number, zxidLow: number): void {
  out.ensure(prefixBytes + 4);
  const { view, length } = out;
  view.setInt32(length, type);
  view.setInt32(length + 4, zxidHigh);
  view.setInt32(length + 8, zxidLow);
  view.setInt32(length + 12, -1);
  view.setInt32(length + 16, -1);
  out.length = length + prefixBytes + 4;
}

/** Appends a packet whose data is `bytes[start, end)`. */
export function writePacketWithData(
  out: JuteWriter,
  type: PacketType,
  zxid: { readonly zxidHigh: number; readonly zxidLow: number },
  bytes: Uint8Array,
  start: number,
  end: number,
): void {
  out.ensure(prefixBytes + end - start + 4);
  out.writeInt(type);
  out.writeLong(zxid.zxidHigh, zxid.zxidLow);
  out.writeInt(end - start);
  out.writeRaw(bytes, start, end);
  out.writeInt(-1);
}
