/** Session ids and passwords. */

import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { hexOfHalves, highOf, longOf, lowOf } from "#base/zxid.ts";
import { isPassword, writePassword } from "#session/password.ts";
import { SessionIds } from "#session/session-id.ts";

function firstId(serverId: number, clockMs: number): string {
  const ids = new SessionIds(serverId, clockMs);
  ids.next();
  return hexOfHalves(ids.idHigh, ids.idLow);
}

describe("session ids", () => {
  test.each([
    [1, 0x218ae0, "10000218ae00000"],
    [5, 1_760_000_000_123, "599c82cc07b0000"],
    [255, 2 ** 40 - 1, "ffffffffffff0000"],
    [0x101, 0, "100000000000000"],
  ])("server %i starts at clock %i with %s", (serverId, clockMs, id) => {
    expect(firstId(serverId, clockMs)).toBe(id);
  });

  test("the first id is (clock << 24 >>> 8) | serverId << 56", () => {
    fc.assert(
      fc.property(fc.nat(255), fc.nat(2 ** 53 - 1), (serverId, clockMs) => {
        fc.pre(serverId !== 128 || clockMs % 2 ** 40 !== 0);
        const clock = BigInt.asUintN(64, BigInt(clockMs) << 24n) >> 8n;
        expect(firstId(serverId, clockMs)).toBe((clock | (BigInt(serverId) << 56n)).toString(16));
      }),
    );
  });

  test("the owner of containers is never a session", () => {
    expect(firstId(128, 0)).toBe("8000000000000001");
  });

  test("every next id is one higher, across the boundary of the halves", () => {
    const ids = new SessionIds(1, 0xffff);
    ids.next();
    expect(longOf(ids.idHigh, ids.idLow)).toBe(0x0100_0000_ffff_0000n);
    for (let i = 1; i <= 0x10000; i++) ids.next();
    expect(longOf(ids.idHigh, ids.idLow)).toBe(0x0100_0001_0000_0000n);
  });
});

function passwordOf(id: bigint): string {
  const target = Buffer.alloc(20, 0xee);
  writePassword(highOf(id), lowOf(id), target, 2);
  expect([target[1], target[18]]).toEqual([0xee, 0xee]);
  return target.toString("hex", 2, 18);
}

/** The algorithm as java.util.Random documents it, on one big number. */
function passwordByTwin(id: bigint): string {
  const mask = 2n ** 48n - 1n;
  let seed = (id ^ 0xb3415c00n ^ 0x5deece66dn) & mask;
  const words = Array.from({ length: 4 }, () => {
    seed = (seed * 0x5deece66dn + 0xbn) & mask;
    return Number((seed >> 16n) & 0xffffffffn);
  });
  const bytes = Buffer.alloc(16);
  words.forEach((word, i) => bytes.writeUInt32LE(word, i * 4));
  return bytes.toString("hex");
}

describe("session passwords", () => {
  test.each([
    [0x0000000000000001n, "054cc74a37327db215e702e20c73f005"],
    [0xff00000000000001n, "054cc74a37327db215e702e20c73f005"],
    [0x0100000000000000n, "f22acd4a97e69d6d20a49bb638eadb38"],
    [0x010000218ae00001n, "25d5f37ed75426163565a2f1ace6a9fd"],
    [0x0100001e6c6f0001n, "f6365e70d4c0ffdeeead76c07113ef3f"],
    [0xffffffffffffffffn, "20f62cb5648dc2d771471c8a2486a9ee"],
    [0x010000218ae00000n, "12b4f97e370947d140223bc6d85d9530"],
    [0x123456789abcdef0n, "88b9f5cf1eb77589c42b0fe23e96263d"],
  ])("session %s has the password that Java gives it", (id, password) => {
    expect(passwordOf(id)).toBe(password);
  });

  test("agrees with the algorithm done on big numbers", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (id) => {
        expect(passwordOf(id)).toBe(passwordByTwin(BigInt.asUintN(64, id)));
      }),
    );
  });

  test("a session is known by its own password only", () => {
    const password = Buffer.from("054cc74a37327db215e702e20c73f005", "hex");
    expect(isPassword(0, 1, password)).toBe(true);
    expect(isPassword(0, 2, password)).toBe(false);
    for (let i = 0; i < 16; i++) {
      const wrong = Buffer.from(password);
      wrong[i]! ^= 0x80;
      expect(isPassword(0, 1, wrong)).toBe(false);
    }
  });

  test("a password of another length, or none, is wrong", () => {
    const password = Buffer.from("054cc74a37327db215e702e20c73f00500", "hex");
    expect(isPassword(0, 1, password)).toBe(false);
    expect(isPassword(0, 1, password.subarray(0, 15))).toBe(false);
    expect(isPassword(0, 1, null)).toBe(false);
  });

  test("session 0 has no password", () => {
    const password = Buffer.alloc(16);
    writePassword(0, 0, password, 0);
    expect(isPassword(0, 0, password)).toBe(false);
  });
});
