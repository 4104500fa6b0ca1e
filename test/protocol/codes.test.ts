/** The tables of operations and refusals, and what is said about their members. */

import { describe, expect, test } from "vitest";
import { ErrorCode, errorName } from "#protocol/error-code.ts";
import { isClientRequest, isWriteOp, OpCode, opName, opWord } from "#protocol/op-code.ts";

describe("operation codes", () => {
  test("no two operations share a code", () => {
    const codes = Object.values(OpCode);
    expect(new Set(codes).size).toBe(codes.length);
  });

  test.each([
    [1, "CREA"],
    [2, "DELE"],
    [4, "GETD"],
    [8, "GETC"],
    [12, "GETC"],
    [13, "CHEC"],
    [15, "CREA"],
    [19, "CREA"],
    [20, "DELE"],
    [21, "CREA"],
    [22, "MLTR"],
    [101, "SETW"],
    [103, "GETE"],
    [104, "GETACN"],
    [105, "STW2"],
    [106, "ADDW"],
    [107, "HOMI"],
    [-10, "SESS"],
    [-11, "CLOS"],
    [0, "NA"],
    [100, "NA"],
    [102, "NA"],
    [10, "NA"],
    [-1, "NA"],
  ])("connection statistics call operation %i %s", (code, tag) => {
    expect(opName(code)).toBe(tag);
  });

  test("log lines use ZooKeeper's words, and a number for what it has no word for", () => {
    expect([opWord(6), opWord(21), opWord(-11), opWord(10)]).toEqual([
      "getACL",
      "createTTL",
      "closeSession",
      "unknown 10",
    ]);
  });

  test("a client cannot ask for what is for servers only, nor for what does not exist", () => {
    const refused = [0, 13, -1, -10, 20, 10, 23, 99, 108, -2, 2 ** 31 - 1];
    expect(refused.filter(isClientRequest)).toEqual([]);
  });

  test("a client can ask for every other operation", () => {
    const served = [1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 14, 15, 16, 17, 18, 19, 21, 22];
    served.push(100, 101, 102, 103, 104, 105, 106, 107, -11);
    expect(served.filter((code) => !isClientRequest(code))).toEqual([]);
  });

  test("exactly the operations that become transactions are writes", () => {
    const writes = Object.values(OpCode).filter(isWriteOp);
    expect(writes.sort((a, b) => a - b)).toEqual([-11, -10, 1, 2, 5, 7, 13, 14, 15, 16, 19, 20, 21]);
  });
});

describe("error codes", () => {
  test("no two refusals share a code", () => {
    const codes = Object.values(ErrorCode);
    expect(new Set(codes).size).toBe(codes.length);
  });

  test.each([
    [0, "ok"],
    [-5, "marshallingError"],
    [-101, "noNode"],
    [-110, "nodeExists"],
    [-114, "invalidAcl"],
    [-125, "quotaExceeded"],
    [-127, "throttledOp"],
    [-126, "-126"],
  ])("code %i is called %s", (code, name) => {
    expect(errorName(code)).toBe(name);
  });
});
