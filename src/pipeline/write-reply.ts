/**
 * The reply to a write, from what applying its transaction came to.
 *
 *   create                                   path ustring
 *   create2, createContainer, createTTL      path ustring | Stat
 *   setData, setACL                          Stat
 *   reconfig                                 data buffer, the configuration | Stat
 *   delete, closeSession                     nothing
 *   multi                                    an element per part: see multi-frame.ts
 *
 * A failed multi has err 0 in its header: every element is an error, 0 for the parts before the one that failed.
 * Source: FinalRequestProcessor.java, OpResult.java.
 */

import { readInt32 } from "#jute/reader.ts";
import type { JuteWriter } from "#jute/writer.ts";
import { ErrorCode } from "#protocol/error-code.ts";
import { OpCode } from "#protocol/op-code.ts";
import { beginReply, endReply, failReply } from "#protocol/reply.ts";
import type { OpResult, TxnApplier } from "#tree/apply-txn.ts";
import { statBytes } from "#tree/znode-store.ts";
import type { PendingWrite } from "./pending-write.ts";
import { writeMultiEnd, writeMultiError, writeMultiHeader } from "./multi-frame.ts";

/** Appends the reply; `bytes` is what the applier's results refer to. */
export function writeWriteReply(out: JuteWriter, pending: PendingWrite, applier: TxnApplier, bytes: Buffer): void {
  const { header } = applier;
  const { xid, type, refusal } = pending;
  const at = beginReply(out, xid, header.zxidHigh, header.zxidLow);
  if (type === OpCode.multi && header.type === OpCode.multi) {
    for (let i = 0; i < applier.resultCount; i++) writePart(out, applier.results[i]!, applier, bytes);
    writeMultiEnd(out);
    endReply(out, at);
    return;
  }
  const result = applier.results[0]!;
  if (result.error !== ErrorCode.ok) {
    failReply(out, at, refusal === ErrorCode.ok ? result.error : refusal);
    return;
  }
  writeBody(out, result, applier, bytes);
  endReply(out, at);
}

function writePart(out: JuteWriter, result: OpResult, applier: TxnApplier, bytes: Buffer): void {
  if (result.type === OpCode.error) {
    writeMultiError(out, result.error);
    return;
  }
  // Container and TTL creates are labelled create2: clients know no other result with a Stat.
  const isCreateWithStat = result.type === OpCode.createContainer || result.type === OpCode.createTTL;
  writeMultiHeader(out, isCreateWithStat ? OpCode.create2 : result.type, ErrorCode.ok);
  writeBody(out, result, applier, bytes);
}

function writeBody(out: JuteWriter, result: OpResult, applier: TxnApplier, bytes: Buffer): void {
  switch (result.type) {
    case OpCode.create:
    case OpCode.create2:
    case OpCode.createContainer:
    case OpCode.createTTL:
      out.writeInt(result.pathEnd - result.pathStart);
      out.writeRaw(bytes, result.pathStart, result.pathEnd);
      break;
    case OpCode.reconfig: {
      // Behind the path the transaction has what the znode has now.
      const dataEnd = result.pathEnd + 4 + readInt32(bytes, result.pathEnd);
      out.writeRaw(bytes, result.pathEnd, dataEnd);
      break;
    }
    default:
  }
  if (result.statAt >= 0) out.writeRaw(applier.stats.bytes, result.statAt, result.statAt + statBytes);
}
