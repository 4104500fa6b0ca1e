/**
 * The first words on a connection of the election port, from the server that connects: who it is and where it listens.
 * There is no answer to them.
 *
 *   long version: -65536 one address, -65535 several | long server id | int length | `host:port` [ | `host:port` ]...
 *
 * A first long that is not negative is the bare server id of a server of 3.4. The text is at most 2,048 bytes long.
 * ZooKeeper reads it with a single read: it must leave in one piece.
 * Source: QuorumCnxManager.InitialMessage.
 */

import type { Address } from "#base/java-address.ts";
import { MarshallingError } from "#jute/reader.ts";

export interface InitialMessage {
  readonly sid: bigint;
  /** Addresses that make sense to others; none in the old form. */
  readonly addresses: readonly Address[];
  /** How many bytes it took. */
  readonly length: number;
}

const oneAddressVersion = -65536n;
const addressesVersion = -65535n;
const textBytesMax = 2048;
const textAt = 20;

/** The first words of a server; several addresses take the newer form, which servers of before 3.6 do not know. */
export function encodeInitialMessage(sid: bigint, addresses: readonly Address[]): Buffer {
  const text = Buffer.from(addresses.map(({ host, port }) => `${bracketed(host)}:${port}`).join("|"));
  const bytes = Buffer.alloc(textAt + text.length);
  bytes.writeBigInt64BE(addresses.length > 1 ? addressesVersion : oneAddressVersion, 0);
  bytes.writeBigInt64BE(sid, 8);
  bytes.writeInt32BE(text.length, 16);
  text.copy(bytes, textAt);
  return bytes;
}

/**
 * Reads them from what has come in so far.
 * @returns null when more has to come.
 * @throws MarshallingError when they make no sense: the connection is closed.
 */
export function decodeInitialMessage(bytes: Buffer): InitialMessage | null {
  if (bytes.length < 8) return null;
  const version = bytes.readBigInt64BE(0);
  if (version >= 0n) return { sid: version, addresses: [], length: 8 };
  if (version !== oneAddressVersion && version !== addressesVersion) {
    throw new MarshallingError(`Got unrecognized protocol version ${version}`);
  }
  if (bytes.length < textAt) return null;
  const textBytes = bytes.readInt32BE(16);
  if (textBytes <= 0 || textBytes > textBytesMax)
    throw new MarshallingError(`Unreasonable buffer length: ${textBytes}`);
  const length = textAt + textBytes;
  if (bytes.length < length) return null;
  const texts = bytes.toString("utf8", textAt, length).split("|");
  const addresses = texts.map(parseAddress).filter(({ host }) => !isWildcard(host));
  return { sid: bytes.readBigInt64BE(8), addresses, length };
}

function parseAddress(text: string): Address {
  const parts = /^(?:\[(?<ipv6>[^\]]+)\]|(?<name>[^:]*)):(?<port>\d{1,5})$/.exec(text)?.groups;
  const port = Number(parts?.["port"]);
  if (parts === undefined || port > 65535) throw new MarshallingError(`no address: ${text}`);
  return { host: parts["ipv6"] ?? parts["name"]!, port };
}

function isWildcard(host: string): boolean {
  return host === "0.0.0.0" || /^[0:]+$/.test(host);
}

function bracketed(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}
