/**
 * Session ids: unique over the ensemble without anybody being asked, because every server hands out its own.
 *
 *   server id 8 bits | milliseconds 40 bits | counter 16 bits, carrying upward
 *
 * The milliseconds are the low 40 bits of a clock when the server took up its role; a server that lives on after 65536
 * sessions runs into the bits of the clock, at a pace the clock is ahead of. A standalone server has id 1, a member its
 * myid, of which only the low byte is kept. The clock only has to be further on at every start: the wall clock will do.
 * Source: SessionTrackerImpl.initializeNextSessionId.
 */

/** Hands out session ids as two int32 halves, without an object for each. */
export class SessionIds {
  /** The id handed out last. */
  idHigh = 0;
  idLow = 0;
  #nextHigh: number;
  #nextLow: number;

  /** @param clockMs a non-negative integer. */
  constructor(serverId: number, clockMs: number) {
    this.#nextHigh = ((serverId & 0xff) << 24) | (Math.floor(clockMs / 0x10000) & 0xffffff);
    this.#nextLow = (clockMs & 0xffff) << 16;
    // 0x8000000000000000 is the owner of every container, and so nobody's session.
    if (this.#nextHigh === -0x80000000 && this.#nextLow === 0) this.#nextLow = 1;
  }

  /** Moves idHigh and idLow on to an id that was not handed out before. */
  next(): void {
    this.idHigh = this.#nextHigh;
    this.idLow = this.#nextLow;
    this.#nextLow = (this.#nextLow + 1) | 0;
    if (this.#nextLow === 0) this.#nextHigh = (this.#nextHigh + 1) | 0;
  }
}
