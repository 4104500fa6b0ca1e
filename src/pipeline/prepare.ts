/**
 * The judge of writes. A write is checked on the tree *and* on the changes in flight, and becomes a transaction, encoded
 * once, straight into the log's buffer: those bytes are written, applied and, one day, proposed to others.
 *
 *   accepted   TxnHeader | body | TxnDigest            takes a zxid
 *   refused    TxnHeader with type -1 | ErrorTxn       takes a zxid all the same: the log tells every member one story
 *   broken     nothing                                 a body that does not decode; answered with -5, no zxid
 *
 * The checks of each operation come in ZooKeeper's order, so that a write with several faults is refused for the same
 * one. A refusal is a value. Multi lives in prepare-multi.ts and calls `judge` for its parts.
 *
 * Kept from ZooKeeper on purpose: the paths of creates are validated after the parent's ACL; createContainer makes a
 * container whatever its flag. Not kept: what kills or hangs it (client-sent deleteContainer, a TTL below zero, a quota
 * on the root).
 * Source: PrepRequestProcessor.java.
 */

import { Permission, isOpenAcl, readAclList, writeAclList } from "#auth/acl.ts";
import { checkAcl } from "#auth/acl-check.ts";
import { fixupAcl } from "#auth/acl-fixup.ts";
import type { Identity } from "#auth/identity.ts";
import type { ProviderRegistry } from "#auth/provider-registry.ts";
import { crc32 } from "#base/crc32.ts";
import { highOfNumber, lowOfNumber } from "#base/zxid.ts";
import { JuteReader } from "#jute/reader.ts";
import { JuteWriter } from "#jute/writer.ts";
import { ErrorCode } from "#protocol/error-code.ts";
import { OpCode } from "#protocol/op-code.ts";
import { TxnHeader } from "#protocol/txn-header.ts";
import type { Session } from "#session/session-tracker.ts";
import type { AclEntry } from "#tree/acl-cache.ts";
import type { DataTree } from "#tree/data-tree.ts";
import { containerOwnerHigh, ttlMsMax, ttlOwnerHigh } from "#tree/ephemeral-owner.ts";
import { isBytes, isSpecialPath, lastSlash, validatePath, validatePathWeakly } from "#tree/path.ts";
import type { QuotaVerdict } from "#tree/quotas.ts";
import { digestVersion } from "#tree/tree-digest.ts";
import { ZnodeKind } from "#tree/znode-store.ts";
import { type ChangeRecord, OutstandingChanges } from "./outstanding-changes.ts";
import type { TxnSink } from "./txn-sink.ts";
import { WriteOp } from "./write-op.ts";

export interface PrepareOptions {
  readonly skipAcl: boolean;
  readonly enforceQuota: boolean;
  readonly reconfigEnabled: boolean;
  readonly closeSessionTxnEnabled: boolean;
}

/** What `judge` needs to know of a request besides its body. */
export interface Requester {
  /** Null for the server's own requests. */
  readonly session: Session | null;
  readonly identities: readonly Identity[];
}

export class Preparer {
  readonly changes: OutstandingChanges;
  /** The transaction being made: zxid, time, type. */
  readonly header: TxnHeader = new TxnHeader();
  /** Told when a quota is exceeded, softly or not. */
  onQuotaExceeded: (verdict: QuotaVerdict) => void = () => {};
  readonly #tree: DataTree;
  readonly #registry: ProviderRegistry;
  readonly #options: PrepareOptions;
  readonly #sink: TxnSink;
  readonly #op = new WriteOp();
  readonly #reader = new JuteReader(Buffer.alloc(0));
  /** What the judged operation becomes. */
  #txnType = 0;
  #path: Buffer = Buffer.alloc(0);
  #pathStart = 0;
  #pathEnd = 0;
  #acl: AclEntry | null = null;
  #number = 0;
  #sequentialPath: Buffer = Buffer.alloc(1024);
  readonly #aclScratch = new JuteWriter(256);

  constructor(parts: { tree: DataTree; registry: ProviderRegistry; options: PrepareOptions; sink: TxnSink }) {
    this.#tree = parts.tree;
    this.#registry = parts.registry;
    this.#options = parts.options;
    this.#sink = parts.sink;
    this.changes = new OutstandingChanges(parts.tree);
    this.header.zxidHigh = parts.tree.lastZxidHigh;
    this.header.zxidLow = parts.tree.lastZxidLow;
  }

  get sink(): TxnSink {
    return this.#sink;
  }

  /** Takes the next zxid and begins a header; `nowMs` is the wall clock. */
  begin(type: number, xid: number, idHigh: number, idLow: number, nowMs: number): void {
    const { header } = this;
    header.type = type;
    header.cxid = xid;
    header.clientIdHigh = idHigh;
    header.clientIdLow = idLow;
    header.timeHigh = highOfNumber(nowMs);
    header.timeLow = lowOfNumber(nowMs);
    header.zxidLow = (header.zxidLow + 1) | 0;
    if (header.zxidLow === 0) header.zxidHigh = (header.zxidHigh + 1) | 0;
  }

  /**
   * Prepares a write that is no multi, session or reconfig.
   * @throws MarshallingError before anything has happened when its body does not decode.
   */
  prepare(type: number, xid: number, requester: Requester, reader: JuteReader, nowMs: number): void {
    const op = this.#op;
    op.read(type, reader);
    this.begin(type, xid, requester.session?.idHigh ?? 0, requester.session?.idLow ?? 0, nowMs);
    const error = this.judge(op, requester);
    if (error !== ErrorCode.ok) {
      this.refuse(error);
      return;
    }
    this.header.type = this.#txnType;
    const out = this.#sink.beginRecord();
    this.header.write(out);
    this.encodeBody(op, out);
    this.finish(out);
  }

  /** Logs the transaction as refused. */
  refuse(error: ErrorCode): void {
    const out = this.#sink.beginRecord();
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

  /** Type of the transaction that the operation judged last becomes. */
  get txnType(): number {
    return this.#txnType;
  }

  /** A new session. */
  createSession(session: Session, nowMs: number): void {
    this.begin(OpCode.createSession, 0, session.idHigh, session.idLow, nowMs);
    const out = this.#sink.beginRecord();
    this.header.write(out);
    out.writeInt(session.timeoutMs);
    this.finish(out);
  }

  /** The end of a session: the znodes it owns now, or will own, go with it. The caller marks it as closing. */
  closeSession(idHigh: number, idLow: number, xid: number, nowMs: number): void {
    this.begin(OpCode.closeSession, xid, idHigh, idLow, nowMs);
    const paths = this.#ownedPaths(idHigh, idLow);
    for (const path of paths) {
      const bytes = Buffer.from(path, "latin1");
      this.#removeZnode(bytes, 0, lastSlash(bytes, 0, bytes.length), bytes.length);
    }
    const out = this.#sink.beginRecord();
    this.header.write(out);
    if (this.#options.closeSessionTxnEnabled) {
      out.writeInt(paths.size);
      for (const path of paths) out.writeBuffer(Buffer.from(path, "latin1"));
    }
    this.finish(out);
  }

  /** reconfig, as a standalone server answers it. */
  reconfig(xid: number, session: Session, nowMs: number): void {
    this.begin(OpCode.reconfig, xid, session.idHigh, session.idLow, nowMs);
    if (!this.#options.reconfigEnabled) this.refuse(ErrorCode.reconfigDisabled);
    else if (session.isClosing) this.refuse(ErrorCode.sessionExpired);
    else this.refuse(ErrorCode.unimplemented);
  }

  /** Judges one operation under the header's zxid; if it may pass, the changes in flight hold it from now on. */
  judge(op: WriteOp, requester: Requester): ErrorCode {
    // Where ZooKeeper validates the path first a null one is a bad argument; elsewhere it trips over it.
    if (op.pathStart < 0 && !op.isCreate) {
      if (isOver(requester)) return ErrorCode.sessionExpired;
      return op.type === OpCode.setData || op.type === OpCode.setACL
        ? ErrorCode.badArguments
        : ErrorCode.marshallingError;
    }
    this.#acl = null;
    const error = this.#judgeByType(op, requester);
    if (error !== ErrorCode.ok && this.#acl !== null) this.#tree.acls.dropIfUnused(this.#acl);
    return error;
  }

  #judgeByType(op: WriteOp, requester: Requester): ErrorCode {
    this.#txnType = op.type;
    this.#path = op.bytes;
    this.#pathStart = op.pathStart;
    this.#pathEnd = op.pathEnd;
    switch (op.type) {
      case OpCode.delete:
        return this.#delete(op, requester);
      case OpCode.deleteContainer:
        return this.#deleteContainer(op);
      case OpCode.setData:
        return this.#setData(op, requester);
      case OpCode.setACL:
        return this.#setAcl(op, requester);
      case OpCode.check:
        return this.#check(op, requester);
      default:
        return this.#create(op, requester);
    }
  }

  /** Appends the transaction body of the operation judged last. */
  encodeBody(op: WriteOp, out: JuteWriter): void {
    out.writeInt(this.#pathEnd - this.#pathStart);
    out.writeRaw(this.#path, this.#pathStart, this.#pathEnd);
    switch (this.#txnType) {
      case OpCode.delete:
      case OpCode.deleteContainer:
        return;
      case OpCode.setData:
        writeRange(out, op.bytes, op.dataStart, op.dataEnd);
        out.writeInt(this.#number);
        return;
      case OpCode.setACL:
        out.writeRaw(this.#acl!.bytes, 0, this.#acl!.bytes.length);
        out.writeInt(this.#number);
        return;
      case OpCode.check:
        out.writeInt(this.#number);
        return;
      default:
        writeRange(out, op.bytes, op.dataStart, op.dataEnd);
        out.writeRaw(this.#acl!.bytes, 0, this.#acl!.bytes.length);
        if (this.#txnType === OpCode.create || this.#txnType === OpCode.create2) out.writeBoolean(op.isEphemeral);
        out.writeInt(this.#number);
        if (this.#txnType === OpCode.createTTL) out.writeLong(highOfNumber(op.ttlMs), lowOfNumber(op.ttlMs));
    }
  }

  #create(op: WriteOp, requester: Requester): ErrorCode {
    if (!op.hasKnownFlags) return ErrorCode.badArguments;
    if (op.isTtl && !this.#tree.options.extendedTypesEnabled) return ErrorCode.unimplemented;
    const isTtlValid = op.isTtl
      ? op.type === OpCode.createTTL && op.ttlMs > 0 && op.ttlMs <= ttlMsMax
      : op.type !== OpCode.createTTL;
    if (!isTtlValid) return ErrorCode.badArguments;
    if (isOver(requester)) return ErrorCode.sessionExpired;
    const { bytes, pathStart } = op;
    if (pathStart < 0) return ErrorCode.marshallingError;
    if (!validatePathWeakly(bytes, pathStart, op.pathEnd)) return ErrorCode.badArguments;
    const slash = lastSlash(bytes, pathStart, op.pathEnd);
    const aclError = this.#fixUpAcl(op, requester.identities);
    if (aclError !== ErrorCode.ok) return aclError;
    const parent = this.changes.get(bytes, pathStart, slash);
    if (parent === null) return ErrorCode.noNode;
    if (!this.#allows(parent.acl!, Permission.create, requester.identities)) return ErrorCode.noAuth;
    if (op.isSequential) this.#appendSequence(op, parent.cversion);
    if (!validatePath(this.#path, this.#pathStart, this.#pathEnd)) return ErrorCode.badArguments;
    if (this.changes.get(this.#path, this.#pathStart, this.#pathEnd) !== null) return ErrorCode.nodeExists;
    if (parent.kind === ZnodeKind.ephemeral) return ErrorCode.noChildrenForEphemerals;
    if (isBytes(this.#path, this.#pathStart, this.#pathEnd, rootQuotaLimits)) return ErrorCode.badArguments;
    const dataLength = op.dataStart < 0 ? 0 : op.dataEnd - op.dataStart;
    if (this.#exceedsQuota(this.#path, this.#pathStart, this.#pathEnd, dataLength, 1)) return ErrorCode.quotaExceeded;
    this.#recordCreate(op, parent, dataLength, requester);
    return ErrorCode.ok;
  }

  /** Puts the new znode and its parent among the changes in flight. */
  #recordCreate(op: WriteOp, parent: ChangeRecord, dataLength: number, requester: Requester): void {
    const { header, changes } = this;
    const isBelowZookeeper = parent.isOutsideDigest || isBytes(parent.path, 0, parent.pathLength, zookeeperPath);
    const newParent = changes.derive(parent, header.zxidHigh, header.zxidLow);
    newParent.childCount++;
    newParent.cversion = (newParent.cversion + 1) | 0;
    newParent.pzxidHigh = header.zxidHigh;
    newParent.pzxidLow = header.zxidLow;
    changes.refreshDigest(newParent);
    this.#number = newParent.cversion;
    const record = changes.add(this.#path, this.#pathStart, this.#pathEnd, header.zxidHigh, header.zxidLow);
    record.initialize(header.timeHigh, header.timeLow);
    record.dataLength = dataLength;
    record.isOutsideDigest = isBelowZookeeper;
    changes.setAcl(record, this.#acl!);
    this.#setOwner(record, op, requester);
    if (!record.isOutsideDigest) record.contentCrc = contentCrc(this.#path, this.#pathStart, this.#pathEnd, op);
    changes.refreshDigest(record);
  }

  #setOwner(record: ChangeRecord, op: WriteOp, requester: Requester): void {
    record.kind = ZnodeKind.persistent;
    record.ownerHigh = 0;
    record.ownerLow = 0;
    if (op.type === OpCode.createContainer) {
      record.kind = ZnodeKind.container;
      record.ownerHigh = containerOwnerHigh;
    } else if (op.type === OpCode.createTTL) {
      record.kind = ZnodeKind.ttl;
      record.ownerHigh = ttlOwnerHigh(op.ttlMs);
      record.ownerLow = op.ttlMs | 0;
    } else if (op.isEphemeral) {
      record.kind = ZnodeKind.ephemeral;
      record.ownerHigh = requester.session?.idHigh ?? 0;
      record.ownerLow = requester.session?.idLow ?? 0;
    }
  }

  #delete(op: WriteOp, requester: Requester): ErrorCode {
    if (isOver(requester)) return ErrorCode.sessionExpired;
    const { bytes, pathStart, pathEnd } = op;
    if (!validatePathWeakly(bytes, pathStart, pathEnd) || isSpecialPath(bytes, pathStart, pathEnd))
      return ErrorCode.badArguments;
    const slash = lastSlash(bytes, pathStart, pathEnd);
    const parent = this.changes.get(bytes, pathStart, slash);
    if (parent === null) return ErrorCode.noNode;
    if (!this.#allows(parent.acl!, Permission.delete, requester.identities)) return ErrorCode.noAuth;
    const record = this.changes.get(bytes, pathStart, pathEnd);
    if (record === null) return ErrorCode.noNode;
    if (op.version !== -1 && op.version !== record.version) return ErrorCode.badVersion;
    if (record.childCount > 0) return ErrorCode.notEmpty;
    this.#removeZnode(bytes, pathStart, slash, pathEnd);
    return ErrorCode.ok;
  }

  /** The reaper's own request: no session, no ACL. */
  #deleteContainer(op: WriteOp): ErrorCode {
    const { bytes, pathStart, pathEnd } = op;
    if (!validatePathWeakly(bytes, pathStart, pathEnd) || isSpecialPath(bytes, pathStart, pathEnd))
      return ErrorCode.badArguments;
    const record = this.changes.get(bytes, pathStart, pathEnd);
    if (record === null) return ErrorCode.noNode;
    if (record.childCount > 0) return ErrorCode.notEmpty;
    // Since the reaper looked, the znode may have gone and another one have come that is nothing of its business.
    if (record.kind === ZnodeKind.ephemeral || record.kind === ZnodeKind.persistent) return ErrorCode.badVersion;
    this.#removeZnode(bytes, pathStart, lastSlash(bytes, pathStart, pathEnd), pathEnd);
    return ErrorCode.ok;
  }

  #setData(op: WriteOp, requester: Requester): ErrorCode {
    if (isOver(requester)) return ErrorCode.sessionExpired;
    const { bytes, pathStart, pathEnd } = op;
    if (!validatePath(bytes, pathStart, pathEnd)) return ErrorCode.badArguments;
    const record = this.changes.get(bytes, pathStart, pathEnd);
    if (record === null) return ErrorCode.noNode;
    if (!this.#allows(record.acl!, Permission.write, requester.identities)) return ErrorCode.noAuth;
    const dataLength = op.dataStart < 0 ? 0 : op.dataEnd - op.dataStart;
    if (this.#exceedsQuota(bytes, pathStart, pathEnd, dataLength - record.dataLength, 0))
      return ErrorCode.quotaExceeded;
    if (op.version !== -1 && op.version !== record.version) return ErrorCode.badVersion;
    const { header, changes } = this;
    const changed = changes.derive(record, header.zxidHigh, header.zxidLow);
    changed.version = (changed.version + 1) | 0;
    changed.mtimeHigh = header.timeHigh;
    changed.mtimeLow = header.timeLow;
    changed.mzxidHigh = header.zxidHigh;
    changed.mzxidLow = header.zxidLow;
    changed.dataLength = dataLength;
    // The root's path is empty in the digest.
    if (!changed.isOutsideDigest)
      changed.contentCrc = contentCrc(bytes, pathStart, changed.pathLength === 0 ? pathStart : pathEnd, op);
    changes.refreshDigest(changed);
    this.#number = changed.version;
    return ErrorCode.ok;
  }

  #setAcl(op: WriteOp, requester: Requester): ErrorCode {
    if (isOver(requester)) return ErrorCode.sessionExpired;
    const { bytes, pathStart, pathEnd } = op;
    if (!validatePath(bytes, pathStart, pathEnd)) return ErrorCode.badArguments;
    const aclError = this.#fixUpAcl(op, requester.identities);
    if (aclError !== ErrorCode.ok) return aclError;
    const record = this.changes.get(bytes, pathStart, pathEnd);
    if (record === null) return ErrorCode.noNode;
    if (!this.#allows(record.acl!, Permission.admin, requester.identities)) return ErrorCode.noAuth;
    if (op.version !== -1 && op.version !== record.aversion) return ErrorCode.badVersion;
    const changed = this.changes.derive(record, this.header.zxidHigh, this.header.zxidLow);
    changed.aversion = (changed.aversion + 1) | 0;
    this.changes.setAcl(changed, this.#acl!);
    this.changes.refreshDigest(changed);
    this.#number = changed.aversion;
    return ErrorCode.ok;
  }

  #check(op: WriteOp, requester: Requester): ErrorCode {
    if (isOver(requester)) return ErrorCode.sessionExpired;
    const { bytes, pathStart, pathEnd } = op;
    if (!validatePath(bytes, pathStart, pathEnd)) return ErrorCode.badArguments;
    const record = this.changes.get(bytes, pathStart, pathEnd);
    if (record === null) return ErrorCode.noNode;
    if (!this.#allows(record.acl!, Permission.read, requester.identities)) return ErrorCode.noAuth;
    if (op.version !== -1 && op.version !== record.version) return ErrorCode.badVersion;
    this.#number = (record.version + 1) | 0;
    return ErrorCode.ok;
  }

  /** Puts a removal and the parent's change among the changes in flight. */
  #removeZnode(bytes: Buffer, start: number, slash: number, end: number): void {
    const { header, changes } = this;
    const parent = this.changes.get(bytes, start, slash);
    if (parent !== null) {
      const newParent = changes.derive(parent, header.zxidHigh, header.zxidLow);
      newParent.childCount--;
      newParent.pzxidHigh = header.zxidHigh;
      newParent.pzxidLow = header.zxidLow;
      changes.refreshDigest(newParent);
    }
    const record = this.changes.get(bytes, start, end);
    if (record !== null) changes.remove(changes.derive(record, header.zxidHigh, header.zxidLow));
  }

  #ownedPaths(idHigh: number, idLow: number): Set<string> {
    const paths = new Set<string>();
    for (const id of this.#tree.owned.bySession.get(idHigh, idLow) ?? []) paths.add(this.#tree.pathOf(id, "latin1"));
    this.changes.forEach((record) => {
      if (!record.exists) paths.delete(record.pathKey);
      else if (record.kind === ZnodeKind.ephemeral && record.ownerHigh === idHigh && record.ownerLow === idLow)
        paths.add(record.pathKey);
    });
    return paths;
  }

  #allows(acl: AclEntry, permission: number, identities: readonly Identity[]): boolean {
    if (acl === this.#tree.acls.open || this.#options.skipAcl) return true;
    return checkAcl(acl.list, permission, identities, this.#registry);
  }

  /** Makes what will be stored of the list that the request carries. */
  #fixUpAcl(op: WriteOp, identities: readonly Identity[]): ErrorCode {
    if (isOpenAcl(op.bytes, op.aclStart, op.aclEnd)) {
      this.#acl = this.#tree.acls.open;
      return ErrorCode.ok;
    }
    this.#reader.reset(op.bytes, op.aclStart, op.aclEnd);
    const fixed = fixupAcl(readAclList(this.#reader), identities, this.#registry);
    if (fixed.kind === "refused") return fixed.code;
    const scratch = this.#aclScratch;
    scratch.length = 0;
    writeAclList(scratch, fixed.acls);
    this.#acl = this.#tree.acls.intern(scratch.bytes, 0, scratch.length);
    return ErrorCode.ok;
  }

  /** The name of a sequential znode: the number of creates its parent has seen, at least ten characters wide. */
  #appendSequence(op: WriteOp, parentCversion: number): void {
    const digits =
      parentCversion < 0 ? `-${String(-parentCversion).padStart(9, "0")}` : String(parentCversion).padStart(10, "0");
    const length = op.pathEnd - op.pathStart + digits.length;
    if (this.#sequentialPath.length < length) this.#sequentialPath = Buffer.alloc(length * 2);
    op.bytes.copy(this.#sequentialPath, 0, op.pathStart, op.pathEnd);
    this.#sequentialPath.write(digits, op.pathEnd - op.pathStart, "latin1");
    this.#path = this.#sequentialPath;
    this.#pathStart = 0;
    this.#pathEnd = length;
  }

  #exceedsQuota(bytes: Buffer, start: number, end: number, bytesDifference: number, countDifference: number): boolean {
    if (!this.#options.enforceQuota) return false;
    const verdict = this.#tree.quotas.judge(bytes, start, end, bytesDifference, countDifference);
    if (verdict === null || verdict.excesses.length === 0) return false;
    this.onQuotaExceeded(verdict);
    return verdict.excesses.some((excess) => excess.isHard);
  }
}

/** A limits znode for the root would stop ZooKeeper, at once and at every start after. */
const rootQuotaLimits = Buffer.from("/zookeeper/quota/zookeeper_limits");
const zookeeperPath = Buffer.from("/zookeeper");

function isOver(requester: Requester): boolean {
  return requester.session !== null && requester.session.isClosing;
}

function contentCrc(path: Buffer, start: number, end: number, op: WriteOp): number {
  const crc = crc32(0, path, start, end);
  return op.dataStart < 0 ? crc : crc32(crc, op.bytes, op.dataStart, op.dataEnd);
}

function writeRange(out: JuteWriter, bytes: Buffer, start: number, end: number): void {
  if (start < 0) {
    out.writeInt(-1);
    return;
  }
  out.writeInt(end - start);
  out.writeRaw(bytes, start, end);
}
