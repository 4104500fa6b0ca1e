/**
 * The envelope of multi and multiRead.
 *
 *   request   (type int | done bool = 0 | err int = -1 | body)*   -1 | 1 | -1
 *   reply     (type int | done bool = 0 | err int      | body)*   -1 | 1 | -1      err -1 even when all went well
 *
 * Only `done` ends the list. Writes and reads do not mix. A create that comes with the container flag becomes a
 * container here (as a request of its own it does not), and a createTTL without a TTL flag becomes a plain create.
 * Source: MultiOperationRecord.java, MultiResponse.java, Op.Create.
 */

import { MarshallingError, type JuteReader } from "#jute/reader.ts";
import type { JuteWriter } from "#jute/writer.ts";
import { OpCode } from "#protocol/op-code.ts";
import { CreateFlag, type WriteOp } from "./write-op.ts";

/** Reads a header. @returns the operation's type, or null at the end of the list. */
export function readMultiHeader(reader: JuteReader): number | null {
  const type = reader.readInt();
  const isDone = reader.readBoolean();
  reader.skip(4);
  return isDone ? null : type;
}

export function writeMultiHeader(out: JuteWriter, type: number, error: number): void {
  out.writeInt(type);
  out.writeBoolean(false);
  out.writeInt(error);
}

export function writeMultiEnd(out: JuteWriter): void {
  out.writeInt(-1);
  out.writeBoolean(true);
  out.writeInt(-1);
}

/** A part that failed or was not reached: the code stands in the header and in the body. */
export function writeMultiError(out: JuteWriter, error: number): void {
  writeMultiHeader(out, OpCode.error, error);
  out.writeInt(error);
}

/**
 * Whether ZooKeeper trips over a part while it decodes it: a create without an ACL list. Quirk: one with a TTL is no worse
 * than any part that is refused.
 */
export function lacksAclList(type: number, op: WriteOp): boolean {
  return op.isCreate && op.isAclNull && type !== OpCode.createTTL;
}

/**
 * Reads a write's body as part of a multi and settles what it is there. A part that {@link lacksAclList} is the caller's
 * to judge.
 * @throws MarshallingError for what cannot be in a multi: another type, a flag out of range or a TTL flag on a create
 * without a TTL.
 */
export function readMultiWrite(type: number, reader: JuteReader, op: WriteOp): void {
  switch (type) {
    case OpCode.create:
    case OpCode.create2:
    case OpCode.createContainer:
    case OpCode.createTTL:
    case OpCode.delete:
    case OpCode.setData:
    case OpCode.check:
      break;
    default:
      throw new MarshallingError(`operation ${type} in a multi`);
  }
  op.read(type, reader);
  if (!op.isCreate) return;
  if (op.hasKnownFlags && lacksAclList(type, op)) return;
  if (type !== OpCode.createTTL && (!op.hasKnownFlags || op.isTtl)) {
    throw new MarshallingError(`create flag ${op.flags} in a multi`);
  }
  if (op.isTtl || !op.hasKnownFlags) return;
  if (op.flags === CreateFlag.container) op.type = OpCode.createContainer;
  else if (type === OpCode.createTTL) op.type = OpCode.create;
}

/** Decodes the whole body once, before any part of it is judged. `op` is filled again and again. */
export function findMultiFault(reader: JuteReader, op: WriteOp): "undecodable" | "no ACL list" | null {
  let hasNullPath = false;
  try {
    for (let type = readMultiHeader(reader); type !== null; type = readMultiHeader(reader)) {
      readMultiWrite(type, reader, op);
      if (lacksAclList(type, op)) return "no ACL list";
      if (op.pathStart < 0) hasNullPath = true;
    }
  } catch (error) {
    if (error instanceof MarshallingError) return "undecodable";
    throw error;
  }
  return hasNullPath ? "undecodable" : null;
}
