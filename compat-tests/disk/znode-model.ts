/**
 * What a subtree must hold after a list of writes: ZooKeeper's rules once more, as short as they can be told. The client
 * of a crash test keeps one for each of its writers and compares it with what a server finds in the folder.
 *
 * Everything of a znode is foretold but its times: data, ACL, versions, owner, and the zxids of those changes whose zxid
 * the client was told. A change that was never acknowledged has zxid `null`, which agrees with any.
 *
 * A writer's subtree is its own, so the outcome of its writes does not depend on anybody else's; that is what makes the
 * order of the writers among each other irrelevant.
 */

import {
  check,
  closeSession,
  create,
  create2,
  createContainer,
  createTtl,
  flag,
  multi,
  remove,
  setAcl,
  setData,
  type Acl,
  type Request,
} from "../wire/requests.ts";
import { hexOf, type ZnodeDump } from "./tree-dump.ts";

/** `null` is the zxid of a change that nobody was told of. */
export type Zxid = bigint | null;

export type CreateKind = "plain" | "create2" | "ephemeral" | "container" | "ttl";

export interface Create {
  readonly kind: "create";
  readonly as: CreateKind;
  readonly path: string;
  readonly isSequential: boolean;
  readonly data: string | null;
  /** As sent; `auth` entries are still unexpanded. */
  readonly acl: readonly Acl[];
}

export type Part =
  | Create
  | { readonly kind: "delete"; readonly path: string; readonly version: number }
  | { readonly kind: "setData"; readonly path: string; readonly data: string | null; readonly version: number }
  | { readonly kind: "check"; readonly path: string; readonly version: number };

/** A multi cannot hold the others: of a setACL ZooKeeper makes an error -5. */
export type Write =
  | Part
  | { readonly kind: "setAcl"; readonly path: string; readonly acl: readonly Acl[]; readonly version: number }
  | { readonly kind: "multi"; readonly parts: readonly Part[] }
  | { readonly kind: "close" };

/** TTL of every TTL znode: an hour, so that none ends during a test. */
const ttlMs = 3_600_000;
const ttlOwner = 0xff00_0000_0000_0000n + BigInt(ttlMs);
const containerOwner = 0x8000_0000_0000_0000n;

const errors = { noNode: -101, badVersion: -103, noChildrenForEphemerals: -108, nodeExists: -110, notEmpty: -111 };

interface Znode {
  data: string | null;
  acl: readonly string[];
  version: number;
  /** Creates below it: the stored cversion, not the one that clients see. */
  createCount: number;
  aversion: number;
  readonly owner: bigint;
  readonly czxid: Zxid;
  mzxid: Zxid;
  pzxid: Zxid;
}

/** Who writes, and when. */
export interface Writing {
  readonly sessionId: bigint;
  /** What an `auth` entry of an ACL expands to. */
  readonly identity: string;
  readonly zxid: Zxid;
}

export class ZnodeModel {
  #znodes = new Map<string, Znode>();

  /** The paths that are there, in no order. */
  get paths(): string[] {
    return [...this.#znodes.keys()];
  }

  /** Paths of the ephemerals of a session, sorted. */
  ownedBy(sessionId: bigint): string[] {
    return [...this.#znodes]
      .filter(([, znode]) => znode.owner === sessionId)
      .map(([path]) => path)
      .sort();
  }

  clone(): ZnodeModel {
    const copy = new ZnodeModel();
    for (const [path, znode] of this.#znodes) copy.#znodes.set(path, { ...znode });
    return copy;
  }

  /** Puts the subtree's root there, which no rule of its own makes. */
  plant(path: string, zxid: Zxid): void {
    const acl = ["31:world:anyone"];
    const zero = { version: 0, createCount: 0, aversion: 0, owner: 0n };
    this.#znodes.set(path, { data: "", acl, ...zero, czxid: zxid, mzxid: zxid, pzxid: zxid });
  }

  /**
   * Applies a write.
   * @returns its error code, 0 when it succeeds, and the path that a create made.
   */
  apply(write: Write, writing: Writing): { readonly err: number; readonly created: string | null } {
    switch (write.kind) {
      case "multi":
        return this.#multi(write.parts, writing);
      case "close":
        for (const path of this.ownedBy(writing.sessionId)) this.#remove(path, writing.zxid);
        return { err: 0, created: null };
      case "create":
        return this.#create(write, writing);
      case "delete":
        return { err: this.#delete(write.path, write.version, writing.zxid), created: null };
      case "setData":
        return this.#change(write.path, write.version, "version", (znode) => {
          znode.data = write.data;
          znode.version++;
          znode.mzxid = writing.zxid;
        });
      case "setAcl":
        return this.#change(write.path, write.version, "aversion", (znode) => {
          znode.acl = expand(write.acl, writing.identity);
          znode.aversion++;
        });
      case "check":
        return this.#change(write.path, write.version, "version", () => {});
    }
  }

  #multi(parts: readonly Part[], writing: Writing): { err: number; created: null } {
    const attempt = this.clone();
    for (const part of parts) {
      const { err } = attempt.apply(part, writing);
      if (err !== 0) return { err, created: null };
    }
    this.#znodes = attempt.#znodes;
    return { err: 0, created: null };
  }

  #create(write: Create, { sessionId, identity, zxid }: Writing): { err: number; created: string | null } {
    const parent = this.#znodes.get(parentOf(write.path));
    if (parent === undefined) return { err: errors.noNode, created: null };
    const path = write.isSequential ? write.path + String(parent.createCount).padStart(10, "0") : write.path;
    if (this.#znodes.has(path)) return { err: errors.nodeExists, created: null };
    if (isEphemeral(parent)) return { err: errors.noChildrenForEphemerals, created: null };
    this.#znodes.set(path, {
      data: write.data,
      acl: expand(write.acl, identity),
      version: 0,
      createCount: 0,
      aversion: 0,
      owner: ownerOf(write.as, sessionId),
      czxid: zxid,
      mzxid: zxid,
      pzxid: zxid,
    });
    parent.createCount++;
    parent.pzxid = zxid;
    return { err: 0, created: path };
  }

  #delete(path: string, version: number, zxid: Zxid): number {
    const { err } = this.#change(path, version, "version", () => {});
    if (err !== 0) return err;
    if (this.#childCount(path) > 0) return errors.notEmpty;
    this.#remove(path, zxid);
    return 0;
  }

  #remove(path: string, zxid: Zxid): void {
    this.#znodes.delete(path);
    this.#znodes.get(parentOf(path))!.pzxid = zxid;
  }

  #change(
    path: string,
    version: number,
    field: "version" | "aversion",
    change: (znode: Znode) => void,
  ): { err: number; created: null } {
    const znode = this.#znodes.get(path);
    if (znode === undefined) return { err: errors.noNode, created: null };
    if (version !== -1 && version !== znode[field]) return { err: errors.badVersion, created: null };
    change(znode);
    return { err: 0, created: null };
  }

  #childCount(path: string): number {
    return this.paths.filter((candidate) => candidate !== path && parentOf(candidate) === path).length;
  }

  /**
   * What a dump of the subtree must be. Times, and zxids that nobody was told, are taken from `found`, so that what is
   * left of a difference is a finding.
   */
  expectedDump(found: readonly ZnodeDump[]): ZnodeDump[] {
    const known = new Map(found.map((znode) => [znode.path, znode.stat]));
    return this.paths.sort().map((path) => {
      const { data, acl, version, createCount, aversion, owner, czxid, mzxid, pzxid } = this.#znodes.get(path)!;
      const stat = known.get(path);
      const numChildren = this.#childCount(path);
      return {
        path,
        data: data === null ? null : Buffer.from(data).toString("base64"),
        acl,
        stat: {
          czxid: czxid === null ? (stat?.czxid ?? "any") : hexOf(czxid),
          mzxid: mzxid === null ? (stat?.mzxid ?? "any") : hexOf(mzxid),
          pzxid: pzxid === null ? (stat?.pzxid ?? "any") : hexOf(pzxid),
          ctime: stat?.ctime ?? 0,
          mtime: stat?.mtime ?? 0,
          version,
          cversion: createCount * 2 - numChildren,
          aversion,
          ephemeralOwner: hexOf(owner),
          dataLength: data === null ? 0 : Buffer.byteLength(data),
          numChildren,
        },
      };
    });
  }

  /** Takes over, from a dump that agrees, the zxids that nobody was told. */
  learn(found: readonly ZnodeDump[]): void {
    for (const { path, stat } of found) {
      const { czxid, mzxid, pzxid } = stat;
      const zxids = { czxid: BigInt(czxid), mzxid: BigInt(mzxid), pzxid: BigInt(pzxid) };
      this.#znodes.set(path, { ...this.#znodes.get(path)!, ...zxids });
    }
  }
}

/** The request that asks for a write. */
export function requestOf(write: Write): Request {
  switch (write.kind) {
    case "multi":
      return multi(...write.parts.map((part) => requestOf(part)));
    case "close":
      return closeSession;
    case "create":
      return createRequest(write);
    case "delete":
      return remove(write.path, write.version);
    case "setData":
      return setData(write.path, write.data, write.version);
    case "setAcl":
      return setAcl(write.path, write.acl, write.version);
    case "check":
      return check(write.path, write.version);
  }
}

function createRequest({ as, path, data, acl, isSequential }: Create): Request {
  const sequence = isSequential ? flag.persistentSequential : flag.persistent;
  switch (as) {
    case "plain":
      return create(path, { data, acl, flags: sequence });
    case "create2":
      return create2(path, { data, acl, flags: sequence });
    case "ephemeral":
      return create(path, { data, acl, flags: isSequential ? flag.ephemeralSequential : flag.ephemeral });
    case "container":
      return createContainer(path, { data, acl });
    case "ttl":
      return createTtl(path, ttlMs, { data, acl, flags: isSequential ? flag.sequentialTtl : flag.ttl });
  }
}

function ownerOf(as: CreateKind, sessionId: bigint): bigint {
  if (as === "ephemeral") return sessionId;
  if (as === "container") return containerOwner;
  return as === "ttl" ? ttlOwner : 0n;
}

function isEphemeral({ owner }: Znode): boolean {
  return owner !== 0n && owner !== containerOwner && owner !== ttlOwner;
}

function expand(acl: readonly Acl[], identity: string): string[] {
  return acl.map(({ perms, scheme, id }) => (scheme === "auth" ? `${perms}:${identity}` : `${perms}:${scheme}:${id}`));
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/"));
}
