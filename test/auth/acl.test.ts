/** ACL lists as bytes. */

import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isOpenAcl, openAcl, openAclBytes, readAclList, writeAclList, type Acl } from "#auth/acl.ts";
import { JuteReader, MarshallingError } from "#jute/reader.ts";
import { JuteWriter } from "#jute/writer.ts";

/** Bytes from hexadecimal digits; blanks are for the reader. */
function hex(digits: string): Buffer {
  return Buffer.from(digits.replaceAll(" ", ""), "hex");
}

function written(acls: readonly Acl[] | null): Buffer {
  const writer = new JuteWriter(8);
  writeAclList(writer, acls);
  return writer.toBytes();
}

describe("a list on the wire", () => {
  test("the open list is these 27 bytes", () => {
    expect(Buffer.from(openAclBytes)).toEqual(hex("00000001 0000001f 00000005 776f726c64 00000006 616e796f6e65"));
    expect(openAclBytes).toHaveLength(27);
  });

  test("null and empty are different lists", () => {
    expect(written(null).toString("hex")).toBe("ffffffff");
    expect(written([]).toString("hex")).toBe("00000000");
    expect(readAclList(new JuteReader(hex("ffffffff")))).toBeNull();
    expect(readAclList(new JuteReader(hex("00000000")))).toEqual([]);
  });

  test("a null id is not an empty one", () => {
    const bytes = hex("00000001 0000001f 00000004 61757468 ffffffff");
    expect(readAclList(new JuteReader(bytes))).toEqual([{ perms: 31, scheme: "auth", id: null }]);
    expect(written([{ perms: 31, scheme: "auth", id: null }])).toEqual(bytes);
  });

  test("a count that promises more than there is ends where the bytes do", () => {
    expect(() => readAclList(new JuteReader(hex("7fffffff 0000001f")))).toThrow(MarshallingError);
  });

  test("a list that was written reads back the same, and leaves the bytes behind it alone", () => {
    const text = fc.option(fc.string(), { nil: null });
    const list = fc.array(
      fc.record({ perms: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), scheme: text, id: text }),
    );
    fc.assert(
      fc.property(fc.option(list, { nil: null }), (acls) => {
        const bytes = written(acls);
        const reader = new JuteReader(Buffer.concat([bytes, Buffer.from("more")]));
        expect(readAclList(reader)).toEqual(acls);
        expect(reader.offset).toBe(bytes.length);
      }),
    );
  });
});

describe("recognising the open list", () => {
  test("it is recognised in the middle of a request", () => {
    const bytes = Buffer.concat([Buffer.from("xx"), written(openAcl), Buffer.from("yy")]);
    expect(isOpenAcl(bytes, 2, 29)).toBe(true);
  });

  test("a list that differs in any byte, or in length, is not open", () => {
    const accepted: number[] = [];
    for (let i = 0; i < openAclBytes.length; i++) {
      const bytes = Buffer.from(openAclBytes);
      bytes[i]! ^= 1;
      if (isOpenAcl(bytes, 0, bytes.length)) accepted.push(i);
    }
    expect(accepted).toEqual([]);
    expect(isOpenAcl(Buffer.concat([openAclBytes, Buffer.of(0)]), 0, 28)).toBe(false);
    expect(isOpenAcl(openAclBytes, 0, 26)).toBe(false);
  });
});
