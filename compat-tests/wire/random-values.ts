/**
 * What random requests are made of: paths, data, ACL lists, versions and TTLs. Most draws come from small sets, so that
 * znodes, versions, watches and refusals meet often; some are at a limit of the protocol or beyond it.
 *
 * Values that would end the real server, or that go back to the client in other bytes than they came
 * (COMPATIBILITY.md), are not here: statistics of quotas are always well-formed, and text that a server echoes has no
 * character outside the basic plane.
 */

import type { Configuration } from "./configurations.ts";
import type { Dice } from "./dice.ts";
import { digestIdOf, aclOf, openAcl, perm, readOnlyAcl, type Acl, type Text } from "./requests.ts";

/** Where draws come from: the dice, and what the configuration makes worth drawing. */
export interface Draw {
  readonly dice: Dice;
  readonly configuration: Configuration;
}

/** Bytes of the longest frame that the server takes. */
export function frameBytesMax({ configuration }: Draw): number {
  return configuration.frameBytesMax ?? 0xf_ffff;
}

const plainPaths = "/ /a /b /c /a/x /a/y /b/x /c/x /c/y /a/x/deep /a/x/deep/er /c/x/deep /zookeeper/z".split(" ");

const oddPaths: readonly string[] = [
  ..." x /a/ // /.. /. /... /a/. /a/./x /a/../x //a /a//x /a. /.a".split(" "),
  ..."/none/none /zookeeper /zookeeper/config /zookeeper/quota /zookeeper/config/x /zookeeper/quotas".split(" "),
  "/a b",
  `/${"long".repeat(200)}`,
  "/d".repeat(60),
  "/a/x\u00e9",
  "/a/\u4e2d\u6587",
];

/** The ends of the ranges that PathUtils forbids, and their neighbours. */
const edgeCodes = [
  0x00, 0x01, 0x1f, 0x20, 0x7e, 0x7f, 0x80, 0x9f, 0xa0, 0xd7ff, 0xe000, 0xf8ff, 0xf900, 0xffef, 0xfff0, 0xfffd, 0xffff,
];

/** Not UTF-8: stray, overlong, cut short, surrogates spelt out, beyond Unicode. */
const brokenText: readonly Buffer[] = [
  "ff",
  "80",
  "c0af",
  "c3",
  "e282",
  "eda080",
  "edb080",
  "f4908080",
  "f09f98",
  "eda0bdedb880",
].map((digits) => Buffer.from(digits, "hex"));

/** Quotas that the configuration `quota` draws; each is on a znode of its own. */
const quotaOwners = ["q", "q/a", "r"];
const quotaPaths = ["/q", "/q/a", "/q/b", "/q/a/x", "/q/a/y", "/q/b/x", "/r", "/r/x", "/r/y", "/qq", "/qq/x"];
const quotaZnodes = quotaOwners.flatMap((owner) => [
  `/zookeeper/quota/${owner}`,
  `/zookeeper/quota/${owner}/zookeeper_limits`,
  `/zookeeper/quota/${owner}/zookeeper_limits`,
  `/zookeeper/quota/${owner}/zookeeper_stats`,
]);

const limitTexts = [
  "count=3,bytes=20",
  "count=2,bytes=-1=;byteHardLimit=30;countHardLimit=4",
  "count=-1,bytes=-1=;byteHardLimit=-1;countHardLimit=5",
  "count=-1,bytes=20=;byteHardLimit=60",
  "countHardLimit=3;byteHardLimit=100",
  "",
];
const statTexts = ["count=1,bytes=2", "count=0,bytes=0=;countHardLimit=9", "bytes=7", ""];

/** A path of the configuration's own set. */
export function commonPath({ dice, configuration }: Draw): string {
  if (configuration.hasQuotas && !dice.isOneIn(4)) {
    return dice.isOneIn(4) ? dice.pick(quotaZnodes) : dice.pick(quotaPaths);
  }
  return dice.pick(plainPaths);
}

/** A path, seldom an odd one, and then perhaps not even text. */
export function anyPath(draw: Draw): Text {
  const { dice } = draw;
  if (!dice.isOneIn(20)) return commonPath(draw);
  switch (dice.below(6)) {
    case 0:
      return edged(draw);
    case 1:
      return Buffer.concat([Buffer.from(`${commonPath(draw)}/`), dice.pick(brokenText), Buffer.from("z")]);
    case 2:
      return null;
    case 3:
      return `${commonPath(draw)}/\u{1f600}`;
    default:
      return dice.pick(oddPaths);
  }
}

/**
 * A path that a watch may be about: any but what is no text, of which servers keep different things, and what the lines of
 * `wchp` do not show.
 */
export function watchedPath(draw: Draw): Text {
  const path = anyPath(draw);
  return path instanceof Uint8Array ? commonPath(draw) : inOneLine(draw, path);
}

/** A path that the server sends back as it came. */
export function echoedPath(draw: Draw): string | null {
  const { dice } = draw;
  if (!dice.isOneIn(20)) return commonPath(draw);
  return inOneLine(draw, dice.isOneIn(3) ? edged(draw) : dice.pick([...oddPaths, null]));
}

function inOneLine(draw: Draw, path: string | null): string | null {
  return path !== null && /[\t\n]/.test(path) ? commonPath(draw) : path;
}

/** What PathUtils forbids, surrogates aside, which no UTF-8 holds. */
const forbiddenRanges = [
  [0x00, 0x1f],
  [0x7f, 0x9f],
  [0xe000, 0xf8ff],
  [0xfff0, 0xffff],
] as const;

function edgeCode(dice: Dice): number {
  if (dice.isOneIn(2)) return dice.pick(edgeCodes);
  const [first, last] = dice.pick(forbiddenRanges);
  return first + dice.below(last - first + 1);
}

function edged(draw: Draw): string {
  const character = String.fromCharCode(edgeCode(draw.dice));
  const place = draw.dice.pick(["/a/", "/", "/none/", ""]);
  return draw.dice.isOneIn(2) ? `${place}${character}` : `${place}u${character}v/w`;
}

const datas: readonly Text[] = ["", "1", "some data", "x".repeat(300), null, Buffer.from("00ff80", "hex")];

/** Data for the znode at `path`: what is kept as a quota's text is always well-formed. */
export function dataFor(draw: Draw, path: Text): Text {
  const { dice } = draw;
  const text = typeof path === "string" ? path : "";
  if (text.endsWith("/zookeeper_limits")) return dice.pick(limitTexts);
  if (text.endsWith("/zookeeper_stats")) return dice.pick(statTexts);
  const longest = frameBytesMax(draw);
  // Frames that just fit, and some that just do not, which no batch takes.
  if (dice.isOneIn(longest < 10_000 ? 30 : 1500)) return Buffer.alloc(longest - 120 + dice.below(90), 0x65);
  if (dice.isOneIn(400)) return Buffer.alloc(dice.pick([4000, 20_000, 100_000]), 0x64);
  return dice.pick(datas);
}

const versions = [-1, -1, -1, -1, -1, 0, 0, 0, 1, 1, 2, 3, 9];
const oddInts = [-2, 4, 7, -2_147_483_648, 2_147_483_647, 0x7fff_fffe];

export function version({ dice }: Draw): number {
  return dice.isOneIn(30) ? dice.pick(oddInts) : dice.pick(versions);
}

/** A watch type, mode or flag: mostly one that exists. */
export function smallInt({ dice }: Draw, known: readonly number[]): number {
  return dice.isOneIn(20) ? dice.pick([...oddInts, -1, 5, 6]) : dice.pick(known);
}

/** TTLs at both ends, for requests whose flag takes one. */
export function ttl({ dice }: Draw): bigint {
  if (!dice.isOneIn(6)) return dice.pick([100_000_000n, 1n << 30n]);
  return dice.pick([0n, -1n, 0xffffffffffn, 0x10000000000n, (1n << 63n) - 1n, -(1n << 63n)]);
}

const annDigest = digestIdOf("ann:a");

/** Lists that leave the znode to everybody. */
const openLists: readonly (readonly Acl[])[] = [
  openAcl,
  [openAcl[0]!, openAcl[0]!],
  [aclOf(perm.all, "ip", "127.0.0.1/8")],
  [openAcl[0]!, aclOf(perm.read, "ip", "10.0.0.0/8")],
];

/** Lists that shut somebody out; the run's end needs a super user to clear up behind them. */
const shutLists: readonly (readonly Acl[])[] = [
  readOnlyAcl,
  [aclOf(15, "world", "anyone")],
  [aclOf(30, "world", "anyone"), aclOf(1, "ip", "10.0.0.0/8")],
  [aclOf(perm.all, "auth", "")],
  [aclOf(perm.all, "auth", "ignored"), aclOf(perm.read, "world", "anyone")],
  [aclOf(1, "world", "anyone"), aclOf(perm.all, "digest", annDigest)],
  [aclOf(perm.read | perm.admin, "world", "anyone"), aclOf(perm.all, "digest", "bob:none")],
  [aclOf(0, "world", "anyone")],
];

/** Lists that fixupACL or isValid has something to say about. */
const oddLists: readonly (readonly Acl[] | null)[] = [
  null,
  [],
  [aclOf(-1, "world", "anyone")],
  [aclOf(999, "world", "anyone")],
  [aclOf(perm.all, "world", "someone")],
  [aclOf(perm.all, "world", null)],
  [aclOf(perm.all, null, "anyone")],
  [aclOf(perm.all, "", "")],
  [aclOf(perm.all, "nope", "x")],
  [aclOf(perm.all, "super", "")],
  [aclOf(perm.all, "sasl", "user")],
  [aclOf(perm.all, "x509", "CN=a")],
  [aclOf(perm.all, "digest", "a:b:c"), openAcl[0]!],
  [aclOf(perm.all, "digest", ""), openAcl[0]!],
  [aclOf(perm.all, "digest", null), openAcl[0]!],
  [openAcl[0]!, aclOf(perm.all, "nope", "x")],
  [aclOf(perm.all, "ip", "127.0.0.1/33")],
  [aclOf(perm.all, "ip", "::1/128"), openAcl[0]!],
  [aclOf(perm.all, "ip", null)],
  Array.from({ length: 40 }, (_, index) => aclOf(index & 31 || 31, "ip", `10.0.0.${index}`)),
];

export function aclList({ dice, configuration }: Draw): readonly Acl[] | null {
  if (!dice.isOneIn(6)) return openAcl;
  if (dice.isOneIn(4)) return dice.pick(oddLists);
  if (dice.isOneIn(3) || !configuration.hasDigest) return dice.pick(openLists);
  return dice.pick(shutLists);
}
