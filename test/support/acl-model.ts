/**
 * Access control as the reference describes it, for the schemes that the tests use: world, auth, digest and ip with IPv4
 * networks. Shares nothing with src/.
 */

import { createHash } from "node:crypto";
import type { Acl } from "./wire-frames.ts";

export type { Acl } from "./wire-frames.ts";

export interface Identity {
  readonly scheme: string;
  readonly id: string;
}

export const perm = { read: 1, write: 2, create: 4, delete: 8, admin: 16 } as const;

/** The identity that an auth packet of the scheme digest proves. */
export function digestIdentity(credentials: string): Identity {
  const hash = createHash("sha1").update(credentials).digest("base64");
  return { scheme: "digest", id: `${credentials.split(":")[0]}:${hash}` };
}

/** Whether a list allows an operation that wants one of these permissions. */
export function mayDo(acl: readonly Acl[], permissions: number, identities: readonly Identity[]): boolean {
  return acl.some(
    (entry) =>
      (entry.perms & permissions) !== 0 &&
      (entry.scheme === "world" || identities.some((identity) => isMeant(entry, identity))),
  );
}

/** What is stored of a list that a client sent, or the error code. */
export function fixUp(acl: readonly Acl[] | null, identities: readonly Identity[]): readonly Acl[] | number {
  if (acl === null || acl.length === 0) return -114;
  const seen = new Set<string>();
  const fixed: Acl[] = [];
  for (const entry of acl) {
    const key = JSON.stringify([entry.perms, entry.scheme, entry.id]);
    if (seen.has(key)) continue;
    seen.add(key);
    if (entry.scheme === "auth") {
      const proven = identities.filter((identity) => identity.scheme === "digest");
      if (proven.length === 0) return -114;
      fixed.push(...proven.map((identity) => ({ perms: entry.perms, ...identity })));
    } else if (isValidEntry(entry)) {
      fixed.push(entry);
    } else {
      return -114;
    }
  }
  return fixed;
}

/** The list as it is shown to somebody without ADMIN. */
export function masked(acl: readonly Acl[]): Acl[] {
  return acl.map((entry) =>
    entry.scheme === "digest" ? { ...entry, id: `${entry.id.slice(0, entry.id.indexOf(":"))}:x` } : entry,
  );
}

function isMeant(entry: Acl, identity: Identity): boolean {
  if (entry.scheme !== identity.scheme) return false;
  if (entry.scheme !== "ip") return entry.id === identity.id;
  const [network, bits = "32"] = entry.id.split("/");
  return bitsOf(network!).slice(0, Number(bits)) === bitsOf(identity.id).slice(0, Number(bits));
}

function bitsOf(address: string): string {
  return address
    .split(".")
    .map((part) => Number(part).toString(2).padStart(8, "0"))
    .join("");
}

function isValidEntry(entry: Acl): boolean {
  switch (entry.scheme) {
    case "world":
      return entry.id === "anyone";
    case "digest":
      return /^[^:]*:[^:]+$/.test(entry.id);
    case "ip":
      return /^\d{1,3}(\.\d{1,3}){3}(\/\d+)?$/.test(entry.id) && Number(entry.id.split("/")[1] ?? 0) <= 32;
    default:
      return false;
  }
}
