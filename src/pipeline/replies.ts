/**
 * What goes back to clients, in the order of their requests: the outcome of writes when they are applied, the answers to
 * reads as they come, or (if writes of the same connection are in flight) right behind the last of those.
 *
 *   write applied    reads parked before it that a slow client has left waiting | its own reply | reads parked behind it
 *   read             answered now, or parked: the caller looks whether its connection has anything outstanding
 *
 * A client that does not take what it is sent gets no answers to reads until it does, and one that has had its share of a turn none
 * until the next; such requests are stalled. Whatever
 * leaves is counted here, for the connection, the server and the metrics.
 * Source: FinalRequestProcessor.java.
 */

import type { ServerMetrics } from "#base/metrics.ts";
import { JuteReader, MarshallingError } from "#jute/reader.ts";
import type { JuteWriter } from "#jute/writer.ts";
import { ErrorCode } from "#protocol/error-code.ts";
import { isClientRequest, isWriteOp, OpCode, opName } from "#protocol/op-code.ts";
import { beginReply, endReply, failReply, frameLengthBytes, pingXid, writeReply } from "#protocol/reply.ts";
import type { TxnHeader } from "#protocol/txn-header.ts";
import type { Session } from "#session/session-tracker.ts";
import type { TxnApplier } from "#tree/apply-txn.ts";
import type { DataTree } from "#tree/data-tree.ts";
import type { Answerer } from "./answer.ts";
import type { Client } from "./client.ts";
import type { Effort } from "./effort.ts";
import { Incoming, requestHeaderBytes } from "./incoming.ts";
import type { Outbox } from "./outbox.ts";
import { noneParked, ParkedRequests } from "./parked-requests.ts";
import type { PendingWrite } from "./pending-write.ts";
import type { ServerStats } from "./server-stats.ts";
import { writeWriteReply } from "./write-reply.ts";

/** What the pipeline leaves to others when a session comes and goes. */
export interface SessionOutcomes {
  /** A new session's transaction is applied: the client may be told. */
  sessionOpened(client: Client): void;
  /** A session ended that nobody asked to end over a connection: its connection, if any, is closed. */
  sessionEnded(idHigh: number, idLow: number): void;
  /** A local session was closed by its client. */
  localSessionClosed(session: Session): void;
}

/** Bytes gathered for a connection beyond which they are sent within the turn. */
const gatheredBytesMax = 1 << 20;
/**
 * So many requests of one connection wait for its own writes before it is read no further. Whatever they cost, they are answered
 * before its next write is applied, and everybody's writes come behind that one.
 */
const parkedMax = 128;

export class Replies {
  /** Requests that wait for writes of their connection, server-wide. */
  parkedCount = 0;
  /** Those of them that wait for nothing but a client which is held back. */
  stalledCount = 0;
  readonly #tree: DataTree;
  readonly #applier: TxnApplier;
  readonly #answerer: Answerer;
  readonly #outbox: Outbox;
  readonly #stats: ServerStats;
  readonly #metrics: ServerMetrics;
  readonly #outcomes: SessionOutcomes;
  readonly #isReadOnly: boolean;
  readonly #effort: Effort;
  readonly #reader = new JuteReader(Buffer.alloc(0));
  readonly #parked = new Incoming();

  constructor(parts: {
    tree: DataTree;
    applier: TxnApplier;
    answerer: Answerer;
    outbox: Outbox;
    stats: ServerStats;
    metrics: ServerMetrics;
    outcomes: SessionOutcomes;
    isReadOnly: boolean;
    effort: Effort;
  }) {
    this.#tree = parts.tree;
    this.#applier = parts.applier;
    this.#answerer = parts.answerer;
    this.#outbox = parts.outbox;
    this.#stats = parts.stats;
    this.#metrics = parts.metrics;
    this.#outcomes = parts.outcomes;
    this.#isReadOnly = parts.isReadOnly;
    this.#effort = parts.effort;
  }

  /** Tells those concerned what became of a write whose transaction, which `bytes` holds, was applied last. */
  replyToWrite(pending: PendingWrite, bytes: Buffer, nowMs: number): void {
    const { client, session, type } = pending;
    if (type === OpCode.closeSession && session !== null && (client === null || client.isClosed)) {
      this.#outcomes.sessionEnded(session.idHigh, session.idLow);
    }
    if (client === null) return;
    this.#catchUp(client, nowMs);
    if (client.isClosed) return;
    const latencyMs = nowMs - pending.receivedMs;
    if (type === OpCode.createSession) {
      this.#countReply(client, 0, type, latencyMs, nowMs);
      this.#outcomes.sessionOpened(client);
    } else if (this.#isRefusedAsMoved()) {
      this.cutOff(client);
      return;
    } else {
      const out = this.#outbox.open(client);
      const before = out.length;
      writeWriteReply(out, pending, this.#applier, bytes);
      this.#countResponse(out.length - before);
      this.#countReply(client, pending.xid, type, latencyMs, nowMs);
    }
    this.#metrics.updatelatency.add(latencyMs);
    if (type === OpCode.closeSession) {
      this.#outbox.closeAfterSending(client);
      return;
    }
    this.runParked(client, nowMs);
  }

  /**
   * Ends a connection behind what it was answered: its session is another's now. Its client is not told, since the word would
   * reach it where it has gone (ZOOKEEPER-710).
   */
  cutOff(client: Client): void {
    this.#outbox.closeAfterSending(client);
  }

  #isRefusedAsMoved(): boolean {
    // Of a multi, each part asks for the session.
    const { results, resultCount } = this.#applier;
    return resultCount > 0 && results[0]!.error === ErrorCode.sessionMoved;
  }

  /** A transaction was applied that nobody here waits for; if a session ended with it, so does its connection. */
  noteForeign({ type, clientIdHigh, clientIdLow }: TxnHeader): void {
    if (type === OpCode.closeSession) this.#outcomes.sessionEnded(clientIdHigh, clientIdLow);
  }

  /** Answers a sync in its turn among its connection's writes. */
  replyToSync(pending: PendingWrite, request: Incoming, nowMs: number): void {
    const { client } = pending;
    if (client === null) return;
    this.#catchUp(client, nowMs);
    if (client.isClosed) return;
    this.answer(request, nowMs);
    this.runParked(client, nowMs);
  }

  /** Keeps a request until the writes of its connection that are in flight have been answered. */
  park(incoming: Incoming): void {
    const { client } = incoming;
    if (client.parked === noneParked) client.parked = new ParkedRequests();
    client.parked.push(incoming, client.writesSubmitted);
    this.parkedCount++;
    if (client.parked.length >= parkedMax) client.link.full();
  }

  /** Answers the requests whose time has come, unless the client is too slow for more, or has had its share of the turn. */
  runParked(client: Client, nowMs: number): void {
    while (!client.isClosed && !client.link.isHeldBack && client.parked.isReady(client.writesAnswered)) {
      if (this.#effort.isSpent) client.link.rest();
      else this.#answerParked(client, nowMs);
    }
    this.#noteStalled(client, client.parked.isReady(client.writesAnswered) ? client.parked.length : 0);
    if (client.link.isFull && client.parked.length <= parkedMax / 2) client.link.hasRoom();
  }

  /** Forgets what a connection that is gone was still to be answered. */
  forget(client: Client): void {
    this.parkedCount -= client.parked.length;
    client.parked.clear();
    this.#noteStalled(client, 0);
  }

  /** What the client's next write comes behind is answered now, slow or not: it must not see that write's change. */
  #catchUp(client: Client, nowMs: number): void {
    while (!client.isClosed && client.parked.isReady(client.writesAnswered)) this.#answerParked(client, nowMs);
    client.writesAnswered++;
  }

  #noteStalled(client: Client, count: number): void {
    this.stalledCount += count - client.stalledCount;
    client.stalledCount = count;
  }

  #answerParked(client: Client, nowMs: number): void {
    const incoming = this.#parked;
    client.parked.front(client, incoming);
    // Out of the queue first: its answer may be the end of the connection, which clears the queue.
    client.parked.shift();
    this.parkedCount--;
    this.answer(incoming, nowMs);
  }

  /** Answers what becomes no transaction. */
  answer(incoming: Incoming, nowMs: number): void {
    const { client, xid, type } = incoming;
    if (!isClientRequest(type) && type !== OpCode.deleteContainer) {
      this.refuseAndClose(client, xid, -1, ErrorCode.unimplemented);
      return;
    }
    this.#reader.reset(incoming.bytes, incoming.start + requestHeaderBytes, incoming.end);
    const { lastZxidHigh, lastZxidLow } = this.#tree;
    const replyXid = type === OpCode.ping ? pingXid : xid;
    const out = this.#outbox.open(client);
    // What setWatches has to tell goes before its reply, which has no body.
    const early = hasEventsFirst(type) ? this.#bodyOf(incoming, type, out) : null;
    const at = beginReply(out, replyXid, lastZxidHigh, lastZxidLow);
    const error = early ?? this.#bodyOf(incoming, type, out);
    if (error === ErrorCode.ok) {
      endReply(out, at);
    } else if (error === null) {
      endReply(out, at);
      out.view.setInt32(at + 16, ErrorCode.marshallingError);
    } else {
      failReply(out, at, error);
    }
    this.#countResponse(out.length - at);
    this.#effort.addRead(incoming.end - incoming.start, out.length - at);
    // Few requests can ask for much: what they bring is sent before memory piles up.
    if (out.length > gatheredBytesMax) this.#outbox.flushOne(client);
    const latencyMs = nowMs - incoming.receivedMs;
    this.#metrics.readlatency.add(latencyMs);
    this.#countReply(client, xid, type, latencyMs, nowMs);
    if (type === OpCode.closeSession && error === ErrorCode.ok) this.#closeLocalSession(client);
  }

  #closeLocalSession(client: Client): void {
    this.#outcomes.localSessionClosed(client.session!);
    this.#outbox.closeAfterSending(client);
  }

  #bodyOf(incoming: Incoming, type: number, out: JuteWriter): ErrorCode | null {
    if (type === OpCode.ping || this.#endsLocalSession(incoming, type)) return ErrorCode.ok;
    if (incoming.isThrottled) return ErrorCode.throttledOp;
    if (type === OpCode.deleteContainer) return ErrorCode.unimplemented;
    if (this.#isReadOnly && (isWriteOp(type) || type === OpCode.sync)) return ErrorCode.notReadOnly;
    if (isWriteOp(type)) return ErrorCode.marshallingError;
    try {
      return this.#answerer.answer(type, incoming.client, incoming.identities, this.#reader, out);
    } catch (error) {
      if (error instanceof MarshallingError) return ErrorCode.marshallingError;
      throw error;
    }
  }

  #endsLocalSession({ client }: Incoming, type: number): boolean {
    return type === OpCode.closeSession && client.session!.isLocal;
  }

  #countResponse(frameBytes: number): void {
    this.#metrics.responseBytes.increment(frameBytes - frameLengthBytes);
    this.#stats.responseSizes.add(frameBytes - frameLengthBytes);
  }

  #countReply(client: Client, xid: number, type: number, latencyMs: number, nowMs: number): void {
    const { lastZxidHigh, lastZxidLow } = this.#tree;
    client.stats.replied(xid, lastZxidHigh, lastZxidLow, opName(type), latencyMs, nowMs);
    this.#stats.replied(latencyMs);
  }

  /** Answers with an error that costs the connection. */
  refuseAndClose(client: Client, xid: number, zxid: number, error: ErrorCode): void {
    writeReply(this.#outbox.open(client), xid, zxid, zxid, error);
    this.#stats.countSent(client);
    this.#outbox.closeAfterSending(client);
  }
}

function hasEventsFirst(type: number): boolean {
  return type === OpCode.setWatches || type === OpCode.setWatches2;
}
