/**
 * A transaction as the members' logs have it, read by the description of ZooKeeper's bytes and by no code of the server:
 *
 *   session long | cxid int | zxid long | time long | type int | body | digest: version int, long
 */

export interface CommittedTxn {
  readonly session: bigint;
  readonly cxid: number;
  readonly zxid: bigint;
  readonly timeMs: number;
  readonly type: number;
  /** Header, body and digest. */
  readonly bytes: Buffer;
  /** When the first member was seen to have applied it. */
  readonly seenMs: number;
  /** The one before it; null while no member has shown that. */
  previous: bigint | null;
}

const headerBytes = 32;
const multiType = 14;
const errorType = -1;
const digestBytes = 12;
const digestVersion = 2;

/** Its header's fields. */
export function fieldsOf(bytes: Buffer): Pick<CommittedTxn, "session" | "cxid" | "zxid" | "timeMs" | "type"> {
  return {
    session: bytes.readBigInt64BE(0),
    cxid: bytes.readInt32BE(8),
    zxid: bytes.readBigInt64BE(12),
    timeMs: Number(bytes.readBigInt64BE(20)),
    type: bytes.readInt32BE(28),
  };
}

/** The configuration that a reconfiguration makes: what lies behind the znode's path. */
export function configIn({ bytes }: CommittedTxn): Buffer {
  const dataAt = headerBytes + 4 + bytes.readInt32BE(headerBytes);
  return bytes.subarray(dataAt + 4, dataAt + 4 + bytes.readInt32BE(dataAt));
}

/** The error code of a transaction that refuses something, that of the first part of one with several; 0 of others. */
export function errorIn({ type, bytes }: CommittedTxn): number {
  if (type === errorType) return bytes.readInt32BE(headerBytes);
  // count int | type int | length int, code int | ...
  if (type !== multiType || bytes.readInt32BE(headerBytes + 4) !== errorType) return 0;
  return bytes.readInt32BE(headerBytes + 12);
}

/** The tree's digest, which a transaction carries at its end unless it was only seen behind a tree on its way. */
export function digestIn({ bytes }: CommittedTxn): bigint | null {
  const at = bytes.length - digestBytes;
  return at > headerBytes && bytes.readInt32BE(at) === digestVersion ? bytes.readBigUInt64BE(at + 4) : null;
}

/**
 * What two members have of one transaction.
 * @throws Error when it is two: an epoch has one leader, which uses no number twice, so not even what was never committed may differ.
 */
export function joined(
  known: CommittedTxn,
  { bytes, previous }: Pick<CommittedTxn, "bytes" | "previous">,
): CommittedTxn {
  const { zxid } = known;
  const [shorter, longer] = bytes.length > known.bytes.length ? [known.bytes, bytes] : [bytes, known.bytes];
  if (!isSame(shorter, longer)) {
    throw new Error(`two transactions are ${hex(zxid)}: ${known.bytes.toString("hex")} and ${bytes.toString("hex")}`);
  }
  if (known.previous !== null && previous !== null && known.previous !== previous) {
    throw new Error(
      `${hex(zxid)} came behind ${hex(previous)} at a member, and behind ${hex(known.previous)} at another`,
    );
  }
  return {
    ...known,
    bytes: longer === known.bytes ? longer : Buffer.from(longer),
    previous: known.previous ?? previous,
  };
}

/** Behind a tree that is on its way transactions are sent without their digests; nothing else may be missing. */
function isSame(shorter: Buffer, longer: Buffer): boolean {
  if (shorter.length === longer.length) return shorter.equals(longer);
  const { length } = shorter;
  if (longer.length !== length + digestBytes || longer.readInt32BE(length) !== digestVersion) return false;
  return longer.subarray(0, length).equals(shorter);
}

/**
 * All of them as one log.
 * @param firstCounter what the counter of an epoch begins behind.
 * @throws Error when there is a gap, or when members have shown prefixes of different logs.
 */
export function inOrder(committed: Iterable<CommittedTxn>, firstCounter = 0n): CommittedTxn[] {
  const txns = [...committed].sort((a, b) => (a.zxid < b.zxid ? -1 : 1));
  for (const [i, { zxid, previous }] of txns.entries()) {
    const before = txns[i - 1]?.zxid ?? 0n;
    if (previous !== null && previous !== before) {
      throw new Error(`${hex(zxid)} came behind ${hex(previous)} at a member, and behind ${hex(before)} at another`);
    }
    const isEpochStart = (zxid & 0xffffffffn) === firstCounter + 1n && zxid >> 32n > before >> 32n;
    if (!isEpochStart && zxid !== before + 1n) throw new Error(`between ${hex(before)} and ${hex(zxid)} is a gap`);
  }
  return txns;
}

export function hex(zxid: bigint): string {
  return `0x${zxid.toString(16)}`;
}
