/**
 * The scheme `ensemble`: not an identity but a check that a client has come to the right ensemble. The packet's data is
 * the ensemble's name as the client knows it. A wrong name costs the connection without an answer: an AuthFailed would
 * end the client, while a lost connection makes it try its next server.
 * Source: EnsembleAuthenticationProvider.java.
 */

import { asBuffer, decodeUtf8 } from "#jute/reader.ts";
import type { AuthenticationProvider, AuthOutcome, Caller } from "./authentication-provider.ts";

const accepted: AuthOutcome = { kind: "accepted", identities: [] };
const disconnected: AuthOutcome = { kind: "disconnected" };

export class EnsembleProvider implements AuthenticationProvider {
  readonly scheme = "ensemble";
  readonly isAuthenticated = false;
  readonly #names: ReadonlySet<string> | null;

  /** @param names the comma-separated names of `ensembleAuthName`; null accepts every name. */
  constructor(names: string | null) {
    this.#names = names === null ? null : new Set(names.split(",").map((name) => name.trim()));
  }

  authenticate(_caller: Caller, data: Uint8Array | null): AuthOutcome {
    if (data === null || data.length === 0 || this.#names === null) return accepted;
    return this.#names.has(decodeUtf8(asBuffer(data), 0, data.length)) ? accepted : disconnected;
  }

  isValidId(): boolean {
    return false;
  }

  matches(): boolean {
    return false;
  }

  userName(id: string): string {
    return id;
  }
}
