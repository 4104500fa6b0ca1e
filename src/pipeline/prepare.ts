/**
 * From a write to its transaction: the next zxid, a verdict (write-judge.ts), and the bytes that are written, applied and,
 * one day, proposed to others. They are encoded once, straight into the log's buffer.
 *
 *   accepted   TxnHeader | body | TxnDigest            takes a zxid
 *   refused    TxnHeader with type -1 | ErrorTxn       takes a zxid all the same: the log tells every member one story
 *   broken     nothing                                 a body that does not decode; answered with -5, no zxid
 *
 * Sessions begin and end here; multi lives in prepare-multi.ts, which begins and ends its transaction here and has its
 * parts judged one by one.
 * Source: PrepRequestProcessor.java.
 */

import type { ProviderRegistry } from "#auth/provider-registry.ts";
import { mapKey } from "#base/map-key.ts";
import { highOfNumber, lowOfNumber } from "#base/zxid.ts";
import type { JuteReader } from "#jute/reader.ts";
import { type ReconfigRequest, readReconfigRequest } from "#jute/records/proto.ts";
import { JuteWriter } from "#jute/writer.ts";
import { ErrorCode } from "#protocol/error-code.ts";
import { OpCode } from "#protocol/op-code.ts";
import { txnDigestBytes, TxnHeader } from "#protocol/txn-header.ts";
import type { Session } from "#session/session-tracker.ts";
import type { DataTree } from "#tree/data-tree.ts";
import { lastSlash } from "#tree/path.ts";
import { configPath } from "#tree/system-znodes.ts";
import { digestVersion } from "#tree/tree-digest.ts";
import { ZnodeKind } from "#tree/znode-store.ts";
import { type ChangeRecord, OutstandingChanges } from "./outstanding-changes.ts";
import type { TxnSink } from "./txn-sink.ts";
import { type JudgeOptions, refusalOf, type Requester, WriteJudge } from "./write-judge.ts";
import { WriteOp } from "./write-op.ts";
import { writeTxnBody } from "./write-txn.ts";

export interface PrepareOptions extends JudgeOptions {
  readonly reconfigEnabled: boolean;
  readonly closeSessionTxnEnabled: boolean;
  /** jute.maxbuffer, and what ZooKeeper grants beyond it where it reads transactions: no longer one may ever be made. */
  readonly juteMaxBufferBytes: number;
  readonly juteMaxBufferExtraBytes: number;
}

/** Judges changes of the ensemble, where there is one to change: its leader does. */
export interface Reconfigurer {
  /** @returns the text of the configuration that the change makes under that zxid, or why it may not be. */
  judge(request: ReconfigRequest, zxidHigh: number, zxidLow: number): string | ErrorCode;
  /** The change that was judged last is about to be proposed. */
  proposing(): void;
}

export class Preparer {
  readonly changes: OutstandingChanges;
  /** The transaction being made: zxid, time, type. */
  readonly header: TxnHeader = new TxnHeader();
  readonly judge: WriteJudge;
  readonly #tree: DataTree;
  readonly #options: PrepareOptions;
  readonly #sink: TxnSink;
  readonly #reconfigurer: Reconfigurer | null;
  readonly #op = new WriteOp();

  constructor(parts: {
    tree: DataTree;
    registry: ProviderRegistry;
    options: PrepareOptions;
    sink: TxnSink;
    reconfigurer: Reconfigurer | null;
  }) {
    const { tree, registry, options } = parts;
    this.#tree = tree;
    this.#options = options;
    this.#sink = parts.sink;
    this.#reconfigurer = parts.reconfigurer;
    this.changes = new OutstandingChanges(tree);
    this.judge = new WriteJudge({ tree, registry, options, changes: this.changes, header: this.header });
    this.header.zxidHigh = tree.lastZxidHigh;
    this.header.zxidLow = tree.lastZxidLow;
  }

  get sink(): TxnSink {
    return this.#sink;
  }

  /**
   * What the wall clock says: the time of all transactions from now on. Told once for what comes in at once, since a number of
   * that size handed on with each write would be allocated each time.
   */
  timeIs(wallMs: number): void {
    this.header.timeHigh = highOfNumber(wallMs);
    this.header.timeLow = lowOfNumber(wallMs);
  }

  /** Takes the next zxid and begins a header. */
  begin(type: number, xid: number, idHigh: number, idLow: number): void {
    const { header } = this;
    header.type = type;
    header.cxid = xid;
    header.clientIdHigh = idHigh;
    header.clientIdLow = idLow;
    header.zxidLow = (header.zxidLow + 1) | 0;
    if (header.zxidLow === 0) header.zxidHigh = (header.zxidHigh + 1) | 0;
  }

  /** The same, for whoever asks: the server itself has no session. */
  beginFor({ session }: Requester, type: number, xid: number): void {
    this.begin(type, xid, session?.idHigh ?? 0, session?.idLow ?? 0);
  }

  /**
   * Prepares a write that is no multi, session or reconfig.
   * @throws MarshallingError before anything has happened when its body does not decode.
   */
  prepare(type: number, xid: number, requester: Requester, reader: JuteReader): void {
    const op = this.#op;
    op.read(type, reader);
    this.beginFor(requester, type, xid);
    const changesBefore = this.changes.length;
    const { high, low } = this.changes.digest;
    const error = this.judge.admit(op, requester);
    if (error !== ErrorCode.ok) {
      this.refuse(error);
      return;
    }
    this.header.type = this.judge.txnType;
    const out = this.#sink.beginRecord();
    const recordAt = out.length;
    this.header.write(out);
    writeTxnBody(out, this.judge, op);
    if (this.isTooLong(out, recordAt)) this.takeBack(out, recordAt, changesBefore, high, low);
    else this.finish(out);
  }

  /** Whether the record that has begun there is longer than a ZooKeeper reads, as a peer or at its next start. */
  isTooLong(out: JuteWriter, recordAt: number): boolean {
    const { juteMaxBufferBytes, juteMaxBufferExtraBytes } = this.#options;
    return out.length - recordAt > juteMaxBufferBytes + juteMaxBufferExtraBytes - txnDigestBytes;
  }

  /** Undoes what was prepared since, and logs the transaction as one that does not decode. */
  takeBack(out: JuteWriter, recordAt: number, changesBefore: number, digestHigh: number, digestLow: number): void {
    this.changes.rollBack(changesBefore, digestHigh, digestLow);
    out.length = recordAt;
    this.refuseInto(out, ErrorCode.marshallingError);
  }

  /** Logs the transaction as refused. */
  refuse(error: ErrorCode): void {
    this.refuseInto(this.#sink.beginRecord(), error);
  }

  /** Writes the transaction as refused into a record that has begun, and hands it over. */
  refuseInto(out: JuteWriter, error: ErrorCode): void {
    this.header.type = OpCode.error;
    this.header.write(out);
    out.writeInt(error);
    this.#sink.endRecord(this.header.zxidHigh, this.header.zxidLow);
  }

  /** Appends the digest and hands the transaction over. */
  finish(out: JuteWriter): void {
    if (this.#tree.options.digestEnabled) {
      out.writeInt(digestVersion);
      out.writeLong(this.changes.digest.high, this.changes.digest.low);
    }
    this.#sink.endRecord(this.header.zxidHigh, this.header.zxidLow);
  }

  /** A new session. */
  createSession(session: Session): void {
    this.begin(OpCode.createSession, 0, session.idHigh, session.idLow);
    const out = this.#sink.beginRecord();
    this.header.write(out);
    out.writeInt(session.timeoutMs);
    this.finish(out);
  }

  /** The end of a session: the znodes it owns now, or will own, go with it. The caller marks it as closing. */
  closeSession(idHigh: number, idLow: number, xid: number): void {
    this.begin(OpCode.closeSession, xid, idHigh, idLow);
    const paths = this.#ownedPaths(idHigh, idLow);
    for (const path of paths) this.judge.removeZnode(path, 0, lastSlash(path, 0, path.length), path.length);
    const out = this.#sink.beginRecord();
    this.header.write(out);
    if (!this.#options.closeSessionTxnEnabled) {
      this.finish(out);
      return;
    }
    const listBytes = paths.reduce((total, path) => total + 4 + path.length, 4);
    if (listBytes > this.#options.juteMaxBufferBytes) {
      // As before 3.6, the header alone: whoever applies it removes what the session owns. ZooKeeper's list would be the last
      // that its peers, and its own next start, ever read (ZOOKEEPER-4306). A digest would be taken for the list.
      this.#sink.endRecord(this.header.zxidHigh, this.header.zxidLow);
      return;
    }
    out.writeInt(paths.length);
    for (const path of paths) out.writeBuffer(path);
    this.finish(out);
  }

  /**
   * A change of the ensemble: a transaction that sets /zookeeper/config.
   * @throws MarshallingError before anything has happened when its body does not decode.
   */
  reconfig(xid: number, requester: Requester, reader: JuteReader): void {
    const request = readReconfigRequest(reader);
    this.beginFor(requester, OpCode.reconfig, xid);
    const verdict = this.#judgeReconfig(request, requester);
    if (typeof verdict === "number") {
      this.refuse(verdict);
      return;
    }
    const changesBefore = this.changes.length;
    const { high, low } = this.changes.digest;
    const data = Buffer.from(verdict);
    const error = this.judge.admitReconfig(data.length, requester);
    if (error !== ErrorCode.ok) {
      this.refuse(error);
      return;
    }
    const out = this.#sink.beginRecord();
    const recordAt = out.length;
    this.header.write(out);
    out.writeBuffer(configPath);
    out.writeBuffer(data);
    out.writeInt(-1);
    if (this.isTooLong(out, recordAt)) {
      this.takeBack(out, recordAt, changesBefore, high, low);
      return;
    }
    this.#reconfigurer!.proposing();
    this.finish(out);
  }

  #judgeReconfig(request: ReconfigRequest, requester: Requester): string | ErrorCode {
    if (!this.#options.reconfigEnabled) return ErrorCode.reconfigDisabled;
    const refusal = refusalOf(requester);
    if (refusal !== ErrorCode.ok) return refusal;
    if (this.#reconfigurer === null) return ErrorCode.unimplemented;
    return this.#reconfigurer.judge(request, this.header.zxidHigh, this.header.zxidLow);
  }

  /** What the session will own when everything in flight has been applied. */
  #ownedPaths(idHigh: number, idLow: number): Buffer[] {
    const owned = this.#tree.owned.bySession.get(idHigh, idLow) ?? [];
    const inFlight: ChangeRecord[] = [];
    this.changes.forEach((record) => {
      // Of the changes in flight, which may be many when many sessions end, few are this session's.
      if (record.ownerLow !== idLow || record.ownerHigh !== idHigh || record.kind !== ZnodeKind.ephemeral) return;
      inFlight.push(record);
    });
    if (inFlight.length === 0) return this.#pathsOf(owned);
    const paths = new Map<string, string>();
    const add = (path: string): void => void paths.set(mapKey(path), path);
    for (const id of owned) add(this.#tree.pathOf(id, "latin1"));
    for (const record of inFlight) {
      if (record.exists) add(record.pathKey);
      else paths.delete(mapKey(record.pathKey));
    }
    return Array.from(paths.values(), (path) => Buffer.from(path, "latin1"));
  }

  /** One buffer for all: a session may own a hundred thousand znodes. */
  #pathsOf(ids: Iterable<number>): Buffer[] {
    const out = new JuteWriter(1024);
    const ends: number[] = [];
    for (const id of ids) {
      this.#tree.store.copyPath(id, out);
      ends.push(out.length);
    }
    return ends.map((end, i) => out.bytes.subarray(ends[i - 1] ?? 0, end));
  }
}
