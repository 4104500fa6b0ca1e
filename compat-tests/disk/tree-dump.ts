/**
 * What a server's tree holds, read through the client port by a super user, so that two servers (or one before and after
 * a restart) can be compared: every znode with data, ACL and Stat, in path order.
 */

import { WireConnection } from "../wire/connection.ts";
import { Reader, type Stat } from "../wire/reader.ts";
import { auth, closeSession, getAcl, getChildren2, getData, type Request } from "../wire/requests.ts";
import { Actor } from "../wire/scene.ts";
import { Names } from "../wire/transcript.ts";
import { superUser } from "../reference/server.ts";

export interface ZnodeDump {
  readonly path: string;
  /** Base64; null for null data. */
  readonly data: string | null;
  /** `perms:scheme:id`, in stored order. */
  readonly acl: readonly string[];
  readonly stat: {
    readonly czxid: string;
    readonly mzxid: string;
    readonly pzxid: string;
    readonly ctime: number;
    readonly mtime: number;
    readonly version: number;
    readonly cversion: number;
    readonly aversion: number;
    readonly ephemeralOwner: string;
    readonly dataLength: number;
    readonly numChildren: number;
  };
}

/** Znodes asked for in one piece. */
const batchSize = 300;

/** Every znode below and including `root`, in path order, ZooKeeper's own included. */
export async function dumpTree(port: number, root = "/"): Promise<ZnodeDump[]> {
  const actor = new Actor(await WireConnection.open(port), new Names(0n));
  if (!(await actor.connect())) throw new Error("the server refused a session for the dump");
  await actor.ask(auth("digest", superUser));
  const found: ZnodeDump[] = [];
  let level = [root];
  while (level.length > 0) {
    const next: string[] = [];
    for (let from = 0; from < level.length; from += batchSize) {
      const { znodes, children } = await readBatch(actor, level.slice(from, from + batchSize));
      found.push(...znodes);
      next.push(...children);
    }
    level = next;
  }
  await actor.ask(closeSession);
  await actor.untilClosed();
  return found.sort((a, b) => (a.path < b.path ? -1 : 1));
}

async function readBatch(actor: Actor, paths: readonly string[]): Promise<{ znodes: ZnodeDump[]; children: string[] }> {
  const requests: Request[] = paths.flatMap((path) => [getData(path), getAcl(path), getChildren2(path)]);
  const replies = await actor.pipeline(requests);
  const bodies = replies.map((reply) => {
    if (reply === null || reply.err !== 0) throw new Error(`the dump was refused: ${reply?.err ?? "closed"}`);
    return new Reader(reply.body);
  });
  const znodes: ZnodeDump[] = [];
  const children: string[] = [];
  for (const [index, path] of paths.entries()) {
    const data = bodies[index * 3]!.buffer();
    const acl = bodies[index * 3 + 1]!.acl() ?? [];
    const list = bodies[index * 3 + 2]!;
    const kids = list.vector(() => list.ustring() ?? "") ?? [];
    children.push(...kids.map((name) => `${path === "/" ? "" : path}/${name}`));
    znodes.push({
      path,
      data: data === null ? null : data.toString("base64"),
      acl: acl.map((entry) => `${entry.perms}:${entry.scheme}:${entry.id}`),
      stat: plainStat(list.stat()),
    });
  }
  return { znodes, children };
}

/** A Stat in numbers and text that JSON can hold. */
export function plainStat(stat: Stat): ZnodeDump["stat"] {
  return {
    czxid: hexOf(stat.czxid),
    mzxid: hexOf(stat.mzxid),
    pzxid: hexOf(stat.pzxid),
    ctime: Number(stat.ctime),
    mtime: Number(stat.mtime),
    version: stat.version,
    cversion: stat.cversion,
    aversion: stat.aversion,
    ephemeralOwner: hexOf(stat.ephemeralOwner),
    dataLength: stat.dataLength,
    numChildren: stat.numChildren,
  };
}

/** `0x` and the unsigned hexadecimal of a 64-bit number. */
export function hexOf(value: bigint): string {
  return `0x${BigInt.asUintN(64, value).toString(16)}`;
}

/** One line a znode, for comparisons whose difference a person must read. */
export function dumpText(znodes: readonly ZnodeDump[]): string {
  return znodes.map((znode) => `${JSON.stringify(znode)}\n`).join("");
}

/** The same without times, ids and zxids, for trees that two servers built from the same requests. */
export function shapeText(znodes: readonly ZnodeDump[]): string {
  const lines = znodes.map(({ path, data, acl, stat }) => {
    const owner = stat.ephemeralOwner === "0x0" ? "" : " ephemeral";
    return `${path} data=${data} acl=${acl.join(",")} v=${stat.version},${stat.cversion},${stat.aversion}${owner} children=${stat.numChildren}`;
  });
  return `${lines.join("\n")}\n`;
}
