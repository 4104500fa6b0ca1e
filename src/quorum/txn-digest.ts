/**
 * Where a transaction's digest begins. It ends the transaction, behind the body, without a mark of its own: a server of before
 * 3.6, and one with digests off, writes none. Whether it is there, only the body tells, by where it ends.
 *
 * Asked for a learner only that is sent the tree while that changes (subscriber.ts), so the body is simply read.
 * Source: SerializeUtils.deserializeTxn.
 */

import { JuteReader, MarshallingError, readInt32 } from "#jute/reader.ts";
import {
  readCloseSessionTxn,
  readCreateContainerTxn,
  readCreateSessionTxn,
  readCreateTTLTxn,
  readCreateTxn,
  readDeleteTxn,
  readErrorTxn,
  readMultiTxn,
  readSetACLTxn,
  readSetDataTxn,
} from "#jute/records/txn.ts";
import { OpCode } from "#protocol/op-code.ts";
import { txnDigestBytes, txnHeaderBytes, typeInTxnHeader } from "#protocol/txn-header.ts";

const bodies: ReadonlyMap<number, (reader: JuteReader) => unknown> = new Map<number, (reader: JuteReader) => unknown>([
  [OpCode.create, readCreateTxn],
  [OpCode.create2, readCreateTxn],
  [OpCode.createContainer, readCreateContainerTxn],
  [OpCode.createTTL, readCreateTTLTxn],
  [OpCode.delete, readDeleteTxn],
  [OpCode.deleteContainer, readDeleteTxn],
  [OpCode.setData, readSetDataTxn],
  [OpCode.reconfig, readSetDataTxn],
  [OpCode.setACL, readSetACLTxn],
  [OpCode.createSession, readCreateSessionTxn],
  [OpCode.closeSession, readCloseSessionTxn],
  [OpCode.multi, readMultiTxn],
  [OpCode.error, readErrorTxn],
]);

/** @returns where the digest of the transaction `bytes[start, end)` begins; `end` when it has none. */
export function digestStart(bytes: Buffer, start: number, end: number): number {
  const bodyStart = start + txnHeaderBytes;
  const type = readInt32(bytes, start + typeInTxnHeader);
  const readBody = bodies.get(type);
  if (readBody === undefined) return end;
  const bodyEnd = endOf(readBody, bytes, bodyStart, end);
  if (end - bodyEnd === txnDigestBytes) return bodyEnd;
  // Servers of before 3.6 close a session without a list of what goes with it.
  const isBodiless = type === OpCode.closeSession && bodyEnd !== end && end - bodyStart === txnDigestBytes;
  return isBodiless ? bodyStart : end;
}

/** @returns where the body ends; -1 when it is none. */
function endOf(readBody: (reader: JuteReader) => unknown, bytes: Buffer, start: number, end: number): number {
  const reader = new JuteReader(bytes, start, end);
  try {
    readBody(reader);
    return reader.offset;
  } catch (error) {
    if (error instanceof MarshallingError) return -1;
    throw error;
  }
}
