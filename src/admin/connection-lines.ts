/**
 * Connections as text, for `cons` and `stat`. One line each, with a blank in front:
 *
 *    /10.0.0.7:51422[1](queued=0,recved=12,sent=12)                           stat, and cons before there is a session
 *    /10.0.0.7:51422[1](queued=0,recved=12,sent=12,sid=0x100000f3c2b0001,lop=PING,est=1763895000123,to=30000,
 *     lcxid=0x4,lzxid=0x100000005,lresp=895082,llat=0,minlat=0,avglat=0,maxlat=3)                  cons, on one line
 *
 * In brackets: the interest ops, in hexadecimal. `lcxid` is left out before the first request.
 * Source: ServerCnxn.dumpConnectionInfo, ConsCommand.
 */

import { javaSocketAddress } from "#base/java-address.ts";
import { hexOfHalves } from "#base/zxid.ts";
import type { ConnectionFacts } from "#server/server-facts.ts";

/** The lines of `cons`: a line per connection, then an empty one. */
export function* consLines(connections: Iterable<ConnectionFacts>): Generator<string, void, undefined> {
  for (const connection of connections) yield ` ${brief(connection)}${details(connection)})\n`;
  yield "\n";
}

/** The lines of connections as `stat` has them: without what a session adds. */
export function* statConnectionLines(connections: Iterable<ConnectionFacts>): Generator<string, void, undefined> {
  for (const connection of connections) yield ` ${brief(connection)})\n`;
}

/** `ip: /ADDRESS:PORT sessionId: 0xHEX`, as `dump` names a connection. */
export function connectionName(connection: ConnectionFacts): string {
  const address = javaSocketAddress(connection.remoteAddress, connection.remotePort);
  return `ip: ${address} sessionId: 0x${hexOfHalves(connection.sessionIdHigh, connection.sessionIdLow)}`;
}

function brief(connection: ConnectionFacts): string {
  const address = javaSocketAddress(connection.remoteAddress, connection.remotePort);
  const { outstandingRequests, packetsReceived, packetsSent } = connection;
  const counts = `queued=${outstandingRequests},recved=${packetsReceived},sent=${packetsSent}`;
  return `${address}[${connection.interestOps.toString(16)}](${counts}`;
}

function details(connection: ConnectionFacts): string {
  if (connection.sessionIdHigh === 0 && connection.sessionIdLow === 0) return "";
  const sid = hexOfHalves(connection.sessionIdHigh, connection.sessionIdLow);
  const lzxid = hexOfHalves(connection.lastZxidHigh, connection.lastZxidLow);
  const lcxid = connection.lastCxid >= 0 ? `,lcxid=0x${connection.lastCxid.toString(16)}` : "";
  return (
    `,sid=0x${sid},lop=${connection.lastOperation}` +
    `,est=${Math.trunc(connection.establishedMs)},to=${connection.sessionTimeoutMs}` +
    `${lcxid},lzxid=0x${lzxid},lresp=${Math.trunc(connection.lastResponseMs)}` +
    `,llat=${Math.trunc(connection.lastLatencyMs)},minlat=${Math.trunc(connection.minLatencyMs)}` +
    `,avglat=${Math.trunc(connection.averageLatencyMs)},maxlat=${Math.trunc(connection.maxLatencyMs)}`
  );
}
