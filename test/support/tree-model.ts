/**
 * The tree of znodes as the reference describes it, in the plainest way there is: a Map from paths to objects, BigInt
 * for what is 64 bits wide, children found by looking at every path, the digest added up anew over all znodes. It shares
 * nothing with src/, so that a mistake there cannot excuse itself here.
 *
 * A write is judged and carried out in one go, on the tree as it is when its turn comes. That is all a pipeline may be
 * seen to do, however many writes it has judged ahead of time.
 */

import { crc32 } from "node:zlib";
import { mayDo, type Identity, fixUp, type Acl, perm } from "./acl-model.ts";
import { openAcl, type Stat } from "./wire-frames.ts";
import type { CreateRequest, WriteRequest } from "./requests.ts";

export interface ModelZnode {
  readonly path: string;
  data: Buffer | null;
  acl: readonly Acl[];
  readonly czxid: bigint;
  mzxid: bigint;
  pzxid: bigint;
  readonly ctime: number;
  mtime: number;
  version: number;
  /** Stored: the number of creates below. */
  cversion: number;
  aversion: number;
  /** Stored: containers and TTL znodes have one too. */
  readonly owner: bigint;
  readonly kind: "persistent" | "ephemeral" | "container" | "ttl";
}

/** A change that watchers may hear of. */
export interface Change {
  readonly kind: "created" | "deleted" | "dataChanged";
  readonly path: string;
  readonly acl: readonly Acl[];
  readonly parentAcl: readonly Acl[];
}

/** Who asks, and under what transaction. */
export interface Caller {
  /** 0 for the server itself. */
  readonly sessionId: bigint;
  readonly identities: readonly Identity[];
  readonly zxid: bigint;
  readonly timeMs: number;
  /** Limits and totals by path, as they were when the request came in; null where nothing is enforced. */
  readonly quotas: ReadonlyMap<string, QuotaView> | null;
}

export interface QuotaView {
  readonly limits: QuotaNumbers | null;
  readonly totals: QuotaNumbers | null;
}

type QuotaNumbers = ReadonlyMap<string, number>;

/** What a write came to. `type` is what a multi's reply labels the result with. */
export interface Outcome {
  readonly type: number;
  readonly path: string | null;
  readonly stat: Stat | null;
}

/** A write is refused with this code. */
export class Refusal extends Error {
  readonly code: number;
  constructor(code: number) {
    super(`error ${code}`);
    this.code = code;
  }
}

const quotaRoot = "/zookeeper/quota";
const containerOwner = -0x8000000000000000n;
const specialPaths = ["/", "/zookeeper", quotaRoot, "/zookeeper/config"];

export class TreeModel {
  znodes: Map<string, ModelZnode> = new Map();
  /** Changes made since they were last taken. */
  changes: Change[] = [];
  readonly #isTtlEnabled: boolean;

  constructor(isTtlEnabled: boolean) {
    this.#isTtlEnabled = isTtlEnabled;
    for (const path of specialPaths) this.znodes.set(path, freshZnode(path));
    const config = this.znodes.get("/zookeeper/config")!;
    config.acl = [{ perms: perm.read, scheme: "world", id: "anyone" }];
    config.aversion = -1;
  }

  /** The root answers to the empty path as well. */
  find(path: string): ModelZnode | undefined {
    return this.znodes.get(path === "" ? "/" : path);
  }

  childrenOf(path: string): string[] {
    const top = path === "/" || path === "" ? "/" : `${path}/`;
    return [...this.znodes.keys()]
      .filter((other) => other !== "/" && other.startsWith(top) && !other.slice(top.length).includes("/"))
      .map((other) => other.slice(top.length));
  }

  countBelow(path: string): number {
    const top = path === "/" || path === "" ? "/" : `${path}/`;
    return [...this.znodes.keys()].filter((other) => other !== "/" && other.startsWith(top)).length;
  }

  stat(znode: ModelZnode): Stat {
    const numChildren = this.childrenOf(znode.path).length;
    return {
      czxid: znode.czxid,
      mzxid: znode.mzxid,
      ctime: BigInt(znode.ctime),
      mtime: BigInt(znode.mtime),
      version: znode.version,
      cversion: int32(2 * znode.cversion - numChildren),
      aversion: znode.aversion,
      ephemeralOwner: znode.kind === "ephemeral" ? znode.owner : 0n,
      dataLength: znode.data?.length ?? 0,
      numChildren,
      pzxid: znode.pzxid,
    };
  }

  /** The digest of version 2: the reference's formula, term by term. */
  digest(): bigint {
    let sum = 0n;
    for (const znode of this.znodes.values()) {
      if (znode.path.startsWith("/zookeeper/")) continue;
      const stat = Buffer.alloc(60);
      [znode.czxid, znode.mzxid, znode.pzxid, BigInt(znode.ctime), BigInt(znode.mtime)].forEach((value, i) =>
        stat.writeBigInt64BE(value, i * 8),
      );
      [znode.version, znode.cversion, znode.aversion].forEach((value, i) => stat.writeInt32BE(value, 40 + i * 4));
      stat.writeBigInt64BE(znode.owner, 52);
      const path = Buffer.from(znode.path === "/" ? "" : znode.path);
      sum += BigInt(crc32(Buffer.concat([path, znode.data ?? Buffer.alloc(0), stat])));
    }
    return BigInt.asUintN(64, sum);
  }

  /** Carries out one write that is no multi. @throws Refusal with nothing changed. */
  write(request: WriteRequest, caller: Caller, isInMulti: boolean): Outcome {
    if (request.path === null) throw new Refusal(-5);
    switch (request.op) {
      case "create":
        return this.#create(request, request.path, caller, isInMulti);
      case "delete":
        return this.#delete(request.path, request.version, caller);
      case "setData":
        return this.#setData(request.path, request.data, request.version, caller);
      case "setACL":
        return this.#setAcl(request.path, request.acl, request.version, caller);
      case "check": {
        const znode = this.#existing(request.path, perm.read, caller);
        expectVersion(request.version, znode.version);
        return { type: 13, path: null, stat: null };
      }
    }
  }

  /** All parts or none. @returns an outcome for each part, or which part was refused and why. */
  multi(parts: readonly WriteRequest[], caller: Caller): Outcome[] | { failedAt: number; code: number } {
    const before = new Map([...this.znodes].map(([path, znode]) => [path, { ...znode }]));
    const outcomes: Outcome[] = [];
    for (const part of parts) {
      try {
        outcomes.push(this.write(part, caller, true));
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        this.znodes = before;
        this.changes = [];
        return { failedAt: outcomes.length, code: error.code };
      }
    }
    return outcomes;
  }

  /** The server's own removal of a container or TTL znode, judged anew. */
  reap(path: string, caller: Caller): void {
    const znode = this.find(path);
    if (specialPaths.includes(path)) throw new Refusal(-8);
    if (znode === undefined) throw new Refusal(-101);
    if (this.childrenOf(path).length > 0) throw new Refusal(-111);
    if (znode.kind === "ephemeral" || znode.kind === "persistent") throw new Refusal(-103);
    this.#remove(znode, caller.zxid);
  }

  /**
   * Removes what a session owns. In ZooKeeper the order is that of a hash set, so any will do; here and there it is that
   * of creation.
   */
  endSession(sessionId: bigint, zxid: bigint): void {
    for (const znode of this.ephemeralsOf(sessionId)) this.#remove(znode, zxid);
  }

  ephemeralsOf(sessionId: bigint): ModelZnode[] {
    return [...this.znodes.values()].filter((znode) => znode.kind === "ephemeral" && znode.owner === sessionId);
  }

  /** Limits and totals of every path with a quota. */
  quotaViews(): Map<string, QuotaView> {
    const views = new Map<string, QuotaView>();
    for (const path of this.znodes.keys()) {
      if (!path.startsWith(`${quotaRoot}/`) || !path.endsWith("/zookeeper_limits")) continue;
      const target = path.slice(quotaRoot.length, -"/zookeeper_limits".length);
      if (target !== "") views.set(target, { limits: this.#numbers(path), totals: this.#numbers(statsPath(target)) });
    }
    return views;
  }

  #create(request: CreateRequest, path: string, caller: Caller, isInMulti: boolean): Outcome {
    const { flags } = request;
    const isContainer = request.type === 19 || (isInMulti && flags === 4);
    const isTtl = flags === 5 || flags === 6;
    if (flags < 0 || flags > 6) throw new Refusal(-8);
    if (isTtl && !this.#isTtlEnabled) throw new Refusal(-6);
    if (isTtl && (request.type !== 21 || request.ttlMs < 1n || request.ttlMs > 0xffffffffffn)) throw new Refusal(-8);
    if (!isTtl && request.type === 21 && !isInMulti) throw new Refusal(-8);
    if (!path.includes("/") || path.includes("\0")) throw new Refusal(-8);
    const acl = fixUp(request.acl, caller.identities);
    if (typeof acl === "number") throw new Refusal(acl);
    const parent = this.find(path.slice(0, path.lastIndexOf("/")));
    if (parent === undefined) throw new Refusal(-101);
    if (!mayDo(parent.acl, perm.create, caller.identities)) throw new Refusal(-102);
    const isSequential = flags === 2 || flags === 3 || flags === 6;
    const name = isSequential ? path + sequence(parent.cversion) : path;
    if (!isValidPath(name)) throw new Refusal(-8);
    if (this.find(name) !== undefined) throw new Refusal(-110);
    if (parent.kind === "ephemeral") throw new Refusal(-108);
    if (name === `${quotaRoot}/zookeeper_limits`) throw new Refusal(-8);
    const data = request.data === null ? null : Buffer.from(request.data, "latin1");
    checkQuota(name, data?.length ?? 0, 1, caller);
    const isEphemeral = !isContainer && (flags === 1 || flags === 3);
    const kind = isContainer ? "container" : isTtl ? "ttl" : isEphemeral ? "ephemeral" : "persistent";
    const owner = {
      persistent: 0n,
      ephemeral: caller.sessionId,
      container: containerOwner,
      ttl: BigInt.asIntN(64, 0xff00000000000000n | request.ttlMs),
    }[kind];
    const znode = { ...freshZnode(name), data, acl, owner, kind, czxid: caller.zxid, ctime: caller.timeMs } as const;
    this.znodes.set(name, { ...znode, mzxid: caller.zxid, pzxid: caller.zxid, mtime: caller.timeMs });
    parent.cversion++;
    parent.pzxid = caller.zxid;
    const outcome = { path: name, stat: this.stat(this.find(name)!) };
    this.#countCreated(name, data?.length ?? 0);
    this.changes.push({ kind: "created", path: name, acl, parentAcl: parent.acl });
    return kind === "container" || kind === "ttl" || request.type === 15
      ? { type: 15, ...outcome }
      : { type: 1, path: name, stat: null };
  }

  #delete(path: string, version: number, caller: Caller): Outcome {
    if (!path.includes("/") || path.includes("\0") || specialPaths.includes(path)) throw new Refusal(-8);
    const parent = this.find(path.slice(0, path.lastIndexOf("/")));
    if (parent === undefined) throw new Refusal(-101);
    if (!mayDo(parent.acl, perm.delete, caller.identities)) throw new Refusal(-102);
    const znode = this.find(path);
    if (znode === undefined) throw new Refusal(-101);
    expectVersion(version, znode.version);
    if (this.childrenOf(path).length > 0) throw new Refusal(-111);
    this.#remove(znode, caller.zxid);
    return { type: 2, path: null, stat: null };
  }

  #setData(path: string, text: string | null, version: number, caller: Caller): Outcome {
    const znode = this.#existing(path, perm.write, caller);
    const data = text === null ? null : Buffer.from(text, "latin1");
    const difference = (data?.length ?? 0) - (znode.data?.length ?? 0);
    checkQuota(path, difference, 0, caller);
    expectVersion(version, znode.version);
    znode.data = data;
    znode.version = int32(znode.version + 1);
    znode.mzxid = caller.zxid;
    znode.mtime = caller.timeMs;
    const stat = this.stat(znode);
    this.#count(path, difference, 0);
    this.changes.push({ kind: "dataChanged", path, acl: znode.acl, parentAcl: [] });
    return { type: 5, path: null, stat };
  }

  #setAcl(path: string, list: readonly Acl[] | null, version: number, caller: Caller): Outcome {
    if (!isValidPath(path)) throw new Refusal(-8);
    const acl = fixUp(list, caller.identities);
    if (typeof acl === "number") throw new Refusal(acl);
    const znode = this.#existing(path, perm.admin, caller);
    expectVersion(version, znode.aversion);
    znode.acl = acl;
    znode.aversion = int32(znode.aversion + 1);
    return { type: 7, path: null, stat: this.stat(znode) };
  }

  #existing(path: string, permission: number, caller: Caller): ModelZnode {
    if (!isValidPath(path)) throw new Refusal(-8);
    const znode = this.find(path);
    if (znode === undefined) throw new Refusal(-101);
    if (!mayDo(znode.acl, permission, caller.identities)) throw new Refusal(-102);
    return znode;
  }

  #remove(znode: ModelZnode, zxid: bigint): void {
    const { path } = znode;
    const parent = this.find(path.slice(0, path.lastIndexOf("/")))!;
    this.znodes.delete(path);
    if (zxid > parent.pzxid) parent.pzxid = zxid;
    this.#count(path, -(znode.data?.length ?? 0), -1);
    this.changes.push({ kind: "deleted", path, acl: znode.acl, parentAcl: parent.acl });
  }

  #countCreated(path: string, bytes: number): void {
    if (path.startsWith(`${quotaRoot}/`) && path.endsWith("/zookeeper_stats")) {
      this.#recount(path.slice(quotaRoot.length, -"/zookeeper_stats".length));
    }
    this.#count(path, bytes, 1);
  }

  /** Adds to the totals of the deepest path with a quota that the change lies below. */
  #count(path: string, bytes: number, count: number): void {
    const target = deepestPrefix(path, [...this.quotaViews().keys()]);
    const stats = target === null ? undefined : this.find(statsPath(target));
    if (target === null || stats === undefined) return;
    const numbers = this.#numbers(stats.path);
    if (numbers === null) {
      this.#recount(target);
      return;
    }
    const further = [...numbers.keys()].filter((key) => key !== "count" && key !== "bytes").sort();
    const text = `count=${(numbers.get("count") ?? -1) + count},bytes=${(numbers.get("bytes") ?? -1) + bytes}`;
    const tail = further.map((key) => `;${key}=${numbers.get(key)}`).join("");
    stats.data = Buffer.from(tail === "" ? text : `${text}=${tail}`);
  }

  #recount(target: string): void {
    const stats = target === "" ? undefined : this.find(statsPath(target));
    if (stats === undefined) return;
    const counted = [...this.znodes.values()].filter((z) => z.path === target || z.path.startsWith(`${target}/`));
    const bytes = counted.reduce((sum, znode) => sum + (znode.data?.length ?? 0), 0);
    stats.data = Buffer.from(`count=${counted.length},bytes=${bytes}`);
  }

  /** The numbers in a quota text, or null for a text that is none. */
  #numbers(path: string): QuotaNumbers | null {
    const text = this.find(path)?.data?.toString();
    if (text === undefined) return null;
    const numbers = new Map<string, number>();
    for (const piece of text.split(/[,;]+/)) {
      if (piece === "") continue;
      const match = /^(\w+)=(-?\d+)=*$/.exec(piece);
      if (match === null) return null;
      numbers.set(match[1]!, Number(match[2]));
    }
    return numbers;
  }
}

/** PathUtils.validatePath, as the reference words it. */
export function isValidPath(path: string): boolean {
  if (path === "/") return true;
  if (!path.startsWith("/") || path.endsWith("/")) return false;
  const components = path.slice(1).split("/");
  if (components.some((component) => component === "" || component === "." || component === "..")) return false;
  return Array.from({ length: path.length }, (_, i) => path.charCodeAt(i)).every(
    (unit) =>
      unit > 0x1f && !(unit >= 0x7f && unit <= 0x9f) && !(unit >= 0xd800 && unit <= 0xf8ff) && !(unit >= 0xfff0),
  );
}

function freshZnode(path: string): ModelZnode {
  return {
    path,
    data: Buffer.alloc(0),
    acl: openAcl,
    czxid: 0n,
    mzxid: 0n,
    pzxid: 0n,
    ctime: 0,
    mtime: 0,
    version: 0,
    cversion: 0,
    aversion: 0,
    owner: 0n,
    kind: "persistent",
  };
}

function expectVersion(expected: number, actual: number): void {
  if (expected !== -1 && expected !== actual) throw new Refusal(-103);
}

function checkQuota(path: string, bytes: number, count: number, caller: Caller): void {
  if (caller.quotas === null) return;
  const target = deepestPrefix(path, [...caller.quotas.keys()]);
  const view = target === null ? undefined : caller.quotas.get(target);
  if (view === undefined || view.limits === null || view.totals === null) return;
  for (const [key, hardKey, difference] of [
    ["count", "countHardLimit", count],
    ["bytes", "byteHardLimit", bytes],
  ] as const) {
    const hardLimit = view.limits.get(hardKey) ?? -1;
    const total = (view.totals.get(key) ?? -1) + difference;
    if (difference !== 0 && hardLimit > -1 && total > hardLimit) throw new Refusal(-125);
  }
}

function deepestPrefix(path: string, prefixes: readonly string[]): string | null {
  const matching = prefixes.filter((prefix) => path === prefix || path.startsWith(`${prefix}/`));
  return matching.sort((a, b) => b.length - a.length)[0] ?? null;
}

function statsPath(target: string): string {
  return `${quotaRoot}${target}/zookeeper_stats`;
}

/** Java's `%010d`. */
function sequence(value: number): string {
  return value < 0 ? `-${String(-value).padStart(9, "0")}` : String(value).padStart(10, "0");
}

function int32(value: number): number {
  return Number(BigInt.asIntN(32, BigInt(value)));
}
