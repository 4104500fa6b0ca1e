/** Identities of a connection, and the schemes a server knows. */

import { describe, expect, test } from "vitest";
import { EnsembleProvider } from "#auth/ensemble-provider.ts";
import { addIdentities, hasScheme, initialIdentities, type Identity } from "#auth/identity.ts";
import { defaultProviderOptions, ProviderRegistry } from "#auth/provider-registry.ts";

const caller = { address: "127.0.0.1" };

describe("the identities of a connection", () => {
  const u: Identity = { scheme: "digest", id: "u:h" };

  test("a connection is its address from the start", () => {
    expect(initialIdentities("127.0.0.1")).toEqual([{ scheme: "ip", id: "127.0.0.1" }]);
  });

  test("adding leaves the list that requests may hold as it was", () => {
    const before = initialIdentities("127.0.0.1");
    const after = addIdentities(before, [u]);
    expect(before).toHaveLength(1);
    expect(after).toEqual([...before, u]);
  });

  test("an identity that is already there is not added again", () => {
    const before = addIdentities(initialIdentities("127.0.0.1"), [u, u]);
    expect(before).toHaveLength(2);
    expect(addIdentities(before, [{ scheme: "digest", id: "u:h" }])).toBe(before);
    expect(addIdentities(before, [])).toBe(before);
  });

  test("the same id under another scheme is another identity", () => {
    expect(addIdentities([u], [{ scheme: "sasl", id: "u:h" }])).toHaveLength(2);
  });

  test("a required scheme is found among the identities", () => {
    expect(hasScheme([...initialIdentities("127.0.0.1"), u], ["sasl", "digest"])).toBe(true);
    expect(hasScheme(initialIdentities("127.0.0.1"), ["sasl", "digest"])).toBe(false);
  });
});

describe("the registry", () => {
  test("ip and digest are there by themselves", () => {
    expect(new ProviderRegistry().schemes()).toEqual(["ip", "digest"]);
  });

  test("digest can be switched off, and then proves nothing", () => {
    const registry = new ProviderRegistry({ ...defaultProviderOptions, isDigestEnabled: false });
    expect(registry.schemes()).toEqual(["ip"]);
    expect(registry.authenticate("digest", caller, Buffer.from("u:p"))).toEqual({ kind: "refused" });
  });

  test.each(["world", "auth", "super", "sasl", "x", "", null])(
    "an auth packet of the scheme %j is refused",
    (scheme) => {
      expect(new ProviderRegistry().authenticate(scheme, caller, Buffer.from("u:p"))).toEqual({ kind: "refused" });
    },
  );

  test("the configured algorithm and super user are the digest provider's", () => {
    const superDigest = "u:/Y8xRBngpX5duYn15uUqIRaIaCviy5TEwSk419hCwuA=";
    const registry = new ProviderRegistry({ ...defaultProviderOptions, digestAlgorithm: "sha256", superDigest });
    expect(registry.authenticate("digest", caller, Buffer.from("u:p"))).toEqual({
      kind: "accepted",
      identities: [
        { scheme: "super", id: "" },
        { scheme: "digest", id: superDigest },
      ],
    });
  });

  test("a further provider is asked for its scheme", () => {
    const registry = new ProviderRegistry({ ...defaultProviderOptions, further: [new EnsembleProvider("a")] });
    expect(registry.authenticate("ensemble", caller, Buffer.from("a"))).toEqual({ kind: "accepted", identities: [] });
  });

  test("whoAmI names the user of each identity, and nobody where the scheme has no provider", () => {
    const identities: Identity[] = [
      { scheme: "ip", id: "0:0:0:0:0:0:0:1" },
      { scheme: "super", id: "secret" },
      { scheme: "digest", id: "u:h" },
    ];
    expect(new ProviderRegistry().clientInfos(identities)).toEqual([
      { authScheme: "ip", user: "0:0:0:0:0:0:0:1" },
      { authScheme: "super", user: "" },
      { authScheme: "digest", user: "u" },
    ]);
  });
});

function outcome(names: string | null, data: string | null): string {
  return new EnsembleProvider(names).authenticate(caller, data === null ? null : Buffer.from(data)).kind;
}

describe("the ensemble check", () => {
  test("a name of the list is accepted, blanks round it aside", () => {
    expect([outcome("prod, blue", "prod"), outcome("prod, blue", "blue")]).toEqual(["accepted", "accepted"]);
  });

  test("a wrong name costs the connection, without an answer", () => {
    expect(outcome("prod, blue", "green")).toBe("disconnected");
  });

  test("without a name on either side nothing is checked", () => {
    expect([outcome(null, "green"), outcome("prod", ""), outcome("prod", null)]).toEqual(Array(3).fill("accepted"));
  });

  test("it proves nothing, and no ACL can name it", () => {
    const provider = new EnsembleProvider("prod");
    expect(provider.isAuthenticated || provider.isValidId() || provider.matches()).toBe(false);
  });
});
