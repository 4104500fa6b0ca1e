/**
 * The only writer of the tree: a committed transaction, decoded in place from the bytes that went to the log, becomes a
 * change. The same code serves live requests, replay of a log and, one day, what a leader sends, so they cannot differ.
 *
 *   txn    TxnHeader | body by header type | TxnDigest (version int, digest long), which may be missing
 *
 * Errors of single transactions (no node, node exists) do not stop anything: over a fuzzy snapshot they are expected,
 * and a live server never sees them, because prepare judged the transaction on the very state it meets here.
 * A multi is applied part by part under one zxid, and not at all when any of its parts is an error.
 *
 * Source: DataTree.processTxn, SerializeUtils.deserializeTxn. Two transactions that stop ZooKeeper when they are
 * applied, a TTL out of range and a quota on the root, are skipped or stored here, so that its logs can be opened.
 */

import { JuteReader, MarshallingError } from "#jute/reader.ts";
import { JuteWriter } from "#jute/writer.ts";
import { ErrorCode } from "#protocol/error-code.ts";
import { OpCode } from "#protocol/op-code.ts";
import { hasPathList, skipAclList } from "#protocol/txn-body.ts";
import { txnDigestBytes, TxnHeader, txnHeaderBytes } from "#protocol/txn-header.ts";
import { compareHalves, numberOf } from "#base/zxid.ts";
import type { DataTree } from "./data-tree.ts";
import { containerOwnerHigh, ttlMsMax, ttlOwnerHigh } from "./ephemeral-owner.ts";
import { lastSlash } from "./path.ts";
import { digestVersion } from "./tree-digest.ts";
import { StatField } from "./znode-store.ts";

/** What one operation came to. */
export interface OpResult {
  /** Its transaction type: an OpCode, or -1 for an error. */
  type: number;
  error: number;
  /** Path within the transaction's bytes; meaningful for creates. */
  pathStart: number;
  pathEnd: number;
  /** Where its Stat, 68 bytes, begins in `stats`; -1 when it has none. */
  statAt: number;
}

/** Told what transactions mean for sessions. */
export interface SessionEvents {
  sessionCreated(idHigh: number, idLow: number, timeoutMs: number): void;
  sessionClosed(idHigh: number, idLow: number): void;
}

export class TxnApplier {
  /** Header of the transaction applied last. */
  readonly header: TxnHeader = new TxnHeader();
  /** Results of the transaction applied last: one, or one for each part of a multi. */
  readonly results: OpResult[] = [];
  resultCount = 0;
  /** The results' Stats, as they were right after each operation. */
  readonly stats: JuteWriter = new JuteWriter(4096);
  /** Transactions whose digest differs from the tree's after applying them. */
  digestMismatchCount = 0;
  /** While true (from a fuzzy snapshot's zxid to the one its digest belongs to) digests cannot be compared. */
  isFuzzy = false;
  /**
   * What whoever prepared the next transaction, a setData, has found already: its znode and the CRC-32 of path and data.
   * 0 when nobody has; used once.
   */
  knownZnode = 0;
  knownContentCrc = 0;
  readonly #tree: DataTree;
  readonly #sessions: SessionEvents;
  readonly #reader = new JuteReader(Buffer.alloc(0));
  #start = 0;
  #end = 0;

  constructor(tree: DataTree, sessions: SessionEvents) {
    this.#tree = tree;
    this.#sessions = sessions;
  }

  /**
   * Applies `bytes[start, end)`. Results are valid until the next call and refer to `bytes`.
   * @throws MarshallingError when the bytes are no transaction.
   */
  apply(bytes: Buffer, start: number, end: number): void {
    if (end - start < txnHeaderBytes) throw new MarshallingError(`a transaction of ${end - start} bytes`);
    this.header.read(bytes, start);
    this.resultCount = 0;
    this.stats.length = 0;
    const reader = this.#reader;
    reader.reset(bytes, start + txnHeaderBytes, end);
    if (this.header.type === OpCode.multi) this.#applyMulti(reader);
    else this.#applyOne(this.header.type, reader);
    this.knownZnode = 0;
    const tree = this.#tree;
    const { zxidHigh, zxidLow } = this.header;
    if (compareHalves(zxidHigh, zxidLow, tree.lastZxidHigh, tree.lastZxidLow) > 0) {
      tree.lastZxidHigh = zxidHigh;
      tree.lastZxidLow = zxidLow;
    }
    if (tree.options.digestEnabled && !this.isFuzzy) this.#compareDigest(reader);
  }

  #compareDigest(reader: JuteReader): void {
    if (reader.remaining < txnDigestBytes || reader.readInt() !== digestVersion) return;
    const { digest } = this.#tree;
    if (reader.readInt() !== digest.high || reader.readInt() !== digest.low) this.digestMismatchCount++;
  }

  #applyMulti(reader: JuteReader): void {
    const countAt = reader.offset;
    const hasFailed = this.#containsError(reader);
    reader.offset = countAt;
    let isAfterFailure = false;
    for (let left = reader.readCount(); left > 0; left--) {
      const type = reader.readInt();
      const length = reader.readInt();
      const bodyEnd = reader.offset + Math.max(length, 0);
      if (type === OpCode.error) {
        isAfterFailure = true;
        this.#applyOne(type, reader);
      } else if (hasFailed) {
        this.#result(OpCode.error).error = isAfterFailure ? ErrorCode.runtimeInconsistency : ErrorCode.ok;
      } else {
        this.#applyOne(type, reader);
      }
      reader.offset = bodyEnd;
    }
  }

  #containsError(reader: JuteReader): boolean {
    let found = false;
    for (let left = reader.readCount(); left > 0; left--) {
      if (reader.readInt() === OpCode.error) found = true;
      reader.skipBuffer();
    }
    return found;
  }

  #applyOne(type: number, reader: JuteReader): void {
    const result = this.#result(type);
    switch (type) {
      case OpCode.create:
      case OpCode.create2:
      case OpCode.createContainer:
      case OpCode.createTTL:
        this.#create(type, reader, result);
        return;
      case OpCode.delete:
      case OpCode.deleteContainer:
        this.#readPath(reader, result);
        result.error = this.#tree.delete(this.header, reader.bytes, this.#start, this.#nameStart(reader), this.#end);
        return;
      case OpCode.setData:
      case OpCode.reconfig:
        this.#setData(reader, result);
        return;
      case OpCode.setACL:
        this.#setAcl(reader, result);
        return;
      case OpCode.check:
        this.#readPath(reader, result);
        reader.skip(4);
        return;
      case OpCode.error:
        result.error = reader.readInt();
        return;
      case OpCode.createSession:
        this.#sessions.sessionCreated(this.header.clientIdHigh, this.header.clientIdLow, reader.readInt());
        return;
      case OpCode.closeSession:
        this.#closeSession(reader);
        return;
      default:
        throw new MarshallingError(`unknown transaction type ${type}`);
    }
  }

  #create(type: number, reader: JuteReader, result: OpResult): void {
    const { bytes } = reader;
    this.#readPath(reader, result);
    const pathStart = this.#start;
    const pathEnd = this.#end;
    const nameStart = this.#nameStart(reader);
    reader.readRange();
    const dataStart = reader.rangeStart;
    const dataEnd = reader.rangeEnd;
    const aclStart = reader.offset;
    skipAclList(reader);
    const acl = this.#tree.acls.intern(bytes, aclStart, reader.offset);
    let ownerHigh = 0;
    let ownerLow = 0;
    if (type === OpCode.createContainer) {
      ownerHigh = containerOwnerHigh;
    } else if (type !== OpCode.createTTL && reader.readBoolean()) {
      ownerHigh = this.header.clientIdHigh;
      ownerLow = this.header.clientIdLow;
    }
    // A create of before 3.4 ends here; it means one more than the parent has.
    const parentCversion = reader.remaining >= 4 ? reader.readInt() : -1;
    if (type === OpCode.createTTL) {
      const ttlMs = numberOf(reader.readInt(), reader.readInt());
      if (ttlMs <= 0 || ttlMs > ttlMsMax) {
        this.#tree.acls.dropIfUnused(acl);
        result.error = ErrorCode.badArguments;
        return;
      }
      ownerHigh = ttlOwnerHigh(ttlMs);
      ownerLow = ttlMs | 0;
    }
    const error = this.#tree.create(
      this.header,
      bytes,
      pathStart,
      nameStart,
      pathEnd,
      bytes,
      dataStart,
      dataEnd,
      acl,
      ownerHigh,
      ownerLow,
      parentCversion,
    );
    result.error = error;
    if (error === ErrorCode.noNode) this.#tree.acls.dropIfUnused(acl);
    if (error === ErrorCode.ok) {
      if (type !== OpCode.create) {
        this.#copyStat(result, this.#tree.find(bytes, pathStart, pathEnd));
        // The Stat is that of the request's data; a quota's totals have been written over it by now.
        this.stats.view.setInt32(result.statAt + StatField.dataLength, dataStart < 0 ? 0 : dataEnd - dataStart);
      }
    } else if (type === OpCode.create && error === ErrorCode.nodeExists) {
      const raised = this.#tree.raiseCversion(this.header, bytes, pathStart, nameStart, parentCversion);
      if (raised !== ErrorCode.ok) result.error = raised;
    }
  }

  #setData(reader: JuteReader, result: OpResult): void {
    this.#readPath(reader, result);
    reader.readRange();
    const { rangeStart, rangeEnd, bytes } = reader;
    const version = reader.readInt();
    const id = this.knownZnode !== 0 ? this.knownZnode : this.#tree.find(bytes, this.#start, this.#end);
    if (id !== 0) {
      const crc = this.knownZnode !== 0 ? this.knownContentCrc : null;
      this.#tree.setData(this.header, id, bytes, this.#start, this.#end, bytes, rangeStart, rangeEnd, version, crc);
    }
    this.#finish(result, id);
  }

  #setAcl(reader: JuteReader, result: OpResult): void {
    this.#readPath(reader, result);
    const aclStart = reader.offset;
    skipAclList(reader);
    const acl = this.#tree.acls.intern(reader.bytes, aclStart, reader.offset);
    const id = this.#tree.setAcl(reader.bytes, this.#start, this.#end, acl, reader.readInt());
    if (id === 0) this.#tree.acls.dropIfUnused(acl);
    this.#finish(result, id);
  }

  #finish(result: OpResult, id: number): void {
    if (id === 0) result.error = ErrorCode.noNode;
    else this.#copyStat(result, id);
  }

  /** Removes the znodes that the transaction lists, then whatever else the session owns. */
  #closeSession(reader: JuteReader): void {
    const { clientIdHigh, clientIdLow } = this.header;
    const { bytes, offset } = reader;
    if (hasPathList(reader)) {
      for (let left = reader.readCount(); left > 0; left--) {
        reader.readRange();
        const { rangeStart, rangeEnd } = reader;
        if (rangeStart >= 0)
          this.#tree.delete(this.header, bytes, rangeStart, lastSlash(bytes, rangeStart, rangeEnd) + 1, rangeEnd);
      }
    } else {
      reader.offset = offset;
    }
    this.#deleteOwned(clientIdHigh, clientIdLow);
    this.#sessions.sessionClosed(clientIdHigh, clientIdLow);
  }

  /** Removes what a session owns outside any transaction: it ended without one. */
  endSession(idHigh: number, idLow: number): void {
    this.header.zxidHigh = this.#tree.lastZxidHigh;
    this.header.zxidLow = this.#tree.lastZxidLow;
    this.#deleteOwned(idHigh, idLow);
  }

  #deleteOwned(idHigh: number, idLow: number): void {
    const owned = this.#tree.owned.bySession.get(idHigh, idLow);
    if (owned === undefined) return;
    const path = new JuteWriter(256);
    // Deleting takes the id out of the set, which a walk over a set bears.
    for (const id of owned) {
      path.length = 0;
      this.#tree.store.copyPath(id, path);
      this.#tree.delete(this.header, path.bytes, 0, lastSlash(path.bytes, 0, path.length) + 1, path.length);
    }
  }

  #copyStat(result: OpResult, id: number): void {
    result.statAt = this.stats.length;
    this.#tree.store.copyStat(id, this.stats);
  }

  #readPath(reader: JuteReader, result: OpResult): void {
    reader.readRange();
    if (reader.rangeStart < 0) throw new MarshallingError("a transaction without a path");
    this.#start = reader.rangeStart;
    this.#end = reader.rangeEnd;
    result.pathStart = this.#start;
    result.pathEnd = this.#end;
  }

  #nameStart(reader: JuteReader): number {
    return lastSlash(reader.bytes, this.#start, this.#end) + 1;
  }

  #result(type: number): OpResult {
    let result = this.results[this.resultCount++];
    if (result === undefined) {
      result = { type: 0, error: 0, pathStart: 0, pathEnd: 0, statAt: -1 };
      this.results[this.resultCount - 1] = result;
    }
    result.type = type;
    result.error = ErrorCode.ok;
    result.pathStart = 0;
    result.pathEnd = 0;
    result.statAt = -1;
    return result;
  }
}
