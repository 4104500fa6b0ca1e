/**
 * Which requests make a local session one of the ensemble: a create or create2 of an ephemeral znode, alone or in a multi.
 * Source: QuorumZooKeeperServer.checkUpgradeSession.
 */

import { JuteReader, MarshallingError } from "#jute/reader.ts";
import { OpCode } from "#protocol/op-code.ts";
import { type Incoming, requestHeaderBytes } from "./incoming.ts";
import { readMultiHeader, readMultiWrite } from "./multi-frame.ts";
import { WriteOp } from "./write-op.ts";

const reader = new JuteReader(Buffer.alloc(0));
const op = new WriteOp();

/** Whether the request wants an ephemeral znode; one that does not decode wants none. */
export function wantsEphemeral({ type, bytes, start, end }: Incoming): boolean {
  if (!isCreate(type) && type !== OpCode.multi) return false;
  reader.reset(bytes, start + requestHeaderBytes, end);
  try {
    if (type === OpCode.multi) return isEphemeralAmong();
    op.read(type, reader);
    return op.isEphemeral;
  } catch (error) {
    if (error instanceof MarshallingError) return false;
    throw error;
  }
}

function isEphemeralAmong(): boolean {
  let isAmong = false;
  for (let type = readMultiHeader(reader); type !== null; type = readMultiHeader(reader)) {
    readMultiWrite(type, reader, op);
    if (isCreate(type) && op.isEphemeral) isAmong = true;
  }
  return isAmong;
}

function isCreate(type: number): boolean {
  return type === OpCode.create || type === OpCode.create2;
}
