/**
 * multi: several writes under one zxid, all or none. Each part is judged on what the parts before it leave behind. When
 * one is refused, the changes of the earlier ones are taken back, and what is logged is a multi that changes nothing:
 * the earlier parts as they are, the refused one and all behind it as errors.
 *
 *   MultiTxn   count int | (type int | data buffer)*      type -1 with an ErrorTxn for errors
 *
 * A body that does not decode is refused as a whole, with a zxid of its own; a create without an ACL list, without one
 * (both as ZooKeeper does, where the first fails in decoding and the second a step earlier). A part over which ZooKeeper
 * trips, where it would refuse it, ends the multi as a whole in the same way; so does one that becomes longer than any
 * ZooKeeper reads: lists of `auth` are written out in it.
 * Source: PrepRequestProcessor.pRequestHelper, MultiOperationRecord.java.
 */

import type { JuteReader } from "#jute/reader.ts";
import type { JuteWriter } from "#jute/writer.ts";
import { ErrorCode } from "#protocol/error-code.ts";
import { OpCode } from "#protocol/op-code.ts";
import { findMultiFault, readMultiHeader, readMultiWrite } from "./multi-frame.ts";
import type { Preparer } from "./prepare.ts";
import type { Requester } from "./write-judge.ts";
import { WriteOp } from "./write-op.ts";
import { writeTxnBody } from "./write-txn.ts";

export class MultiPreparer {
  readonly #preparer: Preparer;
  readonly #op = new WriteOp();

  constructor(preparer: Preparer) {
    this.#preparer = preparer;
  }

  /**
   * Prepares a multi whose body the reader stands before.
   * @returns false when nothing was logged: the request is answered with -5 and no zxid.
   */
  prepare(xid: number, requester: Requester, reader: JuteReader): boolean {
    const bodyAt = reader.offset;
    const fault = findMultiFault(reader, this.#op);
    if (fault === "no ACL list") return false;
    const preparer = this.#preparer;
    preparer.beginFor(requester, OpCode.multi, xid);
    if (fault !== null) {
      preparer.refuse(ErrorCode.marshallingError);
      return true;
    }
    reader.offset = bodyAt;
    this.#prepareParts(requester, reader);
    return true;
  }

  #prepareParts(requester: Requester, reader: JuteReader): void {
    const preparer = this.#preparer;
    const { changes, header } = preparer;
    const changesBefore = changes.length;
    const { high, low } = changes.digest;
    const out = preparer.sink.beginRecord();
    const recordAt = out.length;
    header.write(out);
    const countAt = out.length;
    out.writeInt(0);
    let count = 0;
    let failure: ErrorCode = ErrorCode.ok;
    for (let type = readMultiHeader(reader); type !== null; type = readMultiHeader(reader)) {
      readMultiWrite(type, reader, this.#op);
      count++;
      if (failure !== ErrorCode.ok) {
        writeErrorTxn(out, ErrorCode.runtimeInconsistency);
        continue;
      }
      failure = preparer.judge.admit(this.#op, requester);
      if (failure === ErrorCode.ok) {
        this.#writePart(out);
        // A list of `auth` may stand for a thousand entries, in each of ten thousand parts.
        if (!preparer.isTooLong(out, recordAt)) continue;
        preparer.takeBack(out, recordAt, changesBefore, high, low);
        return;
      }
      if (failure === ErrorCode.marshallingError) {
        preparer.takeBack(out, recordAt, changesBefore, high, low);
        return;
      }
      changes.rollBack(changesBefore, high, low);
      writeErrorTxn(out, failure);
    }
    if (preparer.isTooLong(out, recordAt)) {
      preparer.takeBack(out, recordAt, changesBefore, high, low);
      return;
    }
    out.view.setInt32(countAt, count);
    preparer.finish(out);
  }

  #writePart(out: JuteWriter): void {
    const { judge } = this.#preparer;
    out.writeInt(judge.txnType);
    const lengthAt = out.length;
    out.writeInt(0);
    writeTxnBody(out, judge, this.#op);
    out.view.setInt32(lengthAt, out.length - lengthAt - 4);
  }
}

function writeErrorTxn(out: JuteWriter, error: number): void {
  out.writeInt(OpCode.error);
  out.writeInt(4);
  out.writeInt(error);
}
