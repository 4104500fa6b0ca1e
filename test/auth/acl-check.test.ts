/** Who may do what. */

import { describe, expect, test } from "vitest";
import { checkAcl, maskDigests } from "#auth/acl-check.ts";
import { openAcl, Permission, type Acl } from "#auth/acl.ts";
import { initialIdentities, type Identity } from "#auth/identity.ts";
import { ProviderRegistry } from "#auth/provider-registry.ts";

const registry = new ProviderRegistry();
const stranger = initialIdentities("10.1.2.3");
const u: readonly Identity[] = [...stranger, { scheme: "digest", id: "u:h" }];
const superUser: readonly Identity[] = [...stranger, { scheme: "super", id: "" }];

function allows(acls: readonly Acl[] | null, perms: number, identities: readonly Identity[] = stranger): boolean {
  return checkAcl(acls, perms, identities, registry);
}

describe("checking a list", () => {
  test("a znode without a list, or with an empty one, allows everything", () => {
    expect(allows(null, Permission.admin)).toBe(true);
    expect(allows([], Permission.admin)).toBe(true);
  });

  test("the open list allows everybody everything", () => {
    for (const perms of [1, 2, 4, 8, 16]) expect(allows(openAcl, perms)).toBe(true);
  });

  test("an entry allows only the permissions it has", () => {
    const readOnly: Acl[] = [{ perms: Permission.read, scheme: "world", id: "anyone" }];
    expect(allows(readOnly, Permission.read)).toBe(true);
    expect(allows(readOnly, Permission.write)).toBe(false);
  });

  test("one of several wanted permissions is enough", () => {
    const readOnly: Acl[] = [{ perms: Permission.read, scheme: "world", id: "anyone" }];
    expect(allows(readOnly, Permission.read | Permission.admin)).toBe(true);
  });

  test("an entry without permissions allows nothing", () => {
    expect(allows([{ perms: 0, scheme: "world", id: "anyone" }], Permission.all)).toBe(false);
  });

  test("an identity matches an entry of its own scheme only", () => {
    expect(allows([{ perms: 31, scheme: "digest", id: "u:h" }], 1, u)).toBe(true);
    expect(allows([{ perms: 31, scheme: "digest", id: "u:other" }], 1, u)).toBe(false);
    expect(allows([{ perms: 31, scheme: "digest", id: "10.1.2.3" }], 1)).toBe(false);
  });

  test("an address is matched by its network", () => {
    expect(allows([{ perms: 31, scheme: "ip", id: "10.0.0.0/8" }], 1)).toBe(true);
    expect(allows([{ perms: 31, scheme: "ip", id: "10.2.0.0/16" }], 1)).toBe(false);
  });

  test("the super user is above every list", () => {
    expect(allows([{ perms: 0, scheme: "digest", id: "a:b" }], Permission.admin, superUser)).toBe(true);
  });

  test("an entry whose scheme nobody provides means nobody", () => {
    const identities: Identity[] = [{ scheme: "sasl", id: "me" }];
    expect(allows([{ perms: 31, scheme: "sasl", id: "me" }], 1, identities)).toBe(false);
  });

  test("an entry with nulls means nobody", () => {
    expect(allows([{ perms: 31, scheme: null, id: null }], 1, u)).toBe(false);
    expect(allows([{ perms: 31, scheme: "digest", id: null }], 1, u)).toBe(false);
  });
});

describe("masking", () => {
  test("a digest keeps its user and loses its hash, other schemes keep everything", () => {
    const acls: Acl[] = [
      { perms: 31, scheme: "digest", id: "user:Jq7wMyA/w2Vd5WIDAKdu4OIIFEQ=" },
      { perms: 1, scheme: "ip", id: "0:0:0:0:0:0:0:1" },
      { perms: 1, scheme: "world", id: "anyone" },
    ];
    expect(maskDigests(acls).map((acl) => acl.id)).toEqual(["user:x", "0:0:0:0:0:0:0:1", "anyone"]);
  });

  test("every line of an id is masked from its first colon", () => {
    const masked = maskDigests([{ perms: 31, scheme: "digest", id: "u:h\nb:c:d\r\n:e\u0085:f" }]);
    expect(masked[0]?.id).toBe("u:x\nb:x\r\n:x\u0085:x");
  });

  test("the list that was stored is not changed", () => {
    const acls: Acl[] = [{ perms: 31, scheme: "digest", id: "u:h" }];
    maskDigests(acls);
    expect(acls[0]?.id).toBe("u:h");
  });
});
