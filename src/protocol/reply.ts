/**
 * Frames that the server sends, written straight into a connection's output.
 *
 *   reply    int length | xid int | zxid long | err int | body if err = 0
 *   event    int length | -1 | zxid long | 0 | type int | state int = 3 | path ustring
 *
 * A reply is begun before its body is known to succeed, and either ended or cut back to its header with an error.
 * Source: ReplyHeader, WatcherEvent in zookeeper.jute; ServerCnxn.serialize.
 */

import type { JuteWriter } from "#jute/writer.ts";

/** xid of watch events. */
export const notificationXid = -1;
/** xid of pings, in both directions. */
export const pingXid = -2;
/** The only state that a server puts into an event. */
const syncConnected = 3;
/** The int before each frame, which does not count itself. */
export const frameLengthBytes = 4;
/** Length and ReplyHeader. */
const headerBytes = 20;

/** Begins a reply. @returns where it begins, for {@link endReply} and {@link failReply}. */
export function beginReply(out: JuteWriter, xid: number, zxidHigh: number, zxidLow: number): number {
  out.ensure(headerBytes);
  const at = out.length;
  const { view } = out;
  view.setInt32(at, headerBytes - 4);
  view.setInt32(at + 4, xid);
  view.setInt32(at + 8, zxidHigh);
  view.setInt32(at + 12, zxidLow);
  view.setInt32(at + 16, 0);
  out.length = at + headerBytes;
  return at;
}

/** The body is complete. */
export function endReply(out: JuteWriter, at: number): void {
  out.view.setInt32(at, out.length - at - 4);
}

/** There is no body: the reply is an error. */
export function failReply(out: JuteWriter, at: number, error: number): void {
  out.length = at + headerBytes;
  out.view.setInt32(at, headerBytes - 4);
  out.view.setInt32(at + 16, error);
}

/** A whole reply without a body. */
export function writeReply(out: JuteWriter, xid: number, zxidHigh: number, zxidLow: number, error: number): void {
  const at = beginReply(out, xid, zxidHigh, zxidLow);
  out.view.setInt32(at + 16, error);
}

/** A whole watch event. */
export function writeEvent(
  out: JuteWriter,
  type: number,
  zxidHigh: number,
  zxidLow: number,
  path: Uint8Array,
  start: number,
  end: number,
): void {
  const at = beginReply(out, notificationXid, zxidHigh, zxidLow);
  out.writeInt(type);
  out.writeInt(syncConnected);
  out.writeInt(end - start);
  out.writeRaw(path, start, end);
  endReply(out, at);
}
