/** Records: their Stat in the wire's order, their name and data, their place among their siblings. */

import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { JuteWriter } from "#jute/writer.ts";
import { Field, rootId, StatField, ZnodeFlag, ZnodeKind, ZnodeStore } from "#tree/znode-store.ts";
import { Bytes } from "../support/bytes.ts";

function newStore(): ZnodeStore {
  const store = new ZnodeStore();
  expect(store.allocate()).toBe(rootId);
  return store;
}

function addChild(store: ZnodeStore, parent: number, name: string, data: Buffer | null = Buffer.alloc(0)): number {
  const id = store.allocate();
  const bytes = Buffer.from(`/${name}`);
  store.setContent(id, bytes, 1, bytes.length, data ?? bytes, data === null ? -1 : 0, data?.length ?? -1);
  store.linkChild(parent, id);
  return id;
}

function childrenOf(store: ZnodeStore, parent: number): number[] {
  const ids: number[] = [];
  for (let at = store.get(parent, Field.firstChild); at !== 0; at = store.get(at, Field.nextSibling)) ids.push(at);
  return ids;
}

function written(write: (out: JuteWriter) => void): Buffer {
  const out = new JuteWriter(1);
  out.writeByte(7);
  write(out);
  return out.toBytes().subarray(1);
}

/** A record with a different value in every field of its Stat. */
function setEveryField(store: ZnodeStore, id: number): void {
  store.setStatLong(id, StatField.czxid, 0x01020304, 0x05060708);
  store.setStatLong(id, StatField.mzxid, 0x11121314, 0x15161718);
  store.setStatLong(id, StatField.ctime, 0x21222324, 0x25262728);
  store.setStatLong(id, StatField.mtime, 0x31323334, 0x35363738);
  store.setStat(id, StatField.version, 0x41424344);
  store.setStat(id, StatField.cversion, 0x51525354);
  store.setStat(id, StatField.aversion, 0x61626364);
  store.setStatLong(id, StatField.ephemeralOwner, -0x0e0d0c0c, 0x75767778);
  store.setStat(id, StatField.numChildren, 3);
  store.setStatLong(id, StatField.pzxid, 0x0a0b0c0d, 0x0e0f1011);
  store.setStat(id, StatField.storedCversion, 0x71727374);
}

const czxid = "0102030405060708";
const mzxid = "1112131415161718";
const ctime = "2122232425262728";
const mtime = "3132333435363738";
const owner = "f1f2f3f475767778";
const pzxid = "0a0b0c0d0e0f1011";

describe("a Stat", () => {
  test("is on the wire what it is in the record", () => {
    const store = newStore();
    const id = addChild(store, rootId, "a", Buffer.from("four"));
    setEveryField(store, id);
    const expected = `${czxid}${mzxid}${ctime}${mtime} 41424344 51525354 61626364 ${owner} 00000004 00000003 ${pzxid}`;
    expect(written((out) => store.copyStat(id, out))).toEqual(new Bytes().hex(expected).build());
  });

  test.each([
    ["a container", ZnodeKind.container],
    ["a TTL znode", ZnodeKind.ttl],
  ])("of %s shows no owner", (_what, kind) => {
    const store = newStore();
    const id = addChild(store, rootId, "a");
    setEveryField(store, id);
    store.set(id, Field.flags, kind);
    const stat = written((out) => store.copyStat(id, out));
    expect(stat.readBigInt64BE(StatField.ephemeralOwner)).toBe(0n);
    expect(stat.readBigInt64BE(StatField.pzxid).toString(16)).toBe("a0b0c0d0e0f1011");
  });

  test("keeps in a snapshot the number of creates and the owner as stored", () => {
    const store = newStore();
    const id = addChild(store, rootId, "a");
    setEveryField(store, id);
    store.set(id, Field.flags, ZnodeKind.ttl);
    const expected = `${czxid}${mzxid}${ctime}${mtime} 41424344 71727374 61626364 ${owner} ${pzxid}`;
    expect(written((out) => store.copyStatPersisted(id, out))).toEqual(new Bytes().hex(expected).build());
  });

  test("enters the digest in the digest's own order", () => {
    const store = newStore();
    const id = addChild(store, rootId, "a");
    setEveryField(store, id);
    const target = Buffer.alloc(60);
    store.copyDigestStat(id, new DataView(target.buffer, target.byteOffset, 60));
    const expected = `${czxid}${mzxid}${pzxid}${ctime}${mtime} 41424344 71727374 61626364 ${owner}`;
    expect(target).toEqual(new Bytes().hex(expected).build());
  });
});

describe("data", () => {
  test("is what was set last, null or not, and the name stays", () => {
    const data = fc.option(
      fc.oneof(
        fc.uint8Array({ maxLength: 40 }),
        fc.integer({ min: 0, max: 20_000 }).map((n) => new Uint8Array(n).fill(n)),
      ),
    );
    fc.assert(
      fc.property(
        fc.string({ minLength: 1, maxLength: 30 }),
        fc.array(data, { minLength: 1, maxLength: 8 }),
        (name, all) => {
          const store = newStore();
          const id = addChild(store, rootId, name, null);
          for (const value of all) {
            store.setData(id, value ?? new Uint8Array(3), value === null ? -1 : 0, value?.length ?? 0);
            expect(written((out) => store.copyData(id, out))).toEqual(
              value === null ? Buffer.from([255, 255, 255, 255]) : lengthAnd(value),
            );
            expect(store.hasFlag(id, ZnodeFlag.nullData)).toBe(value === null);
            expect(store.stat(id, StatField.dataLength)).toBe(value?.length ?? 0);
            expect(written((out) => void store.copyPath(id, out)).toString()).toBe(Buffer.from(`/${name}`).toString());
          }
        },
      ),
      { seed: 1, numRuns: 100 },
    );
  });

  test("of the root, which has no name, grows and goes", () => {
    const store = newStore();
    store.setData(rootId, Buffer.from("root"), 0, 4);
    expect(written((out) => store.copyData(rootId, out))).toEqual(lengthAnd(Buffer.from("root")));
    store.setData(rootId, Buffer.alloc(0), 0, 0);
    expect(written((out) => store.copyData(rootId, out))).toEqual(lengthAnd(Buffer.alloc(0)));
    expect(written((out) => void store.copyPath(rootId, out))).toHaveLength(0);
  });
});

function lengthAnd(bytes: Uint8Array): Buffer {
  return new Bytes().buffer(bytes).build();
}

describe("siblings", () => {
  test("stay in the order of their creation, whichever are unlinked", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(20), { maxLength: 60 }), (moves) => {
        const store = newStore();
        const expected: number[] = [];
        for (const move of moves) {
          if (move < expected.length) {
            const [id] = expected.splice(move, 1);
            store.unlinkChild(id!);
            store.release(id!);
          } else {
            expected.push(addChild(store, rootId, `n${move}`));
          }
          expect(childrenOf(store, rootId)).toEqual(expected);
        }
        expect(store.count).toBe(expected.length + 1);
      }),
      { seed: 1, numRuns: 200 },
    );
  });
});

describe("records", () => {
  test("that come out again are zeroed", () => {
    const store = newStore();
    const id = addChild(store, rootId, "a", Buffer.from("data"));
    setEveryField(store, id);
    store.unlinkChild(id);
    store.release(id);
    expect(store.allocate()).toBe(id);
    expect(written((out) => store.copyStat(id, out))).toEqual(Buffer.alloc(68));
    for (const field of Object.values(Field)) expect(store.get(id, field)).toBe(0);
  });

  test("by the thousand keep their names", () => {
    const store = newStore();
    const ids = Array.from({ length: 9_000 }, (_, i) => addChild(store, rootId, `node-${i}`));
    const wrong = ids.filter((id, i) => {
      const path = Buffer.from(`/node-${i}`);
      return !store.hasPath(id, path, 0, path.length);
    });
    expect(wrong).toEqual([]);
    expect(store.count).toBe(9_001);
    for (const id of ids.toReversed()) {
      store.unlinkChild(id);
      store.release(id);
    }
    expect(store.count).toBe(1);
    expect(childrenOf(store, rootId)).toEqual([]);
  });

  test("have the path that their names and ancestors spell, and no other", () => {
    const store = newStore();
    const a = addChild(store, rootId, "a");
    const b = addChild(store, a, "bc");
    const isPath = (id: number, path: string): boolean =>
      store.hasPath(id, Buffer.from(`x${path}`), 1, path.length + 1);
    expect(
      ["/a/bc", "/a/b", "/a/bcd", "/a", "a/bc", "/a/a/bc", "//a/bc", "/abc", ""].filter((path) => isPath(b, path)),
    ).toEqual(["/a/bc"]);
    expect(isPath(rootId, "")).toBe(true);
  });
});
