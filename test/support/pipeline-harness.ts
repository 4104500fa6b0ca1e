/**
 * A standalone server without its edges: tree, sessions, gate and pipeline as server/standalone.ts puts them together,
 * with a log that keeps what it is given until a test says that it is durable, and sockets that are lists of bytes.
 *
 * Whatever is borrowed is scribbled over once its time is up: the bytes of a frame after its turn, those of a batch after
 * it was handed back, those of an output once they were taken. A reference that was kept shows as garbage.
 */

import { ProviderRegistry } from "#auth/provider-registry.ts";
import { ServerMetrics } from "#base/metrics.ts";
import { SeededRandom } from "#base/prng.ts";
import { highOf, lowOf, type ZxidHalves } from "#base/zxid.ts";
import { JuteWriter } from "#jute/writer.ts";
import { ConnectionNumbers } from "#net/client-port.ts";
import { Client, type ClientLink } from "#pipeline/client.ts";
import { type ForwardedRequest, ForwardedWrites } from "#pipeline/forwarded-writes.ts";
import { ConnectionThrottle } from "#pipeline/connection-throttle.ts";
import { NoWrites } from "#pipeline/no-writes.ts";
import type { PrepareOptions } from "#pipeline/prepare.ts";
import { PreparedWrites } from "#pipeline/prepared-writes.ts";
import { type PipelineOptions, RequestPipeline } from "#pipeline/request-pipeline.ts";
import { SessionGate } from "#pipeline/session-gate.ts";
import type { TxnSink } from "#pipeline/txn-sink.ts";
import { Database } from "#server/database.ts";
import { EndedSessions } from "#session/ended-sessions.ts";
import { LocalSessions } from "#session/local-sessions.ts";
import { passwordBytes, writePassword } from "#session/password.ts";
import { SessionIds } from "#session/session-id.ts";
import type { Session } from "#session/session-tracker.ts";
import { addSystemZnodes } from "#tree/system-znodes.ts";
import type { DataTreeOptions } from "#tree/data-tree.ts";
import { frameOf, lineOf, type Request, sessionLineOf } from "./requests.ts";

const garbage = 0xdb;

/** A log that is durable when the test says so. */
export class HeldLog implements TxnSink {
  /** Every transaction so far, in order. */
  readonly txns: Buffer[] = [];
  /** Those that were not handed back yet. */
  readonly held: Buffer[] = [];
  readonly #writer = new JuteWriter(64);

  /** Room that the longest record so far has taken, whether it was kept or not. */
  get roomBytes(): number {
    return this.#writer.bytes.length;
  }

  beginRecord(): JuteWriter {
    this.#writer.length = 0;
    return this.#writer;
  }

  endRecord(): void {
    const txn = this.#writer.toBytes();
    this.txns.push(txn);
    this.held.push(txn);
  }
}

/** One connection and what came back over it. */
export class HarnessConnection implements ClientLink {
  readonly client: Client;
  readonly transcript: string[] = [];
  /** Says that the client does not take what it is sent, or rests. */
  isHeldBack = false;
  isResting = false;
  isFull = false;
  readonly #harness: PipelineHarness;
  readonly #asked = new Map<number, Request>();
  #nextXid = 1;
  #hasSession = false;

  constructor(harness: PipelineHarness, address: string) {
    this.#harness = harness;
    const number = harness.numbers.take();
    this.client = new Client({ number, link: this, remoteAddress: address, remotePort: 40_000, wallMs: 0 });
    harness.numbers.set(this.client);
  }

  /** The xid that the next request gets. */
  xidFor(request: Request): number {
    const special = { ping: -2, auth: -4, setWatches: -8, setWatches2: -8 } as Partial<Record<Request["op"], number>>;
    return special[request.op] ?? this.#nextXid++;
  }

  /** The frame's body, remembered as asked. */
  frame(request: Request, xid: number): Buffer {
    this.#asked.set(xid, request);
    return frameOf(request, xid).subarray(4);
  }

  send(out: JuteWriter): boolean {
    const bytes = Buffer.from(out.bytes.subarray(0, out.length));
    for (let at = 0; at < bytes.length;) {
      const end = at + 4 + bytes.readInt32BE(at);
      this.#take(bytes.subarray(at + 4, end));
      at = end;
    }
    out.bytes.fill(garbage, 0, out.length);
    return true;
  }

  #take(frame: Buffer): void {
    if (this.#hasSession) {
      this.transcript.push(lineOf(frame, (xid) => this.#asked.get(xid)!));
      return;
    }
    this.#hasSession = true;
    this.transcript.push(sessionLineOf(frame));
  }

  closeAfterSending(): void {
    this.#leave();
  }

  closeNow(): void {
    this.#leave();
  }

  rest(): void {
    this.isHeldBack = true;
    this.isResting = true;
  }

  full(): void {
    this.isFull = true;
  }

  hasRoom(): void {
    this.isFull = false;
  }

  sessionAnswered(): void {}
  pauseReading(): void {}
  resumeReading(): void {}

  #leave(): void {
    if (this.client.isClosed) return;
    this.client.isClosed = true;
    this.#harness.gate.forget(this.client);
    this.#harness.pipeline.forget(this.client);
    this.#harness.database.tree.watches.removeSome(this.client.number, Infinity);
    this.#harness.numbers.release(this.client);
  }
}

export interface HarnessOptions extends Partial<PipelineOptions & PrepareOptions & DataTreeOptions> {
  /** Whether new sessions are this server's own, and whether they may become the ensemble's. */
  readonly localSessions?: "fixed" | "upgradable";
  readonly isReadOnly?: boolean;
}

export const tickTimeMs = 2000;
export const firstSessionId = 0x0100_0000_0000_0000n;

export class PipelineHarness {
  readonly database: Database;
  readonly pipeline: RequestPipeline;
  readonly writes: PreparedWrites;
  readonly forwarded: ForwardedWrites | null;
  readonly gate: SessionGate;
  readonly localSessions: LocalSessions | null;
  readonly log: HeldLog = new HeldLog();
  readonly numbers: ConnectionNumbers = new ConnectionNumbers();
  readonly metrics: ServerMetrics = new ServerMetrics(new SeededRandom(1));
  /** On a learner: who waits for the leader's word on a session. */
  readonly revalidating: Client[] = [];
  /** On a learner: the newest transaction that it has received, applied or not. */
  newest: ZxidHalves | null = null;
  /** Both clocks. */
  nowMs = 1_000;

  /** @param forwarded given, the pipeline is a learner's and its writes go there. */
  constructor(options: HarnessOptions = {}, forwarded?: (request: ForwardedRequest) => void) {
    const clock = { monotonicMs: (): number => this.nowMs, wallMs: (): number => this.nowMs };
    this.database = new Database(
      { hashSeed: 7, digestEnabled: true, extendedTypesEnabled: true, emulate353TtlNodes: false, ...options },
      tickTimeMs,
      clock,
    );
    const { tree, sessions, applier } = this.database;
    addSystemZnodes(tree);
    sessions.start(this.nowMs);
    const { metrics } = this;
    const registry = new ProviderRegistry();
    const allOptions = { ...defaultOptions, ...options };
    const { isReadOnly = false } = options;
    const canUpgrade = options.localSessions === "upgradable";
    const localSessions =
      options.localSessions === undefined
        ? null
        : new LocalSessions({ tickTimeMs, nowMs: this.nowMs, canUpgrade, global: sessions });
    this.localSessions = localSessions;
    this.writes = new PreparedWrites({
      tree,
      applier,
      registry,
      sink: this.log,
      options: allOptions,
      metrics,
      ...(localSessions !== null && {
        localSessions: { own: localSessions, sidByte: 1, ended: new EndedSessions(60_000) },
      }),
    });
    this.forwarded =
      forwarded === undefined
        ? null
        : new ForwardedWrites({ applier, forward: forwarded, newest: () => this.newest, localSessions });
    this.pipeline = new RequestPipeline({
      tree,
      applier,
      sessions,
      localSessions,
      isReadOnly,
      registry,
      writes: isReadOnly ? new NoWrites() : (this.forwarded ?? this.writes),
      options: allOptions,
      metrics,
      now: clock,
      clientOf: this.numbers.get,
      outcomes: {
        sessionOpened: (client) => this.gate.opened(client),
        sessionEnded: (high, low) => this.gate.clientOf(high, low)?.link.closeNow(),
        localSessionClosed: (session) => localSessions?.close(session),
      },
    });
    this.gate = new SessionGate({
      tree,
      sessions,
      localSessions,
      isReadOnly,
      pipeline: this.pipeline,
      metrics: this.metrics,
      // A leader tells a learner's local sessions by their server.
      ids: new SessionIds(forwarded !== undefined && localSessions !== null ? 2 : 1, 0),
      bounds: { sessionTimeoutMsMin: 0, sessionTimeoutMsMax: 1_000_000 },
      throttle: new ConnectionThrottle(noThrottle, new SeededRandom(1), this.nowMs),
      ...(forwarded !== undefined && { revalidate: (client: Client) => void this.revalidating.push(client) }),
    });
  }

  /** A connection that has sent its handshake; id 0 asks for a new session. @returns null when it was refused. */
  connect(
    address: string,
    handshake: {
      sessionId?: bigint;
      password?: Buffer;
      timeoutMs?: number;
      lastZxidSeen?: bigint;
      readOnly?: boolean | null;
    } = {},
  ): HarnessConnection {
    const { sessionId = 0n, password = Buffer.alloc(16), timeoutMs = 30_000, lastZxidSeen = 0n } = handshake;
    const { readOnly = false } = handshake;
    const connection = new HarnessConnection(this, address);
    const request = {
      lastZxidSeenHigh: highOf(lastZxidSeen),
      lastZxidSeenLow: lowOf(lastZxidSeen),
      sessionIdHigh: highOf(sessionId),
      sessionIdLow: lowOf(sessionId),
      timeoutMs,
      password,
      readOnly,
    };
    if (!this.gate.connect(connection.client, request, this.nowMs)) connection.closeNow();
    this.pipeline.outbox.flush();
    return connection;
  }

  /** A connection whose session is open. */
  connected(address = "127.0.0.1"): HarnessConnection {
    const connection = this.connect(address);
    this.durable();
    return connection;
  }

  /** Hands a request over; the caller flushes. @returns its xid. */
  request(connection: HarnessConnection, request: Request): number {
    const xid = connection.xidFor(request);
    this.receive(connection, connection.frame(request, xid));
    this.pipeline.outbox.flush();
    return xid;
  }

  /** Hands over a frame in the middle of other bytes, which are gone afterwards. */
  receive(connection: HarnessConnection, frame: Buffer): void {
    const before = frame.length % 7;
    const chunk = Buffer.alloc(before + frame.length + 3, garbage);
    frame.copy(chunk, before);
    this.pipeline.effort.begin();
    const isKept = this.pipeline.receive(connection.client, chunk, before, before + frame.length, this.nowMs);
    chunk.fill(garbage);
    if (!isKept) connection.closeNow();
  }

  /** Ends a session as the clock does. */
  expire(session: Session): void {
    this.writes.expireSession(session, this.nowMs, this.nowMs);
  }

  /** Removes a container as the reaper does. */
  reap(path: string): void {
    this.writes.deleteContainer(Buffer.from(path), this.nowMs, this.nowMs);
  }

  /** The log's oldest transactions, all of them unless a number is given, are durable. */
  durable(count: number = this.log.held.length): void {
    const txns = this.log.held.splice(0, count);
    const batch = Buffer.concat(txns);
    let at = 0;
    this.pipeline.effort.begin();
    for (const txn of txns) {
      this.pipeline.applied(batch, at, at + txn.length, this.nowMs, this.nowMs);
      at += txn.length;
    }
    this.pipeline.outbox.flush();
    batch.fill(garbage);
  }
}

/** The password of a session, as its server would say it. */
export function passwordOf(id: bigint): Buffer {
  const password = Buffer.alloc(passwordBytes);
  writePassword(highOf(id), lowOf(id), password, 0);
  return password;
}

const noThrottle = {
  tokens: 0,
  fillTimeMs: 1,
  fillCount: 1,
  freezeTimeMs: -1,
  dropIncrease: 0,
  dropDecrease: 0,
  decreaseRatio: 0,
  weightEnabled: false,
  localSessionWeight: 1,
  globalSessionWeight: 3,
  renewSessionWeight: 2,
};

const defaultOptions: PipelineOptions & PrepareOptions = {
  skipAcl: false,
  enforceQuota: false,
  reconfigEnabled: false,
  closeSessionTxnEnabled: true,
  juteMaxBufferBytes: 0xfffff,
  juteMaxBufferExtraBytes: 0xfffff,
  globalOutstandingLimit: 1_000_000,
  largeRequestThresholdBytes: -1,
  largeRequestMaxBytes: 1 << 30,
  enforcedAuthSchemes: [],
  requestThrottle: { maxRequests: 0, dropStale: true, staleConnectionCheck: true, staleLatencyCheck: false },
  throttledOpWaitTimeMs: 0,
};
