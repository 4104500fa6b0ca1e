/**
 * Writes of a server that makes its own transactions: on its own, or as a leader. Each is prepared in the order in which it came
 * (prepare.ts, prepare-multi.ts) and handed to the sink; since transactions come back in that order too, who waits
 * for which is a queue.
 * Source: PrepRequestProcessor.java, Leader.java.
 */

import type { Identity } from "#auth/identity.ts";
import type { ProviderRegistry } from "#auth/provider-registry.ts";
import { assert } from "#base/assert.ts";
import { Deque } from "#base/deque.ts";
import type { ServerMetrics } from "#base/metrics.ts";
import { compareHalves } from "#base/zxid.ts";
import { JuteReader, MarshallingError } from "#jute/reader.ts";
import { ErrorCode } from "#protocol/error-code.ts";
import { isClientRequest, isWriteOp, OpCode } from "#protocol/op-code.ts";
import type { EndedSessions } from "#session/ended-sessions.ts";
import type { LocalSessions } from "#session/local-sessions.ts";
import { here, type Session, type SessionTracker } from "#session/session-tracker.ts";
import type { TxnApplier } from "#tree/apply-txn.ts";
import type { DataTree } from "#tree/data-tree.ts";
import type { Client } from "./client.ts";
import { type Incoming, requestHeaderBytes } from "./incoming.ts";
import type { PendingWrite } from "./pending-write.ts";
import { Preparer, type PrepareOptions, type Reconfigurer } from "./prepare.ts";
import { MultiPreparer } from "./prepare-multi.ts";
import type { TxnSink } from "./txn-sink.ts";
import { WaitingSyncs } from "./waiting-syncs.ts";
import { wantsEphemeral } from "./session-upgrade.ts";
import type { Requester } from "./write-judge.ts";
import { PendingWrites, type WritePath } from "./write-path.ts";

/** What a learner sends on. */
export interface LearnerRequest {
  readonly idHigh: number;
  readonly idLow: number;
  readonly xid: number;
  readonly type: number;
  /** Of a createSession. */
  readonly sessionTimeoutMs: number;
  readonly identities: readonly Identity[];
  /** Stands before the body. */
  readonly reader: JuteReader;
  /** The learner. */
  readonly owner: object;
}

/** Local sessions of this server, and which those of other servers are: sessions that it has not heard of. */
export interface LocalSessionParts {
  readonly own: LocalSessions;
  readonly ended: EndedSessions;
  /** The upper byte of the ids that this server makes. */
  readonly sidByte: number;
}

export interface ProposedZxid {
  readonly zxidHigh: number;
  readonly zxidLow: number;
}

export class PreparedWrites implements WritePath {
  readonly preparer: Preparer;
  readonly syncs: WaitingSyncs = new WaitingSyncs();
  readonly #tree: DataTree;
  readonly #proposed: (() => ProposedZxid) | null;
  readonly #localSessions: LocalSessionParts | null;
  readonly #multi: MultiPreparer;
  readonly #applier: TxnApplier;
  readonly #metrics: ServerMetrics;
  readonly #reader = new JuteReader(Buffer.alloc(0));
  readonly #pending = new Deque<PendingWrite>();
  readonly #pool = new PendingWrites();

  constructor(parts: {
    tree: DataTree;
    applier: TxnApplier;
    registry: ProviderRegistry;
    options: PrepareOptions;
    sink: TxnSink;
    metrics: ServerMetrics;
    /** On a leader: the last that it has proposed. On a server of its own nothing is acknowledged before it is applied. */
    proposed?: () => ProposedZxid;
    /** On a leader. */
    reconfigurer?: Reconfigurer;
    /** Where there are local sessions. */
    localSessions?: LocalSessionParts;
  }) {
    const { tree, registry, options, sink } = parts;
    this.#tree = tree;
    this.#proposed = parts.proposed ?? null;
    this.#localSessions = parts.localSessions ?? null;
    this.preparer = new Preparer({ tree, registry, options, sink, reconfigurer: parts.reconfigurer ?? null });
    this.#multi = new MultiPreparer(this.preparer);
    this.#applier = parts.applier;
    this.#metrics = parts.metrics;
  }

  get length(): number {
    return this.#pending.length + this.syncs.length;
  }

  hasMoved({ owner }: Session): boolean {
    return owner !== here;
  }

  get takesSyncs(): boolean {
    if (this.#proposed === null) return false;
    const { zxidHigh, zxidLow } = this.#proposed();
    return compareHalves(zxidHigh, zxidLow, this.#tree.lastZxidHigh, this.#tree.lastZxidLow) > 0;
  }

  timeIs(wallMs: number): void {
    this.preparer.timeIs(wallMs);
  }

  submit(incoming: Incoming): PendingWrite | null {
    const reader = this.#reader;
    reader.reset(incoming.bytes, incoming.start + requestHeaderBytes, incoming.end);
    const { client, xid, type } = incoming;
    const session = client.session!;
    if (type === OpCode.sync) return this.hasMoved(session) ? null : this.#awaitProposed(incoming);
    if (session.isLocal) this.#upgradeIfNeeded(incoming, session);
    const changesBefore = this.preparer.changes.changeCount;
    if (type === OpCode.closeSession) {
      // As in ZooKeeper, a session may be closed from wherever it was.
      this.preparer.closeSession(session.idHigh, session.idLow, xid);
      session.isClosing = true;
    } else if (type === OpCode.multi) {
      if (!this.#multi.prepare(xid, incoming, reader)) return null;
    } else {
      try {
        if (type === OpCode.reconfig) this.preparer.reconfig(xid, incoming, reader);
        else this.preparer.prepare(type, xid, incoming, reader);
      } catch (error) {
        if (error instanceof MarshallingError) return null;
        throw error;
      }
    }
    this.#metrics.outstandingChangesQueued.increment(this.preparer.changes.changeCount - changesBefore);
    return this.#await(client, session, xid, type, incoming.receivedMs);
  }

  /**
   * A learner's request: what its client sent it, or what it asks for itself. It always becomes a transaction, since there
   * is no other answer: one that makes no sense is refused by one.
   */
  submitForLearner(request: LearnerRequest, sessions: SessionTracker, nowMs: number, wallMs: number): void {
    const { idHigh, idLow, xid, type, owner } = request;
    this.timeIs(wallMs);
    // Whose session ends here is told so here, wherever that was asked for.
    const ending = type === OpCode.closeSession ? (sessions.get(idHigh, idLow) ?? null) : null;
    this.#await(null, ending, xid, type, nowMs);
    if (type === OpCode.createSession) {
      const session = sessions.create(idHigh, idLow, request.sessionTimeoutMs, nowMs);
      session.owner = owner;
      this.preparer.createSession(session);
      return;
    }
    if (type === OpCode.closeSession) {
      this.preparer.closeSession(idHigh, idLow, xid);
      sessions.setClosing(idHigh, idLow);
      return;
    }
    if (!isClientRequest(type) || !isWriteOp(type)) {
      this.#refuse(request, ErrorCode.unimplemented);
      return;
    }
    const session = sessions.get(idHigh, idLow) ?? this.#unknownSession(idHigh, idLow);
    const requester = { session, owner, identities: request.identities };
    const { reader } = request;
    if (type === OpCode.multi) {
      if (!this.#multi.prepare(xid, requester, reader)) this.#refuse(request, ErrorCode.marshallingError);
      return;
    }
    try {
      if (type === OpCode.reconfig) this.preparer.reconfig(xid, requester, reader);
      else this.preparer.prepare(type, xid, requester, reader);
    } catch (thrown) {
      if (!(thrown instanceof MarshallingError)) throw thrown;
      this.#refuse(request, ErrorCode.marshallingError);
    }
  }

  /** A local session that is to own a znode becomes the ensemble's first. */
  #upgradeIfNeeded(incoming: Incoming, session: Session): void {
    const { own } = this.#localSessions!;
    if (!own.canUpgrade || !wantsEphemeral(incoming)) return;
    own.upgrade(session, incoming.receivedMs);
    this.preparer.createSession(session);
    this.#await(null, session, 0, OpCode.createSession, incoming.receivedMs);
  }

  /** A session that nobody has told this leader of: over, unless it may be a learner's local one, which may own no znodes. */
  #unknownSession(idHigh: number, idLow: number): Requester["session"] {
    const refusal = this.#mayBeLocalElsewhere(idHigh, idLow) ? ErrorCode.ok : ErrorCode.sessionExpired;
    return { idHigh, idLow, check: () => refusal, ephemeralRefusal: ErrorCode.sessionExpired };
  }

  #mayBeLocalElsewhere(idHigh: number, idLow: number): boolean {
    if (this.#localSessions === null) return false;
    const { sidByte, ended } = this.#localSessions;
    return idHigh >>> 24 !== sidByte && !ended.has(idHigh, idLow);
  }

  #refuse({ type, xid, idHigh, idLow }: LearnerRequest, error: ErrorCode): void {
    this.preparer.begin(type, xid, idHigh, idLow);
    this.preparer.refuse(error);
  }

  openSession(client: Client, session: Session, nowMs: number): void {
    this.preparer.createSession(session);
    this.#await(client, session, 0, OpCode.createSession, nowMs);
  }

  /** Ends a session that has expired. */
  expireSession(session: Session, nowMs: number, wallMs: number): void {
    session.isClosing = true;
    this.timeIs(wallMs);
    this.preparer.closeSession(session.idHigh, session.idLow, 0);
    this.#await(null, session, 0, OpCode.closeSession, nowMs);
  }

  /** Removes a container or TTL znode, if it is still empty when its turn comes. */
  deleteContainer(path: Buffer, nowMs: number, wallMs: number): void {
    const body = Buffer.alloc(4 + path.length);
    body.writeInt32BE(path.length);
    path.copy(body, 4);
    this.timeIs(wallMs);
    this.preparer.prepare(OpCode.deleteContainer, 0, serverItself, new JuteReader(body));
    this.#await(null, null, 0, OpCode.deleteContainer, nowMs);
  }

  /** Hands the applier what preparing a setData has found. */
  applying(bytes: Buffer, start: number): void {
    if (this.#pending.length === 0 || this.#pending.at(0).type !== OpCode.setData) return;
    const applier = this.#applier;
    applier.header.read(bytes, start);
    const { zxidHigh, zxidLow } = applier.header;
    const change = this.preparer.changes.soleChangeOf(zxidHigh, zxidLow);
    if (change === null) return;
    applier.knownZnode = change.znode;
    applier.knownContentCrc = change.contentCrc;
  }

  get next(): PendingWrite | null {
    return this.#pending.length === 0 ? null : this.#pending.at(0);
  }

  takeApplied(): PendingWrite | null {
    const { zxidHigh, zxidLow, type, clientIdHigh, clientIdLow } = this.#applier.header;
    const { changes } = this.preparer;
    const changesBefore = changes.changeCount;
    changes.applied(zxidHigh, zxidLow);
    this.#metrics.outstandingChangesRemoved.increment(changesBefore - changes.changeCount);
    assert(this.#pending.length > 0, "every transaction was asked for");
    const pending = this.#pending.shift();
    if (type === OpCode.closeSession) this.#localSessions?.ended.add(clientIdHigh, clientIdLow, pending.receivedMs);
    return pending;
  }

  release(pending: PendingWrite): void {
    this.#pool.release(pending);
  }

  #awaitProposed(incoming: Incoming): PendingWrite {
    const { client, xid, type, receivedMs } = incoming;
    const pending = this.#pool.take(client, client.session, xid, type, receivedMs);
    const { zxidHigh, zxidLow } = this.#proposed!();
    this.syncs.add(pending, incoming.kept());
    this.syncs.answered(zxidHigh, zxidLow);
    return pending;
  }

  #await(client: Client | null, session: Session | null, xid: number, type: number, nowMs: number): PendingWrite {
    const pending = this.#pool.take(client, session, xid, type, nowMs);
    this.#pending.push(pending);
    return pending;
  }
}

const serverItself = { session: null, owner: here, identities: [] };
