/**
 * Looks again instead of going to sleep, for a moment and while that pays.
 *
 * A process that waits for its one client sleeps some ten microseconds at a time, and to be put to sleep and woken takes longer
 * than to answer. So after a read the event loop turns without waiting for a while; whoever writes next finds it awake.
 *
 *   a read soon after the last one    a point: the next wait will be short as well
 *   nothing read in the while         four points less, and sleep
 *   no points, or less                sleep at once, as any process does
 *
 * So at most one wait in five is in vain in the long run, one in four where all are a little too long; and a server that has little
 * to do, or whose clients are far away, sleeps as it did. Compare: net.core.busy_poll of Linux, which wants a privilege, and
 * adaptive spinning of mutexes.
 */

/** How long it looks again. Twice what a client on the same machine takes to read an answer and ask again. */
const whileMs = 0.05;
/** Reads no further apart than this are close: the while, and what it takes to sleep and be woken. */
const closeMs = 0.1;
const pointsMax = 16;
const missPoints = 4;

export class BusyPoll {
  readonly #nowMs: () => number;
  readonly #atTurnEnd: (action: () => void) => void;
  #points = 0;
  #lastReadMs = Number.NEGATIVE_INFINITY;
  #isTurning = false;

  /**
   * @param nowMs a monotonic clock with fractions.
   * @param atTurnEnd calls back once the loop has looked for input, without having waited for any.
   */
  constructor(nowMs: () => number, atTurnEnd: (action: () => void) => void) {
    this.#nowMs = nowMs;
    this.#atTurnEnd = atTurnEnd;
  }

  /** Something was read and has been handled. */
  noteRead(): void {
    const nowMs = this.#nowMs();
    if (nowMs - this.#lastReadMs < closeMs && this.#points < pointsMax) this.#points++;
    this.#lastReadMs = nowMs;
    if (this.#isTurning || this.#points <= 0) return;
    this.#isTurning = true;
    this.#atTurnEnd(this.#turn);
  }

  readonly #turn = (): void => {
    if (this.#nowMs() - this.#lastReadMs < whileMs) {
      this.#atTurnEnd(this.#turn);
      return;
    }
    this.#isTurning = false;
    this.#points -= missPoints;
  };
}
