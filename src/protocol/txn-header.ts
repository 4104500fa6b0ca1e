/**
 * The header of every transaction, in the log, in a proposal and in a learner's sync stream.
 *
 *   clientId long | cxid int | zxid long | time long | type int                                        (32 bytes)
 *
 * One object is read into again and again: longs stay halves. `time` is the leader's wall clock in milliseconds.
 * Source: TxnHeader in zookeeper.jute, SerializeUtils.java.
 */

import { readInt32 } from "#jute/reader.ts";
import type { JuteWriter } from "#jute/writer.ts";

/** The shortest transaction. */
export const txnHeaderBytes = 32;
/** Where the zxid lies, behind clientId and cxid. */
export const zxidInTxnHeader = 12;
/** Where the leader's wall clock lies, behind the zxid. */
export const timeInTxnHeader = 20;
/** Where the type lies, behind the time. */
export const typeInTxnHeader = 28;
/** What ends a transaction that has a digest, behind its body: int version, long digest (TxnDigest). */
export const txnDigestBytes = 12;

export class TxnHeader {
  clientIdHigh = 0;
  clientIdLow = 0;
  cxid = 0;
  zxidHigh = 0;
  zxidLow = 0;
  timeHigh = 0;
  timeLow = 0;
  /** An OpCode, or -1 for an ErrorTxn. */
  type = 0;

  /** Reads 32 bytes at `offset`; the caller has checked that they are there. */
  read(bytes: Buffer, offset: number): void {
    this.clientIdHigh = readInt32(bytes, offset);
    this.clientIdLow = readInt32(bytes, offset + 4);
    this.cxid = readInt32(bytes, offset + 8);
    this.zxidHigh = readInt32(bytes, offset + 12);
    this.zxidLow = readInt32(bytes, offset + 16);
    this.timeHigh = readInt32(bytes, offset + 20);
    this.timeLow = readInt32(bytes, offset + 24);
    this.type = readInt32(bytes, offset + 28);
  }

  write(out: JuteWriter): void {
    out.ensure(txnHeaderBytes);
    const view = out.view;
    const at = out.length;
    view.setInt32(at, this.clientIdHigh);
    view.setInt32(at + 4, this.clientIdLow);
    view.setInt32(at + 8, this.cxid);
    view.setInt32(at + 12, this.zxidHigh);
    view.setInt32(at + 16, this.zxidLow);
    view.setInt32(at + 20, this.timeHigh);
    view.setInt32(at + 24, this.timeLow);
    view.setInt32(at + 28, this.type);
    out.length = at + txnHeaderBytes;
  }
}
