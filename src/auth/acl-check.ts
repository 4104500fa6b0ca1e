/**
 * May this caller do that? A list allows an operation if one of its entries has one of the wanted permissions and means
 * the caller; a list without entries allows everything, and so does an identity of the scheme `super`. Nothing denies:
 * the order of entries does not matter.
 *
 * A mask of several permissions is satisfied by any of them (getACL wants READ or ADMIN). Whoever needs all must ask one
 * by one. `skipACL` is not known here: with it nobody asks.
 * Source: ZooKeeperServer.checkACL, FinalRequestProcessor (getACL).
 */

import type { Acl } from "./acl.ts";
import { superScheme, type Identity } from "./identity.ts";
import type { ProviderRegistry } from "./provider-registry.ts";

/**
 * Whether the list allows one of `perms`; false is answered with NoAuth.
 * @param acls the znode's list, null or empty where it has none.
 * @param perms bits of Permission.
 */
export function checkAcl(
  acls: readonly Acl[] | null,
  perms: number,
  identities: readonly Identity[],
  registry: ProviderRegistry,
): boolean {
  if (acls === null || acls.length === 0) return true;
  for (const identity of identities) if (identity.scheme === superScheme) return true;
  registry.comparisons += acls.length * identities.length;
  for (const acl of acls) {
    if ((acl.perms & perms) !== 0 && isMeant(acl, identities, registry)) return true;
  }
  return false;
}

/**
 * The list as getACL shows it to a caller without ADMIN: an id of the scheme digest keeps its user and loses its hash
 * (`user:x`), others are shown as they are.
 */
export function maskDigests(acls: readonly Acl[]): Acl[] {
  return acls.map((acl) =>
    acl.scheme === "digest" && acl.id !== null ? { ...acl, id: acl.id.replace(secretPart, ":x") } : acl,
  );
}

/** From a colon to the end of the line, in each line; lines end where Java's regular expressions say they do. */
const secretPart = /:[^\n\r\u0085\u2028\u2029]*/g;

function isMeant(acl: Acl, identities: readonly Identity[], registry: ProviderRegistry): boolean {
  const { scheme, id } = acl;
  if (scheme === null || id === null) return false;
  if (scheme === "world" && id === "anyone") return true;
  const provider = registry.get(scheme);
  if (provider === undefined) return false;
  for (const identity of identities) {
    if (identity.scheme === scheme && provider.matches(identity.id, id)) return true;
  }
  return false;
}
