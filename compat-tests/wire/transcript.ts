/**
 * A reply as a line of text in which every byte is either spelt out or replaced by a name, so that two servers' lines are
 * equal exactly when their bytes are, time and id fields aside:
 *
 *   zxid              `+3`      distance to the zxid at the start of the scenario; 0 and -1 as they are
 *   ctime, mtime      `T`       any time of this run; a different one (or ctime != mtime of a fresh znode) is spelt out
 *   session ids       `S1`      in the order in which the scenario met them
 *   passwords         `P`       when it is the one that the id's algorithm gives; else its hex digits
 *   unordered lists             children, ephemerals, identities: sorted, since ZooKeeper gives hash order
 *
 * Bytes behind the record that an opcode's success promises, or behind an error header, follow as `rest=`.
 */

import { op } from "./requests.ts";
import { Reader, type ReplyAcl, type Stat } from "./reader.ts";

/** Times outside the run are wrong, however the two machines' clocks differ. */
const clockSlackMs = 10_000n;

export class Names {
  readonly #baseZxid: bigint;
  readonly #startMs = BigInt(Date.now());
  readonly #sessions = new Map<bigint, string>();
  /** Sort ACL lists too: identities expand in hash order. */
  readonly sortAcl: boolean;

  constructor(baseZxid: bigint, sortAcl = false) {
    this.#baseZxid = baseZxid;
    this.sortAcl = sortAcl;
  }

  zxid(value: bigint): string {
    if (value === 0n || value === -1n) return value.toString();
    const distance = value - this.#baseZxid;
    return distance >= 0n ? `+${distance}` : distance.toString();
  }

  time(valueMs: bigint): string {
    if (valueMs === 0n) return "0";
    const isNow = valueMs >= this.#startMs - 600_000n && valueMs <= BigInt(Date.now()) + clockSlackMs;
    return isNow ? "T" : valueMs.toString();
  }

  session(id: bigint): string {
    if (id === 0n) return "0";
    const known = this.#sessions.get(id) ?? `S${this.#sessions.size + 1}`;
    this.#sessions.set(id, known);
    return known;
  }

  /** The name of a session that the scenario has met; others get none. */
  knownSession(id: bigint): string {
    return this.#sessions.get(id) ?? "another session";
  }
}

/** The password that belongs to a session id: 16 bytes of java.util.Random seeded with the id. */
export function passwordOf(sessionId: bigint): Buffer {
  const mask = (1n << 48n) - 1n;
  let seed = (sessionId ^ 0xb3415c00n ^ 0x5deece66dn) & mask;
  const password = Buffer.alloc(16);
  for (let word = 0; word < 4; word++) {
    seed = (seed * 0x5deece66dn + 0xbn) & mask;
    password.writeUInt32LE(Number((seed >> 16n) & 0xffffffffn), word * 4);
  }
  return password;
}

/** A ConnectResponse as text. */
export function describeHandshake(frame: Buffer | null, names: Names): string {
  if (frame === null) return "closed";
  if (frame.length < 20) return `0x${frame.toString("hex")}`;
  const reader = new Reader(frame);
  const version = reader.int();
  const timeoutMs = reader.int();
  const id = reader.long();
  const password = reader.buffer();
  const isExpected = password !== null && id !== 0n && passwordOf(id).equals(password);
  const passwordText = isExpected ? "P" : (password?.toString("hex") ?? "null");
  return `connected version=${version} timeout=${timeoutMs} session=${names.session(id)} password=${passwordText}${rest(reader)}`;
}

export interface Header {
  readonly xid: number;
  readonly zxid: bigint;
  readonly err: number;
}

export function headerOf(frame: Buffer): Header {
  const reader = new Reader(frame);
  return { xid: reader.int(), zxid: reader.long(), err: reader.int() };
}

/**
 * Whether a frame is a notification. Its xid, -1, may be that of a reply too, if a client chose it for a request: an event
 * has a type and a state that no record begins with, and ends behind its path.
 */
export function isEvent(frame: Buffer): boolean {
  if (frame.length < 28 || frame.readInt32BE(0) !== -1 || frame.readInt32BE(12) !== 0) return false;
  return eventNames.has(frame.readInt32BE(16)) && frame.length === 28 + Math.max(0, frame.readInt32BE(24));
}

/** A reply to a request of opcode `code`, or a notification (null), as text; what cannot be read is spelt out. */
export function describeReply(code: number | null, frame: Buffer, names: Names): string {
  try {
    return readReply(code, frame, names);
  } catch (error) {
    if (error instanceof RangeError) return `undecodable (${error.message}) 0x${frame.toString("hex")}`;
    throw error;
  }
}

function readReply(code: number | null, frame: Buffer, names: Names): string {
  const reader = new Reader(frame);
  const header = { xid: reader.int(), zxid: reader.long(), err: reader.int() };
  const start = `xid=${header.xid} zxid=${names.zxid(header.zxid)} err=${header.err}`;
  if (header.err !== 0) {
    // A multiRead that fails half-way brings what it has read.
    const hasParts = code === op.multiRead && reader.left > 0;
    return `${start}${hasParts ? ` ${multiText(reader, names)}` : ""}${rest(reader)}`;
  }
  const body = code === null ? event(reader) : bodyOf(code, reader, names);
  return `${start}${body === "" ? "" : ` ${body}`}${rest(reader)}`;
}

function rest(reader: Reader): string {
  return reader.left === 0 ? "" : ` rest=${reader.rest().toString("hex")}`;
}

const eventNames = new Map([
  [1, "NodeCreated"],
  [2, "NodeDeleted"],
  [3, "NodeDataChanged"],
  [4, "NodeChildrenChanged"],
]);

function event(reader: Reader): string {
  const type = reader.int();
  return `event ${eventNames.get(type) ?? type} state=${reader.int()} ${JSON.stringify(reader.ustring())}`;
}

function bodyOf(code: number, reader: Reader, names: Names): string {
  switch (code) {
    case op.create:
    case op.sync:
      return JSON.stringify(reader.ustring());
    case op.create2:
    case op.createContainer:
    case op.createTTL:
      return `${JSON.stringify(reader.ustring())} ${statText(reader.stat(), names)}`;
    case op.exists:
    case op.setData:
    case op.setACL:
      return statText(reader.stat(), names);
    case op.getData:
    case op.reconfig:
      return `${dataText(reader.buffer())} ${statText(reader.stat(), names)}`;
    case op.getACL:
      return `${aclText(reader.acl(), names)} ${statText(reader.stat(), names)}`;
    case op.getChildren:
    case op.getEphemerals:
      return sortedList(reader);
    case op.getChildren2:
      return `${sortedList(reader)} ${statText(reader.stat(), names)}`;
    case op.getAllChildrenNumber:
    case op.addWatch:
      return String(reader.int());
    case op.whoAmI:
      return identities(reader);
    case op.sasl:
      return dataText(reader.buffer());
    case op.multi:
    case op.multiRead:
      return multiText(reader, names);
    default:
      return "";
  }
}

function multiText(reader: Reader, names: Names): string {
  const parts: string[] = [];
  for (;;) {
    const type = reader.int();
    const done = reader.byte();
    const err = reader.int();
    if (done !== 0) return `[${parts.join(" | ")} | end type=${type} done=${done} err=${err}]`;
    const body = type === -1 ? `error=${reader.int()}` : bodyOf(type, reader, names);
    parts.push(`type=${type} err=${err}${body === "" ? "" : ` ${body}`}`);
  }
}

/** Printable data as text, any other as hex; null is not the empty string. */
export function dataText(data: Buffer | null): string {
  if (data === null) return "null";
  if (data.length > 200) return `${data.length} bytes 0x${data.subarray(0, 16).toString("hex")}...`;
  const text = data.toString("utf8");
  return /^[\x20-\x7e]*$/.test(text) ? JSON.stringify(text) : `0x${data.toString("hex")}`;
}

export function aclText(acl: ReplyAcl[] | null, names: Names): string {
  if (acl === null) return "acl=null";
  const entries = acl.map((entry) => `${entry.perms}:${entry.scheme}:${entry.id}`);
  return `acl=[${(names.sortAcl ? entries.sort() : entries).join(", ")}]`;
}

export function statText(stat: Stat, names: Names): string {
  const isOddlyTimed = stat.czxid === stat.mzxid && stat.ctime !== stat.mtime && stat.version === 0;
  return [
    `stat{c=${names.zxid(stat.czxid)}`,
    `m=${names.zxid(stat.mzxid)}`,
    `p=${names.zxid(stat.pzxid)}`,
    `ctime=${names.time(stat.ctime)}`,
    `mtime=${isOddlyTimed ? stat.mtime : names.time(stat.mtime)}`,
    `v=${stat.version},${stat.cversion},${stat.aversion}`,
    `owner=${names.session(stat.ephemeralOwner)}`,
    `length=${stat.dataLength}`,
    `children=${stat.numChildren}}`,
  ].join(" ");
}

function sortedList(reader: Reader): string {
  const items = reader.vector(() => reader.ustring());
  return items === null ? "null" : JSON.stringify(items.map((item) => item ?? "(null)").sort());
}

function identities(reader: Reader): string {
  const items = reader.vector(() => `${reader.ustring() ?? "(null)"}:${reader.ustring() ?? "(null)"}`);
  return items === null ? "null" : JSON.stringify(items.sort());
}
