/**
 * The records of module org.apache.zookeeper.proto. Generated, do not edit: change the schema, then run
 *
 *   jute-ts-codegen jute/zookeeper.jute --out src/jute/records --runtime '#jute'
 *
 * What clients and servers say to each other, each after its length in a frame.
 *
 * Readers throw MarshallingError when the bytes end early. Buffers they return are views of the bytes they were
 * given, to be copied by whoever keeps them.
 */

import type { JuteReader } from "#jute/reader.ts";
import type { JuteWriter } from "#jute/writer.ts";
import {
  type ACL,
  readACL,
  writeACL,
  type ClientInfo,
  readClientInfo,
  writeClientInfo,
  type Stat,
  readStat,
  writeStat,
} from "./data.ts";

/** First frame of a client. Clients of 3.3 and older leave the last byte out. */
export interface ConnectRequest {
  protocolVersion: number;
  /** a server that is behind it refuses the client */
  lastZxidSeen: bigint;
  /** milliseconds asked for */
  timeOut: number;
  /** 0 for a new session */
  sessionId: bigint;
  /** 16 bytes */
  passwd: Uint8Array | null;
  /** content with a server that has no quorum */
  readOnly: boolean;
}

export function readConnectRequest(reader: JuteReader): ConnectRequest {
  return {
    protocolVersion: reader.readInt(),
    lastZxidSeen: reader.readBigInt(),
    timeOut: reader.readInt(),
    sessionId: reader.readBigInt(),
    passwd: reader.readBuffer(),
    readOnly: reader.readBoolean(),
  };
}

export function writeConnectRequest(writer: JuteWriter, value: ConnectRequest): void {
  writer.writeInt(value.protocolVersion);
  writer.writeBigInt(value.lastZxidSeen);
  writer.writeInt(value.timeOut);
  writer.writeBigInt(value.sessionId);
  writer.writeBuffer(value.passwd);
  writer.writeBoolean(value.readOnly);
}

/** First frame of a server. The last byte is there only if the request had one. */
export interface ConnectResponse {
  protocolVersion: number;
  /** milliseconds granted; 0 says the session is gone */
  timeOut: number;
  sessionId: bigint;
  /** 16 bytes */
  passwd: Uint8Array | null;
  /** the server has no quorum */
  readOnly: boolean;
}

export function readConnectResponse(reader: JuteReader): ConnectResponse {
  return {
    protocolVersion: reader.readInt(),
    timeOut: reader.readInt(),
    sessionId: reader.readBigInt(),
    passwd: reader.readBuffer(),
    readOnly: reader.readBoolean(),
  };
}

export function writeConnectResponse(writer: JuteWriter, value: ConnectResponse): void {
  writer.writeInt(value.protocolVersion);
  writer.writeInt(value.timeOut);
  writer.writeBigInt(value.sessionId);
  writer.writeBuffer(value.passwd);
  writer.writeBoolean(value.readOnly);
}

/** Watches that a client brings along when it reconnects: what changed since relativeZxid fires at once. */
export interface SetWatches {
  relativeZxid: bigint;
  dataWatches: (string | null)[] | null;
  existWatches: (string | null)[] | null;
  childWatches: (string | null)[] | null;
}

export function readSetWatches(reader: JuteReader): SetWatches {
  return {
    relativeZxid: reader.readBigInt(),
    dataWatches: readVectorOfUstring(reader),
    existWatches: readVectorOfUstring(reader),
    childWatches: readVectorOfUstring(reader),
  };
}

export function writeSetWatches(writer: JuteWriter, value: SetWatches): void {
  writer.writeBigInt(value.relativeZxid);
  writeVectorOfUstring(writer, value.dataWatches);
  writeVectorOfUstring(writer, value.existWatches);
  writeVectorOfUstring(writer, value.childWatches);
}

/** SetWatches with the persistent kinds of 3.6. */
export interface SetWatches2 {
  relativeZxid: bigint;
  dataWatches: (string | null)[] | null;
  existWatches: (string | null)[] | null;
  childWatches: (string | null)[] | null;
  persistentWatches: (string | null)[] | null;
  persistentRecursiveWatches: (string | null)[] | null;
}

export function readSetWatches2(reader: JuteReader): SetWatches2 {
  return {
    relativeZxid: reader.readBigInt(),
    dataWatches: readVectorOfUstring(reader),
    existWatches: readVectorOfUstring(reader),
    childWatches: readVectorOfUstring(reader),
    persistentWatches: readVectorOfUstring(reader),
    persistentRecursiveWatches: readVectorOfUstring(reader),
  };
}

export function writeSetWatches2(writer: JuteWriter, value: SetWatches2): void {
  writer.writeBigInt(value.relativeZxid);
  writeVectorOfUstring(writer, value.dataWatches);
  writeVectorOfUstring(writer, value.existWatches);
  writeVectorOfUstring(writer, value.childWatches);
  writeVectorOfUstring(writer, value.persistentWatches);
  writeVectorOfUstring(writer, value.persistentRecursiveWatches);
}

/** Before every request but the first; 8 bytes. */
export interface RequestHeader {
  /** the client's number for the request; negative ones have fixed meanings */
  xid: number;
  /** opcode */
  type: number;
}

export function readRequestHeader(reader: JuteReader): RequestHeader {
  return {
    xid: reader.readInt(),
    type: reader.readInt(),
  };
}

export function writeRequestHeader(writer: JuteWriter, value: RequestHeader): void {
  writer.writeInt(value.xid);
  writer.writeInt(value.type);
}

/** Before each part of a multi and after the last. */
export interface MultiHeader {
  /** opcode, or -1 for an error and at the end */
  type: number;
  /** no part follows */
  done: boolean;
  err: number;
}

export function readMultiHeader(reader: JuteReader): MultiHeader {
  return {
    type: reader.readInt(),
    done: reader.readBoolean(),
    err: reader.readInt(),
  };
}

export function writeMultiHeader(writer: JuteWriter, value: MultiHeader): void {
  writer.writeInt(value.type);
  writer.writeBoolean(value.done);
  writer.writeInt(value.err);
}

/** Proof of an identity, for any scheme but sasl. */
export interface AuthPacket {
  /** ignored */
  type: number;
  scheme: string | null;
  auth: Uint8Array | null;
}

export function readAuthPacket(reader: JuteReader): AuthPacket {
  return {
    type: reader.readInt(),
    scheme: reader.readString(),
    auth: reader.readBuffer(),
  };
}

export function writeAuthPacket(writer: JuteWriter, value: AuthPacket): void {
  writer.writeInt(value.type);
  writer.writeString(value.scheme);
  writer.writeBuffer(value.auth);
}

/** Before every reply and notification; 16 bytes. */
export interface ReplyHeader {
  /** that of the request, -1 for a notification */
  xid: number;
  /** last one applied by the server */
  zxid: bigint;
  /** 0, or an error code and then no body */
  err: number;
}

export function readReplyHeader(reader: JuteReader): ReplyHeader {
  return {
    xid: reader.readInt(),
    zxid: reader.readBigInt(),
    err: reader.readInt(),
  };
}

export function writeReplyHeader(writer: JuteWriter, value: ReplyHeader): void {
  writer.writeInt(value.xid);
  writer.writeBigInt(value.zxid);
  writer.writeInt(value.err);
}

/** Body of getData. */
export interface GetDataRequest {
  path: string | null;
  watch: boolean;
}

export function readGetDataRequest(reader: JuteReader): GetDataRequest {
  return {
    path: reader.readString(),
    watch: reader.readBoolean(),
  };
}

export function writeGetDataRequest(writer: JuteWriter, value: GetDataRequest): void {
  writer.writeString(value.path);
  writer.writeBoolean(value.watch);
}

/** Body of setData. */
export interface SetDataRequest {
  path: string | null;
  data: Uint8Array | null;
  /** the znode must have it; -1 for any */
  version: number;
}

export function readSetDataRequest(reader: JuteReader): SetDataRequest {
  return {
    path: reader.readString(),
    data: reader.readBuffer(),
    version: reader.readInt(),
  };
}

export function writeSetDataRequest(writer: JuteWriter, value: SetDataRequest): void {
  writer.writeString(value.path);
  writer.writeBuffer(value.data);
  writer.writeInt(value.version);
}

/** A change of the ensemble, either incremental (joining, leaving) or whole (newMembers). */
export interface ReconfigRequest {
  /** comma-separated server lines */
  joiningServers: string | null;
  /** comma-separated server ids */
  leavingServers: string | null;
  /** comma-separated server lines */
  newMembers: string | null;
  /** the config must have this version; -1 for any */
  curConfigId: bigint;
}

export function readReconfigRequest(reader: JuteReader): ReconfigRequest {
  return {
    joiningServers: reader.readString(),
    leavingServers: reader.readString(),
    newMembers: reader.readString(),
    curConfigId: reader.readBigInt(),
  };
}

export function writeReconfigRequest(writer: JuteWriter, value: ReconfigRequest): void {
  writer.writeString(value.joiningServers);
  writer.writeString(value.leavingServers);
  writer.writeString(value.newMembers);
  writer.writeBigInt(value.curConfigId);
}

/** Reply to setData. */
export interface SetDataResponse {
  stat: Stat;
}

export function readSetDataResponse(reader: JuteReader): SetDataResponse {
  return {
    stat: readStat(reader),
  };
}

export function writeSetDataResponse(writer: JuteWriter, value: SetDataResponse): void {
  writeStat(writer, value.stat);
}

/** The client's turn in a SASL exchange. */
export interface GetSASLRequest {
  token: Uint8Array | null;
}

export function readGetSASLRequest(reader: JuteReader): GetSASLRequest {
  return {
    token: reader.readBuffer(),
  };
}

export function writeGetSASLRequest(writer: JuteWriter, value: GetSASLRequest): void {
  writer.writeBuffer(value.token);
}

/** Declared by ZooKeeper and never sent. */
export interface SetSASLRequest {
  token: Uint8Array | null;
}

export function readSetSASLRequest(reader: JuteReader): SetSASLRequest {
  return {
    token: reader.readBuffer(),
  };
}

export function writeSetSASLRequest(writer: JuteWriter, value: SetSASLRequest): void {
  writer.writeBuffer(value.token);
}

/** The server's turn in a SASL exchange. */
export interface SetSASLResponse {
  /** null when the exchange failed */
  token: Uint8Array | null;
}

export function readSetSASLResponse(reader: JuteReader): SetSASLResponse {
  return {
    token: reader.readBuffer(),
  };
}

export function writeSetSASLResponse(writer: JuteWriter, value: SetSASLResponse): void {
  writer.writeBuffer(value.token);
}

/** Body of create, create2 and createContainer. */
export interface CreateRequest {
  path: string | null;
  data: Uint8Array | null;
  acl: ACL[] | null;
  /** create mode, 0 to 6 */
  flags: number;
}

export function readCreateRequest(reader: JuteReader): CreateRequest {
  return {
    path: reader.readString(),
    data: reader.readBuffer(),
    acl: readVectorOfACL(reader),
    flags: reader.readInt(),
  };
}

export function writeCreateRequest(writer: JuteWriter, value: CreateRequest): void {
  writer.writeString(value.path);
  writer.writeBuffer(value.data);
  writeVectorOfACL(writer, value.acl);
  writer.writeInt(value.flags);
}

/** Body of createTTL. */
export interface CreateTTLRequest {
  path: string | null;
  data: Uint8Array | null;
  acl: ACL[] | null;
  /** create mode, 5 or 6 */
  flags: number;
  /** milliseconds without a change after which the znode may go */
  ttl: bigint;
}

export function readCreateTTLRequest(reader: JuteReader): CreateTTLRequest {
  return {
    path: reader.readString(),
    data: reader.readBuffer(),
    acl: readVectorOfACL(reader),
    flags: reader.readInt(),
    ttl: reader.readBigInt(),
  };
}

export function writeCreateTTLRequest(writer: JuteWriter, value: CreateTTLRequest): void {
  writer.writeString(value.path);
  writer.writeBuffer(value.data);
  writeVectorOfACL(writer, value.acl);
  writer.writeInt(value.flags);
  writer.writeBigInt(value.ttl);
}

/** Body of delete. */
export interface DeleteRequest {
  path: string | null;
  /** the znode must have it; -1 for any */
  version: number;
}

export function readDeleteRequest(reader: JuteReader): DeleteRequest {
  return {
    path: reader.readString(),
    version: reader.readInt(),
  };
}

export function writeDeleteRequest(writer: JuteWriter, value: DeleteRequest): void {
  writer.writeString(value.path);
  writer.writeInt(value.version);
}

/** Body of getChildren. */
export interface GetChildrenRequest {
  path: string | null;
  watch: boolean;
}

export function readGetChildrenRequest(reader: JuteReader): GetChildrenRequest {
  return {
    path: reader.readString(),
    watch: reader.readBoolean(),
  };
}

export function writeGetChildrenRequest(writer: JuteWriter, value: GetChildrenRequest): void {
  writer.writeString(value.path);
  writer.writeBoolean(value.watch);
}

/** Body of getAllChildrenNumber. */
export interface GetAllChildrenNumberRequest {
  path: string | null;
}

export function readGetAllChildrenNumberRequest(reader: JuteReader): GetAllChildrenNumberRequest {
  return {
    path: reader.readString(),
  };
}

export function writeGetAllChildrenNumberRequest(writer: JuteWriter, value: GetAllChildrenNumberRequest): void {
  writer.writeString(value.path);
}

/** Body of getChildren2. */
export interface GetChildren2Request {
  path: string | null;
  watch: boolean;
}

export function readGetChildren2Request(reader: JuteReader): GetChildren2Request {
  return {
    path: reader.readString(),
    watch: reader.readBoolean(),
  };
}

export function writeGetChildren2Request(writer: JuteWriter, value: GetChildren2Request): void {
  writer.writeString(value.path);
  writer.writeBoolean(value.watch);
}

/** Part of a multi: the znode must have this version. */
export interface CheckVersionRequest {
  path: string | null;
  version: number;
}

export function readCheckVersionRequest(reader: JuteReader): CheckVersionRequest {
  return {
    path: reader.readString(),
    version: reader.readInt(),
  };
}

export function writeCheckVersionRequest(writer: JuteWriter, value: CheckVersionRequest): void {
  writer.writeString(value.path);
  writer.writeInt(value.version);
}

/** Declared by ZooKeeper and never sent. */
export interface GetMaxChildrenRequest {
  path: string | null;
}

export function readGetMaxChildrenRequest(reader: JuteReader): GetMaxChildrenRequest {
  return {
    path: reader.readString(),
  };
}

export function writeGetMaxChildrenRequest(writer: JuteWriter, value: GetMaxChildrenRequest): void {
  writer.writeString(value.path);
}

/** Declared by ZooKeeper and never sent. */
export interface GetMaxChildrenResponse {
  max: number;
}

export function readGetMaxChildrenResponse(reader: JuteReader): GetMaxChildrenResponse {
  return {
    max: reader.readInt(),
  };
}

export function writeGetMaxChildrenResponse(writer: JuteWriter, value: GetMaxChildrenResponse): void {
  writer.writeInt(value.max);
}

/** Declared by ZooKeeper and never sent. */
export interface SetMaxChildrenRequest {
  path: string | null;
  max: number;
}

export function readSetMaxChildrenRequest(reader: JuteReader): SetMaxChildrenRequest {
  return {
    path: reader.readString(),
    max: reader.readInt(),
  };
}

export function writeSetMaxChildrenRequest(writer: JuteWriter, value: SetMaxChildrenRequest): void {
  writer.writeString(value.path);
  writer.writeInt(value.max);
}

/** Body of sync. */
export interface SyncRequest {
  path: string | null;
}

export function readSyncRequest(reader: JuteReader): SyncRequest {
  return {
    path: reader.readString(),
  };
}

export function writeSyncRequest(writer: JuteWriter, value: SyncRequest): void {
  writer.writeString(value.path);
}

/** Reply to sync. */
export interface SyncResponse {
  /** that of the request */
  path: string | null;
}

export function readSyncResponse(reader: JuteReader): SyncResponse {
  return {
    path: reader.readString(),
  };
}

export function writeSyncResponse(writer: JuteWriter, value: SyncResponse): void {
  writer.writeString(value.path);
}

/** Body of getACL. */
export interface GetACLRequest {
  path: string | null;
}

export function readGetACLRequest(reader: JuteReader): GetACLRequest {
  return {
    path: reader.readString(),
  };
}

export function writeGetACLRequest(writer: JuteWriter, value: GetACLRequest): void {
  writer.writeString(value.path);
}

/** Body of setACL. */
export interface SetACLRequest {
  path: string | null;
  acl: ACL[] | null;
  /** the znode's aversion must be this; -1 for any */
  version: number;
}

export function readSetACLRequest(reader: JuteReader): SetACLRequest {
  return {
    path: reader.readString(),
    acl: readVectorOfACL(reader),
    version: reader.readInt(),
  };
}

export function writeSetACLRequest(writer: JuteWriter, value: SetACLRequest): void {
  writer.writeString(value.path);
  writeVectorOfACL(writer, value.acl);
  writer.writeInt(value.version);
}

/** Reply to setACL. */
export interface SetACLResponse {
  stat: Stat;
}

export function readSetACLResponse(reader: JuteReader): SetACLResponse {
  return {
    stat: readStat(reader),
  };
}

export function writeSetACLResponse(writer: JuteWriter, value: SetACLResponse): void {
  writeStat(writer, value.stat);
}

/** Body of addWatch. */
export interface AddWatchRequest {
  path: string | null;
  /** 0 persistent, 1 persistent and recursive */
  mode: number;
}

export function readAddWatchRequest(reader: JuteReader): AddWatchRequest {
  return {
    path: reader.readString(),
    mode: reader.readInt(),
  };
}

export function writeAddWatchRequest(writer: JuteWriter, value: AddWatchRequest): void {
  writer.writeString(value.path);
  writer.writeInt(value.mode);
}

/** Body of a notification. */
export interface WatcherEvent {
  /** 1 created, 2 deleted, 3 data changed, 4 children changed */
  type: number;
  /** 3, connected */
  state: number;
  path: string | null;
}

export function readWatcherEvent(reader: JuteReader): WatcherEvent {
  return {
    type: reader.readInt(),
    state: reader.readInt(),
    path: reader.readString(),
  };
}

export function writeWatcherEvent(writer: JuteWriter, value: WatcherEvent): void {
  writer.writeInt(value.type);
  writer.writeInt(value.state);
  writer.writeString(value.path);
}

/** Result of a failed part of a multi, and the reply to addWatch. */
export interface ErrorResponse {
  err: number;
}

export function readErrorResponse(reader: JuteReader): ErrorResponse {
  return {
    err: reader.readInt(),
  };
}

export function writeErrorResponse(writer: JuteWriter, value: ErrorResponse): void {
  writer.writeInt(value.err);
}

/** Reply to create. */
export interface CreateResponse {
  /** with the sequence number, if there is one */
  path: string | null;
}

export function readCreateResponse(reader: JuteReader): CreateResponse {
  return {
    path: reader.readString(),
  };
}

export function writeCreateResponse(writer: JuteWriter, value: CreateResponse): void {
  writer.writeString(value.path);
}

/** Reply to create2, createContainer and createTTL. */
export interface Create2Response {
  /** with the sequence number, if there is one */
  path: string | null;
  stat: Stat;
}

export function readCreate2Response(reader: JuteReader): Create2Response {
  return {
    path: reader.readString(),
    stat: readStat(reader),
  };
}

export function writeCreate2Response(writer: JuteWriter, value: Create2Response): void {
  writer.writeString(value.path);
  writeStat(writer, value.stat);
}

/** Body of exists. */
export interface ExistsRequest {
  path: string | null;
  watch: boolean;
}

export function readExistsRequest(reader: JuteReader): ExistsRequest {
  return {
    path: reader.readString(),
    watch: reader.readBoolean(),
  };
}

export function writeExistsRequest(writer: JuteWriter, value: ExistsRequest): void {
  writer.writeString(value.path);
  writer.writeBoolean(value.watch);
}

/** Reply to exists. */
export interface ExistsResponse {
  stat: Stat;
}

export function readExistsResponse(reader: JuteReader): ExistsResponse {
  return {
    stat: readStat(reader),
  };
}

export function writeExistsResponse(writer: JuteWriter, value: ExistsResponse): void {
  writeStat(writer, value.stat);
}

/** Reply to getData and to reconfig. */
export interface GetDataResponse {
  data: Uint8Array | null;
  stat: Stat;
}

export function readGetDataResponse(reader: JuteReader): GetDataResponse {
  return {
    data: reader.readBuffer(),
    stat: readStat(reader),
  };
}

export function writeGetDataResponse(writer: JuteWriter, value: GetDataResponse): void {
  writer.writeBuffer(value.data);
  writeStat(writer, value.stat);
}

/** Reply to getChildren. */
export interface GetChildrenResponse {
  /** names, not paths */
  children: (string | null)[] | null;
}

export function readGetChildrenResponse(reader: JuteReader): GetChildrenResponse {
  return {
    children: readVectorOfUstring(reader),
  };
}

export function writeGetChildrenResponse(writer: JuteWriter, value: GetChildrenResponse): void {
  writeVectorOfUstring(writer, value.children);
}

/** Reply to getAllChildrenNumber. */
export interface GetAllChildrenNumberResponse {
  /** descendants, not the znode itself */
  totalNumber: number;
}

export function readGetAllChildrenNumberResponse(reader: JuteReader): GetAllChildrenNumberResponse {
  return {
    totalNumber: reader.readInt(),
  };
}

export function writeGetAllChildrenNumberResponse(writer: JuteWriter, value: GetAllChildrenNumberResponse): void {
  writer.writeInt(value.totalNumber);
}

/** Reply to getChildren2. */
export interface GetChildren2Response {
  /** names, not paths */
  children: (string | null)[] | null;
  stat: Stat;
}

export function readGetChildren2Response(reader: JuteReader): GetChildren2Response {
  return {
    children: readVectorOfUstring(reader),
    stat: readStat(reader),
  };
}

export function writeGetChildren2Response(writer: JuteWriter, value: GetChildren2Response): void {
  writeVectorOfUstring(writer, value.children);
  writeStat(writer, value.stat);
}

/** Reply to getACL. */
export interface GetACLResponse {
  acl: ACL[] | null;
  stat: Stat;
}

export function readGetACLResponse(reader: JuteReader): GetACLResponse {
  return {
    acl: readVectorOfACL(reader),
    stat: readStat(reader),
  };
}

export function writeGetACLResponse(writer: JuteWriter, value: GetACLResponse): void {
  writeVectorOfACL(writer, value.acl);
  writeStat(writer, value.stat);
}

/** Body of checkWatches: are there such watches? */
export interface CheckWatchesRequest {
  path: string | null;
  /** 1 children, 2 data, 3 any, 4 persistent, 5 persistent and recursive */
  type: number;
}

export function readCheckWatchesRequest(reader: JuteReader): CheckWatchesRequest {
  return {
    path: reader.readString(),
    type: reader.readInt(),
  };
}

export function writeCheckWatchesRequest(writer: JuteWriter, value: CheckWatchesRequest): void {
  writer.writeString(value.path);
  writer.writeInt(value.type);
}

/** Body of removeWatches. */
export interface RemoveWatchesRequest {
  path: string | null;
  /** as in CheckWatchesRequest */
  type: number;
}

export function readRemoveWatchesRequest(reader: JuteReader): RemoveWatchesRequest {
  return {
    path: reader.readString(),
    type: reader.readInt(),
  };
}

export function writeRemoveWatchesRequest(writer: JuteWriter, value: RemoveWatchesRequest): void {
  writer.writeString(value.path);
  writer.writeInt(value.type);
}

/** Body of getEphemerals. */
export interface GetEphemeralsRequest {
  prefixPath: string | null;
}

export function readGetEphemeralsRequest(reader: JuteReader): GetEphemeralsRequest {
  return {
    prefixPath: reader.readString(),
  };
}

export function writeGetEphemeralsRequest(writer: JuteWriter, value: GetEphemeralsRequest): void {
  writer.writeString(value.prefixPath);
}

/** Reply to getEphemerals. */
export interface GetEphemeralsResponse {
  /** paths of this session */
  ephemerals: (string | null)[] | null;
}

export function readGetEphemeralsResponse(reader: JuteReader): GetEphemeralsResponse {
  return {
    ephemerals: readVectorOfUstring(reader),
  };
}

export function writeGetEphemeralsResponse(writer: JuteWriter, value: GetEphemeralsResponse): void {
  writeVectorOfUstring(writer, value.ephemerals);
}

/** Reply to whoAmI. */
export interface WhoAmIResponse {
  clientInfo: ClientInfo[] | null;
}

export function readWhoAmIResponse(reader: JuteReader): WhoAmIResponse {
  return {
    clientInfo: readVectorOfClientInfo(reader),
  };
}

export function writeWhoAmIResponse(writer: JuteWriter, value: WhoAmIResponse): void {
  writeVectorOfClientInfo(writer, value.clientInfo);
}

function readVectorOfUstring(reader: JuteReader): (string | null)[] | null {
  const count = reader.readCount();
  if (count === -1) return null;
  const items: (string | null)[] = [];
  for (let i = 0; i < count; i++) items.push(reader.readString());
  return items;
}

function writeVectorOfUstring(writer: JuteWriter, items: (string | null)[] | null): void {
  if (items === null) {
    writer.writeInt(-1);
    return;
  }
  writer.writeInt(items.length);
  for (const item of items) writer.writeString(item);
}

function readVectorOfACL(reader: JuteReader): ACL[] | null {
  const count = reader.readCount();
  if (count === -1) return null;
  const items: ACL[] = [];
  for (let i = 0; i < count; i++) items.push(readACL(reader));
  return items;
}

function writeVectorOfACL(writer: JuteWriter, items: ACL[] | null): void {
  if (items === null) {
    writer.writeInt(-1);
    return;
  }
  writer.writeInt(items.length);
  for (const item of items) writeACL(writer, item);
}

function readVectorOfClientInfo(reader: JuteReader): ClientInfo[] | null {
  const count = reader.readCount();
  if (count === -1) return null;
  const items: ClientInfo[] = [];
  for (let i = 0; i < count; i++) items.push(readClientInfo(reader));
  return items;
}

function writeVectorOfClientInfo(writer: JuteWriter, items: ClientInfo[] | null): void {
  if (items === null) {
    writer.writeInt(-1);
    return;
  }
  writer.writeInt(items.length);
  for (const item of items) writeClientInfo(writer, item);
}
