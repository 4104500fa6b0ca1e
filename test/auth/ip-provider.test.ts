/** Addresses and networks in ACLs. */

import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ipProvider } from "#auth/ip-provider.ts";

function text(groups: readonly number[]): string {
  return groups.map((group) => group.toString(16)).join(":");
}

describe("ids that an ACL may name", () => {
  test.each([
    "0.0.0.0",
    "255.255.255.255",
    "10.0.0.0/8",
    "10.1.2.3/0",
    "10.1.2.3/32",
    "010.1.2.003",
    "::",
    "::1",
    "1::",
    "1::8",
    "1:2:3:4:5:6:7:8",
    "1:2:3:4:5:6:7::",
    "::2:3:4:5:6:7:8",
    "FE80::abcd/10",
    "2001:db8::/128",
    "::/0",
  ])("%s is valid", (id) => {
    expect(ipProvider.isValidId(id)).toBe(true);
  });

  test.each([
    "",
    "localhost",
    "1.2.3",
    "1.2.3.4.5",
    "1.2.3.",
    "1..2.3",
    "1.2.3.256",
    "1.2.3.-1",
    "1.2.3.4/33",
    "1.2.3.4/-1",
    "1.2.3.4/",
    "1.2.3.4/8/8",
    "1.2.3.4/x",
    "1.2/3.4",
    ":",
    ":::",
    "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8:9",
    "1:2:3:4:5:6:7:8::",
    "1::2::3",
    "1:::2",
    ":1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:",
    "12345::",
    "g::",
    "::/129",
    "::ffff:10.0.0.1",
    "fe80::1%eth0",
    "1.2.3.4 ",
  ])("%j is not", (id) => {
    expect(ipProvider.isValidId(id)).toBe(false);
  });

  test("a sign before a number is taken, as Java's parser takes it", () => {
    expect(["1.2.3.+4", "1.2.3.-0", "1.2.3.4/+8", "::-1", "::+f"].every((id) => ipProvider.isValidId(id))).toBe(true);
    expect(["1.2.3.+", "::-", "::+-1"].some((id) => ipProvider.isValidId(id))).toBe(false);
  });
});

describe("matching", () => {
  test.each([
    ["10.1.2.3", "10.1.2.3"],
    ["10.1.2.3", "10.1.2.3/32"],
    ["10.1.2.3", "10.1.2.99/24"],
    ["10.1.2.3", "10.1.2.2/31"],
    ["10.1.2.3", "99.99.99.99/0"],
    ["0:0:0:0:0:0:0:1", "::1"],
    ["2001:db8:0:0:0:0:0:5", "2001:db8::/32"],
    ["2001:db8:0:0:8000:0:0:5", "2001:db8:0:0:ffff::/65"],
    ["2001:db8:0:0:0:0:0:5", "::/0"],
  ])("%s is meant by %s", (address, id) => {
    expect(ipProvider.matches(address, id)).toBe(true);
  });

  test.each([
    ["10.1.2.3", "10.1.2.4"],
    ["10.1.2.3", "10.1.2.4/30"],
    ["10.1.2.3", "10.1.3.3/24"],
    ["0:0:0:0:0:0:0:1", "::2"],
    ["2001:db8:0:0:0:0:0:5", "2001:db9::/32"],
    ["2001:db8:0:0:8000:0:0:5", "2001:db8::/65"],
    ["10.1.2.3", "::/0"],
    ["0:0:0:0:0:0:0:1", "0.0.0.0/0"],
    ["0:0:0:0:0:ffff:a01:203", "10.1.2.3"],
    ["10.1.2.3", "nonsense"],
    ["10.1.2.3", "10.1.2.3/33"],
    ["fe80:0:0:0:0:0:0:1%eth0", "fe80::1"],
  ])("%s is not meant by %s", (address, id) => {
    expect(ipProvider.matches(address, id)).toBe(false);
  });

  const group = fc.integer({ min: 0, max: 0xffff });
  const groups = fc.array(fc.oneof(fc.constant(0), group), { minLength: 8, maxLength: 8 });

  test("a network means exactly the addresses that share its first bits", () => {
    const flipped = fc.integer({ min: 0, max: 127 });
    fc.assert(
      fc.property(groups, flipped, fc.integer({ min: 0, max: 128 }), (parts, bit, bits) => {
        const other = parts.slice();
        other[bit >> 4]! ^= 0x8000 >> (bit & 15);
        expect(ipProvider.matches(text(parts), `${text(other)}/${bits}`)).toBe(bit >= bits);
      }),
    );
  });

  test("an address written with :: is the one written in full", () => {
    fc.assert(
      fc.property(groups, fc.nat(7), fc.nat(8), (parts, from, length) => {
        const to = Math.min(8, from + 1 + length);
        const address = parts.map((part, i) => (i >= from && i < to ? 0 : part).toString(16));
        const short = `${address.slice(0, from).join(":")}::${address.slice(to).join(":")}`;
        expect(ipProvider.matches(address.join(":"), short)).toBe(true);
      }),
    );
  });
});

describe("the provider", () => {
  test("an auth packet always succeeds and adds the peer's address", () => {
    expect(ipProvider.authenticate({ address: "10.1.2.3" }, null)).toEqual({
      kind: "accepted",
      identities: [{ scheme: "ip", id: "10.1.2.3" }],
    });
  });

  test("an address is no proof of who somebody is", () => {
    expect(ipProvider.isAuthenticated).toBe(false);
  });
});
