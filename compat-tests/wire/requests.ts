/**
 * A request of each kind as bytes: opcode and body, in the field order of the protocol's tables, and a short text that
 * names it in a transcript. Nothing is checked: what a client may not send can be built just as well.
 */

import { createHash } from "node:crypto";
import { op } from "../../test/support/wire-frames.ts";
import { buffer, bool, int, long, record, ustring, vector } from "./bytes.ts";

export { op };

export const flag = {
  persistent: 0,
  ephemeral: 1,
  persistentSequential: 2,
  ephemeralSequential: 3,
  container: 4,
  ttl: 5,
  sequentialTtl: 6,
} as const;

/** Text, raw bytes, or null, where a ustring or buffer stands. */
export type Text = string | Uint8Array | null;

export interface Acl {
  readonly perms: number;
  readonly scheme: string | null;
  readonly id: string | null;
}

export interface Request {
  readonly op: number;
  readonly body: Buffer;
  /** Names the request in a transcript. */
  readonly title: string;
}

/** A request as a plan has it. */
export interface Asked extends Request {
  /** The next one of its connection unless given. */
  readonly xid?: number;
  /** The body begins with a zxid: the last one that the server has told, less this many. */
  readonly zxidAgo?: number;
}

export const perm = { read: 1, write: 2, create: 4, delete: 8, admin: 16, all: 31 } as const;

export const openAcl: readonly Acl[] = [{ perms: perm.all, scheme: "world", id: "anyone" }];
export const readOnlyAcl: readonly Acl[] = [{ perms: perm.read, scheme: "world", id: "anyone" }];

export function aclOf(perms: number, scheme: string | null, id: string | null): Acl {
  return { perms, scheme, id };
}

/** The id by which ACLs know the digest user `name:password`. Source: DigestAuthenticationProvider.generateDigest. */
export function digestIdOf(words: string): string {
  return `${words.split(":", 1)[0]}:${createHash("sha1").update(words).digest("base64")}`;
}

/** Identities that every server refuses. */
export const refusedAuths: readonly (readonly [scheme: string | null, data: string | null])[] = [
  ["nope", "x"],
  ["world", "anyone"],
  ["super", ""],
  ["sasl", "x"],
  ["digest", null],
  [null, "x"],
  ["", ""],
  ["DIGEST", "a:b"],
];

/** A request of any opcode with any body. */
export function request(code: number, body: Buffer, title: string): Request {
  return { op: code, body, title };
}

export interface CreateOptions {
  readonly data?: Text;
  readonly acl?: readonly Acl[] | null;
  readonly flags?: number;
}

function createBody(path: Text, options: CreateOptions): Buffer {
  const data = options.data === undefined ? "" : options.data;
  const acl = options.acl === undefined ? openAcl : options.acl;
  return record(ustring(path), ustring(data), aclVector(acl), int(options.flags ?? 0));
}

export function aclVector(acl: readonly Acl[] | null): Buffer {
  return vector(
    acl === null ? null : acl.map((entry) => record(int(entry.perms), ustring(entry.scheme), ustring(entry.id))),
  );
}

function show(value: Text): string {
  if (value === null || typeof value === "string") {
    return value !== null && value.length > 60 ? `${value.slice(0, 60)}...` : JSON.stringify(value);
  }
  return `0x${Buffer.from(value).toString("hex")}`;
}

function showOptions(options: CreateOptions): string {
  const parts = [
    options.flags === undefined ? "" : ` flags=${options.flags}`,
    options.acl === undefined ? "" : ` acl=${JSON.stringify(options.acl)}`,
  ];
  return parts.join("");
}

export function create(path: Text, options: CreateOptions = {}): Request {
  return request(op.create, createBody(path, options), `create ${show(path)}${showOptions(options)}`);
}

export function create2(path: Text, options: CreateOptions = {}): Request {
  return request(op.create2, createBody(path, options), `create2 ${show(path)}${showOptions(options)}`);
}

export function createContainer(path: Text, options: CreateOptions = {}): Request {
  const body = createBody(path, { flags: flag.container, ...options });
  return request(op.createContainer, body, `createContainer ${show(path)}${showOptions(options)}`);
}

export function createTtl(path: Text, ttlMs: bigint | number, options: CreateOptions = {}): Request {
  const body = record(createBody(path, { flags: flag.ttl, ...options }), long(ttlMs));
  return request(op.createTTL, body, `createTTL ${show(path)} ttl=${ttlMs}${showOptions(options)}`);
}

export function remove(path: Text, version = -1): Request {
  return request(op.delete, record(ustring(path), int(version)), `delete ${show(path)} v${version}`);
}

export function removeContainer(path: Text): Request {
  return request(op.deleteContainer, ustring(path), `deleteContainer ${show(path)}`);
}

export function setData(path: Text, data: Text, version = -1): Request {
  const body = record(ustring(path), ustring(data), int(version));
  return request(op.setData, body, `setData ${show(path)} v${version}`);
}

export function setAcl(path: Text, acl: readonly Acl[] | null, version = -1): Request {
  const body = record(ustring(path), aclVector(acl), int(version));
  return request(op.setACL, body, `setACL ${show(path)} ${JSON.stringify(acl)} v${version}`);
}

export function check(path: Text, version = -1): Request {
  return request(op.check, record(ustring(path), int(version)), `check ${show(path)} v${version}`);
}

function withWatch(code: number, name: string, path: Text, watch: boolean): Request {
  return request(code, record(ustring(path), bool(watch)), `${name} ${show(path)}${watch ? " +watch" : ""}`);
}

export function exists(path: Text, watch = false): Request {
  return withWatch(op.exists, "exists", path, watch);
}

export function getData(path: Text, watch = false): Request {
  return withWatch(op.getData, "getData", path, watch);
}

export function getChildren(path: Text, watch = false): Request {
  return withWatch(op.getChildren, "getChildren", path, watch);
}

export function getChildren2(path: Text, watch = false): Request {
  return withWatch(op.getChildren2, "getChildren2", path, watch);
}

function withPath(code: number, name: string, path: Text): Request {
  return request(code, ustring(path), `${name} ${show(path)}`);
}

export function getAcl(path: Text): Request {
  return withPath(op.getACL, "getACL", path);
}

export function sync(path: Text): Request {
  return withPath(op.sync, "sync", path);
}

export function getEphemerals(prefix: Text): Request {
  return withPath(op.getEphemerals, "getEphemerals", prefix);
}

export function getAllChildrenNumber(path: Text): Request {
  return withPath(op.getAllChildrenNumber, "getAllChildrenNumber", path);
}

export function addWatch(path: Text, mode: number): Request {
  return request(op.addWatch, record(ustring(path), int(mode)), `addWatch ${show(path)} mode ${mode}`);
}

export function checkWatches(path: Text, type: number): Request {
  return request(op.checkWatches, record(ustring(path), int(type)), `checkWatches ${show(path)} type ${type}`);
}

export function removeWatches(path: Text, type: number): Request {
  return request(op.removeWatches, record(ustring(path), int(type)), `removeWatches ${show(path)} type ${type}`);
}

function paths(list: readonly Text[] | null): Buffer {
  return vector(list === null ? null : list.map((path) => ustring(path)));
}

export interface WatchLists {
  readonly data?: readonly Text[] | null;
  readonly exist?: readonly Text[] | null;
  readonly child?: readonly Text[] | null;
  readonly persistent?: readonly Text[] | null;
  readonly recursive?: readonly Text[] | null;
}

function listOf(list: readonly Text[] | null | undefined): readonly Text[] | null {
  return list === undefined ? [] : list;
}

export function setWatches(relativeZxid: bigint, lists: WatchLists): Request {
  const body = record(
    long(relativeZxid),
    paths(listOf(lists.data)),
    paths(listOf(lists.exist)),
    paths(listOf(lists.child)),
  );
  return request(op.setWatches, body, `setWatches ${JSON.stringify(lists)}`);
}

export function setWatches2(relativeZxid: bigint, lists: WatchLists): Request {
  const body = record(
    setWatches(relativeZxid, lists).body,
    paths(listOf(lists.persistent)),
    paths(listOf(lists.recursive)),
  );
  return request(op.setWatches2, body, `setWatches2 ${JSON.stringify(lists)}`);
}

export function auth(scheme: Text, data: Text, type = 0): Request {
  return request(op.auth, record(int(type), ustring(scheme), ustring(data)), `auth ${show(scheme)} ${show(data)}`);
}

export function sasl(token: Uint8Array | null): Request {
  return request(op.sasl, buffer(token), `sasl ${show(token)}`);
}

export interface ReconfigWords {
  readonly joining: Text;
  readonly leaving: Text;
  readonly members: Text;
  readonly version: bigint;
}

export function reconfig(words: ReconfigWords): Request {
  const body = record(ustring(words.joining), ustring(words.leaving), ustring(words.members), long(words.version));
  return request(op.reconfig, body, "reconfig");
}

const nothing = Buffer.alloc(0);
export const ping: Request = request(op.ping, nothing, "ping");
export const whoAmI: Request = request(op.whoAmI, nothing, "whoAmI");
export const closeSession: Request = request(op.closeSession, nothing, "closeSession");

function envelope(parts: readonly Request[]): Buffer {
  return record(
    ...parts.map((part) => record(int(part.op), bool(false), int(-1), part.body)),
    int(-1),
    bool(true),
    int(-1),
  );
}

function titles(parts: readonly Request[]): string {
  return `[${parts.map((part) => part.title).join("; ")}]`;
}

export function multi(...parts: readonly Request[]): Request {
  return request(op.multi, envelope(parts), `multi ${titles(parts)}`);
}

export function multiRead(...parts: readonly Request[]): Request {
  return request(op.multiRead, envelope(parts), `multiRead ${titles(parts)}`);
}
