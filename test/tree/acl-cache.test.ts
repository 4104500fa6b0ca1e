/** Lists are stored once, are there as long as somebody uses them, and no longer. */

import { describe, expect, test } from "vitest";
import { AclCache, openAclId } from "#tree/acl-cache.ts";
import { TxnApplier } from "#tree/apply-txn.ts";
import { DataTree } from "#tree/data-tree.ts";
import { PipelineHarness } from "../support/pipeline-harness.ts";
import type { Request } from "../support/requests.ts";
import { expectAclsCounted } from "../support/tree-dump.ts";
import { Bytes } from "../support/bytes.ts";
import { type Acl, openAcl } from "../support/wire-frames.ts";

const readOnly: readonly Acl[] = [{ perms: 1, scheme: "world", id: "anyone" }];
const ofAnn: readonly Acl[] = [{ perms: 31, scheme: "ip", id: "10.0.0.1" }];

function bytesOf(acl: readonly Acl[]): Buffer {
  return new Bytes().acl(acl).build();
}

function intern(cache: AclCache, acl: readonly Acl[]): ReturnType<AclCache["intern"]> {
  const bytes = Buffer.concat([Buffer.from([9]), bytesOf(acl), Buffer.from([9])]);
  return cache.intern(bytes, 1, bytes.length - 1);
}

describe("the cache", () => {
  test("gives equal lists one entry, decoded and as bytes, and the open list the number -1", () => {
    const cache = new AclCache();
    const entry = intern(cache, readOnly);
    expect(intern(cache, readOnly)).toBe(entry);
    expect(entry.list).toEqual(readOnly);
    expect(entry.bytes).toEqual(bytesOf(readOnly));
    expect(cache.get(entry.id)).toBe(entry);
    expect(intern(cache, openAcl)).toBe(cache.open);
    expect(cache.open.id).toBe(openAclId);
    expect(cache.size).toBe(1);
  });

  test("tells lists apart by the order of their entries", () => {
    const cache = new AclCache();
    const both = [...readOnly, ...ofAnn];
    expect(intern(cache, both)).not.toBe(intern(cache, both.toReversed()));
  });

  test("drops a list when its last user is gone, and never gives its number to another", () => {
    const cache = new AclCache();
    const entry = intern(cache, readOnly);
    cache.acquire(entry);
    cache.acquire(entry);
    cache.release(entry);
    expect(cache.size).toBe(1);
    cache.release(entry);
    expect(cache.size).toBe(0);
    expect(intern(cache, readOnly).id).toBeGreaterThan(entry.id);
  });

  test("keeps the open list, whoever lets go of it", () => {
    const cache = new AclCache();
    cache.release(cache.open);
    cache.dropIfUnused(cache.open);
    expect(cache.get(openAclId)).toBe(cache.open);
    expect(intern(cache, openAcl)).toBe(cache.open);
  });

  test("takes lists of a snapshot under their numbers, and new ones get higher numbers", () => {
    const cache = new AclCache();
    const bytes = bytesOf(readOnly);
    cache.restore(7, bytes, 0, bytes.length);
    expect(intern(cache, readOnly).id).toBe(7);
    expect(intern(cache, ofAnn).id).toBeGreaterThan(7);
  });

  test("begins again at the first free number when the last is taken", () => {
    const cache = new AclCache();
    const bytes = bytesOf(readOnly);
    cache.restore(1, bytes, 0, bytes.length);
    cache.restored(0x7fffffff);
    expect(intern(cache, ofAnn).id).toBe(2);
  });

  test("gives a number that the snapshot's table lacks a list that nobody matches", () => {
    const cache = new AclCache();
    const stranger = cache.restored(12);
    expect(cache.restored(12)).toBe(stranger);
    expect(stranger.list).toEqual([{ perms: 31, scheme: "world", id: "nobody" }]);
    expect(intern(cache, readOnly).id).toBeGreaterThan(12);
    cache.acquire(stranger);
    cache.release(stranger);
    expect(cache.size).toBe(1);
  });

  test("drops the lists of a table that no znode came to use", () => {
    const cache = new AclCache();
    const [used, unused] = [bytesOf(readOnly), bytesOf(ofAnn)];
    cache.restore(1, used, 0, used.length);
    cache.restore(2, unused, 0, unused.length);
    cache.acquire(cache.restored(1));
    cache.dropUnused();
    expect([...cache.entries()].map(({ id }) => id)).toEqual([1]);
  });
});

function create(path: string, acl: readonly Acl[] = readOnly): Request {
  return { op: "create", type: 1, path, data: "", acl, flags: 0, ttlMs: 0n };
}

describe("writes that fail leave no list behind", () => {
  test.each<[string, Request]>([
    ["a create without a parent", create("/none/a", ofAnn)],
    ["a create of what exists", create("/zookeeper", ofAnn)],
    ["a create with an illegal name", create("/a/..", ofAnn)],
    ["a setACL on nothing", { op: "setACL", path: "/none", acl: ofAnn, version: -1 }],
    ["a setACL with another version", { op: "setACL", path: "/", acl: ofAnn, version: 5 }],
    [
      "a multi that fails after its first part",
      {
        op: "multi",
        parts: [create("/a", ofAnn) as Extract<Request, { op: "create" }>, { op: "check", path: "/none", version: -1 }],
      },
    ],
  ])("%s", (_what, request) => {
    const harness = new PipelineHarness();
    const connection = harness.connected();
    const { acls } = harness.database.tree;
    const before = acls.size;
    harness.request(connection, request);
    harness.durable();
    expect(connection.transcript).toHaveLength(2);
    expect(acls.size).toBe(before);
    expectAclsCounted(harness.database.tree);
  });

  test("a list in flight is there until its znode, created and deleted in one batch, is gone", () => {
    const harness = new PipelineHarness();
    const connection = harness.connected();
    for (const request of [create("/a", ofAnn), { op: "delete", path: "/a", version: -1 } as const])
      harness.request(connection, request);
    harness.durable();
    expect(connection.transcript.slice(1)).toEqual(["1 zxid=2 err=0 /a", "2 zxid=3 err=0"]);
    expectAclsCounted(harness.database.tree);
  });
});

function header(type: number): Bytes {
  return new Bytes().long(1n).int(1).long(9n).long(1000n).int(type);
}

describe("a replayed log leaves no list behind", () => {
  test.each([
    ["a create whose parent is missing", header(1).string("/none/a").buffer(null).acl(ofAnn).bool(false).int(1)],
    ["a setACL of a znode that is missing", header(7).string("/none").acl(ofAnn).int(1)],
    ["a time to live out of range", header(21).string("/a").buffer(null).acl(ofAnn).int(1).long(-5n)],
  ])("%s", (_what, txn) => {
    const tree = new DataTree({
      hashSeed: 1,
      digestEnabled: false,
      extendedTypesEnabled: true,
      emulate353TtlNodes: false,
    });
    const applier = new TxnApplier(tree, { sessionCreated: () => {}, sessionClosed: () => {} });
    const bytes = txn.build();
    applier.apply(bytes, 0, bytes.length);
    expect(applier.results[0]!.error).not.toBe(0);
    expect(tree.acls.size).toBe(0);
  });
});
