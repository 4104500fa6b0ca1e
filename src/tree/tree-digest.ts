/**
 * The tree digest: one 64-bit number that two servers compare to know that their trees are equal.
 *
 *   digest      sum over znodes of CRC32(path | data | stat), modulo 2^64
 *   stat        czxid mzxid pzxid ctime mtime version cversion aversion ephemeralOwner: the stored values, 60 bytes
 *
 * Znodes below /zookeeper do not count; /zookeeper and the root do, the root with an empty path. Being a sum, the
 * digest is kept up to date by subtracting a znode's old share and adding its new one.
 * Source: DigestCalculator.java, AdHash.java.
 */

/** Version that transactions and snapshots carry beside the digest. */
export const digestVersion = 2;

/** A sum modulo 2^64 of unsigned 32-bit shares, in two halves. */
export class DigestSum {
  high = 0;
  low = 0;

  set(high: number, low: number): void {
    this.high = high | 0;
    this.low = low | 0;
  }

  /** Adds a share: an int32 read as unsigned. */
  add(share: number): void {
    const sum = (this.low >>> 0) + (share >>> 0);
    this.low = sum | 0;
    if (sum > 0xffffffff) this.high = (this.high + 1) | 0;
  }

  subtract(share: number): void {
    const difference = (this.low >>> 0) - (share >>> 0);
    this.low = difference | 0;
    if (difference < 0) this.high = (this.high - 1) | 0;
  }
}
