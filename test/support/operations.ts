/**
 * Random conversations with a server: what several clients send, when the log becomes durable, which connections break.
 * Names are few, so that requests meet; odd paths, null data, lists that are refused and bodies that are cut short are
 * among them.
 */

import * as fc from "fast-check";
import { digestIdentity, perm, type Acl } from "./acl-model.ts";
import type { CreateRequest, ReadRequest, Request, WriteRequest } from "./requests.ts";
import { openAcl } from "./wire-frames.ts";

export const clientCount = 3;
export const addresses: readonly string[] = ["127.0.0.1", "127.0.0.1", "10.1.2.3"];

/** One step of a conversation. `client` is a number below {@link clientCount}. */
export type Step =
  | { readonly do: "send"; readonly client: number; readonly request: Request }
  /** So many of the transactions held by the log are durable. */
  | { readonly do: "durable"; readonly count: number }
  | { readonly do: "drop" | "open" | "expire"; readonly client: number }
  | { readonly do: "renew"; readonly client: number; readonly isPasswordRight: boolean }
  | { readonly do: "reap"; readonly path: string }
  | { readonly do: "wait"; readonly ms: number };

const credentials = ["ann:1", "bob:2"];
const ann = digestIdentity("ann:1");

const lists: readonly (readonly Acl[] | null)[] = [
  openAcl,
  [{ perms: perm.read, scheme: "world", id: "anyone" }],
  [{ perms: 31, ...ann }],
  [{ perms: 31, scheme: "auth", id: "" }],
  [
    { perms: perm.create | perm.delete | perm.read, scheme: "world", id: "anyone" },
    { perms: perm.admin | perm.write, ...ann },
  ],
  [
    { perms: 31, scheme: "ip", id: "10.0.0.0/8" },
    { perms: perm.read, scheme: "ip", id: "127.0.0.1" },
  ],
  [
    { perms: 31, scheme: "auth", id: "" },
    { perms: 31, scheme: "auth", id: "" },
    { perms: perm.read, scheme: "auth", id: "x" },
  ],
  [{ perms: 0, scheme: "world", id: "anyone" }],
  [],
  [{ perms: 31, scheme: "world", id: "nobody" }],
  [{ perms: 31, scheme: "digest", id: "ann:" }],
  [{ perms: 31, scheme: "ip", id: "10.0.0.0/33" }],
  [{ perms: 31, scheme: "kerberos", id: "ann" }],
  null,
];

const names = ["a", "b", "c", "é", "漢字", "n".repeat(70), "e"];
const usual = ["/a/b/c", "/b/a", "/e", "/e/a", "/é", "/é/漢字", `/a/${"n".repeat(70)}`];
const system = [
  "/zookeeper",
  "/zookeeper/config",
  "/zookeeper/quota",
  "/zookeeper/x",
  "/zookeeper/quota/a",
  "/zookeeper/quota/a/zookeeper_limits",
  "/zookeeper/quota/a/zookeeper_stats",
  "/zookeeper/quota/zookeeper_limits",
  "/zookeeper/quota/a/b",
  "/zookeeper/quota/a/b/zookeeper_limits",
  "/zookeeper/quota/a/b/zookeeper_stats",
];
const odd = [
  "",
  " /a",
  "/",
  "a",
  "a/b",
  "/a/",
  "//a",
  "/a//b",
  "/.",
  "/a/..",
  "/../a",
  "/a/./b",
  "/a\0b",
  "/\uf8ff",
  "/😀",
  "/a\u0085",
];

const path: fc.Arbitrary<string> = fc.oneof(
  { weight: 16, arbitrary: fc.constantFrom("/a", "/b", "/c", "/a/b", "/a/c") },
  { weight: 8, arbitrary: fc.constantFrom(...usual) },
  {
    weight: 3,
    arbitrary: fc.array(fc.constantFrom(...names), { minLength: 1, maxLength: 4 }).map((all) => `/${all.join("/")}`),
  },
  { weight: 3, arbitrary: fc.constantFrom(...system) },
  { weight: 2, arbitrary: fc.constantFrom(...odd) },
  {
    weight: 2,
    arbitrary: fc.tuple(fc.constantFrom("/a/", "/", "/b/s"), fc.nat(6)).map(([base, n]) => `${base}000000000${n}`),
  },
);
const pathOrNull = fc.oneof({ weight: 60, arbitrary: path }, { weight: 1, arbitrary: fc.constant(null) });
const data: fc.Arbitrary<string | null> = fc.oneof(
  fc.constantFrom(null, "", "x", "some data", "count=3,bytes=9", "count=4,bytes=20=;byteHardLimit=12;countHardLimit=3"),
  fc.nat(700).map((length) => "d".repeat(length)),
);
const acl: fc.Arbitrary<readonly Acl[] | null> = fc.oneof(
  { weight: 3, arbitrary: fc.constant(openAcl) },
  { weight: 2, arbitrary: fc.constantFrom(...lists) },
);
const version = fc.oneof({ weight: 3, arbitrary: fc.constant(-1) }, { weight: 2, arbitrary: fc.nat(3) });

const create: fc.Arbitrary<CreateRequest> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      op: fc.constant("create" as const),
      type: fc.constantFrom(1 as const, 15 as const),
      path: pathOrNull,
      data,
      acl,
      flags: fc.constantFrom(0, 0, 0, 1, 1, 2, 3),
      ttlMs: fc.constant(0n),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      op: fc.constant("create" as const),
      type: fc.constantFrom(1 as const, 15 as const, 19 as const, 21 as const),
      path,
      data,
      acl: fc.constant(openAcl),
      flags: fc.integer({ min: -1, max: 7 }),
      ttlMs: fc.constantFrom(1n, 5_000n, 0xffffffffffn, 0n, -1n, 0x10000000000n),
    }),
  },
);

const write: fc.Arbitrary<WriteRequest> = fc.oneof(
  { weight: 5, arbitrary: create },
  {
    weight: 4,
    arbitrary: fc.constantFrom(...["/a", "/b", "/c", "/a/b", "/a/c", "/a/b/c"].map((at) => znode(at, "x", 0))),
  },
  { weight: 3, arbitrary: fc.record({ op: fc.constant("delete" as const), path: pathOrNull, version }) },
  { weight: 3, arbitrary: fc.record({ op: fc.constant("setData" as const), path, data, version }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant("setACL" as const), path, acl, version }) },
);

/** Some data is there for its sake: limits and totals of quotas. */
const quota: fc.Arbitrary<WriteRequest> = fc
  .tuple(fc.constantFrom(...system.slice(4)), data, fc.boolean())
  .map(([at, text, isDelete]) =>
    isDelete
      ? { op: "delete", path: at, version: -1 }
      : { op: "create", type: 1, path: at, data: text, acl: openAcl, flags: 0, ttlMs: 0n },
  );

const part: fc.Arbitrary<WriteRequest> = fc.oneof(
  { weight: 30, arbitrary: write.filter((request) => request.op !== "setACL") },
  { weight: 8, arbitrary: fc.record({ op: fc.constant("check" as const), path, version }) },
  { weight: 1, arbitrary: write },
);

const isWatched = fc.boolean();
const watchPaths = fc.array(path, { maxLength: 2 });
const read: fc.Arbitrary<ReadRequest> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      op: fc.constantFrom("exists" as const, "getData" as const, "getChildren" as const, "getChildren2" as const),
      path,
      watch: isWatched,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      op: fc.constantFrom(
        "getACL" as const,
        "getAllChildrenNumber" as const,
        "getEphemerals" as const,
        "sync" as const,
      ),
      path: path.filter((each) => !/[\ud800-\udfff]/.test(each)),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      op: fc.constant("multiRead" as const),
      items: fc.array(fc.record({ op: fc.constantFrom("getData" as const, "getChildren" as const), path }), {
        maxLength: 3,
      }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ op: fc.constantFrom("whoAmI" as const, "ping" as const) }) },
  {
    weight: 3,
    arbitrary: fc.record({ op: fc.constant("addWatch" as const), path, mode: fc.constantFrom(0, 0, 1, 1, 1, 2) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      op: fc.constantFrom("checkWatches" as const, "removeWatches" as const),
      path,
      type: fc.integer({ min: 0, max: 6 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      op: fc.constantFrom("setWatches" as const, "setWatches2" as const),
      zxid: fc.bigInt({ min: 0n, max: 60n }),
      data: watchPaths,
      exist: watchPaths,
      child: watchPaths,
      persistent: watchPaths,
      recursive: watchPaths,
    }),
  },
);

const faulty: fc.Arbitrary<Request> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      op: fc.constant("broken" as const),
      type: fc.constantFrom(1, 2, 3, 4, 5, 7, 12, 14, 15, 16, 17, 21, 22, 101, 106),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ op: fc.constant("unknown" as const), type: fc.constantFrom(0, -1, -10, 13, 42) }),
  },
  { weight: 1, arbitrary: fc.record({ op: fc.constant("deleteContainer" as const), path }) },
  { weight: 1, arbitrary: fc.constant({ op: "reconfig" as const }) },
);

const request: fc.Arbitrary<Request> = fc.oneof(
  { weight: 40, arbitrary: write },
  { weight: 3, arbitrary: quota },
  { weight: 9, arbitrary: fc.record({ op: fc.constant("multi" as const), parts: fc.array(part, { maxLength: 5 }) }) },
  { weight: 36, arbitrary: read },
  {
    weight: 1,
    arbitrary: fc.record({ op: fc.constant("auth" as const), credentials: fc.constantFrom(...credentials) }),
  },
  { weight: 1, arbitrary: faulty },
);

const client = fc.nat(clientCount - 1);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 120, arbitrary: fc.record({ do: fc.constant("send" as const), client, request }) },
  { weight: 25, arbitrary: fc.record({ do: fc.constant("durable" as const), count: fc.integer({ min: 1, max: 9 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom("drop" as const, "expire" as const), client }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("send" as const),
      client,
      request: fc.constant({ op: "closeSession" as const }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("open" as const), client }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("renew" as const),
      client,
      isPasswordRight: fc.constantFrom(true, true, true, false),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("reap" as const),
      path: path.filter((each) => each.includes("/") && !/[\0\ud800-\udfff]/.test(each)),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("wait" as const), ms: fc.nat(500) }) },
);

const quotaText = "count=6,bytes=60=;byteHardLimit=60;countHardLimit=6";
/** What is there when a conversation begins, in part. */
const furniture: readonly CreateRequest[] = [
  ...["/a", "/b", "/c", "/a/b", "/é"].map((at) => znode(at, "x", 0)),
  ...["/a/c", "/e"].map((at) => znode(at, null, 1)),
  ...["", "/zookeeper_limits", "/zookeeper_stats"].map((end) => znode(`/zookeeper/quota/a${end}`, quotaText, 0)),
];

function znode(at: string, text: string | null, flags: number): CreateRequest {
  return { op: "create", type: 1, path: at, data: text, acl: openAcl, flags, ttlMs: 0n };
}

/** A conversation of up to so many steps, which begins with everybody connected. */
export function conversation(stepsMax: number): fc.Arbitrary<readonly Step[]> {
  const connecting: Step[] = addresses.map((_, index) => ({ do: "open", client: index }));
  return fc
    .tuple(fc.subarray([...furniture]), fc.array(step, { maxLength: stepsMax, size: "max" }))
    .map(([present, steps]) => [
      ...connecting,
      { do: "durable", count: connecting.length },
      ...present.map((each) => ({ do: "send", client: 0, request: each }) as const),
      { do: "durable", count: present.length },
      ...steps,
    ]);
}

const twigs = [0, 1, 2, 3].flatMap((x) => [`/t${x}`, ...[0, 1, 2, 3].map((y) => `/t${x}/u${y}`)]);
const leaves = twigs.flatMap((twig) => [0, 1].map((z) => `${twig}/v${z}`));
const bushyWrite: fc.Arbitrary<WriteRequest> = fc.oneof(
  fc
    .tuple(fc.constantFrom(...leaves, ...twigs), data, acl, fc.constantFrom(0, 0, 1, 2, 3))
    .map(([at, text, list, flags]) => ({
      ...znode(at, text, flags),
      acl: list,
    })),
  fc.record({
    op: fc.constant("delete" as const),
    path: fc.constantFrom(...leaves, ...twigs),
    version: fc.constant(-1),
  }),
  fc.record({
    op: fc.constant("setData" as const),
    path: fc.constantFrom(...leaves, ...twigs),
    data,
    version: fc.constant(-1),
  }),
  fc.record({
    op: fc.constant("setACL" as const),
    path: fc.constantFrom(...leaves, ...twigs),
    acl,
    version: fc.constant(-1),
  }),
);

/** As {@link conversation}, over a tree of some fifty znodes whose leaves come and go. */
export function bushyConversation(stepsMax: number): fc.Arbitrary<readonly Step[]> {
  const planting: Step[] = [...twigs, ...leaves.filter((_, i) => i % 3 === 0)].map((at, i) => ({
    do: "send",
    client: i % clientCount,
    request: znode(at, at, at.includes("/v") && i % 2 === 0 ? 1 : 0),
  }));
  const bushyStep = fc.record({ do: fc.constant("send" as const), client, request: bushyWrite });
  return fc
    .tuple(conversation(stepsMax), fc.array(bushyStep, { maxLength: stepsMax, size: "max" }))
    .map(([steps, more]) => {
      const start = addresses.length + 1;
      const mixed = steps.slice(start).flatMap((each, i) => (i < more.length ? [each, more[i]!] : [each]));
      return [...steps.slice(0, start), ...planting, { do: "durable", count: planting.length } as const, ...mixed];
    });
}
