/**
 * The first frame in each direction.
 *
 *   ConnectRequest   protocolVersion int | lastZxidSeen long | timeOut int | sessionId long | passwd buffer [| readOnly]
 *   ConnectResponse  protocolVersion int = 0 | timeOut int | sessionId long | passwd buffer (16) [| readOnly]
 *
 * Clients of before 3.4 and some others leave the last byte out; then the response must leave it out as well. A session
 * that is not (or no longer) valid is told by timeOut 0, id 0 and a password of zeros: still sixteen bytes, since the C
 * client reads a response of fixed size.
 * Source: ConnectRequest, ConnectResponse in zookeeper.jute; ProtocolManager.java; ZooKeeperServer.finishSessionInit.
 */

import type { JuteReader } from "#jute/reader.ts";
import type { JuteWriter } from "#jute/writer.ts";

export interface ConnectRequest {
  readonly lastZxidSeenHigh: number;
  readonly lastZxidSeenLow: number;
  /** Requested session timeout in ms; any int. */
  readonly timeoutMs: number;
  readonly sessionIdHigh: number;
  readonly sessionIdLow: number;
  /** Borrowed from the frame. */
  readonly password: Buffer | null;
  /** null: an old client, whose response has no such byte. */
  readonly readOnly: boolean | null;
}

/** @throws MarshallingError when the frame is too short. */
export function readConnectRequest(reader: JuteReader): ConnectRequest {
  reader.skip(4);
  return {
    lastZxidSeenHigh: reader.readInt(),
    lastZxidSeenLow: reader.readInt(),
    timeoutMs: reader.readInt(),
    sessionIdHigh: reader.readInt(),
    sessionIdLow: reader.readInt(),
    password: reader.readBuffer(),
    readOnly: reader.remaining > 0 ? reader.readBoolean() : null,
  };
}

const zeros = Buffer.alloc(16);

/** Writes the response's frame. `password` has 16 bytes; null stands for an invalid session. */
export function writeConnectResponse(
  out: JuteWriter,
  session: { idHigh: number; idLow: number; timeoutMs: number; password: Uint8Array } | null,
  readOnly: boolean | null,
): void {
  out.writeInt(readOnly === null ? 36 : 37);
  out.writeInt(0);
  out.writeInt(session?.timeoutMs ?? 0);
  out.writeLong(session?.idHigh ?? 0, session?.idLow ?? 0);
  out.writeBuffer(session?.password ?? zeros);
  if (readOnly !== null) out.writeBoolean(readOnly);
}
