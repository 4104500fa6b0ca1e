/**
 * Reads of a model's tree, as the reference answers them, and the watches that they leave. Shares nothing with src/.
 */

import { type Identity, masked, mayDo, perm } from "./acl-model.ts";
import { line, type ReadRequest, type SetWatches, type ZnodeRead } from "./requests.ts";
import type { TreeModel } from "./tree-model.ts";
import type { WatchModel } from "./watch-model.ts";

/** Who reads, and what. */
export interface Reader<Watcher> {
  readonly tree: TreeModel;
  readonly watches: WatchModel<Watcher>;
  readonly watcher: Watcher;
  readonly identities: readonly Identity[];
  readonly sessionId: bigint;
  /** Told an event that a setWatches finds missed. */
  tell(event: string): void;
}

/** @returns the body, or the error code. */
export function answerTo<Watcher>(request: ReadRequest, reader: Reader<Watcher>): string | number {
  const { tree, watches, watcher, identities, sessionId } = reader;
  switch (request.op) {
    case "ping":
      return "";
    case "sync":
      return request.path;
    case "whoAmI":
      return line.names(identities.map(({ scheme, id }) => `${scheme}:${scheme === "digest" ? id.split(":")[0] : id}`));
    case "exists": {
      const znode = tree.find(request.path);
      if (request.path.includes("\0")) return -8;
      if (znode !== undefined && !mayDo(znode.acl, perm.read, identities)) return -102;
      if (request.watch) watches.add("data", request.path, watcher, "standard");
      return znode === undefined ? -101 : line.stat(tree.stat(znode));
    }
    case "getEphemerals": {
      const paths = tree.ephemeralsOf(sessionId).map((znode) => znode.path);
      const isAll = request.path.trim() === "" || request.path.trim() === "/";
      return line.names(isAll ? paths : paths.filter((path) => path.startsWith(request.path)));
    }
    case "multiRead":
      return `${request.items.map((item) => readPart(item, reader)).join("")}(-1 -1)`;
    case "addWatch":
      if (request.mode !== 0 && request.mode !== 1) return -5;
      watches.addPersistent(request.path, watcher, request.mode === 1);
      return "0";
    case "checkWatches":
    case "removeWatches": {
      if (request.type < 1 || request.type > 5) return -5;
      const isFound =
        request.op === "checkWatches"
          ? watches.has(request.path, watcher, request.type)
          : watches.remove(request.path, watcher, request.type);
      return isFound ? "" : -121;
    }
    case "setWatches":
    case "setWatches2":
      setWatches(request, reader);
      return "";
    case "broken":
      return -5;
    case "deleteContainer":
    case "unknown":
      return -6;
    case "getACL":
    case "getAllChildrenNumber":
    case "getChildren":
    case "getChildren2":
    case "getData":
      return readZnode(request, reader);
  }
}

function readZnode<Watcher>(request: ZnodeRead, reader: Reader<Watcher>): string | number {
  const { tree, watches, watcher, identities } = reader;
  const { path } = request;
  const znode = tree.find(path);
  if (znode === undefined) return -101;
  const wanted = request.op === "getACL" ? perm.read | perm.admin : perm.read;
  if (!mayDo(znode.acl, wanted, identities)) return -102;
  const stat = line.stat(tree.stat(znode));
  switch (request.op) {
    case "getData":
      if (request.watch) watches.add("data", path, watcher, "standard");
      return `${line.data(znode.data)} ${stat}`;
    case "getChildren":
    case "getChildren2": {
      if (request.watch) watches.add("child", path, watcher, "standard");
      const names = line.names(tree.childrenOf(path));
      return request.op === "getChildren" ? names : `${names} ${stat}`;
    }
    case "getACL": {
      const isShown = mayDo(znode.acl, perm.admin, identities);
      return `${line.acl(isShown ? znode.acl : masked(znode.acl))} ${stat}`;
    }
    case "getAllChildrenNumber":
      // By its empty name the root finds its other name below it.
      return String(tree.countBelow(path) + (path === "" ? 1 : 0));
  }
}

function readPart<Watcher>(
  item: { op: "getData" | "getChildren"; path: string },
  { tree, identities }: Reader<Watcher>,
): string {
  const znode = tree.find(item.path);
  if (znode === undefined) return line.part(-1, -101, "-101");
  if (!mayDo(znode.acl, perm.read, identities)) return line.part(-1, -102, "-102");
  return item.op === "getData"
    ? line.part(4, 0, `${line.data(znode.data)} ${line.stat(tree.stat(znode))}`)
    : line.part(8, 0, line.names(tree.childrenOf(item.path)));
}

function setWatches<Watcher>(request: SetWatches, reader: Reader<Watcher>): void {
  const { tree, watches, watcher } = reader;
  const seen = request.zxid;
  const tell = (type: number, path: string): void => reader.tell(line.event(type, path, -1n));
  for (const path of request.data) {
    const znode = tree.find(path);
    if (znode === undefined) tell(2, path);
    else if (znode.mzxid > seen) tell(3, path);
    else watches.add("data", path, watcher, "standard");
  }
  for (const path of request.exist) {
    if (tree.find(path) !== undefined) tell(1, path);
    else watches.add("data", path, watcher, "standard");
  }
  for (const path of request.child) {
    const znode = tree.find(path);
    if (znode === undefined) tell(2, path);
    else if (znode.pzxid > seen) tell(4, path);
    else watches.add("child", path, watcher, "standard");
  }
  if (request.op === "setWatches") return;
  for (const path of request.persistent) watches.addPersistent(path, watcher, false);
  for (const path of request.recursive) watches.addPersistent(path, watcher, true);
}
