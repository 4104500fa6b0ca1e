/**
 * The same complaint about clients at most once a second, whoever storms a port: a line for each would fill the disk, and who
 * reads the log slowly would hold up the server. Source: RateLogger.java.
 */

const intervalMs = 1000;

export class RareLine {
  #nextMs = Number.NEGATIVE_INFINITY;

  /** Whether the line may be written now; asked when there is reason for it. */
  isDue(nowMs: number): boolean {
    if (nowMs < this.#nextMs) return false;
    this.#nextMs = nowMs + intervalMs;
    return true;
  }
}
