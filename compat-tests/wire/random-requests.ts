/**
 * Requests drawn from a seed: every opcode that a client may send, over the paths of random-values.ts; valid, refused, at
 * a limit, and malformed (mangled.ts). What makes two real servers differ from each other, or ends one, is not drawn;
 * batch.ts keeps apart what only matters when it is sent in one piece.
 */

import { bool, int, long, record } from "./bytes.ts";
import {
  refusedAuths,
  addWatch,
  auth,
  check,
  checkWatches,
  create,
  create2,
  createContainer,
  createTtl,
  exists,
  flag,
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
  reconfig,
  remove,
  removeWatches,
  request,
  setAcl,
  setData,
  setWatches,
  setWatches2,
  sync,
  whoAmI,
  type Asked,
  type Request,
  type WatchLists,
} from "./requests.ts";
import {
  aclList,
  anyPath,
  commonPath,
  dataFor,
  echoedPath,
  smallInt,
  ttl,
  version,
  watchedPath,
  type Draw,
} from "./random-values.ts";

const createFlags = [0, 0, 0, 0, 0, 1, 1, 2, 3, 4];
/** Without the ephemeral ones, which in a container mean one thing to requests close behind it and another to later ones. */
const containerFlags = [0, 2, 5, 6, 7, -1, -2_147_483_648, 2_147_483_647];
const ttlFlags: readonly number[] = [flag.ttl, flag.sequentialTtl];

function creation(draw: Draw): Request {
  const { dice } = draw;
  const path = anyPath(draw);
  const options = { data: dataFor(draw, path), acl: aclList(draw) };
  switch (dice.below(8)) {
    case 0:
      return createContainer(path, dice.isOneIn(6) ? { ...options, flags: dice.pick(containerFlags) } : options);
    case 1: {
      // A negative TTL with a flag that takes none would end the real server.
      const flags = dice.isOneIn(6) ? smallInt(draw, createFlags) : dice.pick(ttlFlags);
      return createTtl(path, ttlFlags.includes(flags) ? ttl(draw) : 600_000n, { ...options, flags });
    }
    default:
      return dice.pick([create, create2])(path, { ...options, flags: smallInt(draw, createFlags) });
  }
}

/** A request that changes the tree, if it is not refused. */
export function write(draw: Draw): Request {
  switch (draw.dice.below(11)) {
    case 0:
    case 1:
    case 2:
    case 3:
      return creation(draw);
    case 4:
    case 5:
    case 6: {
      const path = anyPath(draw);
      return setData(path, dataFor(draw, path), version(draw));
    }
    case 7:
      return draw.dice.isOneIn(8) ? administration(draw) : accessChange(draw);
    default:
      return remove(anyPath(draw), version(draw));
  }
}

/** A setACL; the root stays open, since everything hangs on it. */
function accessChange(draw: Draw): Request {
  const path = anyPath(draw);
  const isOpen = path === "/" || path === "" || !draw.dice.isOneIn(3);
  return setAcl(path, isOpen ? openAcl : aclList(draw), version(draw));
}

function part(draw: Draw): Request {
  if (draw.dice.isOneIn(5)) return check(anyPath(draw), version(draw));
  const drawn = write(draw);
  return drawn.op === op.setACL || drawn.op === op.reconfig ? check(commonPath(draw), -1) : drawn;
}

/** The parts of a multi, mostly few. */
export function parts(draw: Draw): Request[] {
  const { dice } = draw;
  return dice.times(dice.isOneIn(20) ? dice.below(40) : dice.below(5), () => part(draw));
}

/** Types that no part of a multi may have. */
const wrongTypes = [0, -1, -11, -10, 3, 6, 7, 9, 11, 12, 14, 16, 20, 22, 99, 100, 101, 106, 2_147_483_647];

/** A header of an envelope, and what stands behind it. */
function entry(type: number, done: number, err: number, body: Buffer): Buffer {
  return record(int(type), Buffer.from([done]), int(err), body);
}

/** A multi whose envelope is not what clients write: odd headers and types, an end too early, too late or none. */
export function oddMulti(draw: Draw): Request {
  const { dice } = draw;
  const code = dice.pick([op.multi, op.multi, op.multiRead]);
  const good = (): Request => (code === op.multi ? part(draw) : dice.pick([getData, getChildren])(anyPath(draw)));
  const items = dice.times(dice.below(3), good).map((one) => entry(one.op, 0, -1, one.body));
  const end = entry(-1, 1, -1, Buffer.alloc(0));
  const envelope = (...fields: Buffer[]): Buffer => record(...items, ...fields);
  switch (dice.below(8)) {
    case 0:
      return request(code, envelope(entry(dice.pick(wrongTypes), 0, -1, good().body), end), "multi: a wrong type");
    case 1:
      return request(code, envelope(), "multi: no end");
    case 2:
      return request(
        code,
        envelope(entry(dice.pick([0, 1, 77]), dice.pick([1, 2, 255]), 5, Buffer.alloc(0))),
        "multi: an odd end",
      );
    case 3:
      return request(code, envelope(end, ...items, end), "multi: bytes behind the end");
    case 4: {
      const one = good();
      return request(
        code,
        envelope(entry(one.op, 0, dice.pick([0, 7, -5]), one.body), end),
        `multi: an odd err, ${one.title}`,
      );
    }
    case 5:
      return nested(draw, code);
    case 6:
      return request(code, record(bool(false), envelope(end)), "multi: shifted by a byte");
    default:
      return dice.pick([multi, multiRead])(...dice.times(1 + dice.below(3), () => dice.pick([part, read])(draw)));
  }
}

/** A multi within a multi, some levels deep. */
function nested(draw: Draw, code: number): Request {
  const wrap = code === op.multi ? multi : multiRead;
  let inner = wrap(part(draw));
  for (let depth = 1 + draw.dice.below(4); depth > 0; depth--) inner = wrap(inner);
  return inner;
}

/** A request that changes nothing but the watches of its own connection. */
export function read(draw: Draw): Asked {
  const { dice } = draw;
  const watch = dice.isOneIn(3);
  switch (dice.below(18)) {
    case 0:
    case 1:
      return watch ? exists(watchedPath(draw), true) : exists(anyPath(draw));
    case 2:
    case 3:
      return getData(anyPath(draw), watch);
    case 4:
      return getChildren(anyPath(draw), watch);
    case 5:
      return getChildren2(anyPath(draw), watch);
    case 6:
      return getAcl(anyPath(draw));
    case 7:
      return getAllChildrenNumber(anyPath(draw));
    case 8:
      return getEphemerals(anyPath(draw));
    case 9:
      return sync(echoedPath(draw));
    case 10:
      return dice.pick([ping, whoAmI]);
    case 11:
      return multiRead(
        ...dice.times(dice.below(5), () => dice.pick([getData, getChildren])(anyPath(draw), dice.isOneIn(4))),
      );
    case 12:
    case 13:
      return addWatch(watchedPath(draw), smallInt(draw, [0, 0, 1, 1, 2, -1]));
    case 14:
      return checkWatches(watchedPath(draw), smallInt(draw, [1, 2, 3, 4, 5]));
    case 15:
      return removeWatches(watchedPath(draw), smallInt(draw, [1, 2, 3, 4, 5]));
    case 16:
      return seenBefore(draw, setWatches(seenZxid(draw), watchLists(draw)));
    default: {
      const lists = { ...watchLists(draw), persistent: pathList(draw), recursive: pathList(draw) };
      return seenBefore(draw, setWatches2(seenZxid(draw), lists));
    }
  }
}

function administration({ dice }: Draw): Request {
  const word = (): string | null => dice.pick([null, "", "3", "server.1=a:1:2;3"]);
  return reconfig({ joining: word(), leaving: word(), members: word(), version: dice.pick([-1n, 0n, 5n]) });
}

/** What a client says that it saw last: nothing, or more than there is. */
function seenZxid({ dice }: Draw): bigint {
  return dice.pick([0n, 1n << 40n, -1n]);
}

/** Half of the times a client has seen what happened up to some changes ago. */
function seenBefore({ dice }: Draw, asked: Request): Asked {
  return dice.isOneIn(2) ? asked : { ...asked, zxidAgo: dice.below(dice.pick([3, 30, 300])) };
}

function watchLists(draw: Draw): WatchLists {
  return { data: pathList(draw), exist: pathList(draw), child: pathList(draw) };
}

function pathList(draw: Draw): readonly (string | null)[] | null {
  const { dice } = draw;
  if (dice.isOneIn(60)) return null;
  const many = dice.isOneIn(10) ? 1000 + dice.below(1000) : 30 + dice.below(60);
  const count = dice.isOneIn(40) ? many : dice.below(3);
  return dice.times(count, () => echoedPath(draw));
}

const codesOfNobody = [0, -1, -2, 10, 13, 23, 24, 99, 108, 999, 105_000, -2_147_483_648, 2_147_483_647];

/** A request that ends its connection, ahead of whatever else is still to be answered. */
export function offence(draw: Draw): Request {
  const { dice, configuration } = draw;
  if (dice.isOneIn(2)) return request(dice.pick(codesOfNobody), read(draw).body, "an opcode that nobody has");
  const digests = configuration.hasDigest ? [] : identities.filter(([scheme]) => scheme === "digest");
  const [scheme, data] = dice.pick([...refusedAuths, ...digests]);
  return auth(scheme, data, dice.below(3));
}

const identities: readonly (readonly [string, string])[] = [
  ["digest", "ann:a"],
  ["digest", "ann:a"],
  ["digest", "bob:b"],
  ["digest", "a:b:c"],
  ["digest", ":"],
  ["digest", ""],
  ["digest", "no colon"],
  ["digest", "\u00e9:\u4e2d"],
  ["ip", ""],
  ["ip", "whatever"],
];

/** Words that a server accepts. */
export function identity({ dice, configuration }: Draw): Request {
  const accepted = identities.filter(([scheme]) => configuration.hasDigest || scheme !== "digest");
  const [scheme, data] = dice.pick(accepted);
  return auth(scheme, data);
}

/** A ping that carries something. */
export function oddPing({ dice }: Draw): Request {
  return request(op.ping, dice.pick([int(1), long(-1n), Buffer.from("body")]), "ping with a body");
}
