/**
 * The scheme `ip`: an ACL names an address or a network, and a connection's address is compared with its first bits.
 *
 *   id    address | address "/" bits           bits decimal, 0-32 or 0-128
 *   IPv4  four decimal numbers 0-255
 *   IPv6  eight groups of one to four hex digits; one "::" stands for one or more groups of zero;
 *         no embedded IPv4, no zone
 *
 * The families never match each other, so a peer that a dual-stack socket reports as ::ffff:10.0.0.1 must have become
 * 10.0.0.1 before it gets here. A link-local peer keeps its zone (fe80:0:0:0:0:0:0:1%eth0) and so matches nothing.
 *
 * Quirk: Java's parser of numbers takes a sign, so `1.2.3.+4` and `::-1` are addresses. Kept, since it decides whether
 * a setACL is refused. Digits of other scripts, which it takes as well, are not kept.
 * Source: IPAuthenticationProvider.java.
 */

import type { AuthenticationProvider, AuthOutcome, Caller } from "./authentication-provider.ts";

const colon = 0x3a;

/** Scratch for {@link matches}, which runs for every request on a znode whose ACL names an address. */
const aclAddress = new Uint8Array(16);
const peerAddress = new Uint8Array(16);

export const ipProvider: AuthenticationProvider = {
  scheme: "ip",
  isAuthenticated: false,
  authenticate,
  isValidId,
  matches,
  userName: (id: string): string => id,
};

/** Always succeeds; the packet's data says nothing. */
function authenticate(caller: Caller): AuthOutcome {
  return { kind: "accepted", identities: [{ scheme: "ip", id: caller.address }] };
}

function isValidId(id: string): boolean {
  return parseNetwork(id, aclAddress) >= 0;
}

function matches(id: string, aclId: string): boolean {
  const bits = parseNetwork(aclId, aclAddress);
  if (bits < 0) return false;
  const isIpv6 = isIpv6Text(aclId, addressEnd(aclId));
  if (isIpv6Text(id, id.length) !== isIpv6 || !parseAddress(id, id.length, peerAddress)) return false;
  const wholeBytes = bits >> 3;
  for (let i = 0; i < wholeBytes; i++) if (aclAddress[i] !== peerAddress[i]) return false;
  const mask = 0xff00 >> (bits & 7); // the low byte keeps the first bits of the byte that the boundary cuts
  return ((aclAddress[wholeBytes] ?? 0) & mask & 0xff) === ((peerAddress[wholeBytes] ?? 0) & mask & 0xff);
}

/** Fills `target` with the address of `address[/bits]`; returns the bits, or -1 when the text is no network. */
function parseNetwork(text: string, target: Uint8Array): number {
  const end = addressEnd(text);
  if (!parseAddress(text, end, target)) return -1;
  const bitsMax = isIpv6Text(text, end) ? 128 : 32;
  if (end === text.length) return bitsMax;
  const bits = parseJavaInteger(text, end + 1, text.length, 10);
  return bits >= 0 && bits <= bitsMax ? bits : -1;
}

function addressEnd(text: string): number {
  const slashAt = text.indexOf("/");
  return slashAt === -1 ? text.length : slashAt;
}

function isIpv6Text(text: string, end: number): boolean {
  const colonAt = text.indexOf(":");
  return colonAt !== -1 && colonAt < end;
}

function parseAddress(text: string, end: number, target: Uint8Array): boolean {
  return isIpv6Text(text, end) ? parseIpv6(text, end, target) : parseIpv4(text, end, target);
}

function parseIpv4(text: string, end: number, target: Uint8Array): boolean {
  let from = 0;
  for (let part = 0; part < 4; part++) {
    const to = part === 3 ? end : text.indexOf(".", from);
    if (to === -1 || to > end) return false;
    const value = parseJavaInteger(text, from, to, 10);
    if (!(value >= 0 && value <= 255)) return false;
    target[part] = value;
    from = to + 1;
  }
  return true;
}

function parseIpv6(text: string, end: number, target: Uint8Array): boolean {
  let filled = 0;
  let gapAt = -1;
  let i = 0;
  if (text.startsWith("::")) {
    gapAt = 0;
    i = 2;
  }
  while (i < end) {
    const colonAt = text.indexOf(":", i);
    const groupEnd = colonAt === -1 || colonAt > end ? end : colonAt;
    const value = groupEnd - i > 4 ? Number.NaN : parseJavaInteger(text, i, groupEnd, 16);
    if (Number.isNaN(value) || filled === 16) return false;
    target[filled++] = value >> 8;
    target[filled++] = value;
    if (groupEnd === end) break;
    i = groupEnd + 1;
    if (i === end) return false;
    if (text.charCodeAt(i) !== colon) continue;
    if (gapAt !== -1) return false;
    gapAt = filled;
    i++;
  }
  return gapAt === -1 ? filled === 16 : openGap(target, gapAt, filled);
}

/** Moves the groups behind "::" to the end of the address; the gap stands for at least one group. */
function openGap(target: Uint8Array, gapAt: number, filled: number): boolean {
  if (filled > 14) return false;
  const behind = filled - gapAt;
  target.copyWithin(16 - behind, gapAt, filled);
  target.fill(0, gapAt, 16 - behind);
  return true;
}

/** An optional sign and at least one digit, as Java's Integer.parseInt reads them; NaN for anything else. */
function parseJavaInteger(text: string, start: number, end: number, radix: 10 | 16): number {
  const sign = text[start];
  const from = sign === "+" || sign === "-" ? start + 1 : start;
  if (from >= end) return Number.NaN;
  let value = 0;
  for (let i = from; i < end; i++) value = value * radix + digitValue(text.charCodeAt(i), radix);
  return sign === "-" ? -value : value;
}

function digitValue(unit: number, radix: 10 | 16): number {
  if (unit >= 0x30 && unit <= 0x39) return unit - 0x30;
  if (radix === 10) return Number.NaN;
  const letter = unit | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x61 + 10 : Number.NaN;
}
