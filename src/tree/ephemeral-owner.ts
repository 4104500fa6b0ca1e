/**
 * Who owns a znode. One stored 64-bit number says whether it is persistent, belongs to a session, is a container or
 * has a time to live; and this file keeps the znodes of the last three kinds at hand by their ids.
 *
 *   0                             persistent
 *   8000 0000 0000 0000           container
 *   ff | 0000 | ttl (40 bits)     TTL in ms, only with zookeeper.extendedTypesEnabled
 *   any negative number but the container's   TTL written by 3.5.3, only with emulate353TTLNodes as well
 *   anything else                 the session id of an ephemeral
 *
 * With extended types off, an owner that begins with ff is read as a session id: as ZooKeeper does, and dangerous
 * there too, since the znode is then removed with that session, which nobody has.
 * Source: EphemeralType.java, EphemeralTypeEmulate353.java.
 */

import { LongMap } from "#base/long-map.ts";
import { ZnodeKind } from "./znode-store.ts";

/** High half of a container's owner; its low half is 0. */
export const containerOwnerHigh: number = 0x80000000 | 0;
const ttlMarkHigh: number = 0xff000000 | 0;
/** Largest time to live: 40 bits of milliseconds. */
export const ttlMsMax = 0xffffffffff;

/** Which readings of owners are switched on. */
export interface OwnerOptions {
  readonly extendedTypesEnabled: boolean;
  readonly emulate353TtlNodes: boolean;
}

export function kindOfOwner(high: number, low: number, options: OwnerOptions): ZnodeKind {
  if ((high | low) === 0) return ZnodeKind.persistent;
  if (high === containerOwnerHigh && low === 0) return ZnodeKind.container;
  if (options.extendedTypesEnabled) {
    if (high >>> 24 === 0xff || (options.emulate353TtlNodes && high < 0)) return ZnodeKind.ttl;
  }
  return ZnodeKind.ephemeral;
}

/** Stored owner of a TTL znode, high half. */
export function ttlOwnerHigh(ttlMs: number): number {
  return ttlMarkHigh | Math.floor(ttlMs / 0x100000000);
}

/** Time to live in milliseconds: the low 40 bits. */
export function ttlOfOwner(high: number, low: number): number {
  return (high & 0xff) * 0x100000000 + (low >>> 0);
}

/** The znodes that something else may remove: sessions, the container reaper. */
export class OwnedZnodes {
  readonly bySession: LongMap<Set<number>> = new LongMap();
  readonly containers: Set<number> = new Set();
  readonly ttls: Set<number> = new Set();
  #ephemeralCount = 0;

  get ephemeralCount(): number {
    return this.#ephemeralCount;
  }

  add(id: number, kind: ZnodeKind, ownerHigh: number, ownerLow: number): void {
    if (kind === ZnodeKind.persistent) return;
    if (kind === ZnodeKind.container) {
      this.containers.add(id);
    } else if (kind === ZnodeKind.ttl) {
      this.ttls.add(id);
    } else {
      let ids = this.bySession.get(ownerHigh, ownerLow);
      if (ids === undefined) {
        ids = new Set();
        this.bySession.set(ownerHigh, ownerLow, ids);
      }
      ids.add(id);
      this.#ephemeralCount++;
    }
  }

  remove(id: number, kind: ZnodeKind, ownerHigh: number, ownerLow: number): void {
    if (kind === ZnodeKind.persistent) return;
    if (kind === ZnodeKind.container) {
      this.containers.delete(id);
    } else if (kind === ZnodeKind.ttl) {
      this.ttls.delete(id);
    } else {
      const ids = this.bySession.get(ownerHigh, ownerLow);
      if (ids === undefined || !ids.delete(id)) return;
      this.#ephemeralCount--;
      if (ids.size === 0) this.bySession.delete(ownerHigh, ownerLow);
    }
  }
}
