/**
 * Writes of a learner: each request goes to the leader as it came, and comes back as a transaction that names its session and
 * its xid; there is no other answer. Transactions that nobody here asked for come in between.
 *
 *   request  -> decoded once, so that nothing is sent that a leader could trip over -> REQUEST
 *   sync     -> REQUEST as well; the leader's SYNC answers syncs in their order, each when this server has applied what
 *               was committed before
 *
 * A request waits in the queue before it is sent: its transaction may come back at once. What had come before it was sent is not
 * its transaction, though it may look like it: a client that has come here from another server may count its xids anew, and what it
 * asked for there is still being written. (ZooKeeper compares session and xid alone.)
 * Source: FollowerRequestProcessor.java, ObserverRequestProcessor.java, CommitProcessor.java.
 */

import type { Identity } from "#auth/identity.ts";
import { Deque } from "#base/deque.ts";
import { compareHalves, type ZxidHalves } from "#base/zxid.ts";
import { JuteReader, MarshallingError } from "#jute/reader.ts";
import { ErrorCode } from "#protocol/error-code.ts";
import { OpCode } from "#protocol/op-code.ts";
import type { LocalSessions } from "#session/local-sessions.ts";
import { here, type Session } from "#session/session-tracker.ts";
import type { TxnApplier } from "#tree/apply-txn.ts";
import type { Client } from "./client.ts";
import { type Incoming, requestHeaderBytes } from "./incoming.ts";
import { findMultiFault } from "./multi-frame.ts";
import type { PendingWrite } from "./pending-write.ts";
import { PendingWrites, type WritePath } from "./write-path.ts";
import { wantsEphemeral } from "./session-upgrade.ts";
import { WaitingSyncs } from "./waiting-syncs.ts";
import { WriteOp } from "./write-op.ts";

/** A request on its way to the leader; borrowed. */
export interface ForwardedRequest {
  readonly idHigh: number;
  readonly idLow: number;
  readonly xid: number;
  readonly type: number;
  /** The body is `bytes[start, end)`. */
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
  /** Null for a request of the server's own. */
  readonly identities: readonly Identity[] | null;
}

const noBytes = Buffer.alloc(0);
const refusedBody: Buffer = Buffer.alloc(8);
/**
 * What every leader refuses with a transaction, so that whoever waits for one has it: the delete of a path without a slash. It stands
 * for a request of a session that has moved on, where the leader cannot see that.
 */
export const refusedByAll: Pick<ForwardedRequest, "type" | "bytes" | "start" | "end"> = {
  type: OpCode.delete,
  bytes: refusedBody,
  start: 0,
  end: refusedBody.length,
};

export class ForwardedWrites implements WritePath {
  readonly takesSyncs: boolean = true;
  readonly syncs: WaitingSyncs = new WaitingSyncs();
  readonly #applier: TxnApplier;
  readonly #forward: (request: ForwardedRequest) => void;
  readonly #newest: () => ZxidHalves | null;
  readonly #localSessions: LocalSessions | null;
  readonly #reader = new JuteReader(noBytes);
  readonly #op = new WriteOp();
  readonly #pending = new Deque<PendingWrite>();
  readonly #pool = new PendingWrites();

  constructor(parts: {
    applier: TxnApplier;
    forward: (request: ForwardedRequest) => void;
    /** The newest transaction that this server has received. */
    newest: () => ZxidHalves | null;
    localSessions: LocalSessions | null;
  }) {
    this.#applier = parts.applier;
    this.#localSessions = parts.localSessions;
    this.#forward = parts.forward;
    this.#newest = parts.newest;
  }

  get length(): number {
    return this.#pending.length + this.syncs.length;
  }

  /** To an observer that this server serves; of other moves the leader knows. */
  hasMoved({ owner }: Session): boolean {
    return owner !== null && owner !== here;
  }

  /** Its transactions have the leader's time. */
  timeIs(): void {}

  submit(incoming: Incoming): PendingWrite | null {
    const { client, xid, type, bytes, start, end } = incoming;
    const { idHigh, idLow } = client.session!;
    const isClose = type === OpCode.closeSession;
    const isMoved = !isClose && this.hasMoved(client.session!);
    if (isMoved && type === OpCode.sync) return null;
    if (!isClose && !this.#isDecodable(type, bytes, start + requestHeaderBytes, end)) return null;
    const isRefused = client.session!.isLocal && !this.#upgradeIfNeeded(incoming, client.session!);
    const pending = this.#pool.take(client, client.session, xid, type, incoming.receivedMs);
    if (isRefused) pending.refusal = ErrorCode.ephemeralOnLocalSession;
    if (isMoved) pending.refusal = ErrorCode.sessionMoved;
    if (type === OpCode.sync) {
      this.syncs.add(pending, incoming.kept());
    } else {
      this.#push(pending);
    }
    const bodyStart = isClose ? end : start + requestHeaderBytes;
    const { identities } = incoming;
    const request = { idHigh, idLow, xid, type, bytes, start: bodyStart, end, identities };
    this.#forward(isMoved ? { ...request, ...refusedByAll } : request);
    return pending;
  }

  /**
   * A local session that is to own a znode becomes the ensemble's first.
   * @returns false when it may not: the leader, which does not know it, will refuse the request.
   */
  #upgradeIfNeeded(incoming: Incoming, session: Session): boolean {
    const localSessions = this.#localSessions!;
    if (!wantsEphemeral(incoming)) return true;
    if (!localSessions.canUpgrade) return false;
    localSessions.upgrade(session, incoming.receivedMs);
    this.#createSession(null, session, session.timeoutMs, incoming.receivedMs);
    return true;
  }

  openSession(client: Client, session: Session, nowMs: number): void {
    this.#createSession(client, session, client.timeoutMs, nowMs);
  }

  #createSession(client: Client | null, session: Session, timeoutMs: number, nowMs: number): void {
    const body = Buffer.alloc(4);
    body.writeInt32BE(timeoutMs);
    this.#push(this.#pool.take(client, session, 0, OpCode.createSession, nowMs));
    const { idHigh, idLow } = session;
    const request = { idHigh, idLow, xid: 0, type: OpCode.createSession, bytes: body, start: 0, end: 4 };
    this.#forward({ ...request, identities: null });
  }

  #push(pending: PendingWrite): void {
    const newest = this.#newest();
    if (newest !== null) {
      pending.afterHigh = newest.zxidHigh;
      pending.afterLow = newest.zxidLow;
    }
    this.#pending.push(pending);
  }

  applying(): void {}

  get next(): PendingWrite | null {
    return this.#pending.length === 0 ? null : this.#pending.at(0);
  }

  takeApplied(): PendingWrite | null {
    if (this.#pending.length === 0) return null;
    const { clientIdHigh, clientIdLow, cxid, type, zxidHigh, zxidLow } = this.#applier.header;
    const { session, xid, type: asked, afterHigh, afterLow } = this.#pending.at(0);
    if (session!.idLow !== clientIdLow || session!.idHigh !== clientIdHigh || xid !== cxid) return null;
    if (compareHalves(zxidHigh, zxidLow, afterHigh, afterLow) <= 0) return null;
    // The end of a session that expires has an xid too: 0, which a client may have used.
    if ((type === OpCode.closeSession) !== (asked === OpCode.closeSession)) return null;
    return this.#pending.shift();
  }

  release(pending: PendingWrite): void {
    this.#pool.release(pending);
  }

  /** What does not decode is answered here: no server of the ensemble has to look at it. */
  #isDecodable(type: number, bytes: Buffer, start: number, end: number): boolean {
    const reader = this.#reader;
    reader.reset(bytes, start, end);
    try {
      if (type === OpCode.multi) return findMultiFault(reader, this.#op) === null;
      if (type === OpCode.sync) reader.skipBuffer();
      else if (type === OpCode.reconfig) readReconfig(reader);
      else this.#op.read(type, reader);
      return true;
    } catch (error) {
      if (error instanceof MarshallingError) return false;
      throw error;
    }
  }
}

function readReconfig(reader: JuteReader): void {
  for (let text = 0; text < 3; text++) reader.skipBuffer();
  reader.skip(8);
}
