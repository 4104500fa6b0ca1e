/**
 * Internet addresses as Java spells them. They reach clients and operators in ACL ids of scheme "ip", in `cons`, `stat`
 * and `dump`, and in log lines that people search for.
 *
 *   the socket says          Java says              with a port
 *   10.0.0.7                 10.0.0.7               /10.0.0.7:51422
 *   ::ffff:10.0.0.7          10.0.0.7               /10.0.0.7:51422           IPv4-mapped: an IPv4 address
 *   ::1                      0:0:0:0:0:0:0:1        /[0:0:0:0:0:0:0:1]:51422  eight groups, nothing left out
 *   fe80::a%eth0             fe80:0:0:0:0:0:0:a%eth0                          the scope stays
 *
 * Source: Inet4Address, Inet6Address and InetSocketAddress of the JDK (14 and later, which added the brackets).
 */

/** Where somebody listens. */
export interface Address {
  /** Name or numeric address, without brackets. */
  readonly host: string;
  readonly port: number;
}

/**
 * The numeric address `text`, as sockets report it, in Java's spelling (InetAddress.getHostAddress). Text that is no
 * address is returned as it is.
 */
export function javaAddress(text: string): string {
  if (!text.includes(":")) return text;
  const scopeAt = text.indexOf("%");
  const groups = groupsOf(scopeAt === -1 ? text : text.slice(0, scopeAt));
  if (groups === null) return text;
  const isMapped = groups[5] === 0xffff && groups.slice(0, 5).every((group) => group === 0);
  if (isMapped) return `${bytesOf(groups[6]!)}.${bytesOf(groups[7]!)}`;
  const scope = scopeAt === -1 ? "" : text.slice(scopeAt);
  return groups.map((group) => group.toString(16)).join(":") + scope;
}

/** `/ADDRESS:PORT` as Java prints a peer that was never looked up by name (InetSocketAddress.toString). */
export function javaSocketAddress(text: string, port: number): string {
  const address = javaAddress(text);
  return address.includes(":") ? `/[${address}]:${port}` : `/${address}:${port}`;
}

/** The eight 16-bit groups of an IPv6 address, or null when `text` is none. */
function groupsOf(text: string): number[] | null {
  const halves = text.split("::");
  if (halves.length > 2) return null;
  const head = groupList(halves[0]!);
  const tail = halves.length === 2 ? groupList(halves[1]!) : [];
  if (head === null || tail === null) return null;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) return null;
  return [...head, ...Array.from({ length: missing }, () => 0), ...tail];
}

/** Groups between colons, where the last may be a dotted quad that stands for two. */
function groupList(text: string): number[] | null {
  if (text === "") return [];
  const groups: number[] = [];
  const pieces = text.split(":");
  for (const [index, piece] of pieces.entries()) {
    const quad = index === pieces.length - 1 ? quadOf(piece) : null;
    if (quad !== null) groups.push(...quad);
    else if (/^[0-9a-f]{1,4}$/i.test(piece)) groups.push(Number.parseInt(piece, 16));
    else return null;
  }
  return groups;
}

function quadOf(text: string): [number, number] | null {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  if (match === null) return null;
  const [a, b, c, d] = match.slice(1).map(Number) as [number, number, number, number];
  return a > 255 || b > 255 || c > 255 || d > 255 ? null : [(a << 8) | b, (c << 8) | d];
}

function bytesOf(group: number): string {
  return `${group >> 8}.${group & 0xff}`;
}
