/**
 * Session passwords: what a client shows to get its session back, on this server or another. It is computed from the
 * session id, so nothing is stored and every server of an ensemble, ours or Java's, gives the same sixteen bytes:
 * java.util.Random, seeded with the id XOR a constant, filled four times.
 *
 *   seed  = (id XOR 0xB3415C00 XOR 0x5DEECE66D) mod 2^48
 *   four times: seed = (seed * 0x5DEECE66D + 0xB) mod 2^48; emit bits 16-47, least significant byte first
 *
 * It proves little: anybody who knows the id can compute it, and the top 16 bits of the id do not count. The 48-bit
 * seed is kept as two halves of 24 bits, whose products are exact in a double.
 * Source: ZooKeeperServer.generatePasswd, java.util.Random.
 */

export const passwordBytes = 16;

const halfRange = 0x1000000;
const multiplierHigh = 0x5de;
const multiplierLow = 0xece66d;

/** Writes the session's password to `target[offset, offset + 16)`. */
export function writePassword(idHigh: number, idLow: number, target: Uint8Array, offset: number): void {
  const mixedLow = (idLow ^ 0xb3415c00 ^ 0xdeece66d) >>> 0;
  let seedHigh = (((idHigh ^ 0x5) & 0xffff) << 8) | (mixedLow >>> 24);
  let seedLow = mixedLow & 0xffffff;
  for (let at = offset; at < offset + passwordBytes; at += 4) {
    const low = seedLow * multiplierLow + 0xb;
    const high = seedHigh * multiplierLow + seedLow * multiplierHigh + Math.floor(low / halfRange);
    seedLow = low % halfRange;
    seedHigh = high % halfRange;
    target[at] = seedLow >>> 16;
    target[at + 1] = seedHigh;
    target[at + 2] = seedHigh >>> 8;
    target[at + 3] = seedHigh >>> 16;
  }
}

/**
 * Whether `password` is the session's. Id 0 has none, and a password of another length than sixteen bytes is wrong.
 * @param password null where the client sent null.
 */
export function isPassword(idHigh: number, idLow: number, password: Uint8Array | null): boolean {
  if (password === null || password.length !== passwordBytes || (idHigh === 0 && idLow === 0)) return false;
  writePassword(idHigh, idLow, scratch, 0);
  let difference = 0;
  for (let i = 0; i < passwordBytes; i++) difference |= scratch[i]! ^ password[i]!;
  return difference === 0;
}

const scratch = new Uint8Array(passwordBytes);
