/** What a learner takes for a transaction: just what can be applied. Any bytes at all are fuzzed (test/fuzz/targets/txns.ts). */

import { describe, expect, test } from "vitest";
import { MarshallingError } from "#jute/reader.ts";
import { OpCode } from "#protocol/op-code.ts";
import { txnBodyEnd, txnDigestStart } from "#protocol/txn-body.ts";
import { Bytes } from "../support/bytes.ts";

function txn(type: number, body: Bytes = new Bytes()): Buffer {
  return new Bytes().long(1n).int(1).long(5n).long(0n).int(type).raw(body.build()).build();
}

function check(bytes: Buffer): void {
  // In the middle of others, which do not count.
  const whole = Buffer.concat([Buffer.alloc(3, 0xdb), bytes, Buffer.alloc(40, 0xdb)]);
  txnBodyEnd(whole, 3, 3 + bytes.length);
}

const setData = new Bytes().string("/a").string("x").int(1);

describe("a transaction", () => {
  test("may have a digest behind its body, or none", () => {
    check(txn(OpCode.setData, setData));
    check(txn(OpCode.setData, new Bytes().raw(setData.build()).int(2).long(7n)));
    check(txn(OpCode.closeSession));
  });

  test.each([
    ["a setData", OpCode.setData, setData.build()],
    ["a createSession", OpCode.createSession, new Bytes().int(4000).build()],
    ["a closeSession", OpCode.closeSession, new Bytes().strings(["/a", "/b"]).build()],
    ["a closeSession of before 3.6", OpCode.closeSession, Buffer.alloc(0)],
    ["a multi", OpCode.multi, new Bytes().int(1).int(OpCode.setData).buffer(setData.build()).build()],
  ])("says where its digest begins, if it has one: %s", (_, type, body) => {
    const plain = txn(type, new Bytes().raw(body));
    const whole = txn(type, new Bytes().raw(body).int(2).long(7n));
    expect(txnDigestStart(whole, 0, whole.length)).toBe(plain.length);
    expect(txnDigestStart(plain, 0, plain.length)).toBe(plain.length);
  });

  test.each([
    ["is shorter than a header", txn(OpCode.closeSession).subarray(0, 31)],
    ["is of no type", txn(4711)],
    ["is of a type that changes nothing", txn(OpCode.getData, new Bytes().string("/a").bool(true))],
    ["is cut short", txn(OpCode.setData, setData).subarray(0, -1)],
    ["has no path", txn(OpCode.delete, new Bytes().string(null))],
    ["has a part of no type", txn(OpCode.multi, new Bytes().int(1).int(4711).string("/a"))],
    ["has fewer parts than it says", txn(OpCode.multi, new Bytes().int(2).int(OpCode.delete).buffer(setData.build()))],
  ])("that %s is none", (_, bytes) => {
    expect(() => check(bytes)).toThrow(MarshallingError);
  });

  test("of several parts of which one is an error may have others of any kind: they are not applied", () => {
    check(
      txn(
        OpCode.multi,
        new Bytes().int(2).int(4711).string("?").int(OpCode.error).buffer(new Bytes().int(-101).build()),
      ),
    );
  });
});
