/**
 * Answers to reads: one turn from look-up to reply, straight from the tree into the connection's output, so that no
 * change slips between the state that is returned and the watch that is registered.
 *
 * The reply is begun first and cut back to its header when it turns out to be an error. Its zxid is the last one applied
 * here. A body that does not decode is answered with MarshallingError by the caller.
 * Source: FinalRequestProcessor.java, ZooKeeperServer.checkACL.
 */

import { Permission, writeAclList } from "#auth/acl.ts";
import { checkAcl, maskDigests } from "#auth/acl-check.ts";
import type { Identity } from "#auth/identity.ts";
import type { ProviderRegistry } from "#auth/provider-registry.ts";
import { MarshallingError, type JuteReader } from "#jute/reader.ts";
import type { JuteWriter } from "#jute/writer.ts";
import { ErrorCode } from "#protocol/error-code.ts";
import { OpCode } from "#protocol/op-code.ts";
import { writeGetEphemeralsResponse, writeWhoAmIResponse } from "#jute/records/proto.ts";
import type { DataTree } from "#tree/data-tree.ts";
import { hasNul } from "#tree/path.ts";
import { TreeWalker } from "#tree/tree-walker.ts";
import { WatchMode } from "#tree/watch-table.ts";
import { Field, rootId, StatField } from "#tree/znode-store.ts";
import type { Client } from "./client.ts";
import type { Effort } from "./effort.ts";
import { WriteOp } from "./write-op.ts";
import {
  lacksAclList,
  readMultiHeader,
  readMultiWrite,
  writeMultiEnd,
  writeMultiError,
  writeMultiHeader,
} from "./multi-frame.ts";
import { WatchAnswerer } from "./answer-watches.ts";

/**
 * Bytes of a multiRead's results beyond which it is refused: a frame of a megabyte can ask for the same znode tens of
 * thousands of times.
 */
const multiReadBytesMax = 256 << 20;

export class Answerer {
  readonly #tree: DataTree;
  readonly #registry: ProviderRegistry;
  readonly #skipAcl: boolean;
  readonly #watches: WatchAnswerer;
  readonly #effort: Effort;

  constructor(tree: DataTree, registry: ProviderRegistry, skipAcl: boolean, effort: Effort) {
    this.#tree = tree;
    this.#effort = effort;
    this.#registry = registry;
    this.#skipAcl = skipAcl;
    this.#watches = new WatchAnswerer(tree);
  }

  /**
   * Appends the body of the reply to a read.
   * @returns ok, or the error that takes the body's place; null for a multiRead that ended early, whose partial body
   * goes out with MarshallingError.
   * @throws MarshallingError when the request's body does not decode.
   */
  answer(
    type: number,
    client: Client,
    identities: readonly Identity[],
    reader: JuteReader,
    out: JuteWriter,
  ): ErrorCode | null {
    switch (type) {
      case OpCode.getData:
        return this.#getData(client, identities, reader, out);
      case OpCode.exists:
        return this.#exists(client, identities, reader, out);
      case OpCode.getChildren:
        return this.#getChildren(client, identities, reader, out);
      case OpCode.getChildren2:
        return this.#getChildren2(client, identities, reader, out);
      case OpCode.getACL:
        return this.#getAcl(identities, reader, out);
      case OpCode.getAllChildrenNumber:
        return this.#getAllChildrenNumber(identities, reader, out);
      case OpCode.getEphemerals:
        return this.#getEphemerals(client, reader, out);
      case OpCode.whoAmI:
        writeWhoAmIResponse(out, { clientInfo: this.#registry.clientInfos(identities) });
        return ErrorCode.ok;
      case OpCode.sync:
        reader.readRange();
        copyRange(reader, out);
        return ErrorCode.ok;
      case OpCode.multiRead:
        return this.#multiRead(identities, reader, out);
      case OpCode.setWatches:
      case OpCode.setWatches2:
        return this.#watches.setWatches(type, client, reader);
      case OpCode.addWatch:
        return this.#watches.addWatch(client, reader, out);
      case OpCode.checkWatches:
        return this.#watches.checkWatches(client, reader);
      case OpCode.removeWatches:
        return this.#watches.removeWatches(client, reader);
      default:
        return ErrorCode.unimplemented;
    }
  }

  /** Where setWatches puts the events that it makes up. */
  set onCatchUpEvent(write: (client: Client, type: number, path: Buffer, start: number, end: number) => void) {
    this.#watches.onCatchUpEvent = write;
  }

  #getData(client: Client, identities: readonly Identity[], reader: JuteReader, out: JuteWriter): ErrorCode {
    const id = this.#find(reader);
    const isWatched = reader.readBoolean();
    if (id === 0) return ErrorCode.noNode;
    if (!this.#allows(id, Permission.read, identities)) return ErrorCode.noAuth;
    if (isWatched) this.#tree.watches.data.add(this.#watchKey(reader), client.number, WatchMode.standard);
    this.#tree.store.copyData(id, out);
    this.#tree.store.copyStat(id, out);
    return ErrorCode.ok;
  }

  #exists(client: Client, identities: readonly Identity[], reader: JuteReader, out: JuteWriter): ErrorCode {
    const id = this.#find(reader);
    const isWatched = reader.readBoolean();
    if (hasNul(reader.bytes, reader.rangeStart, reader.rangeEnd)) return ErrorCode.badArguments;
    if (id !== 0 && !this.#allows(id, Permission.read, identities)) return ErrorCode.noAuth;
    // A missing znode is watched as well: that is how a client waits for it.
    if (isWatched) this.#tree.watches.data.add(this.#watchKey(reader), client.number, WatchMode.standard);
    if (id === 0) return ErrorCode.noNode;
    this.#tree.store.copyStat(id, out);
    return ErrorCode.ok;
  }

  #getChildren(client: Client, identities: readonly Identity[], reader: JuteReader, out: JuteWriter): ErrorCode {
    const id = this.#find(reader);
    const isWatched = reader.readBoolean();
    if (id === 0) return ErrorCode.noNode;
    if (!this.#allows(id, Permission.read, identities)) return ErrorCode.noAuth;
    if (isWatched) this.#tree.watches.child.add(this.#watchKey(reader), client.number, WatchMode.standard);
    this.#copyChildren(id, out);
    return ErrorCode.ok;
  }

  #getChildren2(client: Client, identities: readonly Identity[], reader: JuteReader, out: JuteWriter): ErrorCode {
    const start = reader.offset;
    const error = this.#getChildren(client, identities, reader, out);
    if (error !== ErrorCode.ok) return error;
    reader.offset = start;
    this.#tree.store.copyStat(this.#find(reader), out);
    return ErrorCode.ok;
  }

  #copyChildren(id: number, out: JuteWriter): void {
    const { store } = this.#tree;
    out.writeInt(store.stat(id, StatField.numChildren));
    for (let child = store.get(id, Field.firstChild); child !== 0; child = store.get(child, Field.nextSibling)) {
      const length = store.get(child, Field.nameLength);
      const at = store.nameOffset(child);
      out.writeInt(length);
      out.writeRaw(store.nameBuffer(child), at, at + length);
    }
  }

  #getAcl(identities: readonly Identity[], reader: JuteReader, out: JuteWriter): ErrorCode {
    const id = this.#find(reader);
    if (id === 0) return ErrorCode.noNode;
    if (!this.#allows(id, Permission.read | Permission.admin, identities)) return ErrorCode.noAuth;
    const acl = this.#tree.aclOf(id);
    if (this.#allows(id, Permission.admin, identities)) out.writeRaw(acl.bytes, 0, acl.bytes.length);
    else writeAclList(out, maskDigests(acl.list));
    this.#tree.store.copyStat(id, out);
    return ErrorCode.ok;
  }

  /** All descendants; the root counts what the operator's znode count counts, less its two names. */
  #getAllChildrenNumber(identities: readonly Identity[], reader: JuteReader, out: JuteWriter): ErrorCode {
    const id = this.#find(reader);
    if (id === 0) return ErrorCode.noNode;
    if (!this.#allows(id, Permission.read, identities)) return ErrorCode.noAuth;
    out.writeInt(id === rootId ? this.#countAll(reader) : this.#countBelow(id));
    return ErrorCode.ok;
  }

  /** Quirk: ZooKeeper holds the root as "" and as "/"; either counts the other if it is asked as "". */
  #countAll(reader: JuteReader): number {
    return this.#tree.nodeCount - (reader.rangeEnd === reader.rangeStart ? 1 : 2);
  }

  #countBelow(id: number): number {
    const walker = new TreeWalker(this.#tree, id);
    let count = -1;
    while (walker.next() !== 0) count++;
    walker.close();
    this.#effort.addSteps(count);
    return count;
  }

  #getEphemerals(client: Client, reader: JuteReader, out: JuteWriter): ErrorCode {
    const prefix = reader.readString() ?? "";
    const isAll = isBlankOrSlash(prefix);
    const ephemerals: string[] = [];
    const { session } = client;
    const ids = session === null ? undefined : this.#tree.owned.bySession.get(session.idHigh, session.idLow);
    for (const id of ids ?? []) {
      const path = this.#tree.pathOf(id);
      if (isAll || path.startsWith(prefix)) ephemerals.push(path);
    }
    writeGetEphemeralsResponse(out, { ephemerals });
    this.#effort.addSteps(10 * (ids?.size ?? 0));
    return ErrorCode.ok;
  }

  #multiRead(identities: readonly Identity[], reader: JuteReader, out: JuteWriter): ErrorCode | null {
    if (!holdsReads(reader)) {
      writeMultiEnd(out);
      return null;
    }
    const repliedMax = out.length + multiReadBytesMax;
    for (let type = readMultiHeader(reader); type !== null; type = readMultiHeader(reader)) {
      reader.readRange();
      // Quirk: ZooKeeper stumbles over a null path as late as here, and sends what it has read so far.
      if (reader.rangeStart < 0) {
        writeMultiEnd(out);
        return null;
      }
      const id = this.#tree.find(reader.bytes, reader.rangeStart, reader.rangeEnd);
      reader.skip(1);
      if (id === 0 || !this.#allows(id, Permission.read, identities)) {
        writeMultiError(out, id === 0 ? ErrorCode.noNode : ErrorCode.noAuth);
        continue;
      }
      if (out.length + this.#tree.store.stat(id, StatField.dataLength) > repliedMax) return ErrorCode.marshallingError;
      writeMultiHeader(out, type, ErrorCode.ok);
      if (type === OpCode.getChildren) {
        this.#copyChildren(id, out);
      } else {
        this.#tree.store.copyData(id, out);
        this.#tree.store.copyStat(id, out);
      }
    }
    writeMultiEnd(out);
    return ErrorCode.ok;
  }

  /** Reads a path, whose range stays in the reader, and looks it up. */
  #find(reader: JuteReader): number {
    reader.readRange();
    if (reader.rangeStart < 0) throw new MarshallingError("a null path");
    return this.#tree.find(reader.bytes, reader.rangeStart, reader.rangeEnd);
  }

  #watchKey(reader: JuteReader): string {
    return reader.bytes.toString("latin1", reader.rangeStart, reader.rangeEnd);
  }

  #allows(id: number, permissions: number, identities: readonly Identity[]): boolean {
    const acl = this.#tree.aclOf(id);
    if (acl === this.#tree.acls.open || this.#skipAcl) return true;
    return checkAcl(acl.list, permissions, identities, this.#registry);
  }
}

/**
 * Looks through a multiRead and leaves the reader before it.
 * @returns false when all parts are writes, which decode and are refused later.
 * @throws MarshallingError for anything else that is not all reads.
 */
function holdsReads(reader: JuteReader): boolean {
  const at = reader.offset;
  const write = new WriteOp();
  let readCount = 0;
  let writeCount = 0;
  for (let type = readMultiHeader(reader); type !== null; type = readMultiHeader(reader)) {
    if (type === OpCode.getData || type === OpCode.getChildren) {
      reader.skipBuffer();
      reader.skip(1);
      readCount++;
    } else {
      readMultiWrite(type, reader, write);
      if (lacksAclList(type, write)) throw new MarshallingError("a create without an ACL list");
      writeCount++;
    }
    if (readCount > 0 && writeCount > 0) throw new MarshallingError("reads and writes in one multi");
  }
  reader.offset = at;
  return writeCount === 0;
}

/** Whether nothing or "/" is left once Java's trim has taken off everything up to the blank, in one pass. */
function isBlankOrSlash(text: string): boolean {
  let hasSlash = false;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit <= 0x20) continue;
    if (unit !== 0x2f || hasSlash) return false;
    hasSlash = true;
  }
  return true;
}

/** Echoes a ustring as it came, null as null. */
function copyRange(reader: JuteReader, out: JuteWriter): void {
  if (reader.rangeStart < 0) {
    out.writeInt(-1);
    return;
  }
  out.writeInt(reader.rangeEnd - reader.rangeStart);
  out.writeRaw(reader.bytes, reader.rangeStart, reader.rangeEnd);
}
