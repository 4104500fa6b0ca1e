/**
 * A scheme of proving and matching identities. One provider owns one scheme: it judges auth packets, says which ids an
 * ACL may name, and matches a caller's id with an ACL's. `world` and `auth` are no providers: they are rules of the
 * ACLs themselves (acl-check.ts, acl-fixup.ts), and an auth packet that names them fails like any unknown scheme.
 * Source: AuthenticationProvider.java.
 */

import type { Identity } from "./identity.ts";

/** What a provider may know of the connection that an auth packet came from. */
export interface Caller {
  /** The peer's address in Java's spelling: dotted, or eight groups without `::`. */
  readonly address: string;
}

/**
 * What became of an auth packet.
 *
 *   accepted      the identities are added (there may be none), the packet is answered with ok
 *   refused       the packet is answered with AuthFailed, then the connection is closed; the session lives on
 *   disconnected  the connection is closed without an answer, so that the client turns to another server
 */
export type AuthOutcome =
  | { readonly kind: "accepted"; readonly identities: readonly Identity[] }
  | { readonly kind: "refused" }
  | { readonly kind: "disconnected" };

export const refused: AuthOutcome = { kind: "refused" };

export interface AuthenticationProvider {
  readonly scheme: string;
  /** Whether an identity of this scheme proves who somebody is, so that the ACL entry `auth` stands for it. */
  readonly isAuthenticated: boolean;
  /** Judges an auth packet; `data` is borrowed, and null if the packet's was. */
  authenticate(caller: Caller, data: Uint8Array | null): AuthOutcome;
  /** Whether an ACL may name this id. */
  isValidId(id: string): boolean;
  /** Whether the caller's `id` is meant by the ACL's `aclId`. Asked for identities of this scheme only. */
  matches(id: string, aclId: string): boolean;
  /** The part of the id that is shown as a user's name. */
  userName(id: string): string;
}
