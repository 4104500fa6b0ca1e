/**
 * The judge of writes: whether an operation may pass, on the tree *and* on the changes in flight, and what it comes to.
 * One that passes is among the changes in flight from then on, and what its transaction is made of stands here until the
 * next one is judged (write-txn.ts encodes it).
 *
 * The checks of each operation come in ZooKeeper's order, so that a write with several faults is refused for the same
 * one. A refusal is a value.
 *
 * Kept from ZooKeeper on purpose: the paths of creates are validated after the parent's ACL; createContainer makes a
 * container whatever its flag. Not kept: what kills or hangs it (client-sent deleteContainer, a TTL below zero, a quota
 * on the root).
 * Source: PrepRequestProcessor.pRequest2Txn.
 */

import { Permission, isOpenAcl, readAclList, writeAclList } from "#auth/acl.ts";
import { checkAcl } from "#auth/acl-check.ts";
import { fixupAcl } from "#auth/acl-fixup.ts";
import type { Identity } from "#auth/identity.ts";
import type { ProviderRegistry } from "#auth/provider-registry.ts";
import { crc32 } from "#base/crc32.ts";
import { JuteReader } from "#jute/reader.ts";
import { JuteWriter } from "#jute/writer.ts";
import { ErrorCode } from "#protocol/error-code.ts";
import { OpCode } from "#protocol/op-code.ts";
import type { TxnHeader } from "#protocol/txn-header.ts";
import type { Session } from "#session/session-tracker.ts";
import type { AclEntry } from "#tree/acl-cache.ts";
import type { DataTree } from "#tree/data-tree.ts";
import { containerOwnerHigh, ttlMsMax, ttlOwnerHigh } from "#tree/ephemeral-owner.ts";
import { isBytes, isSpecialPath, lastSlash, validatePath, validatePathWeakly } from "#tree/path.ts";
import type { QuotaVerdict } from "#tree/quotas.ts";
import { configPath } from "#tree/system-znodes.ts";
import { ZnodeKind } from "#tree/znode-store.ts";
import type { ChangeRecord, OutstandingChanges } from "./outstanding-changes.ts";
import type { WriteOp } from "./write-op.ts";

export interface JudgeOptions {
  readonly skipAcl: boolean;
  readonly enforceQuota: boolean;
}

/** What a judge needs to know of a request besides its body. */
export interface Requester {
  /** Null for the server's own requests. */
  readonly session: Pick<Session, "idHigh" | "idLow" | "check" | "ephemeralRefusal"> | null;
  /** Whom its client is attached to: a session belongs to one at a time. */
  readonly owner: object;
  readonly identities: readonly Identity[];
}

export class WriteJudge {
  /** Told when a quota is exceeded, softly or not. */
  onQuotaExceeded: (verdict: QuotaVerdict) => void = () => {};
  /** Type of the transaction that the operation judged last becomes. */
  txnType = 0;
  /** Its path is `path[pathStart, pathEnd)`: the operation's own, or with a sequence number behind it. */
  path: Buffer = Buffer.alloc(0);
  pathStart = 0;
  pathEnd = 0;
  /** The list that a create or setACL stores. */
  acl: AclEntry | null = null;
  /** The version that results; for a create the parent's cversion. */
  number = 0;
  readonly #tree: DataTree;
  readonly #registry: ProviderRegistry;
  readonly #options: JudgeOptions;
  readonly #changes: OutstandingChanges;
  /** Of the transaction being made: its zxid and time are those of the changes. */
  readonly #header: TxnHeader;
  readonly #reader = new JuteReader(Buffer.alloc(0));
  readonly #aclScratch = new JuteWriter(256);
  #sequentialPath: Buffer = Buffer.alloc(1024);

  constructor(parts: {
    tree: DataTree;
    registry: ProviderRegistry;
    options: JudgeOptions;
    changes: OutstandingChanges;
    header: TxnHeader;
  }) {
    this.#tree = parts.tree;
    this.#registry = parts.registry;
    this.#options = parts.options;
    this.#changes = parts.changes;
    this.#header = parts.header;
  }

  /** Judges one operation under the header's zxid; if it may pass, the changes in flight hold it from now on. */
  admit(op: WriteOp, requester: Requester): ErrorCode {
    if (!op.isCreate) {
      const refusal = refusalOf(requester);
      if (refusal !== ErrorCode.ok) return refusal;
      // Where ZooKeeper validates the path first a null one is a bad argument; elsewhere it trips over it.
      const isValidatedFirst = op.type === OpCode.setData || op.type === OpCode.setACL;
      if (op.pathStart < 0) return isValidatedFirst ? ErrorCode.badArguments : ErrorCode.marshallingError;
    }
    this.acl = null;
    const error = this.#judgeByType(op, requester);
    if (error !== ErrorCode.ok && this.acl !== null) this.#tree.acls.dropIfUnused(this.acl);
    return error;
  }

  /** Judges a change of the ensemble, all but what it says: /zookeeper/config becomes so long, and has version -1 as always. */
  admitReconfig(dataLength: number, requester: Requester): ErrorCode {
    const header = this.#header;
    const record = this.#changes.get(configPath, 0, configPath.length);
    if (record === null) return ErrorCode.noNode;
    if (!this.#allows(record.acl!, Permission.write, requester.identities)) return ErrorCode.noAuth;
    const changed = this.#changes.derive(record, header.zxidHigh, header.zxidLow);
    changed.version = -1;
    changed.mtimeHigh = header.timeHigh;
    changed.mtimeLow = header.timeLow;
    changed.mzxidHigh = header.zxidHigh;
    changed.mzxidLow = header.zxidLow;
    changed.dataLength = dataLength;
    return ErrorCode.ok;
  }

  /** Puts a removal and the parent's change among the changes in flight. */
  removeZnode(bytes: Buffer, start: number, slash: number, end: number): void {
    const header = this.#header;
    const changes = this.#changes;
    const parent = changes.get(bytes, start, slash);
    if (parent !== null) {
      const newParent = changes.derive(parent, header.zxidHigh, header.zxidLow);
      newParent.childCount--;
      newParent.pzxidHigh = header.zxidHigh;
      newParent.pzxidLow = header.zxidLow;
      changes.refreshDigest(newParent);
    }
    const record = changes.get(bytes, start, end);
    if (record !== null) changes.remove(changes.derive(record, header.zxidHigh, header.zxidLow));
  }

  #judgeByType(op: WriteOp, requester: Requester): ErrorCode {
    this.txnType = op.type;
    this.path = op.bytes;
    this.pathStart = op.pathStart;
    this.pathEnd = op.pathEnd;
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

  #create(op: WriteOp, requester: Requester): ErrorCode {
    if (!op.hasKnownFlags) return ErrorCode.badArguments;
    if (op.isTtl && !this.#tree.options.extendedTypesEnabled) return ErrorCode.unimplemented;
    const isTtlValid = op.isTtl
      ? op.type === OpCode.createTTL && op.ttlMs > 0 && op.ttlMs <= ttlMsMax
      : op.type !== OpCode.createTTL;
    if (!isTtlValid) return ErrorCode.badArguments;
    const refusal = refusalOf(requester);
    if (refusal !== ErrorCode.ok) return refusal;
    const ephemeralRefusal = op.isEphemeral ? (requester.session?.ephemeralRefusal ?? ErrorCode.ok) : ErrorCode.ok;
    if (ephemeralRefusal !== ErrorCode.ok) return ephemeralRefusal;
    const { bytes, pathStart } = op;
    if (pathStart < 0) return ErrorCode.marshallingError;
    if (!validatePathWeakly(bytes, pathStart, op.pathEnd)) return ErrorCode.badArguments;
    const slash = lastSlash(bytes, pathStart, op.pathEnd);
    const aclError = this.#fixUpAcl(op, requester.identities);
    if (aclError !== ErrorCode.ok) return aclError;
    const parent = this.#changes.get(bytes, pathStart, slash);
    if (parent === null) return ErrorCode.noNode;
    if (!this.#allows(parent.acl!, Permission.create, requester.identities)) return ErrorCode.noAuth;
    if (op.isSequential) this.#appendSequence(op, parent.cversion);
    if (!validatePath(this.path, this.pathStart, this.pathEnd)) return ErrorCode.badArguments;
    if (this.#changes.get(this.path, this.pathStart, this.pathEnd) !== null) return ErrorCode.nodeExists;
    if (parent.kind === ZnodeKind.ephemeral) return ErrorCode.noChildrenForEphemerals;
    if (isBytes(this.path, this.pathStart, this.pathEnd, rootQuotaLimits)) return ErrorCode.badArguments;
    if (this.#exceedsQuota(this.path, this.pathStart, this.pathEnd, op.dataLength, 1)) return ErrorCode.quotaExceeded;
    this.#recordCreate(op, parent, requester);
    return ErrorCode.ok;
  }

  /** Puts the new znode and its parent among the changes in flight. */
  #recordCreate(op: WriteOp, parent: ChangeRecord, requester: Requester): void {
    const header = this.#header;
    const changes = this.#changes;
    const isBelowZookeeper = parent.isOutsideDigest || isBytes(parent.path, 0, parent.pathLength, zookeeperPath);
    const newParent = changes.derive(parent, header.zxidHigh, header.zxidLow);
    newParent.childCount++;
    newParent.cversion = (newParent.cversion + 1) | 0;
    newParent.pzxidHigh = header.zxidHigh;
    newParent.pzxidLow = header.zxidLow;
    changes.refreshDigest(newParent);
    this.number = newParent.cversion;
    const record = changes.add(this.path, this.pathStart, this.pathEnd, header.zxidHigh, header.zxidLow);
    record.initialize(header.timeHigh, header.timeLow);
    record.dataLength = op.dataLength;
    record.isOutsideDigest = isBelowZookeeper;
    changes.setAcl(record, this.acl!);
    this.#setOwner(record, op, requester);
    if (!record.isOutsideDigest) record.contentCrc = contentCrc(this.path, this.pathStart, this.pathEnd, op);
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
    const { bytes, pathStart, pathEnd } = op;
    if (!isRemovablePath(bytes, pathStart, pathEnd)) return ErrorCode.badArguments;
    const slash = lastSlash(bytes, pathStart, pathEnd);
    const parent = this.#changes.get(bytes, pathStart, slash);
    if (parent === null) return ErrorCode.noNode;
    if (!this.#allows(parent.acl!, Permission.delete, requester.identities)) return ErrorCode.noAuth;
    const record = this.#changes.get(bytes, pathStart, pathEnd);
    if (record === null) return ErrorCode.noNode;
    if (op.version !== -1 && op.version !== record.version) return ErrorCode.badVersion;
    if (record.childCount > 0) return ErrorCode.notEmpty;
    this.removeZnode(bytes, pathStart, slash, pathEnd);
    return ErrorCode.ok;
  }

  /** The reaper's own request: no session, no ACL. */
  #deleteContainer(op: WriteOp): ErrorCode {
    const { bytes, pathStart, pathEnd } = op;
    if (!isRemovablePath(bytes, pathStart, pathEnd)) return ErrorCode.badArguments;
    const record = this.#changes.get(bytes, pathStart, pathEnd);
    if (record === null) return ErrorCode.noNode;
    if (record.childCount > 0) return ErrorCode.notEmpty;
    // Since the reaper looked, the znode may have gone and another one have come that is nothing of its business.
    if (record.kind === ZnodeKind.ephemeral || record.kind === ZnodeKind.persistent) return ErrorCode.badVersion;
    this.removeZnode(bytes, pathStart, lastSlash(bytes, pathStart, pathEnd), pathEnd);
    return ErrorCode.ok;
  }

  #setData(op: WriteOp, requester: Requester): ErrorCode {
    const { bytes, pathStart, pathEnd } = op;
    if (!validatePath(bytes, pathStart, pathEnd)) return ErrorCode.badArguments;
    const record = this.#changes.get(bytes, pathStart, pathEnd);
    if (record === null) return ErrorCode.noNode;
    if (!this.#allows(record.acl!, Permission.write, requester.identities)) return ErrorCode.noAuth;
    const { dataLength } = op;
    if (this.#exceedsQuota(bytes, pathStart, pathEnd, dataLength - record.dataLength, 0))
      return ErrorCode.quotaExceeded;
    if (op.version !== -1 && op.version !== record.version) return ErrorCode.badVersion;
    const header = this.#header;
    const changes = this.#changes;
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
    this.number = changed.version;
    return ErrorCode.ok;
  }

  #setAcl(op: WriteOp, requester: Requester): ErrorCode {
    const { bytes, pathStart, pathEnd } = op;
    if (!validatePath(bytes, pathStart, pathEnd)) return ErrorCode.badArguments;
    const aclError = this.#fixUpAcl(op, requester.identities);
    if (aclError !== ErrorCode.ok) return aclError;
    const record = this.#changes.get(bytes, pathStart, pathEnd);
    if (record === null) return ErrorCode.noNode;
    if (!this.#allows(record.acl!, Permission.admin, requester.identities)) return ErrorCode.noAuth;
    if (op.version !== -1 && op.version !== record.aversion) return ErrorCode.badVersion;
    const changed = this.#changes.derive(record, this.#header.zxidHigh, this.#header.zxidLow);
    changed.aversion = (changed.aversion + 1) | 0;
    this.#changes.setAcl(changed, this.acl!);
    this.#changes.refreshDigest(changed);
    this.number = changed.aversion;
    return ErrorCode.ok;
  }

  #check(op: WriteOp, requester: Requester): ErrorCode {
    const { bytes, pathStart, pathEnd } = op;
    if (!validatePath(bytes, pathStart, pathEnd)) return ErrorCode.badArguments;
    const record = this.#changes.get(bytes, pathStart, pathEnd);
    if (record === null) return ErrorCode.noNode;
    if (!this.#allows(record.acl!, Permission.read, requester.identities)) return ErrorCode.noAuth;
    if (op.version !== -1 && op.version !== record.version) return ErrorCode.badVersion;
    this.number = (record.version + 1) | 0;
    return ErrorCode.ok;
  }

  #allows(acl: AclEntry, permission: number, identities: readonly Identity[]): boolean {
    if (acl === this.#tree.acls.open || this.#options.skipAcl) return true;
    return checkAcl(acl.list, permission, identities, this.#registry);
  }

  /** Makes what will be stored of the list that the request carries. */
  #fixUpAcl(op: WriteOp, identities: readonly Identity[]): ErrorCode {
    if (isOpenAcl(op.bytes, op.aclStart, op.aclEnd)) {
      this.acl = this.#tree.acls.open;
      return ErrorCode.ok;
    }
    this.#reader.reset(op.bytes, op.aclStart, op.aclEnd);
    const fixed = fixupAcl(readAclList(this.#reader), identities, this.#registry);
    if (fixed.kind === "refused") return fixed.code;
    const scratch = this.#aclScratch;
    scratch.length = 0;
    writeAclList(scratch, fixed.acls);
    this.acl = this.#tree.acls.intern(scratch.bytes, 0, scratch.length);
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
    this.path = this.#sequentialPath;
    this.pathStart = 0;
    this.pathEnd = length;
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

/** Why a request of the session is refused whatever it asks for; ok if it is not. */
export function refusalOf({ session, owner }: Requester): ErrorCode {
  return session === null ? ErrorCode.ok : session.check(owner);
}

function isRemovablePath(bytes: Buffer, start: number, end: number): boolean {
  return validatePathWeakly(bytes, start, end) && !isSpecialPath(bytes, start, end);
}

function contentCrc(path: Buffer, start: number, end: number, op: WriteOp): number {
  const crc = crc32(0, path, start, end);
  return op.dataStart < 0 ? crc : crc32(crc, op.bytes, op.dataStart, op.dataEnd);
}
