/**
 * The body of a transaction, behind its header: where it ends, and so whether there is one.
 *
 *   TxnHeader | body, as its type wants it | TxnDigest, or nothing
 *
 * A digest has no mark of its own; servers of before 3.6, and those with digests off, write none. Whether it is there, only the
 * body tells, by where it ends. And bytes without a body that decodes are no transaction: whoever logs what others have made looks
 * first, since what is in a log is applied, now or at the next start, and there is no way round it.
 *
 * Decodes what TxnApplier does, and nothing more.
 * Source: SerializeUtils.deserializeTxn, which ZooKeeper's learners call on each proposal for the same reason.
 */

import { JuteReader, MarshallingError, readInt32 } from "#jute/reader.ts";
import { OpCode } from "./op-code.ts";
import { txnDigestBytes, txnHeaderBytes, typeInTxnHeader } from "./txn-header.ts";

const reader = new JuteReader(Buffer.alloc(0));
const cversionBytes = 4;

/** @returns where the body ends. @throws MarshallingError when `bytes[start, end)` cannot be applied, whatever the tree. */
export function txnBodyEnd(bytes: Buffer, start: number, end: number): number {
  if (end - start < txnHeaderBytes) throw new MarshallingError(`a transaction of ${end - start} bytes`);
  reader.reset(bytes, start + txnHeaderBytes, end);
  const type = readInt32(bytes, start + typeInTxnHeader);
  if (type === OpCode.multi) skipMulti();
  else skipBody(type);
  return reader.offset;
}

/** @returns where the digest of a transaction begins; `end` when it has none. */
export function txnDigestStart(bytes: Buffer, start: number, end: number): number {
  try {
    const bodyEnd = txnBodyEnd(bytes, start, end);
    return end - bodyEnd === txnDigestBytes ? bodyEnd : end;
  } catch (error) {
    if (error instanceof MarshallingError) return end;
    throw error;
  }
}

/** Where one part is an error the others are not applied, and so may be anything. */
function skipMulti(): void {
  const countAt = reader.offset;
  let hasFailed = false;
  for (let left = reader.readCount(); left > 0; left--) {
    if (reader.readInt() === OpCode.error) hasFailed = true;
    reader.skipBuffer();
  }
  reader.offset = countAt;
  for (let left = reader.readCount(); left > 0; left--) {
    const type = reader.readInt();
    const length = reader.readInt();
    const bodyEnd = reader.offset + Math.max(length, 0);
    if (!hasFailed || type === OpCode.error) skipBody(type);
    reader.offset = bodyEnd;
  }
}

function skipBody(type: number): void {
  switch (type) {
    case OpCode.create:
    case OpCode.create2:
    case OpCode.createContainer:
    case OpCode.createTTL:
      skipPath();
      reader.skipBuffer();
      skipAclList(reader);
      if (type === OpCode.create || type === OpCode.create2) reader.skip(1);
      if (reader.remaining >= cversionBytes) reader.skip(cversionBytes);
      if (type === OpCode.createTTL) reader.skip(8);
      return;
    case OpCode.delete:
    case OpCode.deleteContainer:
      skipPath();
      return;
    case OpCode.setData:
    case OpCode.reconfig:
      skipPath();
      reader.skipBuffer();
      reader.skip(4);
      return;
    case OpCode.setACL:
      skipPath();
      skipAclList(reader);
      reader.skip(4);
      return;
    case OpCode.check:
      skipPath();
      reader.skip(4);
      return;
    case OpCode.error:
    case OpCode.createSession:
      reader.skip(4);
      return;
    case OpCode.closeSession:
      if (hasPathList(reader)) for (let left = reader.readCount(); left > 0; left--) reader.skipBuffer();
      return;
    default:
      throw new MarshallingError(`unknown transaction type ${type}`);
  }
}

function skipPath(): void {
  reader.readRange();
  if (reader.rangeStart < 0) throw new MarshallingError("a transaction without a path");
}

/** Passes over a vector<ACL>. */
export function skipAclList(reader: JuteReader): void {
  for (let left = reader.readCount(); left > 0; left--) {
    reader.skip(4);
    reader.skipBuffer();
    reader.skipBuffer();
  }
}

/**
 * Whether a closeSession has a body: those of before 3.6, or written with closeSessionTxn.enabled=false, have none, and
 * then the next twelve bytes, if any, are a digest. The reader is left where it was.
 */
export function hasPathList(reader: JuteReader): boolean {
  const at = reader.offset;
  if (reader.remaining < 4) return false;
  try {
    for (let left = reader.readCount(); left > 0; left--) reader.skipBuffer();
    return reader.remaining === 0 || reader.remaining === txnDigestBytes;
  } catch (error) {
    if (error instanceof MarshallingError) return false;
    throw error;
  } finally {
    reader.offset = at;
  }
}
