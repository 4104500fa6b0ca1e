/**
 * 64-bit numbers without BigInt. A zxid is epoch (high 32 bits) and counter (low 32 bits); a session id and a digest
 * are 64 bits as well. On the request path such a number stays two 32-bit halves, each an int32 as `|0` leaves it,
 * read from and written to bytes in place. BigInt appears at the edges only: text, generated records, tests.
 */

/** The last epoch: the upper half of a zxid, which is not negative. */
export const epochMax = 0x7fff_ffff;

/** A zxid in halves. */
export interface ZxidHalves {
  readonly zxidHigh: number;
  readonly zxidLow: number;
}

/** Signed 64-bit value of two halves. */
export function longOf(high: number, low: number): bigint {
  return (BigInt(high | 0) << 32n) | BigInt(low >>> 0);
}

/** High half of a 64-bit value, as an int32. */
export function highOf(value: bigint): number {
  return Number(BigInt.asIntN(32, value >> 32n));
}

/** Low half of a 64-bit value, as an int32. */
export function lowOf(value: bigint): number {
  return Number(BigInt.asIntN(32, value));
}

/** High half of a non-negative integer below 2^53 (a time in milliseconds, a TTL). */
export function highOfNumber(value: number): number {
  return Math.floor(value / 0x100000000) | 0;
}

/** Low half of a non-negative integer below 2^53. */
export function lowOfNumber(value: number): number {
  return value | 0;
}

/** The number that two halves spell, exact below 2^53 in magnitude. */
export function numberOf(high: number, low: number): number {
  return (high | 0) * 0x100000000 + (low >>> 0);
}

/** Signed comparison of two 64-bit numbers given as halves: negative, zero or positive. */
export function compareHalves(aHigh: number, aLow: number, bHigh: number, bLow: number): number {
  if ((aHigh | 0) !== (bHigh | 0)) return (aHigh | 0) < (bHigh | 0) ? -1 : 1;
  const a = aLow >>> 0;
  const b = bLow >>> 0;
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Lower-case hexadecimal without prefix or padding, as Java's Long.toHexString prints it. */
export function hexOfHalves(high: number, low: number): string {
  const h = high >>> 0;
  const l = low >>> 0;
  return h === 0 ? l.toString(16) : h.toString(16) + l.toString(16).padStart(8, "0");
}
