/** The scheme digest. The hashes are what Java's MessageDigest gives. */

import { describe, expect, test } from "vitest";
import { digestAlgorithmOf, digestId, DigestProvider } from "#auth/digest-provider.ts";

const caller = { address: "127.0.0.1" };
const provider = new DigestProvider({ algorithm: "sha1", superDigest: "super:HcbGs+jJ8JjI2ael1YQNB+dUYF4=" });

function identitiesOf(data: string | Uint8Array): readonly object[] {
  const outcome = provider.authenticate(caller, typeof data === "string" ? Buffer.from(data) : data);
  return outcome.kind === "accepted" ? outcome.identities : [];
}

describe("auth packets", () => {
  test("user and password become the user and a hash of both", () => {
    expect(identitiesOf("u:p")).toEqual([{ scheme: "digest", id: "u:Jq7wMyA/w2Vd5WIDAKdu4OIIFEQ=" }]);
  });

  test("a packet without a colon is a user without a password", () => {
    expect(identitiesOf("nocolon")).toEqual([{ scheme: "digest", id: "nocolon:Ra+cHr2ZoHvBjtNArFGNGlVie4g=" }]);
  });

  test("the user ends at the first colon", () => {
    expect(digestId("a:b:c", "sha1").split(":")).toEqual(["a", expect.stringMatching(/^[A-Za-z0-9+/]{27}=$/)]);
    expect(digestId(":x", "sha1").split(":")[0]).toBe("");
  });

  test("the super user gets its digest identity too", () => {
    expect(identitiesOf("super:super_secret")).toEqual([
      { scheme: "super", id: "" },
      { scheme: "digest", id: "super:HcbGs+jJ8JjI2ael1YQNB+dUYF4=" },
    ]);
  });

  test("a wrong password for super is an ordinary identity", () => {
    expect(identitiesOf("super:test")).toEqual([{ scheme: "digest", id: "super:D/InIHSb7yEEbrWz8b9l71RjZJU=" }]);
  });

  test("without data the packet is refused", () => {
    expect(provider.authenticate(caller, null)).toEqual({ kind: "refused" });
  });

  test("malformed UTF-8 is hashed as the text that Java makes of it", () => {
    const data = Uint8Array.from([0x75, 0x3a, 0xed, 0xa0, 0x80, 0xff]);
    expect(identitiesOf(data)).toEqual([{ scheme: "digest", id: "u:tBXHUAUzZXYCqAcMeZihzl82Xwo=" }]);
  });
});

describe("algorithms", () => {
  test.each([
    ["SHA1", "Jq7wMyA/w2Vd5WIDAKdu4OIIFEQ="],
    ["sha-1", "Jq7wMyA/w2Vd5WIDAKdu4OIIFEQ="],
    ["MD5", "wj9ntl1lUHd6RGlGHs+1Hg=="],
    ["SHA-224", "buY2RDLG1qb161QWn3zO7zdHv1Jw5JzOzvoq8w=="],
    ["SHA-256", "/Y8xRBngpX5duYn15uUqIRaIaCviy5TEwSk419hCwuA="],
    ["SHA-384", "joW9fAMExHHjPTquSoLHR7yNt+hmUQSWOdXLQ1YgEw4t89oJD5tqLNcOJbpOm3hr"],
    ["SHA-512", "JuOwXdmk4f1omXNJj7k4ILDOHOlc+8PMyEaxl9nrWl6OmV83jKYivSqJWsp5PsMTda6BtnipueoU1r5DtBd7CA=="],
    ["SHA-512/224", "uQhd9bjKXP6GHJndVVZ2qIjzcJFAYrjzPmzxOg=="],
    ["SHA-512/256", "GahcuEqKVDomB4u/ebwuUp9/SoZ9jjQVdblytNb5wPo="],
    ["SHA3-224", "VetFxgqKhf3M+E8Pj5X4NLMXFF7lPCr+KjMt9g=="],
    ["SHA3-256", "3+U94Pf1dSrKR/q5qu/huTFf1Fha6TtpdtpSdhWvIS0="],
    ["SHA3-384", "d4zgobLcJSLRER2rxMYl64bQqLziPCVxzKEWJoX+pEfq/zm0wPI8ZyXDgZrO/jZl"],
    ["SHA3-512", "CxK7PYZe5JmbxbczQTl9zOaNZXrjA0kC+0x9tzWMsGKrpYRMUAdSUKhye+ylfkRhhXm3ReL68pT1mUct81OUyQ=="],
  ])("%s gives Java's hash", (name, hash) => {
    const algorithm = digestAlgorithmOf(name);
    expect(algorithm && digestId("u:p", algorithm)).toBe(`u:${hash}`);
  });

  test("an algorithm that does not exist is not replaced by another", () => {
    expect(digestAlgorithmOf("SHA-999")).toBeNull();
  });
});

describe("ids", () => {
  test.each(["u:h", ":x", "a:b:", "a:b::", " : "])("%j may stand in an ACL", (id) => {
    expect(provider.isValidId(id)).toBe(true);
  });

  test.each(["", ":", "::", "a", "a:", "a::", "a:b:c", "::x", "a::b"])("%j may not", (id) => {
    expect(provider.isValidId(id)).toBe(false);
  });

  test("an id matches itself and nothing else", () => {
    expect(provider.matches("u:h", "u:h")).toBe(true);
    expect(["u:i", "u:", "u:hh", "U:h", ""].some((id) => provider.matches("u:h", id))).toBe(false);
  });

  // Its name in compat-tests/expectations.json: digest-user-outside-the-basic-plane.
  test("a user with a character outside the basic plane is known by the ACL's spelling of it too", () => {
    const id = digestId("\u{1f600}:password", "sha1");
    const hash = id.slice(id.indexOf(":"));
    expect(provider.matches(id, id)).toBe(true);
    expect(provider.matches(id, `\ufffd\ufffd${hash}`)).toBe(true);
    expect(provider.matches(id, `\ufffd${hash}`)).toBe(false);
    expect(provider.matches(id, "\ufffd\ufffd:another hash")).toBe(false);
    expect(provider.matches(`xx${hash}`, `\ufffd\ufffd${hash}`)).toBe(false);
  });

  test("the user's name ends at the first colon", () => {
    expect([provider.userName("u:h"), provider.userName(":h")]).toEqual(["u", ""]);
  });
});
