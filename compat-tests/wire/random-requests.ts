/**
 * Requests drawn from a seed: every opcode over a small set of paths, so that znodes, versions, watches and refusals meet
 * often. Drawn in batches, each of which is sent in one piece.
 *
 * Left out, because two real servers differ from each other there (COMPATIBILITY.md, "Races"): a request pipelined behind
 * a setACL of the same znode, and writes pipelined behind a multi that fails by an internal exception. A batch ends
 * with the first such request.
 */

import { createHash } from "node:crypto";
import {
  aclOf,
  addWatch,
  check,
  checkWatches,
  create,
  create2,
  createContainer,
  createTtl,
  exists,
  getAcl,
  getAllChildrenNumber,
  getChildren,
  getChildren2,
  getData,
  getEphemerals,
  multi,
  multiRead,
  op,
  openAcl,
  ping,
  readOnlyAcl,
  remove,
  removeWatches,
  request,
  setAcl,
  setData,
  setWatches,
  setWatches2,
  sync,
  whoAmI,
  type Acl,
  type Request,
} from "./requests.ts";

/** A generator of whole numbers; xorshift, so that a seed tells the whole story. */
export class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0 || 1;
  }

  /** A number in [0, count). */
  below(count: number): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x;
    return (x >>> 0) % count;
  }

  pick<Item>(items: readonly Item[]): Item {
    return items[this.below(items.length)]!;
  }

  /** True once in `count` throws. */
  isOneIn(count: number): boolean {
    return this.below(count) === 0;
  }
}

const paths = ["/a", "/b", "/c", "/a/x", "/a/y", "/b/x", "/a/x/deep", "/c/x", "/c/y", "/c/x/deep", "/zookeeper/z", "/"];
const oddPaths = [
  "",
  "x",
  "/a/",
  "//",
  "/..",
  "/a/.",
  "/\u0001",
  "/none/none",
  "/zookeeper/config",
  "/zookeeper/quota",
];
const datas = ["", "1", "some data", "x".repeat(300), null];
const versions = [-1, -1, -1, -1, 0, 0, 1, 2, 3, 9];
const acls: readonly (readonly Acl[] | null)[] = [
  ...Array.from({ length: 12 }, () => openAcl),
  readOnlyAcl,
  [aclOf(15, "world", "anyone")],
  [aclOf(30, "world", "anyone"), aclOf(1, "ip", "10.0.0.0/8")],
  [aclOf(31, "ip", "127.0.0.1/8")],
  [aclOf(31, "auth", "")],
  [aclOf(1, "world", "anyone"), aclOf(31, "digest", `ann:${createHash("sha1").update("ann:a").digest("base64")}`)],
  [],
];

function path(dice: Dice): string {
  return dice.isOneIn(25) ? dice.pick(oddPaths) : dice.pick(paths);
}

function creation(dice: Dice): Request {
  const make = dice.pick([create, create, create2, create2, createContainer, createTtl]);
  const options = { data: dice.pick(datas), acl: dice.pick(acls) };
  if (make === createTtl) return createTtl(path(dice), dice.pick([100_000_000, 1 << 30, 0]), options);
  if (make === createContainer) return createContainer(path(dice), options);
  const flags = dice.isOneIn(30) ? dice.pick([5, 6, 7, -1]) : dice.pick([0, 0, 0, 0, 1, 1, 2, 3, 4]);
  return make === create ? create(path(dice), { ...options, flags }) : create2(path(dice), { ...options, flags });
}

function write(dice: Dice): Request {
  switch (dice.below(10)) {
    case 0:
    case 1:
    case 2:
    case 3:
      return creation(dice);
    case 4:
    case 5:
    case 6:
      return setData(path(dice), dice.pick(datas), dice.pick(versions));
    default:
      return remove(path(dice), dice.pick(versions));
  }
}

/** A part of a multi: no flag that spoils the request as a whole, no null ACL. */
function part(dice: Dice): Request {
  if (dice.isOneIn(5)) return check(path(dice), dice.pick(versions));
  const drawn = write(dice);
  const isCreate = drawn.op === op.create || drawn.op === op.create2;
  const flags = isCreate ? drawn.body.readInt32BE(drawn.body.length - 4) : 0;
  return flags < 0 || flags > 4 ? check("/", -1) : drawn;
}

function read(dice: Dice): Request {
  const watch = dice.isOneIn(4);
  const where = path(dice);
  switch (dice.below(16)) {
    case 0:
    case 1:
      return exists(where, watch);
    case 2:
    case 3:
      return getData(where, watch);
    case 4:
      return getChildren(where, watch);
    case 5:
      return getChildren2(where, watch);
    case 6:
      return getAcl(where);
    case 7:
      return getAllChildrenNumber(where);
    case 8:
      return getEphemerals(where);
    case 9:
      return sync(where);
    case 10:
      return dice.pick([ping, whoAmI]);
    case 11:
      return multiRead(...Array.from({ length: dice.below(4) }, () => dice.pick([getData, getChildren])(path(dice))));
    case 12:
      return addWatch(where, dice.pick([0, 0, 1, 1, 2]));
    case 13:
      return dice.pick([checkWatches, removeWatches])(where, dice.below(7));
    case 14:
      return setWatches(BigInt(dice.below(2)) << 40n, watchLists(dice));
    default:
      return setWatches2(BigInt(dice.below(2)) << 40n, {
        ...watchLists(dice),
        persistent: [where],
        recursive: [where],
      });
  }
}

function watchLists(dice: Dice): { data: string[]; exist: string[]; child: string[] } {
  return { data: [dice.pick(paths)], exist: [dice.pick(paths)], child: [dice.pick(paths)] };
}

/** A request that must be the last of its batch. */
function closing(dice: Dice): Request {
  if (dice.isOneIn(8)) return multi(create(dice.pick(paths), { acl: null }));
  if (dice.isOneIn(8)) return multi(create(dice.pick(paths), { flags: 9 }));
  const where = path(dice);
  const mayShut = dice.isOneIn(3) && where !== "/";
  return setAcl(where, mayShut ? dice.pick(acls) : openAcl, dice.pick(versions));
}

/** The next batch: 1 to 40 requests to be sent in one piece. */
export function nextBatch(dice: Dice): Request[] {
  const batch: Request[] = [];
  const size = 1 + dice.below(40);
  while (batch.length < size) {
    if (dice.isOneIn(25)) return [...batch, closing(dice)];
    batch.push(next(dice));
  }
  return batch;
}

function next(dice: Dice): Request {
  const throwOf = dice.below(20);
  if (throwOf < 9) return write(dice);
  if (throwOf < 11) return multi(...Array.from({ length: dice.below(5) }, () => part(dice)));
  if (throwOf < 13 && dice.isOneIn(4)) return request(dice.pick([1, 2, 4, 5, 12]), Buffer.alloc(3), "undecodable");
  return read(dice);
}
