/**
 * What a write becomes: the body of its transaction, from what the judge found. Between the header and the digest, or as
 * a part of a multi, these bytes are what the log keeps and the tree is changed by.
 *
 *   create, create2      path ustring | data buffer | acl vector | ephemeral bool | parentCVersion int
 *   createContainer      path ustring | data buffer | acl vector | parentCVersion int
 *   createTTL            path ustring | data buffer | acl vector | parentCVersion int | ttl long
 *   delete, deleteContainer   path ustring
 *   setData              path ustring | data buffer | version int
 *   setACL               path ustring | acl vector | version int
 *   check                path ustring | version int
 *
 * The versions are those after the transaction. Null data stays null; the path and the ACL list are the judge's.
 * Source: zookeeper.jute, PrepRequestProcessor.pRequest2Txn.
 */

import { highOfNumber, lowOfNumber } from "#base/zxid.ts";
import type { JuteWriter } from "#jute/writer.ts";
import { OpCode } from "#protocol/op-code.ts";
import type { WriteJudge } from "./write-judge.ts";
import type { WriteOp } from "./write-op.ts";

/** Appends the transaction body of `op`, which the judge admitted last. */
export function writeTxnBody(out: JuteWriter, judge: WriteJudge, op: WriteOp): void {
  out.writeInt(judge.pathEnd - judge.pathStart);
  out.writeRaw(judge.path, judge.pathStart, judge.pathEnd);
  switch (judge.txnType) {
    case OpCode.delete:
    case OpCode.deleteContainer:
      return;
    case OpCode.setData:
      writeData(out, op);
      out.writeInt(judge.number);
      return;
    case OpCode.setACL:
      out.writeRaw(judge.acl!.bytes, 0, judge.acl!.bytes.length);
      out.writeInt(judge.number);
      return;
    case OpCode.check:
      out.writeInt(judge.number);
      return;
    default:
      writeData(out, op);
      out.writeRaw(judge.acl!.bytes, 0, judge.acl!.bytes.length);
      if (judge.txnType === OpCode.create || judge.txnType === OpCode.create2) out.writeBoolean(op.isEphemeral);
      out.writeInt(judge.number);
      if (judge.txnType === OpCode.createTTL) out.writeLong(highOfNumber(op.ttlMs), lowOfNumber(op.ttlMs));
  }
}

function writeData(out: JuteWriter, op: WriteOp): void {
  if (op.dataStart < 0) {
    out.writeInt(-1);
    return;
  }
  out.writeInt(op.dataLength);
  out.writeRaw(op.bytes, op.dataStart, op.dataEnd);
}
