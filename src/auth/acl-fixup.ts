/**
 * The fix-up of a list that a client supplied with create or setACL: what is stored is not always what was sent.
 *
 *   duplicates      dropped, the first one stays
 *   world:anyone    kept
 *   auth:(ignored)  replaced by an entry for each identity of the caller that proves who it is, with the same perms;
 *                   what that makes is not searched for duplicates again
 *   others          kept if their provider exists and finds the id valid
 *
 * Everything else is InvalidACL, an empty list too. Perms are not looked at: 0 and 999 are stored as sent. The fix-up
 * happens with skipACL as well, and before anybody asks whether the znode or its parent exists.
 *
 * Quirk: where ZooKeeper trips over a null string (comparing duplicates, `world` without id, an id its provider wants
 * to parse) the client gets MarshallingError, its code for unexpected exceptions. So it does here.
 * Source: PrepRequestProcessor.fixupACL and removeDuplicates.
 */

import { ErrorCode } from "#protocol/error-code.ts";
import type { Acl } from "./acl.ts";
import type { Identity } from "./identity.ts";
import type { ProviderRegistry } from "./provider-registry.ts";

/**
 * Entries that a list may have, sent or expanded. ZooKeeper has no such limit; but a frame of a megabyte has room for fifty
 * thousand `auth` entries, each of which stands for all identities of the caller.
 */
export const aclEntriesMax = 4096;

export type FixedAcl =
  | { readonly kind: "fixed"; readonly acls: readonly Acl[] }
  | { readonly kind: "refused"; readonly code: ErrorCode };

/** Judges and expands `acls` for a caller with these identities. */
export function fixupAcl(
  acls: readonly Acl[] | null,
  identities: readonly Identity[],
  registry: ProviderRegistry,
): FixedAcl {
  if (acls === null || acls.length === 0 || acls.length > aclEntriesMax) return invalidAcl;
  const distinct = withoutDuplicates(acls);
  if (distinct === null) return unexpectedNull;
  const fixed: Acl[] = [];
  for (const acl of distinct) {
    const refusal = fixupEntry(acl, identities, registry, fixed);
    if (refusal !== null) return refusal;
    if (fixed.length > aclEntriesMax) return invalidAcl;
  }
  return { kind: "fixed", acls: fixed };
}

const invalidAcl: FixedAcl = { kind: "refused", code: ErrorCode.invalidAcl };
const unexpectedNull: FixedAcl = { kind: "refused", code: ErrorCode.marshallingError };

/** Appends what the entry becomes to `fixed`, or returns the refusal. */
function fixupEntry(
  acl: Acl,
  identities: readonly Identity[],
  registry: ProviderRegistry,
  fixed: Acl[],
): FixedAcl | null {
  if (acl.scheme === null) return invalidAcl;
  if (acl.scheme === "auth") return expandAuth(acl.perms, identities, registry, fixed) ? null : invalidAcl;
  if (acl.scheme === "world" && acl.id === null) return unexpectedNull;
  if (acl.scheme !== "world" || acl.id !== "anyone") {
    const provider = registry.get(acl.scheme);
    if (provider === undefined) return invalidAcl;
    if (acl.id === null) return unexpectedNull;
    if (!provider.isValidId(acl.id)) return invalidAcl;
  }
  fixed.push(acl);
  return null;
}

/** @returns false when no identity proves who the caller is. */
function expandAuth(perms: number, identities: readonly Identity[], registry: ProviderRegistry, fixed: Acl[]): boolean {
  let isAuthenticated = false;
  for (const { scheme, id } of identities) {
    if (registry.get(scheme)?.isAuthenticated !== true) continue;
    isAuthenticated = true;
    fixed.push({ perms, scheme, id });
  }
  return isAuthenticated;
}

/**
 * The entries without repetitions, or null where Java's comparison meets a null: it asks the later entry for its scheme
 * and id, each only if everything before was equal.
 */
function withoutDuplicates(acls: readonly Acl[]): readonly Acl[] | null {
  if (acls.length === 1) return acls;
  const distinct: Acl[] = [];
  for (const acl of acls) {
    let isKnown = false;
    for (const earlier of distinct) {
      if (acl.perms !== earlier.perms) continue;
      if (acl.scheme === null) return null;
      if (acl.scheme !== earlier.scheme) continue;
      if (acl.id === null) return null;
      if (acl.id !== earlier.id) continue;
      isKnown = true;
      break;
    }
    if (!isKnown) distinct.push(acl);
  }
  return distinct;
}
