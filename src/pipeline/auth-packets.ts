/**
 * auth and sasl packets, which are answered the moment they are read and may overtake replies of earlier requests. They
 * do not keep a session alive.
 *
 *   AuthPacket       type int (ignored) | scheme ustring | auth buffer
 *   GetSASLRequest   token buffer
 *
 * A failed proof costs the connection, not the session. A server without SASL answers a token with ok and no token,
 * which clients take for "not needed".
 * Source: ZooKeeperServer.processPacket, processSasl.
 */

import { addIdentities } from "#auth/identity.ts";
import type { ProviderRegistry } from "#auth/provider-registry.ts";
import { MarshallingError, type JuteReader } from "#jute/reader.ts";
import { ErrorCode } from "#protocol/error-code.ts";
import { beginReply, endReply, writeReply } from "#protocol/reply.ts";
import type { Client } from "./client.ts";
import type { Outbox } from "./outbox.ts";

/** Identities that one connection may gather; every ACL check looks at them. */
const identitiesMax = 1000;

export class AuthPackets {
  readonly #registry: ProviderRegistry;
  readonly #outbox: Outbox;

  constructor(registry: ProviderRegistry, outbox: Outbox) {
    this.#registry = registry;
    this.#outbox = outbox;
  }

  /** @returns false when the connection is to be closed without an answer. */
  authenticate(client: Client, xid: number, reader: JuteReader): boolean {
    let scheme: string | null;
    let data: Buffer | null;
    try {
      reader.skip(4);
      scheme = reader.readString();
      data = reader.readBuffer();
    } catch (error) {
      if (error instanceof MarshallingError) return false;
      throw error;
    }
    const outcome = this.#registry.authenticate(scheme, { address: client.javaAddress }, data);
    switch (outcome.kind) {
      case "accepted": {
        const identities = addIdentities(client.identities, outcome.identities);
        if (identities.length > identitiesMax) return this.#refuse(client, xid);
        client.identities = identities;
        writeReply(this.#outbox.open(client), xid, 0, 0, ErrorCode.ok);
        return true;
      }
      case "refused":
        return this.#refuse(client, xid);
      case "disconnected":
        return false;
    }
  }

  #refuse(client: Client, xid: number): boolean {
    writeReply(this.#outbox.open(client), xid, 0, 0, ErrorCode.authFailed);
    this.#outbox.closeAfterSending(client);
    return true;
  }

  /** @returns false when the connection is to be closed without an answer. */
  refuseSasl(client: Client, xid: number, reader: JuteReader): boolean {
    try {
      if (reader.readBuffer() === null) return false;
    } catch (error) {
      if (error instanceof MarshallingError) return false;
      throw error;
    }
    const out = this.#outbox.open(client);
    const at = beginReply(out, xid, 0, 0);
    out.writeBuffer(null);
    endReply(out, at);
    return true;
  }
}
