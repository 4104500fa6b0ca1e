/**
 * Well-made requests, spoilt: cut short at any depth, followed by bytes that belong to nobody, or with a length that lies.
 *
 * Requests whose misreading would end the real server are only cut or prolonged: a createTTL, whose TTL and flag must
 * not be taken for each other, and the texts of quotas.
 */

import { int } from "./bytes.ts";
import type { Dice } from "./dice.ts";
import { op, request, type Request } from "./requests.ts";

/** Lengths and counts that no record has: null, negative, more than there is, more than a frame may hold. */
const lies = [-1, -2, -2_147_483_648, 2_147_483_647, 0x10_0000, 0x7fff, 1000];

const withData: ReadonlySet<number> = new Set([op.create, op.create2, op.createContainer, op.setData]);
const withoutPath: ReadonlySet<number> = new Set([op.ping, op.whoAmI, op.multi, op.multiRead, op.reconfig]);

/** The request with its body spoilt in one place. */
export function mangled(dice: Dice, whole: Request): Request {
  const { body } = whole;
  const places = lengthPlaces(whole);
  switch (dice.below(places.length === 0 ? 2 : 4)) {
    case 0: {
      const kept = dice.below(body.length + 1);
      return request(whole.op, body.subarray(0, kept), `${whole.title}, cut after ${kept} bytes`);
    }
    case 1: {
      const more = Buffer.concat([body, dice.bytes(1 + dice.below(20))]);
      return request(whole.op, more, `${whole.title}, and ${more.length - body.length} bytes more`);
    }
    default: {
      const at = dice.pick(places);
      const lie = dice.pick(lies);
      const changed = Buffer.concat([body.subarray(0, at), int(lie), body.subarray(at + 4)]);
      return request(whole.op, changed, `${whole.title}, with length ${lie} at byte ${at}`);
    }
  }
}

/** Where a body holds a length: its path's, its data's, its first list's. */
function lengthPlaces({ op: code, body }: Request): number[] {
  if (code === op.createTTL || withoutPath.has(code) || body.length < 4) return [];
  if (code === op.setWatches || code === op.setWatches2) return [8];
  const afterPath = 4 + Math.max(0, body.readInt32BE(0));
  if (code === op.setACL) return [0, afterPath];
  if (!withData.has(code)) return [0];
  const afterData = afterPath + 4 + Math.max(0, body.readInt32BE(afterPath));
  return code === op.setData ? [0, afterPath] : [0, afterPath, afterData];
}
