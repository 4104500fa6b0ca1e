/**
 * A request's way through a server: received, put in order, prepared or answered, applied, replied to.
 *
 *   frame -> auth, sasl: answered at once
 *         -> write: prepare -> log ... durable -> apply -> events -> reply
 *         -> read:  answered now, unless this connection has writes in flight: then parked behind them
 *
 * Guarantees, which are ZooKeeper's: replies of a connection leave in the order of its requests; a read sees the
 * connection's own earlier writes and waits for nothing else; an event leaves before any reply that reflects its change;
 * the credentials of a request are those the connection had when its frame was read.
 *
 * Here is the order of things; what is said to clients stands in replies.ts. Nothing waits: the log hands back its
 * transactions when they are durable (applied), and everything gathered is sent by whoever called in, once, at the end
 * (Outbox.flush).
 * Source: ZooKeeperServer.processPacket, submitRequestNow; CommitProcessor.
 */

import { hasScheme } from "#auth/identity.ts";
import type { ProviderRegistry } from "#auth/provider-registry.ts";
import type { ServerMetrics } from "#base/metrics.ts";
import { numberOf } from "#base/zxid.ts";
import { JuteReader, readInt32 } from "#jute/reader.ts";
import { ErrorCode } from "#protocol/error-code.ts";
import { isClientRequest, isWriteOp, OpCode } from "#protocol/op-code.ts";
import type { LocalSessions } from "#session/local-sessions.ts";
import type { Session, SessionTracker } from "#session/session-tracker.ts";
import type { DataTree } from "#tree/data-tree.ts";
import type { TxnApplier } from "#tree/apply-txn.ts";
import { Answerer } from "./answer.ts";
import { AuthPackets } from "./auth-packets.ts";
import type { Client } from "./client.ts";
import { Effort } from "./effort.ts";
import { EventDelivery } from "./event-delivery.ts";
import { Incoming, requestHeaderBytes } from "./incoming.ts";
import { LookAhead } from "./look-ahead.ts";
import { Outbox } from "./outbox.ts";
import type { PendingWrite } from "./pending-write.ts";
import { Replies, type SessionOutcomes } from "./replies.ts";
import { RequestQueue, type RequestThrottleOptions } from "./request-queue.ts";
import { ServerStats } from "./server-stats.ts";
import { Throttle, type ThrottleOptions } from "./throttle.ts";
import type { WritePath } from "./write-path.ts";

export interface PipelineOptions extends ThrottleOptions {
  readonly skipAcl: boolean;
  /** Schemes of which a connection must have an identity before anything but auth and sasl is served; [] for none. */
  readonly enforcedAuthSchemes: readonly string[];
  readonly requestThrottle: RequestThrottleOptions;
  /** A request that waited longer in the throttle's queue is answered with ThrottledOp; 0 for never. */
  readonly throttledOpWaitTimeMs: number;
}

/** The two clocks, as the pipeline reads them. */
export interface Now {
  monotonicMs(): number;
  wallMs(): number;
}

export class RequestPipeline {
  readonly outbox: Outbox = new Outbox();
  readonly stats: ServerStats = new ServerStats();
  readonly throttle: Throttle;
  readonly queue: RequestQueue;
  readonly lookAhead: LookAhead;
  readonly events: EventDelivery;
  readonly effort: Effort;
  readonly #writes: WritePath;
  readonly #replies: Replies;
  readonly #auth: AuthPackets;
  readonly #applier: TxnApplier;
  readonly #sessions: SessionTracker;
  readonly #localSessions: LocalSessions | null;
  readonly #options: PipelineOptions;
  readonly #metrics: ServerMetrics;
  readonly #now: Now;
  readonly #reader = new JuteReader(Buffer.alloc(0));
  readonly #incoming = new Incoming();
  #timeToldAtMs = -1;

  constructor(parts: {
    tree: DataTree;
    applier: TxnApplier;
    sessions: SessionTracker;
    /** Null where there are none. */
    localSessions: LocalSessions | null;
    /** Whether writes and syncs are refused. */
    isReadOnly: boolean;
    registry: ProviderRegistry;
    writes: WritePath;
    options: PipelineOptions;
    metrics: ServerMetrics;
    now: Now;
    outcomes: SessionOutcomes;
    clientOf: (number: number) => Client | undefined;
  }) {
    const { tree, applier, registry, options, metrics, outcomes } = parts;
    const { outbox, stats } = this;
    this.#writes = parts.writes;
    this.#applier = applier;
    this.#sessions = parts.sessions;
    this.#localSessions = parts.localSessions;
    this.#options = options;
    this.#metrics = metrics;
    this.#now = parts.now;
    this.effort = new Effort(registry);
    this.throttle = new Throttle(options);
    this.queue = new RequestQueue(options.requestThrottle, options.throttledOpWaitTimeMs, metrics);
    this.#auth = new AuthPackets(registry, outbox);
    this.events = new EventDelivery({
      tree,
      registry,
      skipAcl: options.skipAcl,
      outbox,
      metrics,
      stats,
      clientOf: parts.clientOf,
    });
    this.lookAhead = new LookAhead(tree);
    tree.watches.sink = this.events.deliver;
    const { effort } = this;
    const answerer = new Answerer(tree, registry, options.skipAcl, effort);
    answerer.onCatchUpEvent = this.events.deliverCatchUp;
    const { isReadOnly } = parts;
    this.#replies = new Replies({ tree, applier, answerer, outbox, stats, metrics, outcomes, isReadOnly, effort });
  }

  /**
   * Requests submitted and not answered, server-wide: what the limits on load look at. Reads that wait until a slow client
   * takes more are none of them: they cost no work, and one such client would stop all the others.
   */
  get inProcess(): number {
    return this.#writes.length + this.#replies.parkedCount - this.#replies.stalledCount;
  }

  /** Requests received and not answered: what operators call outstanding. */
  get outstanding(): number {
    return this.#writes.length + this.#replies.parkedCount + this.queue.length;
  }

  /**
   * Takes one frame (without its length) of a connection that has a session.
   * @returns false when the frame breaks the protocol and the connection must be closed without an answer.
   */
  receive(client: Client, bytes: Buffer, start: number, end: number, nowMs: number): boolean {
    if (end - start < requestHeaderBytes) return false;
    this.stats.countReceived(client);
    const xid = readInt32(bytes, start);
    const type = readInt32(bytes, start + 4);
    const reader = this.#reader;
    reader.reset(bytes, start + requestHeaderBytes, end);
    if (type === OpCode.auth) return this.#auth.authenticate(client, xid, reader);
    if (type === OpCode.sasl) return this.#auth.refuseSasl(client, xid, reader);
    const { enforcedAuthSchemes } = this.#options;
    if (enforcedAuthSchemes.length > 0 && !hasScheme(client.identities, enforcedAuthSchemes)) {
      this.#replies.refuseAndClose(client, xid, 0, ErrorCode.sessionClosedRequireSaslAuth);
      return true;
    }
    const largeBytes = this.throttle.admitLarge(end - start);
    if (largeBytes < 0) {
      this.#metrics.largeRequestsRejected.increment();
      return false;
    }
    const incoming = this.#incoming;
    incoming.client = client;
    incoming.identities = client.identities;
    incoming.bytes = bytes;
    incoming.start = start;
    incoming.end = end;
    incoming.largeBytes = largeBytes;
    incoming.receivedMs = nowMs;
    if (this.queue.isEnabled) {
      this.queue.push(incoming);
      this.drainQueue(nowMs);
    } else {
      this.#submit(incoming, nowMs);
    }
    if (xid > 0) this.#pauseIfBusy(client);
    return true;
  }

  /** Lets in what the request throttle has room for. */
  drainQueue(nowMs: number): void {
    if (this.queue.length === 0) return;
    for (;;) {
      const incoming = this.queue.take(this.inProcess, nowMs, this.#drop);
      if (incoming === null) return;
      this.#submit(incoming, nowMs);
    }
  }

  /** A request that the throttle will not let in: its connection goes, so that nothing overtakes it. */
  readonly #drop = (incoming: Incoming): void => {
    this.throttle.releaseLarge(incoming.largeBytes);
    if (!incoming.client.isClosed) incoming.client.link.closeNow();
  };

  #submit(incoming: Incoming, nowMs: number): void {
    const { client, type } = incoming;
    const session = client.session!;
    const tracker = session.isLocal ? this.#localSessions!.tracker : this.#sessions;
    if (!tracker.touch(session, client.timeoutMs, nowMs)) {
      this.throttle.releaseLarge(incoming.largeBytes);
      return;
    }
    if (!incoming.isThrottled && this.#isWrite(type, session) && this.#write(incoming)) return;
    this.throttle.releaseLarge(incoming.largeBytes);
    if (this.#writes.hasMoved(session)) this.#replies.cutOff(client);
    else if (client.outstanding > 0) this.#park(incoming);
    else this.#replies.answer(incoming, nowMs);
  }

  #park(incoming: Incoming): void {
    const session = incoming.client.session!;
    // Over at once: what comes behind it must not make it one of the ensemble's, which this would not end.
    if (incoming.type === OpCode.closeSession && session.isLocal) this.#localSessions!.close(session);
    this.#replies.park(incoming);
  }

  #isWrite(type: number, session: Session): boolean {
    // A local session ends without a transaction.
    if (type === OpCode.closeSession) return !session.isLocal;
    return isWriteOp(type) ? isClientRequest(type) : type === OpCode.sync && this.#writes.takesSyncs;
  }

  /** @returns false when it becomes no transaction: the answer is -5 or -6, in its turn. */
  #write(incoming: Incoming): boolean {
    this.#tellTime(incoming.receivedMs);
    const pending = this.#writes.submit(incoming);
    if (pending === null) return false;
    incoming.client.writesSubmitted++;
    this.effort.addWrite(incoming.end - incoming.start);
    pending.largeBytes = incoming.largeBytes;
    return true;
  }

  /** The wall clock is read once for all requests that came in at the same moment. */
  #tellTime(receivedMs: number): void {
    if (receivedMs === this.#timeToldAtMs) return;
    this.#timeToldAtMs = receivedMs;
    this.#writes.timeIs(this.#now.wallMs());
  }

  /** Begins a session for a client whose handshake is accepted; it is answered when the transaction is applied. */
  openSession(client: Client, session: Session, nowMs: number): void {
    this.#tellTime(nowMs);
    this.#writes.openSession(client, session, nowMs);
    client.writesSubmitted++;
  }

  /**
   * Whether the next transaction has to wait for the next turn: its client rests, and has reads before it that must not see its
   * change.
   */
  get mustRest(): boolean {
    const client = this.#writes.next?.client ?? null;
    return client !== null && client.link.isResting && client.parked.isReady(client.writesAnswered);
  }

  /** Applies the next transaction and replies to whoever waited for it. */
  applied(bytes: Buffer, start: number, end: number, nowMs: number, wallMs: number): void {
    const applier = this.#applier;
    const writes = this.#writes;
    writes.applying(bytes, start);
    applier.apply(bytes, start, end);
    const { timeHigh, timeLow } = applier.header;
    const propagationMs = wallMs - numberOf(timeHigh, timeLow);
    if (propagationMs >= 0) this.#metrics.propagationLatency.add(propagationMs);
    const pending = writes.takeApplied();
    if (pending === null) {
      this.#replies.noteForeign(applier.header);
      return;
    }
    this.throttle.releaseLarge(pending.largeBytes);
    this.#metrics.syncProcessorQueueAndFlushTimeMs.add(nowMs - pending.receivedMs);
    this.#replies.replyToWrite(pending, bytes, nowMs);
    writes.release(pending);
  }

  /** A sync of a learner's client: the leader has answered it, and what was committed before is applied. */
  synced(pending: PendingWrite, request: Incoming, nowMs: number): void {
    this.throttle.releaseLarge(pending.largeBytes);
    this.#replies.replyToSync(pending, request, nowMs);
    this.#writes.release(pending);
  }

  /** A client that was held back goes on: answers what it has waited for. */
  runParked(client: Client, nowMs: number): void {
    this.#replies.runParked(client, nowMs);
  }

  /** Forgets a connection that is gone; what it has in flight goes on without it. Its watches are the tree's. */
  forget(client: Client): void {
    this.#replies.forget(client);
    client.out = null;
    this.throttle.forget(client);
  }

  #pauseIfBusy(client: Client): void {
    if (client.isClosed || this.#load <= this.#options.globalOutstandingLimit) return;
    // The throttle's queue is in order: if anybody waits there, so does what this connection sent last.
    if (client.outstanding > 0 || this.queue.length > 0) this.throttle.pause(client);
  }

  /** Lets connections that were paused speak again, when the load has come down. */
  resumeIfIdle(): void {
    if (this.#load < this.#options.globalOutstandingLimit) this.throttle.resumeAll();
  }

  get #load(): number {
    return Math.max(this.inProcess, this.queue.length);
  }
}
