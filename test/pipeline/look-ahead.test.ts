/** The glance changes nothing and believes nothing; that it makes requests faster is for the benchmark to show. */

import { array, assert, constantFrom, nat, oneof, property, tuple, uint8Array } from "fast-check";
import { describe, expect, test } from "vitest";
import { JuteWriter } from "#jute/writer.ts";
import { LookAhead } from "#pipeline/look-ahead.ts";
import { DataTree } from "#tree/data-tree.ts";
import { loadBody } from "../support/snapshot-body.ts";
import { body, op, requestFrame } from "../support/wire-frames.ts";

/** A tree with so many children of the root, /0 and so on. */
function treeOf(count: number): DataTree {
  const out = new JuteWriter();
  const stat = Buffer.alloc(60);
  out.writeInt(0);
  out.writeInt(0);
  for (const path of ["", ...Array.from({ length: count }, (_, index) => `/${index}`)]) {
    out.writeString(path);
    out.writeBuffer(Buffer.from(`data of ${path}`));
    out.writeLong(-1, -1);
    out.writeRaw(stat, 0, stat.length);
  }
  out.writeString("/");
  const tree = new DataTree({
    hashSeed: 7,
    digestEnabled: true,
    extendedTypesEnabled: true,
    emulate353TtlNodes: false,
  });
  loadBody(tree, out.toBytes());
  return tree;
}

const large = new LookAhead(treeOf(20_000));

function over(lookAhead: LookAhead, frames: readonly Buffer[], cut = 0): number {
  const bytes = Buffer.concat([Buffer.from("???"), ...frames, Buffer.from("behind it")]);
  return lookAhead.over(bytes, 3, bytes.length - 9 - cut);
}

describe("a glance at a chunk", () => {
  const reads = ["/1", "/19999", "/20000", "/7"].map((path, xid) => requestFrame(xid, op.getData, body.watched(path)));

  test("finds the znodes that requests name", () => {
    expect(over(large, reads)).toBe(3);
    const write = requestFrame(5, op.setData, body.setData("/12", Buffer.alloc(700)));
    expect(over(large, [...reads, write])).toBe(4);
    expect(over(large, [requestFrame(6, op.ping, Buffer.alloc(0)), ...reads])).toBe(3);
  });

  test("leaves out what has not come in whole, and a request that is alone", () => {
    expect(over(large, reads, 1)).toBe(2);
    expect(over(large, reads.slice(0, 1))).toBe(0);
    expect(over(large, [])).toBe(0);
  });

  test("leaves small trees alone", () => {
    expect(over(new LookAhead(treeOf(19_000)), reads)).toBe(0);
  });

  test("stops at sixty-four", () => {
    expect(
      over(
        large,
        Array.from({ length: 100 }, () => reads[0]!),
      ),
    ).toBe(64);
  });

  test("takes any bytes", () => {
    const frame = oneof(
      uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
      constantFrom(...reads),
      tuple(constantFrom(...reads), nat(30), nat(255)).map(([read, at, value]) => {
        const bytes = Buffer.from(read);
        bytes[at % bytes.length] = value;
        return bytes;
      }),
    );
    assert(
      property(array(frame, { maxLength: 8 }), nat(10), (frames, cut) => {
        const total = frames.reduce((sum, { length }) => sum + length, 0);
        expect(over(large, frames, Math.min(cut, total))).toBeLessThanOrEqual(frames.length);
      }),
      { numRuns: 500 },
    );
  });
});
