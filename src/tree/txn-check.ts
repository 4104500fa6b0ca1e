/**
 * Whether bytes are a transaction that can be applied: a header, and a body that decodes as its type wants it. Whoever logs what others
 * have made looks first, since what is in a log is applied, now or at the next start, and there is no way round it.
 *
 * Decodes what {@link TxnApplier} does, and nothing more: a digest behind the body, or none, is not looked at.
 * Source: SerializeUtils.deserializeTxn, which ZooKeeper's learners call on each proposal for the same reason.
 */

import { JuteReader, MarshallingError, readInt32 } from "#jute/reader.ts";
import { OpCode } from "#protocol/op-code.ts";
import { txnHeaderBytes, typeInTxnHeader } from "#protocol/txn-header.ts";
import { skipAclList } from "./apply-txn.ts";

const reader = new JuteReader(Buffer.alloc(0));
const cversionBytes = 4;

/** @throws MarshallingError when `bytes[start, end)` cannot be applied, whatever the tree. */
export function checkTxn(bytes: Buffer, start: number, end: number): void {
  if (end - start < txnHeaderBytes) throw new MarshallingError(`a transaction of ${end - start} bytes`);
  reader.reset(bytes, start + txnHeaderBytes, end);
  const type = readInt32(bytes, start + typeInTxnHeader);
  if (type === OpCode.multi) checkMulti();
  else checkBody(type);
}

/** Where one part is an error the others are not applied, and so may be anything. */
function checkMulti(): void {
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
    if (!hasFailed || type === OpCode.error) checkBody(type);
    reader.offset = bodyEnd;
  }
}

function checkBody(type: number): void {
  switch (type) {
    case OpCode.create:
    case OpCode.create2:
    case OpCode.createContainer:
    case OpCode.createTTL:
      checkPath();
      reader.skipBuffer();
      skipAclList(reader);
      if (type === OpCode.create || type === OpCode.create2) reader.skip(1);
      if (reader.remaining >= cversionBytes) reader.skip(cversionBytes);
      if (type === OpCode.createTTL) reader.skip(8);
      return;
    case OpCode.delete:
    case OpCode.deleteContainer:
      checkPath();
      return;
    case OpCode.setData:
    case OpCode.reconfig:
      checkPath();
      reader.skipBuffer();
      reader.skip(4);
      return;
    case OpCode.setACL:
      checkPath();
      skipAclList(reader);
      reader.skip(4);
      return;
    case OpCode.check:
      checkPath();
      reader.skip(4);
      return;
    case OpCode.error:
    case OpCode.createSession:
      reader.skip(4);
      return;
    case OpCode.closeSession:
      // With a list of paths, or without; what is no list is a digest.
      return;
    default:
      throw new MarshallingError(`unknown transaction type ${type}`);
  }
}

function checkPath(): void {
  reader.readRange();
  if (reader.rangeStart < 0) throw new MarshallingError("a transaction without a path");
}
