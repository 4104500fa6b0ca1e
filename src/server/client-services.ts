/**
 * What a client port asks of the server behind it, while that loads its database and after: handshakes and requests
 * are refused until it serves (handshakes between two roles may wait), four-letter words are always answered.
 * Source: ZooKeeperServer.processConnectRequest, NIOServerCnxn.checkFourLetterWord.
 */

import { javaSocketAddress } from "#base/java-address.ts";
import { JuteReader, MarshallingError } from "#jute/reader.ts";
import type { ClientConnection } from "#net/client-connection.ts";
import type { ClientPortServices } from "#net/client-port.ts";
import { RareLine } from "#net/rare-line.ts";
import type { Client } from "#pipeline/client.ts";
import { type ConnectRequest, readConnectRequest } from "#protocol/handshake.ts";
import type { HostParts } from "./host-parts.ts";
import type { ClientServer } from "./client-server.ts";
import type { Serving } from "./wiring.ts";

const watchesPerTurnMax = 5000;

/** Recognises and answers four-letter words; see {@link ClientPortServices.takeWord}. */
export type WordAnswerer = (server: ClientServer, connection: ClientConnection, bytes: Buffer) => boolean;

export function clientServices(server: ClientServer, host: HostParts, answerWord: WordAnswerer): ClientPortServices {
  const { config, metrics } = server;
  const { clock, logger } = host;
  const [lengthLine, unsentLine] = [new RareLine(), new RareLine()];
  return {
    clock,
    metrics,
    frameBytesMax: config.juteMaxBufferBytes,
    sessionlessTimeoutMs: config.sessionlessCnxnTimeoutMs,
    connect: (client, bytes, start, end, nowMs) =>
      server.serving === null
        ? server.handshakes.take(client, bytes, start, end)
        : connect(server.serving, client, bytes, start, end, nowMs),
    lookAhead: (bytes, start, end) => void server.serving?.pipeline.lookAhead.over(bytes, start, end),
    receive: (client, bytes, start, end, nowMs) =>
      server.serving?.pipeline.receive(client, bytes, start, end, nowMs) ?? false,
    allSent: (client) => server.serving?.pipeline.outbox.reclaim(client),
    heldBackNoMore: (client, nowMs) => server.serving?.pipeline.runParked(client, nowMs),
    beginShare: () => server.serving?.pipeline.effort.begin(),
    isShareSpent: () => server.serving?.pipeline.effort.isSpent ?? false,
    turnEnded: () => server.turnEnded(),
    atTurnEnd: (action) => host.timers.atTurnEnd(action),
    lengthError: (client, length) => {
      if (!lengthLine.isDue(clock.monotonicMs())) return;
      const from = javaSocketAddress(client.remoteAddress, client.remotePort);
      const max = config.juteMaxBufferBytes;
      const message =
        `Len error. A message from ${from} with advertised length of ${length} is either a malformed message or too ` +
        `large to process (length is greater than jute.maxbuffer=${max})`;
      logger.warn({ from, length }, message);
    },
    unsentError: (client, unsentBytes) => {
      if (!unsentLine.isDue(clock.monotonicMs())) return;
      const from = javaSocketAddress(client.remoteAddress, client.remotePort);
      logger.warn({ from, unsentBytes }, `Closing a connection that takes nothing of what it is sent: ${from}`);
    },
    forget: (client, free) => {
      server.serving?.gate.forget(client);
      server.serving?.pipeline.forget(client);
      endWatches(server.serving, host, client.number, free);
    },
    takeWord: (connection, bytes) => answerWord(server, connection, bytes),
  };
}

/** Ends the watches of a connection that is gone, which may be a million, in slices. */
function endWatches(serving: Serving | null, host: HostParts, number: number, free: () => void): void {
  if (serving === null || serving.database.tree.watches.removeSome(number, watchesPerTurnMax)) free();
  else host.timers.atTurnEnd(() => endWatches(serving, host, number, free));
}

/** Handles a ConnectRequest. @returns false to close without an answer. */
export function connect(
  { pipeline, gate }: Serving,
  client: Client,
  bytes: Buffer,
  start: number,
  end: number,
  nowMs: number,
): boolean {
  pipeline.stats.countReceived(client);
  let request: ConnectRequest;
  try {
    request = readConnectRequest(new JuteReader(bytes, start, end));
  } catch (error) {
    if (error instanceof MarshallingError) return false;
    throw error;
  }
  return gate.connect(client, request, nowMs);
}
