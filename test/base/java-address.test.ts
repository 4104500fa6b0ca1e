import * as fc from "fast-check";
import { expect, test } from "vitest";
import { javaAddress, javaSocketAddress } from "#base/java-address.ts";

// What InetAddress.getHostAddress and InetSocketAddress.toString print on OpenJDK 17.
test.each([
  ["127.0.0.1", "127.0.0.1", "/127.0.0.1:5"],
  ["::1", "0:0:0:0:0:0:0:1", "/[0:0:0:0:0:0:0:1]:5"],
  ["::", "0:0:0:0:0:0:0:0", "/[0:0:0:0:0:0:0:0]:5"],
  ["2001:db8::a:0:1", "2001:db8:0:0:0:a:0:1", "/[2001:db8:0:0:0:a:0:1]:5"],
  ["::ffff:10.0.0.7", "10.0.0.7", "/10.0.0.7:5"],
  ["::1.2.3.4", "0:0:0:0:0:0:102:304", "/[0:0:0:0:0:0:102:304]:5"],
])("%s is spelt as Java spells it", (text, address, socketAddress) => {
  expect(javaAddress(text)).toBe(address);
  expect(javaSocketAddress(text, 5)).toBe(socketAddress);
});

test("an IPv4-mapped address in hexadecimal is an IPv4 address too", () => {
  expect(javaAddress("::FFFF:0a00:0007")).toBe("10.0.0.7");
});

test("the scope of a link-local address stays", () => {
  expect(javaAddress("fe80::a%eth0")).toBe("fe80:0:0:0:0:0:0:a%eth0");
  expect(javaSocketAddress("fe80::a%eth0", 5)).toBe("/[fe80:0:0:0:0:0:0:a%eth0]:5");
});

test.each(["", "localhost", "1::2::3", "1:2:3", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7::8", "::12345", "::1.2.3.256"])(
  "%j is no address and stays what it is",
  (text) => {
    expect(javaAddress(text)).toBe(text);
  },
);

test("every way to leave out zeros gives the same eight groups", () => {
  const group = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 0xffff }));
  fc.assert(
    fc.property(fc.array(group, { minLength: 8, maxLength: 8 }), (groups) => {
      fc.pre(groups[5] !== 0xffff);
      const full = groups.map((value) => value.toString(16)).join(":");
      // A URL's host is an independent writer of the short form.
      const short = new URL(`http://[${full}]/`).hostname.slice(1, -1);
      expect(javaAddress(short)).toBe(full);
    }),
  );
});
