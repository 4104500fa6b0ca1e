/** What becomes of a list that a client sends. */

import { describe, expect, test } from "vitest";
import { aclEntriesMax, fixupAcl } from "#auth/acl-fixup.ts";
import type { Acl } from "#auth/acl.ts";
import type { Identity } from "#auth/identity.ts";
import { ProviderRegistry } from "#auth/provider-registry.ts";
import { ErrorCode } from "#protocol/error-code.ts";

const registry = new ProviderRegistry();
const fromAddress: Identity = { scheme: "ip", id: "127.0.0.1" };
const u: Identity = { scheme: "digest", id: "u:h" };
const v: Identity = { scheme: "digest", id: "v:g" };

/** An entry as zkCli writes it: scheme, colon, id; perms behind a blank. `null` stands for the null string. */
function acl(text: string): Acl {
  const [schemeAndId = "", perms = "31"] = text.split(" ");
  const colonAt = schemeAndId.indexOf(":");
  return {
    perms: Number(perms),
    scheme: orNull(schemeAndId.slice(0, colonAt)),
    id: orNull(schemeAndId.slice(colonAt + 1)),
  };
}

function orNull(part: string): string | null {
  return part === "null" ? null : part;
}

function check(
  entries: readonly string[],
  identities: readonly Identity[],
  expected: readonly string[] | number,
): void {
  const fixed = fixupAcl(entries.map(acl), identities, registry);
  if (typeof expected === "number") expect(fixed).toEqual({ kind: "refused", code: expected });
  else expect(fixed).toEqual({ kind: "fixed", acls: expected.map(acl) });
}

describe("a list that is kept", () => {
  test("world:anyone is kept, whatever its perms are", () => {
    check(["world:anyone 0", "world:anyone 999"], [fromAddress], ["world:anyone 0", "world:anyone 999"]);
  });

  test("entries of known schemes are kept in their order", () => {
    const entries = ["digest:u:h 1", "ip:10.0.0.0/8", "world:anyone 2"];
    check(entries, [fromAddress], entries);
  });

  test("an exact duplicate is dropped, and entries that differ in perms are none", () => {
    const entries = ["ip:::1", "world:anyone", "ip:::1", "ip:::1 1"];
    check(entries, [fromAddress], ["ip:::1", "world:anyone", "ip:::1 1"]);
  });
});

describe("auth", () => {
  test("it becomes every identity that proves who the caller is, with the entry's perms", () => {
    check(["auth:ignored 5"], [fromAddress, u, { scheme: "super", id: "" }, v], ["digest:u:h 5", "digest:v:g 5"]);
  });

  test("its id may be null", () => {
    check(["auth:null"], [fromAddress, u], ["digest:u:h"]);
  });

  test("two of them and two identities make four entries, duplicates and all", () => {
    const expected = ["digest:u:h", "digest:v:g", "digest:u:h", "digest:v:g"];
    check(["auth:a", "auth:b"], [fromAddress, u, v], expected);
  });

  test("a caller who proved nothing cannot use it: an address is no proof", () => {
    check(["auth:"], [fromAddress], -114);
    check(["auth:"], [fromAddress, { scheme: "super", id: "" }], -114);
  });
});

describe("a list that is refused", () => {
  test("null and empty lists are invalid", () => {
    expect(fixupAcl(null, [u], registry)).toEqual({ kind: "refused", code: -114 });
    check([], [u], -114);
  });

  test.each(["world:somebody", "null:x", "super:", "unknown:x", "sasl:u", "ip:nowhere", "ip:10.0.0.0/33", "digest:a:"])(
    "%s is invalid",
    (entry) => {
      check([entry], [fromAddress, u], -114);
    },
  );

  test("one invalid entry refuses the list", () => {
    check(["world:anyone", "digest:a:"], [fromAddress], -114);
  });
});

describe("nulls that ZooKeeper trips over", () => {
  test.each(["world:null", "ip:null", "digest:null"])("%s is answered as an undecodable request", (entry) => {
    check([entry], [fromAddress, u], -5);
  });

  test("a null id of an unknown scheme is merely invalid", () => {
    check(["unknown:null"], [fromAddress], -114);
  });

  test("comparing two entries that differ in nothing before a null is an accident", () => {
    check(["auth:null", "auth:null"], [fromAddress, u], -5);
    check(["world:anyone", "null:x"], [fromAddress, u], -5);
  });

  test("entries that differ before the null are compared without an accident", () => {
    check(["auth:null 1", "auth:null 2"], [u], ["digest:u:h 1", "digest:u:h 2"]);
    check(["world:anyone", "auth:null"], [u], ["world:anyone", "digest:u:h"]);
  });
});

/** Entries that differ in their perms alone. */
function entries(count: number, scheme: string, id: string): Acl[] {
  return Array.from({ length: count }, (_, perms) => ({ perms, scheme, id }));
}

describe("a list that would be too long", () => {
  test("is refused as it was sent", () => {
    expect(fixupAcl(entries(aclEntriesMax, "world", "anyone"), [], registry).kind).toBe("fixed");
    const refused = fixupAcl(entries(aclEntriesMax + 1, "world", "anyone"), [], registry);
    expect(refused).toEqual({ kind: "refused", code: ErrorCode.invalidAcl });
  });

  test("is refused once its auth entries are expanded", () => {
    const identities = Array.from({ length: 100 }, (_, i) => ({ scheme: "digest", id: `user${i}:hash` }));
    expect(fixupAcl(entries(40, "auth", ""), identities, registry).kind).toBe("fixed");
    const refused = fixupAcl(entries(41, "auth", ""), identities, registry);
    expect(refused).toEqual({ kind: "refused", code: ErrorCode.invalidAcl });
  });
});
