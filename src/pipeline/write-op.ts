/**
 * A write as it came in, decoded to places in its frame: one object is filled again and again. The same bodies come as
 * requests of their own and as parts of a multi.
 *
 *   create, create2, createContainer   path ustring | data buffer | acl vector<ACL> | flags int
 *   createTTL                          ... | ttl long
 *   delete, check                      path ustring | version int
 *   deleteContainer                    path buffer (the same bytes as a ustring)
 *   setData                            path ustring | data buffer | version int
 *   setACL                             path ustring | acl vector<ACL> | version int
 *
 * Source: zookeeper.jute (proto), MultiOperationRecord.java, CreateMode.java.
 */

import { numberOf } from "#base/zxid.ts";
import { MarshallingError, type JuteReader } from "#jute/reader.ts";
import { OpCode } from "#protocol/op-code.ts";
import { skipAclList } from "#protocol/txn-body.ts";

/** The flags of a create: enumerated values, not a bit mask. */
export const CreateFlag = {
  persistent: 0,
  ephemeral: 1,
  persistentSequential: 2,
  ephemeralSequential: 3,
  container: 4,
  persistentWithTtl: 5,
  persistentSequentialWithTtl: 6,
} as const;

export class WriteOp {
  type = 0;
  bytes: Buffer = Buffer.alloc(0);
  /** -1 for a null path. */
  pathStart = 0;
  pathEnd = 0;
  /** -1 for null data. */
  dataStart = 0;
  dataEnd = 0;
  aclStart = 0;
  aclEnd = 0;
  /** True when the list is null, which is not the same as empty. */
  isAclNull = false;
  flags = 0;
  ttlMs = 0;
  /** Expected version, -1 for any. */
  version = 0;

  /** @throws MarshallingError when the body does not decode, or is no write's. */
  read(type: number, reader: JuteReader): void {
    this.type = type;
    this.bytes = reader.bytes;
    reader.readRange();
    this.pathStart = reader.rangeStart;
    this.pathEnd = reader.rangeEnd;
    switch (type) {
      case OpCode.create:
      case OpCode.create2:
      case OpCode.createContainer:
      case OpCode.createTTL:
        this.#readData(reader);
        this.#readAcl(reader);
        this.flags = reader.readInt();
        this.ttlMs = type === OpCode.createTTL ? numberOf(reader.readInt(), reader.readInt()) : -1;
        return;
      case OpCode.delete:
      case OpCode.check:
        this.version = reader.readInt();
        return;
      case OpCode.deleteContainer:
        return;
      case OpCode.setData:
        this.#readData(reader);
        this.version = reader.readInt();
        return;
      case OpCode.setACL:
        this.#readAcl(reader);
        this.version = reader.readInt();
        return;
      default:
        throw new MarshallingError(`${type} is no write`);
    }
  }

  /** 0 for null data, too. */
  get dataLength(): number {
    return this.dataStart < 0 ? 0 : this.dataEnd - this.dataStart;
  }

  get isCreate(): boolean {
    return (
      this.type === OpCode.create ||
      this.type === OpCode.create2 ||
      this.type === OpCode.createContainer ||
      this.type === OpCode.createTTL
    );
  }

  get hasKnownFlags(): boolean {
    return this.flags >= CreateFlag.persistent && this.flags <= CreateFlag.persistentSequentialWithTtl;
  }

  get isSequential(): boolean {
    const { flags } = this;
    return (
      flags === CreateFlag.persistentSequential ||
      flags === CreateFlag.ephemeralSequential ||
      flags === CreateFlag.persistentSequentialWithTtl
    );
  }

  get isEphemeral(): boolean {
    return this.flags === CreateFlag.ephemeral || this.flags === CreateFlag.ephemeralSequential;
  }

  get isTtl(): boolean {
    return this.flags === CreateFlag.persistentWithTtl || this.flags === CreateFlag.persistentSequentialWithTtl;
  }

  #readData(reader: JuteReader): void {
    reader.readRange();
    this.dataStart = reader.rangeStart;
    this.dataEnd = reader.rangeEnd;
  }

  #readAcl(reader: JuteReader): void {
    this.aclStart = reader.offset;
    this.isAclNull = reader.remaining >= 4 && reader.bytes.readInt32BE(reader.offset) === -1;
    skipAclList(reader);
    this.aclEnd = reader.offset;
  }
}
