/**
 * Writes of a learner: each request goes to the leader as it came, and comes back as a transaction that names its session and
 * its xid; there is no other answer. Transactions that nobody here asked for come in between.
 *
 *   request  -> decoded once, so that nothing is sent that a leader could trip over -> REQUEST
 *   sync     -> REQUEST as well; the leader's SYNC answers syncs in their order, each when this server has applied what
 *               was committed before
 *
 * A request waits in the queue before it is sent: its transaction may come back at once.
 * Source: FollowerRequestProcessor.java, ObserverRequestProcessor.java, CommitProcessor.java.
 */

import type { Identity } from "#auth/identity.ts";
import { assert } from "#base/assert.ts";
import { Deque } from "#base/deque.ts";
import { compareHalves } from "#base/zxid.ts";
import { JuteReader, MarshallingError } from "#jute/reader.ts";
import { OpCode } from "#protocol/op-code.ts";
import type { Session } from "#session/session-tracker.ts";
import type { TxnApplier } from "#tree/apply-txn.ts";
import type { Client } from "./client.ts";
import { Incoming, requestHeaderBytes } from "./incoming.ts";
import { findMultiFault } from "./multi-frame.ts";
import type { PendingWrite } from "./pending-write.ts";
import { PendingWrites, type WritePath } from "./write-path.ts";
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

interface WaitingSync {
  readonly pending: PendingWrite;
  readonly request: Incoming;
  /** Once the leader has answered: what must be applied here first. */
  afterHigh: number;
  afterLow: number;
}

const noBytes = Buffer.alloc(0);

export class ForwardedWrites implements WritePath {
  readonly takesSyncs: boolean = true;
  readonly #applier: TxnApplier;
  readonly #forward: (request: ForwardedRequest) => void;
  readonly #reader = new JuteReader(noBytes);
  readonly #op = new WriteOp();
  readonly #pending = new Deque<PendingWrite>();
  readonly #syncs = new Deque<WaitingSync>();
  /** How many of the syncs, the oldest, the leader has answered. */
  #answeredCount = 0;
  readonly #pool = new PendingWrites();

  constructor(parts: { applier: TxnApplier; forward: (request: ForwardedRequest) => void }) {
    this.#applier = parts.applier;
    this.#forward = parts.forward;
  }

  get length(): number {
    return this.#pending.length + this.#syncs.length;
  }

  submit(incoming: Incoming): PendingWrite | null {
    const { client, xid, type, bytes, start, end } = incoming;
    const { idHigh, idLow } = client.session!;
    const isClose = type === OpCode.closeSession;
    if (!isClose && !this.#isDecodable(type, bytes, start + requestHeaderBytes, end)) return null;
    const pending = this.#pool.take(client, client.session, xid, type, incoming.receivedMs);
    if (type === OpCode.sync) {
      this.#syncs.push({ pending, request: incoming.kept(), afterHigh: 0, afterLow: 0 });
    } else {
      this.#pending.push(pending);
    }
    const bodyStart = isClose ? end : start + requestHeaderBytes;
    const { identities } = incoming;
    this.#forward({ idHigh, idLow, xid, type, bytes, start: bodyStart, end, identities });
    return pending;
  }

  openSession(client: Client, session: Session, nowMs: number): void {
    const body = Buffer.alloc(4);
    body.writeInt32BE(client.timeoutMs);
    this.#pending.push(this.#pool.take(client, session, 0, OpCode.createSession, nowMs));
    const { idHigh, idLow } = session;
    const request = { idHigh, idLow, xid: 0, type: OpCode.createSession, bytes: body, start: 0, end: 4 };
    this.#forward({ ...request, identities: null });
  }

  applying(): void {}

  takeApplied(): PendingWrite | null {
    if (this.#pending.length === 0) return null;
    const { clientIdHigh, clientIdLow, cxid, type } = this.#applier.header;
    const { session, xid, type: asked } = this.#pending.at(0);
    if (session!.idLow !== clientIdLow || session!.idHigh !== clientIdHigh || xid !== cxid) return null;
    // The end of a session that expires has an xid too: 0, which a client may have used.
    if ((type === OpCode.closeSession) !== (asked === OpCode.closeSession)) return null;
    return this.#pending.shift();
  }

  release(pending: PendingWrite): void {
    this.#pool.release(pending);
  }

  /** The leader has answered the oldest sync that waits for it; that zxid had been committed to us by then. */
  syncAnswered(afterHigh: number, afterLow: number): void {
    if (this.#answeredCount === this.#syncs.length) return;
    const sync = this.#syncs.at(this.#answeredCount++);
    sync.afterHigh = afterHigh;
    sync.afterLow = afterLow;
  }

  /** The next sync that may be answered here, now that this server has applied everything up to that zxid; or null. */
  takeSync(appliedHigh: number, appliedLow: number): { pending: PendingWrite; request: Incoming } | null {
    if (this.#answeredCount === 0) return null;
    const { afterHigh, afterLow } = this.#syncs.at(0);
    if (compareHalves(afterHigh, afterLow, appliedHigh, appliedLow) > 0) return null;
    assert(this.#answeredCount > 0, "a sync was answered by the leader");
    this.#answeredCount--;
    return this.#syncs.shift();
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
